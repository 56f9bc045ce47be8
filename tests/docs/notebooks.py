"""Run the notebooks: ``python -m tests.docs.notebooks`` writes today's outputs into ``examples/``.

Each runs in an empty folder, offline, in a kernel of this environment. Outputs agree if they differ
in times only, or in numbers by one in the last digit that is printed.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.docs.blocks import CHANGING

ROOT = Path(__file__).parents[2]
NOTEBOOKS = tuple(sorted((ROOT / "examples").glob("*.ipynb")))
NEEDED = ("nbclient", "nbformat", "ipykernel", "ipywidgets")
NUMBER = re.compile(r"(?<![\w.#])-?\d+(?:\.\d+)?")
SECONDS_FOR_A_CELL = 900


def missing_packages() -> list[str]:
    """Return what running a notebook needs and this environment lacks."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def execute(path: Path) -> Any:
    """Return a notebook with the outputs of today; a cell that fails raises."""
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with TemporaryDirectory() as folder:
        nbclient.NotebookClient(
            notebook,
            timeout=SECONDS_FOR_A_CELL,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
        ).execute()
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def texts(notebook: Any) -> Iterator[tuple[str, str]]:
    """Return each output as a reader sees it: its place and its text."""
    for number, cell in enumerate(notebook["cells"], 1):
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                yield f"cell {number}, {output['name']}", "".join(output["text"])
            for kind, text in output.get("data", {}).items():
                yield f"cell {number}, {kind}", "".join(text)
            if output["output_type"] == "error":
                yield f"cell {number}, error", output["evalue"]


def differences(old: Any, new: Any) -> list[str]:
    """Return where the outputs of two notebooks disagree."""
    pairs = itertools.zip_longest(texts(old), texts(new), fillvalue=("nothing", ""))
    return [
        f"{place}: {before!r} in the file, {after!r} now"
        for (place, before), (other, after) in pairs
        if place != other or not agree(before, after)
    ]


def agree(old: str, new: str) -> bool:
    """Return whether two texts differ in times only, or in the last digit of a number."""
    for pattern, stable in CHANGING:
        old, new = pattern.sub(stable, old), pattern.sub(stable, new)
    old, new = old.replace(" NaN", " None"), new.replace(" NaN", " None")
    if NUMBER.sub("#", old).split() != NUMBER.sub("#", new).split():
        return False
    return all(_near(a, b) for a, b in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True))


def _near(old: str, new: str) -> bool:
    a, b = Decimal(old), Decimal(new)
    coarser = max(a.as_tuple().exponent, b.as_tuple().exponent, key=int)
    return abs(a - b) <= (Decimal(1).scaleb(int(coarser)) if "." in old + new else 0)


def main() -> int:
    """Write today's outputs into every notebook."""
    lacking = missing_packages()
    if lacking:
        sys.stderr.write(
            f"the notebooks need {', '.join(lacking)}, which this environment lacks: "
            "pip install 'bias-audit[notebooks]'\n"
        )
        return 2
    import nbformat

    for path in NOTEBOOKS:
        nbformat.write(execute(path), path)
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
