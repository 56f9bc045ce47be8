"""``bias-audit baseline``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.cli.options import Place, baselines_option, config_option, json_option
from bias_audit.cli.output import say, say_json

if TYPE_CHECKING:
    from bias_audit.gates.baselines import Baseline


def _place(config: Path | None, baselines: Path | None) -> Path:
    from bias_audit import config as configuration
    from bias_audit.gates.baselines import baseline_folder

    return baseline_folder(config or configuration.find(Path.cwd()), baselines)


@click.group()
def baseline() -> None:
    """Accept a run as a baseline, and look at those that were accepted."""


@baseline.command()
@click.argument("run", type=Place())
@click.option("--name", required=True, help="What gates call it: against: baseline:NAME.")
@click.option("--reason", required=True, help="Why this run is what others are compared with.")
@click.option("--who", help="Who accepts it.")
@click.option("--replace", is_flag=True, help="Take the place of a baseline of this name.")
@config_option
@baselines_option
def accept(
    run: Path,
    name: str,
    reason: str,
    who: str | None,
    replace: bool,
    config: Path | None,
    baselines: Path | None,
) -> int:
    """Keep the results and the evidence of a run under a name.

    Put the folder under version control: its history says who moved the line, when and why.

    \b
    Examples:
      bias-audit baseline accept audit-runs/latest --name main --reason "First release."
    """
    from bias_audit.errors import UsageError
    from bias_audit.gates.baselines import validate_name
    from bias_audit.pipeline.judge import accept_baseline
    from bias_audit.utils import clock

    place = _place(config, baselines)
    older = (place / validate_name(name)).exists()
    if older and not replace:
        raise UsageError(
            f"there is a baseline '{name}' already, and others are compared with it",
            hint=f"--replace puts this run in its place; 'bias-audit baseline show {name}' shows"
            " what it holds",
        )
    accepted = accept_baseline(
        run, name=name, reason=reason, who=who, today=clock.today(), place=place
    )
    did = "replaced" if older else "accepted"
    say(f"{did} {name}: {_line(accepted)}")
    say(str(accepted.folder), err=True)
    failed = [gate.id for gate in accepted.run.results.gates if gate.state == "fail"]
    if failed:
        named = ", ".join(failed[:5]) + (", ..." if len(failed) > 5 else "")
        say(f"careful: {len(failed)} of this run's gates failed: {named}", err=True)
    silent = _silent(accepted)
    if silent:
        say(f"careful: {silent}", err=True)
    return 0


def _silent(accepted: Baseline) -> str:
    """Which probes no gate can compare with this baseline, because a control failed in it."""
    probes = [p for p in accepted.run.results.probes if p.role == "probe"]
    failed = [p.id for p in probes if "instrument_failed" in p.statuses]
    if not failed:
        return ""
    named = ", ".join(failed[:5]) + (", ..." if len(failed) > 5 else "")
    return (
        f"a control failed for {len(failed)} of {len(probes)} probes in this run, so gates that"
        f" compare them with it stay unclear: {named}"
    )


@baseline.command(name="list")
@json_option
@config_option
@baselines_option
def list_(json: bool, config: Path | None, baselines: Path | None) -> int:
    """List all baselines; broken ones are shown and end with exit code 2.

    \b
    Examples:
      bias-audit baseline list
    """
    from bias_audit.gates.baselines import list_baselines

    place = _place(config, baselines)
    entries = list_baselines(place)
    if json:
        rows = [
            {"name": e.name, "problem": e.problem, "record": _record(e.baseline)} for e in entries
        ]
        say_json(rows)
    for entry in () if json else entries:
        text = _line(entry.baseline) if entry.baseline else f"broken: {entry.problem}"
        say(f"{entry.name:16} {text}")
    say(f"{len(entries)} baseline{'s'[: len(entries) != 1]} in {place}", err=True)
    return 2 if any(entry.baseline is None for entry in entries) else 0


@baseline.command()
@click.argument("name")
@json_option
@config_option
@baselines_option
def show(name: str, json: bool, config: Path | None, baselines: Path | None) -> int:
    """Show what was accepted, by whom and why, and its gaps.

    \b
    Examples:
      bias-audit baseline show main
    """
    from bias_audit.errors import UnknownNameError
    from bias_audit.gates.baselines import find_baseline, list_baselines

    place = _place(config, baselines)
    match = find_baseline(place, name)
    if match is None:
        known = [entry.name for entry in list_baselines(place)]
        raise UnknownNameError("baseline", name, known, hint="" if known else f"{place} holds none")
    results = match.run.results
    gaps = [r for r in results.results if r.role == "primary" and r.estimate is not None]
    if json:
        numbers = {r.id: [r.estimate, r.ci_low, r.ci_high] for r in gaps}
        say_json({**_record(match), "gaps": numbers})
        return 0
    say(f"{match.name}: {_line(match)}")
    say(f"run of {results.run.created or 'an unknown day'}, files as they were accepted")
    for r in gaps:
        low, high = r.ci_low, r.ci_high
        interval = "" if low is None or high is None else f"  [{low:+.2f}, {high:+.2f}]"
        say(f"  {r.estimate:+.2f}{interval}  {r.id}")
    return 0


def _line(match: Baseline) -> str:
    record = match.record
    revision = f" (revision {record.model.revision[:7]})" if record.model.revision else ""
    who = f" by {record.who}" if record.who else ""
    return f"{record.accepted}{who}, {record.model.name}{revision}: {record.reason}"


def _record(match: Baseline | None) -> dict[str, Any]:
    return {} if match is None else match.record.model_dump(mode="json")
