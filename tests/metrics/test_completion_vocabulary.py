"""Answers that name their own words, over one list."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit.metrics.both_articles import merge_articles
from bias_audit.metrics.completion_vocabulary import join_vocabularies
from bias_audit.probes.expand import expand
from bias_audit.records import CompletionScore
from tests.analysis.world import make

GROUPS = {"a": [{"sg": "woman"}], "b": [{"sg": "man"}]}


def answer(shares, mass=1.0):
    return CompletionScore(
        top=tuple((word, p * mass) for word, p in shares.items()),
        words=np.array([*shares.values()], np.float32),
        vocabulary=tuple(shares),
        word_mass=mass,
        others=1 - sum(shares.values()),
    )


def test_a_word_that_a_sentence_does_not_tell_apart_has_nothing_there():
    first, second = answer({"nurse": 0.5, "cook": 0.2}), answer({"baker": 0.1, "nurse": 0.3})
    lost = CompletionScore(skip="too_long")
    words, (one, other, none) = join_vocabularies([first, second, lost], ())
    assert words == ("baker", "cook", "nurse")
    assert one.words.tolist() == pytest.approx([0, 0.2, 0.5])
    assert other.words.tolist() == pytest.approx([0.1, 0, 0.3])
    assert (one.others, other.others) == pytest.approx((0.3, 0.6))
    assert none is lost


def test_answers_over_the_words_of_the_model_stay_as_they_are():
    plain = [CompletionScore(words=np.array([0.25, 0.75], np.float32), word_mass=1.0)]
    words, answers = join_vocabularies(plain, ["a", "b"])
    assert words == ("a", "b")
    assert answers[0] is plain[0]


def test_what_is_not_told_apart_stays_in_both_articles_together():
    probe = make(groups=GROUPS, opens=["The [group] saw a <mask>."])
    prompts = [prompt for prompt in expand(probe).prompts if prompt.filler is None]
    with_a, with_an = answer({"nurse": 0.5, "owl": 0.1}, 0.8), answer({"owl": 0.6}, 0.5)
    words, given = join_vocabularies([with_a, with_an] * 2, ())
    _, merged = merge_articles(prompts, given, words)
    parts = np.array([0.5 * 0.8, 0.6 * 0.5])
    rest = 0.4 * 0.8 + 0.4 * 0.5
    for one in merged:
        assert one.words == pytest.approx(parts / (parts.sum() + rest), rel=1e-6)
        assert one.others == pytest.approx(rest / (parts.sum() + rest))


def test_prompts_of_a_sentence_name_its_texts_where_a_model_reads_from_left_to_right():
    opens = ["The [group] saw a <mask>.", "Every [group] was <mask>."]
    probe = make(groups=GROUPS, opens=opens)
    asked = [p for p in expand(probe, "continuation").prompts if p.filler is None]
    siblings = {p.left: p.siblings for p in asked}
    assert siblings["The woman saw a "] == ("The man saw a ", "The woman saw a ")
    assert siblings["The man saw an "] == ("The man saw an ", "The woman saw an ")
    assert siblings["Every man was "] == ("Every man was ", "Every woman was ")
    assert asked[0].request.siblings == asked[0].siblings
    assert {p.siblings for p in expand(probe).prompts} == {()}
