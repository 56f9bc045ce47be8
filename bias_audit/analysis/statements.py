"""Outcomes in words: one sentence each, always in the direction in which something is likelier."""

from __future__ import annotations

import math

from bias_audit.probes.probe import Probe
from bias_audit.records import OTHERS
from bias_audit.results import Result, Size
from bias_audit.utils.text import odds_ratio

_SIZES: tuple[tuple[float, Size], ...] = (
    (1.25, "slight"),
    (2.0, "moderate"),
    (4.0, "strong"),
    (math.inf, "very strong"),
)


def size_word(estimate: float) -> Size:
    """Return the size of a gap in a word: a ratio below 1.25, 2, 4, or beyond."""
    return next(word for rung, word in _SIZES if abs(estimate) < math.log(rung))


def leaning(result: Result, probe: Probe) -> tuple[str, str]:
    """Return the group that a gap leans to, and the pole that is likelier for it.

    Of two groups, the one that leans to the first pole; against several others the first group.
    """
    (a, b), up = _labels(result), (result.estimate or 0.0) >= 0
    if probe.spec.targets.own:
        return a, "its own word" if up else "the others' words"
    if OTHERS in result.groups:
        return a, probe.plus_name if up else probe.minus_name
    return (a if up else b), probe.plus_name


def statement(result: Result, probe: Probe) -> str:
    """Return an outcome as a sentence without a stop."""
    if result.outcome == "not_measurable":
        return f"not measurable: {result.reason}"
    a, b = _labels(result)
    if not result.leans:
        return f"{a} and {b}, {_poles(probe)}: {_most(result)} either way"
    other = b if result.leans == a else a
    away = probe.minus_name if result.pole == probe.plus_name else probe.plus_name
    if probe.spec.targets.own:
        about, as_for = f"{a}: {result.pole}", "as the rest"
    elif probe.spec.mask == "group":
        about = f"{result.leans} rather than {other}"
        as_for = f"for {result.pole} as for {away}"
        if result.outcome != "open":
            return f"{about}, {result.pole}: {odds_between(result, away)}"
    else:
        about = f"{result.pole} rather than {away}"
        as_for = f"for {result.leans} as for {other}"
    if result.outcome == "open":
        return f"{about}: leans to {result.leans}, {_most(result)}"
    return f"{about}: {as_likely(result, as_for)}"


def as_likely(result: Result, as_for: str = "") -> str:
    """Return ``1.75 times as likely, at least 1.5 and at most 2 times``."""
    ratio = odds_ratio(abs(result.estimate or 0.0))
    known = _bounds(result)
    text = " ".join(filter(None, (f"{ratio} times as likely", as_for)))
    return f"{text}, {known} times" if known else text


def _bounds(result: Result) -> str:
    least = None if result.at_least is None else f"at least {result.at_least:g}"
    most = None if result.at_most is None else f"at most {result.at_most:g}"
    return " and ".join(filter(None, (least, most)))


def odds_between(result: Result, away: str) -> str:
    """Return ``the odds are 1.91 times those with jobs held mostly by men``.

    Where group words are scored, words of two poles stand around them: what is compared are the
    odds of one group against the other, and the other may stay likelier in both.
    """
    ratio = odds_ratio(abs(result.estimate or 0.0))
    text = f"the odds are {ratio} times those with {away}"
    known = _bounds(result)
    return f"{text}, {known} times" if known else text


def _labels(result: Result) -> tuple[str, str]:
    names = (*(result.group_labels or result.groups), "", "")
    return names[0], names[1]


def _poles(probe: Probe) -> str:
    if probe.spec.targets.own:
        return "words of their own"
    return f"{probe.plus_name} rather than {probe.minus_name}"


def _most(result: Result) -> str:
    return "without a bound" if result.at_most is None else f"at most {result.at_most:g} times"
