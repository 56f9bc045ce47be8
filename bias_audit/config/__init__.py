"""The settings of a run: found, read, put together, their names looked up.

They come from ``bias-audit.yaml``, options, environment variables and Python keywords;
:mod:`bias_audit.config.schema` declares them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_audit.config.schema import (
    NO_CODE,
    NO_CODE_HINT,
    CallSettings,
    Config,
    ModelConfig,
    RunSettings,
    write_out_probes,
)
from bias_audit.errors import BiasAuditError, FileError, Problem, UnknownNameError, UsageError
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.gates.waivers import read_waivers
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.settings import Setting, apply_overrides, collect_overrides, declared_settings
from bias_audit.utils.validation import KeyPath, Positions, validate_partially
from bias_audit.utils.yaml import compose, read_source, validate

if TYPE_CHECKING:
    from bias_audit.probes.catalogue import ProbeCatalogue


NAME = "bias-audit.yaml"
WAIVERS = "bias-audit-waivers.yaml"
VARIABLES = "BIAS_AUDIT_RUN_"
"""Prefix of the environment variables of settings."""


@dataclass(frozen=True, kw_only=True)
class ConfigFile:
    """A configuration and where it says what."""

    config: Config
    path: Path | None = None
    """None where there is no file and the defaults stand."""
    marks: Positions = field(default_factory=dict)
    """Line and column of every value, by its path of keys and indices."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the file says, whatever its comments and the order of its keys."""
        if self.path is None:
            return ""
        return hashlib.sha256(self.config.model_dump_json().encode()).hexdigest()

    @property
    def gate_places(self) -> dict[str, tuple[int, int]]:
        """Line and column of every gate, by its id."""
        if self.path is None:
            return {}
        return {gate.id: self.marks[("gates", i)] for i, gate in enumerate(self.config.gates)}

    @property
    def waiver_place(self) -> Path:
        """Where a waiver is written: the waiver file that it names, or the usual one."""
        folder = self.path.parent if self.path is not None else Path()
        return folder / (self.config.waivers or WAIVERS)

    @property
    def waiver_file(self) -> Path | None:
        """The waiver file that it names, or the usual one where that exists."""
        place = self.waiver_place
        if self.config.waivers is None:
            refuse_lookalikes(place.parent, WAIVERS)
        return place if self.config.waivers is not None or place.is_file() else None


def find(start: Path) -> Path | None:
    """Return ``bias-audit.yaml`` in ``start`` or a parent, up to the root of the repository.

    Raises:
        UsageError: a file there looks like one and would not be read.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        refuse_lookalikes(folder, NAME)
        if (folder / NAME).is_file():
            return folder / NAME
        if (folder / ".git").exists():
            return None
    return None


def is_above(path: Path) -> bool:
    """Return whether a configuration is of a folder above this one."""
    return path.resolve().parent in Path.cwd().resolve().parents


def describe_place(path: Path) -> str:
    """Name a configuration as seen from here, and say so when it is of a folder above."""
    return f"{os.path.relpath(path)}{' (found above this folder)' if is_above(path) else ''}"


_FORMATS = frozenset({".yaml", ".yml", ".json", ".toml", ".ini", ".cfg"})


def refuse_lookalikes(folder: Path, name: str) -> None:
    """Refuse a file whose name is nearly the one that is read: its author thinks that it is.

    Raises:
        UsageError: there is one, or this very name is a link to nothing.
    """
    wanted, plain = folder / name, _plain(name)
    try:
        entries = [p for p in folder.iterdir() if _plain(p.name) == plain]
    except OSError:  # a folder above that may not be listed
        return
    for path in sorted(entries):
        if path.is_dir() or (path.exists() and wanted.exists() and path.samefile(wanted)):
            continue
        if path.name == name:
            raise UsageError(f"{path} is a link to nothing", hint="link it to a file, or remove it")
        raise UsageError(
            f"{path} is not read: only the name {name} is",
            hint=f"rename it to {name}, or name it in the command or the configuration",
        )


def _plain(name: str) -> str:
    """A name without what people confuse: capitals, dots, dashes, underscores, the format."""
    stem, suffix = Path(name.strip(". ").lower()).stem, Path(name.lower()).suffix
    return re.sub("[-_ ]", "", stem) if suffix in _FORMATS else ""


def read(path: Path, check: Callable[[Config], object] | None = None) -> ConfigFile:
    """Read a configuration.

    Args:
        path: its file.
        check: looks up the names in it and raises FileError. When the file has mistakes of form, it
            gets what can be read of it, so that all mistakes are shown at once.

    Raises:
        FileError: everything that is wrong with it, at once.
    """
    document = compose(read_source(path), str(path))
    try:
        config = validate(document, Config, str(path))
    except FileError as error:
        names = () if check is None else _name_problems(document.data, check)
        raise FileError([*error.problems, *names]) from None
    if check is not None:
        check(config)
    return ConfigFile(config=config, path=path, marks=document.values)


def _name_problems(data: Any, check: Callable[[Config], object]) -> tuple[Problem, ...]:
    """Mistakes in the names of a file that has others; none where the names cannot be read."""
    # a gate without a probe may judge each of them
    try:
        if isinstance(data, dict):
            check(validate_partially(Config, write_out_probes(data), {GateConfig: {"probe": "*"}}))
    except FileError as error:
        return error.problems
    except UsageError:  # about a file that this one names: reported once this one can be read
        pass
    return ()


def report_path(path: Path) -> str:
    """A file as reports name it: seen from the root of its repository, else by its name alone.

    A path of this machine in the results would make them differ from one machine to the next.
    """
    whole = path.resolve()
    root = next((folder for folder in whole.parents if (folder / ".git").exists()), whole.parent)
    return whole.relative_to(root).as_posix()


# Putting the settings of a run together


@cache
def settings() -> Mapping[str, Setting]:
    """All settings of a run, by their Python keyword."""
    of_call, of_file = declared_settings(CallSettings, ("call",)), declared_settings(Config)
    return {one.name: one for one in (*of_call, *of_file)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedSettings:
    """The settings of one run, and where each of them is from."""

    settings: RunSettings
    file: ConfigFile
    origins: Mapping[tuple[str, ...], str]
    """Variable or option of every setting that was overridden, by its key."""
    catalogue: ProbeCatalogue | None = None
    """Where the run's probes come from; None where names were not looked up."""


def resolve(
    config: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    search: bool = True,
    look_up: bool = True,
    label: Callable[[Setting], str] = attrgetter("name"),
) -> ResolvedSettings:
    """Put the settings of a run together: overrides, else the environment, the file, the default.

    Args:
        config: the configuration file; that of the working folder or its parents when None.
        overrides: values by Python keyword, typed or as text; None, False and empty ones are unset.
        search: look for a configuration where none is named.
        look_up: check that the probes, groups and measures of the file exist, and open a catalogue.
        label: how messages name an override.

    Raises:
        FileError: the file has mistakes.
        UsageError: a setting does not take its value.
        UnknownNameError: no such setting.
    """
    given = collect_overrides(settings(), overrides or {}, prefix=VARIABLES, label=label)
    named = given.get("model")
    if named and str(named.value).startswith("python:") and named.source.startswith(VARIABLES):
        raise UsageError(f"{named.source}: {NO_CODE}", hint=NO_CODE_HINT)
    paths = given["probe_paths"].value if "probe_paths" in given else ()
    catalogue = open_catalogue(paths) if look_up else None
    path = Path(config) if config is not None else find(Path.cwd()) if search else None
    file = ConfigFile(config=Config(version=1))
    if path is not None:
        with _name_found(path, found=config is None):
            file = read(path, name_check(path, catalogue) if catalogue is not None else None)
    if catalogue is not None and path is not None:
        catalogue = with_own(catalogue, file.config, path)
    base = RunSettings(version=1).model_copy(update=dict(file.config))
    if path is not None and "model" not in given:
        base = base.model_copy(update={"model": _beside(base.model, path)})
    return ResolvedSettings(
        settings=apply_overrides(base, settings(), given),
        file=file,
        origins={settings()[name].key: one.source for name, one in given.items()},
        catalogue=catalogue,
    )


def _beside(model: ModelConfig, file: Path) -> ModelConfig:
    """Return the model of a configuration, whose path is relative to the file, as seen from here.

    Raises:
        UsageError: the name is that of a folder here, and of none beside the file.
    """
    from bias_audit.backends import BUILT_IN

    name, folder = model.name, file.resolve().parent
    if name in BUILT_IN or _is_absolute(name) or folder == Path.cwd().resolve():
        return model
    is_path = name.startswith(("./", "../", ".\\", "..\\")) or name in (".", "..")
    if not is_path and not (folder / name).is_dir():
        if Path(name).is_dir():
            raise UsageError(
                f"{file}: the model '{name}' is looked for beside the file, and there is none, but"
                " a folder of this name is here",
                hint=f"write the path from {folder} to it, or name the model in the command",
            )
        return model
    place = os.path.relpath(folder / name)
    place = place if place.startswith("..") else os.path.join(".", place)
    return model.model_copy(update={"name": place})


def _is_absolute(name: str) -> bool:
    try:
        return Path(name).expanduser().is_absolute()
    except RuntimeError:  # the home folder of nobody: loading says that there is no such folder
        return True


def open_catalogue(paths: Iterable[str | Path]) -> ProbeCatalogue:
    """Return the shipped catalogue with folders and files of the user before it.

    Raises:
        UsageError: one of them does not exist.
    """
    from bias_audit.probes.catalogue import ProbeCatalogue

    places = [Path(path) for path in paths]
    for place in places:
        if not place.exists():
            raise UsageError(f"no such file or folder: {place}")
    return ProbeCatalogue([p for p in places if p.is_dir()], [p for p in places if not p.is_dir()])


def require(
    path: Path | None = None, check: Callable[[Config, Path], object] | None = None
) -> ConfigFile:
    """Read the configuration that was named, or that of this folder.

    Args:
        path: the file; that of the working folder or its parents when None.
        check: looks up its names.

    Raises:
        UsageError: there is none.
        FileError: it has mistakes.
    """
    place = path or find(Path.cwd())
    if place is None:
        raise UsageError(
            f"no {NAME} here or in a parent folder: there is nothing to judge by",
            hint="make one with 'bias-audit init', or name one with -c FILE",
        )
    with _name_found(place, found=path is None):
        return read(place, check and (lambda config: check(config, place)))


@contextmanager
def _name_found(path: Path | None, *, found: bool) -> Iterator[None]:
    """Say in errors about a configuration that nobody named it here: it is of a folder above."""
    try:
        yield
    except BiasAuditError as error:
        if found and path is not None and is_above(path):
            where = f"{describe_place(path)}: -c FILE names another, 'run --no-config' reads none"
            error.hint = f"{error.hint}\n  {where}".lstrip()
        raise


def read_policy(file: ConfigFile, *, today: date, strict: bool = False) -> Policy:
    """Collect what a configuration demands of a run, with the waivers of the day.

    Raises:
        FileError: the waiver file is missing or has mistakes.
    """
    waivers = file.waiver_file
    with _name_found(file.path, found=True):
        entries = read_waivers(waivers, today, report_path(waivers)) if waivers else ()
    return Policy(
        gates=file.config.gates,
        waivers=entries,
        today=today,
        strict=strict,
        file=report_path(file.path) if file.path else "",
        places=file.gate_places,
        digest=file.digest,
    )


# Looking up names


def name_check(path: Path, catalogue: ProbeCatalogue) -> Callable[[Config], None]:
    """Look up the names of a configuration in a catalogue and in the files that it lists."""
    return lambda config: check_names(config, path, with_own(catalogue, config, path))


def with_own(catalogue: ProbeCatalogue, config: Config, path: Path) -> ProbeCatalogue:
    """Return a catalogue that also knows the folders and files of a configuration."""
    files = [path.parent / use.file for use in config.probes if use.file]
    folders = [path.parent / name for name in config.probe_paths]
    return catalogue.with_files(files, folders) if files or folders else catalogue


def check_names(config: Config, path: Path, catalogue: ProbeCatalogue) -> None:
    """Check that probes, their groups and the probes of gates exist.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    problems = ProblemCollector(path, read_source(path))
    for index, name in enumerate(config.probe_paths):
        if not (path.parent / name).is_dir():
            hint = "it is looked for beside the configuration"
            problems.add(("probe_paths", index), f"there is no folder '{name}'", hint)
    for index, used in enumerate(config.probes):
        if used.use:
            for name in _existing(catalogue, used.use, problems, ("probes", index, "use")):
                known = catalogue.group_ids(name) if used.groups else []
                for place, group in enumerate(used.groups):
                    if group not in known:
                        message = f"the probe '{name}' has no group '{group}'"
                        where: KeyPath = ("probes", index, "groups", place)
                        problems.add_unknown_name(where, message, group, known)
    for kind in ("measure", "check"):
        for index, name in enumerate(getattr(config.run, f"{kind}s")):
            from bias_audit.metrics.registry import names  # numpy and scipy take a moment to load

            known = names(kind)
            if not any(fnmatchcase(one, name) for one in known):
                message = f"there is no {kind} on request named '{name}'"
                problems.add_unknown_name(("run", f"{kind}s", index), message, name, known)
    for index, gate in enumerate(config.gates):
        where = ("gates", index, "probe")
        if _existing(catalogue, gate.probe, problems, where) and not any(
            fnmatchcase(name, gate.probe) for name in catalogue.probe_ids()
        ):
            message = f"a gate names a probe or a glob of probes, not '{gate.probe}'"
            problems.add(where, message, "write a gate for each family, for example 'valence-*'")
    problems.raise_any()


def check_gates(config: Config, path: Path, probes: Iterable[str]) -> None:
    """Check that every gate names one of these probes, or a glob of some of them.

    Raises:
        FileError: unknown names, with their lines and the nearest spelling.
    """
    known = sorted(set(probes))
    problems = ProblemCollector(path, read_source(path))
    for index, gate in enumerate(config.gates):
        if not any(fnmatchcase(name, gate.probe) for name in known):
            message = f"there is no probe named '{gate.probe}'"
            problems.add_unknown_name(("gates", index, "probe"), message, gate.probe, known)
    problems.raise_any()


def _existing(
    catalogue: ProbeCatalogue, pattern: str, problems: ProblemCollector, where: KeyPath
) -> list[str]:
    try:
        return catalogue.select([pattern])
    except UnknownNameError as error:
        problems.add(where, error.message, error.hint)
        return []
