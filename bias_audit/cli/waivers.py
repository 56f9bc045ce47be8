"""``bias-audit waive`` and ``bias-audit waivers``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli.options import Place, config_option, json_option
from bias_audit.cli.output import say, say_json

if TYPE_CHECKING:
    from bias_audit.gates.policy import Policy
    from bias_audit.results import WaiverRecord


WAIVE_HELP = """Accept a failure for a while: write a waiver, with an owner, a reason and an end.

FINDING is a finding (F-7c31a9), a result, a gate (<gate>:<result>) or a glob of gates, as the
report of RUN names them. A waiver turns a failure into 'waived' and nothing else; it stays in
every output.

\b
Examples:
  bias-audit waive F-7c31a9 --until DATE --reason "Fixed in 2.2" --owner ana --up-to 2x
  bias-audit waive 'jobs:*' --until DATE --reason "..." --owner ana --up-to 2x --model any
"""


@click.command(help=WAIVE_HELP)
@click.argument("finding")
@click.option("--until", required=True, help="Last day, YYYY-MM-DD; at most 180 days.")
@click.option("--reason", required=True, help="Why it is accepted for now.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option(
    "--up-to",
    required=True,
    help="Void when the gap is larger: 2x, or a number in the unit of the gate.",
)
@click.option("--model", help="Model that it holds for; that of RUN by default, or any.")
@click.option(
    "--run",
    type=Place(),
    default="latest",
    show_default=True,
    help="Run that has the finding.",
)
@config_option
def waive(
    finding: str,
    until: str,
    reason: str,
    owner: str,
    up_to: str,
    model: str | None,
    run: Path,
    config: Path | None,
) -> int:
    """Write a waiver."""
    from bias_audit.config import require
    from bias_audit.errors import UnknownNameError, UsageError
    from bias_audit.gates.judge import judge
    from bias_audit.gates.policy import Policy
    from bias_audit.gates.schema import describe_ambiguity, to_number
    from bias_audit.gates.waivers import covers, names_all, new_waiver, waivable_names, write_waiver
    from bias_audit.results import load_results
    from bias_audit.utils.clock import today
    from bias_audit.utils.text import size_in

    file = require(config)
    path = file.waiver_place
    results = load_results(run)
    name = results.model.name if model is None else model
    reading = results.model.reading
    size = float(up_to) if re.fullmatch(r"-?\d+(\.\d*)?", up_to) else up_to
    waiver = new_waiver(
        finding, today(), until=until, reason=reason, owner=owner, model=name, up_to=size
    )
    gates = judge(results, Policy(gates=file.config.gates)).gates
    covered = [gate for gate in gates if covers(finding, gate, reading)]
    if not covered:
        error = UnknownNameError("finding, result or gate", finding, waivable_names(gates, reading))
        where = f"looked for in the run {run}: --run RUN names another"
        raise UsageError(error.message, hint=f"{error.hint}\n  {where}".lstrip())
    replaced = write_waiver(path, waiver, today())
    action = "replaced in" if replaced else "added to"
    say(f"{action} {path}: {finding} of {name}, until {until}")
    for gate in covered:
        estimate = gate.estimate or 0.0
        large = abs(estimate) > to_number(waiver.up_to)
        size = size_in(estimate, gate.unit)
        void = f", but measures {size}: a failure voids the waiver" if large else ""
        say(f"  covers {gate.id}{void}")
    unit = "nats" if any(gate.unit == "nats" for gate in covered) else ""
    if text := describe_ambiguity(waiver.up_to, unit):
        say(f"careful: the ceiling is {text}", err=True)
    if names_all(finding):
        say(f"careful: '{finding}' names every gate, those to come too", err=True)
    return 0


@click.group()
def waivers() -> None:
    """List the waivers of a configuration; bias-audit waive writes one."""


@waivers.command(name="list")
@config_option
@click.option(
    "--run",
    type=Place(),
    help="Also say what each waiver does in this run.",
)
@click.option(
    "--expiring", type=click.IntRange(0, 100_000), help="Only those with at most N days left."
)
@json_option
def list_(config: Path | None, run: Path | None, expiring: int | None, **flags: bool) -> int:
    """List all waivers, with what became of them.

    \b
    Examples:
      bias-audit waivers list
      bias-audit waivers list --run audit-runs/latest --expiring 30
    """
    from datetime import date, timedelta

    from bias_audit.config import read_policy, require
    from bias_audit.gates.waivers import waiver_record
    from bias_audit.utils.clock import today

    file = require(config)
    policy = read_policy(file, today=today())
    records = [waiver_record(placed, today()) for placed in policy.waivers]
    if run is not None:
        records = _in_run(run, policy, file.path)
    if expiring is not None:
        last = today() + timedelta(days=expiring)
        records = [r for r in records if date.fromisoformat(r.expires) <= last]
    if flags["json"]:
        rows = [record.model_dump(mode="json") for record in records]
        say_json(rows)
        return 0
    for record in records:
        _print_waiver(record)
    say(f"{len(records)} waiver{'s'[: len(records) != 1]} for {file.path}", err=True)
    return 0


def _in_run(run: Path, policy: Policy, config: Path | None) -> list[WaiverRecord]:
    from bias_audit.gates.baselines import baseline_folder
    from bias_audit.pipeline.judge import judge_run
    from bias_audit.results import StoredRun

    results = judge_run(StoredRun.open(run), policy, folder=baseline_folder(config))
    return list(results.waivers)


def _print_waiver(record: WaiverRecord) -> None:
    say(
        f"{record.status:11} {record.finding} of {record.model}  until {record.expires}, up to"
        f" {record.ceiling}  {record.owner}: {record.reason}"
    )
    if record.detail:
        say(f"            {record.detail}")
