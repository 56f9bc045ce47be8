"""Stored runs and what every format makes of them.

Each folder holds the records of one run and its renderings; those of the audit are invented and
edited by hand, and what many other tests look at. ``python -m tests.golden`` makes them
anew after an intended change; the difference in version control shows what readers will see.
Drawings, style and script are left out of pages: they have tests of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bias_audit.reports import comparison, file_names, formats, render
from bias_audit.results import Comparison, load_results

FOLDER = Path(__file__).parent
RUNS = ("audit", "dataset")
COMPARISON = FOLDER / "comparison" / "comparison.json"


def renderings() -> Iterator[tuple[str, str]]:
    """Yield the path below this folder and the text of every rendering."""
    for run in RUNS:
        results = load_results(FOLDER / run)
        for name in formats():
            if name != "json":
                file = file_names().get(name, f"{name}.txt")
                yield f"{run}/{file}", _words_only(render(results, name))
    record = Comparison.model_validate_json(COMPARISON.read_text("utf-8"))
    for name in comparison.formats():
        if name != "json":
            yield f"comparison/comparison.{name}", _words_only(comparison.render(record, name))


def _words_only(text: str) -> str:
    """Cut drawings, style and script out of a page, and the digests of the latter."""
    text = re.sub(r"<svg\b.*?</svg>", "<svg/>", text, flags=re.DOTALL)
    text = re.sub(r"<(style|script)>.*?</\1>", r"<\1/>", text, flags=re.DOTALL)
    return re.sub(r"'sha256-[^']*'", "'sha256'", text)
