"""``bias-audit config``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.cli.options import config_option
from bias_audit.cli.output import say, say_json, say_report

if TYPE_CHECKING:
    from bias_audit.config import ResolvedSettings
    from bias_audit.utils.validation import KeyPath


DATA = ("probe", "templates", "lexicon", "suites", "sanity")


@click.group()
def config() -> None:
    """Show the configuration, or the JSON Schema of the files that people write."""


@config.command()
@config_option
@click.option("--origin", is_flag=True, help="Name what every value comes from, line by line.")
def show(config: Path | None, origin: bool) -> int:
    """Show the configuration that a run in this folder would use: environment, file, defaults.

    A flag of a command wins over all of them.
    """
    from bias_audit.config import resolve

    resolved = resolve(config, look_up=False)
    path = resolved.file.path
    content = resolved.settings.model_dump(mode="json", exclude={"call"})
    call = resolved.settings.call.model_dump(mode="json")
    content |= {key[1]: call[key[1]] for key in resolved.origins if key[0] == "call"}
    say(f"# from {path}" if path else "# defaults: no bias-audit.yaml was found", err=True)
    if not origin:
        say_json(content)
        return 0
    for key, value in _leaves(content, ()):
        name = ".".join(map(str, key))
        text = "unset" if value is None else json.dumps(value, ensure_ascii=False)
        say(f"{name:32} {text:32} {_origin(key, resolved)}")
    return 0


def _leaves(value: Any, key: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    if not inside or not value:
        yield key, value
        return
    for part, item in inside:
        yield from _leaves(item, (*key, part))


def _origin(key: KeyPath, resolved: ResolvedSettings) -> str:
    """The variable, the place in the file or the word ``default``."""
    from bias_audit.config import report_path

    for other, source in resolved.origins.items():
        if key[: len(other)] == other or ("call", key[0]) == other:
            return source
    marks, path = resolved.file.marks, resolved.file.path
    place = marks.get(key)
    if place is None and (key == ("model", "name") or key[::2] == ("probes", "use")):
        place = marks.get(key[:-1])  # a bare name stands for a group of keys
    return (
        "default" if place is None or path is None else f"{report_path(path)}:{place[0]}:{place[1]}"
    )


@config.command()
@click.argument(
    "which",
    type=click.Choice(["config", "waivers", *DATA, "results"]),
    default="config",
)
def schema(which: str) -> int:
    """Print the JSON Schema of a file, for editors and other tools."""
    from pydantic import BaseModel

    from bias_audit.config.schema import Config
    from bias_audit.gates.waivers import WaiverFile
    from bias_audit.probes.json_schema import schema_of
    from bias_audit.results import Results
    from bias_audit.utils.field_notes import describe, field_notes
    from bias_audit.utils.resources import read_text

    if which in DATA:  # with a line on every key, as it is shipped
        say_report(read_text("schemas", f"{which}.json"))
        return 0
    models: dict[str, type[BaseModel]] = {"config": Config, "waivers": WaiverFile}
    if which in models:
        say_json(schema_of(models[which]))
    else:
        say_json(describe(Results.model_json_schema(), field_notes(Results)))
    return 0
