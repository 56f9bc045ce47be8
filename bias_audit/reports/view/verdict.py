"""The verdict and the findings: what was judged, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, count, plain, with_sign
from bias_audit.reports.view import charts, completions, exhibits, page
from bias_audit.reports.view.cautions import control_line, notice, reading
from bias_audit.reports.view.cautions import notices as beside
from bias_audit.reports.view.examples import card_examples, examples
from bias_audit.reports.view.index import OTHERS, Index, strength
from bias_audit.results import Finding, Gate, Result, Sentence, WaiverRecord
from bias_audit.results.codes import describe
from bias_audit.utils.readings import READINGS, USUAL
from bias_audit.utils.text import times

_PAIRS = 60
_EXAMPLES, _WORDS, _COMPLETIONS = 4, 12, 6
"""Sentences, scored words and completions of a card."""


def findings(index: Index) -> tuple[page.Note, ...]:
    """Build the findings, strongest first."""

    def order(finding: Finding) -> tuple[float, str]:
        result = index.results.get(finding.result)
        return (strength(result)[0] if result else 0.0, finding.id)

    return tuple(_note(index, finding) for finding in sorted(index.audit.findings, key=order))


def _note(index: Index, finding: Finding) -> page.Note:
    result = index.results.get(finding.result)
    probe = index.probes.get(finding.probe)
    gates = [gate for gate in index.audit.gates if gate.result == finding.result]
    waivers = dict.fromkeys(_waived_by(index, gate) for gate in gates)
    shown: tuple[page.Example, ...] = ()
    harmful: tuple[page.Example, ...] = ()
    columns: tuple[page.Column, ...] = ()
    telling: tuple[exhibits.Table | None, exhibits.Table | None] = (None, None)
    picture, notices = None, tuple(describe(notice) for notice in finding.notices)
    if result is not None:
        notices = (*filter(None, (reading(index, result),)), *beside(result))
    if result is not None and probe is not None:
        shown, harmful = card_examples(index, result, _EXAMPLES)
        picture = charts.target_words(index, probe, result, _WORDS)
        columns = completions.columns(index, probe, result.groups, _COMPLETIONS)
        if OTHERS in result.groups:
            telling = completions.words_between(index, result)
    return page.Note(
        finding=finding,
        name=index.name("finding", finding.id),
        measured=finding_facts(result, finding, index.audit.model.reading) if result else (),
        notices=notices,
        control=control_line(index, result) if result else "",
        state=(result.outcome or "") if result else "",
        probe=index.title(finding.probe),
        chapter=index.name("probe", finding.probe) if probe else "",
        picture=picture,
        examples=shown,
        harmful=harmful,
        columns=columns,
        words=telling,
        rows=(finding.probe, "", ""),
        waived=" ".join(filter(None, waivers)),
    )


def finding_facts(result: Result, finding: Finding, reading: str = USUAL) -> tuple[str, ...]:
    """Return the numbers of a finding, without those that its own sentences give."""
    facts = []
    stated = "sentence frames agree" in finding.detail
    if words.intervals(result) not in finding.detail:
        facts.append(words.intervals(result).rstrip("."))
    if result.sign_share is not None and result.n_templates and not stated:
        agree = round(result.sign_share * result.n_templates)
        facts.append(f"{agree} of {count(result.n_templates, 'paraphrase')} point the same way")
    if "sentence frames" not in finding.headline:
        facts.append(evidence_size(result, reading))
    if more := words.beside(result):
        facts.append(more)
    return tuple(facts)


def pairs(index: Index, result: Result, sentences: Sequence[Sentence]) -> exhibits.Table | None:
    """The first sentence pairs of one comparison; None without any."""
    if not sentences:
        return None
    labels = index.labels(result)
    a, b = labels[:2] if len(labels) > 1 else ("first group", "second group")
    more = len(sentences) - _PAIRS
    reading = index.audit.model.reading
    what = words.capital(READINGS[reading].score)
    apart = "Ratio" if index.scale.is_ratio else "Difference"
    note = f"{count(more, 'more pair')} of this comparison: see results.json beside this page, and "
    return exhibits.Table(
        name=index.name("sentences", result.id),
        caption=f"Sentences that differ by the group only: {index.versus(result)}",
        head=(a, b, "Scored word", f"{what}, {a}", f"{what}, {b}", apart, "With"),
        rows=tuple(
            (
                exhibits.prose(item.text_a),
                exhibits.prose(item.text_b),
                exhibits.prose(item.word),
                *(
                    exhibits.Cell(words.score(value, reading), value)
                    for value in (item.log_prob_a, item.log_prob_b)
                ),
                exhibits.ratio(item.log_prob_a - item.log_prob_b, index.unit),
                exhibits.Cell(a if item.log_prob_a >= item.log_prob_b else b),
            )
            for item in sentences[:_PAIRS]
        ),
        note=f"{note}evidence.csv.gz for every scored sentence." if more > 0 else "",
    )


def gate_line(index: Index, gate: Gate) -> page.GateLine:
    """Put one gate of the audit into words."""
    result = index.results.get(gate.result) if gate.result else None
    value, interval = _measurement(index, gate)
    return page.GateLine(
        name=gate.gate or gate.id,
        probe=index.title(gate.probe),
        state=gate.state,
        title=f"{_judged_title(index, result)}{_since(gate)}"
        if result
        else index.title(gate.probe),
        value=value,
        interval=interval,
        limit=_limit(gate),
        reason=words.sentence(gate.reason),
        why=words.sentence(gate.why),
        notices=tuple(notice(result, code) for code in gate.notices),
        href=index.name("probe", gate.probe) if gate.probe in index.probes else "",
        waived=_waived_by(index, gate),
        measured=_measured_text(gate),
        size=evidence_size(result, index.audit.model.reading) if result else "no evidence",
        example=_example(index, result) if result else None,
    )


def _example(index: Index, result: Result) -> page.Example | None:
    """One example: the first that does not point the other way, if there is any."""
    shown = examples(index, result)[0]
    return next((one for one in shown if "other way" not in one.kind), next(iter(shown), None))


def _judged_title(index: Index, result: Result) -> str:
    """What a gate judges: who is tied to what, or whose completions differ."""
    if result.metric in ("completions", "hurtful_completions"):
        return f"{index.metric(result.metric)}: {index.versus(result)}"
    return index.tie(result)


def _measurement(index: Index, gate: Gate) -> tuple[str, str]:
    """What is held against the limit, never below 1, and the interval by which it is judged.

    That is the 90 % interval, seen from the same side; another level is named.
    """
    level = ""
    if gate.kind == "regression":
        if gate.rise is None:
            return "", ""
        verb = "rise" if gate.rise >= 0 else "fall"
        ends = gate.rise_low, gate.rise_high
        value, sign = f"{verb} {words.times_or_number(gate.rise, gate.unit)}", gate.rise
        level = _level_of_rise(index, gate)
    else:
        if gate.estimate is None:
            return "", ""
        ends = _judging_interval(index, gate)
        value, sign = words.times_or_number(gate.estimate, gate.unit), gate.estimate
    interval = words.turned_interval(*ends, gate.unit, sign=1 if sign >= 0 else -1)
    return value, f"{interval}{level}" if interval else ""


def _judging_interval(index: Index, gate: Gate) -> tuple[float | None, float | None]:
    """The 90 % interval of what a gate claims; an older file has it in its results only."""
    if gate.ci90_low is not None:
        return gate.ci90_low, gate.ci90_high
    result = index.results.get(gate.result or "")
    if result is None:
        return None, None
    kind = result.words_of_this_kind if gate.claim == "words_of_this_kind" else None
    return (kind or result).ci90_low, (kind or result).ci90_high


def _level_of_rise(index: Index, gate: Gate) -> str:
    """Name the level of a rise's two bounds together, where it is not 90 %."""
    changes = index.audit.comparison.changes if index.audit.comparison else ()
    level = next((c.bound_level for c in changes if c.result == gate.result), 0.95)
    level = 100 * (2 * level - 1)
    return "" if round(level) == 90 else f" ({level:.0f} %)"


def _limit(gate: Gate) -> str:
    if gate.limit is None:
        return ""
    unit = gate.unit.removesuffix("s") if gate.limit == 1 else gate.unit
    size = f"{times(gate.limit)} ×" if gate.unit == "nats" else f"{gate.limit:g} {unit}"
    return f"rise {size.rstrip()}" if gate.kind == "regression" else size.rstrip()


def _since(gate: Gate) -> str:
    return f", since {gate.baseline}" if gate.kind == "regression" and gate.baseline else ""


def evidence_size(result: Result, reading: str) -> str:
    """How many sentence frames, group words and scored words, or labels, a result rests on."""
    words_ = ("pair of group words", "pairs of group words") if result.pairs else ("group word", "")
    parts = [count(result.n_templates, "sentence frame"), count(result.n_terms, *words_)]
    if result.n_targets:
        is_label = READINGS[reading].of == "label"
        parts.append(count(result.n_targets, "label" if is_label else "scored word"))
    return ", ".join(parts)


def waiver_text(waiver: WaiverRecord, unit: str = "nats") -> str:
    """Who accepted a failure, until when and why; the size in the unit of its gate."""
    size = words.times_or_number(waiver.up_to, unit)
    until = f"until {waiver.expires}, up to a size of {size}"
    return f"{waiver.owner} for {waiver.model} {until}: {words.sentence(waiver.reason)}"


def _measured_text(gate: Gate) -> str:
    if gate.estimate is None:
        return words.missing(gate.reason)
    text = f"{plain(gate.estimate)} {gate.unit} {bounds(gate.ci_low, gate.ci_high)}".rstrip()
    return f"{_rise(gate)}; gap {text}{_before(gate)}" if gate.kind == "regression" else text


def _rise(gate: Gate) -> str:
    if gate.rise is None:
        return "rise not available"
    return f"rise {with_sign(gate.rise)} {bounds(gate.rise_low, gate.rise_high)}".rstrip()


def _before(gate: Gate) -> str:
    return "" if gate.baseline_value is None else f" (was {plain(gate.baseline_value)})"


def _waived_by(index: Index, gate: Gate) -> str:
    """Who waived a gate; empty for all others."""
    if gate.state != "waived":
        return ""
    holds = [w for w in index.audit.waivers if w.status == "active" and w.finding == gate.waiver]
    covering = [w for w in holds if gate.id in w.gates] or holds
    return f"Waived by {waiver_text(covering[0], gate.unit)}" if covering else "Waived."
