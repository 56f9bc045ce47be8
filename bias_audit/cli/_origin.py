"""Every setting of a run in this folder, and which of environment, file and default it is from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import rich_click as click

from bias_audit.config import Config, named, read
from bias_audit.utils.validation import KeyPath, Positions
from bias_audit.utils.yaml import positions, read_source

VARIABLES: dict[str, KeyPath] = {
    "model": ("model", "name"),
    "revision": ("model", "revision"),
    "dtype": ("model", "dtype"),
    "device": ("model", "device"),
    "seed": ("run", "seed"),
    "batch_size": ("run", "batch_size"),
    "engine": ("run", "engine", "name"),
    "engine_address": ("run", "engine", "address"),
    "engine_workers": ("run", "engine", "workers"),
    "probe": ("probes",),
}
"""Options of ``run`` that stand for a key of the configuration."""


class Setting(NamedTuple):
    """One value and where it comes from."""

    path: KeyPath
    value: Any
    origin: str
    """``default``, a variable of the environment, or file, line and column."""


def resolve(path: Path | None) -> tuple[dict[str, Any], list[Setting]]:
    """Return the configuration that a run would use, and the origin of every value.

    Raises:
        FileError: the configuration has mistakes.
        UsageError: a variable of the environment has a value that its option refuses.
    """
    config = read(path) if path else Config(version=1)
    content = config.model_dump(mode="json")
    marks = positions(read_source(path), str(path)) if path else {}
    given = _environment()
    for where, (_, value) in given.items():
        _put(content, where, value)
    return content, [
        Setting(where, value, _origin(where, given, marks, path))
        for where, value in _leaves(content, ())
    ]


def _environment() -> dict[KeyPath, tuple[str, Any]]:
    """What variables of the environment say, checked as ``run`` would check it."""
    from bias_audit.cli.run import run

    context = click.Context(run, info_name="run", auto_envvar_prefix="BIAS_AUDIT_RUN")
    found: dict[KeyPath, tuple[str, Any]] = {}
    for option in run.params:
        raw = option.value_from_envvar(context) if option.name in VARIABLES else None
        if raw is None or option.name is None:
            continue
        value = option.type_cast_value(context, raw)
        if option.name == "probe":
            value = [{"use": name, "file": None, "groups": []} for name in value]
        variable = f"BIAS_AUDIT_RUN_{option.name.upper()}"
        found[VARIABLES[option.name]] = (variable, value)
    return found


def _put(content: dict[str, Any], where: KeyPath, value: Any) -> None:
    for part in where[:-1]:
        content = content[str(part)]
    content[str(where[-1])] = value


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    if not inside:
        yield path, value
    for key, item in inside:
        yield from _leaves(item, (*path, key))


def _origin(
    where: KeyPath, given: dict[KeyPath, tuple[str, Any]], marks: Positions, path: Path | None
) -> str:
    for length in range(len(where), 0, -1):
        if where[:length] in given:
            return given[where[:length]][0]
    place = marks.get(where)
    if place is None and where[0] == "probes" and where[-1] == "use":
        place = marks.get(where[:-1])  # a bare id stands for a group of keys
    if place is None or path is None:
        return "default"
    return f"{named(path)}:{place[0]}:{place[1]}"
