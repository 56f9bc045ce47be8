"""The crossed-factor contrast against textbook tests, slow loops and the printed example."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import (
    Clusters,
    analyse_many,
    matched_pairs,
    one_group,
    several_groups,
    trim,
    two_claims,
    two_groups,
    versus_rest,
)
from bias_audit.stats.crossing import cluster_sizes

from .helpers import DELTA, counted_in_each, crossed, plain_axis, slow_crossed

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
    """Where the cell noise is counted in each source, as Clark did."""
    both = two_groups(y, A, B, scope="concept")
    se, _ = counted_in_each(both)
    f1 = (both.estimate**2) / both.variance["templates"]
    f2 = (both.estimate**2) / both.variance["terms"]
    assert (both.estimate / se) ** 2 == pytest.approx(f1 * f2 / (f1 + f2), rel=1e-12)
    assert both.se < se


def as_tuple(c):
    return c.estimate, c.se, c.df


def of_words(groups, weights, rows=12):
    """Axes of a response of sentences and words."""
    return [plain_axis((1, range(rows))), plain_axis(*zip(weights, groups, strict=True))]


POLES = list(range(7)), list(range(7, 13))


def cells_of(rng):
    """Scores of 12 sentences, 16 words and 13 targets in which everything varies."""
    scores = 0.4 * rng.normal(size=(12, 16, 13)) + rng.normal(0, 0.3, (12, 1, 13))
    scores += rng.normal(0, 0.3, (1, 16, 13)) + rng.normal(0, 0.2, (12, 16, 1))
    scores[:, :8, :7] += 0.4 + rng.normal(0, 0.3, (12, 1, 1))
    return scores


def factors_of(clusters=Clusters(), sampled=()):  # noqa: B008
    """Factors of these scores."""
    return [
        one_group("templates", 12, clusters.templates),
        several_groups("terms", [A, B], (1, -1), clusters.terms),
        several_groups("targets", POLES, (1, -1), clusters.targets, sampled),
    ]


def test_both_claims_against_matrices():
    scores = cells_of(np.random.default_rng(1))
    these, kind = two_claims(scores, factors_of(), scope="concept")
    axes = [*of_words([A, B], [1, -1]), plain_axis((1, POLES[0]), (-1, POLES[1]))]
    assert as_tuple(these) == pytest.approx(slow_crossed(scores, axes, (0, 1)), rel=1e-10)
    assert as_tuple(kind) == pytest.approx(slow_crossed(scores, axes, (0, 1, 2)), rel=1e-10)
    assert (these.used, kind.used[2:]) == (("templates", "terms"), ("targets",))
    p = 2 * stats.t.sf(abs(kind.estimate / kind.se), kind.df)
    assert kind.p_value() == pytest.approx(p, rel=1e-12)
    fixed, sample = two_claims(scores, factors_of(), scope="terms")
    assert as_tuple(fixed) == pytest.approx(slow_crossed(scores, axes, (0,)), rel=1e-10)
    assert as_tuple(sample) == pytest.approx(slow_crossed(scores, axes, (0, 2)), rel=1e-10)


CLUSTERS = Clusters(
    templates=[0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8],
    terms=[*"aabcdefg", *"hhhijklm"],
    targets=["x engineer", "x engineer", *range(2, 11), "y driver", "y driver"],
)


def test_clusters_of_every_factor_and_a_census_against_matrices():
    scores, sampled = cells_of(np.random.default_rng(2)), (0.25, 0.9)
    claims = two_claims(scores, factors_of(CLUSTERS, sampled), scope="concept")
    rows, words, targets = CLUSTERS
    axes = [
        [(1, range(12), rows, 0.0)],
        [(w, g, [words[i] for i in g], 0.0) for w, g in ((1, A), (-1, B))],
        [
            (w, g, [targets[i] for i in g], share)
            for w, g, share in zip((1, -1), POLES, sampled, strict=True)
        ],
    ]
    for claim, used in zip(claims, ((0, 1), (0, 1, 2)), strict=True):
        assert as_tuple(claim) == pytest.approx(slow_crossed(scores, axes, used), rel=1e-10)


def test_of_a_whole_census_nothing_is_left_to_chance():
    scores = cells_of(np.random.default_rng(3))
    these, kind = two_claims(scores, factors_of(sampled=(1.0, 1.0)), scope="concept")
    assert kind.se == pytest.approx(these.se, rel=1e-12)


def test_a_pole_of_one_cluster_says_nothing_of_its_kind():
    scores = cells_of(np.random.default_rng(4))
    alike = factors_of(Clusters(targets=[*["x"] * 7, *range(6)]))
    assert two_claims(scores, alike, scope="concept")[1] is None


def test_copies_of_sentences_that_are_one_cluster_change_nothing(y):
    """I-9."""
    once = two_groups(y, A, B, scope="concept")
    alike = Clusters(templates=[*range(12), *range(12)])
    twice = two_groups(np.concatenate([y, y]), A, B, scope="concept", clusters=alike)
    assert as_tuple(twice) == pytest.approx(as_tuple(once), rel=1e-10)
    assert twice.by_cluster == pytest.approx(once.delta)
    assert two_groups(np.concatenate([y, y]), A, B, scope="concept").se < once.se


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_clusters_of_unequal_size_do_not_make_the_error_too_small(rho):
    """In 6,000 drawn sets of 11 values; what clusters share is not biased, the rest is counted."""
    clusters = [0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]
    rng = np.random.default_rng(6)
    values = np.sqrt(1 - rho) * rng.normal(size=(6000, 11))
    values += np.sqrt(rho) * rng.normal(size=(6000, 8))[:, clusters]
    found = analyse_many(values, [one_group("templates", 11, clusters)], ["templates"])
    truth = values.mean(axis=1).var()
    ratio = (found.se**2).mean() / truth
    assert 0.95 < ratio < (1.05 if rho == 1 else 1.35)
    covered = np.abs(found.estimate) <= stats.t.ppf(0.975, found.df) * found.se
    assert covered.mean() >= 0.94


def test_equal_clusters_are_the_t_test_of_their_means():
    values = np.random.default_rng(7).normal(size=(8, 1))
    c = matched_pairs(values, scope="terms", clusters=Clusters([0, 0, 1, 1, 2, 2, 3, 3]))
    means = values.reshape(4, 2).mean(axis=1)
    assert c.p_value() == pytest.approx(stats.ttest_1samp(means, 0).pvalue, rel=1e-10)
    assert (c.df, c.by_cluster) == (3, pytest.approx(means))
    assert cluster_sizes((3, 1, 1, 1)).df < 3, "one large cluster tells less"


@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_group_against_the_rest_against_loops(y, which):
    groups = [np.arange(3), np.arange(3, 8), np.arange(8, 16)]
    weights = [1 if g == which else -0.5 for g in range(3)]
    c = versus_rest(y, groups, which, scope="concept")
    other = slow_crossed(y, of_words(groups, weights), (0, 1))
    assert as_tuple(c) == pytest.approx(other, rel=1e-10)


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
    weights = [1, *[-1 / 6] * 6]
    assert c.df == pytest.approx(slow_crossed(y, of_words(groups, weights), (0, 1))[2])


def test_the_rest_of_two_groups_is_the_other_one(y):
    assert versus_rest(y, [A, B], 0, scope="concept") == two_groups(y, A, B, scope="concept")


def test_matched_pairs_against_paired_t_tests():
    d = np.random.default_rng(2).normal(0.3, 1, (10, 6))
    words = matched_pairs(d, scope="terms")
    frames = matched_pairs(d, scope="templates")
    both = matched_pairs(d, scope="concept")
    assert words.p_value() == pytest.approx(stats.ttest_1samp(d.mean(1), 0).pvalue, rel=1e-10)
    assert frames.p_value() == pytest.approx(stats.ttest_1samp(d.mean(0), 0).pvalue, rel=1e-10)
    noise = both.variance["templates x terms"]
    once = words.se**2 + frames.se**2 - noise
    assert both.se**2 == pytest.approx(max(once, words.se**2, frames.se**2), rel=1e-12)
    assert both.n_terms == 6
    assert both.largest_share >= words.largest_share


def test_parts_are_reported_even_when_not_in_use(y):
    c = two_groups(y, A, B, scope="terms")
    assert set(c.variance) == {"templates", "terms", "templates x terms"}
    assert [part.df for part in c.parts["terms"]] == [7, 7]
    assert c.se**2 == pytest.approx(c.variance["templates"], rel=1e-12)


def test_what_sentences_and_words_share_is_the_noise_of_a_design_with_no_other_source():
    rng = np.random.default_rng(3)
    found = [
        two_groups(rng.normal(size=(12, 16)), A, B, scope="terms").variance["templates x terms"]
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
    with pytest.raises(ValueError, match="one entry for each of 12 columns"):
        two_groups(y, A, B, scope="terms", clusters=Clusters([0, 1]))


@pytest.mark.parametrize(
    ("groups", "scope"), [(1, "concept"), (1, "terms"), (2, "templates"), (4, "concept")]
)
def test_many_data_sets_are_analysed_like_one(groups, scope):
    rng, each = np.random.default_rng(3), 5
    y = rng.normal(size=(6, 8, each * groups)) ** 3
    columns = [list(range(g * each, (g + 1) * each)) for g in range(groups)]
    weights = [1.0, *[-1 / max(groups - 1, 1)] * (groups - 1)]
    factors = one_group("templates", 8), several_groups("terms", columns, weights)
    used = {"terms": ["templates"], "templates": ["terms"]}.get(scope, ["templates", "terms"])
    batch = analyse_many(y, factors, used)
    for i in range(6):
        if groups == 1:
            one = matched_pairs(y[i], scope=scope)
        else:
            one = versus_rest(y[i], columns, 0, scope=scope)
        assert batch.estimate[i] == pytest.approx(one.estimate, rel=1e-12)
        assert (batch.se[i], batch.df[i]) == pytest.approx((one.se, one.df), rel=1e-12)
