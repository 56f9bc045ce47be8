"""What a reader types from the documentation works, and shows what the pages say."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shown_commands import wrong
from tests.docs.blocks import BLOCK, READ_IN_ORDER, ROOT, Reader, in_folder

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


@pytest.mark.slow
def test_pages_that_are_read_in_order_show_what_comes(tmp_path: Path) -> None:
    reader, printed = Reader(), ""
    with in_folder(tmp_path):
        for name in READ_IN_ORDER:
            text = (ROOT / "docs" / name).read_text(encoding="utf-8")
            typed = list(reader.read(text))
            assert typed, name
            for one in typed:
                assert one.shown == one.current, f"{name}: python -m tests.docs.blocks"
            printed += "".join(line for one in typed for line in one.printed)
            told = re.findall(r"\d\.\d\d ×", BLOCK.sub("", text))
            assert [value for value in told if value not in printed] == [], name
