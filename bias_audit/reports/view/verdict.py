"""The verdict and the findings: what was judged, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, count, factor, percent, plain, times, with_sign
from bias_audit.reports.view import completions, page
from bias_audit.reports.view.index import Index, strength
from bias_audit.results import (
    Finding,
    Gate,
    ProbeRecord,
    Result,
    Results,
    Sentence,
    State,
    WaiverRecord,
)
from bias_audit.results.codes import CODES, FAILED, describe

_PAIRS = 60
_PARTIAL = (
    "This run was cut short (by a limit on rows or on time), so nothing is decided: treat every "
    "number as a first look."
)
_UNTRAINED = (
    "The sanity check did not hold: there is no sign of a trained language model, "
    "so silence anywhere in this report means nothing."
)
_FOREIGN = (
    "The sanity check did not hold in another language than English ({}): there is no sign that "
    "the model reads it, so nothing was judged there and silence means nothing."
)


def verdict(index: Index) -> page.Verdict:
    """Build the verdict: one sentence, remarks, the comparisons by outcome, the gates by state."""
    audit = index.audit

    def order(gate: Gate) -> tuple[int, str]:
        return (words.STATES.index(gate.state), gate.id)

    said = completions.lines(index)
    return page.Verdict(
        lead=_lead(audit),
        remarks=tuple(_remarks(audit)),
        gates=tuple(gate_line(index, gate) for gate in sorted(audit.gates, key=order)),
        comparisons=outcome_lines(index),
        completions=said,
        completions_lead=completions.lead(said),
    )


def outcome_lines(index: Index) -> tuple[page.OutcomeLine, ...]:
    """Put every primary comparison into words: associations first, the strongest first."""

    def order(result: Result) -> tuple[int, float, str]:
        place = words.OUTCOMES.index(result.outcome) if result.outcome else len(words.OUTCOMES)
        return (place, *strength(result))

    compared = [r for r in index.audit.results if r.role == "primary" and r.outcome]
    return tuple(_outcome_line(index, result) for result in sorted(compared, key=order))


def _outcome_line(index: Index, result: Result) -> page.OutcomeLine:
    return page.OutcomeLine(
        outcome=result.outcome or "",
        probe=index.title(result.probe),
        title=index.versus(result),
        statement=result.statement,
        measured=words.gap(result) if result.estimate is not None else "",
        bounds=words.ladder(result),
        size=evidence_size(result),
        notices=tuple(describe(code) for code in result.statuses if is_notice(code)),
        reason=words.sentence(result.reason),
        href=index.name("probe", result.probe) if result.probe in index.probes else "",
        contrary=contrary(index, result),
    )


def contrary(index: Index, result: Result) -> str:
    """Say by which words the groups of a small comparison are completed; else nothing."""
    other = index.results.get(result.contrary)
    if other is None:
        return ""
    return f"but their completions differ: {completions.telling(index, other)}"


def is_notice(code: str) -> bool:
    """Return whether a status stands beside an outcome and is no reason for it."""
    return code in CODES and not CODES[code].reason


_UNDECIDED: dict[State, str] = {"unclear": "unclear", "error": "not run", "waived": "waived"}


def _lead(audit: Results) -> str:
    if not audit.gates:
        return _lead_of_outcomes(audit)
    states = [gate.state for gate in audit.gates]
    failed, total = states.count("fail"), count(len(states), "gate")
    rest = [
        f"{number} {word}" for state, word in _UNDECIDED.items() if (number := states.count(state))
    ]
    more = f", {', '.join(rest)}" if rest else ""
    if failed:
        return f"{failed} of {total} failed{more}. {_lead_of_outcomes(audit)}"
    if set(states) == {"pass"}:
        verb = "The gate" if len(states) == 1 else f"All {total}"
        return f"{verb} passed with these probes. {_lead_of_outcomes(audit)}"
    return f"None of {total} failed{more}. {_lead_of_outcomes(audit)}"


def _lead_of_outcomes(audit: Results) -> str:
    total = sum(audit.outcomes.values())
    if not total:
        return "No groups were compared."
    shown = audit.outcomes.get("association", 0) + audit.outcomes.get("completions_differ", 0)
    rest = ", ".join(
        f"{number} {words.PILLS[name]}"
        for name, number in audit.outcomes.items()
        if name not in ("association", "completions_differ")
    )
    verb = "shows" if 1 in (shown, total) else "show"
    compared = count(total, "comparison")
    return f"{shown or 'None'} of {compared} {verb} an association; {rest}."


def _remarks(audit: Results) -> Iterator[str]:
    checks = (audit.sanity, *audit.further_sanity)
    of_labels = audit.model.reading == "label"
    failed = [check.language for check in checks if check is not None and not check.passed]
    first = audit.sanity
    if first is not None and not first.passed and first.language == "en" and not of_labels:
        yield _UNTRAINED
    foreign = sorted(language for language in failed if language != "en")
    if foreign and not of_labels:
        yield _FOREIGN.format(", ".join(foreign))
    if audit.run.partial:
        yield _PARTIAL
    if mute := sorted({_where(p) for p in audit.probes if FAILED in p.statuses}):
        yield (
            f"The instrument failed on: {', '.join(mute)}. What was measured there is no "
            "evidence, neither of an association nor of its absence; the quality chapter says why."
        )
    if audit.floor is not None:
        yield words.floor(audit.floor)
    if audit.errors:
        yield f"{count(len(audit.errors), 'error')} kept part of the audit from running."
    yield from map(words.sentence, audit.run.notices)
    if void := sum(waiver.status != "active" for waiver in audit.waivers):
        yield (
            f"{count(void, 'waiver does', 'waivers do')} not hold (expired, exceeded, for another "
            "model or covering nothing) and changed no gate."
        )


def _where(probe: ProbeRecord) -> str:
    """The axis of a probe, with its language unless that is English."""
    return probe.axis if probe.language[:2] == "en" else f"{probe.axis} ({probe.language})"


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
    return page.Note(
        finding=finding,
        name=index.name("finding", finding.id),
        measured=finding_facts(result, finding) if result else (),
        notices=tuple(describe(notice) for notice in finding.notices),
        state=(result.outcome or "") if result else "",
        probe=index.title(finding.probe),
        chapter=index.name("probe", finding.probe) if probe else "",
        sensitive=bool(probe and probe.sensitive),
        pairs=index.name("sentences", result.id) if result and finding.sentences else "",
        waived=" ".join(filter(None, waivers)),
    )


def finding_facts(result: Result, finding: Finding) -> tuple[str, ...]:
    """Return the numbers of a finding, without those that its own sentences give."""
    facts = [_size(result)]
    stated = "sentence frames agree" in finding.detail
    if result.sign_share is not None and result.n_templates and not stated:
        agree = round(result.sign_share * result.n_templates)
        facts.append(f"{agree} of {count(result.n_templates, 'paraphrase')} point the same way")
    if result.p_adjusted is not None or result.p_value is not None:
        raw = result.p_adjusted is None
        facts.append(f"{'' if raw else 'adjusted '}p against no gap at all {words.chance(result)}")
    if "sentence frames" not in finding.headline:
        facts.append(evidence_size(result))
    return tuple(facts)


def _size(result: Result) -> str:
    """Odds above one, as the headline has them, and the gap with the sign of the tables."""
    if result.unit != "nats" or (result.estimate or 0.0) >= 0:
        return f"{words.effect(result)}; {words.gap(result)}"
    ends = (result.estimate, result.ci_high, result.ci_low)
    names = ("estimate", "ci_low", "ci_high")
    turned = {n: None if end is None else -end for n, end in zip(names, ends, strict=True)}
    return f"{words.effect(result.model_copy(update=turned))}; in the tables {words.gap(result)}"


def _ratio(log_ratio: float) -> page.Cell:
    return page.Cell(factor(log_ratio), log_ratio)


def pairs(index: Index, result: Result, sentences: Sequence[Sentence]) -> page.Table | None:
    """The first sentence pairs of one comparison; None without any."""
    if not sentences:
        return None
    labels = index.labels(result)
    a, b = labels[:2] if len(labels) > 1 else ("first group", "second group")
    more = len(sentences) - _PAIRS
    whole = index.audit.model.reading == "continuation"
    what = "Log-probability of the sentence" if whole else "Probability"
    note = f"{count(more, 'more pair')} of this comparison: see results.json beside this page, and "
    return page.Table(
        name=index.name("sentences", result.id),
        caption=f"Sentences that differ by the group only: {index.versus(result)}",
        head=(a, b, "Scored word", f"{what}, {a}", f"{what}, {b}", "Ratio"),
        rows=tuple(
            (
                page.prose(item.text_a),
                page.prose(item.text_b),
                page.prose(item.word),
                *(
                    page.Cell(
                        with_sign(value, 1) if whole else percent(math.exp(min(value, 0.0))), value
                    )
                    for value in (item.log_prob_a, item.log_prob_b)
                ),
                _ratio(item.log_prob_a - item.log_prob_b),
            )
            for item in sentences[:_PAIRS]
        ),
        note=f"{note}evidence.csv.gz for every scored sentence." if more > 0 else "",
    )


def gate_line(index: Index, gate: Gate) -> page.GateLine:
    """Put one gate of the audit into words."""
    result = index.results.get(gate.result) if gate.result else None
    finding = index.findings.get(gate.result) if gate.result else None
    failed = "fail" in (gate.state, gate.state_before_waiver)
    return page.GateLine(
        name=gate.gate or gate.id,
        probe=index.title(gate.probe),
        state=gate.state,
        title=index.versus(result) if result else gate.condition or "the probe runs",
        measured=_measured_text(gate, result),
        brief=_brief(gate, result),
        allowed=_limit_text(gate),
        size=evidence_size(result) if result else "no evidence",
        reason=words.sentence(gate.reason),
        limits=_reach(gate),
        notices=tuple(describe(code) for code in gate.notices),
        href=index.name("probe", gate.probe) if gate.probe in index.probes else "",
        finding=finding.headline if finding and failed else "",
        waived=_waived_by(index, gate),
    )


def evidence_size(result: Result) -> str:
    """How many sentence frames, group words and scored words a result rests on."""
    parts = [count(result.n_templates, "sentence frame"), count(result.n_terms, "group word")]
    if result.n_targets:
        parts.append(count(result.n_targets, "scored word"))
    return ", ".join(parts)


def waiver_text(waiver: WaiverRecord) -> str:
    """Who accepted a failure, until when and why."""
    until = f"until {waiver.expires}, up to a size of {plain(waiver.up_to)}"
    return f"{waiver.owner} for {waiver.model} {until}: {words.sentence(waiver.reason)}"


def _limit_text(gate: Gate) -> str:
    if gate.limit is None:
        return "no limit set"
    if gate.kind == "regression":
        size = f"{plain(gate.limit)} {gate.unit}".rstrip()
        return f"a rise of up to {size} over baseline {gate.baseline or 'without a name'}"
    return words.limit(gate.limit, gate.unit)


def _reach(gate: Gate) -> str:
    """Say which interval passes, where the printed one seems to say something else."""
    if gate.kind == "regression" or gate.limit is None or gate.state != "pass":
        return ""
    ends = [abs(end) for end in (gate.ci_low, gate.ci_high) if end is not None]
    if not ends or max(ends) <= gate.limit:
        return ""
    return "A pass needs the 90 % interval inside the limit; the wider one shown may reach out."


def _measured_text(gate: Gate, result: Result | None) -> str:
    if gate.estimate is None:
        return words.missing(gate.reason)
    text = f"{plain(gate.estimate)} {gate.unit} {bounds(gate.ci_low, gate.ci_high)}".rstrip()
    if gate.kind == "regression":
        return f"{_rise(gate)}; gap {text}{_before(gate)}"
    if result is not None and result.estimate is not None and gate.unit == "nats":
        text += f"; {words.effect(result)}"
    return text


def _brief(gate: Gate, result: Result | None) -> str:
    if gate.estimate is None:
        return words.missing(gate.reason)
    gap = f"gap {plain(gate.estimate)} {bounds(gate.ci_low, gate.ci_high)}".rstrip()
    allowed = "" if gate.limit is None else f"allowed {plain(gate.limit)} {gate.unit}".rstrip()
    if gate.kind == "regression":
        parts = [_rise(gate), allowed, f"against {gate.baseline}", gap + _before(gate)]
    else:
        odds = result is not None and gate.unit == "nats"
        parts = [gap, allowed, f"odds {times(gate.estimate)} times" if odds else ""]
    if result is not None:
        parts.append(count(result.n_templates, "frame"))
    return ", ".join(part for part in parts if part)


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
    return f"Waived by {waiver_text(covering[0])}" if covering else "Waived."
