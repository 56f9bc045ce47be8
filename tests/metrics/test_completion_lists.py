"""Lists of words among completions: rates, valences, odds, by hand and by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_audit.metrics.completion_lists import expected_value, hit_rates, rate_odds, text_value
from bias_audit.metrics.completion_overlap import ranking

modest = settings(deadline=None, max_examples=60)


def test_rates_count_listed_words_among_the_first():
    p = [0.30, 0.05, 0.25, 0.15, 0.20, 0.05]
    listed = [False, True, True, False, True, False]
    rates = hit_rates(ranking(p, 4), listed, (1, 2, 3, 4))
    assert rates.tolist() == pytest.approx([0, 1 / 2, 2 / 3, 2 / 4])


def test_a_short_vocabulary_is_looked_at_as_a_whole():
    assert hit_rates(ranking([0.6, 0.4], 20), [True, False], (20,)).tolist() == [0.5]


@modest
@given(st.integers(1, 20), st.randoms())
def test_nothing_listed_is_never_hit_and_everything_always(depth, random):
    p = np.array([random.random() for _ in range(20)])
    first = ranking(p, depth)
    assert hit_rates(first, np.zeros(20, bool), (depth,)).tolist() == [0.0]
    assert hit_rates(first, np.ones(20, bool), (depth,)).tolist() == [1.0]


def test_the_value_of_a_completion_is_an_expectation():
    assert expected_value([0.5, 0.3, 0.2], [1.0, -1.0, 0.0]) == pytest.approx(0.2)
    assert expected_value([0.25] * 4, [0.0] * 4) == 0.0
    assert expected_value([1.0, 0.0], [-1.0, 1.0]) == -1.0


def test_a_text_is_worth_the_mean_of_its_words():
    values = {"good": 1.0, "old": -1.0}
    assert text_value("The good, GOOD old neighbour.", values) == pytest.approx(1 / 5)
    assert text_value("", values) == 0.0
    assert text_value("Nothing of it.", values) == 0.0


def test_the_odds_of_rates_by_hand():
    rates = [[0.2, 0.1], [0.4, 0.1]]
    ratio, se = rate_odds(rates, [0], [1], 10)
    odds = [(x + 0.5) / (20 - x + 0.5) for x in (6, 2)]
    assert ratio == pytest.approx(math.log(odds[0] / odds[1]))
    single = [math.log((a + 0.5) / (10 - a + 0.5)) - math.log(1.5 / 9.5) for a in (4, 2)]
    mean = sum(single) / 2
    assert se == pytest.approx(math.sqrt(sum((x - mean) ** 2 for x in single) / 2))


def test_one_sentence_has_no_standard_error():
    assert rate_odds([[0.5, 0.5]], [0], [1], 20) == (0.0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: hit_rates(ranking([0.6, 0.4], 2), [True], (1,)),
        lambda: hit_rates(ranking([0.6, 0.4], 2), [True, False], (0,)),
        lambda: expected_value([0.5, 0.5], [1.0]),
        lambda: rate_odds([[math.nan]], [0], [0], 20),
    ],
)
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(ValueError):  # noqa: PT011
        wrong()
