"""Several audits side by side: one table of the results that they share."""

from __future__ import annotations

import csv
import io
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.reports import wording as words
from bias_audit.reports.formats import csv as results_csv
from bias_audit.reports.formats.html import fill
from bias_audit.reports.formats.markdown import LIMIT, escape
from bias_audit.reports.text import bounds, clean, clip, count, plain, short, tidy, times, with_sign
from bias_audit.reports.view import page
from bias_audit.reports.view.build import CANNOT
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.page import odds
from bias_audit.results import ProbeRecord, Result, Results

Given = Sequence[tuple[str, Results]]
"""Runs, each with what it was given as."""


def render(runs: Given, format: str) -> str:
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


def _html(runs: Given) -> str:
    return fill("models.html.j2", build(runs))


def _markdown(runs: Given) -> str:
    selection = build(runs)
    notices = "".join(f"> {escape(text)}\n\n" for text in selection.notices)
    title, lead = escape(selection.title), escape(selection.lead)
    head = f"**{title}**: {lead}\n\n{notices}{_lines(selection.models)}"
    tail = "\n" + "\n".join(f"- {escape(text)}" for text in selection.remarks) + "\n"
    room = LIMIT - len((head + tail).encode()) - 200
    parts, left = [], 0
    for title, table in _tables(selection):
        text = f"\n### {escape(title)}\n\n{_lines(table)}"
        room -= len(text.encode())
        if room >= 0:
            parts.append(text)
        else:
            left += 1
    more = f"\n*{left} more parts, which do not fit here.*\n" if left else ""
    return head + "".join(parts) + more + tail


def _tables(selection: Selection) -> list[tuple[str, page.Table]]:
    found = [(axis.title, axis.table) for axis in selection.axes]
    return [*found, ("Left out", selection.lost)] if selection.lost else found


def _lines(table: page.Table) -> str:
    rows = [table.head, *(tuple(cell.text for cell in row) for row in table.rows)]
    lines = [f"| {' | '.join(escape(text) for text in row)} |" for row in rows]
    rule = f"| {' | '.join('---' for _ in table.head)} |"
    note = f"\n{escape(table.note)}\n" if table.note else ""
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n" + note


def _csv(runs: Given) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("run", "model", *results_csv.COLUMNS))
    for run, (_, results) in zip(runs_of(runs), runs, strict=True):
        rows = list(csv.reader(io.StringIO(results_csv.render(results))))[1:]
        name = results_csv.cell(run.index.audit.model.name)
        writer.writerows([results_csv.cell(run.place), name, *row] for row in rows)
    return stream.getvalue()


_FORMATS: dict[str, Callable[[Given], str]] = {"csv": _csv, "html": _html, "md": _markdown}

__all__ = ["formats", "render"]

_ROWS, _CELLS = 40, 400
_READ = (
    "Under each comparison there is one line for each model. The dot is its gap, the line through "
    "it the interval of that gap alone, the shaded band the margin of the probe. The comparisons "
    "in which the models lie furthest apart come first."
)
REMARKS = (
    "There is no overall score and no rank: which gap matters depends on what the model is for. "
    "Choose the axes and comparisons that matter for your use first, then read those rows.",
    "Two intervals that overlap can still belong to models that differ. Whether two of these "
    "models differ is told by 'bias-audit compare A B', which pairs their sentences.",
    "A model with fewer failures may simply be less clear: look at the number of unclear "
    "comparisons, and at the sanity check, before preferring it.",
    CANNOT.replace("It cannot", "This page cannot"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisPart:
    """What all runs have in common on one axis."""

    name: str
    title: str
    picture: page.Intervals | None
    table: page.Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Several runs, ready to be read."""

    title: str
    lead: str
    notices: tuple[str, ...]
    models: page.Table
    axes: tuple[AxisPart, ...]
    lost: page.Table | None
    remarks: tuple[str, ...]


def build(runs_given: Sequence[tuple[str, Results]]) -> Selection:
    """Turn runs, each with what it was given as, into what their page shows."""
    runs = runs_of(runs_given)
    shared, lost = together(runs)
    axes = dict.fromkeys(item.axis for item in shared)
    return Selection(
        title=f"{len(runs)} models side by side",
        lead=_lead(len(shared), len(axes), len(lost)),
        notices=notices(runs),
        models=_models(runs, shared),
        axes=tuple(_axis(runs, axis, [s for s in shared if s.axis == axis]) for axis in axes),
        lost=_lost(lost),
        remarks=REMARKS,
    )


def _lead(shared: int, axes: int, lost: int) -> str:
    """How much all runs have in common; nothing in common is no number of nought."""
    if not shared:
        left = f"; {count(lost, 'comparison is', 'comparisons are')} left out" if lost else ""
        return f"These runs have no comparison in common, so nothing is set side by side{left}."
    return (
        f"{count(shared, 'comparison')} that all of them were asked in the same version, "
        f"on {count(axes, 'axis', 'axes')}."
    )


def _models(runs: Sequence[Run], shared: Sequence[Shared]) -> page.Table:
    head = ("Model", "Sanity check", *(words.STATE_WORDS[s][0] for s in words.STATES), "Widest gap")
    return page.Table(
        caption="The models, and how the comparisons that all of them share were judged",
        head=(*(part[:1].upper() + part[1:] for part in head), "Run"),
        rows=tuple(_model(run, place, shared) for place, run in enumerate(runs)),
        note="The margins are those of the probes' authors; gates of a configuration are not shown "
        "here.",
    )


def _model(run: Run, place: int, shared: Sequence[Shared]) -> tuple[page.Cell, ...]:
    results = [item.results[place] for item in shared]
    audit = run.index.audit
    tally = [
        sum((result.outcome or "skipped") == state for result in results) for state in words.STATES
    ]
    sizes = [abs(r.estimate) for r in results if r.estimate is not None and r.unit == "nats"]
    checks = [check for check in (audit.sanity, *audit.further_sanity) if check is not None]
    held = "not run" if not checks else "held" if all(c.passed for c in checks) else "did not hold"
    return (
        page.Cell(f"{run.label}{_revision(audit)}", long=True),
        page.Cell(held),
        *(
            page.Cell(str(number), value=float(number)) if results else page.Cell("–")
            for number in tally
        ),
        odds(max(sizes)) if sizes else page.Cell("not compared"),
        page.Cell(f"{run.place}{' (cut short)' if audit.run.partial else ''}", long=True),
    )


def _revision(audit: Results) -> str:
    return f" at {audit.model.revision[:12]}" if audit.model.revision else ""


def _axis(runs: Sequence[Run], axis: str, shared: list[Shared]) -> AxisPart:
    ordered = sorted(shared, key=lambda item: (-_apart(item), item.results[0].id))
    table = _table(runs, axis, ordered)
    name = runs[0].index.name("axis", axis)
    return AxisPart(
        name=name,
        title=axis[:1].upper() + axis[1:] if axis else "No axis named",
        picture=_picture(runs, axis, ordered, table, name),
        table=table,
    )


def _apart(item: Shared) -> float:
    values = [r.estimate for r in item.results if r.estimate is not None]
    return max(values) - min(values) if len(values) > 1 else -1.0


def _picture(
    runs: Sequence[Run], axis: str, ordered: Sequence[Shared], table: page.Table, name: str
) -> page.Intervals | None:
    drawn = [s for s in ordered if all(r.unit == "nats" for r in s.results) and _apart(s) >= 0]
    kept = drawn[: max(_ROWS // len(runs), 1)]
    rows = tuple(
        page.IntervalRow(
            label=run.label, estimate=result.estimate, low=result.ci_low, high=result.ci_high,
            heading=f"{item.probe}: {item.pair}{item.poles}", part=result.id,
            margin=result.margin, state=result.outcome or "",
        )
        for item in kept
        for run, result in zip(runs, item.results, strict=True)
        if result.estimate is not None
    )  # fmt: skip
    if not rows:
        return None
    cut = f" The first {len(kept)} of {len(drawn)} are drawn." if len(drawn) > len(kept) else ""
    return page.Intervals(
        name=f"chart-{name}",
        title=f"How do the models differ on the axis “{axis}”?",
        question=_READ + cut,
        summary=_say(runs, kept),
        answer=f"Furthest apart: {_say(runs, kept[:1])}",
        table=table,
        rows=rows,
        left="towards the left pole",
        right="towards the right pole",
    )


def _say(runs: Sequence[Run], shared: Sequence[Shared]) -> str:
    parts = []
    for item in shared[:6]:
        numbers = ", ".join(
            f"{run.letter} {times(result.estimate)} times"
            for run, result in zip(runs, item.results, strict=True)
            if result.estimate is not None
        )
        parts.append(f"{item.probe}, {item.pair}: odds {numbers}")
    return f"{'; '.join(parts)}."


def _table(runs: Sequence[Run], axis: str, ordered: Sequence[Shared]) -> page.Table:
    limit = max(_CELLS // len(runs), 1)
    rows = tuple(
        (
            page.Cell(f"{item.probe}: {item.pair}", long=True),
            page.Cell(plain(_apart(item)), value=_apart(item))
            if _apart(item) >= 0
            else page.Cell("none"),
            *(_cell(result) for result in item.results),
        )
        for item in ordered[:limit]
    )
    left = len(ordered) - len(rows)
    return page.Table(
        caption=f"Gaps on the axis “{axis}”, with intervals and states",
        head=("Comparison", "Apart", *(short(run.label, 40) for run in runs)),
        rows=rows,
        note="Gaps in nats, or in the unit given; 0 is no difference. Apart: the largest gap minus "
        "the smallest." + (f" {left:,} more are in the format csv." if left else ""),
    )


def _cell(result: Result) -> page.Cell:
    if result.estimate is None:
        return page.Cell(words.missing(result.reason), long=True)
    unit = "" if result.unit == "nats" else f" {result.unit}"
    inside = (
        "" if result.ci_low is None or result.ci_high is None
        else f" {bounds(result.ci_low, result.ci_high)}"
    )  # fmt: skip
    state = f" {words.SIGNS[result.outcome]} {result.outcome}" if result.outcome else ""
    return page.Cell(f"{with_sign(result.estimate)}{unit}{inside}{state}", value=result.estimate)


def _lost(lost: Sequence[tuple[str, str]]) -> page.Table | None:
    if not lost:
        return None
    left = len(lost) - 100
    return page.Table(
        caption="What is not set side by side",
        head=("Comparison", "Why"),
        rows=tuple((page.Cell(what, long=True), page.Cell(why)) for what, why in lost[:100]),
        note=f"{left} more." if left > 0 else "",
    )


MOST = 26
"""Runs that one page can hold: each has a letter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One of the runs, with its letter."""

    letter: str
    place: str
    """What the run was given as."""
    index: Index

    @property
    def label(self) -> str:
        """Letter and model."""
        return f"{self.letter} · {self.index.audit.model.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """A comparison that every run has, asked in the same version of its probe."""

    probe: str
    """Title."""
    pair: str
    axis: str
    poles: str
    results: tuple[Result, ...]
    """One for each run."""


def runs_of(runs_given: Sequence[tuple[str, Results]]) -> tuple[Run, ...]:
    """Give each run its letter; strings are cleaned on the way."""
    return tuple(
        Run(letter=letter, place=clip(clean(place), 200), index=Index(tidy(results)))
        for letter, (place, results) in zip(string.ascii_uppercase, runs_given, strict=False)
    )


def together(runs: Sequence[Run]) -> tuple[list[Shared], list[tuple[str, str]]]:
    """The comparisons that all runs have; (what is left out, why) for the others."""
    found, lost = [], []
    every = dict.fromkeys(
        result.id for run in runs for result in run.index.audit.results if _is_asked(run, result)
    )
    for name in every:
        results = [run.index.results.get(name) for run in runs]
        present = [result for result in results if result is not None]
        missing = [run.letter for run, result in zip(runs, results, strict=True) if result is None]
        probes = [run.index.probes.get(present[0].probe) for run in runs]
        if missing:
            lost.append((_full(runs, present[0]), f"not asked of {', '.join(missing)}"))
        elif len({(p.version, p.language) if p else None for p in probes}) > 1:
            lost.append((_full(runs, present[0]), "asked in different versions of its probe"))
        else:
            found.append(_shared(runs[0], present, probes[0]))
    return found, lost


def _is_asked(run: Run, result: Result) -> bool:
    probe = run.index.probes.get(result.probe)
    return result.role == "primary" and probe is not None and probe.role == "probe"


def _full(runs: Sequence[Run], result: Result) -> str:
    home = next(run.index for run in runs if result.id in run.index.results)
    return f"{home.title(result.probe)}: {home.versus(result)}"


def _shared(first: Run, results: Sequence[Result], probe: ProbeRecord | None) -> Shared:
    poles = f"   ← {probe.minus} · {probe.plus} →" if probe and probe.plus and probe.minus else ""
    return Shared(
        probe=first.index.title(results[0].probe),
        pair=first.index.versus(results[0]),
        axis=results[0].axis,
        poles=poles,
        results=tuple(results),
    )


def notices(runs: Sequence[Run]) -> tuple[str, ...]:
    """What a reader should know about all of the runs before the first number."""
    return (*_same_weights(runs), *_narrow(runs), *_other_files(runs))


def _same_weights(runs: Sequence[Run]) -> Iterator[str]:
    """Runs of the same weights, which differ in what was asked and not in the model."""
    by_weights: dict[str, list[str]] = {}
    for run in runs:
        by_weights.setdefault(run.index.audit.model.fingerprint, []).append(run.letter)
    for weights, letters in by_weights.items():
        if weights and len(letters) > 1:
            who = "All of these runs" if len(letters) == len(runs) else ", ".join(letters)
            yield f"{who} have the same weights: what differs between them is not the model."


def _narrow(runs: Sequence[Run]) -> Iterator[str]:
    """Runs that alone keep others' comparisons off the page."""
    asked = [{r.id for r in run.index.audit.results if _is_asked(run, r)} for run in runs]
    for place, run in enumerate(runs):
        others = [names for at, names in enumerate(asked) if at != place]
        lost = len(set.intersection(*others) - asked[place]) if len(others) > 1 else 0
        if lost:
            yield (
                f"{run.letter} was not asked {lost:,} of the comparisons that all the other runs "
                f"share: leave {run.letter} out to see them side by side."
            )


def _other_files(runs: Sequence[Run]) -> tuple[str, ...]:
    """Runs of other probe files."""
    by_digest: dict[str, list[str]] = {}
    for run in runs:
        by_digest.setdefault(run.index.audit.run.catalogue_digest, []).append(run.letter)
    if len(by_digest) < 2:
        return ()
    told = "; ".join(
        f"{', '.join(letters)}: {digest[:12] or 'not recorded'}"
        for digest, letters in by_digest.items()
    )
    return (
        f"These runs did not read the same probe files (digests: {told}). Comparisons stand side "
        "by side when their probe has the same version and language in every run: a sentence or a "
        "word that was changed without a new version goes unnoticed here. 'bias-audit compare A B' "
        "pairs the sentences themselves.",
    )
