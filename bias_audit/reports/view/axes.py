"""One chapter per axis, one section per probe."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from bias_audit.render import _companions, _spread
from bias_audit.render import _facts as facts
from bias_audit.render import _pictures as pictures
from bias_audit.reports import wording as words
from bias_audit.reports.text import count, percent, short
from bias_audit.reports.view import measures, page
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import hits
from bias_audit.reports.view.verdict import pairs
from bias_audit.results import GroupProfile, ProbeRecord, Result
from bias_audit.results.codes import describe

_TOP = 12


def chapters(index: Index) -> tuple[page.Chapter, ...]:
    """Build the chapters in the order in which the axes first occur, without controls."""
    probes = [probe for probe in index.audit.probes if probe.role == "probe"]
    axes = dict.fromkeys(probe.axis for probe in probes)
    return tuple(
        _chapter(index, axis, [probe for probe in probes if probe.axis == axis]) for axis in axes
    )


def _chapter(index: Index, axis: str, probes: list[ProbeRecord]) -> page.Chapter:
    results = [result for probe in probes for result in index.of(probe.id, "primary")]
    picture = pictures.intervals(index, axis, results)
    table = pictures.interval_table(index, axis, results) if results and not picture else None
    return page.Chapter(
        name=index.name("axis", axis),
        title=axis[:1].upper() + axis[1:] if axis else "No axis named",
        lead=_lead(probes, results),
        picture=picture,
        table=table,
        probes=tuple(_section(index, probe) for probe in probes),
    )


def _lead(probes: list[ProbeRecord], results: list[Result]) -> str:
    states = Counter(probe.state for probe in probes)
    told = ", ".join(
        f"{states[state]} {words.STATE_WORDS[state][0]}" for state in words.STATES if states[state]
    )
    judged = Counter(result.outcome or "" for result in results)
    split = ", ".join(
        f"{judged[state]} {words.STATE_WORDS[state][0]}" for state in words.STATES if judged[state]
    )
    pairs = count(len(results), "primary comparison")
    return f"{count(len(probes), 'probe')} ({told}), {pairs}{f' ({split})' if split else ''}."


def _section(index: Index, probe: ProbeRecord) -> page.ProbeSection:
    results = index.of(probe.id, "primary")
    by_word, phrasing = _pictures(index, probe, results)
    told = any(isinstance(item, page.Intervals) and not item.bars for item in by_word)
    return page.ProbeSection(
        id=probe.id,
        name=index.name("probe", probe.id),
        title=probe.title or probe.id,
        question=probe.question,
        state=probe.state,
        state_words=words.STATE_WORDS[probe.state][1],
        reason=_reason(index, probe, results),
        notices=tuple(describe(code) for code in probe.statuses),
        size=_size(probe),
        sensitive=probe.sensitive,
        pictures=phrasing,
        word_pictures=by_word,
        heat=None if told else facts.heat(index, probe),
        columns=_completions(index, probe),
        further=measures.table(index, probe),
        evidence=_evidence(index, results),
        card=_card(probe),
    )


def _repeats(probe: ProbeRecord) -> bool:
    """Whether the reason says what the state's own words say."""
    return probe.reason.lower() in words.STATE_WORDS[probe.state][1].lower()


def _reason(index: Index, probe: ProbeRecord, results: list[Result]) -> str:
    """The probe's reason; one that holds for some of its comparisons only says for which."""
    if _repeats(probe):
        return ""
    matching = [result for result in results if result.reason == probe.reason]
    text = words.sentence(probe.reason)
    if not matching or len(matching) == len(results):
        return text
    return (
        f"For {index.versus(matching[0])}: {text} The other comparisons have reasons of their own."
    )


def _evidence(index: Index, results: list[Result]) -> tuple[page.Pairs, ...]:
    """Sentence pairs of each comparison: those of its finding, else its own."""
    told = {finding.result: finding.sentences for finding in index.audit.findings}
    made = [pairs(index, result, told.get(result.id) or result.sentences) for result in results]
    return tuple(item for item in made if item is not None)


def _pictures(
    index: Index, probe: ProbeRecord, results: list[Result]
) -> tuple[tuple[page.Picture, ...], tuple[page.Picture, ...]]:
    """Charts that name words, and those that do not."""
    measured = [result for result in results if result.estimate is not None]
    main = pictures.direct(measured)
    by_word: list[page.Picture | None] = []
    if main is not None and len(main.groups) > 1:
        by_word.append(facts.scatter(index, probe, main))
        by_word.append(pictures.target_words(index, probe, main))
    by_word.append(_companions.drivers(index, probe))
    further = (
        _spread.paraphrases(index, probe, measured),
        _spread.placebo(index, probe, measured),
        _companions.plane(index, probe),
    )
    return (
        tuple(item for item in by_word if item is not None),
        tuple(item for item in further if item is not None),
    )


def _size(probe: ProbeRecord) -> str:
    parts = (
        (probe.prompts, "sentence"),
        (probe.templates, "sentence frame"),
        (probe.terms, "group word"),
        (len(probe.targets), "scored word"),
    )
    told = ", ".join(count(number, noun) for number, noun in parts if number)
    return f"{told or 'nothing scored'}; version {probe.version}"


def _completions(index: Index, probe: ProbeRecord) -> tuple[page.Column, ...]:
    groups = [group for group in probe.groups if group.completions]
    seen = Counter(
        token for group in groups for token in {c.token for c in group.completions[:_TOP]}
    )
    top = max((c.probability for group in groups for c in group.completions), default=1.0)
    item = index.of(probe.id, "secondary")
    return tuple(_column(group, seen, top, len(groups), hits(item, group)) for group in groups)


def _column(
    group: GroupProfile,
    seen: Counter[str],
    top: float,
    groups: int,
    further: tuple[page.Word, ...],
) -> page.Column:
    made = [
        (
            completion.harmful,
            page.Word(
                text=short(completion.token, 40),
                probability=percent(completion.probability),
                width=5 * math.ceil(20 * completion.probability / top) if top > 0 else 0,
                alone=groups > 1 and seen[completion.token] == 1,
            ),
        )
        for completion in group.completions[:_TOP]
    ]
    return page.Column(
        group=f"{group.label}{' (placebo)' if group.placebo else ''}",
        words=tuple(word for harmful, word in made if not harmful),
        harmful=(*(word for harmful, word in made if harmful), *further),
    )


def _card(probe: ProbeRecord) -> tuple[tuple[str, str], ...]:
    card = probe.card
    if card is None:
        return (("Card", "This probe carries no measurement card; read it with double care."),)
    lines = (
        ("What it is about", card.measures),
        ("What could go wrong in use", card.harm),
        ("Wanted behaviour", words.expected(card.expected)),
        ("Where the stereotype comes from", card.source),
        ("Power relation", card.power),
        ("What it cannot show", card.limits),
        ("Compared", _groups(probe.groups)),
        *((("Scored beside them", _groups(probe.extra_groups)),) if probe.extra_groups else ()),
        ("Poles", f"{probe.plus or 'first'} against {probe.minus or 'second'}"),
        ("Reach", f"{probe.scope or 'these words'}; {probe.target_scope or 'these scored words'}"),
    )
    return tuple((name, text or "not stated") for name, text in lines)


def _groups(groups: Sequence[GroupProfile]) -> str:
    return "; ".join(
        f"{group.label}{' (placebo)' * group.placebo}: {short(', '.join(group.terms), 160)}"
        for group in groups
    )
