"""``bias-audit explain``."""

from __future__ import annotations

import re

import rich_click as click

from bias_audit.cli import completion
from bias_audit.cli.output import say, say_report

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
@click.argument("word", nargs=-1, shell_complete=completion.words)
def explain(word: tuple[str, ...]) -> int:
    """Explain a word."""
    from bias_audit.errors import UnknownNameError, UsageError
    from bias_audit.reports import glossary

    text = " ".join(word).strip()
    if not text:
        say_report(glossary.list_pages(glossary.pages()))
        say("bias-audit explain WORD shows a page", err=True)
        return 0
    try:
        page = glossary.find(text)
    except UnknownNameError:
        if metric := _metric(text):
            say(metric)
            return 0
        if hint := _elsewhere(text):
            raise UsageError(f"'{text}' is no word of the output", hint=hint) from None
        raise
    say_report(glossary.page_text(page))
    if page.kind == "measure" and (text := _metric(page.id)):
        say_report(f"\n{text}")
    return 0


def _metric(name: str) -> str:
    """The description of a metric, and where it comes from; empty for another word."""
    from bias_audit.metrics.registry import INFOS

    info = INFOS.get(name)
    if info is None:
        return ""
    lines = [f"{info.name} ({info.unit})", info.direction, info.help, f"Source: {info.reference}"]
    return "\n".join(line for line in lines if line)


def _elsewhere(word: str) -> str:
    """What shows a word that is a finding of a run or a probe; empty when it is neither."""
    from bias_audit.probes.catalogue import ProbeCatalogue

    if re.fullmatch(r"F-[0-9a-f]{6}", word):
        return f"it names a finding: bias-audit show RUN {word}"
    if word in ProbeCatalogue().probe_ids():
        return f"it is a probe: bias-audit probes describe {word}"
    return ""
