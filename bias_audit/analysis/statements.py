"""Outcomes in words: one sentence each, always in the direction in which something is likelier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bias_audit.probes.probe import Probe
from bias_audit.records import OTHERS
from bias_audit.results import Result, Size
from bias_audit.utils.readings import READINGS, USUAL, reading_scale
from bias_audit.utils.scales import NATS, Scale, gap_scale

_SIZES: tuple[Size, ...] = ("slight", "moderate", "strong", "very strong")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a probe asks, as far as its outcomes depend on it."""

    plus: str
    """Name of the pole S+ in words."""
    minus: str
    mask: Literal["target", "group"]
    own: bool = False
    """Each group has its own word in place of poles."""
    reading: str = USUAL
    """How models are read that it is asked of; of several, one that compares words."""

    @classmethod
    def of(cls, probe: Probe) -> Question:
        """Return what a probe asks."""
        return cls(
            plus=probe.plus_name,
            minus=probe.minus_name,
            mask=probe.spec.mask,
            own=bool(probe.spec.targets.own),
            reading=probe.spec.readings[0],
        )


def size_word(estimate: float, scale: Scale = NATS) -> Size:
    """Return the size of a gap in a word: a ratio below 1.25, 2, 4, or beyond."""
    return _SIZES[sum(abs(estimate) >= scale.value(step) for step in scale.steps)]


def leaning(result: Result, question: Question) -> tuple[str, str]:
    """Return the group that a gap leans to, and the pole that is likelier for it.

    Of two groups, the one that leans to the first pole; against several others the first group.
    """
    (a, b), up = _labels(result), (result.estimate or 0.0) >= 0
    if question.own:
        return a, "its own word" if up else "the others' words"
    if OTHERS in result.groups:
        return a, question.plus if up else question.minus
    return (a if up else b), question.plus


def statement(result: Result, question: Question) -> str:
    """Return an outcome as a sentence without a stop."""
    if result.outcome == "not_measurable":
        return f"not measurable: {result.reason}"
    a, b = _labels(result)
    if not result.leans:
        return f"{a} and {b}, {_poles(question)}: {_most(result)} either way"
    other = b if result.leans == a else a
    away = question.minus if result.pole == question.plus else question.plus
    if question.own:
        about, as_for = f"{a}: {result.pole}", "as the rest"
    elif question.mask == "group":
        about = f"{result.leans} rather than {other}"
        as_for = f"for {result.pole} as for {away}"
        if result.outcome != "open":
            return f"{about}, {result.pole}: {odds_between(result, away)}"
    else:
        about = f"{result.pole} rather than {away}"
        beside = "beside" if READINGS[question.reading].of == "label" else "as for"
        as_for = f"for {result.leans} {beside} {other}"
    if result.outcome == "open":
        return f"{about}: leans to {result.leans}, {_most(result)}"
    return f"{about}: {as_likely(result, as_for, reading=question.reading)}"


def as_likely(result: Result, as_for: str = "", *, reading: str = USUAL) -> str:
    """Return ``1.75 times as likely, at least 1.5 and at most 2 times``, or its like in sd."""
    scale = reading_scale(result.unit, reading)
    if not scale.is_ratio:
        as_for = as_for.replace(" as ", " than ")
    size = scale.tell(abs(result.estimate or 0.0))
    return _with_bounds(" ".join(filter(None, (f"{size} {scale.more}", as_for))), result)


def odds_between(result: Result, away: str) -> str:
    """Return ``the odds are 1.91 times those with jobs held mostly by men``, or its like in sd.

    Where group words are scored, words of two poles stand around them: what is compared are the
    odds of one group against the other, and the other may stay likelier in both.
    """
    scale = gap_scale(result.unit)
    size = scale.tell(abs(result.estimate or 0.0))
    odds = f"the odds are {size} times those with {away}"
    return _with_bounds(odds if scale.is_ratio else f"{size} {scale.more} than with {away}", result)


def _with_bounds(text: str, result: Result) -> str:
    least = None if result.at_least is None else f"at least {result.at_least:g}"
    most = None if result.at_most is None else f"at most {result.at_most:g}"
    known = " and ".join(filter(None, (least, most)))
    return f"{text}, {known} {gap_scale(result.unit).noun}" if known else text


def _labels(result: Result) -> tuple[str, str]:
    names = (*(result.group_labels or result.groups), "", "")
    return names[0], names[1]


def _poles(question: Question) -> str:
    if question.own:
        return "words of their own"
    return f"{question.plus} rather than {question.minus}"


def _most(result: Result) -> str:
    if result.at_most is None:
        return "without a bound"
    return f"at most {result.at_most:g} {gap_scale(result.unit).noun}"
