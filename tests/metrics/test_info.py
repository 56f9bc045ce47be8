"""Descriptions of the metrics."""

from __future__ import annotations

import dataclasses

import pytest

from bias_audit.errors import UnknownNameError
from bias_audit.metrics._beside import BESIDE
from bias_audit.metrics._on_request import ON_REQUEST
from bias_audit.metrics._overall import OVERALL
from bias_audit.metrics.info import get, registry

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
    assert list(registry)[:6] == [
        "log_odds_gap",
        "jsd",
        "diagonal_log_odds",
        "skew",
        "labour_correlation",
        "target_gap",
    ]
    parts = (*BESIDE, *OVERALL, *ON_REQUEST)
    assert list(registry)[6:] == [part.id for part in parts]
    assert len(registry) == 6 + len(parts), "two metrics have one name"


@pytest.mark.parametrize("name", list(registry))
def test_every_description_is_complete(name):
    info = get(name)
    assert info.id == name
    assert all(getattr(info, f.name) != "" for f in dataclasses.fields(info))
    assert info.range[0] < info.range[1]
    assert info.neutral is None or info.range[0] <= info.neutral <= info.range[1]
    assert "{" not in info.sentence.format(**NAMES)


@pytest.mark.parametrize("name", list(registry))
def test_sentences_claim_no_more_than_was_measured(name):
    said = get(name).sentence.lower()
    assert not any(word in said for word in ("unbiased", "fair", "safe", "ethical", "compliant"))


def test_a_miss_names_the_nearest():
    with pytest.raises(UnknownNameError, match="there is no metric named 'log_odd_gap'") as caught:
        get("log_odd_gap")
    assert caught.value.hint == "did you mean 'log_odds_gap'?"


def test_the_registry_is_read_only():
    with pytest.raises(TypeError):
        registry["mine"] = get("jsd")
