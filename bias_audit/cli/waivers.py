"""``bias-audit waivers``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli._options import Place
from bias_audit.errors import visible

if TYPE_CHECKING:
    from bias_audit.archive import WaiverRecord
    from bias_audit.gates.policy import Policy


@click.group()
def waivers() -> None:
    """List the waivers of a configuration; bias-audit waive writes one."""


@waivers.command(name="list")
@click.option("-c", "--config", type=Place(), help="Configuration file.")
@click.option(
    "--run",
    type=Place(),
    help="Also say what each waiver does in this run.",
)
@click.option("--expiring", type=click.IntRange(min=0), help="Only those with at most N days left.")
@click.option("--json", is_flag=True, help="Print JSON.")
def list_(config: Path | None, run: Path | None, expiring: int | None, **flags: bool) -> int:
    """List all waivers, with what became of them.

    \b
    Examples:
      bias-audit waivers list
      bias-audit waivers list --run audit-runs/latest --expiring 30
    """
    from datetime import date

    from bias_audit.cli._policy import find_config, today
    from bias_audit.config import read_policy
    from bias_audit.gates.waivers import waiver_record

    found, path = find_config(config)
    policy = read_policy(found, path, today=today())
    records = [waiver_record(entry, today()) for entry in policy.waivers]
    if run is not None:
        records = _in_run(run, policy, path)
    if expiring is not None:
        left = [(date.fromisoformat(record.expires) - today()).days for record in records]
        records = [r for r, days in zip(records, left, strict=True) if days <= expiring]
    if flags["json"]:
        rows = [record.model_dump(mode="json") for record in records]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    for record in records:
        _print(record)
    click.echo(f"{len(records)} waiver{'s'[: len(records) != 1]} for {path}", err=True)
    return 0


def _in_run(run: Path, policy: Policy, config: Path) -> list[WaiverRecord]:
    from bias_audit.gates.baselines import baseline_folder
    from bias_audit.pipeline.judge import judge_run
    from bias_audit.results.stored_run import StoredRun

    results = judge_run(StoredRun.open(run), policy, folder=baseline_folder(config))
    return list(results.waivers)


def _print(record: WaiverRecord) -> None:
    ceiling = "" if record.up_to is None else f", up to {record.up_to:g} nats"
    click.echo(
        visible(
            f"{record.status:10} {record.finding}  until {record.expires}{ceiling}"
            f"  {record.owner}: {record.reason}"
        )
    )
    if record.detail:
        click.echo(visible(f"           {record.detail}"))
