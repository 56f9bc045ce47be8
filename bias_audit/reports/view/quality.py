"""How good the evidence is: words lost, controls, placebo, power, sources of uncertainty."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, count, p_value, plain, share, short, signed, times
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index
from bias_audit.results import Check, ProbeRecord, Result, SanityCheck, SkipRecord

_ROWS = 150
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


def quality(index: Index) -> page.Quality:
    """Build the chapter on the quality of the evidence; its prose is in ``quality.html.j2``."""
    audit = index.audit
    main = [result for result in audit.results if result.role == "primary"]
    tables = {
        "coverage": _coverage(index),
        "skips": _skips(index),
        "controls": _controls(index),
        "placebo": _placebo(index, main),
        "power": _power(index, main),
        "checks": checks_overview(main),
        "failed_checks": failed_checks(index, main),
        "variance": _variance(index, main),
        "tests": _p_values(index),
    }
    checks = (audit.sanity, *audit.further_sanity) if audit.sanity else ()
    repeat = audit.determinism
    state = "pass" if all(check.passed for check in checks) else "error"
    return page.Quality(
        sanity=tuple(map(_sanity, checks)),
        sanity_state=state if checks else "skipped",
        repeat=page.Repeat(count=repeat.sentences, tolerance=f"{repeat.tolerance:g}")
        if repeat and checks
        else None,
        tables=tuple((key, table) for key, table in tables.items() if table is not None),
    )


def _sanity(check: SanityCheck) -> page.Sanity:
    measured = check.pseudo_perplexity
    return page.Sanity(
        passed=check.passed,
        language="" if check.language == "en" else check.language,
        perplexity="not available" if measured is None else plain(measured, 1),
        limit=plain(check.perplexity_limit, 0),
        hits=check.cloze_hits,
        asked=check.cloze_asked,
        needed=check.cloze_needed,
        detail=check.detail,
    )


def _coverage(index: Index) -> page.Table | None:
    rows = []
    for probe in index.audit.probes:
        c = probe.coverage
        if c is None:
            continue
        parts = (
            (c.scored_plus, c.requested_plus),
            (c.scored_minus, c.requested_minus),
            (c.terms_scored, c.terms_requested),
            (c.templates_scored, c.templates_requested),
        )
        rows.append(
            (
                page.Cell(text=index.title(probe.id)),
                *(page.Cell(text=f"{done} of {all_}", value=float(done)) for done, all_ in parts),
                page.Cell(text=_pieces(probe)),
            )
        )
    head = ("Probe", "First pole", "Second pole", "Group words", "Frames", "Pieces per word")
    return page.Table(caption="Scored of requested", head=head, rows=tuple(rows)) if rows else None


def _pieces(probe: ProbeRecord) -> str:
    sizes = [target.pieces for target in probe.targets if target.pieces]
    if not sizes:
        return "not recorded"
    return f"{sum(sizes) / len(sizes):.1f} on average, {max(sizes)} at most"


def _skips(index: Index) -> page.Table | None:
    every = dict.fromkeys([*index.audit.skips, *(s for p in index.audit.probes for s in p.skips)])
    grouped: dict[tuple[str, str, str], list[SkipRecord]] = defaultdict(list)
    for skip in every:
        grouped[skip.probe, skip.kind, skip.reason].append(skip)
    rows = tuple(
        (
            page.Cell(text=index.title(probe) if probe else "whole run"),
            page.Cell(text=kind),
            page.Cell(text=words.SKIP_REASONS.get(reason, reason.replace("_", " ")), long=True),
            page.Cell(text=f"{sum(s.count for s in skips):,}", value=sum(s.count for s in skips)),
            page.Cell(text=_examples(skips), long=True),
        )
        for (probe, kind, reason), skips in grouped.items()
    )
    if not rows:
        return None
    note = f"{len(rows) - _ROWS} more rows are in results.json." if len(rows) > _ROWS else ""
    head = ("Probe", "What", "Why", "Times", "Which")
    return page.Table(caption="What was lost, and why", head=head, rows=rows[:_ROWS], note=note)


def _examples(skips: list[SkipRecord]) -> str:
    names = [
        f"{short(skip.what, 60)}{f' ({short(skip.detail, 120)})' if skip.detail else ''}"
        for skip in skips[:8]
    ]
    more = f" and {len(skips) - 8} more" if len(skips) > 8 else ""
    return ", ".join(names) + more


def _controls(index: Index) -> page.Table | None:
    roles = {probe.id: probe.role for probe in index.audit.probes}
    used = {name for probe in index.audit.probes for name in probe.controls}
    rows = []
    for result in index.audit.results:
        role = roles.get(result.probe, "probe")
        if role == "probe" and result.role != "control" and result.id not in used:
            continue
        probe = index.probes.get(result.probe)
        state = result.outcome or (probe.state if probe else None)
        rows.append(
            (
                page.Cell(text=f"{index.title(result.probe)}: {index.versus(result)}", long=True),
                page.Cell(text=words.ROLES.get(role, "control")),
                page.Cell(text=words.effect(result), value=result.estimate, long=True),
                page.Cell(text=state or "not judged", state=state or ""),
            )
        )
    head = ("Control", "Kind", "Measured", "State")
    if not rows:
        return None
    note = "Pass: the control behaved as it must."
    return page.Table(caption="Controls", head=head, rows=tuple(rows[:_ROWS]), note=note)


def _placebo(index: Index, results: list[Result]) -> page.Table | None:
    rows = tuple(
        (
            page.Cell(text=f"{index.title(r.probe)}: {index.versus(r)}", long=True),
            page.Cell(text=words.gap(r), value=r.estimate),
            page.Cell(text=share(r.placebo_percentile), value=r.placebo_percentile),
        )
        for r in results
        if r.placebo_percentile is not None
    )
    head = ("Comparison", "Gap", "Larger than this share of placebo gaps")
    if not rows:
        return None
    return page.Table(caption="Gaps beside placebo gaps", head=head, rows=rows[:_ROWS])


def _power(index: Index, results: list[Result]) -> page.Table | None:
    rows = tuple(
        (
            page.Cell(text=f"{index.title(r.probe)}: {index.versus(r)}", long=True),
            page.Cell(
                text=f"{plain(r.mde80)} {r.unit}"
                + (f" (odds {times(r.mde80)} times)" if r.unit == "nats" else ""),
                value=r.mde80,
            ),
            page.Cell(
                text="not set" if r.margin is None else f"±{plain(r.margin)}", value=r.margin
            ),
            page.Cell(text=_enough(r)),
        )
        for r in results
        if r.mde80 is not None
    )
    head = ("Comparison", "Smallest gap", "Margin", "Enough for the margin?")
    return page.Table(caption="What could be found", head=head, rows=rows[:_ROWS]) if rows else None


def _enough(result: Result) -> str:
    if result.margin is None or result.mde80 is None:
        return "no margin set"
    return "yes" if result.mde80 <= result.margin else "no"


def _variance(index: Index, results: list[Result]) -> page.Table | None:
    keys = list(dict.fromkeys(key for result in results for key in result.variance))
    rows = []
    for result in results:
        total = sum(result.variance.values())
        if total <= 0:
            continue
        top = max(result.variance, key=lambda key: result.variance[key])
        shares = (
            page.Cell(text=share(result.variance[key] / total), value=result.variance[key] / total)
            if key in result.variance
            else page.Cell(text="not part of it")
            for key in keys
        )
        rows.append(
            (
                page.Cell(text=f"{index.title(result.probe)}: {index.versus(result)}", long=True),
                *shares,
                page.Cell(text=_MORE.get(top, f"more {top.replace('_', ' ')}")),
            )
        )
    head = ("Comparison", *(f"From {key}" for key in keys), "What would help most")
    if not rows:
        return None
    return page.Table(caption="Shares of the variance", head=head, rows=tuple(rows[:_ROWS]))


def _p_values(index: Index) -> page.Table | None:
    """The three p-values of each primary result: they answer three different questions."""
    rows = tuple(
        (
            page.Cell(text=f"{index.title(r.probe)}: {index.versus(r)}", long=True),
            page.Cell(text=signed(r.estimate), value=r.estimate),
            page.Cell(
                text="none"
                if r.ci_low is None or r.ci_high is None
                else bounds(r.ci_low, r.ci_high)
            ),
            page.Cell(text="none" if r.df is None else plain(r.df, 1), value=r.df),
            *(
                page.Cell(text="not computed" if p is None else p_value(p), value=p)
                for p in (r.p_value, r.p_adjusted, r.p_sign_flip, r.p_label_exchange)
            ),
            page.Cell(text=r.p_adjustment or "not adjusted", long=True),
        )
        for r in index.audit.results
        if r.role == "primary" and r.estimate is not None
    )
    if not rows:
        return None
    head = (
        "Comparison", "Gap", "Interval", "df", "p", "p (adjusted)", "Sign-flip p", "Exchange p",
        "Adjusted by",
    )  # fmt: skip
    return page.Table(
        caption=f"Tests of {count(len(rows), 'primary comparison')}", head=head, rows=rows[:_ROWS]
    )


def corrections(index: Index) -> tuple[str, str]:
    """How this run adjusted its declared comparisons, and its tables of words."""
    main = [result for result in index.audit.results if result.role == "primary"]
    return (
        _methods([r.p_adjustment for r in main]),
        _methods([r.targets_adjustment for r in main]),
    )


def _methods(methods: Sequence[str]) -> str:
    """Names of methods with their sources, each once; the sizes of families are shown with p."""
    names = dict.fromkeys(one.split(" over ")[0] for one in methods if one)
    return " and ".join(_SOURCES.get(name, name) for name in names)


_CHECK_ROWS = 60
_ORDER = (
    "instrument_failed", "confounded", "p_withheld", "fragile", "incomplete", "unrankable",
    "direction_depends_on_phrasing", "one_target_dominates", "under_powered",
)  # fmt: skip
"""What a reader should meet first."""
_ALWAYS = ("R14",)
"""Checks without a threshold that a reader should see one by one."""


def checks_overview(results: list[Result]) -> page.Table | None:
    """How many comparisons each check held for."""
    by_code: defaultdict[str, list[Check]] = defaultdict(list)
    for result in results:
        for check in result.checks:
            by_code[check.id].append(check)
    rows = []
    for code in (
        *(c for c in words.CHECKS if c in by_code),
        *(c for c in by_code if c not in words.CHECKS),
    ):
        states = Counter(check.state for check in by_code[code])
        follows = Counter(check.consequence for check in by_code[code] if check.consequence)
        rows.append(
            (
                page.Cell(text=words.check(code), long=True),
                *(
                    page.Cell(text=str(states[state]), value=float(states[state]))
                    for state in ("held", "not_held", "described", "not_possible")
                ),
                page.Cell(text=", ".join(map(_spaced, follows)) or "nothing", long=True),
            )
        )
    if not rows:
        return None
    head = ("Check", "Held", "Did not hold", "Only describes", "Not possible", "What follows")
    note = "'bias-audit explain R1a' and so on say what each check asks."
    return page.Table(caption="Checks of the comparisons", head=head, rows=tuple(rows), note=note)


def failed_checks(index: Index, results: list[Result]) -> page.Table | None:
    """Checks that did not hold, the gravest first, and what negated sentences say."""
    pairs = [
        (result, check)
        for result in results
        for check in result.checks
        if check.state == "not_held" or (check.id in _ALWAYS and check.value is not None)
    ]
    if not pairs:
        return None
    pairs.sort(key=lambda pair: _gravity(pair[1]))
    rows = tuple(
        (
            page.Cell(text=f"{index.title(r.probe)}: {index.versus(r)}", long=True),
            page.Cell(text=words.check(c.id), long=True),
            page.Cell(text="none" if c.value is None else plain(c.value, 3), value=c.value),
            page.Cell(text="none" if c.threshold is None else plain(c.threshold, 3)),
            page.Cell(text=_spaced(c.consequence) or "it describes"),
            page.Cell(text=c.note, long=True),
        )
        for r, c in pairs[:_CHECK_ROWS]
    )
    more = len(pairs) - _CHECK_ROWS
    return page.Table(
        caption="Checks that did not hold, and negated sentences",
        head=("Comparison", "Check", "Found", "Threshold", "What follows", "Further"),
        rows=rows,
        note=f"{more} more rows are in results.json." if more > 0 else "",
    )


def unreliable(result: Result) -> str:
    """Why the words of a result must not be ranked; empty where they may."""
    for check in result.checks:
        if check.consequence == "unrankable" and check.value is not None:
            return (
                "Half of the sentences would put these words in another order (split-half "
                f"reliability {plain(check.value)}): none stands out; they are listed by name."
            )
    return ""


def _gravity(check: Check) -> int:
    return _ORDER.index(check.consequence) if check.consequence in _ORDER else len(_ORDER)


def _spaced(code: str) -> str:
    return code.replace("_", " ")
