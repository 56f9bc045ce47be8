"""Rows, batches and reductions: the answer may not depend on how the work was cut up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import ask, fill, totals

from bias_audit.backends import score_all
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.backends.mlm import forward
from bias_audit.backends.mlm.fast import HeadOnly
from bias_audit.errors import ScoringError
from bias_audit.records import SentenceRequest

SUBJECTS = [
    "The man",
    "The woman",
    "A teacher",
    "The person of the kind man",
    "They",
    "A nurse said that he",
]
WORDS = ["nurse", "zebra", "doctor", "plumber", "teacher", None]
PROMPTS = [
    ask(f"{subject} {verb} ", word, end)
    for subject in SUBJECTS
    for verb in ("was a", "worked as a")
    for word in WORDS
    for end in (".", " and a doctor.")
]


def numbers(scores):
    """Everything in the scores as one array."""
    flat = []
    for score in scores:
        if hasattr(score, "log_prob"):
            flat += [score.log_prob, score.pieces, score.rank or 0]
        else:
            flat += [p for _, p in score.top] + [score.word_mass, *score.words.tolist()]
    return np.array(flat)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "deberta-v2", "modernbert", "albert"])
def test_batch_size_does_not_matter(architecture, tiny):
    one, many = (
        numbers(fill(MaskedLM(str(tiny(architecture)), device="cpu", batch_size=n), PROMPTS))
        for n in (1, 64)
    )
    np.testing.assert_allclose(one, many, atol=1e-5)


def test_order_does_not_matter(reference):
    order = list(range(len(PROMPTS)))
    np.random.default_rng(3).shuffle(order)
    shuffled = numbers(fill(reference, [PROMPTS[n] for n in order]))
    plain = fill(reference, PROMPTS)
    assert (shuffled == numbers([plain[n] for n in order])).all()


def test_neighbours_do_not_matter(reference):
    together = fill(reference, PROMPTS)
    for n in range(0, len(PROMPTS), 7):
        (alone,) = fill(reference, [PROMPTS[n]])
        np.testing.assert_allclose(numbers([alone]), numbers([together[n]]), atol=1e-5)


@pytest.fixture
def passes(monkeypatch):
    """Rows of every pass."""
    rows, plain = [], HeadOnly.logits_at

    def logits_at(self, ids, *rest, **options):
        rows.append(len(ids))
        return plain(self, ids, *rest, **options)

    monkeypatch.setattr(HeadOnly, "logits_at", logits_at)
    return rows


def test_equal_questions_are_asked_once_and_answered_each_time(reference, passes):
    twice = fill(reference, PROMPTS * 2)
    asked, passes[:] = sum(passes), []
    once = fill(reference, PROMPTS)
    assert (numbers(twice) == numbers(once * 2)).all()
    assert asked == sum(passes)


def test_words_of_one_length_share_their_first_row(scorer, passes):
    backend = scorer("bert")
    passes.clear()
    fill(backend, [ask("The man was a ", w) for w in ("nurse", "doctor", "teacher", None)])
    assert passes == [1]


def test_what_is_skipped_changes_no_bit_of_the_rest(tiny):
    backend = MaskedLM(str(tiny("bert")), device="cpu", batch_size=8)
    requests = [prompt.request for prompt in PROMPTS]
    requests += [SentenceRequest(text=prompt.text) for prompt in PROMPTS[::5]]
    whole = score_all(backend, requests)
    rng = np.random.default_rng(5)
    for share in (0.1, 0.5, 0.95, 1.0):
        skip = {n for n in range(len(requests)) if rng.random() < share}
        answers = dict(backend.score(requests, skip=skip))
        assert set(answers) == set(range(len(requests))) - skip
        assert all(repr(answer) == repr(whole[n]) for n, answer in answers.items())


def test_progress_counts_requests_up_to_all(tiny):
    seen = []
    backend = MaskedLM(str(tiny("bert")), device="cpu", batch_size=3)
    fill(backend, PROMPTS, progress=lambda *at: seen.append(at))
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert len(done) > 2
    assert seen[-1] == (len(PROMPTS), len(PROMPTS))


def test_nothing_asked_nothing_done(reference):
    assert fill(reference, []) == []
    assert totals(reference, []) == []


def test_interrupt_passes_through_and_the_model_still_works(reference):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(reference, PROMPTS, progress=stop)
    assert fill(reference, PROMPTS[:1])[0].log_prob is not None


def out_of_memory_above(monkeypatch, limit):
    sizes = []
    plain = HeadOnly.logits_at

    def logits_at(self, ids, mask, positions, **options):
        sizes.append(len(ids))
        if len(ids) > limit:
            raise torch.OutOfMemoryError("no memory left")
        return plain(self, ids, mask, positions, **options)

    monkeypatch.setattr(HeadOnly, "logits_at", logits_at)
    return sizes


def always(monkeypatch, value, size):
    """Every logit is this one."""
    monkeypatch.setattr(
        HeadOnly,
        "logits_at",
        lambda self, ids, mask, places, **_: (torch.full((len(places[0]), size), value), None),
    )


def test_out_of_memory_halves_the_batch_and_goes_on(tiny, monkeypatch):
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    expected = numbers(fill(backend, PROMPTS))
    sizes = out_of_memory_above(monkeypatch, 3)
    seen = []
    got = numbers(fill(backend, PROMPTS, progress=lambda *at: seen.append(at)))
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert seen[-1][0] == seen[-1][1]
    learned = sizes.index(min(sizes))
    assert max(sizes[learned:]) <= 3, "a size that failed is not tried again"


def test_one_sentence_too_large_for_memory_is_an_error(tiny, monkeypatch):
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    out_of_memory_above(monkeypatch, 0)
    with pytest.raises(
        ScoringError, match="one sentence alone does not fit into the memory of 'cpu'"
    ):
        fill(backend, PROMPTS[:1])


def test_other_runtime_errors_are_told_with_the_length(tiny, monkeypatch):
    backend = MaskedLM(str(tiny("bert")), device="cpu")

    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(HeadOnly, "logits_at", broken)
    with pytest.raises(ScoringError, match=r"BertForMaskedLM cannot read \d+ pieces: a bug"):
        fill(backend, PROMPTS[:1])


def test_logits_that_are_not_finite_are_an_error(tiny, monkeypatch):
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    size = backend.info.vocabulary_size
    always(monkeypatch, math.nan, size)
    with pytest.raises(ScoringError, match=r"not finite in torch\.float32\n  use --dtype float32"):
        fill(backend, PROMPTS[:1])


def test_uniform_model_gives_uniform_scores_and_ties_by_id(tiny, monkeypatch):
    """Invariant I-15: all logits equal."""
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    size = backend.info.vocabulary_size
    always(monkeypatch, 0.0, size)
    vocabulary = backend._planner._encoder._tokenizer.get_vocab()
    one, two, opened = fill(
        backend, [ask("a ", "nurse"), ask("the ", "zebra"), ask("the ", None)], top_k=3
    )
    assert one.log_prob == pytest.approx(-math.log(size), abs=1e-6)
    assert two.log_prob == pytest.approx(-2 * math.log(size), abs=1e-6)
    assert one.rank == vocabulary["nurse"] + 1
    assert [word for word, _ in opened.top] == ["[UNK]", "[PAD]", "[CLS]"]
    assert opened.words == pytest.approx(1 / len(backend.info.words), abs=1e-7)
    assert opened.word_mass == pytest.approx(len(backend.info.words) / size, abs=1e-6)


def test_top_k_from_none_to_the_whole_vocabulary(scorer):
    backend = scorer("bert")
    for top_k in (0, 1, backend.info.vocabulary_size, 10_000):
        (score,) = fill(backend, [ask("the ", None)], top_k=top_k)
        assert len(score.top) == min(top_k, backend.info.vocabulary_size)
        assert list(score.top) == sorted(score.top, key=lambda pair: -pair[1])
    assert sum(p for _, p in score.top) == pytest.approx(1.0, abs=1e-5)


def test_ties_at_the_border_of_the_top_go_by_id():
    logits = torch.tensor([[1.0, 3.0, 2.0, 2.0, 2.0, 0.0]])
    (top,) = forward.top(logits, logits.logsumexp(-1), 2)
    assert [i for i, _ in top] == [1, 2]
    (top,) = forward.top(logits, logits.logsumexp(-1), 4)
    assert [i for i, _ in top] == [1, 2, 3, 4]
    ranks = [forward._rank(logits[0].numpy(), piece) for piece in (1, 2, 3, 4, 0, 5)]
    assert ranks == [1, 2, 3, 4, 5, 6]
