"""``bias-audit config``."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click


@click.group()
def config() -> None:
    """Show the configuration, or the JSON Schema of the files that people write."""


@config.command()
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file.")
def show(config: Path | None) -> int:
    """Show the configuration that a run in this folder would use, and where it comes from."""
    from bias_audit.config import Config, find, read

    path = config or find(Path.cwd())
    resolved = read(path) if path else Config(version=1)
    click.echo(f"# from {path}" if path else "# defaults: no bias-audit.yaml was found", err=True)
    click.echo(resolved.model_dump_json(indent=2))
    return 0


@config.command()
@click.argument(
    "which",
    type=click.Choice(["config", "probe", "templates", "lexicon", "results"]),
    default="config",
)
def schema(which: str) -> int:
    """Print the JSON Schema of a file, for editors and other tools."""
    from pydantic import BaseModel

    from bias_audit.archive import Results
    from bias_audit.config import Config
    from bias_audit.specs import Lexicon, ProbeSpec, TemplateSet

    models: dict[str, type[BaseModel]] = {
        "config": Config,
        "probe": ProbeSpec,
        "templates": TemplateSet,
        "lexicon": Lexicon,
        "results": Results,
    }
    click.echo(json.dumps(models[which].model_json_schema(), indent=2))
    return 0
