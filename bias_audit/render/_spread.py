"""Charts of dots: a gap in each of its sentence frames, and gaps beside those of placebo groups."""

from __future__ import annotations

from collections.abc import Sequence

from bias_audit.render._pictures import named
from bias_audit.reports.text import count, plain, share, short, signed, times
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index, strength
from bias_audit.reports.view.page import odds
from bias_audit.results import ProbeRecord, Result

_LEAST_GAPS = 3
"""Placebo gaps that make a row of their own."""


def paraphrases(index: Index, probe: ProbeRecord, results: Sequence[Result]) -> page.Dots | None:
    """The same gap in each paraphrase: does the direction depend on the phrasing?"""
    shown = sorted((r for r in results if len(r.by_template) > 1), key=strength)[:8]
    if not shown:
        return None
    shown.sort(key=lambda result: (-(result.estimate or 0.0), result.id))
    alone = len(shown) == 1
    beside, names = named(index, shown)
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    if alone:
        effects = sorted(shown[0].by_template, key=lambda item: (-item.value, item.id))[:40]
        rows = tuple((item.text or item.id, (item.value,)) for item in effects)
    else:
        rows = tuple((names[r.id], tuple(t.value for t in r.by_template)) for r in shown)
    same = [(sum(t.value > 0 for t in r.by_template), len(r.by_template)) for r in shown]
    agree = sum(max(up, n - up) == n for up, n in same)
    summary = "; ".join(
        f"{names[r.id]}: {up} of {n} paraphrases above the middle"
        for r, (up, n) in zip(shown, same, strict=True)
    )
    return page.Dots(
        name=index.name("chart", f"paraphrases-{probe.id}"),
        title="Does the gap depend on how the sentence is phrased?",
        question=f"Each dot is one sentence frame; the {'dashed line' if alone else 'bar'} marks "
        "the mean. Dots on both sides of the middle mean that the direction changes with the "
        f"phrasing.{beside}",
        summary=f"{summary}.",
        answer=f"{max(same[0][0], same[0][1] - same[0][0])} of {same[0][1]} frames point the same "
        "way."
        if alone
        else f"In {agree} of {count(len(same), 'comparison')} all frames point the same way.",
        table=_template_table(index, shown),
        rows=rows,
        left=f"towards {probe.minus}" if probe.minus else "below the middle",
        right=f"towards {probe.plus}" if probe.plus else "above the middle",
        unit=shown[0].unit,
    )


def _template_table(index: Index, results: Sequence[Result]) -> page.Table:
    texts = {item.id: item.text or item.id for result in results for item in result.by_template}
    values = [{item.id: item.value for item in result.by_template} for result in results]
    rows = tuple(
        (
            page.Cell(text=short(text, 120), long=True),
            *(
                page.Cell(text=signed(column[key]), value=column[key])
                if key in column
                else page.Cell(text="not asked")
                for column in values
            ),
        )
        for key, text in texts.items()
    )
    return page.Table(
        caption="Gap in each sentence frame",
        head=("Sentence frame", *(index.versus(result) for result in results)),
        rows=rows,
        note="In the unit of the measure (nats for log-odds gaps).",
    )


def placebo(index: Index, probe: ProbeRecord, results: Sequence[Result]) -> page.Dots | None:
    """The sizes of placebo gaps, and the size of each gap on the same scale."""
    gaps = probe.placebo_gaps
    shown = sorted((r for r in results if r.unit == "nats"), key=strength)[:12]
    if len(gaps) < _LEAST_GAPS or not shown:
        return None
    beside, names = named(index, shown)
    sizes = [(names[result.id], abs(result.estimate or 0.0)) for result in shown]
    beyond = sum(size > gaps[-1] for _, size in sizes)
    stands = f"{beyond} of {len(sizes)} gaps {'is' if beyond == 1 else 'are'}"
    if len(sizes) == 1:
        stands = f"the gap is{'' if beyond else ' not'}"
    told = f"Placebo gaps reach odds {times(gaps[-1])} times; {stands} larger than all of them."
    name = f"placebo groups ({len(gaps)})"
    return page.Dots(
        name=index.name("chart", f"placebo-{probe.id}"),
        title="Are the gaps larger than those of groups that should not differ?",
        question="The first row has the gaps of placebo groups, which differ in nothing that "
        "should matter, with a bar at their mean; each row below is a gap of this probe, its size "
        "without its direction. Shaded is what placebo gaps reach: a gap in there does not stand "
        f"out from accidents.{beside}",
        summary=told,
        answer=told,
        band=gaps[-1],
        table=_placebo_table(sizes, gaps),
        rows=((name, gaps), *((label, (size,)) for label, size in sizes)),
        right="larger gap, in either direction",
        unit="nats",
    )


def _placebo_table(sizes: Sequence[tuple[str, float]], gaps: Sequence[float]) -> page.Table:
    cells = [(f"placebo {number}", gap) for number, gap in enumerate(gaps, start=1)]
    return page.Table(
        caption="Sizes of the gaps beside placebo gaps",
        head=("Groups", "Odds", "Size (nats)", "Larger than this share of the placebo gaps drawn"),
        rows=tuple(
            (
                page.Cell(text=label),
                odds(size),
                page.Cell(text=plain(size), value=size),
                page.Cell(text=share(sum(gap < size for gap in gaps) / len(gaps))),
            )
            for label, size in [*sizes, *cells]
        ),
    )
