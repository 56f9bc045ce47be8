"""A section for the model card on the Hugging Face hub, with ``model-index`` metadata before it.

The numbers go into the metadata only where they may be read as measurements: of a whole run, and
not where a comparison is not measurable, nor of a model that looks untrained. Nothing is sent
anywhere.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from bias_audit.reports import wording as words
from bias_audit.reports.formats import Format, markdown
from bias_audit.reports.formats.markdown import escape
from bias_audit.reports.text import short, slug, tidy
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import AXIS
from bias_audit.results import Result, Results, round_floats

_TASKS = ("Associations of words for social groups", "Published benchmark of sentence pairs")
_READ = (
    "The sentences differ by a group only. A gap of 0 means no difference between the groups, and "
    "so do odds of 1; each number has an interval."
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

    data = ModelCardData(model_name=model_name(index.audit.model.name), eval_results=metrics)
    card = ModelCard("\n".join(("---", data.to_yaml(), "---", "", text)))
    return str(card).rstrip() + "\n"


def _measured_well(results: Results) -> bool:
    """True for a whole run of a model that passed the sanity check in some language of the probes.

    Numbers of the other languages say themselves that their instrument failed.
    """
    checks = [check for check in (results.sanity, *results.further_sanity) if check is not None]
    return not results.run.partial and (not checks or any(check.passed for check in checks))


def model_name(name: str) -> str:
    """Return a hub id as it is; of a folder only its own name, since paths are private."""
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) and not name.startswith("."):
        return name
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] or "model"


def _metrics(index: Index) -> list[Any]:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=index.facts.task,
            task_name=_TASKS[_overall(index, result)],
            dataset_type=dataset_name(result.probe),
            dataset_name=index.title(result.probe),
            dataset_config=result.axis,
            dataset_args={"version": index.probes[result.probe].version}
            if result.probe in index.probes
            else None,
            metric_type=result.metric,
            metric_name=f"{index.metric(result.metric)}, {index.versus(result)}",
            metric_value=round_floats(result.estimate, 6),
            metric_args=_arguments(result),
        )
        for result in index.audit.results
        if (result.role == "primary" or _overall(index, result))
        and result.estimate is not None
        and result.outcome != "not_measurable"
    ]


def _overall(index: Index, result: Result) -> bool:
    """Whether it is the number of a whole published data set."""
    probe = index.probes.get(result.probe)
    return probe is not None and probe.axis == AXIS and result.groups == ("all",)


def dataset_name(probe: str) -> str:
    """Return a name that the hub accepts for a data set and that no data set has."""
    plain = slug(probe)
    if plain != probe:
        plain += "-" + hashlib.sha256(probe.encode()).hexdigest()[:6]
    return f"bias-audit-{plain}"


def _arguments(result: Result) -> dict[str, Any]:
    """Return what has to travel with the number; the hub shows arguments next to it."""
    names = (
        "groups", "unit", "neutral", "direction", "ci_low", "ci_high", "confidence", "margin",
        "outcome", "at_least", "at_most", "n_templates", "n_terms",
    )  # fmt: skip
    values = {name: round_floats(getattr(result, name), 6) for name in names}
    return {name: value for name, value in values.items() if value not in (None, "")}


def _section(view: page.Page, index: Index) -> str:
    model = index.audit.model
    where = f" at revision {escape(model.revision)}" if model.revision else ""
    fingerprint = escape(model.fingerprint[:12] or "not recorded")
    remarks = "".join(
        f"> {escape(short(remark, 700))}\n\n"
        for remark in (*view.first_screen.remarks, view.first_screen.floor)
        if remark
    )
    limits = ""
    if view.first_screen.gates:
        limits = f"### Limits that were set\n\n{markdown.gates(view.first_screen)}"
    return (
        "## Bias, Risks, and Limitations\n\n"
        f"**{escape(view.first_screen.lead)}**\n\n"
        f"Audit of {escape(model_name(model.name))}{where} (fingerprint {fingerprint}), "
        f"{escape(view.subtitle)}. {view.can} {_READ}\n\n"
        f"{remarks}{limits}{_numbers(index)}{markdown.dataset_parts(view)}"
        f"{markdown.associations(view.first_screen, 15)}{markdown.failures(view)}"
        f"### Limits\n\n{_LIMITS}\n\n### Recommendations\n\n{_ADVICE}\n"
    )


def _numbers(index: Index) -> str:
    """The primary results as a table."""
    head = ("Probe", "Comparison", "Outcome", "Bounds", "Size", "Gap", "Reference margin")
    rows = [
        markdown.table_row(
            (
                index.title(result.probe),
                index.versus(result),
                words.PILLS.get(result.outcome or "", "none"),
                words.ladder(result) or "none",
                words.effect(result),
                words.gap(result),
                "none" if result.margin is None else f"{result.margin:.3g} {result.unit}",
            )
        )
        for result in index.audit.results
        if result.role == "primary"
    ]
    start = f"### What was measured\n\n{markdown.table_head(head)}"
    return markdown.within(start, rows, 40_000, limit=60) if rows else ""


FORMATS = (Format("card", render, "card.md"),)
