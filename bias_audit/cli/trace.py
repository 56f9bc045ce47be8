"""``bias-audit trace``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit.cli.options import Place, setting_options, to_backend_options, to_overrides
from bias_audit.cli.output import progress, say, say_report

HELP = """Set two models side by side: one question, each answer in its own unit.

For a model and what was made from it, such as an encoder and a classifier. BASE and DEPLOYED are
run folders, or models, which are audited now by the probes of -p. Probes that both can be asked are
set beside themselves, others beside those of the same axis with the same groups. Numbers of the two
are never made into one; what is compared is the order of words and of groups.

\b
Examples:
  bias-audit trace runs/encoder runs/classifier
  bias-audit trace ./encoder ./classifier -p valence-religion -p toxicity-religion
  bias-audit trace runs/base runs/tuned -p 'occupation-*' --format md -o trace.md
"""

OF_MODELS = ("device", "offline", "allow_pickle")


@click.command(help=HELP)
@click.argument("base")
@click.argument("deployed")
@setting_options("probes", "probe_paths", *OF_MODELS)
@click.option(
    "--format",
    type=click.Choice(["json", "md", "terminal"]),
    default="terminal",
    show_default=True,
    help="Format of the answer.",
)
@click.option("-o", "--output", type=Place(), help="Write into this file.")
def trace(base: str, deployed: str, format: str, output: Path | None, **options: Any) -> int:
    """Set two models side by side."""
    from bias_audit.config import open_catalogue
    from bias_audit.pipeline.trace import trace_models
    from bias_audit.reports.trace import render
    from bias_audit.utils.files import write_atomic

    of_models = to_backend_options({name: options.pop(name) for name in OF_MODELS})
    chosen = to_overrides(options)
    with progress("auto") as listener:
        made = trace_models(
            base,
            deployed,
            probes=chosen["probes"],
            catalogue=open_catalogue(chosen["probe_paths"]),
            progress=listener,
            **of_models,
        )
    text = render(made, format)
    if output is None:
        say_report(text)
    else:
        write_atomic(output, text)
        say(str(output), err=True)
    return 0
