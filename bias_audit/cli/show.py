"""``bias-audit show``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli.options import Place

if TYPE_CHECKING:
    from bias_audit.reports.view.page import OutcomeLine
    from bias_audit.results import Results

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
@click.argument("run", type=Place(), default="latest")
@click.argument("comparison", required=False)
def show(run: Path, comparison: str | None) -> int:
    """Look at an audit."""
    from rich.console import Console

    from bias_audit.reports.formats import terminal
    from bias_audit.reports.view.build import build
    from bias_audit.results import load_results

    if comparison is None and _NAME.fullmatch(str(run)) and not run.exists():
        run, comparison = Path("latest"), str(run)
    results = load_results(run)
    view = build(results)
    if comparison is None:
        terminal.show(view, Console(emoji=False))
        return 0
    line = _choose(results, view.first_screen.comparisons, comparison)
    terminal.show_comparison(view, line, Console(emoji=False))
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
        names = () if name.isdigit() else known  # another number is no better guess
        raise UnknownNameError("comparison", name, names, hint=hint)
    return known[name]
