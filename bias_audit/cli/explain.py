"""``bias-audit explain``."""

from __future__ import annotations

import re

import rich_click as click

HELP = """Explain a word of the output in plain language: a state, an exit code, a reason, a
measure, a check, a file. Without a word: list them all. Works offline.

\b
Examples:
  bias-audit explain
  bias-audit explain unclear
  bias-audit explain 3
  bias-audit explain sign flip
  bias-audit explain reference
"""


@click.command(help=HELP, context_settings={"ignore_unknown_options": True})
@click.argument("word", nargs=-1)
def explain(word: tuple[str, ...]) -> int:
    """Explain a word."""
    from bias_audit import explaining
    from bias_audit.errors import UnknownNameError, UsageError

    text = " ".join(word).strip()
    if not text:
        click.echo(explaining.listed(explaining.pages()))
        click.echo("bias-audit explain WORD shows a page", err=True)
        return 0
    try:
        page = explaining.find(text)
    except UnknownNameError:
        if hint := _elsewhere(text):
            raise UsageError(f"'{text}' is no word of the output", hint=hint) from None
        raise
    click.echo(explaining.shown(page), nl=False)
    return 0


def _elsewhere(word: str) -> str:
    """What shows a word that is a finding of a run or a probe; empty when it is neither."""
    from bias_audit.catalogue import Catalogue

    if re.fullmatch(r"F-[0-9a-f]{6}", word):
        return f"it names a finding: bias-audit show RUN {word}"
    if word in Catalogue().probe_ids():
        return f"it is a probe: bias-audit probes describe {word}"
    return ""
