"""``bias-audit models``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import rich_click as click

from bias_audit.cli.options import setting_options, to_backend_options
from bias_audit.cli.output import fold, say

_WHY: Mapping[str, str] = {
    "mask": "its head gives a probability to every word at a masked place",
    "continuation": "its architecture ends in ForCausalLM or LMHeadModel: the next word",
    "label": "its architecture ends in ForSequenceClassification: labels of whole texts",
    "similarity": "its modules.json, or --pooling, says how a text becomes a vector",
}
_ANSWERS: Mapping[str, str] = {
    "mask": "the log-probability of a word at its place, both sides in sight; completions",
    "continuation": "the log-probability of a whole sentence; completions after it",
    "label": "the log-probability of a label for a whole sentence; nothing about single words",
    "similarity": "how near a sentence lies to a query",
}


@click.group()
def models() -> None:
    """Say how a model would be read."""


@models.command()
@click.argument("name")
@setting_options("revision", "offline", "allow_pickle", "reading", "pooling")
def explain(name: str, **options: Any) -> int:
    """Say how a model is read, why, and what is refused; loads no weights.

    \b
    Examples:
      bias-audit models explain ./my-model
      bias-audit models explain reference
    """
    from bias_audit.backends.hf.model_files import ModelOptions, locate_model

    if name.startswith("python:"):
        rows = _rows(("label",), "a Python function from texts to probabilities", {})
    else:
        folder = locate_model(ModelOptions(name=name, **to_backend_options(options)))
        made_as = ", ".join(map(str, folder.config.get("architectures") or ())) or "none is named"
        readings = tuple(dict.fromkeys((folder.reading, *folder.readings)))
        rows = _rows(readings, f"{made_as} ({folder.config['model_type']})", folder.config)
    say(name)
    for key, text in rows:
        for line in fold(text, head=f"{key:14}"):
            say(line)
    return 0


def _rows(
    readings: Sequence[str], architecture: str, config: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    reading, is_function = readings[0], not config
    yield "Architecture", architecture
    why = "functions are read so" if is_function else _WHY[reading]
    yield "Read as", f"{reading}: {why}"
    yield "Answers", _ANSWERS[reading]
    if reading == "label":
        named = config.get("id2label")
        names = [str(label) for label in named.values()] if isinstance(named, dict) else []
        unknown = "those of the function, or --labels" if is_function else "LABEL_0, LABEL_1"
        yield "Labels", ", ".join(names) or unknown
        yield "Probes", "those with 'labels': bias-audit run MODEL -p labels"
    else:
        yield "Probes", "those with target words: bias-audit run MODEL -p core"
    for other in readings[1:]:
        yield "On request", f"--reading {other}: {_WHY[other]}"
    others = [one for one in _WHY if one not in readings]
    yield (
        "Refused",
        f"{', '.join(others)}: one model has one reading, and runs of two are not mixed",
    )
