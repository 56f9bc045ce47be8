"""``bias-audit report``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.options import Place
from bias_audit.cli.output import say

HELP = """Render a stored audit again, without the model; or several, side by side.

RUN is a run folder, a results.json, or audit-runs/latest. The result goes to standard output, or
into a file with -o. Several runs give one page for choosing among their models.

\b
Examples:
  bias-audit report audit-runs/latest --format md
  bias-audit report audit-runs/latest -o html=board.html -o csv=numbers.csv
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
def report(
    runs: tuple[Path, ...],
    format: str | None,
    output: tuple[str, ...],
    layout: str,
    figures: Path | None,
) -> int:
    """Render a stored audit, or several side by side."""
    from bias_audit import reports
    from bias_audit.cli.output import Outputs, places
    from bias_audit.errors import UsageError
    from bias_audit.reports import side_by_side
    from bias_audit.results import load_results

    if len(runs) > 1 and (layout == "folder" or figures is not None):
        raise UsageError(
            "--layout folder and --figures take one run",
            hint="several runs give one page: leave the option out",
        )
    if layout == "folder" and not (format in (None, "html") and len(output) == 1):
        raise UsageError(
            "--layout folder writes the html report into a folder, and needs its place",
            hint="--layout folder -o public",
        )
    loaded = [load_results(run) for run in runs]
    if figures is not None:
        from bias_audit.reports.formats.figures import files

        _write_all(figures, files(loaded[0]))
    if layout == "folder":
        from bias_audit.reports.formats.html import folder

        _write_all(places(("html",), output)["html"], folder(loaded[0]))
    elif len(runs) > 1:
        named = [(str(run), results) for run, results in zip(runs, loaded, strict=True)]
        page = Outputs(format, output, side_by_side.formats(), "html")
        page.write_texts({name: side_by_side.render(named, name) for name in page.formats})
    elif figures is None or format or output:
        one = Outputs(format, output, reports.formats(), "html")
        one.write_texts({name: reports.render(loaded[0], name) for name in one.formats})
    return 0


def _write_all(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    from bias_audit.utils.files import write_atomic

    names = []
    for name, content in files:
        write_atomic(folder / name, content)
        names.append(name)
    say(f"{folder}: {len(names)} files", err=True)
