"""``bias-audit gate``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.options import Place, baselines_option, config_option
from bias_audit.cli.output import say
from bias_audit.errors import visible

if TYPE_CHECKING:
    from bias_audit.pipeline.audit import Audit
    from bias_audit.results import Results

HELP = """Judge a stored run by the gates of a configuration, without the model.

RUN is a run folder, a results.json, or latest, and stays as it is. The exit code is 1
when a gate fails, 3 when one could not be asked, else 0.

\b
Examples:
  bias-audit gate audit-runs/latest
  bias-audit gate audit -c bias-audit.yaml --baseline main
  bias-audit gate audit -o junit=junit.xml -o sarif=results.sarif -o pdf=brief.pdf
"""


@click.command(help=HELP)
@click.argument("run", type=Place(), default="latest")
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
    help="Unclear gates, unpinned hub models and numbers without evidence count as incomplete.",
)
@click.option("--model", help="Model that RUN is of; the one of the configuration by default.")
@click.option("-v", "--verbose", is_flag=True, help="Print every gate that passed too.")
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
    model: str | None,
    verbose: bool,
) -> int:
    """Judge a stored run."""
    from bias_audit import reports
    from bias_audit.cli.output import Outputs, finish, say_notes
    from bias_audit.config import require
    from bias_audit.gates.baselines import baseline_folder
    from bias_audit.pipeline.from_config import gate as judge
    from bias_audit.reports.formats import pdf, terminal
    from bias_audit.results import locate

    outputs = Outputs(format, output, (*reports.formats(), "pdf"), "terminal")
    audit = judge(
        run, config=config, strict=strict, baselines=baselines, against=baseline, model=model
    )
    results, file = audit.results, require(config)
    outputs.protect(locate(run), file.path, file.waiver_file, baseline_folder(file.path, baselines))
    if quiet or not outputs.to_stdout:
        say(terminal.first_line(results))
        say_notes(results)
    if outputs.formats == ("terminal",) and not outputs.places:
        if not quiet:
            _show(audit, run, file.path if config is None else config, every=verbose)
    elif outputs.places or not quiet:
        texts: dict[str, str | bytes] = {
            name: pdf.render(results) if name == "pdf" else reports.render(results, name)
            for name in outputs.formats
        }
        outputs.write_texts(texts)
    if note := _age(results) if quiet or not outputs.to_stdout else "":
        say(f"Note: the run is {note} old", err=True)
    return finish(results, exit_zero=exit_zero, strict=strict)


def _show(audit: Audit, run: Path, config: Path | None, *, every: bool) -> None:
    """Print what was judged by what, then the gates, as 'bias-audit show' prints."""
    from rich.console import Console

    from bias_audit.config import describe_place
    from bias_audit.reports.formats import terminal

    made = audit.results.run.created
    when = f", made {made[:16].replace('T', ' ')} UTC" if made else ""
    age = _age(audit.results)
    old = f" ({age} ago)" if age else ""
    console = Console(emoji=False)
    by = "" if config is None else f", judged by {describe_place(config)}"
    terminal.say(visible(f"Run {run} of {audit.results.model.name}{when}{old}{by}"), console)
    terminal.show(audit.view, console, every=every)


def _age(results: Results) -> str:
    """How old a run is, from an hour on; empty for younger ones, and where nobody knows."""
    from bias_audit.reports.text import count
    from bias_audit.utils.clock import now

    try:
        age = now() - datetime.fromisoformat(results.run.created or "")
    except (TypeError, ValueError):
        return ""
    hours = int(age.total_seconds() // 3600)
    return "" if hours < 1 else count(hours, "hour") if hours < 48 else count(hours // 24, "day")
