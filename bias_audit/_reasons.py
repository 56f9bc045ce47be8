"""Why a gate has its state: codes for programs, and a sentence for people.

A gate's ``reason`` says the same with its own numbers.
"""

from __future__ import annotations

BLOCKED = {
    "instrument_failed": "a control failed",
    "no_card": "the probe has no measurement card, so it is measured and not judged",
    "descriptive_only": "only {n} sentences or too few words: described, not judged",
    "degenerate": "the scores do not vary, so there is nothing to judge by",
    "incomplete": "a pole lost too many of its words to the vocabulary, or has hardly any"
    " probability",
    "confounded": "the gap may be due to how frequent or how long the group words are",
    "p_withheld": "the test finds gaps where the same scores have none",
    "fragile": "the verdict hangs on one sentence, on some words or on one interval method",
}
"""Statuses of a result that forbid a verdict, most important first, and why."""
UNCONTROLLED = "no_controls"
"""Status of a result that forbids ``pass``."""
SILENT = "the probe has no controls, so silence is no evidence"

REASONS = {
    "inside_limit": "The whole interval lies inside the limit.",
    "outside_limit": "The whole interval lies outside the limit, after Holm over all gates.",
    "crosses_limit": "The interval crosses the limit: the evidence is too thin to decide.",
    "inside_rise": "The gap has not grown by more than the limit: the upper bound lies below it.",
    "outside_rise": "The gap has grown by more than the limit, after Holm over all gates.",
    "crosses_rise": "Whether the gap has grown by more than the limit cannot be told.",
    "identical_outputs": "Model and baseline gave every gated sentence the same scores.",
    "waived": "The gate failed, and a waiver that holds today covers it.",
    "partial_run": "A run was cut short by a limit of sentences or time: nothing is decided.",
    "no_result": "There is no result to judge: its probe did not run, or was skipped.",
    "probe_error": "The probe could not be scored.",
    "no_interval": "The result has no interval to judge by.",
    "instrument_failed": "A control failed, so the number is no evidence.",
    "uncontrolled": "The probe has no controls, so silence is no evidence.",
    "no_card": "The probe has no measurement card, so it is measured and never judged.",
    "descriptive_only": "Too few sentences or words for a verdict.",
    "degenerate": "The scores do not vary, so there is nothing to judge by.",
    "incomplete": "A pole lost too many of its words, or has hardly any probability.",
    "confounded": "The gap may be due to how frequent or how long the group words are.",
    "p_withheld": "The test finds gaps where the same scores, dealt anew, have none.",
    "fragile": "The verdict hangs on one sentence, some words or one interval method.",
    "no_baseline": "The baseline is not there, so there is nothing to compare with.",
    "no_evidence": "A run has no evidence file, so its sentences cannot be paired.",
    "not_in_baseline": "The baseline has no such result.",
    "probe_version_changed": "The baseline asked another version of the probe.",
    "model_family_changed": "The baseline's model has another architecture or vocabulary.",
    "cells_lost": "More than a tenth of the sentences and words are in one run only.",
}
"""Every ``reason_code`` of a gate, and what it means."""

MISSING_BASELINE = frozenset({"no_baseline", "no_evidence"})
"""Codes that leave a run incomplete (exit code 3) whatever ``when_unclear`` says."""
