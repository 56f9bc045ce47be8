"""Count the words that somebody has to write and keep true: ``python -m tests.docs.count``.

Left out is what a program writes: pages and blocks that say so, and the output in console blocks.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.docs.blocks import BLOCK

ROOT = Path(__file__).parents[2]
MADE = "<!-- Made by 'python -m "
BETWEEN = re.compile(r"^<!-- ([\w-]+) -->\n.*?^<!-- end of \1 -->\n", re.DOTALL | re.MULTILINE)
OUTPUT = re.compile(r"^(?!\$ ).*\n", re.MULTILINE)


def without_output(block: re.Match[str]) -> str:
    """A block as its author typed it: of a console that shows answers, the commands alone."""
    language, body = block[2], block[3]
    shows = language == "console" and "\n$ " in f"\n{body}"
    return OUTPUT.sub("", body) if shows else body


def by_hand(text: str) -> int:
    """Words of a page, Markdown's own signs left out."""
    if MADE in text:
        return 0
    text = BLOCK.sub(without_output, BETWEEN.sub("", text))
    return sum(1 for word in text.split() if re.search(r"\w", word))


def pages() -> list[Path]:
    """Everything a reader of the documentation may meet."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def counts() -> dict[str, int]:
    """Words by hand of every page that has some."""
    every = {p.relative_to(ROOT).as_posix(): by_hand(p.read_text("utf-8")) for p in pages()}
    return {name: count for name, count in every.items() if count}


if __name__ == "__main__":
    found = counts()
    lines = [f"{count:7,}  {name}" for name, count in sorted(found.items(), key=lambda x: -x[1])]
    sys.stdout.write("\n".join([*lines, f"{sum(found.values()):7,}  in all", ""]))
