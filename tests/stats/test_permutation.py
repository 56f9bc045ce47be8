"""Permutation tests against scipy, brute force and each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bias_audit.stats import permutation
from bias_audit.stats.permutation import (
    Permutation,
    exchange_in_blocks,
    label_exchange,
    pair_flip,
    repeat_if_close,
    sign_flip,
)
from bias_audit.stats.relabel import count_relabellings, relabellings

from .helpers import DELTA, crossed, halves, matrices, nats

modest = settings(deadline=None, max_examples=40)


def rng(seed=3):
    return np.random.default_rng(seed)


def welch(a, b, axis=-1):
    return np.abs(stats.ttest_ind(a, b, equal_var=False, axis=axis).statistic)


class TestSignFlip:
    def test_printed_examples_of_the_specification(self):
        found = sign_flip(DELTA, rng())
        assert found.p == 4 / 256
        assert (found.exact, found.draws) == (True, 256)
        assert found.method == "exact, 256 flips of templates"
        assert sign_flip(np.abs(DELTA), rng()).p == 2 / 256

    @pytest.mark.parametrize("size", [1, 2, 7, 12])
    def test_against_scipy(self, size):
        delta = rng(size).normal(0.4, 1, size)
        found = sign_flip(delta, rng()).p
        if size == 1:
            assert found == 1  # scipy asks for two values
            return
        other = stats.permutation_test((delta,), np.mean, permutation_type="samples")
        assert found == pytest.approx(min(1, other.pvalue), abs=1e-12)

    @modest
    @given(hnp.arrays(np.float64, st.integers(1, 9), elements=st.integers(-3, 3)))
    def test_ties_against_brute_force(self, delta):
        delta = delta / 10  # tenths are not exact in binary: sums in another order differ
        tenths = np.rint(delta * 10).astype(int)
        hits = [
            abs(np.dot(signs, tenths)) >= abs(tenths.sum())
            for signs in itertools.product([-1, 1], repeat=delta.size)
        ]
        assert sign_flip(delta, rng()).p == pytest.approx(np.mean(hits), abs=1e-12)

    def test_i20_drawn_and_exact_agree(self, monkeypatch):
        delta = rng().normal(0.4, 1, 13)
        exact = sign_flip(delta, rng())
        monkeypatch.setattr(permutation, "MOST_FLIPPED", 5)
        drawn = sign_flip(delta, rng(), 20_000)
        assert (drawn.exact, drawn.method) == (False, "Monte Carlo, 20000 flips of templates")
        assert abs(drawn.p - exact.p) < 4 * math.sqrt(exact.p / 20_000)

    def test_chunks_do_not_change_the_count(self, monkeypatch):
        delta = rng().normal(0.2, 1, 20)
        whole = sign_flip(delta, rng())
        monkeypatch.setattr(permutation, "CELLS_AT_ONCE", 2_000)
        assert sign_flip(delta, rng()).p == pytest.approx(whole.p, abs=0.02)

    def test_p_is_never_zero(self):
        assert sign_flip(np.full(30, 1.0), rng(), 999).p == 1 / 1000

    @modest
    @given(hnp.arrays(np.float64, st.integers(1, 18), elements=nats))
    def test_i2_mirror_image_and_range(self, delta):
        found = sign_flip(delta, rng(), 199).p
        assert 0 < found <= 1
        assert sign_flip(-delta, rng(), 199).p == found

    def test_no_difference_at_all(self):
        assert sign_flip(np.zeros(10), rng()).p == 1
        assert sign_flip(np.zeros(20), rng(), 99).p == 1

    def test_i21_same_seed_same_answer(self):
        delta = rng().normal(0.3, 1, 25)
        assert sign_flip(delta, rng(1)) == sign_flip(delta, rng(1))
        assert sign_flip(delta, rng(1)).p == pytest.approx(sign_flip(delta, rng(2)).p, abs=0.03)


class TestPairFlip:
    def test_is_a_sign_flip_of_pair_means(self):
        d = rng().normal(0.3, 1, (12, 9))
        assert pair_flip(d, rng()).p == sign_flip(d.mean(axis=0), rng()).p
        assert pair_flip(d, rng()).method == "exact, 512 flips of pairs"


class TestLabelExchange:
    @pytest.mark.parametrize(("left", "right"), [(2, 3), (4, 4), (3, 6), (5, 5)])
    def test_against_scipy(self, left, right):
        y = rng(left).normal(size=(10, left + right))
        y[:, :left] += 0.7
        found = label_exchange(y, range(left), range(left, left + right), rng())
        means = y.mean(axis=0)
        other = stats.permutation_test(
            (means[:left], means[left:]), welch, alternative="greater", n_resamples=np.inf
        )
        assert found.exact
        assert found.draws == math.comb(left + right, left)
        assert found.p == pytest.approx(other.pvalue, abs=1e-12)

    def test_with_one_term_against_brute_force(self):
        y = rng().normal(size=(6, 7))
        means = y.mean(axis=0)
        gaps = [abs(m - np.delete(means, i).mean()) for i, m in enumerate(means)]
        p = np.mean([g >= gaps[2] - 1e-12 for g in gaps])
        assert label_exchange(y, [2], [0, 1, 3, 4, 5, 6], rng()).p == pytest.approx(p)

    def test_one_term_each_can_show_nothing(self):
        assert label_exchange(rng().normal(size=(9, 2)), [0], [1], rng()).p == 1

    def test_i20_drawn_and_exact_agree(self, monkeypatch):
        y = crossed(rng(), terms=8, effect=0.8)
        exact = label_exchange(y, *halves(y), rng())
        monkeypatch.setattr(permutation, "MOST_LISTED", 10)
        drawn = label_exchange(y, *halves(y), rng(), 9999)
        assert (exact.exact, drawn.exact) == (True, False)
        assert drawn.method == "Monte Carlo, 9999 relabellings of terms"
        assert abs(drawn.p - exact.p) < 4 * math.sqrt(exact.p / 9999)

    def test_chunks_change_nothing(self, monkeypatch):
        y = crossed(rng(), terms=7, effect=0.8)
        whole = label_exchange(y, *halves(y), rng())
        monkeypatch.setattr(permutation, "CELLS_AT_ONCE", 1_000)
        assert label_exchange(y, *halves(y), rng()) == whole

    @modest
    @given(matrices(cols=(2, 9)))
    def test_i2_swapping_groups_changes_no_p(self, y):
        a, b = halves(y)
        one, other = label_exchange(y, a, b, rng()), label_exchange(y, b, a, rng())
        assert one.p == pytest.approx(other.p, abs=1e-12)
        assert 0 < one.p <= 1

    @modest
    @given(matrices(rows=(3, 6), cols=(4, 8)), st.floats(-30, 30))
    def test_i10_template_effects_cancel(self, y, shift):
        y = np.round(y, 2)
        moved = y + np.round(shift, 2) * np.arange(len(y))[:, None]
        assert label_exchange(y, *halves(y), rng()).p == pytest.approx(
            label_exchange(moved, *halves(y), rng()).p, abs=1e-9
        )

    def test_no_difference_at_all(self):
        assert label_exchange(np.full((5, 8), -7.3), range(4), range(4, 8), rng()).p == 1
        y = np.random.default_rng(0).normal(size=(5, 1)) + np.zeros(8)
        assert label_exchange(y, range(4), range(4, 8), rng()).p == 1

    def test_perfect_separation_is_the_smallest_p(self):
        y = np.tile([1.0] * 4 + [0.0] * 4, (6, 1))
        assert label_exchange(y, range(4), range(4, 8), rng()).p == pytest.approx(2 / 70)

    def test_columns_outside_the_groups_are_ignored(self):
        y = crossed(rng(), terms=4, effect=1)
        wider = np.hstack([y[:, :4], np.full((len(y), 3), 99.0), y[:, 4:]])
        exchanged = label_exchange(wider, range(4), range(7, 11), rng())
        assert exchanged == label_exchange(y, range(4), range(4, 8), rng())
        assert exchanged.draws == math.comb(8, 4)


class TestRelabellings:
    @pytest.mark.parametrize(
        ("codes", "blocks"),
        [([0, 0, 1, 1], [0] * 4), ([0, 1, 2, 0, 1], [0] * 5), ([0, 1, 0, 1, 2], [0, 0, 1, 1, 1])],
    )
    def test_lists_each_once_with_the_observed_first(self, codes, blocks):
        codes, blocks = np.array(codes), np.array(blocks)
        table, exact = relabellings(codes, blocks, rng(), resamples=9, limit=1000)
        every = {
            labels
            for labels in itertools.permutations(codes.tolist())
            if all(
                sorted(np.array(labels)[blocks == b]) == sorted(codes[blocks == b])
                for b in set(blocks.tolist())
            )
        }
        assert exact
        assert table[0].tolist() == codes.tolist()
        assert len(table) == len(every) == count_relabellings(codes, blocks)
        assert {tuple(row) for row in table.tolist()} == every

    def test_draws_keep_the_counts_of_each_block(self):
        codes, blocks = np.repeat([0, 1, 2], 6), np.tile([0, 1], 9)
        table, exact = relabellings(codes, blocks, rng(), resamples=50, limit=0)
        assert (exact, table.shape) == (False, (51, 18))
        assert table[0].tolist() == codes.tolist()
        for block in (0, 1):
            assert (np.sort(table[:, blocks == block]) == np.sort(codes[blocks == block])).all()
        assert len(np.unique(table, axis=0)) > 40

    def test_group_numbers_fit_one_byte(self):
        with pytest.raises(ValueError, match="127 groups"):
            relabellings(np.arange(130), np.zeros(130, int), rng(), resamples=1, limit=1)


@pytest.mark.parametrize(
    ("p", "exact", "draws"),
    [(0.052, False, [99, 999]), (0.4, False, [99]), (0.052, True, [99])],
)
def test_a_p_near_the_threshold_is_drawn_again_with_ten_times_the_draws(p, exact, draws):
    asked = []

    def test(number):
        asked.append(number)
        return Permutation(p=p, method="", exact=exact, draws=number)

    assert repeat_if_close(test, 99).draws == draws[-1]
    assert asked == draws


def test_exchange_in_blocks_by_listing_every_relabelling():
    y, blocks = rng(11).normal(size=(3, 6)), [0, 0, 1, 0, 1, 1]
    groups = [[0, 2], [1, 4], [3, 5]]
    means = y.mean(axis=0)

    def difference(labels):
        parts = [means[[i for i in range(6) if labels[i] == k]].mean() for k in range(3)]
        return abs(parts[0] - (parts[1] + parts[2]) / 2)

    observed = [next(k for k, g in enumerate(groups) if i in g) for i in range(6)]
    sides = [[i for i in range(6) if blocks[i] == b] for b in (0, 1)]
    every = []
    for one, other in itertools.product(
        *(set(itertools.permutations([observed[i] for i in s])) for s in sides)
    ):
        labels = dict(zip(sides[0], one, strict=True)) | dict(zip(sides[1], other, strict=True))
        every.append(difference(labels))
    expected = np.mean(np.array(every) >= difference(observed) - 1e-12)
    test = exchange_in_blocks(y, groups, blocks, rng())
    assert test.exact
    assert test.draws == len(every)
    assert test.p == pytest.approx(expected)
