"""What stands beside a comparison wherever it is told: its control, its cautions, its ratio."""

from __future__ import annotations

from dataclasses import dataclass

from bias_audit.reports import wording as words
from bias_audit.reports.text import times
from bias_audit.reports.view.index import OTHERS, Index
from bias_audit.results import Result
from bias_audit.results.codes import CODES, SILENT, describe
from bias_audit.utils.scales import scale_of

CHANGED = {"target_frequency": "R15", "confounded": "R4"}
"""Notices that say that the gap is another one, and the check that says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """What words that mean nothing show for the groups of a comparison, and for others."""

    own: Result
    """The largest for the same groups, or for groups that mean nothing themselves."""
    largest: Result
    """The largest of all of them."""


def find_control(index: Index, result: Result) -> Control | None:
    """Return the negative controls of a comparison; None where it has none of its groups."""
    probe = index.probes.get(result.probe)
    if probe is None or scale_of(result.unit) is None:
        return None
    every = {group.id for group in probe.groups}
    mine = set(result.groups) - {OTHERS}
    known = [index.results[name] for name in probe.controls if name in index.results]
    quiet = [
        r
        for r in known
        if r.estimate is not None
        and r.probe in index.probes
        and index.probes[r.probe].role == "negative_control"
    ]
    own = [r for r in quiet if mine & set(r.groups) or not every & set(r.groups)]
    return Control(own=max(own, key=_size), largest=max(quiet, key=_size)) if own else None


def silent_controls(index: Index) -> list[Result]:
    """Return the results of positive controls that do not show what they must, the weakest first.

    One for each control and group.
    """
    silent = [
        result
        for result in index.audit.results
        if result.works is False
        and result.probe in index.probes
        and index.probes[result.probe].role == "positive_control"
    ]
    return sorted(silent, key=lambda result: (result.estimate or 0.0, result.id))


def why(index: Index, result: Result) -> str:
    """Return the reason of a comparison, with what its silent positive controls showed."""
    reason, probe = result.reason, index.probes.get(result.probe)
    if probe is None or SILENT not in result.statuses:
        return reason
    mine = set(result.groups) - {OTHERS}
    own = [one for one in silent_controls(index) if one.id in probe.controls]
    for control in sorted(own, key=lambda one: not mine & set(one.groups)):
        said = control.reason.partition(":")[0]
        if f"{said}:" not in reason:
            reason = reason.replace(said, control.reason, 1)
    return reason


def is_above(result: Result, control: Control) -> bool:
    """Return whether a gap is clearly more than what its controls show.

    Its interval lies above the control of the same groups, and its size above all others.
    """
    ends = (result.ci_low, result.ci_high)
    if None in ends or result.estimate is None:
        return False
    low = min(abs(end or 0.0) for end in ends)
    crosses = (result.ci_low or 0.0) <= 0 <= (result.ci_high or 0.0)
    return not crosses and low > _size(control.own) and _size(result) > _size(control.largest)


def is_inside(result: Result) -> bool:
    """Return whether an association lies inside the reference margin with its 90 % interval."""
    ends = [abs(end) for end in (result.ci90_low, result.ci90_high) if end is not None]
    return len(ends) == 2 and result.margin is not None and max(ends) < result.margin


def control_line(index: Index, result: Result) -> str:
    """Say what words that mean nothing show for the groups of a comparison."""
    control = find_control(index, result)
    if control is None:
        return "No words that mean nothing were scored for these groups." if result.leans else ""
    said = f"Words that mean nothing reach {words.size_of(control.own)} for the same groups"
    if words.size_of(control.largest) != words.size_of(control.own):
        said += f", {words.size_of(control.largest)} for {index.labels(control.largest)[0]}"
    if result.leans and not is_above(result, control):
        return f"{said}: this gap is not clearly above that."
    return f"{said}."


def marks(index: Index, result: Result) -> tuple[str, ...]:
    """Return the marks of an association; :data:`wording.MARKS` says what they mean."""
    if result.outcome != "association":
        return ()
    control = find_control(index, result)
    return tuple(
        mark
        for mark, holds in (
            ("*", "these_words_only" in result.statuses),
            ("†", control is not None and not is_above(result, control)),
            ("‡", is_inside(result)),
        )
        if holds
    )


def cautions(result: Result) -> tuple[str, ...]:
    """Say what undoes a comparison or halves it, with the number that is left."""
    return tuple(notice(result, code) for code in CHANGED if code in result.statuses)


def notices(result: Result) -> tuple[str, ...]:
    """Return the notices that stand beside an outcome, those with a number with it."""
    return tuple(notice(result, code) for code in result.statuses if is_notice(code))


def is_notice(code: str) -> bool:
    """Return whether a status stands beside an outcome and is no reason for it."""
    return code in CODES and not CODES[code].reason


def notice(result: Result | None, code: str) -> str:
    """Return the sentence of a code, with the number that is left where a check gives one."""
    if result is None or code not in CHANGED:
        return describe(code)
    check = next((one for one in result.checks if one.id == CHANGED[code]), None)
    left = check.estimate if check else None
    if check and code == "confounded" and check.value is not None and result.estimate is not None:
        left = check.value * result.estimate
    if left is None or result.estimate is None:
        return describe(code)
    what = "words" if code == "target_frequency" else "group words"
    turned = " the other way" if left * result.estimate < 0 else ""
    limit = abs(result.margin or 0.0)
    side = "inside" if abs(left) < limit else "outside"
    crossed = (abs(left) < limit) != (abs(result.estimate) < limit)
    beyond = f": {side} the reference margin" if crossed and not turned else ""
    return (
        f"Caution: between equally frequent {what} it is "
        f"{words.times_or_number(left, result.unit)}{turned}, not {words.size_of(result)}{beyond}."
    )


def reading(index: Index, result: Result) -> str:
    """Say what the ratio compares where group words are scored: odds, not which is likelier."""
    probe = index.probes.get(result.probe)
    labels = index.labels(result)
    if not index.scale.is_ratio:
        return ""
    if probe is None or probe.mask != "group" or result.leans not in labels or len(labels) != 2:
        return ""
    order = [group.label for group in probe.groups]
    other = labels[1] if result.leans == labels[0] else labels[0]
    if result.leans not in order or other not in order or not (probe.plus and probe.minus):
        return ""
    sign, away = ("+", probe.minus) if result.pole == probe.plus else ("-", probe.plus)
    mine, theirs = order.index(result.leans), order.index(other)
    gaps = [
        (target.log_prob[mine] or 0.0) - (target.log_prob[theirs] or 0.0)
        for target in probe.targets
        if target.pole == sign
        and len(target.log_prob) == len(order)
        and None not in (target.log_prob[mine], target.log_prob[theirs])
    ]
    behind = sum(gap < 0 for gap in gaps)
    ratio = times(abs(result.estimate or 0.0))
    odds = f"the odds of {result.leans} are {ratio} times those in {away}"
    if not behind:
        return words.sentence(odds)
    who = f"{other} stays likelier" if 2 * behind > len(gaps) else f"{other} is likelier"
    return words.sentence(f"{who} in {behind} of {len(gaps)}; {odds}")


def _size(result: Result) -> float:
    return abs(result.estimate or 0.0)
