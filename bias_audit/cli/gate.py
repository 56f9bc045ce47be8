"""``bias-audit gate``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.options import Place, baselines_option, config_option
from bias_audit.cli.output import say

HELP = """Judge a stored run by the gates of a configuration, without the model.

RUN is a run folder, a results.json, or audit-runs/latest, and stays as it is. The exit code is 1
when a gate fails, 3 when one could not be asked, else 0.

\b
Examples:
  bias-audit gate audit-runs/latest
  bias-audit gate audit -c bias-audit.yaml --baseline main
  bias-audit gate audit -o junit=junit.xml -o sarif=results.sarif
"""


@click.command(help=HELP)
@click.argument("run", type=Place(), default="audit-runs/latest")
@config_option
@click.option("--baseline", help="Compare with this baseline or run, whatever the gates name.")
@baselines_option
@click.option(
    "--format",
    show_default="those of -o, else terminal",
    help="Comma-separated.",
    shell_complete=completion.formats,
)
@click.option("-o", "--output", multiple=True, help="FORMAT=PATH, or PATH for a single format.")
@click.option("-q", "--quiet", is_flag=True, help="Print one line: outcomes, gates, exit code.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 instead of 1 or 3.")
@click.option(
    "--strict",
    is_flag=True,
    help="Unclear gates and unpinned hub models count as incomplete.",
)
def gate(
    run: Path,
    config: Path | None,
    baseline: str | None,
    baselines: Path | None,
    format: str | None,
    output: tuple[str, ...],
    quiet: bool,
    exit_zero: bool,
    strict: bool,
) -> int:
    """Judge a stored run."""
    from bias_audit import reports
    from bias_audit.cli.output import Outputs, finish
    from bias_audit.pipeline.from_config import gate as judge
    from bias_audit.reports.formats.terminal import first_line

    outputs = Outputs(format, output, reports.formats(), "terminal")
    results = judge(
        run, config=config, strict=strict, baselines=baselines, against=baseline
    ).results
    if quiet or not outputs.to_stdout:
        say(first_line(results))
    if not quiet or outputs.places:
        outputs.write_texts({n: reports.render(results, n) for n in outputs.formats})
    return finish(results, exit_zero=exit_zero, strict=strict)
