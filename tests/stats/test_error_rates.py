"""I-22: on simulated data without an effect, 5 % tests reject at most 6 %, intervals cover 94 %."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import analyse_many, one_group, several_groups, two_claims
from bias_audit.stats.permutation import label_exchange, sign_flip
from tests.stats.helpers import crossed, halves

MIXES = [
    (0.0, 0.0, 1.0),
    (0.2, 0.0, 1.0),
    (0.0, 0.2, 1.0),
    (0.2, 0.2, 1.0),
    (0.5, 0.5, 0.5),
    (0.02, 0.5, 0.3),
]
"""Variance of template by group, of terms, of cells (appendix B)."""
EFFECT = 0.3


def rates(runs, rows, terms, mix, seed):
    """Share of rejections without an effect, and of 95 % intervals that cover a real one."""
    rng, shares = np.random.default_rng(seed), []
    groups = [range(terms), range(terms, 2 * terms)]
    factors = [one_group("templates", rows), several_groups("terms", groups, (1, -1))]
    for effect in (0.0, EFFECT):
        drawn = {"rows": rows, "terms": terms, "effect": effect}
        y = [crossed(rng, vc=mix[0], vb=mix[1], ve=mix[2], **drawn) for _ in range(runs)]
        many = analyse_many(np.stack(y), factors, ("templates", "terms"))
        half = stats.t.ppf(0.975, many.df) * many.se
        shares.append(np.mean(np.abs(many.estimate - effect) <= half))
    return 1 - shares[0], shares[1]


def test_two_factors_quickly():
    rejected, covered = rates(4000, 12, 8, (0.2, 0.2, 1.0), 1)
    assert rejected <= 0.06
    assert covered >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize(("rows", "terms"), [(8, 4), (12, 8), (20, 20)])
def test_two_factors(rows, terms, mix):
    rejected, covered = rates(8000, rows, terms, mix, 2)
    assert rejected <= 0.06
    assert covered >= 0.94


def claim_rates(runs, mix, seed, rows=12, terms=6, targets=6):
    """Rejections of both claims at ``concept`` scope: about these targets, and of their kind."""
    rng = np.random.default_rng(seed)
    plus, minus = np.arange(targets), np.arange(targets, 2 * targets)
    a, b = np.arange(terms), np.arange(terms, 2 * terms)
    factors = [
        one_group("templates", rows),
        several_groups("terms", [a, b], (1, -1)),
        several_groups("targets", [plus, minus], (1, -1)),
    ]
    group = np.repeat([0, 1], terms)
    wrong = [0, 0]
    template, term, target, noise = np.sqrt(mix)
    for _ in range(runs):
        scores = rng.normal(0, noise, (rows, 2 * terms, 2 * targets))
        scores += rng.normal(0, target, (2, 2 * targets))[group]  # what a word has with a group
        pole = np.repeat([0, 1], targets)
        scores += rng.normal(0, template, (rows, 2, 2))[:, group][:, :, pole]
        scores += rng.normal(0, term, (2 * terms, 2))[:, pole]
        for at, claim in enumerate(two_claims(scores, factors, scope="concept")):
            wrong[at] += claim.p_value() <= 0.05
    return wrong[0] / runs, wrong[1] / runs


def test_three_factors_quickly():
    these, kind = claim_rates(1500, (0.05, 0.05, 0.5, 0.3), 3)
    assert kind <= 0.06
    assert these > 0.15  # why only words of this kind are evidence against zero


@pytest.mark.slow
@pytest.mark.parametrize(
    "mix", [(0.1, 0.1, 0.1, 0.3), (0.05, 0.05, 0.5, 0.3), (0, 0, 0, 1), (0.3, 0.3, 0.3, 0.3)]
)
def test_three_factors(mix):
    assert claim_rates(1500, mix, 4)[1] <= 0.06


@pytest.mark.slow
def test_permutation_tests_hold_their_level():
    rng = np.random.default_rng(5)
    flips = exchanges = 0
    for _ in range(1000):
        words_fixed = crossed(rng, rows=10, terms=5, vc=0.5, vb=0.0, ve=0.5)
        a, b = halves(words_fixed)
        delta = words_fixed[:, a].mean(axis=1) - words_fixed[:, b].mean(axis=1)
        flips += sign_flip(delta, rng).p <= 0.05
        frames_fixed = crossed(rng, rows=10, terms=5, vc=0.0, vb=0.5, ve=0.5)
        exchanges += label_exchange(frames_fixed, a, b, rng).p <= 0.05
    assert flips / 1000 <= 0.06
    assert exchanges / 1000 <= 0.06
