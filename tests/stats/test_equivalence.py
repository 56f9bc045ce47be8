"""The three-valued judgement."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs, two_groups
from bias_audit.stats.equivalence import outcome

from .helpers import DELTA, statsmodels


def contrast(values):
    return matched_pairs(np.asarray(values)[:, None], scope="terms")


def judge(c, margin):
    return outcome(c, margin, p_beyond_adjusted=c.p_beyond(margin))


def test_equivalence_p_is_the_usual_two_one_sided_tests():
    other = statsmodels("stats.weightstats").ttost_paired(DELTA, np.zeros(8), -0.8, 0.8)[0]
    assert contrast(DELTA).p_inside(0.8) == pytest.approx(other, rel=1e-9)
    assert round(contrast(DELTA).p_inside(0.8), 6) == 0.000196


def test_three_outcomes():
    c = contrast(DELTA)  # 95 % interval 0.15 to 0.50
    assert judge(c, 0.8) == "pass"
    assert judge(c, 0.4) == "unclear"
    assert judge(c, 0.1) == "fail"


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.1, 0.3, 0.6])
def test_p_beyond_adds_both_tails_at_the_margin(margin):
    c = contrast(DELTA)
    near = stats.ttest_1samp(DELTA, margin, alternative="greater").pvalue
    far = stats.ttest_1samp(DELTA, -margin, alternative="greater").pvalue
    assert c.p_beyond(margin) == pytest.approx(near + far, rel=1e-10)
    if margin == 0:
        assert c.p_beyond(0) == pytest.approx(stats.ttest_1samp(DELTA, 0).pvalue, rel=1e-10)


def test_failing_needs_the_adjusted_p():
    c = contrast(DELTA)
    assert c.p_beyond(0.1) < 0.05
    assert outcome(c, 0.1, p_beyond_adjusted=0.06) == "unclear"
    assert outcome(c, 0.1, p_beyond_adjusted=None) == "unclear"


def test_no_variance_is_never_judged():
    same = two_groups(np.zeros((8, 8)), range(4), range(4, 8), scope="concept")
    assert judge(same, 0.2) == "unclear"
    assert judge(contrast(np.full(8, 3.0)), 0.2) == "unclear"
    assert judge(contrast([3.0]), 0.2) == "unclear"


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan")])
def test_a_margin_is_positive(margin):
    with pytest.raises(ValueError, match="above 0"):
        judge(contrast(DELTA), margin)
