"""The quasi-F of k groups against the primary t, variance analysis and data without an effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bias_audit.stats.contrast import one_group, several_groups, two_claims, two_groups
from bias_audit.stats.omnibus import across_targets, quasi_f

from .helpers import counted_in_each, crossed, halves, matrices, statsmodels

modest = settings(deadline=None, max_examples=40)


def rng(seed=1):
    return np.random.default_rng(seed)


def design(generator, sizes, rows=12, sd=(0.4, 0.5, 0.5), shift=None):
    """(J, T) responses of k groups without, or with, an effect; and the groups' columns."""
    k, total = len(sizes), sum(sizes)
    group = np.repeat(np.arange(k), sizes)
    y = generator.normal(0, 1, (rows, 1)) + generator.normal(0, sd[0], (rows, k))[:, group]
    y = y + generator.normal(0, sd[1], total) + generator.normal(0, sd[2], (rows, total))
    if shift is not None:
        y = y + np.asarray(shift)[group]
    return y, [np.flatnonzero(group == g) for g in range(k)]


@pytest.mark.parametrize("scope", ["terms", "concept", "templates"])
@pytest.mark.parametrize(("terms", "rows"), [(4, 8), (7, 12)])
def test_two_groups_give_the_square_of_a_t_that_counts_shares_in_each(scope, terms, rows):
    y = crossed(rng(terms), rows=rows, terms=terms, effect=0.8)
    one = two_groups(y, *halves(y), scope=scope)
    found = quasi_f(y, halves(y), scope=scope)
    se, df = counted_in_each(one)
    assert found.f == pytest.approx((one.estimate / se) ** 2)
    assert (found.df_groups, found.df_error) == pytest.approx((1, df))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(one.estimate) / se, df))
    assert found.spread == pytest.approx(abs(one.estimate) / np.sqrt(2))


@pytest.mark.parametrize("sizes", [(2, 8), (3, 12), (9, 2)])
def test_two_groups_of_unequal_size_have_the_degrees_of_freedom_of_the_primary_t(sizes):
    """Also where the few words of one group lie close together, which the bound is for."""
    for seed in range(12):
        y, (a, b) = design(rng(seed), sizes, 10, sd=(0.05, 0.7, 0.2))
        few = a if len(a) < len(b) else b
        y[:, few] = y[:, few] * 0.05 + rng(seed).normal(0, 0.05, (10, 1))
        one = two_groups(y, a, b, scope="concept")
        found = quasi_f(y, [a, b], scope="concept")
        se, df = counted_in_each(one)
        assert found.f == pytest.approx((one.estimate / se) ** 2)
        assert found.df_error == pytest.approx(df)


@pytest.mark.parametrize(("words", "cut", "quiet"), [(5, 6, False), (2, 2, True)])
def test_two_groups_give_the_same_square_with_targets_as_a_sample(words, cut, quiet):
    """Also where the two targets of a pole hardly differ."""
    scores = rng(5).normal(0, 1, (10, 11, 13))
    scores[:, :words, :cut] += 0.7
    if quiet:
        scores[:, :, :2] = scores[:, :1, :2] * 0.1
    y = scores[:, :, :cut].mean(axis=2) - scores[:, :, cut:].mean(axis=2)
    a, b = np.arange(words), np.arange(words, 11)
    by_group = np.stack([scores[:, g].mean(axis=(0, 1)) for g in (a, b)], axis=1)
    poles = [range(cut), range(cut, 13)]
    factors = [
        one_group("templates", 10),
        several_groups("terms", [a, b], (1, -1)),
        several_groups("targets", poles, (1, -1)),
    ]
    one = two_claims(scores, factors, scope="concept")[1]
    se, df = counted_in_each(one)
    sources = across_targets([by_group[:cut], by_group[cut:]])
    test = quasi_f(y, [a, b], scope="concept", targets=sources)
    assert test.f == pytest.approx((one.estimate / se) ** 2)
    assert test.df_error == pytest.approx(df)
    halved = {name: one.variance[name] / 2 for name in ("templates", "terms", "targets")}
    assert test.variance == pytest.approx(halved)  # var(a - b) = 2 spread^2


def test_equal_numbers_of_words_give_clarks_min_f():
    """Mean squares of the crossed design by the textbook, then F1 F2 / (F1 + F2)."""
    k, n, rows = 4, 5, 9
    y, groups = design(rng(3), [n] * k, rows, shift=[0.5, 0.0, -0.3, 0.1])
    cube = y.reshape(rows, k, n)
    grand, group, word = cube.mean(), cube.mean(axis=(0, 2)), cube.mean(axis=0)
    by_row = cube.mean(axis=2)
    between = rows * n * np.sum((group - grand) ** 2) / (k - 1)
    words = rows * np.sum((word - group[:, None]) ** 2) / (k * (n - 1))
    inside = by_row - by_row.mean(axis=1, keepdims=True) - group + grand
    frames = n * np.sum(inside**2) / ((k - 1) * (rows - 1))
    f1, f2 = between / frames, between / words
    found = quasi_f(y, groups, scope="concept")
    assert found.f == pytest.approx(f1 * f2 / (f1 + f2))
    assert found.variance["templates"] == pytest.approx(frames / (rows * n))
    assert found.variance["terms"] == pytest.approx(words / (rows * n))
    assert quasi_f(y, groups, scope="terms").f == pytest.approx(f1)
    assert quasi_f(y, groups, scope="templates").f == pytest.approx(f2)


def test_fixed_words_against_the_repeated_measures_analysis_of_statsmodels():
    import pandas as pd

    rows, k = 10, 4
    y, groups = design(rng(8), [1] * k, rows, shift=[0.6, 0.0, 0.0, 0.2])
    where = np.indices(y.shape).reshape(2, -1)
    frame = pd.DataFrame({"y": y.ravel(), "row": where[0], "group": where[1]})
    anova = statsmodels("stats.anova").AnovaRM(frame, "y", "row", within=["group"]).fit()
    found = quasi_f(y, groups, scope="terms")
    assert found.f == pytest.approx(float(anova.anova_table["F Value"].iloc[0]))
    assert 1 <= found.df_groups <= k - 1
    assert found.df_error == pytest.approx(found.df_groups * (rows - 1))


def test_degrees_of_freedom_of_fixed_words_are_greenhouse_and_geissers():
    """Epsilon from the covariances of orthonormal contrasts, as in the textbooks."""
    y, groups = design(rng(4), [1] * 5, 14)
    y[:, 0] *= 3  # one group varies more: no sphericity
    contrasts = np.linalg.qr(np.eye(5)[:, 1:] - 1 / 5)[0]
    values = np.linalg.eigvalsh(np.cov((y @ contrasts).T))
    epsilon = values.sum() ** 2 / (4 * np.sum(values**2))
    found = quasi_f(y, groups, scope="terms")
    assert found.df_groups == pytest.approx(4 * epsilon)
    assert found.df_error == pytest.approx(4 * epsilon * 13)
    assert epsilon < 0.9


def test_fixed_frames_against_brown_and_forsythe():
    y, groups = design(rng(6), [6] * 3, 8, shift=[0.5, 0.0, 0.0])
    means = [y[:, g].mean(axis=0) for g in groups]
    with np.errstate(all="ignore"):
        other = statsmodels("stats.oneway").anova_oneway(means, use_var="bf")
    found = quasi_f(y, groups, scope="templates")
    assert found.f == pytest.approx(float(other.statistic))
    df = (float(other.df_num), float(other.df_denom))
    assert (found.df_groups, found.df_error) == pytest.approx(df)
    assert found.f == pytest.approx(float(stats.f_oneway(*means).statistic))


@pytest.mark.slow
def test_the_expected_spread_is_what_equal_groups_show():
    generator, found = rng(2), []
    for _ in range(400):
        y, groups = design(generator, [5, 5, 5], 10)
        found.append(quasi_f(y, groups, scope="concept"))
    squares = np.mean([one.spread**2 for one in found])
    # The residual is counted once per source, so the expectation is on the large side.
    assert squares == pytest.approx(np.mean([one.expected**2 for one in found]), rel=0.12)
    assert np.mean([one.spread > one.expected95 for one in found]) <= 0.06


def rejected(runs, sizes, seed, rows, sd=(0.4, 0.5, 0.5), scope="concept"):
    generator = rng(seed)
    return np.mean(
        [
            quasi_f(y, groups, scope=scope).p <= 0.05
            for y, groups in (design(generator, sizes, rows, sd) for _ in range(runs))
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "scope", "sd"),
    [((4, 4, 4, 4), "concept", (0.4, 0.5, 0.5)), ((1,) * 6, "terms", (0.4, 0.0, 0.5))],
)
def test_the_level_holds_quickly(sizes, scope, sd):
    assert rejected(800, sizes, 11, 12, sd, scope) <= 0.07  # 0.05 and two standard errors


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(2, 8, 8), (2, 2, 12), (3, 3, 3, 12)])
def test_the_level_holds_for_groups_of_unequal_size_quickly(sizes):
    """Words vary, sentences hardly: without the bound 8 % and more."""
    assert rejected(1500, sizes, 12, 12, (0.05, 0.7, 0.2)) <= 0.062


@modest
@given(matrices(rows=(2, 6), cols=(6, 6)), st.permutations([0, 1, 2]), st.floats(-5, 5))
def test_names_order_and_what_all_groups_share_change_nothing(y, order, moved):
    groups = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
    one = quasi_f(y, groups, scope="concept")
    other = quasi_f(y[::-1] + moved, [groups[i] for i in order], scope="concept")
    if one.status == "ok" and other.status == "ok" and one.expected > 1e-6:
        assert other.f == pytest.approx(one.f, rel=1e-6, abs=1e-9)
        assert other.p == pytest.approx(one.p, rel=1e-5, abs=1e-9)


def test_i1_identical_groups_give_p_1():
    y = np.repeat(rng().normal(size=(8, 1)), 6, axis=1)
    found = quasi_f(y, [[0, 1], [2, 3], [4, 5]], scope="concept")
    assert (found.status, found.p, found.spread, found.f) == ("identical", 1.0, 0.0, None)


def test_a_difference_that_never_varies_has_no_test():
    y = np.tile([1.0, 1.0, 2.0, 2.0, 3.0, 3.0], (8, 1))
    found = quasi_f(y, [[0, 1], [2, 3], [4, 5]], scope="concept")
    assert (found.status, found.p, found.spread) == ("no_variance", None, 1.0)


def test_too_few_units_are_named():
    y = rng().normal(size=(8, 3))
    assert quasi_f(y, [[0], [1], [2]], scope="concept").status == "too_few_terms"
    assert quasi_f(y[:1], [[0], [1], [2]], scope="terms").status == "too_few_templates"
    assert quasi_f(y, [[0], [1], [2]], scope="terms").status == "ok"


@pytest.mark.parametrize("groups", [[[0, 1]], [[0], [0, 0]], [[0], [9]]])
def test_groups_that_do_not_fit_are_refused(groups):
    with pytest.raises(ValueError, match="group"):
        quasi_f(np.ones((3, 3)), groups, scope="terms")


def test_a_pole_of_one_target_is_refused():
    with pytest.raises(ValueError, match="two or more in each pole"):
        across_targets([np.ones((1, 3)), np.ones((4, 3))])
