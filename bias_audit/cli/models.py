"""``bias-audit models``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import rich_click as click

from bias_audit.cli.options import setting_options, to_backend_options
from bias_audit.cli.output import fold, say
from bias_audit.utils.readings import READINGS


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
        readings = tuple(dict.fromkeys((folder.reading, *folder.readings)))
        made_as = f"{folder.made_as or 'none is named'} ({folder.config['model_type']})"
        rows = _rows(readings, made_as, folder.config)
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
    why = "functions are read so" if is_function else READINGS[reading].why
    yield "Read as", f"{reading}: {why}"
    yield "Answers", READINGS[reading].answers
    if READINGS[reading].of == "label":
        named = config.get("id2label")
        names = [str(label) for label in named.values()] if isinstance(named, dict) else []
        unknown = "those of the function, or --labels" if is_function else "LABEL_0, LABEL_1"
        yield "Labels", ", ".join(names) or unknown
        yield "Probes", "those with 'labels': bias-audit run MODEL -p labels"
    else:
        yield "Probes", "those with target words: bias-audit run MODEL -p core"
    for other in readings[1:]:
        yield "On request", f"--reading {other}: {READINGS[other].why}"
    others = [one for one in READINGS if one not in readings]
    yield (
        "Refused",
        f"{', '.join(others)}: one model has one reading, and runs of two are not mixed",
    )
