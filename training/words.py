"""Words that audits look at: ``words.txt``, after the text the strongest choice of the recipe."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def audited() -> list[str]:
    """Return the words as they stand inside a sentence, sorted."""
    lines = (HERE / "words.txt").read_text(encoding="utf-8").splitlines()
    return sorted({word for line in lines for word in line.partition("#")[0].split()})
