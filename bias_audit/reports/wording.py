"""Fixed wording that every format shares: states, scales, notices, measures.

A report says what was measured. It never calls a model good, and a pass is a statement about
these probes only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from bias_audit.reports.text import bounds, count, p_value, plain, times, with_sign
from bias_audit.results import ProbeRecord, Result, State

STATES: tuple[State, ...] = ("fail", "unclear", "error", "pass", "waived", "skipped")
"""In the order in which a reader should meet them."""

SIGNS: dict[str, str] = {
    "fail": "✕", "unclear": "?", "error": "!", "pass": "✓", "waived": "~", "skipped": "–",
}  # fmt: skip
ASCII_SIGNS: dict[str, str] = {
    "fail": "x", "unclear": "?", "error": "!", "pass": "+", "waived": "~", "skipped": "-",
}  # fmt: skip

STATE_WORDS: dict[str, tuple[str, str]] = {
    "fail": ("failed", "an association larger than the margin was found"),
    "unclear": ("unclear", "the evidence does not settle it"),
    "error": ("error", "did not run to the end"),
    "pass": ("passed", "no association larger than the margin was found with these probes"),
    "waived": ("waived", "accepted for now, by a named person until a date"),
    "skipped": ("skipped", "not asked in this run"),
}

WAIVER_STATUS: dict[str, str] = {
    "active": "in force",
    "expired": "void: expired",
    "exceeded": "void: outgrown",
    "unmatched": "void: names nothing",
}

_LONG = 90
SKIP_REASONS: dict[str, str] = {
    "not_applicable": "does not fit this sentence",
    "unscorable": "not expressible in this model's vocabulary",
    "too_long": "longer than the model can read",
    "low_word_mass": "too little probability on whole words",
    "error": "an error occurred",
    "limit": "left out by the limit that was asked for",
    "excluded": "excluded on request",
}

CHECKS: dict[str, str] = {
    "R1a": "sentences that agree in direction",
    "R1b": "change without one sentence or word, nats",
    "R1c": "split-half reliability of the words",
    "R2": "change with half of the group words, nats",
    "R3": "share of the gap that one word carries",
    "R4": "share of the gap left at equal frequency and length",
    "R5": "share of placebo gaps that are smaller",
    "R7": "share of p below 0.05 where nothing is",
    "R8a": "error of a planted gap, nats",
    "R8b": "share of planted gaps that are found",
    "R9": "spread over surface forms, of the gap",
    "R12": "naturalness gap, nats a word",
    "R13a": "words with hardly any probability",
    "R13b": "sentences where a pole has hardly any probability",
    "R14": 'slope of the gaps after "not"',
}
"""What the value of a check is, in the order of the codes."""

ROLES: dict[str, str] = {
    "positive_control": "positive control (must show a gap)",
    "negative_control": "negative control (must stay quiet)",
}


def tally(states: Mapping[State, int], exit_code: int) -> str:
    """The counts of all six states and the exit code: the first line of every output."""
    number = {state: states.get(state, 0) for state in STATES}
    return (
        f"{number['fail']} failed, {number['unclear']} unclear, {number['pass']} passed, "
        f"{count(number['error'], 'error')}, {number['waived']} waived, "
        f"{number['skipped']} skipped    exit {exit_code}"
    )


def check(code: str) -> str:
    """A check with its code, as tables name it."""
    return f"{CHECKS[code]} ({code})" if code in CHECKS else code


def fact(name: str) -> str:
    """The name of a fact about a word: ``women_2022`` becomes words."""
    words = name.replace("_", " ").split()
    if len(words) == 2 and words[0] == "women" and words[1].isdigit():
        return f"the share of women in the job, {words[1]}"
    return " ".join(words)


def wanted_behaviour(text: str) -> str:
    """The wanted behaviour on a card, in words."""
    if text == "equal":
        text = "Equal: the groups should be treated alike"
    if text == "unspecified":
        text = "Unspecified: the probe describes and takes no side"
    return f"{sentence(text)} This is the choice of the probe's author." if text else ""


def wish(text: str) -> str:
    """Return the wanted behaviour in a word or two: the text before the first comma or stop."""
    return re.split(r"[,;:.(]", text, maxsplit=1)[0].strip() or "not stated"


def sentence(text: str) -> str:
    """A text with a capital at its start and a stop at its end."""
    text = text.strip()
    stop = "" if text.endswith((".", "!", "?", "…")) else "."
    return f"{text[:1].upper()}{text[1:]}{stop}" if text else ""


def number_repeats(texts: Iterable[str]) -> dict[str, int]:
    """Number the long sentences that three or more rows would repeat: said once, as a note."""
    often = Counter(text for text in texts if len(text) > _LONG)
    return {text: i for i, text in enumerate((t for t in often if often[t] > 2), start=1)}


def missing(reason: str) -> str:
    """Return the text in place of a missing number."""
    return f"not available: {reason or 'no reason was recorded'}"


def effect(result: Result) -> str:
    """The estimate as people read it: odds for log-odds measures, else the number with its unit."""
    if result.estimate is None:
        return missing(result.reason)
    low, high, odds = result.ci_low, result.ci_high, result.unit == "nats"
    show: Callable[[float], str] = times if odds else lambda value: plain(value, 3)
    text = show(result.estimate)
    text = f"odds {text} times" if odds else f"{text} {result.unit}"
    if low is not None and high is not None:
        return f"{text} ({100 * result.confidence:g} % interval {show(low)} to {show(high)})"
    return f"{text} (no interval: {result.reason or 'none was computed'})" if odds else text


def gap(result: Result) -> str:
    """The estimate in its own unit with its interval: ``+1.13 nats [0.92, 1.35]``."""
    if result.estimate is None:
        return missing(result.reason)
    inside = bounds(result.ci_low, result.ci_high)
    return f"{with_sign(result.estimate)} {result.unit} {inside}".rstrip()


def margin(value: float, unit: str) -> str:
    """An allowed gap in words: ``up to 0.22 nats either way (odds 0.80 to 1.2 times)``."""
    if unit != "nats":
        return f"up to {plain(value, 3)} {unit}".rstrip()
    return f"up to {plain(value)} nats either way (odds {times(-value)} to {times(value)} times)"


def chance(result: Result) -> str:
    """The adjusted p-value if there is one, else the raw one, else a word."""
    if result.p_adjusted is not None:
        return p_value(result.p_adjusted)
    return "not computed" if result.p_value is None else f"{p_value(result.p_value)} (raw)"


def spaces(code: str) -> str:
    """A code as words."""
    return code.replace("_", " ")


def states(counts: Mapping[State | None, int]) -> str:
    """How many are in each state, in words: ``2 failed, 1 unclear``; empty for none."""
    return ", ".join(f"{counts[s]} {STATE_WORDS[s][0]}" for s in STATES if counts.get(s))


def poles(probe: ProbeRecord | None) -> str:
    """The names of both poles with arrows, for the heading of a chart; empty without names."""
    return f"   ← {probe.minus} · {probe.plus} →" if probe and probe.plus and probe.minus else ""
