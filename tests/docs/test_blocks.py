"""What a reader types from the documentation works, and shows what the pages say."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import rich_click as click

from bias_audit.cli.app import app
from tests.docs.blocks import BLOCK, READ_IN_ORDER, ROOT, Reader, in_folder

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for _, kind, body in BLOCK.findall(page.read_text(encoding="utf-8")):
            if kind == language:
                yield page.name, body


def commands() -> list[tuple[str, str]]:
    """Every call of the program in a console block; ``RUN`` and the like are a reader's own."""
    found = []
    for page, body in blocks("console"):
        lines = body.replace("\\\n", " ").splitlines()
        typing = [line for line in lines if line.startswith("$ ")]
        for line in typing or lines:
            typed = re.match(r"(?:\$ )?(?:.*&& )?(?:\S*/)?bias-audit\b(.*)", line)
            if typed and "$(" not in line:
                found.append((page, re.split(r" [>|] | && ", typed[1])[0]))
    return found


def parsed(arguments: list[str]) -> None:
    """Read arguments as the program does, and run nothing."""
    command: click.Command = app
    context = click.Context(app, info_name="bias-audit")
    while isinstance(command, click.Group) and arguments:
        name, arguments = arguments[0], arguments[1:]
        if name in ("--version", "--help"):
            return
        inner = command.get_command(context, name)
        assert inner is not None, f"no command {name}"
        command, context = inner, click.Context(inner, parent=context, info_name=name)
    command.make_parser(context).parse_args(arguments)


@pytest.mark.parametrize(("page", "line"), list(dict.fromkeys(commands())))
def test_every_command_of_a_page_is_one(page: str, line: str) -> None:
    parsed(shlex.split(line, comments=True))


@pytest.mark.parametrize("line", ["runn reference", "run --modle x", "probes lst"])
def test_a_wrong_command_is_noticed(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parsed(shlex.split(line))


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
