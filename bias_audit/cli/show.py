"""``bias-audit show``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli.options import Place
from bias_audit.cli.output import markup

if TYPE_CHECKING:
    from rich.console import Console

    from bias_audit.reports.view.page import OutcomeLine
    from bias_audit.results import Result, Results

LATEST = "audit-runs/latest"
HELP = """Look at an audit in the terminal; with a comparison, down to its sentences.

A comparison is named by its number on the first screen, by its finding, or by its id.

\b
Examples:
  bias-audit show
  bias-audit show 1
  bias-audit show audit-runs/latest F-7c31a9
"""
_NAME = re.compile(r"\d{1,6}|F-[0-9a-f]{6}")


@click.command(help=HELP)
@click.argument("run", type=Place(), default=LATEST)
@click.argument("comparison", required=False)
def show(run: Path, comparison: str | None) -> int:
    """Look at an audit."""
    from rich.console import Console

    from bias_audit.reports.formats import terminal
    from bias_audit.reports.view.build import build
    from bias_audit.results import load_results

    if comparison is None and _NAME.fullmatch(str(run)) and not run.exists():
        run, comparison = Path(LATEST), str(run)
    results = load_results(run)
    view = build(results)
    if comparison is None:
        terminal.show(view, Console(emoji=False))
        return 0
    lines = view.first_screen.comparisons
    _print(results, _choose(results, lines, comparison))
    return 0


def _choose(results: Results, lines: tuple[OutcomeLine, ...], name: str) -> OutcomeLine:
    """Return the comparison of a number, a finding or an id.

    Raises:
        UnknownNameError: there is none.
    """
    from bias_audit.errors import UnknownNameError

    findings = {finding.id: finding.result for finding in results.findings}
    known = {str(line.number): line for line in lines} | {line.result: line for line in lines}
    known |= {name: known[result] for name, result in findings.items() if result in known}
    if name not in known:
        numbers = f"a number from 1 to {len(lines)}"
        hint = ", ".join((numbers, *findings)) if lines else "this audit has no comparisons"
        raise UnknownNameError("comparison", name, known, hint=hint)
    return known[name]


def _print(results: Results, line: OutcomeLine) -> None:
    from rich.console import Console

    from bias_audit.reports.wording import PILLS, beside

    result = next(r for r in results.results if r.id == line.result)
    console = Console(emoji=False)
    console.print(f"[bold]{line.number}  {markup(line.name)}[/bold]  {markup(PILLS[line.outcome])}")
    console.print(markup(line.statement or line.reason))
    console.print(f"{markup(line.probe)}, {markup(line.axis)}: {markup(line.size)}")
    if more := beside(result):
        console.print(more)
    for notice in line.notices:
        console.print(f"Notice: {markup(notice)}")
    for said in line.contrary:
        console.print(f"But completions differ: {markup(said)}")
    _print_frames(console, result)
    _print_sentences(console, results, result)
    console.print(f"Every cell is in evidence.csv.gz, column probe = {markup(result.probe)}")


def _print_frames(console: Console, result: Result) -> None:
    """Print every sentence frame with its size, seen from the side of the whole comparison."""
    from rich.table import Table

    from bias_audit.reports.wording import signed_size
    from bias_audit.utils.scales import gap_scale

    if not result.by_template:
        return
    sign = 1 if (result.estimate or 0.0) >= 0 else -1
    frames = Table(title="Sentence by sentence", title_justify="left")
    frames.add_column(gap_scale(result.unit).head, justify="right")
    frames.add_column("sentence")
    for effect in sorted(result.by_template, key=lambda e: -sign * e.value):
        frames.add_row(signed_size(sign * effect.value, result.unit), markup(effect.text))
    console.print(frames)


def _print_sentences(console: Console, results: Results, result: Result) -> None:
    """Print typical sentence pairs with the probability of the scored word."""
    from rich.table import Table

    from bias_audit.reports.text import count
    from bias_audit.reports.wording import score, score_name

    finding = next((f for f in results.findings if f.result == result.id), None)
    pairs = Table(title="Typical sentence pairs", title_justify="left")
    pairs.add_column("sentence")
    pairs.add_column("scored word")
    reading = results.model.reading
    pairs.add_column(score_name(reading), justify="right")
    every = (finding.sentences if finding else ()) or result.sentences
    for pair in every:
        if pair.harmful:
            continue
        words = pair.word.split(" / ")
        for text, word, log in (
            (pair.text_a, words[0], pair.log_prob_a),
            (pair.text_b, words[-1], pair.log_prob_b),
        ):
            pairs.add_row(markup(text), markup(word), score(log, reading))
        pairs.add_section()
    if pairs.row_count:
        console.print(pairs)
    if folded := sum(pair.harmful for pair in every):
        console.print(f"{count(folded, 'sentence pair')} with harmful words: the report holds them")
