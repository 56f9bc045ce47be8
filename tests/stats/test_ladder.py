"""Bounds at nested rungs, against one-sided t tests."""

from __future__ import annotations

import math
from itertools import compress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.ladder import at_least, at_most
from bias_audit.utils.scales import NATS

from .helpers import DELTA


def stored(estimate, se, df=11.0):
    return Contrast(estimate=estimate, se=se, df=df, n_templates=12)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("shift", [0.0, 0.2, 0.5, 0.9, 2.0, 3.0])
def test_bounds_are_one_sided_t_tests_at_every_rung(shift, sign):
    values = sign * (DELTA + shift)
    c = matched_pairs(values[:, None], scope="terms")
    beyond, inside = [], []
    for rung in NATS.rungs:
        m = math.log(rung)
        near = stats.ttest_1samp(sign * values, m, alternative="greater")
        far = stats.ttest_1samp(sign * values, -m, alternative="greater")
        beyond.append(near.pvalue + far.pvalue <= 0.05)
        less = stats.ttest_1samp(values, m, alternative="less").pvalue
        more = stats.ttest_1samp(values, -m, alternative="greater").pvalue
        inside.append(max(less, more) <= 0.05)
    assert at_least(c) == max(compress(NATS.rungs, beyond), default=None)
    assert at_most(c) == min(compress(NATS.rungs, inside), default=None)


def test_a_gap_as_in_the_design():
    """odds 1.75: at least 1.5, at most 2 times."""
    c = stored(math.log(1.75), 0.045)
    assert (at_least(c), at_most(c)) == (1.5, 2.0)


def test_without_an_interval_there_is_no_bound():
    nothing = Contrast(estimate=0.0, se=None, df=None, n_templates=1, status="too_few_templates")
    identical = Contrast(estimate=0.0, se=None, df=None, n_templates=9, status="identical")
    for c in (nothing, identical):
        assert (at_least(c), at_most(c)) == (None, None)


@given(st.floats(-4, 4), st.floats(0.01, 2), st.floats(1, 60))
def test_the_bounds_hold_the_estimate_between_them(estimate, se, df):
    c = stored(estimate, se, df)
    least, most = at_least(c), at_most(c)
    assert least is None or least <= math.exp(abs(estimate))
    assert most is None or most >= math.exp(abs(estimate))
    assert least is None or most is None or least < most


@pytest.mark.parametrize("true", [0.0, *map(math.log, NATS.rungs[:3])])
@pytest.mark.parametrize("se", [0.05, 0.3])
def test_false_bounds_are_at_most_one_in_twenty(true, se):
    """In 4,000 drawn gaps, with the error estimated from 12 sentences."""
    rng = np.random.default_rng(3)
    values = rng.normal(true, se * math.sqrt(12), (4000, 12))
    means, ses = values.mean(axis=1), values.std(axis=1, ddof=1) / math.sqrt(12)
    false = np.zeros(2)
    for mean, one in zip(means, ses, strict=True):
        c = stored(float(mean), float(one))
        least, most = at_least(c), at_most(c)
        false += [least is not None and math.log(least) >= true - 1e-9,
                  most is not None and math.log(most) <= true + 1e-9]  # fmt: skip
    assert (false / 4000 <= 0.06).all(), false / 4000
