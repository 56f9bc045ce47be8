"""The configuration that a command judges by, and the exit code that it ends with."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import rich_click as click

from bias_audit import config as configuration
from bias_audit._mistakes import read_whole
from bias_audit.archive import Results
from bias_audit.config import Config, read_policy
from bias_audit.errors import UsageError
from bias_audit.gates.policy import Policy


def today() -> datetime.date:
    """The day in UTC, so that a waiver ends at the same moment on every machine."""
    return datetime.datetime.now(datetime.UTC).date()


def find_config(
    path: Path | None, names: Callable[[Config, Path], None] | None = None
) -> tuple[Config, Path]:
    """The configuration that was named, or the one of this folder; ``names`` looks up its names.

    Raises:
        UsageError: there is none.
        FileError: it has mistakes.
    """
    found = path or configuration.find(Path.cwd())
    if found is None:
        raise UsageError(
            f"no {configuration.NAME} here or in a parent folder: there is nothing to judge by",
            hint="make one with 'bias-audit init', or name one with -c FILE",
        )
    if names is None:
        return configuration.read(found), found
    return read_whole(found, lambda config: names(config, found)), found


def load_policy(
    path: Path | None, results: Results, *, strict: bool = False
) -> tuple[Policy, Path]:
    """Gates and waivers for a stored run, and the configuration that holds them.

    Raises:
        UsageError: there is no configuration, or it has no gates: that would pass anything.
        FileError: it has mistakes, or a gate names a probe that does not exist.
    """
    config, found = find_config(path, lambda config, place: _check(config, place, results))
    if not config.gates:
        raise UsageError(
            f"{found} has no gates, so there is nothing to judge by",
            hint="add some under 'gates:'; bias-audit report RUN shows a run without judging it",
        )
    _check(config, found, results)
    return read_policy(config, found, today=today(), strict=strict), found


def _check(config: Config, path: Path, results: Results) -> None:
    """Look up the probes of gates that have nothing in the run; other names are known from it."""
    there = [probe.id for probe in results.probes if probe.role == "probe"]
    if all(any(fnmatchcase(name, gate.probe) for name in there) for gate in config.gates):
        return
    from bias_audit.catalogue import Catalogue

    catalogue = configuration.with_own(Catalogue(), config, path)
    configuration.check_gates(config, path, [*there, *catalogue.probe_ids()])


def finish(results: Results, *, exit_zero: bool, strict: bool) -> int:
    """The exit code of a command that judged, and a word on what flags did to it."""
    code = results.exit_code
    if strict and code == 3 and any("not pinned" in n for n in results.model.notices):
        click.echo("Error: --strict needs a pinned revision (--revision COMMIT)", err=True)
    if exit_zero and code in (1, 3):
        click.echo(f"Note: --exit-zero turned exit code {code} into 0", err=True)
        return 0
    return code
