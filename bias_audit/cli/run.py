"""``bias-audit run``."""

from __future__ import annotations

import sys
from typing import Any

import rich_click as click

from bias_audit.cli._options import Place, model_options, open_catalogue, probe_path

HELP = """Audit a model: score the probes, judge the results, write a report.

Without any argument: the bundled reference model and the core probes, offline, on the CPU.

\b
Examples:
  bias-audit run
  bias-audit run distilroberta-base --revision COMMIT
  bias-audit run ./my-model -p occupation-gender -p 'valence-*' -o audit
  bias-audit run -c bias-audit.yaml --strict
  bias-audit run ./my-model -p occupation-pronoun --measure lpbs --check surface
  bias-audit run ./my-model -p crows-pairs --data crows-pairs=crows_pairs_anonymized.csv
  bias-audit run ./my-model -p full --engine ray --engine-address auto
"""


@click.command(help=HELP)
@click.argument("model", required=False, envvar="BIAS_AUDIT_RUN_MODEL")
@click.option("-c", "--config", type=Place(), help="Configuration file.")
@click.option("-p", "--probe", multiple=True, help="Probe, glob, suite, axis:NAME; repeatable.")
@click.option("-x", "--exclude", multiple=True, help="What to leave out; repeatable.")
@probe_path
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Only the first N sentences of each probe (partial).",
)
@click.option("--data", multiple=True, help="Your copy of a data set, NAME=FILE; repeatable.")
@click.option("--measure", multiple=True, help="Measure on request; repeatable.")
@click.option("--check", multiple=True, help="Check on request; repeatable.")
@click.option(
    "--examples",
    type=click.IntRange(min=0),
    default=0,
    help="Pairs of each data set to quote in the report.",
)
@click.option("--max-time", help="Stop scoring after a time such as 90s, 20m, 2h (partial).")
@click.option("--seed", type=click.IntRange(min=0), help="Root seed of the resampling tests.")
@model_options
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    help="Who computes: this process, or workers of a Ray cluster.  [default: local]",
)
@click.option(
    "--engine-address",
    help="Ray cluster: auto, HOST:PORT, ray://HOST:PORT; without it, one on this machine.",
)
@click.option(
    "--engine-workers",
    type=click.IntRange(min=1),
    help="Replicas of the model.  [default: one for each GPU, else for each CPU]",
)
@click.option("-o", "--output", type=Place(), help="Write exactly into this folder.")
@click.option("--format", default="", help="Further formats, comma-separated: csv, json ...")
@click.option("--progress", type=click.Choice(["auto", "bar", "plain", "none"]), default="auto")
@click.option("-q", "--quiet", is_flag=True, help="Print only the verdict line.")
@click.option("-v", "--verbose", is_flag=True, help="Print every measured number too.")
@click.option("--baselines", type=Place(), help="Folder of the baselines.")
@click.option("--dry-run", is_flag=True, help="Show what would be scored; load no model.")
@click.option("--fresh", is_flag=True, help="Score anew; keep that instead of kept scores.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep scores of other runs.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 instead of 1 or 3.")
@click.option(
    "--strict",
    is_flag=True,
    help="Unclear enforced gates and unpinned hub models count as incomplete.",
)
@click.pass_obj
def run(asked: list[str] | None, /, **given: Any) -> int:
    """Audit a model."""
    from bias_audit.cli._run import Request, execute

    given["catalogue"] = open_catalogue(given.pop("probe_path"))
    given["command"] = " ".join(["bias-audit", *(asked or sys.argv[1:])])
    return execute(Request(**given))
