"""``bias-audit show``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli.options import Place
from bias_audit.cli.output import markup, say_report

if TYPE_CHECKING:
    from bias_audit.results import Finding, Results

HELP = """Look at an audit in the terminal; with a finding, down to its sentences.

\b
Examples:
  bias-audit show audit-runs/latest
  bias-audit show audit-runs/latest F-7c31a9
"""


@click.command(help=HELP)
@click.argument("run", type=Place(), default="audit-runs/latest")
@click.argument("finding", required=False)
def show(run: Path, finding: str | None) -> int:
    """Look at an audit."""
    from bias_audit import reports as render
    from bias_audit.errors import UnknownNameError
    from bias_audit.results import load_results

    results = load_results(run)
    if finding is None:
        say_report(render.render(results, "terminal"))
        return 0
    known = {one.id: one for one in results.findings}
    if finding not in known:
        none = "" if known else "this audit has no findings"
        raise UnknownNameError("finding", finding, known, hint=none)
    _finding(results, known[finding])
    return 0


def _finding(results: Results, finding: Finding) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(emoji=False)
    sureness = f"{finding.size}, evidence {finding.evidence}"
    console.print(f"[bold]{markup(finding.id)}[/bold]  {markup(sureness)}")
    console.print(markup(finding.headline))
    console.print(markup(finding.detail))
    for notice in finding.notices:
        console.print(f"Notice: {markup(notice)}")
    result = next(r for r in results.results if r.id == finding.result)
    frames = Table(title="Sentence by sentence", title_justify="left")
    frames.add_column("gap, nats", justify="right")
    frames.add_column("odds ratio", justify="right")
    frames.add_column("sentence")
    for effect in sorted(result.by_template, key=lambda e: -e.value):
        ratio = f"{math.exp(min(effect.value, 700)):.2f}"
        frames.add_row(f"{effect.value:+.2f}", ratio, markup(effect.text))
    console.print(frames)
    pairs = Table(title="Typical sentence pairs", title_justify="left")
    pairs.add_column("sentence")
    pairs.add_column("scored word")
    whole = results.model.reading == "continuation"
    pairs.add_column("log P(sentence), nats" if whole else "P", justify="right")
    for pair in finding.sentences:
        words = pair.word.split(" / ")
        for text, word, value in (
            (pair.text_a, words[0], pair.log_prob_a),
            (pair.text_b, words[-1], pair.log_prob_b),
        ):
            chance = f"{value:.1f}" if whole else f"{math.exp(value):.2e}"
            pairs.add_row(markup(text), markup(word), chance)
        pairs.add_section()
    console.print(pairs)
    console.print(f"Every cell is in evidence.csv.gz, column probe = {markup(finding.probe)}")
