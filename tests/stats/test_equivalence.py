"""A difference beside a margin: two one-sided tests, and the test that it lies beyond."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs, two_groups

from .helpers import DELTA, statsmodels


def contrast(values):
    return matched_pairs(np.asarray(values)[:, None], scope="terms")


def test_equivalence_p_is_the_usual_two_one_sided_tests():
    other = statsmodels("stats.weightstats").ttost_paired(DELTA, np.zeros(8), -0.8, 0.8)[0]
    assert contrast(DELTA).p_inside(0.8) == pytest.approx(other, rel=1e-9)
    assert round(contrast(DELTA).p_inside(0.8), 6) == 0.000196


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.1, 0.3, 0.6])
def test_p_beyond_adds_both_tails_at_the_margin(margin):
    c = contrast(DELTA)
    near = stats.ttest_1samp(DELTA, margin, alternative="greater").pvalue
    far = stats.ttest_1samp(DELTA, -margin, alternative="greater").pvalue
    assert c.p_beyond(margin) == pytest.approx(near + far, rel=1e-10)
    if margin == 0:
        assert c.p_beyond(0) == pytest.approx(stats.ttest_1samp(DELTA, 0).pvalue, rel=1e-10)


def test_nothing_is_inside_or_beyond_without_variance():
    same = two_groups(np.zeros((8, 8)), range(4), range(4, 8), scope="concept")
    assert (same.p_inside(0.2), same.p_beyond(0.2)) == (None, 1.0)
    for values in (np.full(8, 3.0), [3.0]):
        assert (contrast(values).p_inside(0.2), contrast(values).p_beyond(0.2)) == (None, None)
