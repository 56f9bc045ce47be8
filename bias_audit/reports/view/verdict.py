"""The verdict and the findings: what was judged, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bias_audit.reports import wording as words
from bias_audit.reports.text import bounds, count, factor, percent, plain, share, times, with_sign
from bias_audit.reports.view import page
from bias_audit.reports.view.index import Index, strength
from bias_audit.results import Finding, Gate, ProbeRecord, Result, Results, Sentence, WaiverRecord
from bias_audit.results.codes import describe

SEVERITY = {"high": 0, "moderate": 1, "low": 2}
_EVIDENCE = {"strong": 0, "moderate": 1, "weak": 2}
_PAIRS = 60
_OWN_MARGINS = (
    "No gate is enforced in this audit: the margins shown are the catalogue's own. "
    "They inform the reader and never fail a build."
)
_PARTIAL = (
    "This run was cut short (by a limit on rows or on time), so no gate could pass or fail: "
    "treat every number as a first look."
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
    """Build the verdict: one sentence, remarks, counts of all six states, gate lines."""
    audit = index.audit

    def order(gate: Gate) -> tuple[bool, int, str]:
        return (not gate.enforced, words.STATES.index(gate.state), gate.id)

    return page.Verdict(
        lead=_lead(audit),
        remarks=tuple(_remarks(audit)),
        gates=tuple(gate_line(index, gate) for gate in sorted(audit.gates, key=order)),
    )


def _lead(audit: Results) -> str:
    enforced = [gate for gate in audit.gates if gate.enforced]
    if not audit.gates:
        return "Nothing was judged: no probe of this audit led to a gate."
    judged = enforced or list(audit.gates)
    kind = "enforced gate" if enforced else "catalogue margin"
    states = [gate.state for gate in judged]
    failed, waived = states.count("fail"), states.count("waived")
    unsettled = states.count("unclear") + states.count("error")
    but = " without a waiver" if waived else ""
    none, unshown = f"No {kind} was exceeded{but}", f"No {kind} was shown to be exceeded{but}"
    if failed:
        verb = "was" if failed == 1 else "were"
        more = f", {waived} waived" if waived else ""
        total = count(len(judged), kind)
        return f"{failed} of {total} {verb} exceeded, {unsettled} left open{more}."
    if unsettled:
        return f"{unshown}; {unsettled} of {len(judged)} {'is' if unsettled == 1 else 'are'} open."
    if waived:
        return f"{none}; {waived} of {len(judged)} {'is' if waived == 1 else 'are'} waived."
    if set(states) != {"pass"}:
        return f"{unshown}; not all of them were judged."
    if any(gate.kind == "regression" for gate in judged):
        return f"{none} with these probes."
    return "No association larger than the margin was found with these probes."


def _remarks(audit: Results) -> Iterator[str]:
    enforced = sum(gate.enforced for gate in audit.gates)
    checks = (audit.sanity, *audit.further_sanity)
    failed = [check.language for check in checks if check is not None and not check.passed]
    if audit.sanity is not None and not audit.sanity.passed and audit.sanity.language == "en":
        yield _UNTRAINED
    if foreign := sorted(language for language in failed if language != "en"):
        yield _FOREIGN.format(", ".join(foreign))
    if audit.run.partial:
        yield _PARTIAL
    if mute := sorted({_where(p) for p in audit.probes if "instrument_failed" in p.statuses}):
        yield (
            f"A control did not work on: {', '.join(mute)}. What was measured there is no "
            "evidence, neither of an association nor of its absence; the quality chapter says "
            "which control."
        )
    own = len(audit.gates) - enforced
    if audit.gates and not enforced:
        yield _OWN_MARGINS
    elif enforced and own:
        yield (
            f"{count(enforced, 'gate is', 'gates are')} enforced by the configuration; the other "
            f"{own} {'is' if own == 1 else 'are'} the catalogue's own margins, for information."
        )
    if audit.errors:
        yield f"{count(len(audit.errors), 'error')} kept part of the audit from running."
    if void := sum(waiver.status != "active" for waiver in audit.waivers):
        yield (
            f"{count(void, 'waiver does', 'waivers do')} not hold (expired, exceeded or covering "
            "nothing) and changed no gate."
        )


def _where(probe: ProbeRecord) -> str:
    """The axis of a probe, with its language unless that is English."""
    return probe.axis if probe.language[:2] == "en" else f"{probe.axis} ({probe.language})"


def findings(index: Index) -> tuple[page.Note, ...]:
    """Build the findings, strongest first."""

    def order(finding: Finding) -> tuple[int, int, float, str]:
        result = index.results.get(finding.result)
        size = strength(result)[0] if result else 0.0
        return (SEVERITY[finding.severity], _EVIDENCE[finding.evidence], size, finding.id)

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
    if result.placebo_percentile is not None and "placebo" not in finding.detail:
        facts.append(f"larger than {share(result.placebo_percentile)} of the placebo gaps")
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


_OUTCOMES = {"pass": "inside", "fail": "outside", "unclear": "unclear"}


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
        limits=" ".join(_limits(gate, result)),
        enforced=gate.enforced,
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
    ceiling = "" if waiver.up_to is None else f", up to a size of {plain(waiver.up_to)}"
    return f"{waiver.owner} until {waiver.expires}{ceiling}: {words.sentence(waiver.reason)}"


def _limit_text(gate: Gate) -> str:
    if gate.limit is None:
        return "no limit set"
    if gate.kind == "regression":
        size = f"{plain(gate.limit)} {gate.unit}".rstrip()
        return f"a rise of up to {size} over baseline {gate.baseline or 'without a name'}"
    return words.margin(gate.limit, gate.unit)


def _limits(gate: Gate, result: Result | None) -> Iterator[str]:
    """Say which limit was applied, where the printed numbers seem to say something else."""
    if gate.kind == "regression" or gate.limit is None or gate.estimate is None:
        return
    ends = [abs(end) for end in (gate.ci_low, gate.ci_high) if end is not None]
    if gate.state == "pass" and ends and max(ends) > gate.limit:
        yield "A pass needs the 90 % interval inside the limit; the wider one shown may reach out."
    margin = result.margin if result is not None else None
    if result is None or margin is None or abs(margin - gate.limit) < 0.0005:
        return
    if result.outcome in _OUTCOMES and result.outcome != gate.state:
        outcome = _OUTCOMES[result.outcome]
        yield f"The catalogue's margin is another, {plain(margin)}: by that the gap is {outcome}."


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
