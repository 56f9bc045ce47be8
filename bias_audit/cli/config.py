"""``bias-audit config``."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click

from bias_audit.cli._options import Place
from bias_audit.errors import visible

DATA = ("probe", "templates", "lexicon", "suites", "sanity")


@click.group()
def config() -> None:
    """Show the configuration, or the JSON Schema of the files that people write."""


@config.command()
@click.option("-c", "--config", type=Place(), help="Configuration file.")
@click.option("--origin", is_flag=True, help="Name what every value comes from, line by line.")
def show(config: Path | None, origin: bool) -> int:
    """Show the configuration that a run in this folder would use: environment, file, defaults.

    A flag of a command wins over all of them.
    """
    from bias_audit.cli._origin import resolve
    from bias_audit.config import find

    path = config or find(Path.cwd())
    content, settings = resolve(path)
    click.echo(f"# from {path}" if path else "# defaults: no bias-audit.yaml was found", err=True)
    if not origin:
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return 0
    for where, value, source in settings:
        key = ".".join(map(str, where))
        said = "unset" if value is None else json.dumps(value, ensure_ascii=False)
        click.echo(visible(f"{key:32} {said:32} {source}"))
    return 0


@config.command()
@click.argument(
    "which",
    type=click.Choice(["config", "waivers", *DATA, "results"]),
    default="config",
)
def schema(which: str) -> int:
    """Print the JSON Schema of a file, for editors and other tools."""
    from pydantic import BaseModel

    from bias_audit._resources import read_text
    from bias_audit.archive import Results
    from bias_audit.config import Config
    from bias_audit.gates.waivers import WaiverFile
    from bias_audit.schemas import schema_of

    if which in DATA:  # with a line on every key, as it is shipped
        click.echo(read_text("schemas", f"{which}.json"), nl=False)
        return 0
    models: dict[str, type[BaseModel]] = {"config": Config, "waivers": WaiverFile}
    made = schema_of(models[which]) if which in models else Results.model_json_schema()
    click.echo(json.dumps(made, indent=2))
    return 0
