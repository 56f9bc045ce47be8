"""``bias-audit bundle``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from bias_audit.cli.options import Place
from bias_audit.cli.output import refuse_own, say

HELP = """Pack a run into one file that others can verify.

RUN is a run folder, a results.json, or latest. The file holds the folder and a list with
the SHA-256 of every file, of the model and of the probes; packed again, it has the same bytes. Note
the digest that is printed somewhere else: 'verify --sha256' compares with it.

\b
Examples:
  bias-audit bundle audit-runs/latest
  bias-audit bundle audit-runs/latest -o release-1.2.zip
"""


@click.command(help=HELP)
@click.argument("run", type=Place(), default="latest")
@click.option(
    "-o", "--output", type=Place(), help="The file.", show_default="the run's name with .zip"
)
def bundle(run: Path, output: Path | None) -> int:
    """Pack a run."""
    from bias_audit.pipeline.bundle import pack_run
    from bias_audit.results import locate
    from bias_audit.utils.files import write_atomic

    place = output or Path(f"{locate(run).resolve().parent.name}.zip")
    refuse_own(place, locate(run))
    packed = pack_run(run)
    write_atomic(place, packed.content)
    say(f"{place}  {len(packed.content):,} bytes, sha256 {packed.sha256}")
    if packed.others:
        say(f"Note: left out, since no run wrote it: {', '.join(packed.others)}", err=True)
    return 0
