"""What a reader types from the documentation works, and shows what the pages say."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shown_commands import wrong
from tests.docs.blocks import BLOCK, MORE, ROOT, TYPED, Reader, in_folder

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for _, kind, body in BLOCK.findall(page.read_text(encoding="utf-8")):
            if kind == language:
                yield page.name, body


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_of_a_page_is_one(page: Path) -> None:
    assert wrong(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("page", "body"), list(blocks("python")))
def test_python_of_a_page_compiles_and_imports_what_is_there(page: str, body: str) -> None:
    for node in ast.walk(ast.parse(body)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("bias_audit"):
            module = importlib.import_module(str(node.module))
            assert [one.name for one in node.names if not hasattr(module, one.name)] == []


EXAMPLES = {
    "CONTRIBUTING.md": "set up a machine; the gate does that",
    "README.md": "the gate types the marked ones, test_docs the others; the rest needs a hub",
    "benchmarks.md": "need a copy of a data set",
    "cluster.md": "need a cluster",
    "explore.md": "open a browser",
    "gating.md": "examples/gating.sh plays them, and test_gating_page",
    "performance.md": "take hours",
    "probes.md": "need a table of names",
    "validity.md": "take hours",
}
"""Pages with blocks that show what could be typed, and why no test does. A line without ``$`` is
typed by nobody; that its commands exist is checked all the same."""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_block_is_typed_or_is_said_to_be_an_example(page: Path) -> None:
    kinds = {kind for _, kind, _ in BLOCK.findall(page.read_text(encoding="utf-8"))}
    has_some = bool(kinds & {"console", "python"})
    typed = any(page.name in together for together in TYPED)
    assert has_some == (typed or page.name in EXAMPLES)
    assert not (typed and page.name in EXAMPLES)


@pytest.mark.parametrize("page", [name for together in TYPED for name in together])
def test_a_typed_page_has_no_line_that_nobody_types(page: str) -> None:
    bodies = [body for name, body in blocks("console") if name == page]
    silent = [body for body in bodies if not body.startswith("$ ")]
    assert all(body.startswith("bias-audit doctor") for body in silent), "begin it with $"


@pytest.mark.slow
@pytest.mark.parametrize("together", TYPED, ids=lambda names: names[0])
def test_typed_pages_show_what_comes(tmp_path: Path, together: tuple[str, ...]) -> None:
    reader, printed = Reader(), ""
    with in_folder(tmp_path):
        for name in together:
            text = (ROOT / "docs" / name).read_text(encoding="utf-8")
            typed = list(reader.read(text))
            for one in typed:
                assert one.shown == one.current, f"{name}: python -m tests.docs.blocks {name}"
                assert one.code == 0 or one.shown != (MORE,), one.command
            printed += "".join(line for one in typed for line in one.printed)
            told = re.findall(r"\d\.\d\d ×", BLOCK.sub("", text)) if name in TYPED[0] else []
            assert [value for value in told if value not in printed] == [], name
