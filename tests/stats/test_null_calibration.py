"""The same scores without their gap, dealt anew: each arrangement against the primary analysis."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs, two_groups, versus_rest
from bias_audit.stats.null_calibration import (
    Null,
    Targets,
    calibration,
    detected_share,
    flip_pairs,
    flip_templates,
    max_rejections_under_null,
    permute_labels,
    simulate_null,
    unit_contributions,
)
from tests.stats.helpers import crossed


def ordered(numbers):
    """Pairs of estimate and p, sorted, rounded away from the order of sums."""
    return sorted((round(float(e), 9), round(float(p), 9)) for e, p in numbers)


def listed(null: Null):
    return ordered(zip(null.estimate, null.p, strict=True))


def without_gap(y, groups):
    quiet = y.copy()
    for group in groups:
        quiet[:, group] -= quiet[:, group].mean()
    return quiet


def with_targets(one, d, cut, shared):
    """Estimate and p of a contrast where targets with these differences are a sample too."""
    poles = [np.asarray(pole) for pole in (d[:cut], d[cut:])]
    each = [pole.var(ddof=1) / len(pole) for pole in poles]
    alike = sum((len(p) - 1) * p.var(ddof=1) for p in poles) / (len(d) - 2)
    parts = [(p.value, p.df, p.pooled) for source in one.parts.values() for p in source]
    parts += [(v, len(p) - 1, alike / len(p)) for v, p in zip(each, poles, strict=True)]
    sums = [sum(part[i] for part in parts) for i in (0, 2)]
    dfs = [
        total**2 / sum(p[i] ** 2 / p[1] for p in parts)
        for i, total in zip((0, 2), sums, strict=True)
    ]
    largest = max(one.variance["templates"], one.variance["terms"], sum(each))
    once = min(max(sums[0] - one.variance["templates x terms"] - shared, largest), sums[0])
    df = max(min(dfs) * once / sums[0], min(*dfs, 1.0))
    return one.estimate, 2 * stats.t.sf(abs(one.estimate) / once**0.5, df)


@pytest.mark.parametrize("construct", [False, True])
def test_every_relabelling_is_analysed_as_the_audit_is(construct):
    rng = np.random.default_rng(1)
    y, scores = rng.normal(size=(5, 6)), rng.normal(size=(6, 7))
    targets = Targets(scores[:, :4], scores[:, 4:], 0.02) if construct else None
    found = permute_labels(y, [[0, 1, 2], [3, 4, 5]], [1.0, -1.0], rng, targets=targets)
    quiet, wanted = without_gap(y, [[0, 1, 2], [3, 4, 5]]), []
    for a in combinations(range(6), 3):
        b = [i for i in range(6) if i not in a]
        d = scores[list(a)].mean(axis=0) - scores[b].mean(axis=0)
        one = two_groups(quiet, a, b, scope="concept")
        plain = one.estimate, one.p_value()
        wanted.append(with_targets(one, d, 4, 0.02) if construct else plain)
    assert listed(found) == ordered(wanted)


def test_one_group_against_the_rest_is_dealt_among_all():
    rng = np.random.default_rng(2)
    y, groups = rng.normal(size=(4, 6)), [[0, 1], [2, 3], [4, 5]]
    found = permute_labels(y, groups, [1.0, -0.5, -0.5], rng)
    quiet, wanted = without_gap(y, groups), []
    for a in combinations(range(6), 2):
        rest = [i for i in range(6) if i not in a]
        for b in combinations(rest, 2):
            c = [i for i in rest if i not in b]
            one = versus_rest(quiet, [a, b, c], 0, scope="concept")
            wanted.append((one.estimate, one.p_value()))
    assert len(wanted) == 90
    assert listed(found) == ordered(wanted)


@pytest.mark.parametrize("construct", [False, True])
def test_every_flip_of_pairs_is_analysed_as_the_audit_is(construct):
    rng = np.random.default_rng(3)
    d, scores = rng.normal(size=(5, 4)), rng.normal(size=(4, 6))
    targets = Targets(scores[:, :3], scores[:, 3:], 0.01) if construct else None
    found = flip_pairs(d, rng, targets=targets)
    wanted = []
    for signs in product([1, -1], repeat=4):
        flipped = (d - d.mean()) * signs
        by_target = (np.array(signs) @ scores) / 4
        one = matched_pairs(flipped, scope="concept")
        plain = one.estimate, one.p_value()
        wanted.append(with_targets(one, by_target, 3, 0.01) if construct else plain)
    assert listed(found) == ordered(wanted)


def test_every_flip_of_sentences_is_a_t_test():
    delta = np.array([0.4, 0.3, 0.5, 0.2, 0.6, -0.1])
    found = flip_templates(delta, np.random.default_rng(4))
    quiet = delta - delta.mean()
    wanted = [
        (float((quiet * s).mean()), stats.ttest_1samp(quiet * s, 0).pvalue)
        for s in product([1, -1], repeat=6)
    ]
    assert listed(found) == ordered(wanted)


def test_a_measured_gap_is_taken_out_first():
    rng = np.random.default_rng(5)
    y = crossed(rng, rows=8, terms=6)
    shifted = y + np.where(np.arange(12) < 6, 3.0, 0.0)
    halves = [list(range(6)), list(range(6, 12))]
    one, other = (
        permute_labels(each, halves, [1.0, -1.0], np.random.default_rng(6)) for each in (y, shifted)
    )
    assert one.estimate == pytest.approx(other.estimate)
    assert one.p == pytest.approx(other.p)


@pytest.mark.parametrize("draws", [1, 16, 70, 200, 1000])
def test_the_band_is_that_of_the_binomial_distribution(draws):
    assert max_rejections_under_null(draws) == stats.binom.ppf(0.995, draws, 0.05)


def test_nineteen_of_two_hundred_hold_and_twenty_do_not():
    for hits, holds in ((19, True), (20, False)):
        p = np.array([0.01] * hits + [0.5] * (200 - hits))
        found = calibration(Null(np.zeros(200), p))
        assert (found.holds, found.share, found.limit) == (holds, hits / 200, 0.095)


def test_the_distance_is_that_of_kolmogorov_and_smirnov():
    p = np.random.default_rng(7).beta(2, 1, 77)
    found = calibration(Null(np.zeros(77), p))
    assert found.distance == pytest.approx(stats.kstest(p, "uniform").statistic)
    assert found.draws == 77


def test_a_careful_test_holds():
    found = calibration(Null(np.zeros(200), np.full(200, 0.6)))
    assert found.holds


def test_a_larger_gap_is_found_more_often():
    null = flip_templates(np.random.default_rng(8).normal(size=10), np.random.default_rng(8))
    shares = [detected_share(null.estimate, gap, 0.3, 9) for gap in (0.0, 0.3, 0.7, 1.5, 3.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] == 1


def test_a_planted_gap_is_found_about_as_often_as_the_distribution_of_t_says():
    rng = np.random.default_rng(9)
    shares = []
    for _ in range(40):
        delta = rng.normal(0, 1, 12)
        se = float(delta.std(ddof=1)) / np.sqrt(12)
        wanted = 2.9 * se  # found with a power near 0.75 by 12 normal differences
        shares.append(detected_share(flip_templates(delta, rng).estimate, wanted, se, 11))
    assert np.mean(shares) == pytest.approx(stats.nct.sf(stats.t.ppf(0.975, 11), 11, 2.9), abs=0.06)


def test_the_parts_of_a_mean_have_its_variance_less_the_noise_of_cells():
    values = np.random.default_rng(10).normal(size=9)
    whole = values.var(ddof=1) / 9
    assert np.sum(unit_contributions(values) ** 2) == pytest.approx(whole)
    assert np.sum(unit_contributions(values, -0.5) ** 2) == pytest.approx(whole / 4)
    assert np.sum(unit_contributions(values, noise=whole / 3) ** 2) == pytest.approx(whole * 2 / 3)
    assert not unit_contributions(values, noise=2 * whole).any(), "nothing is left that is its own"
    assert not unit_contributions(np.ones(5)).any()


def test_what_other_samples_could_have_measured_varies_by_every_source():
    rng = np.random.default_rng(11)
    null = flip_pairs(rng.normal(size=(8, 5)), rng)
    assert null.estimate.size == 32
    values = rng.normal(size=12)
    found = simulate_null(null.estimate, 0.04, [unit_contributions(values)], rng)
    assert found.size >= 200
    assert found.var() == pytest.approx(0.04 + values.var(ddof=1) / 12, rel=0.25)
    assert simulate_null(null.estimate, 0.04, [], rng).std() == pytest.approx(0.2)
    assert not simulate_null(np.zeros(8), 0.04, [], rng).any()
