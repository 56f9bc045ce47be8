"""The divergence's permutation test against brute force; its level, speed and memory."""

from __future__ import annotations

import itertools
import math
import time
import tracemalloc

import numpy as np
import pytest

from bias_audit.metrics.divergence import (
    canonical,
    decompose,
    generalised_jsd,
    jsd,
    jsd_permutation,
    others_permutation,
)

A, B = range(4), range(4, 8)


def rng(seed=6):
    return np.random.default_rng(seed)


def simulate(generator, rows=5, terms=8, words=40, group=0.0, word=0.5, first=4):
    """Completion distributions (J, T, V): logits differ by template, word and group."""
    logits = generator.normal(0, 1, (rows, 1, words)) + generator.normal(0, word, (1, terms, words))
    logits = logits + generator.normal(0, 0.3, (rows, terms, words))
    logits[:, :first] += group * generator.normal(0, 1, words)
    p = np.exp(logits)
    return p / p.sum(axis=2, keepdims=True)


def brute_force(p, groups, blocks=None):
    """Every relabelling, one after the other, in double precision; the observed value first."""
    labels = np.concatenate([np.full(len(g), i) for i, g in enumerate(groups)])
    used = np.concatenate([np.asarray(g) for g in groups])
    blocks = np.zeros(len(labels)) if blocks is None else np.asarray(blocks)[used]
    every = {
        mixed
        for mixed in itertools.permutations(labels.tolist())
        if all(
            sorted(np.array(mixed)[blocks == b]) == sorted(labels[blocks == b]) for b in set(blocks)
        )
    }
    values = {}
    for mixed in every:
        sets = [used[np.array(mixed) == g] for g in range(len(groups))]
        values[mixed] = np.mean([generalised_jsd([t[s].mean(0) for s in sets]) for t in p])
    return values.pop(tuple(labels.tolist())), list(values.values())


@pytest.mark.parametrize(
    ("groups", "blocks"),
    [
        ([range(3), range(3, 6)], None),
        ([range(2), range(2, 6)], None),
        ([range(2), range(2, 4), range(4, 6)], None),
        ([range(1), range(1, 3), range(3, 6)], None),
        ([range(3), range(3, 6)], [0, 1, 2, 0, 1, 2, 3]),
        ([[0, 2, 5], [6, 1, 3]], [0, 0, 1, 0, 9, 1, 1]),
    ],
)
def test_exact_against_brute_force(groups, blocks):
    p = simulate(rng(), terms=7, group=0.3, first=3)
    found = jsd_permutation(p, groups, rng(), blocks=blocks)
    observed, others = brute_force(p, groups, blocks)
    every = np.array([observed, *others])
    assert found.exact
    assert found.draws == every.size
    assert found.value == pytest.approx(observed, abs=1e-12)
    assert found.p == pytest.approx(np.mean(every >= observed - 1e-6), abs=1e-12)
    assert found.null_mean == pytest.approx(every.mean(), abs=3e-7)
    assert found.null_p95 == pytest.approx(np.quantile(every, 0.95), abs=3e-7)
    assert found.excess == pytest.approx(observed - every.mean(), abs=3e-7)


def test_r2_and_templates():
    p = simulate(rng(), group=0.5)
    found = jsd_permutation(p, [A, B], rng())
    parts = [decompose(t, [A, B]) for t in p]
    assert found.by_template == pytest.approx([d.between for d in parts])
    assert found.r2 == pytest.approx(sum(d.between for d in parts) / sum(d.total for d in parts))
    assert found.value == pytest.approx(np.mean(found.by_template))
    assert found.method == "exact, 70 relabellings of terms"


def test_a_group_difference_is_found_and_words_alone_are_not():
    assert jsd_permutation(simulate(rng(), group=1.0), [A, B], rng()).p == 2 / 70
    alone = jsd_permutation(simulate(rng()), [A, B], rng())
    assert alone.value > 0.02
    assert alone.p > 0.1


def test_i20_drawn_and_exact_agree():
    p = simulate(rng(), terms=9, group=0.3)
    groups = [range(4), range(4, 9)]
    exact = jsd_permutation(p, groups, rng(), 999)
    drawn = jsd_permutation(p, groups, rng(), 120)
    assert (exact.exact, exact.draws) == (True, 126)
    assert (drawn.exact, drawn.draws) == (False, 120)
    assert drawn.method == "Monte Carlo, 120 relabellings of terms"
    assert drawn.p * 121 == pytest.approx(round(drawn.p * 121))
    assert abs(drawn.p - exact.p) < 4 * math.sqrt(exact.p / 120) + 1 / 121
    assert drawn.null_mean == pytest.approx(exact.null_mean, rel=0.1)


def test_i1_identical_terms_and_identical_groups():
    flat = np.tile(simulate(rng(), terms=1), (1, 8, 1))
    same = jsd_permutation(flat, [A, B], rng())
    assert (same.value, same.p, same.r2) == (pytest.approx(0, abs=1e-12), 1, 0)
    twice = np.concatenate([simulate(rng(), terms=4)] * 2, axis=1)
    found = jsd_permutation(twice, [A, B], rng())
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.p == 1


def test_i21_same_seed_same_record():
    p = simulate(rng(), terms=16, first=8)
    groups = [range(8), range(8, 16)]
    one, again, other = (jsd_permutation(p, groups, rng(s), 99) for s in (1, 1, 2))
    assert one == again
    assert one != other
    assert (one.value, one.r2) == (other.value, other.r2)


def test_single_precision_and_zeros_are_enough():
    p = simulate(rng(), words=400, group=0.4)
    p[:, :, :30] = 0
    p /= p.sum(axis=2, keepdims=True)
    p[:, 2, 50] = 0
    p /= p.sum(axis=2, keepdims=True)
    double = jsd_permutation(p, [A, B], rng())
    single = jsd_permutation(p.astype(np.float32), [A, B], rng())
    assert single.p == double.p
    assert single.value == pytest.approx(double.value, abs=1e-7)
    assert single.null_mean == pytest.approx(double.null_mean, abs=1e-7)


def test_templates_may_have_vocabularies_of_their_own():
    p = simulate(rng(), rows=2)
    short = p[1, :, :30] / p[1, :, :30].sum(axis=1, keepdims=True)
    found = jsd_permutation([p[0], short], [A, B], rng())
    assert len(found.by_template) == 2


def test_canonical_names_keep_the_partition():
    table = np.array([[1, 0, 2, 2], [0, 1, 2, 2], [2, 2, 0, 1], [2, 2, 1, 0]], dtype=np.int8)
    assert canonical(table).tolist() == [[0, 1, 2, 2], [0, 1, 2, 2], [2, 2, 0, 1], [2, 2, 0, 1]]


def test_unusable_input_is_refused():
    p = simulate(rng())
    with pytest.raises(ValueError, match="at least one template"):
        jsd_permutation([], [A, B], rng())
    with pytest.raises(ValueError, match="two groups"):
        jsd_permutation(p, [A], rng())
    with pytest.raises(ValueError, match="sum to 1"):
        jsd_permutation(p * 2, [A, B], rng())
    with pytest.raises(ValueError, match="blocks"):
        jsd_permutation(p, [A, B], rng(), blocks=[0])
    with pytest.raises(ValueError, match="share terms"):
        jsd_permutation(p, [A, range(3, 8)], rng())


@pytest.mark.slow
def test_i22_level_without_a_group_difference():
    generator, runs, hits = rng(), 1000, 0
    for _ in range(runs):
        p = simulate(generator, rows=6, terms=10, words=40, first=5)
        hits += jsd_permutation(p, [range(5), range(5, 10)], generator, 126).p <= 0.05
    assert hits / runs <= 0.06


@pytest.mark.slow
def test_full_size_takes_seconds_and_little_memory():
    generator = rng()
    p = np.empty((14, 16, 30_000), dtype=np.float32)
    for template in p:
        template[:] = simulate(generator, rows=1, terms=16, words=30_000, first=8)[0]
    tracemalloc.start()
    start = time.process_time()
    found = jsd_permutation(p, [range(8), range(8, 16)], generator, 999)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.draws == 999
    assert seconds < 15  # of processor time; two on an idle core
    assert peak < 200e6


def test_each_group_and_the_others_by_brute_force():
    p, groups = (
        simulate(rng(12), rows=2, terms=6, words=9, first=2, group=0.6),
        [[0, 1], [2, 3], [4, 5]],
    )

    def of(order, which):
        means = p[:, order].reshape(2, 3, 2, -1).mean(axis=2)
        rest = [k for k in range(3) if k != which]
        return np.mean([jsd(m[which], m[rest].mean(axis=0)) for m in means])

    found = others_permutation(p, groups, rng(), resamples=999)
    every = list(itertools.permutations(range(6)))
    for which, one in enumerate(found):
        null = np.array([of(list(order), which) for order in every])
        assert one.value == pytest.approx(null[0], abs=1e-6)
        assert one.null_mean == pytest.approx(null.mean(), abs=1e-6)
        assert one.p == pytest.approx(np.mean(null >= null[0] - 1e-6))
        assert one.method.startswith("exact, 90 ")


def test_blocks_hold_where_each_group_meets_the_others():
    p = simulate(rng(13), rows=2, terms=6, words=9)
    found = others_permutation(p, [[0, 1], [2, 3], [4, 5]], rng(), blocks=[0, 1, 0, 1, 0, 1])
    assert all(one.method.startswith("exact, 36 ") for one in found)
