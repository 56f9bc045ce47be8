"""Descriptions of the measures of published benchmarks."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from bias_audit.errors import UnknownNameError
from bias_audit.metrics import info
from bias_audit.metrics.benchmark_info import BENCHMARKS, get

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_every_description_is_complete(name):
    found = get(name)
    assert found.id == name
    assert all(getattr(found, f.name) != "" for f in dataclasses.fields(found))
    assert found.range[0] < found.range[1]
    assert found.neutral is None or found.range[0] <= found.neutral <= found.range[1]
    said = found.sentence.format(value="60.5")
    assert "60.5" in said
    assert not re.search(r"\b(unbiased|fair|safe|proves?)\b", said)


def test_no_measure_has_the_name_of_a_probe_measure():
    assert not set(BENCHMARKS) & set(info.registry)


def test_every_measure_is_documented_and_no_other():
    text = PAGE.read_text(encoding="utf-8").split("## Measures")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(BENCHMARKS)


def test_a_miss_names_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        get("crow_pairs")
    assert caught.value.hint == "did you mean 'crows_pairs'?"
