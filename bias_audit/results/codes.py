"""Every status, notice and reason code with its texts: the one table behind gates and reports.

To add a code, add a row and set the code where it arises; gates, reports and ``explain`` read the
rest from here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """One code and what it means."""

    id: str
    text: str
    """A sentence for people: reports, findings, the first line of its page in ``explain``."""
    clause: str = ""
    """The reason of a gate, as half a sentence; empty where it is ``text``."""
    blocks: bool = False
    """A comparison with this status is not measurable."""
    reason: bool = False
    """A gate may give it as its ``reason_code``."""
    status: bool = False
    """Results and probes may carry it in ``statuses``."""
    unasked: bool = False
    """A gate with this reason could not be asked: the run is incomplete (exit code 3)."""

    @property
    def kind(self) -> str:
        """The kind of its page in ``explain``."""
        if self.status and self.reason:
            return "status and reason code"
        return "reason code" if self.reason else "notice"


def _blocking(id: str, text: str, clause: str = "") -> Code:
    return Code(
        id=id, text=text, clause=clause, blocks=True, reason=True, status=True, unasked=True
    )


def _half(id: str, text: str, clause: str = "") -> Code:
    """A status that forbids one of the answers."""
    return Code(id=id, text=text, clause=clause, reason=True, status=True, unasked=True)


def _notice(id: str, text: str) -> Code:
    return Code(id=id, text=text, status=True)


def _reason(id: str, text: str, clause: str = "", *, unasked: bool = False) -> Code:
    return Code(id=id, text=text, clause=clause, reason=True, unasked=unasked)


NO_CONTROLS = "no_controls"
SILENT, LOUD = "silent_control", "loud_control"
FAILED = "instrument_failed"
FLAT = "degenerate"
DEAF = (SILENT, NO_CONTROLS)
"""Statuses that forbid ``small`` and ``pass``: such a silence is no evidence."""

_TABLE = (
    # Statuses of what is not measurable, the most important first.
    _blocking(
        FAILED,
        "The instrument failed, so the number is no evidence in either direction.",
        "the instrument failed",
    ),
    _blocking(
        "descriptive_only",
        "Too few sentences or words: the numbers describe, no more.",
        "only {n} sentences or too few words: described, not judged",
    ),
    _blocking(
        FLAT,
        "The gap is the same in every sentence, or no ratio exists: no interval can be computed.",
    ),
    _blocking(
        "incomplete",
        "A pole lost too many of its words to the vocabulary, or has hardly any probability.",
    ),
    # Statuses that forbid one of the answers.
    _half(
        SILENT,
        "A positive control is silent: that the model shows little here is no evidence.",
        "a positive control is silent, so that little is shown is no evidence",
    ),
    _half(
        NO_CONTROLS,
        "No positive control, or neither a negative one nor a placebo: silence is no evidence.",
        "there is no positive control, or neither a negative one nor a placebo, so silence is no "
        "evidence",
    ),
    _half(
        LOUD,
        "A negative or placebo control shows as much, so an association here is no evidence.",
        "a negative or placebo control shows a gap of its own, so one here is no evidence",
    ),
    # Notices: they stand beside an outcome or a state and change neither.
    _notice(
        "these_words_only",
        "Shown for these words; other words of the kind may behave otherwise.",
    ),
    _notice(
        "confounded",
        "Caution: between group words of equal frequency and length the gap is another one.",
    ),
    _notice(
        "target_frequency",
        "Caution: between equally frequent scored words the gap is another one.",
    ),
    _notice(
        "p_withheld",
        "The test finds gaps where the same scores have none, so its p is withheld.",
    ),
    _notice(
        "fragile",
        "One sentence, half of the words or the interval method carries what is shown.",
    ),
    _notice("no_card", "The probe has no measurement card: nobody has said what is wanted."),
    _notice(
        "direction_depends_on_phrasing",
        "The direction depends on the phrasing: fewer than three in four sentences agree.",
    ),
    _notice(
        "pole_heterogeneous",
        "A few likely words of a pole behave unlike the others; see the table of words.",
    ),
    _notice("one_target_dominates", "One word{word} carries more than half of the gap."),
    _notice(
        "under_powered",
        "Gaps of the size of the reference margin could go unnoticed with this design.",
    ),
    _notice("surface_dependent", "The gap changes with full stops, capitals or small words."),
    _notice("less_natural", "The sentences about one group are much less natural to the model."),
    _notice(
        "mixed_length", "The words have different numbers of pieces: a share for looking only."
    ),
    _notice("low_word_mass", "Much of the probability fell on pieces that are not whole words."),
    _notice(
        "completions_differ",
        "What the model says of the groups when no word is given differs all the same.",
    ),
    _notice(
        "few_exchanges",
        "Too few group words can be exchanged for a test of this comparison: no p could be small.",
    ),
    _notice("legacy", "Kept for comparison with published numbers, not as evidence."),
    # Reasons of gates.
    _reason("inside_limit", "The whole 90 % interval lies inside the limit."),
    _reason(
        "outside_limit",
        "The gap is shown to lie beyond the limit, one-sided at 5 % after Holm over all gates.",
    ),
    _reason("crosses_limit", "The interval crosses the limit: the evidence is too thin to decide."),
    _reason(
        "inside_rise",
        "The gap has not grown by more than the limit: the upper bound lies below it.",
    ),
    _reason("outside_rise", "The gap has grown by more than the limit, after Holm over all gates."),
    _reason("crosses_rise", "Whether the gap has grown by more than the limit cannot be told."),
    _reason("identical_outputs", "Model and baseline gave every gated sentence the same scores."),
    _reason("waived", "The gate failed, and a waiver that holds today covers it."),
    _reason(
        "partial_run",
        "A run was cut short by a limit of sentences or time: nothing is decided.",
        unasked=True,
    ),
    _reason(
        "no_result",
        "There is no result to judge: its probe did not run, or was skipped.",
        unasked=True,
    ),
    _reason("probe_error", "The probe could not be scored.", unasked=True),
    _reason("no_interval", "The result has no interval to judge by.", unasked=True),
    _reason(
        "no_baseline",
        "The baseline is not there, so there is nothing to compare with.",
        unasked=True,
    ),
    _reason(
        "no_evidence",
        "A run has no evidence file, so its sentences cannot be paired.",
        unasked=True,
    ),
    _reason("not_in_baseline", "The baseline has no such result.", unasked=True),
    _reason(
        "probe_version_changed", "The baseline asked another version of the probe.", unasked=True
    ),
    _reason(
        "model_family_changed",
        "The baseline's model has another architecture or vocabulary.",
        unasked=True,
    ),
    _reason(
        "cells_lost",
        "More than a tenth of the sentences and words are in one run only.",
        unasked=True,
    ),
)
CODES = {code.id: code for code in _TABLE}
"""All codes by id."""
BLOCKING = tuple(code.id for code in _TABLE if code.blocks)
"""Statuses of a result that is not measurable, the most important first."""
REASONS = tuple(code.id for code in _TABLE if code.reason)
"""Every ``reason_code`` of a gate."""
STATUSES = tuple(code.id for code in _TABLE if code.status)
"""Every status of a result or probe that has a text."""
UNASKED = frozenset(code.id for code in _TABLE if code.unasked)
"""Reasons of gates that could not be asked: exit code 3, whatever ``when_unclear`` says."""


def describe(code: str, *, word: str = "") -> str:
    """Return the sentence of a code; an unknown one as words, a sentence as it is.

    ``word`` is the word that ``one_target_dominates`` is about.
    """
    if code in CODES:
        return CODES[code].text.format(word=f", {word}," if word else "")
    return code if " " in code else code.replace("_", " ")


def as_clause(code: str, *, n: int = 0) -> str:
    """Return a code as half of a sentence; ``descriptive_only`` states ``n`` sentences."""
    known = CODES[code]
    if known.clause:
        return known.clause.format(n=n)
    text = describe(code).rstrip(".")
    return text[0].lower() + text[1:]
