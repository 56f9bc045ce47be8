"""``bias-audit report``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

HELP = """Render a stored audit again, without the model.

RUN is a run folder, a results.json, or audit-runs/latest. The result goes to standard output, or
into a file with -o.

\b
Examples:
  bias-audit report audit-runs/latest --format md
  bias-audit report audit-runs/latest --format html,csv -o html=board.html -o csv=numbers.csv
"""


@click.command(help=HELP)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", default="html", show_default=True, help="Comma-separated.")
@click.option("-o", "--output", multiple=True, help="FORMAT=PATH, or PATH for a single format.")
def report(run: Path, format: str, output: tuple[str, ...]) -> int:
    """Render a stored audit."""
    from bias_audit import archive
    from bias_audit.cli._formats import Outputs

    outputs = Outputs(format, output)
    outputs.write(archive.load_results(run))
    return 0
