"""``bias-audit init``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

HELP = """Write a configuration, a waiver file and, with --ci, a CI job to start from.

They go into the working folder. Nothing is overwritten: if one of the files is there already, none
is written.

\b
Examples:
  bias-audit init
  bias-audit init --ci github
"""

NEXT = """\
Next:
  bias-audit run                 measure the model and judge it by the gates
  bias-audit baseline accept audit-runs/latest --name main --reason "First audit"
                                 then a gate may say 'against: baseline:main'
  edit {config}           the model, the probes and the limits; each line says what it does
"""
JOB = {
    "github": "  commit {job}: it runs for every pull request",
    "gitlab": "  add to .gitlab-ci.yml:  include: [{{local: {job}}}]",
    "jenkins": "  make a pipeline job with the script path {job}, or copy its stage",
}


@click.command(help=HELP)
@click.option("--ci", type=click.Choice(["github", "gitlab", "jenkins"]), help="Also a CI job.")
def init(ci: str | None) -> int:
    """Write files to start from."""
    from bias_audit.starting import start

    here = Path.cwd()
    written = [str(path.relative_to(here)) for path in start(here, ci)]
    for name in written:
        click.echo(f"wrote {name}")
    click.echo(NEXT.format(config=written[0]), nl=False)
    if ci is not None:
        click.echo(JOB[ci].format(job=written[-1]))
    return 0
