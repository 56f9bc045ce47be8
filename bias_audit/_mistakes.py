"""A configuration with mistakes, all of which are told: those of its form and of its names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bias_audit import _yaml
from bias_audit._run_config import RunConfig
from bias_audit.catalogue import Catalogue
from bias_audit.config import Config, ProbeUse, check_names, read, with_own
from bias_audit.errors import FileError, Problem, UsageError
from bias_audit.gates.schema import GateConfig


def read_whole(path: Path, names: Callable[[Config], object]) -> Config:
    """Read a configuration.

    Args:
        path: its file.
        names: looks up the names in it. Asked here only when the file has mistakes of another kind,
            with what can be read of it.

    Raises:
        FileError: everything that is wrong with it, at once.
    """
    try:
        return read(path)
    except FileError as error:
        raise FileError([*error.problems, *_in_names(path, names)]) from None


def in_catalogue(path: Path, catalogue: Catalogue) -> Callable[[Config], None]:
    """Look up the names of a configuration in a catalogue and in the files that it lists."""
    return lambda config: check_names(config, path, with_own(catalogue, config, path))


def _in_names(path: Path, names: Callable[[Config], object]) -> tuple[Problem, ...]:
    """Mistakes in the names of a file that has others; none where the names cannot be read."""
    try:
        data = _yaml.plain(_yaml.read_source(path), str(path))
        if isinstance(data, dict):
            names(_names_only(data))
    except FileError as error:
        return error.problems
    except UsageError:  # about another file that it names: told once this one can be read
        return ()
    return ()


def _names_only(data: dict[str, Any]) -> Config:
    """The names in a configuration, each at its place; a gate without one matches every probe."""
    run = data.get("run")
    return Config.model_construct(
        version=1,
        probe_paths=_texts(data, "probe_paths"),
        probes=tuple(
            ProbeUse.model_construct(
                use=probe if isinstance(probe, str) else _text(probe, "use"),
                file=_text(probe, "file"),
                groups=_texts(probe, "groups"),
            )
            for probe in _list(data, "probes")
        ),
        run=RunConfig.model_construct(
            measures=_texts(run, "measures"), checks=_texts(run, "checks")
        ),
        gates=tuple(
            GateConfig.model_construct(id="", probe=_text(gate, "probe") or "*")
            for gate in _list(data, "gates")
        ),
    )


def _list(data: Any, key: str) -> list[Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []


def _texts(data: Any, key: str) -> tuple[str, ...]:
    """A list of names; nothing where one of them is no text, since the others have their places."""
    value = _list(data, key)
    return tuple(value) if all(isinstance(name, str) and name for name in value) else ()


def _text(data: Any, key: str) -> str | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) and value else None
