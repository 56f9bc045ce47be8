"""``bias-audit fill``."""

from __future__ import annotations

from typing import Any

import rich_click as click

from bias_audit.cli.options import json_option, model_options, to_backend_options
from bias_audit.cli.output import markup, say, say_json

HELP = """Ask one sentence: top completions per group, side by side, and how far apart they are.

TEMPLATE has [group] and <mask>. Groups are words; a group of several words is NAME=WORD|WORD.

\b
Examples:
  bias-audit fill "The [group] worked as a <mask>." --groups man,woman
  bias-audit fill "[group] people were <mask>." --groups young,old --top 20 --json
  bias-audit fill "The [group] was <mask>." --groups "women=woman|lady,men=man|gentleman"
"""


@click.command(help=HELP)
@click.argument("template")
@click.option("--groups", required=True, help="Words, comma-separated: man,woman")
@click.option(
    "--model", default="reference", show_default=True, help="Hub id, folder or reference."
)
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True)
@json_option
@model_options
def fill(template: str, groups: str, model: str, top: int, **options: Any) -> int:
    """Ask one sentence."""
    from bias_audit.backends import built_in_notice, open_backend
    from bias_audit.pipeline.fill import fill as fill_in

    if notice := built_in_notice(model):
        say(f"Note: {notice}", err=True)
    words, as_json = _groups(groups), options.pop("json")
    backend = open_backend(model, **to_backend_options(options))
    answer = fill_in(template, words, backend, top=top)
    if as_json:
        say_json(answer.as_dict())
        return 0
    _print(answer)
    return 0


def _groups(text: str) -> dict[str, list[str]]:
    from bias_audit.errors import UsageError

    groups: dict[str, list[str]] = {}
    for part in text.split(","):
        name, equals, words = part.strip().partition("=")
        entries = [w.strip() for w in (words if equals else name).split("|")]
        if not (name.strip() and all(entries)):
            raise UsageError(f"expected words in --groups, got '{part}'", hint="--groups man,woman")
        if name.strip() in groups:
            raise UsageError(f"the group '{name.strip()}' is twice in --groups")
        groups[name.strip()] = entries
    return groups


def _print(answer: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(emoji=False)
    table = Table(title=markup(f"{answer.template}   ({answer.model})"), title_justify="left")
    table.add_column("rank", justify="right")
    for group in answer.groups:
        table.add_column(markup(group.name))
        table.add_column("P", justify="right")
    for rank in range(max(len(group.completions) for group in answer.groups)):
        row = [str(rank + 1)]
        for group in answer.groups:
            token, p = group.completions[rank] if rank < len(group.completions) else ("", None)
            row += [markup(token), "" if p is None else f"{p:.4f}"]
        table.add_row(*row)
    console.print(table)
    for distance in answer.distances:
        a, b = markup(distance.a), markup(distance.b)
        console.print(
            f"How far apart: {distance.jsd:.4f} bits between {a} and {b}"
            " (Jensen-Shannon divergence over whole words; 0 = same, 1 = nothing in common)"
        )
        for name, words in ((a, distance.towards_a), (b, distance.towards_b)):
            drawn = ", ".join(f"{markup(w)} {p:.3f}/{q:.3f}" for w, p, q in words)
            console.print(f"  towards {name}: {drawn or 'none'}   (P after {a} / P after {b})")
    for note in answer.notes:
        console.print(f"[dim]{markup(note)}[/dim]")
