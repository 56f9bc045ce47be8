"""One gate in words: what was asked, what was measured, who waived it."""

from __future__ import annotations

from collections.abc import Iterator

from bias_audit.render import _page as page
from bias_audit.render import _words as words
from bias_audit.render._index import Index
from bias_audit.render._text import bounds, count, plain, signed, times
from bias_audit.results import Gate, Result, WaiverRecord

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
        measured=_measured(gate, result),
        brief=_brief(gate, result),
        allowed=_allowed(gate),
        size=evidence_size(result) if result else "no evidence",
        reason=words.sentence(gate.reason),
        limits=" ".join(_limits(gate, result)),
        enforced=gate.enforced,
        href=index.name("probe", gate.probe) if gate.probe in index.probes else "",
        finding=finding.headline if finding and failed else "",
        waived=waived(index, gate),
    )


def evidence_size(result: Result) -> str:
    """How many sentence frames, group words and scored words a result rests on."""
    parts = [count(result.n_templates, "sentence frame"), count(result.n_terms, "group word")]
    if result.n_targets:
        parts.append(count(result.n_targets, "scored word"))
    return ", ".join(parts)


def waiver_words(waiver: WaiverRecord) -> str:
    """Who accepted a failure, until when and why."""
    ceiling = "" if waiver.up_to is None else f", up to a size of {plain(waiver.up_to)}"
    return f"{waiver.owner} until {waiver.expires}{ceiling}: {words.sentence(waiver.reason)}"


def _allowed(gate: Gate) -> str:
    if gate.limit is None:
        return "no limit set"
    if gate.kind == "regression":
        size = f"{plain(gate.limit)} {gate.unit}".rstrip()
        return f"a rise of up to {size} over baseline {gate.baseline or 'without a name'}"
    return words.margin(gate.limit, gate.unit)


def _limits(gate: Gate, result: Result | None) -> Iterator[str]:
    """What limit was applied, where the numbers beside it seem to say something else."""
    if gate.kind == "regression" or gate.limit is None or gate.estimate is None:
        return
    ends = [abs(end) for end in (gate.ci_low, gate.ci_high) if end is not None]
    if gate.state == "pass" and ends and max(ends) > gate.limit:
        yield "A pass needs the 90 % interval inside the limit; the wider one shown may reach out."
    margin = result.margin if result is not None else None
    if result is None or margin is None or abs(margin - gate.limit) < 0.0005:
        return
    if result.outcome in _OUTCOMES and result.outcome != gate.state:
        said = _OUTCOMES[result.outcome]
        yield f"The catalogue's margin is another, {plain(margin)}: by that the gap is {said}."


def _measured(gate: Gate, result: Result | None) -> str:
    if gate.estimate is None:
        return words.missing(gate.reason)
    text = f"{plain(gate.estimate)} {gate.unit}{_interval(gate.ci_low, gate.ci_high)}".rstrip()
    if gate.kind == "regression":
        return f"{_rise(gate)}; gap {text}{_before(gate)}"
    if result is not None and result.estimate is not None and gate.unit == "nats":
        text += f"; {words.effect(result)}"
    return text


def _brief(gate: Gate, result: Result | None) -> str:
    if gate.estimate is None:
        return words.missing(gate.reason)
    gap = f"gap {plain(gate.estimate)}{_interval(gate.ci_low, gate.ci_high)}"
    allowed = "" if gate.limit is None else f"allowed {plain(gate.limit)} {gate.unit}".rstrip()
    if gate.kind == "regression":
        parts = [_rise(gate), allowed, f"against {gate.baseline}", gap + _before(gate)]
    else:
        odds = result is not None and gate.unit == "nats"
        parts = [gap, allowed, f"odds {times(gate.estimate)} times" if odds else ""]
    if result is not None:
        parts.append(count(result.n_templates, "frame"))
    return ", ".join(part for part in parts if part)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" {bounds(low, high)}"


def _rise(gate: Gate) -> str:
    if gate.rise is None:
        return "rise not available"
    return f"rise {signed(gate.rise)}{_interval(gate.rise_low, gate.rise_high)}"


def _before(gate: Gate) -> str:
    return "" if gate.baseline_value is None else f" (was {plain(gate.baseline_value)})"


def waived(index: Index, gate: Gate) -> str:
    """Who waived a gate; empty for all others."""
    if gate.state != "waived":
        return ""
    holds = [w for w in index.audit.waivers if w.status == "active" and w.finding == gate.waiver]
    covering = [w for w in holds if gate.id in w.gates] or holds
    return f"Waived by {waiver_words(covering[0])}" if covering else "Waived."
