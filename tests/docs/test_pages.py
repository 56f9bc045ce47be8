"""The reference pages say what the program says."""

from __future__ import annotations

import re

from bias_audit import config
from bias_audit.metrics.registry import INFOS
from bias_audit.reports import glossary
from tests.docs import pages


def test_reference_pages_are_current() -> None:
    texts = pages.wanted()
    stale = [p.name for p, text in texts.items() if not p.exists() or p.read_text("utf-8") != text]
    assert stale == [], pages.AGAIN
    assert set(pages.FOLDER.iterdir()) == {path for path in texts if path.parent == pages.FOLDER}


def test_reference_pages_leave_nothing_out() -> None:
    commands, settings = pages.commands(), pages.configuration()
    assert len(re.findall("^## ", commands, re.MULTILINE)) > 25
    for name in ("run", "probes check", "baseline accept"):
        assert f"## {name}\n" in commands
    for one in config.settings().values():
        assert f"`{one.option}`" in settings
    assert {name for name in INFOS if f"| `{name}` |" not in pages.measures()} == set()
    text = pages.words()
    assert {one.id for one in glossary.pages() if f"\n### {one.id}\n" not in text} == set()


def test_a_table_keeps_its_columns() -> None:
    assert pages.table(("a",), [("x | <mask>",)]).splitlines()[2] == "| x \\| &lt;mask> |"
