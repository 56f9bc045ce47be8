"""The crossed-factor contrast against textbook tests, slow loops and the printed example."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import (
    ContrastBatch,
    matched_pairs,
    target_part,
    trim,
    two_groups,
    versus_rest,
)
from bias_audit.stats.estimate import by_groups, by_pairs

from .helpers import DELTA, crossed

A, B = np.arange(8), np.arange(8, 16)


@pytest.fixture
def y():
    return crossed(np.random.default_rng(5), rows=12, terms=8, effect=0.4)


def test_printed_example_of_the_specification():
    c = matched_pairs(DELTA[:, None], scope="terms")
    low, high = c.interval(0.95)
    assert c.estimate == pytest.approx(0.325, abs=1e-12)
    assert round(c.p_value(), 6) == 0.003424
    assert (round(low, 6), round(high, 6)) == (0.147653, 0.502347)
    assert round(c.p_inside(0.8), 6) == 0.000196
    d_z = c.estimate / (c.se * math.sqrt(c.n_templates))
    assert round(d_z, 6) == 1.532065


def test_fixed_words_is_the_one_sample_t_test(y):
    c = two_groups(y, A, B, scope="terms")
    other = stats.ttest_1samp(y[:, A].mean(1) - y[:, B].mean(1), 0)
    assert c.p_value() == pytest.approx(other.pvalue, rel=1e-10)
    assert c.interval(0.9) == pytest.approx(tuple(other.confidence_interval(0.9)), rel=1e-10)
    assert c.df == 11


@pytest.mark.parametrize("split", [3, 8, 13])
def test_fixed_frames_is_welchs_test_on_term_means(y, split):
    a, b = np.arange(split), np.arange(split, 16)
    c = two_groups(y, a, b, scope="templates")
    other = stats.ttest_ind(y[:, a].mean(0), y[:, b].mean(0), equal_var=False)
    assert c.p_value() == pytest.approx(other.pvalue, rel=1e-10)
    assert c.df == pytest.approx(other.df, rel=1e-10)
    assert c.interval() == pytest.approx(tuple(other.confidence_interval()), rel=1e-10)


def test_both_random_is_clarks_quasi_f(y):
    both = two_groups(y, A, B, scope="concept")
    f1 = (both.estimate**2) / both.variance["templates"]
    f2 = (both.estimate**2) / both.variance["terms"]
    assert (both.estimate / both.se) ** 2 == pytest.approx(f1 * f2 / (f1 + f2), rel=1e-12)


def slow_contrast(y, groups, weights, extra=()):
    """Second implementation with loops over lists: estimate, standard error, df."""
    sides = list(zip(weights, groups, strict=True))
    delta = [sum(w * statistics.fmean(row[t] for t in side) for w, side in sides) for row in y]
    means = [(w, [statistics.fmean(row[t] for row in y) for t in side]) for w, side in sides]
    sources = [[(1, delta)], means, *([[(1, values) for values in extra]] if extra else [])]
    found = []
    for alike in (False, True):
        parts = []
        for source in sources:
            sums = [(len(v) - 1) * statistics.variance(v) for _, v in source]
            shared = sum(sums) / sum(len(v) - 1 for _, v in source)
            for w, values in source:
                spread = shared if alike else statistics.variance(values)
                parts.append((w**2 * spread / len(values), len(values) - 1))
        total = sum(v for v, _ in parts)
        found.append((total**0.5, total**2 / sum(v * v / d for v, d in parts)))
    return statistics.fmean(delta), found[0][0], min(df for _, df in found)


def test_all_three_factors_against_loops(y):
    rng = np.random.default_rng(1)
    plus, minus = rng.normal(0.4, 0.3, 7).tolist(), rng.normal(0, 0.1, 6).tolist()
    c = two_groups(y, A, B, scope="concept", target_part=target_part(plus, minus))
    other = slow_contrast(y.tolist(), [A, B], [1, -1], [plus, minus])
    assert (c.estimate, c.se, c.df) == pytest.approx(other, rel=1e-12)
    assert c.used == ("templates", "terms", "targets")
    p = 2 * stats.t.sf(abs(other[0] / other[1]), other[2])
    assert c.p_value() == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_group_against_the_rest_against_loops(y, which):
    groups = [np.arange(3), np.arange(3, 8), np.arange(8, 16)]
    weights = [1 if g == which else -0.5 for g in range(3)]
    c = versus_rest(y, groups, which, scope="concept")
    assert (c.estimate, c.se, c.df) == pytest.approx(
        slow_contrast(y.tolist(), groups, weights), rel=1e-12
    )


def test_words_that_happen_to_lie_close_together_do_not_lend_degrees_of_freedom():
    rng = np.random.default_rng(5)
    groups = [list(range(4 * g, 4 * g + 4)) for g in range(7)]
    y = rng.normal(0, 0.01, (12, 28)) + rng.normal(0, 1, 28)
    y[:, :4] = rng.normal(0, 0.01, (12, 4))  # the first group's words
    c = versus_rest(y, groups, 0, scope="concept")
    plain = sum(p.value for s in c.used for p in c.parts[s]) ** 2 / sum(
        p.value**2 / p.df for s in c.used for p in c.parts[s]
    )
    assert plain > 9
    assert c.df < 5
    assert c.df == pytest.approx(slow_contrast(y.tolist(), groups, [1, *[-1 / 6] * 6])[2])


def test_the_rest_of_two_groups_is_the_other_one(y):
    assert versus_rest(y, [A, B], 0, scope="concept") == two_groups(y, A, B, scope="concept")


def test_matched_pairs_against_paired_t_tests():
    d = np.random.default_rng(2).normal(0.3, 1, (10, 6))
    words = matched_pairs(d, scope="terms")
    frames = matched_pairs(d, scope="templates")
    both = matched_pairs(d, scope="concept")
    assert words.p_value() == pytest.approx(stats.ttest_1samp(d.mean(1), 0).pvalue, rel=1e-10)
    assert frames.p_value() == pytest.approx(stats.ttest_1samp(d.mean(0), 0).pvalue, rel=1e-10)
    assert both.se**2 == pytest.approx(words.se**2 + frames.se**2, rel=1e-12)
    assert both.n_terms == 6
    assert both.largest_share >= words.largest_share


def test_parts_are_reported_even_when_not_in_use(y):
    c = two_groups(y, A, B, scope="terms")
    assert set(c.variance) == {"templates", "terms", "residual"}
    assert [part.df for part in c.parts["terms"]] == [7, 7]
    assert c.se**2 == pytest.approx(c.variance["templates"], rel=1e-12)


def test_residual_is_the_noise_of_a_design_with_no_other_source():
    rng = np.random.default_rng(3)
    found = [
        two_groups(rng.normal(size=(12, 16)), A, B, scope="terms").variance["residual"]
        for _ in range(200)
    ]
    assert np.mean(found) == pytest.approx(2 / (12 * 8), rel=0.03)


def test_mde_follows_the_printed_table():
    rng = np.random.default_rng(0)
    printed = {6: 1.43, 8: 1.16, 10: 1.00, 12: 0.89, 16: 0.75, 20: 0.66, 30: 0.53, 40: 0.45}
    for rows, d_z in printed.items():
        delta = rng.normal(size=rows)
        delta = (delta - delta.mean()) / delta.std(ddof=1)
        assert matched_pairs(delta[:, None], scope="terms").mde() == pytest.approx(d_z, abs=0.011)


def test_trimming_leaves_other_sources_alone(y):
    y[0] += 30 * np.repeat([1, 0], 8)
    whole = two_groups(y, A, B, scope="concept")
    cut = trim(whole)
    assert whole.skew > 1
    assert whole.largest_share > 0.5
    assert cut.variance["terms"] == whole.variance["terms"]
    assert cut.variance["templates"] < whole.variance["templates"] / 5
    assert abs(cut.estimate - 0.4) < abs(whole.estimate - 0.4)
    assert cut.parts["templates"][0].df == 12 - 2 * 2 - 1


def test_trimming_nothing_changes_nothing(y):
    whole = two_groups(y, A, B, scope="concept")
    cut = trim(whole, 0.0)
    assert (cut.estimate, cut.se, cut.df) == pytest.approx((whole.estimate, whole.se, whole.df))


def test_identical_groups_have_p_one_and_no_interval():
    c = two_groups(np.zeros((8, 6)), [0, 1, 2], [3, 4, 5], scope="concept")
    assert c.status == "identical"
    assert (c.p_value(), c.p_beyond(0.2)) == (1.0, 1.0)
    assert (c.interval(), c.p_inside(0.2), c.mde(), c.se, c.df) == (None,) * 5


def test_a_difference_that_never_varies_has_no_p():
    c = two_groups(np.tile([1.0, 1.0, 0.0, 0.0], (8, 1)), [0, 1], [2, 3], scope="concept")
    assert (c.status, c.estimate) == ("no_variance", 1.0)
    assert (c.p_value(), c.p_beyond(0.2), c.p_inside(0.2)) == (None, None, None)


def test_rounding_is_no_variance():
    column = np.random.default_rng(0).normal(-9, 1, (10, 1))
    y = np.hstack([column] * 3 + [(column * 3) / 3] * 3) + 0.1 - 0.1
    assert two_groups(y, [0, 1, 2], [3, 4, 5], scope="concept").status == "identical"


@pytest.mark.parametrize(
    ("shape", "scope", "status"),
    [
        ((1, 6), "terms", "too_few_templates"),
        ((1, 6), "concept", "too_few_templates"),
        ((1, 6), "templates", "ok"),
        ((8, 2), "concept", "too_few_terms"),
        ((8, 2), "terms", "ok"),
        ((1, 2), "templates", "too_few_terms"),
    ],
)
def test_too_few_units_are_named(shape, scope, status):
    y = np.random.default_rng(4).normal(size=shape)
    half = shape[1] // 2
    c = two_groups(y, range(half), range(half, shape[1]), scope=scope)
    assert c.status == status
    assert (c.interval() is None) == (status != "ok")
    assert math.isfinite(c.estimate)


def test_unusable_input_is_refused(y):
    with pytest.raises(ValueError, match="finite"):
        two_groups(np.where(y > 0, np.nan, y), A, B, scope="terms")
    with pytest.raises(ValueError, match="2 axes"):
        two_groups(y[0], A, B, scope="terms")
    with pytest.raises(ValueError, match="twice"):
        two_groups(y, [0, 0], B, scope="terms")
    with pytest.raises(ValueError, match=r"0\.\.15"):
        two_groups(y, [16], B, scope="terms")
    with pytest.raises(ValueError, match="at least one column"):
        two_groups(y, [], B, scope="terms")
    with pytest.raises(ValueError, match="two groups or more"):
        versus_rest(y, [A], 0, scope="terms")
    with pytest.raises(ValueError, match="two or more in each pole"):
        target_part([1.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("groups", "scope", "construct"),
    [
        (1, "concept", False),
        (1, "terms", True),
        (2, "concept", True),
        (2, "templates", False),
        (4, "concept", False),
    ],
)
def test_many_data_sets_are_analysed_like_one(groups, scope, construct):
    rng, each = np.random.default_rng(3), 5
    y = rng.normal(size=(6, 8, each * groups)) ** 3
    columns = [list(range(g * each, (g + 1) * each)) for g in range(groups)]
    weights = [1.0, *[-1 / max(groups - 1, 1)] * (groups - 1)]
    split = by_pairs(y) if groups == 1 else by_groups(y, columns, weights)
    poles = (rng.normal(size=(6, 4)), rng.normal(size=(6, 3))) if construct else None
    batch = ContrastBatch(split, scope, poles)
    for i in range(6):
        part = target_part(poles[0][i], poles[1][i]) if poles else None
        if groups == 1:
            one = matched_pairs(y[i], scope=scope, target_part=part)
        else:
            one = versus_rest(y[i], columns, 0, scope=scope, target_part=part)
        assert batch.estimate[i] == pytest.approx(one.estimate, rel=1e-12)
        assert (batch.se[i], batch.df[i]) == pytest.approx((one.se, one.df), rel=1e-12)
