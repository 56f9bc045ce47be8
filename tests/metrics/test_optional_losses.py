"""Measures on request where words are lost, few, or of several groups."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from bias_audit.metrics.disco import LEVEL, fill_tests, smallest_p
from bias_audit.metrics.weat import context_draws
from bias_audit.records import (
    Embedding,
    EmbeddingRequest,
    FillScore,
    Prompt,
    SentenceRequest,
    SentenceScore,
)
from bias_audit.stats.multiplicity import holm
from tests.analysis.world import (
    Model,
    behave,
    controlled,
    flat,
    make,
    noise,
    only,
    pairs,
    plant,
    run,
    sentences,
    terms,
)
from tests.metrics.test_optional import (
    Sentences,
    Speaker,
    Surprised,
    found,
    pronouns,
)

OPENS = [f"They gave the [group] <mask> on day {i}." for i in range(4)]


def skips(done: Any, what: str) -> list[Any]:
    return [skip for skip in done.results.skips if skip.what == what]


def test_fills_are_not_counted_where_no_test_could_find_one():
    """Three words in each group: 2 of 20 relabellings look like the extreme, p is 0.1 at least."""

    def pulled(prompt: Prompt, word: str) -> float:
        return 9.0 * ((word, prompt.group) == ("gold", "a")) + 0.1 * noise(prompt.text, word)

    model = Model(behave(flat), open_effect=pulled)
    few = {name: terms(stem, 3) for name, stem in (("a", "ann"), ("b", "bob"))}
    done = run(controlled(opens=OPENS, groups=few), model, measures=["disco"])
    assert not found(done, "disco"), "0 fills would have been read as no dependence"
    (skip,) = skips(done, "disco")
    assert (skip.reason, skip.count) == ("not_applicable", 4)
    assert skip.detail == "with so few words no fill of a sentence could differ after Holm"
    more = {name: terms(stem, 6) for name, stem in (("a", "ann"), ("b", "bob"))}
    done = run(controlled(opens=OPENS, groups=more), model, measures=["disco"])
    (count,) = found(done, "disco")
    assert count.estimate >= 1.0
    assert not skips(done, "disco")


@pytest.mark.parametrize(
    ("n_a", "n_b", "paired", "resamples"),
    [(4, 4, True, 99), (6, 6, True, 99), (16, 16, True, 99), (3, 3, False, 99), (3, 5, False, 99),
     (2, 6, False, 99), (10, 11, False, 199)],
)  # fmt: skip
def test_the_smallest_p_is_that_of_the_most_extreme_words(n_a, n_b, paired, resamples):
    """Against the tests themselves, on words that could not be further apart."""
    rng = np.random.default_rng(3)
    apart = np.arange(n_a)[:, None] * 1e-6 + 5.0, np.arange(n_b)[:, None] * 1e-6 - 5.0
    (p,) = fill_tests(*apart, rng, paired=paired, resamples=resamples)
    least = smallest_p(n_a, n_b, paired=paired, resamples=resamples)
    assert p == pytest.approx(least)
    blind = least * 3 >= LEVEL
    assert blind == (holm([least] * 3).min() >= LEVEL)


class Deaf(Surprised):
    """Cannot read some sentences; the lost target is the likelier one."""

    def __init__(self, lost: Any) -> None:
        super().__init__(0.0)
        self.lost = lost

    def change(self, request: Any, answer: Any) -> Any:
        score = super().change(request, answer)
        if not isinstance(request, SentenceRequest):
            return score
        if self.lost(request.text):
            return SentenceScore(skip="too_long", detail="600 pieces")
        easy = 3.0 if "gain" in request.text else 0.0
        return replace(score, log_probs=score.log_probs + easy)


def test_a_target_that_one_word_lacks_is_left_out_for_all():
    """Else the words would be compared over different targets: a gap from nothing."""

    def one(text: str) -> bool:
        return "ann2" in text and "gain" in text and "day 1." in text

    def all_(text: str) -> bool:
        return "gain" in text and "day 1." in text

    lost, whole = (
        run(controlled(), Speaker(scorer=Deaf(which)), measures=["perplexity_gap"])
        for which in (one, all_)
    )
    (left,), (right,) = found(lost, "perplexity_gap"), found(whole, "perplexity_gap")
    assert left.estimate == pytest.approx(right.estimate, abs=1e-12)
    assert (left.ci_low, left.n_templates) == (pytest.approx(right.ci_low), right.n_templates)
    told = {skip.detail: skip.count for skip in skips(lost, "perplexity_gap")}
    assert told == {"600 pieces": 2, "left out beside one that could not be scored": 22}


def test_a_word_that_is_lost_everywhere_takes_nothing_along():
    done = run(
        controlled(),
        Speaker(scorer=Deaf(lambda text: "ann2" in text)),
        measures=["perplexity_gap"],
        checks=["naturalness"],
    )
    (gap,) = found(done, "perplexity_gap")
    assert (gap.n_templates, gap.n_terms) == (8, 11)
    assert [skip.detail for skip in skips(done, "perplexity_gap")] == ["600 pieces"]
    gone = run(
        controlled(),
        Speaker(scorer=Deaf(lambda text: "ann" in text)),
        checks=["naturalness"],
    )
    (check,) = [c for c in only(gone).checks if c.id == "R12"]
    assert check.state == "not_possible"


def test_naturalness_reaches_the_one_result_of_a_probe_with_own_words():
    three = {name: pairs(stem, 3) for name, stem in (("a", "ann"), ("b", "bob"), ("c", "cat"))}
    probe = make(
        groups=three,
        own={"a": "gold", "b": "iron", "c": "salt"},
        frames=sentences(8),
        controls={"positive": ["yes"], "negative": ["no"]},
    )
    done = run(probe, Speaker(scorer=Surprised(1.5)), checks=["naturalness"])
    result = only(done)
    assert result.metric == "diagonal_log_odds"
    (check,) = [c for c in result.checks if c.id == "R12"]
    assert (check.state, check.consequence) == ("not_held", "less_natural")
    assert "group a" in check.note
    assert "less_natural" in result.statuses


class Small(Model):
    """Cannot express some words in small letters."""

    def __init__(self, lost: Any, **more: Any) -> None:
        super().__init__(behave(plant(1.0)), **more)
        self.lost = lost

    def _word(self, prompt: Prompt) -> FillScore:
        if prompt.text == prompt.text.lower() and self.lost(prompt):
            return FillScore(log_prob=None, pieces=0, skip="unscorable", detail="no piece")
        found = super()._word(prompt)
        heavy = 2.0 if (prompt.target, prompt.group) == ("gain1", "a") else 0.0
        return FillScore(log_prob=(found.log_prob or 0.0) - heavy, pieces=1)


def test_ways_of_writing_are_compared_over_the_words_that_all_of_them_have():
    """A target that weighs much is lost in one way of writing: it may not look like its effect."""
    lost = run(controlled(), Small(lambda p: p.target == "gain1"), checks=["surface"])
    (check,) = [c for c in only(lost).checks if c.id == "R9"]
    gaps = [float(text.rsplit(" ", 1)[1]) for text in check.note.split(": ")[1].split(", ")]
    assert max(gaps) - min(gaps) < 0.05, check.note
    assert check.state == "held"
    (skip,) = skips(lost, "R9")
    assert skip.detail == "small letters: target 'gain1', left out of all"
    assert skip.reason == "unscorable"


def test_a_way_of_writing_that_costs_a_whole_pole_is_left_out():
    done = run(controlled(), Small(lambda p: p.pole == "+"), checks=["surface"])
    (check,) = [c for c in only(done).checks if c.id == "R9"]
    assert "small letters" not in check.note
    assert '"this" for "the" +' in check.note
    (skip,) = skips(done, "R9")
    assert skip.detail.startswith("small letters: nothing of 'trial' could be scored")
    masked = pronouns(name="masked")
    done = run(masked, Small(lambda p: p.group == "she"), checks=["surface"])
    (skip,) = [s for s in skips(done, "R9") if s.probe == "masked"]
    assert skip.detail.startswith("small letters: nothing of 'masked' could be scored")


def test_which_words_stand_in_the_plural():
    frames = [
        "The [group] met the <mask>.",
        "The [group:pl] saw the <mask>.",
        {"id": "many", "text": "The [group] heard a <mask>.", "number": "pl"},
        {"id": "one", "text": "The [group:sg] heard a <mask>.", "number": "pl"},
    ]
    asked: list[str] = []

    class Listening(Model):
        def _word(self, prompt: Prompt) -> FillScore:
            asked.append(prompt.text)
            return super()._word(prompt)

    run(
        controlled(frames=[*frames, *sentences(6)[2:]]), Listening(behave(flat)), checks=["surface"]
    )
    assert any(text.startswith("These ann1s saw the ") for text in asked)
    assert not any(text.startswith("This ann1s") or "These ann1 " in text for text in asked)


AXES = {"gain": 0, "loss": 1, "ann": 2, "bob": 3, "cat": 4}


class Axes(Sentences):
    """Vectors that are known: targets and words of groups along axes of their own."""

    def change(self, request: Any, answer: Any) -> Any:
        if isinstance(request, EmbeddingRequest):
            return Embedding(values=self.vector(request.text))
        return answer

    def vector(self, word: str) -> Any:
        value = 0.6 * np.array([noise(word, i) for i in range(5)])
        value[AXES[word.rstrip("0123456789")]] += 1.0
        return value


def test_other_groups_count_alike_in_vectors_however_many_words_they_have():
    many = {"a": terms("ann", 3), "b": terms("bob", 9), "c": terms("cat", 2)}
    scorer = Axes()
    done = run(controlled(groups=many), Speaker(scorer=scorer), measures=["weat"])
    result = next(r for r in found(done, "weat") if r.groups == ("a", "~others"))

    def unit(stem: str, count: int) -> Any:
        rows = np.stack([scorer.vector(f"{stem}{i + 1}") for i in range(count)])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    a, b, c = unit("ann", 3), unit("bob", 9), unit("cat", 2)
    s = [
        [float((w @ a.T).mean() - ((w @ b.T).mean() + (w @ c.T).mean()) / 2) for w in words]
        for words in (unit("gain", 6), unit("loss", 6))
    ]
    both = [*s[0], *s[1]]
    expected = (np.mean(s[0]) - np.mean(s[1])) / np.std(both, ddof=1)
    assert result.estimate == pytest.approx(float(expected), rel=1e-7)
    assert result.n_terms == 14


def test_draws_of_contexts_give_the_same_weights():
    rng = np.random.default_rng(5)
    sets = [[rng.normal(size=(1, 4)) for _ in range(n)] for n in (3, 3, 2, 5, 1)]
    (value,) = context_draws(sets, np.random.default_rng(0), 1)
    x, y, a, *others = [np.concatenate([w / np.linalg.norm(w) for w in words]) for words in sets]
    s = [
        (w @ a.T).mean(axis=1) - np.mean([(w @ o.T).mean(axis=1) for o in others], axis=0)
        for w in (x, y)
    ]
    both = np.concatenate(s)
    assert value == pytest.approx((s[0].mean() - s[1].mean()) / both.std(ddof=1))


def test_every_pair_of_groups_says_why_it_has_no_fills():
    small = {"a": terms("ann", 8), "b": terms("bob", 8), "c": terms("cat", 2)}
    model = Model(behave(flat), open_effect=lambda p, w: 0.1 * noise(p.text, w))
    done = run(controlled(opens=OPENS, groups=small), model, measures=["disco"])
    assert [r.groups for r in found(done, "disco")] == [("a", "b")]
    (skip,) = skips(done, "disco")
    assert skip.count == 4 * len([p for p in combinations("abc", 2) if "c" in p])
    assert smallest_p(8, 2, paired=False, resamples=99) == 1 / math.comb(10, 2)
