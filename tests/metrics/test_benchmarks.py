"""Descriptions of the measures of published data sets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bias_audit.metrics._benchmarks import BENCHMARKS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@pytest.mark.parametrize("found", BENCHMARKS, ids=lambda found: found.id)
def test_a_sentence_needs_no_more_than_the_value(found):
    said = found.sentence.format(value="60.5")
    assert "60.5" in said
    assert not re.search(r"\bproves?\b", said)


def test_every_measure_is_documented_and_no_other():
    text = PAGE.read_text(encoding="utf-8").split("## Measures")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == {m.id for m in BENCHMARKS}
