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
    from bias_audit import archive, render
    from bias_audit.errors import UnknownNameError, UsageError

    wanted = [name.strip() for name in format.split(",") if name.strip()]
    for name in wanted:
        if name not in render.formats():
            raise UnknownNameError("format", name, render.formats())
    places = _places(wanted, output)
    if len(wanted) > 1 and set(wanted) - set(places):
        raise UsageError(
            "several formats need a file each", hint="-o html=report.html -o csv=results.csv"
        )
    results = archive.load_results(run)
    texts = {name: render.render(results, name) for name in wanted}
    for name, text in texts.items():
        if name in places:
            archive.write_atomic(places[name], text)
            click.echo(str(places[name]), err=True)
        else:
            click.echo(text, nl=not text.endswith("\n"))
    return 0


def _places(wanted: list[str], output: tuple[str, ...]) -> dict[str, Path]:
    from bias_audit.errors import UsageError

    places: dict[str, Path] = {}
    for item in output:
        name, separator, path = item.partition("=")
        if separator and name in wanted and path:
            places[name] = Path(path)
        elif not separator and len(wanted) == 1:
            places[wanted[0]] = Path(item)
        else:
            raise UsageError(
                f"expected -o FORMAT=PATH with one of {', '.join(wanted)}, got '{item}'"
            )
    return places
