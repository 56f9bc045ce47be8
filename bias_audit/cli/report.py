"""``bias-audit report``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli.options import Place

if TYPE_CHECKING:
    from bias_audit.results import Results

HELP = """Render a stored audit again, without the model; or several, side by side.

RUN is a run folder, a results.json, or audit-runs/latest. The result goes to standard output, or
into a file with -o. Several runs give one page for choosing among their models.

\b
Examples:
  bias-audit report audit-runs/latest --format md
  bias-audit report audit-runs/latest --format html,csv -o html=board.html -o csv=numbers.csv
  bias-audit report audit-runs/latest --layout folder -o public
  bias-audit report audit-runs/latest --figures paper/figures
  bias-audit report audit-small audit-base audit-large -o models.html
"""


@click.command(help=HELP)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=Place())
@click.option("--format", show_default="html", help="Comma-separated.")
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
    from bias_audit.results import load_results

    single = format in (None, "html") and len(output) == 1
    _check(runs, layout=layout, figures=figures, single=single)
    loaded = [load_results(run) for run in runs]
    if figures is not None:
        from bias_audit.reports.formats import figures as drawn

        _write_all(figures, drawn.files(loaded[0]))
    if layout == "folder":
        from bias_audit.cli.output import places
        from bias_audit.reports.formats.html import folder

        _write_all(places(["html"], output)["html"], folder(loaded[0]))
    elif figures is None or format or output:
        _render(runs, loaded, format or "html", output)
    return 0


def _check(runs: tuple[Path, ...], *, layout: str, figures: Path | None, single: bool) -> None:
    """Refuse what does not go together, before anything is read."""
    from bias_audit.errors import UsageError

    if len(runs) > 1 and (layout == "folder" or figures is not None):
        raise UsageError(
            "--layout folder and --figures take one run",
            hint="several runs give one page: leave the option out",
        )
    if layout == "folder" and not single:
        raise UsageError(
            "--layout folder writes the html report into a folder, and needs its place",
            hint="--layout folder -o public",
        )


def _render(
    runs: tuple[Path, ...], loaded: list[Results], format: str, output: tuple[str, ...]
) -> None:
    from bias_audit.cli.output import Outputs
    from bias_audit.reports import side_by_side as selection

    if len(runs) == 1:
        Outputs(format, output).write(loaded[0])
        return
    named = [(str(run), results) for run, results in zip(runs, loaded, strict=True)]
    outputs = Outputs(format, output, selection.formats())
    outputs.write_texts({name: selection.render(named, name) for name in outputs.formats})


def _write_all(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    from bias_audit.utils.files import write_atomic

    names = []
    for name, content in files:
        write_atomic(folder / name, content)
        names.append(name)
    click.echo(f"{folder}: {len(names)} files", err=True)
