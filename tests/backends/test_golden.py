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


def test_every_kind_of_answer_is_there_and_any_change_is_seen(now):
    for name in golden.MODELS:
        said = now[name]
        assert {bool(answer["skip"]) for answer in said["prompts"]} == {True, False}
        assert {answer.get("pieces") for answer in said["prompts"]} >= {0, 1, None}
        for kind, answers in said.items():
            changed = copy.deepcopy(now)
            part = changed[name][kind][0]
            record = part[0] if isinstance(part, list) else part
            numbers = [key for key, value in record.items() if isinstance(value, float)]
            for key in numbers or ["log_probs"]:
                before = record[key]
                record[key] = before + 2e-4 if numbers else [before[0] + 2e-4, *before[1:]]
                assert len(golden.differences(now, changed)) == 1, (kind, key)
                record[key] = before
            record["skip"] = "error"
            assert len(golden.differences(now, changed)) == 1
            del record["skip"]
            assert golden.differences(now, changed), "a field that is gone"
            assert answers


def test_the_last_digits_may_differ():
    assert not golden.differences([1.0, "a", None, 3], [1.00005, "a", None, 3])
    assert golden.differences([1.0], [1.0, 2.0])
    assert golden.differences(3, 4)
