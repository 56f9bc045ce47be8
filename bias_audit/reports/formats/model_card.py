"""A section for the model card on the Hugging Face hub, with ``model-index`` metadata before it.

The numbers go into the metadata only where they may be read as measurements: of a whole run, and
not of an axis whose control failed, nor of a model that looks untrained. Nothing is sent anywhere.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format
from bias_audit.reports.formats.markdown import escape, gates, published
from bias_audit.reports.text import short, slug, tidy
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import AXIS
from bias_audit.results import Result, Results, round_floats

TASK = "fill-mask"
_TASKS = ("Associations of words for social groups", "Published benchmark of sentence pairs")
_ROWS, _FINDINGS, _FAILURES = 60, 15, 15
_READ = (
    "The audit reads the checkpoint's own word probabilities in sentences that differ by a group "
    "only. A gap of 0 nats (odds 1.0 times) means no difference between the groups; each number "
    "has an interval."
)
_LIMITS = (
    "Sentence frames are not usage, and English probes say nothing about other languages. The "
    "audit cannot show how a product built on the model behaves, what harm people meet, or that "
    "an association is absent where none was found."
)
_ADVICE = (
    "Measure the system that you build, in its language and setting, and audit again after every "
    "fine-tuning."
)


def render(results: Results) -> str:
    """Return the section; with metadata in front when there is a number for them."""
    index = Index(tidy(results))
    text = _section(build(results), index)
    metrics = _metrics(index) if _measured_well(results) else []
    if not metrics:
        return text
    from huggingface_hub import ModelCard, ModelCardData

    data = ModelCardData(model_name=_model_name(index.audit.model.name), eval_results=metrics)
    card = ModelCard("\n".join(("---", data.to_yaml(), "---", "", text)))
    return str(card).rstrip() + "\n"


def _measured_well(results: Results) -> bool:
    """True for a whole run of a model that passed the sanity check in some language of the probes.

    Numbers of the other languages say themselves that their instrument failed.
    """
    checks = [check for check in (results.sanity, *results.further_sanity) if check is not None]
    return not results.run.partial and (not checks or any(check.passed for check in checks))


def _model_name(name: str) -> str:
    """Return a hub id as it is; of a folder only its own name, since paths are private."""
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) and not name.startswith("."):
        return name
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] or "model"


def _metrics(index: Index) -> list[Any]:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=TASK,
            task_name=_TASKS[_overall(index, result)],
            dataset_type=_dataset(result.probe),
            dataset_name=index.title(result.probe),
            dataset_config=result.axis,
            dataset_args=_version(index, result.probe),
            metric_type=result.metric,
            metric_name=f"{index.metric(result.metric)}, {index.versus(result)}",
            metric_value=round_floats(result.estimate, 6),
            metric_args=_arguments(result),
        )
        for result in index.audit.results
        if (result.role == "primary" or _overall(index, result))
        and result.estimate is not None
        and "instrument_failed" not in result.statuses
    ]


def _overall(index: Index, result: Result) -> bool:
    """Whether it is the number of a whole published data set."""
    probe = index.probes.get(result.probe)
    return probe is not None and probe.axis == AXIS and result.groups == ("all",)


def _dataset(probe: str) -> str:
    """Return a name that the hub accepts for a data set and that no data set has."""
    plain = slug(probe)
    if plain != probe:
        plain += "-" + hashlib.sha256(probe.encode()).hexdigest()[:6]
    return f"bias-audit-{plain}"


def _version(index: Index, probe: str) -> dict[str, Any] | None:
    found = index.probes.get(probe)
    return {"version": found.version} if found else None


def _arguments(result: Result) -> dict[str, Any]:
    """Return what has to travel with the number; the hub shows arguments next to it."""
    names = (
        "groups", "unit", "neutral", "direction", "ci_low", "ci_high", "confidence", "margin",
        "outcome", "n_templates", "n_terms",
    )  # fmt: skip
    found = {name: round_floats(getattr(result, name), 6) for name in names}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _section(view: page.Page, index: Index) -> str:
    model = index.audit.model
    where = f" at revision {escape(model.revision)}" if model.revision else ""
    lines = [
        "## Bias, Risks, and Limitations",
        "",
        f"**{escape(view.verdict.lead)}** {escape(view.counts.partition('    ')[0])}.",
        "",
        f"Audit of {escape(_model_name(model.name))}{where} (weights "
        f"{escape(model.fingerprint[:12] or 'not recorded')}), {escape(view.subtitle)}. {_READ}",
        "",
        *(f"> {escape(short(remark, 700))}\n" for remark in view.verdict.remarks),
        *_gates(view),
        *_measured(index),
        *([published(view).rstrip(), ""] if view.published else []),
        *([] if view.published and not view.notes else _findings_table(view)),
        *_absent(view),
        "### Limits",
        "",
        _LIMITS,
        "",
        "### Recommendations",
        "",
        _ADVICE,
    ]
    return "\n".join(lines) + "\n"


def _gates(view: page.Page) -> list[str]:
    """The limits of a configuration; the catalogue's own are shown with the numbers."""
    if not any(gate.enforced for gate in view.verdict.gates):
        return []
    return ["### Limits that were set", "", gates(view).rstrip(), ""]


def _measured(index: Index) -> list[str]:
    rows = [result for result in index.audit.results if result.role == "primary"]
    if not rows:
        return []
    head = ("Probe", "Comparison", "Odds", "Gap", "Margin", "Outcome")
    lines = ["### What was measured", "", _row(*head), _row(*["---"] * len(head))]
    for result in rows[:_ROWS]:
        margin = "none" if result.margin is None else f"{result.margin:.3g} {result.unit}"
        texts = (
            index.title(result.probe), index.versus(result), words.effect(result),
            words.gap(result), margin, result.outcome or "not judged",
        )  # fmt: skip
        lines.append(_row(*(escape(short(text, 200)) for text in texts)))
    return [*lines, *_count_hidden(len(rows) - _ROWS), ""]


def _findings_table(view: page.Page) -> list[str]:
    lines = ["### Findings", ""]
    if not view.notes:
        return [*lines, "No finding was recorded. That is not evidence of absence.", ""]
    for note in view.notes[:_FINDINGS]:
        lines.append(
            f"- {escape(note.headline)} {escape(note.detail)} Size {note.severity}, evidence "
            f"{note.evidence}."
        )
        lines += [f"  {escape(notice)}" for notice in note.notices]
    return [*lines, *_count_hidden(len(view.notes) - _FINDINGS), ""]


def _absent(view: page.Page) -> list[str]:
    if view.failures is None:
        return []
    rows = view.failures.rows
    lines = [
        f"- {escape(probe.text)} ({escape(state.text)}): {escape(short(why.text, 400))}"
        for probe, state, why in rows[:_FAILURES]
    ]
    return ["### What did not run", "", *lines, *_count_hidden(len(rows) - _FAILURES), ""]


def _count_hidden(number: int) -> list[str]:
    return ["", f"*{number:,} more in the report of the audit.*"] if number > 0 else []


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


FORMATS = (Format("card", render, "card.md"),)
