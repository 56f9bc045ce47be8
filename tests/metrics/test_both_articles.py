"""Completions after "a" and after "an" as one distribution."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit.metrics.both_articles import merge_articles
from bias_audit.probes.expand import article_before, expand
from bias_audit.records import CompletionScore
from tests.analysis.world import make

WORDS = ("nurse", "engineer", "hour", "hat")
GROUPS = {"a": [{"sg": "woman"}], "b": [{"sg": "man"}]}


def answer(shares, mass=1.0):
    top = tuple(zip(WORDS, (s * mass for s in shares), strict=True))
    return CompletionScore(top=top, words=np.array(shares, np.float32), word_mass=mass)


def asked(sentence):
    probe = make(groups=GROUPS, opens=[sentence])
    return [prompt for prompt in expand(probe).prompts if prompt.filler is None]


def test_a_word_counts_after_the_article_that_it_takes():
    prompts = asked("The [group] saw a <mask>.")
    assert [article_before(p.left) for p in prompts] == ["a", "an", "a", "an"]
    with_a, with_an = answer([0.4, 0.3, 0.2, 0.1], 0.8), answer([0.1, 0.6, 0.2, 0.1], 0.5)
    merged, answers = merge_articles(prompts, [with_a, with_an] * 2, WORDS)
    assert [p.group for p in merged] == ["a", "b"]
    parts = np.array([0.4 * 0.8, 0.6 * 0.5, 0.2 * 0.5, 0.1 * 0.8])
    for one in answers:
        assert one.words == pytest.approx(parts / parts.sum(), rel=1e-6)
        assert one.word_mass == pytest.approx(0.65)
        assert one.top[0] == ("nurse", pytest.approx(0.16))
        assert {word for word, _ in one.top} == set(WORDS)


def test_an_author_may_write_either_article_and_capitals_stay():
    texts = [p.text for p in asked("An <mask> met the [group].")]
    assert texts[:2] == ["An <mask> met the woman.", "A <mask> met the woman."]


@pytest.mark.parametrize("sentence", ["The [group] saw the <mask>.", "The [group] ran <mask>."])
def test_other_sentences_stay_as_they_are(sentence):
    prompts = asked(sentence)
    given = [answer([0.4, 0.3, 0.2, 0.1])] * len(prompts)
    merged, answers = merge_articles(prompts, given, WORDS)
    assert merged == prompts
    assert all(one is two for one, two in zip(answers, given, strict=True))


def test_a_sentence_that_is_lost_with_one_article_is_lost():
    prompts = asked("The [group] saw a <mask>.")
    lost = CompletionScore(skip="too_long", detail="it has 600 tokens")
    _, answers = merge_articles(prompts, [answer([1, 0, 0, 0]), lost] * 2, WORDS)
    assert [one.skip for one in answers] == ["too_long", "too_long"]
    _, answers = merge_articles(prompts, [answer([0, 1, 0, 0]), answer([1, 0, 0, 0])] * 2, WORDS)
    assert [one.skip for one in answers] == ["low_word_mass", "low_word_mass"]
