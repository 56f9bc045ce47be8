"""Descriptions of the metrics."""

from __future__ import annotations

import dataclasses
import math

import pytest
from bias_audit.metrics._benchmarks import BENCHMARKS
from bias_audit.metrics._beside import BESIDE
from bias_audit.metrics._on_request import ON_REQUEST

from bias_audit.analysis.analyse import OVERALL
from bias_audit.errors import UnknownNameError
from bias_audit.metrics.registry import INFOS, find_info

UNITS = {
    "bits", "fills", "nats", "nats a word", "nats per nat", "nats per piece", "nats squared",
    "percent", "points", "probability", "r", "ratio", "share", "standard deviations",
}  # fmt: skip
NAMES = {
    "a": "women",
    "b": "men",
    "plus": "care work",
    "minus": "office work",
    "value": "0.40",
    "ratio": "1.49",
    "null": "0.10",
}


def test_the_list_of_metrics():
    assert list(INFOS)[:6] == [
        "log_odds_gap",
        "jsd",
        "diagonal_log_odds",
        "skew",
        "labour_correlation",
        "target_gap",
    ]
    parts = (*BESIDE, *OVERALL, *ON_REQUEST, *BENCHMARKS)
    assert list(INFOS)[6:] == [part.id for part in parts]
    assert len(INFOS) == 6 + len(parts), "two metrics have one name"


@pytest.mark.parametrize("name", list(INFOS))
def test_every_description_is_complete(name):
    """Name, unit, range, neutral value, direction, reference and sentence pattern."""
    info = find_info(name)
    assert info.id == name
    for field in ("name", "unit", "direction", "reference", "sentence"):
        said = getattr(info, field)
        assert said.strip() == said != "", field
        assert len(said) >= (1 if field == "unit" else 5), field
    assert {f.name for f in dataclasses.fields(info)} == {
        "id", "name", "unit", "range", "neutral", "direction", "reference", "sentence",
    }  # fmt: skip
    assert info.unit in UNITS
    assert info.range[0] < info.range[1]
    assert info.neutral is None or info.range[0] <= info.neutral <= info.range[1]


@pytest.mark.parametrize("name", list(INFOS))
def test_every_sentence_tells_the_number(name):
    info = find_info(name)
    said = info.sentence.format(**NAMES)
    assert "{" not in said
    assert NAMES["ratio" if "{ratio}" in info.sentence else "value"] in said
    assert said[0] == said[0].lower() or said.split()[0] in ("StereoSet",)
    assert not said.endswith(".")


@pytest.mark.parametrize("name", list(INFOS))
def test_a_range_fits_its_unit(name):
    """Bounded units have bounded ranges, logarithms have none."""
    info = find_info(name)
    low, high = info.range
    if info.unit in ("probability", "share", "r"):
        assert (low, high) in [(0.0, 1.0), (-1.0, 1.0)]
    if info.unit == "percent":
        assert (low, high) == (0.0, 100.0)
    if info.unit.startswith("nats"):
        assert math.isinf(high)
        assert low in (0.0, -math.inf)


@pytest.mark.parametrize("name", list(INFOS))
def test_sentences_claim_no_more_than_was_measured(name):
    said = find_info(name).sentence.lower()
    assert not any(word in said for word in ("unbiased", "fair", "safe", "ethical", "compliant"))


def test_a_miss_names_the_nearest():
    with pytest.raises(UnknownNameError, match="there is no metric named 'log_odd_gap'") as caught:
        find_info("log_odd_gap")
    assert caught.value.hint == "did you mean 'log_odds_gap'?"


def test_the_registry_is_read_only():
    with pytest.raises(TypeError):
        INFOS["mine"] = find_info("jsd")
