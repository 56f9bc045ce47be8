"""Questions put to a finished model in the way bias-audit asks them."""

from __future__ import annotations

from bias_audit.records import Prompt


def asked(name: str, sentence: str, start: int, end: int, *, filler: str | None) -> Prompt:
    """Hide ``sentence[start:end]``; ``filler`` is the word that is scored, None for any word."""
    return Prompt(
        probe="evaluation",
        template=name,
        variant="",
        group="",
        term="",
        label="",
        target="",
        pole="",
        left=sentence[:start],
        filler=filler,
        right=sentence[end:],
    )
