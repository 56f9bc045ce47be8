"""Scores do not change while the format of kept ones stays: old and new would be mixed."""

from __future__ import annotations

import copy

import pytest
import torch

from bias_audit.backends.cache.keys import FORMAT
from tests.backends import golden


@pytest.fixture(scope="module")
def now():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield golden.current()
    torch.set_num_threads(before)


def test_scores_are_those_of_the_format(now):
    stored = golden.stored()
    assert stored["format"] == FORMAT, "run: python -m tests.backends.golden"
    found = golden.differences(stored["answers"], now)
    assert not found, (
        f"{found[:3]} and {len(found)} places in all: if that is meant, raise FORMAT in"
        " bias_audit/backends/cache/keys.py and run: python -m tests.backends.golden"
    )


def test_every_kind_of_answer_is_there_and_a_change_is_seen(now):
    for name in golden.MODELS:
        assert {bool(answer["skip"]) for answer in now[name]["prompts"]} == {True, False}
        assert {answer.get("pieces") for answer in now[name]["prompts"]} >= {0, 1, None}
        assert all(now[name].values())
        changed = copy.deepcopy(now)
        changed[name]["pairs"][0]["more"] += 2e-4
        assert len(golden.differences(now, changed)) == 1
        del changed[name]["pairs"][0]["skip"]
        assert golden.differences(now, changed), "a field that is gone"
    assert not golden.differences([1.0, "a", None, 3], [1.00005, "a", None, 3])
    assert golden.differences([1.0], [1.0, 2.0])
