"""Sentence scores on numbers small enough to check by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bias_audit.metrics import sentence

LOGS = [-1.0, -2.0, -6.0]
WEIGHTS = [0.5, 0.25, 0.25]
RANKS = [1, 2, 4]
BEST = [-1.0, -0.5, -1.0]


def test_each_measure_on_a_sentence_of_three_pieces():
    assert sentence.pll_sum(LOGS) == -9.0
    assert sentence.pll_mean(LOGS) == sentence.aul(LOGS) == -3.0
    assert sentence.aula(LOGS, WEIGHTS) == pytest.approx((-0.5 - 0.5 - 1.5) / 3)
    assert sentence.top_accuracy(RANKS) == pytest.approx(1 / 3)
    assert sentence.crr(RANKS) == pytest.approx((0 + 0.5 + 0.75) / 3)
    assert sentence.crra(RANKS, WEIGHTS) == pytest.approx(
        (0.5 + 0.25 * (1 + math.log(2)) + 0.25 * (1 + math.log(4))) / 3
    )
    assert sentence.dp(LOGS, BEST) == pytest.approx((0 + 1.5 + 5) / 3)
    assert sentence.dpa(LOGS, BEST, WEIGHTS) == pytest.approx((0 + 0.375 + 1.25) / 3)


def test_uniform_attention_is_the_plain_measure_times_that_constant():
    """Invariant I-25."""
    uniform = np.full(3, 0.2)
    assert sentence.aula(LOGS, uniform) == pytest.approx(0.2 * sentence.aul(LOGS))
    assert sentence.dpa(LOGS, BEST, uniform) == pytest.approx(0.2 * sentence.dp(LOGS, BEST))


def test_a_perfect_copier_scores_0():
    assert sentence.aul([0.0, 0.0]) == 0.0
    assert sentence.top_accuracy([1, 1]) == 1.0
    assert sentence.crr([1, 1]) == 0.0


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="attention: expected one entry for each of 3"):
        sentence.aula(LOGS, [1.0])
    with pytest.raises(ValueError, match="the top is 1"):
        sentence.crr([0])
    with pytest.raises(ValueError, match="none empty"):
        sentence.pll_sum([])
