"""Several audits side by side: one table of the results that they share."""

from __future__ import annotations

import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.reports import wording as words
from bias_audit.reports.formats import csv as results_csv
from bias_audit.reports.formats import markdown
from bias_audit.reports.formats.html import fill
from bias_audit.reports.formats.markdown import escape
from bias_audit.reports.text import bounds, clean, clip, count, plain, short, size, tidy, with_sign
from bias_audit.reports.view import exhibits
from bias_audit.reports.view.build import CANNOT
from bias_audit.reports.view.charts import interval_row
from bias_audit.reports.view.exhibits import Cell, prose, ratio
from bias_audit.reports.view.index import Index
from bias_audit.results import Result, Results
from bias_audit.results.schema import OUTCOMES

NamedRuns = Sequence[tuple[str, Results]]
"""Runs, each with what it was given as."""
MOST = 26
"""Runs that one page can hold: each has a letter."""
_ROWS, _CELLS, _OMISSIONS = 40, 400, 100
_READ = (
    "Under each comparison there is one line for each model. The dot is its gap, the line through "
    "it the interval of that gap alone, the shaded band the reference margin of the probe. The "
    "comparisons "
    "in which the models lie furthest apart come first."
)
REMARKS = (
    "There is no overall score and no rank: which gap matters depends on what the model is for. "
    "Choose the axes and comparisons that matter for your use first, then read those rows.",
    "Two intervals that overlap can still belong to models that differ. Whether two of these "
    "models differ is told by 'bias-audit compare A B', which pairs their sentences.",
    "A model with fewer associations may simply be less clear: look at the number of open "
    "comparisons, and at the sanity check, before preferring it.",
    CANNOT.replace("It cannot", "This page cannot"),
)


def render(runs: NamedRuns, format: str) -> str:
    """Return the runs side by side; the same ones always give the same text.

    Args:
        runs: two runs or more, in the order in which they are shown.
        format: one of :func:`formats`.

    Raises:
        UnknownNameError: no such format.
        UsageError: fewer than two runs, or more than there are letters.
    """
    if format not in _FORMATS:
        raise UnknownNameError("format of several runs", format, formats())
    if not 2 <= len(runs) <= MOST:
        raise UsageError(
            f"expected 2 to {MOST} runs to set side by side, got {len(runs)}",
            hint="leave out the models that are out of the question",
        )
    return _FORMATS[format](runs)


def formats() -> tuple[str, ...]:
    """Names of the formats, in alphabetical order."""
    return tuple(sorted(_FORMATS))


def _html(runs: NamedRuns) -> str:
    return fill("models.html.j2", build(runs))


def _markdown(runs: NamedRuns) -> str:
    view = build(runs)
    notices = "".join(f"> {escape(text)}\n\n" for text in view.notices)
    start = f"**{escape(view.title)}**: {escape(view.lead)}\n\n{notices}{_lines(view.models)}"
    end = "\n" + "\n".join(f"- {escape(text)}" for text in view.remarks) + "\n"
    tables = [(axis.title, axis.table) for axis in view.axes]
    tables += [("Left out", view.lost)] if view.lost else []
    parts = [f"\n### {escape(title)}\n\n{_lines(table)}" for title, table in tables]
    room = markdown.LIMIT - len(end.encode())
    return markdown.within(start, parts, room, more=" parts, which do not fit here.") + end


def _lines(table: exhibits.Table) -> str:
    rows = (markdown.table_row(cell.text for cell in row) for row in table.rows)
    note = f"\n{escape(table.note)}\n" if table.note else ""
    return markdown.table_head(table.head) + "".join(rows) + note


def _csv(runs: NamedRuns) -> str:
    rows = [
        [name, run.index.audit.model.name, *row]
        for run, (name, results) in zip(_with_letters(runs), runs, strict=True)
        for row in results_csv.rows(results)
    ]
    return results_csv.csv_text(("run", "model", *results_csv.COLUMNS), rows)


_FORMATS: dict[str, Callable[[NamedRuns], str]] = {"csv": _csv, "html": _html, "md": _markdown}


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisPart:
    """What all runs have in common on one axis."""

    name: str
    title: str
    picture: exhibits.Intervals | None
    table: exhibits.Table


@dataclass(frozen=True, kw_only=True, slots=True)
class SideBySide:
    """Several runs, ready to be read."""

    title: str
    lead: str
    notices: tuple[str, ...]
    models: exhibits.Table
    axes: tuple[AxisPart, ...]
    lost: exhibits.Table | None
    """What is not set side by side, and why."""
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One of the runs, with its letter."""

    letter: str
    place: str
    """What the run was given as."""
    index: Index

    @property
    def label(self) -> str:
        return f"{self.letter} · {self.index.audit.model.name}"

    def asks(self, result: Result) -> bool:
        """Whether a result belongs on this page: declared, and of no control."""
        probe = self.index.probes.get(result.probe)
        return result.role == "primary" and probe is not None and probe.role == "probe"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Match:
    """A comparison that every run has, asked in the same version of its probe."""

    title: str
    poles: str
    results: tuple[Result, ...]
    """One for each run."""

    @property
    def apart(self) -> float:
        """The largest gap minus the smallest; -1 where fewer than two runs have a number."""
        values = [r.estimate for r in self.results if r.estimate is not None]
        return max(values) - min(values) if len(values) > 1 else -1.0


def build(named: NamedRuns) -> SideBySide:
    """Turn runs, each with what it was given as, into what their page shows."""
    runs = _with_letters(named)
    matches, lost = _match(runs)
    axes: defaultdict[str, list[_Match]] = defaultdict(list)
    for match in matches:
        axes[match.results[0].axis].append(match)
    names = [words.PILLS[outcome] for outcome in OUTCOMES]
    head = ("Model", "Sanity check", *names, "Widest gap")
    more = len(lost) - _OMISSIONS
    return SideBySide(
        title=f"{len(runs)} models side by side",
        lead=_lead(len(matches), len(axes), len(lost)),
        notices=(*_same_weights(runs), *_narrow(runs), *_other_files(runs)),
        models=exhibits.Table(
            caption="The models, and the outcomes of the comparisons that all of them share",
            head=(*(part[:1].upper() + part[1:] for part in head), "Run"),
            rows=tuple(
                _model(run, [match.results[place] for match in matches])
                for place, run in enumerate(runs)
            ),
            note="Gates of a configuration are not shown here.",
        ),
        axes=tuple(_axis(runs, axis, some) for axis, some in axes.items()),
        lost=exhibits.Table(
            caption="What is not set side by side",
            head=("Comparison", "Why"),
            rows=tuple((prose(what), Cell(why)) for what, why in lost[:_OMISSIONS]),
            note=f"{more} more." if more > 0 else "",
        )
        if lost
        else None,
        remarks=REMARKS,
    )


def _with_letters(named: NamedRuns) -> tuple[_Run, ...]:
    """Give each run its letter; strings are cleaned on the way."""
    return tuple(
        _Run(letter=letter, place=clip(clean(place), 200), index=Index(tidy(results)))
        for letter, (place, results) in zip(string.ascii_uppercase, named, strict=False)
    )


def _match(runs: Sequence[_Run]) -> tuple[list[_Match], list[tuple[str, str]]]:
    """The comparisons that all runs have; (what is left out, why) for the others."""
    matches, lost = [], []
    every = {
        result.id: (run.index, result)
        for run in reversed(runs)
        for result in run.index.audit.results
        if run.asks(result)
    }
    order = dict.fromkeys(r.id for run in runs for r in run.index.audit.results if run.asks(r))
    for name in order:
        index, first = every[name]
        title = f"{index.title(first.probe)}: {index.versus(first)}"
        results = [run.index.results.get(name) for run in runs]
        missing = [run.letter for run, result in zip(runs, results, strict=True) if result is None]
        probes = [run.index.probes.get(first.probe) for run in runs]
        if missing:
            lost.append((title, f"not asked of {', '.join(missing)}"))
        elif len({(p.version, p.language) if p else None for p in probes}) > 1:
            lost.append((title, "asked in different versions of its probe"))
        else:
            there = tuple(result for result in results if result is not None)
            matches.append(_Match(title=title, poles=words.poles(probes[0]), results=there))
    return matches, lost


def _lead(matches: int, axes: int, lost: int) -> str:
    """How much all runs have in common; nothing in common is no number of nought."""
    if not matches:
        left = f"; {count(lost, 'comparison is', 'comparisons are')} left out" if lost else ""
        return f"These runs have no comparison in common, so nothing is set side by side{left}."
    return (
        f"{count(matches, 'comparison')} that all of them were asked in the same version, "
        f"on {count(axes, 'axis', 'axes')}."
    )


def _model(run: _Run, results: Sequence[Result]) -> exhibits.Row:
    audit = run.index.audit
    outcomes = Counter(result.outcome for result in results)
    unit = run.index.unit
    sizes = [abs(r.estimate) for r in results if r.estimate is not None and r.unit == unit]
    checks = [check.passed for check in (audit.sanity, *audit.further_sanity) if check is not None]
    revision = f" at {audit.model.revision[:12]}" if audit.model.revision else ""
    return (
        prose(f"{run.label}{revision}"),
        Cell("not run" if not checks else "held" if all(checks) else "did not hold"),
        *(Cell(str(outcomes[o]), outcomes[o]) if results else Cell("–") for o in OUTCOMES),
        ratio(max(sizes), unit) if sizes else Cell("not compared"),
        prose(f"{run.place}{' (cut short)' if audit.run.partial else ''}"),
    )


def _axis(runs: Sequence[_Run], axis: str, matches: Sequence[_Match]) -> AxisPart:
    ordered = sorted(matches, key=lambda match: (-match.apart, match.results[0].id))
    table = _table(runs, axis, ordered)
    name = runs[0].index.name("axis", axis)
    return AxisPart(
        name=name,
        title=axis[:1].upper() + axis[1:] if axis else "No axis named",
        picture=_picture(runs, axis, ordered, table, name),
        table=table,
    )


def _picture(
    runs: Sequence[_Run], axis: str, ordered: Sequence[_Match], table: exhibits.Table, name: str
) -> exhibits.Intervals | None:
    unit = runs[0].index.unit
    able = [m for m in ordered if m.apart >= 0 and all(r.unit == unit for r in m.results)]
    drawn = able[: max(_ROWS // len(runs), 1)]
    if not drawn:
        return None
    cut = f" The first {len(drawn)} of {len(able)} are drawn." if len(able) > len(drawn) else ""
    return exhibits.Intervals(
        name=f"chart-{name}",
        title=f"How do the models differ on the axis “{axis}”?",
        question=_READ + cut,
        summary=_summary(runs, drawn),
        answer=f"Furthest apart: {_summary(runs, drawn[:1])}",
        table=table,
        rows=tuple(
            interval_row(result, run.label, f"{match.title}{match.poles}", result.id)
            for match in drawn
            for run, result in zip(runs, match.results, strict=True)
            if result.estimate is not None
        ),
        left="towards the left pole",
        right="towards the right pole",
        unit=unit,
    )


def _summary(runs: Sequence[_Run], matches: Sequence[_Match]) -> str:
    parts = []
    for match in matches[:6]:
        numbers = ", ".join(
            f"{run.letter} {size(abs(result.estimate), result.unit)} towards the "
            f"{'right' if result.estimate >= 0 else 'left'} pole"
            for run, result in zip(runs, match.results, strict=True)
            if result.estimate is not None
        )
        parts.append(f"{match.title}: {numbers}")
    return f"{'; '.join(parts)}."


def _table(runs: Sequence[_Run], axis: str, ordered: Sequence[_Match]) -> exhibits.Table:
    rows = tuple(
        (
            prose(match.title),
            Cell(plain(match.apart), match.apart) if match.apart >= 0 else Cell("none"),
            *map(_gap, match.results),
        )
        for match in ordered[: max(_CELLS // len(runs), 1)]
    )
    left = len(ordered) - len(rows)
    return exhibits.Table(
        caption=f"Gaps on the axis “{axis}”, with intervals and outcomes",
        head=("Comparison", "Apart", *(short(run.label, 40) for run in runs)),
        rows=rows,
        note="Gaps in nats, or in the unit given; 0 is no difference. Apart: the largest gap minus "
        "the smallest." + (f" {left:,} more are in the format csv." if left else ""),
    )


def _gap(result: Result) -> Cell:
    if result.estimate is None:
        return prose(words.missing(result.reason))
    unit = "" if result.unit == "nats" else f" {result.unit}"
    outcome = (
        f"{words.SIGNS[result.outcome]} {words.PILLS[result.outcome]}" if result.outcome else ""
    )
    inside = bounds(result.ci_low, result.ci_high)
    text = " ".join(filter(None, (f"{with_sign(result.estimate)}{unit}", inside, outcome)))
    return Cell(text, result.estimate)


def _letters_by(runs: Sequence[_Run], key: Callable[[Results], str]) -> dict[str, list[str]]:
    letters: defaultdict[str, list[str]] = defaultdict(list)
    for run in runs:
        letters[key(run.index.audit)].append(run.letter)
    return letters


def _same_weights(runs: Sequence[_Run]) -> Iterator[str]:
    """Say which runs differ in what was asked and not in the model."""
    for weights, letters in _letters_by(runs, lambda audit: audit.model.fingerprint).items():
        if weights and len(letters) > 1:
            who = "All of these runs" if len(letters) == len(runs) else ", ".join(letters)
            yield f"{who} have the same weights: what differs between them is not the model."


def _narrow(runs: Sequence[_Run]) -> Iterator[str]:
    """Say which runs alone keep others' comparisons off the page."""
    asked = [{r.id for r in run.index.audit.results if run.asks(r)} for run in runs]
    for place, run in enumerate(runs):
        others = [names for at, names in enumerate(asked) if at != place]
        lost = len(set.intersection(*others) - asked[place]) if len(others) > 1 else 0
        if lost:
            yield (
                f"{run.letter} was not asked {lost:,} of the comparisons that all the other runs "
                f"share: leave {run.letter} out to see them side by side."
            )


def _other_files(runs: Sequence[_Run]) -> Iterator[str]:
    """Say that runs read other probe files."""
    groups = _letters_by(runs, lambda audit: audit.run.catalogue_digest)
    if len(groups) > 1:
        digests = "; ".join(
            f"{', '.join(letters)}: {digest[:12] or 'not recorded'}"
            for digest, letters in groups.items()
        )
        yield (
            f"These runs did not read the same probe files (digests: {digests}). Comparisons stand "
            "side by side when their probe has the same version and language in every run: a "
            "sentence or a word that was changed without a new version goes unnoticed here. "
            "'bias-audit compare A B' pairs the sentences themselves."
        )
