"""Small examples that can be checked by hand, each to the digits that were printed for it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from bias_audit.metrics.completion_overlap import hellinger, rank_overlap, total_variation
from bias_audit.metrics.divergence import jsd
from bias_audit.metrics.log_odds import cell_response, mass_log_odds
from bias_audit.metrics.lpbs import association, cbs
from bias_audit.metrics.stereoset import icat
from bias_audit.stats.contrast import matched_pairs, two_groups
from bias_audit.stats.effect_sizes import cliffs_delta, consistency, rank_biserial
from bias_audit.stats.multiplicity import bh, by, holm
from bias_audit.stats.permutation import sign_flip


def lpbs(a, a_prior, b, b_prior):
    """Kurita's score of each cell, as a difference of two associations."""
    return association(a, a_prior) - association(b, b_prior)


DELTA = (0.4, 0.3, 0.5, 0.2, 0.6, -0.1, 0.3, 0.4)


def printed(value: float, text: str) -> bool:
    """Whether a number, rounded to as many digits as ``text`` has, is ``text``."""
    digits = len(text.partition(".")[2])
    return f"{value:.{digits}f}" == text or f"{value:.{digits}f}".lstrip("0") == text


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("p", "q", "bits", "variation", "distance"),
    [
        ((0.5, 0.5, 0), (0, 0.5, 0.5), "0.5", "0.5", "0.70711"),
        ((0.7, 0.2, 0.1), (0.1, 0.2, 0.7), "0.365148", "0.6", "0.520432"),
        ((1, 0), (0, 1), "1", "1", "1"),
        ((0.3, 0.7, 0, 0), (0, 0, 0.2, 0.8), "1", "1", "1"),
    ],
)
def test_distances_of_two_distributions(p, q, bits, variation, distance):
    assert printed(jsd(p, q), bits)
    assert printed(total_variation(p, q), variation)
    assert printed(hellinger(p, q), distance)


def test_scipy_takes_the_root_and_base_e():
    assert printed(float(jensenshannon([1, 0], [0, 1])), "0.832555")
    assert printed(float(jensenshannon([1, 0], [0, 1], base=2)), "1.0")


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ("abc", "abc", "1"),
        ("abc", "acb", "0.955"),
        ("abc", "xyz", "0"),
        ("abcde", "badcf", "0.74178"),
    ],
)
def test_overlap_of_rankings(one, other, text):
    assert printed(rank_overlap([*map(ord, one)], [*map(ord, other)]), text)


def test_the_log_odds_gap_and_its_mass():
    scores = np.array([[[2, 1, 0.5, 0], [0.5, 0.5, 1.5, 1.0]]])
    gap = two_groups(cell_response(scores, [0, 1], [2, 3]), [0], [1], scope="terms").estimate
    assert printed(gap, "2.0")
    assert printed(math.exp(gap), "7.389")
    assert printed(mass_log_odds(scores, [0, 1], [2, 3], [0], [1]), "2.12011")


@pytest.mark.parametrize(
    ("target", "prior", "text"),
    [((0.02, 0.01), (0.10, 0.05), "0"), ((0.06, 0.02), (0.05, 0.10), "1.79176")],
)
def test_log_probability_bias_score(target, prior, text):
    a, b = np.log(target)
    a_prior, b_prior = np.log(prior)
    assert printed(abs(float(lpbs(a, a_prior, b, b_prior))), text)


def test_eight_differences_of_sentences():
    delta = np.array(DELTA)
    found = matched_pairs(delta[:, None], scope="terms")
    assert printed(found.estimate, "0.325")
    flipped = sign_flip(delta, rng())
    assert flipped.exact
    assert flipped.p == 4 / 256
    assert printed(flipped.p, "0.015625")
    assert printed(float(stats.wilcoxon(delta, method="exact").pvalue), "0.015625")
    assert printed(found.p_value(), "0.003424")
    low, high = found.interval(0.95)
    assert printed(low, "0.147653")
    assert printed(high, "0.502347")
    size = consistency(delta)
    assert printed(size.value, "1.532065")
    assert printed(rank_biserial(delta, rng(), 9).value, "0.944444")
    assert printed(found.p_inside(0.8), "0.000196")


def test_eight_differences_of_one_sign():
    delta = np.abs(DELTA)
    assert sign_flip(delta, rng()).p == 2 / 256
    assert printed(2 / 256, "0.0078125")
    reference = stats.permutation_test(
        (delta,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert reference.pvalue == 2 / 256
    assert reference.null_distribution.size == 256


@pytest.mark.parametrize(
    ("adjust", "texts"),
    [
        (holm, (".005", ".04", ".06", ".08", ".2")),
        (bh, (".005", ".025", ".0333", ".05", ".2")),
        (by, (".0114", ".0571", ".0761", ".1142", ".4567")),
    ],
    ids=["holm", "bh", "by"],
)
def test_adjusted_p_values(adjust, texts):
    found = adjust([0.001, 0.01, 0.02, 0.04, 0.2]).tolist()
    assert [printed(p, text) for p, text in zip(found, texts, strict=True)] == [True] * 5
    assert all(a <= b for a, b in pairwise(found))


def test_sizes_without_a_unit():
    y = np.array([[3, 4, 5, 6, 1, 2, 3, 4]], dtype=float)
    assert printed(cliffs_delta(y, range(4), range(4, 8), rng(), 9).value, "0.75")
    assert printed(icat(90, 60), "72")
    assert printed(cbs([1, 0]).value, "0.5")
    assert printed(float(np.var([1, 0])), "0.25"), "divisor k would give LPBS squared over 4"
