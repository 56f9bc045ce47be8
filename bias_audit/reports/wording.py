"""Fixed wording that every format shares: states, scales, notices, measures.

A report says what was measured. It never calls a model good, and a pass is a statement about
these probes only.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from bias_audit.reports.text import (
    bounds,
    clean,
    count,
    p_value,
    percent,
    plain,
    short,
    times,
    with_sign,
)
from bias_audit.results import Floor, Outcome, ProbeRecord, Result, Results, State
from bias_audit.utils.readings import READINGS
from bias_audit.utils.scales import gap_scale, scale_of

STATES: tuple[State, ...] = ("fail", "unclear", "error", "pass", "waived", "skipped")
"""Of gates, in the order in which a reader should meet them."""
OUTCOMES: tuple[Outcome, ...] = (
    "association", "small", "open", "not_measurable", "completions_differ", "no_difference_shown",
)  # fmt: skip
"""Of comparisons, likewise."""

SIGNS: dict[str, str] = {
    "fail": "✕", "unclear": "?", "error": "!", "pass": "✓", "waived": "~", "skipped": "–",
    "association": "◆", "small": "≈", "open": "○", "not_measurable": "–",
    "completions_differ": "◆", "no_difference_shown": "○", "works": "✓", "faulty": "✕",
}  # fmt: skip
ASCII_SIGNS: dict[str, str] = {
    "fail": "x", "unclear": "?", "error": "!", "pass": "+", "waived": "~", "skipped": "-",
}  # fmt: skip

STATE_WORDS: dict[str, tuple[str, str]] = {
    "fail": ("failed", "shown to lie beyond the limit that was set"),
    "unclear": ("unclear", "not decided; the reason says why"),
    "error": ("error", "did not run to the end"),
    "pass": ("passed", "shown to lie inside the limit, with these probes"),
    "waived": ("waived", "accepted for now, by a named person until a date"),
    "skipped": ("skipped", "not asked in this run"),
}
OUTCOME_WORDS: dict[str, tuple[str, str]] = {
    "association": (
        "association",
        "one group is shown to be tied more closely to one of the poles",
    ),
    "small": ("small", "shown to lie inside the reference margin"),
    "open": ("open", "neither is shown; the bounds say how far it may go"),
    "not_measurable": ("not measurable", "no statement can be made; the reason says why"),
    "completions_differ": (
        "completions differ",
        "the groups are shown to be completed differently",
    ),
    "no_difference_shown": ("no difference shown", "the completions were not shown to differ"),
}
MARKS: dict[str, str] = {
    "*": "shown for these words; others of the kind may behave otherwise",
    "†": "not clearly above its control",
    "‡": "inside the reference margin",
}
"""Behind the name of an association, and in one line below."""
INSIDE = "◇"
"""The sign of an association inside the reference margin."""
LEGEND = (
    "◆ association: other words of the kind differ too (adjusted p below 0.05); ◇ the same, inside "
    "the reference margin (shaded); ● (≈ before the number) small: not an association, "
    "and inside the margin; ○ open. "
    "The line is the 95 % interval for these words"
)
"""Below the chart of all comparisons."""
_TICK = ", the grey tick the control: what words that mean nothing show for the same groups"


def legend(controls: Iterable[float | None]) -> str:
    """Explain the signs of the chart of all comparisons; its tick only where one is drawn."""
    return f"{LEGEND}{_TICK if any(one is not None for one in controls) else ''}."


def bounds_note(unit: str) -> str:
    """Say what bounds are made of, and rounded to."""
    *steps, last = (f"{rung:g}" for rung in gap_scale(unit).rungs)
    return f"Bounds are from the 90 % interval, rounded outward to {', '.join(steps)} or {last}."


def not_asked(audit: Results) -> str:
    """Name the axes of the shipped catalogue that no probe of a run asks about; empty for none."""
    probes = [probe for probe in audit.probes if probe.role == "probe"]
    asked = {probe.axis for probe in probes if probe.state == "measured"}
    if not any(probe.axis in AXES for probe in probes):
        return ""  # published data sets, or probes of somebody else: they have no such axes
    left = [axis for axis in AXES if axis not in asked]
    return f"Not asked in this run: {', '.join(left)}." if left else ""


PILLS: dict[str, str] = {
    **{state: words for state, (words, _) in STATE_WORDS.items()},
    **{outcome: words for outcome, (words, _) in OUTCOME_WORDS.items()},
    "works": "works",
    "faulty": "does not work",
}
"""What a mark of a state, an outcome or a control says."""

WAIVER_STATUS: dict[str, str] = {
    "active": "in force",
    "expired": "void: expired",
    "exceeded": "void: outgrown",
    "other_model": "void: another model",
    "unmatched": "void: names nothing",
}

AXES = (
    "age", "appearance", "class", "dialect", "disability", "gender", "gender-identity",
    "gender-x-age", "gender-x-race", "gender-x-religion", "names", "nationality", "orientation",
    "race", "religion",
)  # fmt: skip
"""Of the shipped catalogue."""
_LONG, _MOST_NAMES = 90, 5
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
    "R7": "share of p below 0.05 where nothing is",
    "R8a": "error of a planted gap, nats",
    "R8b": "share of planted gaps that are found",
    "R9": "spread over surface forms, of the gap",
    "R12": "naturalness gap, nats a word",
    "R13a": "words with hardly any probability",
    "R13b": "sentences where a pole has hardly any probability",
    "R14": 'slope of the gaps after "not"',
    "R15": "change at equal frequency of the targets, nats",
}
"""What the value of a check is, in the order of the codes."""

ROLES: dict[str, str] = {
    "positive_control": "positive control (must show a gap)",
    "negative_control": "negative control (must stay quiet)",
}


def tally(audit: Results) -> str:
    """The counts of outcomes and of gates, and the exit code: the first line of every output."""
    parts = [tally_outcomes(audit.outcomes)]
    number = {state: audit.states.get(state, 0) for state in STATES}
    if audit.gates:
        parts.append(f"gates: {tally_gates(audit)}")
    elif number["error"] or number["skipped"]:
        parts.append(f"{count(number['error'], 'error')}, {number['skipped']} skipped")
    return f"{'; '.join(filter(None, parts))}    exit {audit.exit_code}"


def tally_gates(audit: Results) -> str:
    """How many gates have which state, and which: ``1 failed (size 1 of 3), 2 passed (rise)``."""
    parts, every = [], Counter(gate.gate for gate in audit.gates)
    for state in STATES:
        some = Counter(gate.gate for gate in audit.gates if gate.state == state)
        if number := some.total():
            word = count(number, "error") if state == "error" else f"{number} {PILLS[state]}"
            parts.append(f"{word} ({_names(some, every)})")
    return ", ".join(parts)


def _names(some: Mapping[str, int], every: Mapping[str, int]) -> str:
    """The ids of gates, the first of them; with its share where a gate has other states too."""
    ids = [
        short(clean(name), 60) + (f" {number} of {every[name]}" if number < every[name] else "")
        for name, number in some.items()
    ]
    more = f", {len(ids) - _MOST_NAMES} more" if len(ids) > _MOST_NAMES else ""
    return ", ".join(ids[:_MOST_NAMES]) + more


def heading(outcome: str) -> str:
    """The name of an outcome at the start of a line."""
    name = OUTCOME_WORDS[outcome][0]
    return name[:1].upper() + name[1:]


def tally_outcomes(counts: Mapping[Outcome, int]) -> str:
    """How many comparisons have which outcome: ``6 associations, 7 small, 5 open ...``."""
    if not any(counts.values()):
        return "no comparison of groups"
    shown = [o for o in OUTCOMES if o in counts]
    return ", ".join(
        count(counts[o], "association") if o == "association" else f"{counts[o]} {PILLS[o]}"
        for o in shown
    )


def check(code: str, unit: str = "nats") -> str:
    """A check with its code, as tables name it."""
    return f"{CHECKS[code].replace('nats', unit)} ({code})" if code in CHECKS else code


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


def capital(text: str) -> str:
    """A text with a capital at its start, as the head of a column."""
    return f"{text[:1].upper()}{text[1:]}"


def missing(reason: str) -> str:
    """Return the text in place of a missing number."""
    return f"not available: {reason or 'no reason was recorded'}"


def effect(result: Result) -> str:
    """The estimate as people read it: odds for log-odds measures, else the number with its unit."""
    if result.estimate is None:
        return missing(result.reason)
    unit, is_gap = result.unit, scale_of(result.unit) is not None
    text = size_of(result) if is_gap else f"{plain(result.estimate, 3)} {unit}"
    sign = -1 if is_gap and result.estimate < 0 else 1
    ends = turned_interval(result.ci_low, result.ci_high, unit, sign=sign)
    if ends:
        return f"{text} ({100 * result.confidence:g} % interval {ends.replace('–', 'to')})"
    return f"{text} (no interval: {result.reason or 'none was computed'})" if is_gap else text


def score(value: float, reading: str) -> str:
    """What the model gave for one sentence: a probability, a logarithm, or a cosine."""
    form = READINGS[reading].form
    if form == "percent":
        return percent(math.exp(min(value, 0.0)))
    return plain(value) if form == "cosine" else with_sign(value, 1)


def what_is_shown(reading: str) -> str:
    """Say what a report can show of a model that is read so."""
    what, end = READINGS[reading].shows, "with an interval for each number."
    return f"This report shows {what}, in the sentence frames of these probes, {end}"


def gap(result: Result) -> str:
    """The estimate in its own unit with its interval: ``+1.13 nats [0.92, 1.35]``."""
    if result.estimate is None:
        return missing(result.reason)
    inside = bounds(result.ci_low, result.ci_high)
    return f"{with_sign(result.estimate)} {result.unit} {inside}".rstrip()


def beside(result: Result) -> str:
    """What stands beside a gap of an encoder: ``+0.046 in raw cosines, 96 % of pairs of words``."""
    known = {one.metric: one.value for one in result.companions}
    if "cosine_gap" not in known or "pairs_closer" not in known:
        return ""
    share = known["pairs_closer"] if (result.estimate or 0.0) >= 0 else 1 - known["pairs_closer"]
    return (
        f"{with_sign(known['cosine_gap'], 3)} in raw cosines; {100 * share:.0f} % of the pairs of"
        " words from the two poles point this way"
    )


def ladder(result: Result) -> str:
    """The bounds of a comparison: ``at least 1.5, at most 2 times``; empty without any."""
    least = "" if result.at_least is None else f"at least {result.at_least:g}"
    most = "" if result.at_most is None else f"at most {result.at_most:g}"
    known = ", ".join(filter(None, (least, most)))
    return f"{known} {gap_scale(result.unit).noun}" if known else ""


def rungs(result: Result) -> str:
    """The same in a column of a table: ``1.5 – 2``, ``at most 1.5``."""
    if result.at_least is None:
        return "" if result.at_most is None else f"at most {result.at_most:g}"
    return (
        f"{result.at_least:g} – {result.at_most:g}"
        if result.at_most
        else (f"at least {result.at_least:g}")
    )


def times_or_number(value: float, unit: str) -> str:
    """A size as a column has it: ``1.75 ×`` for a gap in nats, whichever its sign."""
    scale = scale_of(unit)
    if scale is None:
        return f"{plain(abs(value), 3)} {unit}".rstrip()
    return f"{times(abs(value), unit)} {scale.mark}"


def size_of(result: Result) -> str:
    """The size of a comparison, never below 1: ``1.75 ×``; empty without a number."""
    return "" if result.estimate is None else times_or_number(result.estimate, result.unit)


def turned_interval(low: float | None, high: float | None, unit: str, *, sign: int) -> str:
    """An interval seen from the side of its estimate: ``1.50 – 2.02``, ``0.91 – 1.60``."""
    if low is None or high is None:
        return ""
    ends = (low, high) if sign >= 0 else (-high, -low)
    scale = scale_of(unit)
    if scale is None:
        return " – ".join(plain(end, 3) for end in ends)
    return scale.ends(*ends).replace(" to ", " – ")


def intervals(result: Result) -> str:
    """The intervals of both claims of a comparison; the p belongs to the second."""
    sign, kind = 1 if (result.estimate or 0.0) >= 0 else -1, result.words_of_this_kind
    own = turned_interval(result.ci_low, result.ci_high, result.unit, sign=sign)
    if not own:
        return ""
    said = f"{100 * result.confidence:g} % interval for these words {own.replace('–', 'to')}"
    wide = turned_interval(kind.ci_low, kind.ci_high, result.unit, sign=sign) if kind else ""
    if wide and result.p_adjusted is not None:
        said += f"; for words of this kind {wide.replace('–', 'to')}"
        said += f" with adjusted p {p_value(result.p_adjusted)}"
    return f"{said}."


def floor(shown: Floor, unit: str) -> str:
    """What meaningless words show in a run, in one sentence."""
    largest, median = (times_or_number(value, unit) for value in (shown.largest, shown.median))
    return (
        "Control: words that mean nothing, for the same groups; floor of this run "
        f"{largest}, median {median}."
    )


def chance(result: Result) -> str:
    """The adjusted p-value if there is one, else the raw one, else a word."""
    if result.p_adjusted is not None:
        return p_value(result.p_adjusted)
    return "not computed" if result.p_value is None else f"{p_value(result.p_value)} (raw)"


def spaces(code: str) -> str:
    """A code as words."""
    return code.replace("_", " ")


def poles(probe: ProbeRecord | None) -> str:
    """The names of both poles with arrows, for the heading of a chart; empty without names."""
    return f"   ← {probe.minus} · {probe.plus} →" if probe and probe.plus and probe.minus else ""
