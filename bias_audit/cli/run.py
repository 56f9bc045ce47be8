"""``bias-audit run``."""

from __future__ import annotations

import sys
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.options import Place, config_option, setting_options, to_overrides
from bias_audit.cli.output import say, say_notes
from bias_audit.errors import BiasAuditError, UsageError, visible

if TYPE_CHECKING:
    from bias_audit.pipeline.audit import Audit

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

GROUPS = {
    "Common": (
        "--probe", "--output", "--config", "--no-config", "--quiet", "--verbose", "--dry-run",
        "--help",
    ),
    "What is measured": (
        "--exclude", "--probe-path", "--data", "--measure", "--check", "--limit", "--examples",
        "--max-time", "--seed",
    ),
    "The model": (
        "--revision", "--device", "--dtype", "--batch-size", "--offline", "--allow-pickle",
        "--reading", "--pooling", "--labels",
        "--engine", "--engine-address", "--engine-workers", "--fresh", "--no-cache",
    ),
    "Gates and exit codes": ("--strict", "--exit-zero", "--baselines"),
    "Files and progress": ("--format", "--title", "--owner", "--purpose", "--force", "--progress"),
}  # fmt: skip
"""Options by the question that they answer, the common ones first."""
click.rich_click.OPTION_GROUPS["bias-audit run"] = [
    {"name": name, "options": [*options]} for name, options in GROUPS.items()
]


@click.command(help=HELP)
@config_option
@setting_options()
@click.option("--no-config", is_flag=True, help="Read no configuration, wherever one is.")
@click.option(
    "-o",
    "--output",
    type=Place(),
    help="Write exactly into this folder; refused where another audit is.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace an audit in the folder of -o; other files are left alone.",
)
@click.option(
    "--format",
    help="Files beside html, md and json, comma-separated: csv, junit ...",
    shell_complete=completion.file_formats,
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "plain", "none"]),
    default="auto",
    help="How to show what the run is doing.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print one line: outcomes and report.")
@click.option("-v", "--verbose", is_flag=True, help="Print every comparison too.")
@click.option("--dry-run", is_flag=True, help="Show what would be scored; load no model.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 instead of 1 or 3.")
def run(
    config: Path | None,
    no_config: bool,
    output: Path | None,
    force: bool,
    format: str | None,
    progress: str,
    quiet: bool,
    verbose: bool,
    dry_run: bool,
    exit_zero: bool,
    **values: Any,
) -> int:
    """Audit a model."""
    from bias_audit.config import describe_place, is_above, resolve

    # Before anything heavy is imported, so that a mistake is reported at once.
    if no_config and config is not None:
        raise UsageError("--no-config and --config contradict each other", hint="leave one out")
    overrides = to_overrides(values)
    resolved = resolve(config, overrides, search=not no_config, label=attrgetter("option"))

    from bias_audit.cli.output import file_formats, finish
    from bias_audit.cli.output import progress as show_progress
    from bias_audit.pipeline.audit import choose_folder, run_files
    from bias_audit.pipeline.from_config import RunRequest, describe_override
    from bias_audit.pipeline.model_checks import check_name
    from bias_audit.pipeline.run import audit
    from bias_audit.pipeline.tasks import plan_tasks
    from bias_audit.results import require_free
    from bias_audit.utils.files import require_writable

    further = file_formats(format)
    request = RunRequest.from_settings(resolved)
    if output is not None:
        require_writable(output)
        if not force:
            require_free(output, run_files())
    if dry_run:
        check_name(request.settings.model.name, request.catalogue)
        for task in plan_tasks(**request.selection):
            for line in task.describe(request.analysis):
                say(line)
        say("no model was loaded")
        return 0
    require_writable(output or Path.cwd())
    command = " ".join(["bias-audit", *sys.argv[1:]])
    path = resolved.file.path
    if path is not None and is_above(path) and config is None and not quiet:
        where = describe_place(path)
        say(f"Note: settings of {where}; -c FILE names another, --no-config none", err=True)
    if note := describe_override(resolved):
        say(f"Note: {note}", err=True)
    with show_progress("none" if quiet else progress) as listener:
        try:
            finished = audit(**request.arguments(), progress=listener, command=command)
        except BiasAuditError as error:
            raise _name_stale(error) from None
        if listener is not None:
            listener("writing the report", 0, 0)
        folder = finished.save(choose_folder(output, finished), further)
    _print_audit(finished, folder, quiet=quiet, verbose=verbose)
    return finish(finished.results, exit_zero=exit_zero, strict=request.policy.strict)


def _name_stale(error: BiasAuditError) -> BiasAuditError:
    """Say which run 'audit-runs/latest' still names, after one that was not finished."""
    from bias_audit.results import load_results

    try:
        made = load_results("audit-runs/latest").run.created or ""
    except (BiasAuditError, OSError):
        return error
    old = f"audit-runs/latest is still the run of {made[:16].replace('T', ' ') or 'an earlier day'}"
    error.hint = f"{error.hint}\n  {old}".lstrip()
    return error


def _print_audit(audit: Audit, folder: Path, *, quiet: bool, verbose: bool) -> None:
    from rich.console import Console

    from bias_audit.reports.formats import terminal

    here = Path.cwd()
    inside = folder.is_relative_to(here)
    where = visible(str(folder.relative_to(here) if inside else folder))
    if quiet:
        say(f"{terminal.first_line(audit.results)}    {where}/report.html")
        say_notes(audit.results)
    else:
        terminal.show(audit.view, Console(emoji=False), folder=where, every=verbose)
    for notice in _cache_notes(audit, quiet=quiet):
        say(f"Note: {notice}", err=True)
    for notice in audit.results.run.notices if quiet else ():
        say(f"Note: {notice}", err=True)
    for notice in audit.results.model.notices:
        say(f"Note: {notice}", err=True)


def _cache_notes(audit: Audit, *, quiet: bool) -> list[str]:
    """What went wrong with the cache, and how many scores it gave."""
    use = audit.cache
    if use is None:
        return []
    notes = list(dict.fromkeys(use.notices))
    if use.found and not quiet:
        too = ", and so were the results that they give" if use.recalled else ""
        total = use.found + use.scored
        notes.append(
            f"{use.found:,} of {total:,} scores were kept from earlier runs{too}"
            " (--fresh scores anew)"
        )
    return notes
