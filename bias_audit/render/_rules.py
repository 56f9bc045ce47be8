"""Rules of the SARIF file: what each gate asks, and how to read it when it does not pass."""

from __future__ import annotations

from collections.abc import Iterable

from bias_audit.render._entries import RUN, WAIVERS, Entry
from bias_audit.render._text import clip, plain
from bias_audit.render.markdown import escape

_SHORT, _FULL = 200, 1000
_READ = (
    "Fail: the whole interval lies outside the limit, after correction for the number of "
    "comparisons. Unclear: the evidence does not settle it, and that is no pass. Pass: no larger "
    "association was found with these probes, which says nothing about other texts."
)
_READ_RISE = (
    "Fail: the gap is larger than the baseline's by more than the limit, after correction for the "
    "number of comparisons. Unclear: the evidence does not settle it, and that is no pass. Pass: "
    "no larger rise was found with these probes; the gap itself may be as large as it was."
)
_DO = (
    "Read the sentences behind a finding with 'bias-audit show RUN FINDING' and every word of this "
    "text with 'bias-audit explain'. A failure that is accepted for now is waived with a name, a "
    "reason and a date: 'bias-audit waive FINDING --until DATE --reason TEXT --owner WHO'."
)
_OTHER = {
    RUN: (
        "A probe of the audit did not run.",
        "What did not run is no pass. The message says which probe and why.",
        "Correct what the message names and run the audit again.",
    ),
    WAIVERS: (
        "A waiver does not hold.",
        "A waiver is void when it has expired, when the gap has outgrown it, or when it names "
        "nothing that failed. It changes no gate.",
        "Take it out of the file, or have its owner decide again: 'bias-audit waivers list' shows "
        "them all.",
    ),
}


def rules(entries: Iterable[Entry]) -> list[dict[str, object]]:
    """The rules of these entries, each once, in their order."""
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.rule, entry)
    return [_rule(entry) for entry in first.values()]


def _rule(entry: Entry) -> dict[str, object]:
    short, full, help_ = _OTHER.get(entry.rule) or _of_gate(entry)
    return {
        "id": entry.rule,
        "name": entry.rule,
        "shortDescription": {"text": clip(short, _SHORT)},
        "fullDescription": {"text": clip(full, _FULL)},
        "help": {"text": help_, "markdown": escape(help_)},
        "defaultConfiguration": {"level": "error" if entry.rule.startswith("gates/") else "note"},
        "properties": {"tags": ["bias", "language-model"]},
    }


def _of_gate(entry: Entry) -> tuple[str, str, str]:
    gate = entry.gate
    if gate is None or not gate.enforced:
        short = f"The catalogue's own margin of the probe {entry.rule.partition('/')[2]}."
        return short, f"{short} It informs and never fails a build. {_READ}", f"{_READ} {_DO}"
    limit = "its limit" if gate.limit is None else f"{plain(gate.limit)} {gate.unit}".rstrip()
    read = _READ_RISE if gate.kind == "regression" else _READ
    if gate.kind == "regression":
        asked = f"has grown by no more than {limit} over the baseline {gate.baseline}"
    else:
        asked = f"stays within {limit} of 0, in either direction"
    short = f"Every gap of the gate {entry.rule.partition('/')[2]} must be shown to be acceptable."
    return short, f"It must be shown that each gap {asked}. {read}", f"{read} {_DO}"
