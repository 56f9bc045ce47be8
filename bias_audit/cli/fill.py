"""``bias-audit fill``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.cli.options import json_option, model_options, setting_options, to_backend_options
from bias_audit.cli.output import markup, say, say_json

if TYPE_CHECKING:
    from bias_audit.pipeline.fill_result import FillResult

HELP = """Ask one sentence: top completions per group, side by side, and how far apart they are.

TEMPLATE has [group] and <mask> (or [MASK]). Groups are words; a group of several words is
NAME=WORD|WORD. Probabilities are over the whole vocabulary.

\b
Examples:
  bias-audit fill "The [group] worked as a <mask>." --groups man,woman
  bias-audit fill "The [group] worked as a [MASK]." --groups man,woman --targets nurse,doctor
  bias-audit fill "[group] people were <mask>." --groups young,old --top 20 --json
  bias-audit fill "The [group] was <mask>." --groups "women=woman|lady,men=man|gentleman"
  bias-audit fill "The [group] lives here." --groups refugee,citizen --model python:tox:score
"""
_SIDE_BY_SIDE = 4
"""Groups that fit beside each other with their own words; more share the words of one table."""


@click.command(help=HELP)
@click.argument("template")
@click.option("--groups", required=True, help="Words, comma-separated: man,woman")
@click.option("--targets", help="Ask for these words only, comma-separated: nurse,doctor")
@click.option(
    "--model", default="reference", show_default=True, help="Hub id, folder or reference."
)
@click.option(
    "--top",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Completions to show.",
)
@json_option
@model_options
@setting_options("labels")
def fill(
    template: str, groups: str, targets: str | None, model: str, top: int, **options: Any
) -> int:
    """Ask one sentence."""
    from bias_audit.backends import built_in_notice
    from bias_audit.pipeline.fill import fill as fill_in

    if notice := built_in_notice(model):
        say(f"Note: {notice}", err=True)
    as_json = options.pop("json")
    answer = fill_in(template, groups, model, targets, top=top, **to_backend_options(options))
    if as_json:
        say_json(answer.as_dict())
        return 0
    _print(answer)
    return 0


def _print(answer: FillResult) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(emoji=False)
    shared = bool(answer.targets) or len(answer.groups) > _SIDE_BY_SIDE
    shared = shared or not answer.groups[0].completions
    console.print(markup(f"{answer.template}   ({answer.model})"), highlight=False)
    table = Table()
    head, *rows = answer.table() if shared else _ranked_rows(answer)
    for place, name in enumerate(head):
        right = 0 < place <= len(answer.groups) if shared else place % 2 == 0
        table.add_column(markup(name), justify="right" if right else "left")
    for row in rows:
        table.add_row(*map(markup, row))
    console.print(table)
    for line in answer.distance_lines(pulls=not answer.targets):
        console.print(markup(line))
    for note in answer.notes:
        console.print(f"[dim]{markup(note)}[/dim]")


def _ranked_rows(answer: FillResult) -> Iterator[list[str]]:
    """A head, and a row for each rank with every group's own word there."""
    yield ["rank", *(name for group in answer.groups for name in (group.name, "%"))]
    for rank in range(max(len(group.completions) for group in answer.groups)):
        row = [str(rank + 1)]
        for group in answer.groups:
            word, p = group.completions[rank] if rank < len(group.completions) else ("", None)
            row += [word, "" if p is None else _per_cent(p).removesuffix(" %")]
        yield row


def _per_cent(p: float) -> str:
    from bias_audit.reports.text import percent

    return percent(p)
