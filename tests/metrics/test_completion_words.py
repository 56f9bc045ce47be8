"""The words behind a difference: what counts, how much oftener, how surely, and how much moves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bias_audit.metrics import completion_words
from bias_audit.metrics.completion_words import (
    content_words,
    fold,
    lift,
    shifted_share,
    telling_words,
)
from bias_audit.stats.layout import Layout
from tests.analysis.world import Model, make, scored_by

VOCABULARY = ("the", "her", "Sikh", "Sikhs", "killed", "bread", "Brother", "gold")


def drawn(seed, templates=6, units=8, words=12, effect=0.0):
    """Distributions; the first half of the units has the first two words more often."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, words) + rng.normal(0, 0.5, (templates, 1, words))
    logits = logits + rng.normal(0, 0.5, (units, words))
    logits = logits + rng.normal(0, 0.3, (templates, units, words))
    logits[:, : units // 2, :2] += effect
    p = np.exp(logits)
    return p / p.sum(axis=-1, keepdims=True)


def layout(units=8, *, paired=False, groups=2):
    size = units // groups
    cols = [list(range(k * size, (k + 1) * size)) for k in range(groups)]
    pairs = list(zip(cols[0], cols[1], strict=True)) if paired else []
    return Layout(groups=cols, which=0, rest=groups > 2, pairs=pairs, scope="concept")


def table(p):
    return fold(p, [f"w{i}" for i in range(p.shape[-1])], np.ones(p.shape[-1], dtype=bool))


def test_function_words_and_echoes_of_any_group_are_no_words():
    groups = {"sikh": [{"sg": "Sikh brother"}], "other": [{"sg": "neighbour"}]}
    probe = make(groups=groups, opens=["The [group] was <mask>."])
    scored = scored_by(probe, Model(words=VOCABULARY))
    kept = [
        word for word, counts in zip(scored.words, content_words(scored), strict=True) if counts
    ]
    assert kept == ["killed", "bread", "gold"]


def test_what_is_left_out_takes_no_share_whatever_the_labels():
    p = drawn(1)
    counted = np.arange(12) % 3 > 0
    words = [f"w{i}" for i in range(12)]
    folded = fold(p, words, counted)
    assert folded.words == tuple(f"w{i}" for i in range(12) if i % 3)
    assert folded.raw == pytest.approx(p[..., counted])
    assert folded.p[..., :-1] == pytest.approx(folded.raw / folded.raw.sum(-1, keepdims=True))
    assert folded.p[..., -1] == pytest.approx(0.0)
    assert fold(p[:, ::-1], words, counted).p == pytest.approx(folded.p[:, ::-1])


def test_rare_words_count_as_one(monkeypatch):
    monkeypatch.setattr(completion_words, "MOST_WORDS", 5)
    p = drawn(9)
    folded = fold(p, [f"w{i}" for i in range(12)], np.ones(12, dtype=bool))
    most = np.sort(np.argsort(-p.mean(axis=(0, 1)))[:5])
    assert folded.words == tuple(f"w{i}" for i in most)
    assert folded.p[..., -1] == pytest.approx(1 - p[..., most].sum(axis=-1))


def test_cells_without_any_word_are_alike():
    p = np.tile([1.0, 0.0], (2, 4, 1))
    assert fold(p, ["the", "gold"], np.array([False, True])).p[..., -1] == pytest.approx(1.0)


def test_a_ratio_by_hand_and_its_interval_by_bootstrap():
    p = drawn(2, templates=10, units=16, effect=0.8)[..., 0]
    low, high, ratio = lift(p, layout(16), 0.95)
    assert ratio == pytest.approx(p[:, :8].mean() / p[:, 8:].mean())
    rng = np.random.default_rng(3)
    rows = rng.integers(10, size=(4000, 10))
    a, b = rng.integers(8, size=(4000, 8)), 8 + rng.integers(8, size=(4000, 8))
    draws = zip(rows, a, b, strict=True)
    ratios = [p[np.ix_(j, x)].mean() / p[np.ix_(j, y)].mean() for j, x, y in draws]
    logs = np.log(ratios)
    ends = np.quantile(logs, [0.025, 0.975])
    assert (np.log(low), np.log(high)) == pytest.approx(tuple(ends), abs=0.2 * (ends[1] - ends[0]))


@pytest.mark.parametrize("paired", [True, False])
def test_the_share_that_moves_by_brute_force(paired):
    p, cut = drawn(4, effect=0.5), 4
    means, differences = p.mean(axis=0), []
    for i, j in (
        zip(range(cut), range(cut, 8), strict=True)
        if paired
        else product(range(cut), range(cut, 8))
    ):
        a = np.mean([means[k] for k in range(cut) if k != i], axis=0)
        b = np.mean([means[k] for k in range(cut, 8) if k != j], axis=0)
        own = a > b
        differences.append((means[i] - means[j])[own].sum())
    found = shifted_share(table(p), layout(paired=paired))
    assert found.estimate == pytest.approx(100 * np.mean(differences), rel=1e-9)
    assert found.se > 0


def test_labels_that_mean_nothing_move_nothing_on_average():
    p, shares = drawn(5, effect=1.0), []
    for flips in product([False, True], repeat=4):
        order = [i + 4 if f else i for i, f in enumerate(flips)]
        order += [i if f else i + 4 for i, f in enumerate(flips)]
        shares.append(shifted_share(table(p[:, order]), layout(paired=True)).estimate)
    assert np.mean(shares) == pytest.approx(0.0, abs=1e-9)


def test_one_word_of_a_group_has_no_size():
    p = drawn(6, units=2)
    assert shifted_share(table(p), layout(2)) is None


def test_surely_likelier_words_are_named_and_flagged():
    p = drawn(7, templates=12, units=16, effect=1.5)
    words = telling_words(table(p), layout(16), 0.95, frozenset({"w1"}))
    assert {word.token for word in words} == {"w0", "w1"}
    assert {word.token: word.harmful for word in words} == {"w0": False, "w1": True}
    for word in words:
        column = int(word.token[1:])
        assert word.value == pytest.approx(p[:, :8, column].mean(), rel=1e-5)
        assert word.others == pytest.approx(p[:, 8:, column].mean(), rel=1e-5)
        assert 1 < word.ci_low < word.ratio < word.ci_high


def test_nothing_is_named_where_nothing_differs():
    p = np.repeat(drawn(8, units=1), 8, axis=1)
    assert telling_words(table(p), layout(), 0.95, frozenset()) == ()
    assert shifted_share(table(p), layout()).estimate == 0.0
