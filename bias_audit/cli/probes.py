"""``bias-audit probes``."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit.cli._options import model_options, open_catalogue, probe_path
from bias_audit.errors import visible


@click.group()
def probes() -> None:
    """List, describe, preview and check probes.

    A probe is a YAML file: which sentences, which groups, which words, and what it cannot show.
    """


@probes.command(name="list")
@click.option("--json", is_flag=True, help="Print JSON.")
@probe_path
def list_(probe_path: tuple[Path, ...], **flags: bool) -> int:
    """List all probes and controls."""
    catalogue = open_catalogue(probe_path)
    specs = [catalogue.probe_spec(name) for name in catalogue.probe_ids()]
    if flags["json"]:
        rows = [
            {
                "id": spec.id,
                "version": spec.version,
                "axis": spec.axis,
                "role": spec.role,
                "suites": list(spec.suites),
                "title": spec.title,
            }
            for spec in specs
        ]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    for spec in specs:
        kind = "core" if "core" in spec.suites else spec.role.replace("_", " ")
        click.echo(visible(f"{spec.id:28} {spec.axis:14} {kind:18} {spec.title}"))
    return 0


@probes.command()
@click.argument("name")
@probe_path
def describe(name: str, probe_path: tuple[Path, ...]) -> int:
    """Describe one probe: its card, its words, its controls, what it cannot show."""
    probe = open_catalogue(probe_path).probe(name)
    spec = probe.spec
    click.echo(visible(f"{spec.id} (version {spec.version}, axis {spec.axis}): {spec.title}"))
    if spec.question:
        click.echo(visible(spec.question))
    click.echo()
    sentence = probe.frames[0].template.text
    click.echo(visible(f"Sentences   {len(probe.frames)}, for example: {sentence}"))
    for group in probe.groups:
        words = ", ".join(dict.fromkeys(word.label for word in group.words))
        click.echo(visible(f"Group       {group.label}: {words}"))
    for sign, title in (("+", probe.plus_name), ("-", probe.minus_name)):
        words = ", ".join(t.word.label for t in probe.targets if t.pole == sign)
        if words:
            click.echo(visible(f"Pole {sign}      {title}: {words}"))
    own = [(t.pole.partition(":")[2], t.word.label) for t in probe.targets if ":" in t.pole]
    if own:
        click.echo(visible(f"Own words   {', '.join(f'{group}: {word}' for group, word in own)}"))
    click.echo(visible(f"Margin      {spec.margin:.3f} nats. {spec.margin_reason}"))
    controls = [*spec.controls.positive, *spec.controls.negative]
    controls += [f"placebo groups of {spec.controls.placebo}"] if spec.controls.placebo else []
    click.echo(visible(f"Controls    {', '.join(controls) or 'none: it can never pass'}"))
    if spec.card is None:
        click.echo("Card        none: it is measured and never judged")
        return 0
    for key, text in spec.card.model_dump().items():
        click.echo(f"\n{key.capitalize()}\n  {visible(text)}")
    return 0


@probes.command()
@click.argument("name")
@click.option("-n", "--count", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--all", is_flag=True, help="Every sentence.")
@probe_path
def preview(name: str, count: int, probe_path: tuple[Path, ...], **flags: bool) -> int:
    """Print sentences as they will be scored; the scored word is in braces."""
    from bias_audit.expand import expand

    probe = open_catalogue(probe_path).probe(name)
    expansion = expand(probe)
    prompts = expansion.prompts
    shown: Sequence[int] = range(len(prompts))
    if not flags["all"]:  # a fixed sample: steps of equal size would meet the same word each time
        shown = sorted(random.Random(0).sample(shown, min(count, len(prompts))))  # noqa: S311
    for prompt in (prompts[i] for i in shown):
        filler = "<mask>" if prompt.filler is None else f"{{{prompt.filler}}}"
        click.echo(visible(f"{prompt.pole or ' '} {prompt.left}{filler}{prompt.right}"))
    click.echo(f"{len(prompts):,} prompts in all", err=True)
    for skip in expansion.skips:
        click.echo(f"left out: {skip.kind} '{skip.what}' {skip.detail}", err=True)
    return 0


@probes.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="Also show what this model's vocabulary loses.")
@probe_path
@model_options
def check(
    paths: tuple[Path, ...], model: str | None, probe_path: tuple[Path, ...], **options: Any
) -> int:
    """Check probe, template and lexicon files; every mistake at once, as file:line:column.

    \b
    Examples:
      bias-audit probes check my-probes/
      bias-audit probes check my-probes/tea.yaml --model reference
    """
    from bias_audit.cli._check import check_files

    chosen = {key: value for key, value in options.items() if value is not None}
    return check_files(paths, probe_path, model, chosen)
