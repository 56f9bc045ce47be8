"""``bias-audit compare``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from bias_audit.cli.options import Place, baselines_option, config_option
from bias_audit.cli.output import refuse_own, say, say_report

HELP = """Compare two stored runs, paired sentence by sentence, without the model.

Runs of published data sets are paired too, on the pairs that both models scored.

BASELINE and RUN are run folders, results.json files, latest, or baseline:NAME. The exit
code is 0 whatever changed; to fail a build on a rise, use a gate with 'against' and 'max_rise'.

\b
Examples:
  bias-audit compare audit-before audit-after
  bias-audit compare baseline:main audit-runs/latest --all
  bias-audit compare baseline:main audit --format md -o comment.md
  bias-audit compare audit-before audit-after --format html -o beside.html
"""


@click.command(help=HELP)
@click.argument("baseline", type=Place())
@click.argument("run", type=Place())
@click.option(
    "--format",
    type=click.Choice(["csv", "html", "json", "md", "terminal"]),
    default="terminal",
    show_default=True,
    help="Format of the answer.",
)
@click.option("--json", is_flag=True, help="Print JSON; the same as --format json.")
@click.option("--all", is_flag=True, help="Every pair of groups, and every category of a data set.")
@click.option("-o", "--output", type=Place(), help="Write into this file.")
@config_option
@baselines_option
def compare(
    baseline: Path,
    run: Path,
    format: str,
    json: bool,
    all: bool,
    output: Path | None,
    config: Path | None,
    baselines: Path | None,
) -> int:
    """Compare two stored runs."""
    from bias_audit.pipeline.compare import compare as compare_runs
    from bias_audit.reports import comparison
    from bias_audit.results import locate
    from bias_audit.utils.files import write_atomic

    place = baselines
    if config is not None and baselines is None:
        from bias_audit.gates.baselines import baseline_folder

        place = baseline_folder(config)
    if output is not None:
        names = (str(name) for name in (baseline, run))
        refuse_own(output, *(locate(name) for name in names if not name.startswith("baseline:")))
    result = compare_runs(str(baseline), str(run), folder=place)
    text = comparison.render(result.record, "json" if json else format, secondary=all)
    if output is None:
        say_report(text)
    else:
        write_atomic(output, text)
        say(str(output), err=True)
    return 0
