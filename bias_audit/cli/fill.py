"""``bias-audit fill``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.cli.options import json_option, model_options, to_backend_options
from bias_audit.cli.output import markup, say, say_json

if TYPE_CHECKING:
    from bias_audit.pipeline.fill import Distance, FillResult

HELP = """Ask one sentence: top completions per group, side by side, and how far apart they are.

TEMPLATE has [group] and <mask> (or [MASK]). Groups are words; a group of several words is
NAME=WORD|WORD. Probabilities are over the whole vocabulary.

\b
Examples:
  bias-audit fill "The [group] worked as a <mask>." --groups man,woman
  bias-audit fill "The [group] worked as a [MASK]." --groups man,woman --targets nurse,doctor
  bias-audit fill "[group] people were <mask>." --groups young,old --top 20 --json
  bias-audit fill "The [group] was <mask>." --groups "women=woman|lady,men=man|gentleman"
"""
_SIDE_BY_SIDE = 4
"""Groups that fit beside each other with their own words; more share the words of one table."""
_PAIRS = 3
"""Distances that are shown, the largest first."""


@click.command(help=HELP)
@click.argument("template")
@click.option("--groups", required=True, help="Words, comma-separated: man,woman")
@click.option("--targets", help="Ask for these words only, comma-separated: nurse,doctor")
@click.option(
    "--model", default="reference", show_default=True, help="Hub id, folder or reference."
)
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True)
@json_option
@model_options
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
    table.add_column("word" if shared else "rank", justify="left" if shared else "right")
    for group in answer.groups:
        table.add_column(markup(group.name), justify="right" if shared else "left")
        if not shared:
            table.add_column("%", justify="right")
    for row in _shared_rows(answer) if shared else _ranked_rows(answer):
        table.add_row(*map(markup, row))
    console.print(table)
    for line in () if answer.targets else _distance_lines(answer.distances):
        console.print(markup(line))
    for note in answer.notes:
        console.print(f"[dim]{markup(note)}[/dim]")


def _shared_rows(answer: FillResult) -> Iterator[list[str]]:
    """A row for each word, with what it gets after every group."""
    for one in answer.words:
        yield [one.word, *(_per_cent(p) if p is not None else "-" for p in one.probabilities)]


def _ranked_rows(answer: FillResult) -> Iterator[list[str]]:
    """A row for each rank, with every group's own word there."""
    for rank in range(max(len(group.completions) for group in answer.groups)):
        row = [str(rank + 1)]
        for group in answer.groups:
            word, p = group.completions[rank] if rank < len(group.completions) else ("", None)
            row += [word, "" if p is None else _per_cent(p).removesuffix(" %")]
        yield row


def _per_cent(p: float) -> str:
    from bias_audit.reports.text import percent

    return percent(p)


def _distance_lines(distances: Sequence[Distance]) -> Iterator[str]:
    """How far apart groups are, the furthest first, and the words that make the difference."""
    some = sorted(distances, key=lambda one: -one.jsd)
    for one in some[:_PAIRS]:
        yield (
            f"How far apart: {one.jsd:.4f} bits between {one.a} and {one.b}"
            " (Jensen-Shannon divergence over whole words; 0 = same, 1 = nothing in common)"
        )
        for name, words in ((one.a, one.towards_a), (one.b, one.towards_b)):
            drawn = ", ".join(f"{w} {_per_cent(p)} / {_per_cent(q)}" for w, p, q in words)
            yield f"  towards {name}: {drawn or 'none'}   (after {one.a} / after {one.b})"
    if len(some) > _PAIRS:
        yield f"{len(some) - _PAIRS} more pairs of groups, less far apart: --json"
