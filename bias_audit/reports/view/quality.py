"""How good the evidence is: words lost, controls, placebo, power, sources of uncertainty."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import count, p_value, plain, share, short, times
from bias_audit.reports.view.exhibits import (
    Cell,
    Row,
    Table,
    interval,
    number,
    prose,
    ratios,
    table,
)
from bias_audit.reports.view.index import Index
from bias_audit.results import Check, ProbeRecord, Result, SkipRecord
from bias_audit.utils.scales import scale_of

_MORE = {
    "templates": "more sentence frames",
    "terms": "more group words",
    "targets": "more scored words",
}
_SOURCES = {
    "Holm": "Holm (1979)",
    "Benjamini-Yekutieli": "Benjamini and Yekutieli (2001)",
    "Benjamini-Hochberg": "Benjamini and Hochberg (1995)",
    "max-T": "max-T (Westfall and Young 1993)",
}
_GRAVEST_FIRST = (
    "instrument_failed", "incomplete", "confounded", "p_withheld", "fragile", "unrankable",
    "direction_depends_on_phrasing", "one_target_dominates", "under_powered",
)  # fmt: skip


_COVERAGE = ("Probe", "First pole", "Second pole", "Group words", "Frames", "Pieces per word")
_SKIPS = ("Probe", "What", "Why", "Times", "Which")
_CONTROLS = ("Control", "Kind", "Measured", "State")
_CONTROLS_NOTE = (
    "A silent positive control forbids to call a gap small; a loud negative one forbids to call it "
    "an association, for the same groups."
)
_POWER = ("Comparison", "Smallest gap", "Reference margin", "Enough for it?")


def quality(index: Index) -> tuple[tuple[str, Table], ...]:
    """Build the tables on the evidence; their headings are in ``quality.html.j2``."""
    main = [result for result in index.audit.results if result.role == "primary"]
    tables = {
        "coverage": table("Scored of requested", _COVERAGE, _coverage(index)),
        "skips": table("What was lost, and why", _SKIPS, _skips(index)),
        "controls": table("Controls", _CONTROLS, _controls(index), _CONTROLS_NOTE),
        "power": table("What could be found", _POWER, _power(index, main)),
        "checks": checks_overview(index, main),
        "failed_checks": failed_checks(index, main),
        "variance": _variance(index, main),
        "tests": _tests(index, main),
    }
    return tuple((key, one) for key, one in tables.items() if one is not None)


def references(index: Index) -> Iterator[str]:
    """Say what sizes of this run to hold a size against: of nonsense, and of plain grammar."""
    if index.audit.floor is not None:
        yield words.floor(index.audit.floor, index.unit)
    largest: dict[str, Result] = {}
    for result in index.audit.results:
        probe = index.probes.get(result.probe)
        if probe is None or probe.role != "positive_control":
            continue
        if result.unit == index.unit and result.estimate is not None:
            held = largest.get(result.probe)
            if held is None or abs(result.estimate) > abs(held.estimate or 0.0):
                largest[result.probe] = result
    if largest:
        facts = ", ".join(
            f"{index.title(probe)} {times(abs(result.estimate or 0.0), index.unit)}"
            f" {index.scale.noun}{' (does not work)' if result.works is False else ''}"
            for probe, result in sorted(largest.items())
        )
        yield f"What a fact of grammar or of the world is worth here (positive controls): {facts}."
        if any(result.works is False for result in largest.values()):
            yield "A control that does not work is no yardstick."


def _comparison(index: Index, result: Result) -> Cell:
    return prose(f"{index.title(result.probe)}: {index.versus(result)}")


def _coverage(index: Index) -> Iterator[Row]:
    for probe in index.audit.probes:
        c = probe.coverage
        if c is not None:
            parts = (
                (c.scored_plus, c.requested_plus),
                (c.scored_minus, c.requested_minus),
                (c.terms_scored, c.terms_requested),
                (c.templates_scored, c.templates_requested),
            )
            cells = (Cell(f"{scored} of {requested}", scored) for scored, requested in parts)
            yield Cell(index.title(probe.id)), *cells, Cell(_pieces(probe))


def _pieces(probe: ProbeRecord) -> str:
    sizes = [target.pieces for target in probe.targets if target.pieces]
    if not sizes:
        return "not recorded"
    return f"{sum(sizes) / len(sizes):.1f} on average, {max(sizes)} at most"


def _skips(index: Index) -> Iterator[Row]:
    every = dict.fromkeys([*index.audit.skips, *(s for p in index.audit.probes for s in p.skips)])
    grouped: dict[tuple[str, str, str], list[SkipRecord]] = defaultdict(list)
    for skip in every:
        grouped[skip.probe, skip.kind, skip.reason].append(skip)
    for (probe, kind, reason), skips in grouped.items():
        which = ", ".join(
            f"{short(skip.what, 60)}{f' ({short(skip.detail, 120)})' if skip.detail else ''}"
            for skip in skips[:8]
        )
        more = f" and {len(skips) - 8} more" if len(skips) > 8 else ""
        total = sum(skip.count for skip in skips)
        yield (
            Cell(index.title(probe) if probe else "whole run"),
            Cell(kind),
            prose(words.SKIP_REASONS.get(reason, words.spaces(reason))),
            Cell(f"{total:,}", total),
            prose(which + more),
        )


def _controls(index: Index) -> Iterator[Row]:
    used = {name for probe in index.audit.probes for name in probe.controls}
    for result in index.audit.results:
        probe = index.probes.get(result.probe)
        role = probe.role if probe else "probe"
        if role != "probe" or result.role == "control" or result.id in used:
            works = probe.works if probe and result.works is None else result.works
            state = "" if works is None else "works" if works else "faulty"
            yield (
                _comparison(index, result),
                Cell(words.ROLES.get(role, "control")),
                Cell(words.effect(result), result.estimate, long=True),
                Cell(words.PILLS.get(state, "not judged"), state=state),
            )


def _power(index: Index, results: Sequence[Result]) -> Iterator[Row]:
    for r in results:
        if r.mde80 is None:
            continue
        enough = "no margin set"
        if r.margin is not None:
            enough = "yes" if r.mde80 <= r.margin else "no"
        yield (
            _comparison(index, r),
            Cell(words.times_or_number(r.mde80, r.unit), r.mde80),
            Cell(
                "not set" if r.margin is None else words.times_or_number(r.margin, r.unit), r.margin
            ),
            Cell(enough),
        )


def _variance(index: Index, results: Sequence[Result]) -> Table | None:
    sources = ("templates", "terms", "targets")
    keys = [key for key in sources if any(key in result.variance for result in results)]

    def rows() -> Iterator[Row]:
        for result in results:
            total = sum(result.variance.get(key, 0.0) for key in keys)
            if total > 0:
                top = max(keys, key=lambda key: result.variance.get(key, 0.0))
                parts = [result.variance[key] / total if key in result.variance else None
                         for key in keys]  # fmt: skip
                cells = (Cell("not part of it" if p is None else share(p), p) for p in parts)
                help_ = Cell(_MORE.get(top, f"more {words.spaces(top)}"))
                yield _comparison(index, result), *cells, help_

    head = ("Comparison", *(f"From {key}" for key in keys), "What would help most")
    return table("Shares of the variance", head, rows())


def _tests(index: Index, results: Sequence[Result]) -> Table | None:
    """The p-values of each primary result: they answer different questions."""
    rows = [
        (
            _comparison(index, r),
            Cell(words.size_of(r), abs(r.estimate)),
            *_both(r),
            number(r.df, 1),
            *(
                Cell("not computed" if p is None else p_value(p), p)
                for p in (r.p_value, r.p_adjusted, r.p_sign_flip, r.p_label_exchange)
            ),
            prose(r.p_adjustment or "not adjusted"),
        )
        for r in results
        if r.estimate is not None
    ]
    head = (
        "Comparison", words.capital(index.scale.head), "95 % interval, these words",
        "Words of this kind", "df (these words)", "p (words of this kind)", "Adjusted p",
        "Sign-flip p", "Exchange p", "Adjusted by",
    )  # fmt: skip
    return table(f"Tests of {count(len(rows), 'primary comparison')}", head, rows)


def _both(result: Result) -> tuple[Cell, Cell]:
    """The intervals of both claims, seen from the side of the estimate."""
    kind, turned = result.words_of_this_kind, (result.estimate or 0.0) < 0
    if scale_of(result.unit) is None:
        return interval(result.ci_low, result.ci_high), Cell("none")
    unit = result.unit
    own = ratios(result.ci_low, result.ci_high, unit, turned=turned)
    return own, ratios(kind.ci_low, kind.ci_high, unit, turned=turned) if kind else Cell("none")


def corrections(index: Index) -> tuple[str, str]:
    """How this run adjusted its declared comparisons, and its tables of words."""
    main = [result for result in index.audit.results if result.role == "primary"]
    return (
        _methods(result.p_adjustment for result in main),
        _methods(result.targets_adjustment for result in main),
    )


def _methods(methods: Iterator[str]) -> str:
    """Names of methods with their sources, each once; the sizes of families are shown with p."""
    names = dict.fromkeys(one.split(" over ")[0] for one in methods if one)
    return " and ".join(_SOURCES.get(name, name) for name in names)


def checks_overview(index: Index, results: Sequence[Result]) -> Table | None:
    """How many comparisons each check held for."""
    by_code: defaultdict[str, list[Check]] = defaultdict(list)
    for check in (check for result in results for check in result.checks):
        by_code[check.id].append(check)
    order = [*words.CHECKS, *(code for code in by_code if code not in words.CHECKS)]
    rows = []
    for code in (code for code in order if code in by_code):
        states = Counter(check.state for check in by_code[code])
        follows = dict.fromkeys(c.consequence for c in by_code[code] if c.consequence)
        counts = (states[state] for state in ("held", "not_held", "described", "not_possible"))
        rows.append(
            (
                prose(words.check(code, index.unit)),
                *(Cell(str(number), number) for number in counts),
                prose(", ".join(map(words.spaces, follows)) or "nothing"),
            )
        )
    head = ("Check", "Held", "Did not hold", "Only describes", "Not possible", "What follows")
    note = "'bias-audit explain R1a' and so on say what each check asks."
    return table("Checks of the comparisons", head, rows, note)


def failed_checks(index: Index, results: Sequence[Result]) -> Table | None:
    """Checks that did not hold, the gravest first, and what negated sentences say."""

    def gravity(pair: tuple[Result, Check]) -> int:
        code = pair[1].consequence
        return _GRAVEST_FIRST.index(code) if code in _GRAVEST_FIRST else len(_GRAVEST_FIRST)

    pairs = [
        (result, check)
        for result in results
        for check in result.checks
        if check.state == "not_held" or (check.id == "R14" and check.value is not None)
    ]
    rows = (
        (
            _comparison(index, result),
            prose(words.check(check.id, index.unit)),
            number(check.value, 3),
            number(check.threshold, 3),
            Cell(words.spaces(check.consequence) or "it describes"),
            prose(check.note),
        )
        for result, check in sorted(pairs, key=gravity)
    )
    head = ("Comparison", "Check", "Found", "Threshold", "What follows", "Further")
    return table("Checks that did not hold, and negated sentences", head, rows, most=60)


def unreliable(result: Result) -> str:
    """Why the words of a result must not be ranked; empty where they may."""
    for check in result.checks:
        if check.consequence == "unrankable" and check.value is not None:
            return (
                "Half of the sentences would put these words in another order (split-half "
                f"reliability {plain(check.value)}): none stands out; they are listed by name."
            )
    return ""
