"""``bias-audit report``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.options import Place
from bias_audit.cli.output import say

if TYPE_CHECKING:
    from bias_audit.results.run_folder import StoredRun

HELP = """Render a stored audit again, without the model; or several, side by side.

RUN is a run folder, a results.json, or latest. The result goes to standard output, or
into a file with -o. Several runs give one page for choosing among their models.

\b
Examples:
  bias-audit report audit-runs/latest --format md
  bias-audit report audit-runs/latest -o html=board.html -o csv=numbers.csv
  bias-audit report audit-runs/latest --format pdf -o brief.pdf --owner "Trust team"
  bias-audit report audit-runs/latest --layout folder -o public
  bias-audit report audit-runs/latest --figures paper/figures
  bias-audit report audit-small audit-base audit-large -o models.html
"""


@click.command(help=HELP)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=Place())
@click.option(
    "--format",
    show_default="those of -o, else html",
    help="Comma-separated.",
    shell_complete=completion.formats,
)
@click.option("-o", "--output", multiple=True, help="FORMAT=PATH, or PATH for a single format.")
@click.option(
    "--layout",
    type=click.Choice(["file", "folder"]),
    default="file",
    show_default=True,
    help="One page, or a folder for servers that forbid style inside a page.",
)
@click.option(
    "--figures",
    type=Place(),
    help="Write every chart into this folder as SVG, PNG and PDF.",
)
@click.option("--title", default="", help="What the report is called.")
@click.option("--owner", default="", help="Who answers for the audit.")
@click.option("--purpose", default="", help="What the audit is for.")
@click.option("--full", is_flag=True, help="Print everything into the PDF, and not a brief.")
def report(
    runs: tuple[Path, ...],
    format: str | None,
    output: tuple[str, ...],
    layout: str,
    figures: Path | None,
    full: bool,
    **head: str,
) -> int:
    """Render a stored audit, or several side by side."""
    from bias_audit import reports
    from bias_audit.cli.output import Outputs, places
    from bias_audit.errors import UsageError
    from bias_audit.reports import side_by_side
    from bias_audit.results import load_results, locate
    from bias_audit.results.run_folder import StoredRun

    one_run_only = layout == "folder" or figures is not None or any(head.values())
    if len(runs) > 1 and (one_run_only or full):
        raise UsageError(
            "--layout folder, --figures, --full, --title, --owner and --purpose take one run",
            hint="several runs give one page: leave the option out",
        )
    if layout == "folder" and not (format in (None, "html") and len(output) == 1):
        raise UsageError(
            "--layout folder writes the html report into a folder, and needs its place",
            hint="--layout folder -o public",
        )
    if len(runs) > 1:
        named = [(str(run), load_results(run)) for run in runs]
        page = Outputs(format, output, side_by_side.formats(), "html")
        page.write_texts({name: side_by_side.render(named, name) for name in page.formats})
        return 0
    stored = _with_head(StoredRun.open(runs[0]), head)
    if figures is not None:
        from bias_audit.reports.formats.figures import files

        _write_all(figures, files(stored.results))
    if layout == "folder":
        from bias_audit.reports.formats.html import folder

        place = places(("html",), output)["html"]
        _write_all(place, folder(stored.results, stored.evidence))
    elif figures is None or format or output:
        one = Outputs(format, output, (*reports.formats(), "pdf"), "html")
        one.protect(locate(runs[0]))
        if full and "pdf" not in one.formats:
            raise UsageError("--full is about the PDF", hint="--format pdf --full -o report.pdf")
        one.write_texts({name: _render(stored, name, full=full) for name in one.formats})
    return 0


def _with_head(stored: StoredRun, head: Mapping[str, str]) -> StoredRun:
    """Return the run with what was given for the head of its report."""
    given = {name: value for name, value in head.items() if value}
    run = stored.results.run.model_copy(update=given)
    return replace(stored, results=stored.results.model_copy(update={"run": run}))


def _render(stored: StoredRun, name: str, *, full: bool) -> str | bytes:
    from bias_audit import reports
    from bias_audit.reports.formats import pdf

    if name == "pdf":
        return pdf.render(stored.results, full=full)
    return reports.render(stored.results, name, stored.evidence)


def _write_all(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    from bias_audit.utils.files import write_atomic

    names = []
    for name, content in files:
        write_atomic(folder / name, content)
        names.append(name)
    say(f"{folder}: {len(names)} files", err=True)
