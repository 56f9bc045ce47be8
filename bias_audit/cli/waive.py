"""``bias-audit waive``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from bias_audit.cli._options import Place

HELP = """Accept a failure for a while: write a waiver, with an owner, a reason and an end.

FINDING is a finding (F-7c31a9), a result, a gate (<gate>:<result>) or a glob of gates, as the
report of RUN names them. A waiver turns a failure into 'waived' and nothing else; it stays in
every output.

\b
Examples:
  bias-audit waive F-7c31a9 --until 2026-03-31 --reason "Fixed in the next release" --owner ana
  bias-audit waive 'occupations:*' --until 2026-03-31 --reason "..." --owner ana --up-to 0.9
"""


@click.command(help=HELP)
@click.argument("finding")
@click.option("--until", required=True, help="Last day, such as 2026-03-31; at most 180 days.")
@click.option("--reason", required=True, help="Why it is accepted for now.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--up-to", type=float, help="Void when the gap is larger than this, in nats.")
@click.option(
    "--run",
    type=Place(),
    default="audit-runs/latest",
    show_default=True,
    help="Run that has the finding.",
)
@click.option("-c", "--config", type=Place(), help="Configuration file.")
def waive(
    finding: str,
    until: str,
    reason: str,
    owner: str,
    up_to: float | None,
    run: Path,
    config: Path | None,
) -> int:
    """Write a waiver."""
    from bias_audit.archive import load_results
    from bias_audit.cli._policy import find_config, today
    from bias_audit.config import WAIVERS, waiver_file
    from bias_audit.errors import UnknownNameError, visible
    from bias_audit.gates.judge import judge
    from bias_audit.gates.policy import Policy
    from bias_audit.gates.waivers import covers, new_waiver, waivable_names, write_waiver

    settings, where = find_config(config)
    path = waiver_file(settings, where) or where.parent / WAIVERS
    waiver = new_waiver(finding, today(), until=until, reason=reason, owner=owner, up_to=up_to)
    gates = judge(load_results(run), Policy(gates=settings.gates)).gates
    covered = [gate for gate in gates if covers(finding, gate)]
    if not covered:
        raise UnknownNameError("finding, result or gate", finding, waivable_names(gates))
    replaced = write_waiver(path, waiver, today())
    done = "replaced in" if replaced else "added to"
    click.echo(visible(f"{done} {path}: {finding}, until {until}"))
    for gate in covered:
        large = up_to is not None and abs(gate.measured or 0.0) > up_to
        void = f", but measures {gate.measured:.3g}: a failure voids the waiver" if large else ""
        click.echo(visible(f"  covers {gate.id}{void}"))
    return 0
