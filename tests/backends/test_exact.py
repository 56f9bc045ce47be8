"""Scores against a slow, obvious second opinion: full logits, one sequence at a time, no hook."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from conftest import ask, fill, hide, log_softmax, totals

from bias_audit.backends.hf.model_files import REFERENCE
from bias_audit.backends.masked_lm import MaskedLM

LEFT = "The man worked as a "
ALL = sorted(tiny_models.ARCHITECTURES)


def slow_word(model, tokenizer, left, word):
    """Left-to-right score of ``word`` in ``left word.``, its pieces found by subtraction."""
    ids = tokenizer(f"{left}{word}.")["input_ids"]
    start = len(tokenizer(left.rstrip())["input_ids"]) - 1
    stop = len(ids) - 2
    total = 0.0
    for place in range(start, stop):
        masked = hide(tokenizer, ids, range(place, stop))
        total += log_softmax(model, masked)[0][place][ids[place]]
    return total, stop - start


@pytest.mark.parametrize("architecture", ALL)
def test_words_score_as_by_hand(architecture, plain, scorer):
    model, tokenizer = plain(architecture)
    words = ["nurse", "doctor", *tiny_models.SPLIT]
    lefts = [LEFT, "A woman said that the man was a kind "]
    asked = [(left, word) for left in lefts for word in words]
    scores = fill(scorer(architecture), [ask(left, word) for left, word in asked])
    for (left, word), score in zip(asked, scores, strict=True):
        expected, pieces = slow_word(model, tokenizer, left, word)
        assert score.log_prob == pytest.approx(expected, abs=1e-5), (left, word)
        assert score.pieces == pieces
        assert (score.rank is None) == (pieces > 1)
    assert {s.pieces > 1 for s in scores} == {True, False}


@pytest.mark.parametrize("architecture", ALL)
def test_open_prompts_score_as_by_hand(architecture, plain, scorer):
    model, tokenizer = plain(architecture)
    backend = scorer(architecture)
    left, right = "The woman was a ", " and a teacher."
    ids = tokenizer(f"{left}{tokenizer.mask_token}{right}")["input_ids"]
    log_probs = log_softmax(model, ids)[0][ids.index(tokenizer.mask_token_id)]
    (score,) = fill(backend, [ask(left, None, right)], top_k=7)

    vocabulary = np.exp(log_probs)
    best = np.argsort(-vocabulary)[:7]
    assert [p for _, p in score.top] == pytest.approx(vocabulary[best], abs=1e-6)
    assert [w for w, _ in score.top] == [tokenizer.decode([i]).strip() for i in best]
    mass = sum(vocabulary[i] for i in word_ids(tokenizer))
    assert score.word_mass == pytest.approx(mass, abs=1e-5)
    np.testing.assert_allclose(score.words, vocabulary[word_ids(tokenizer)] / mass, atol=1e-6)
    assert score.words.dtype == np.float32


def word_ids(tokenizer):
    """Alphabetic word starts by the spelling of each family, special pieces left out."""
    kept = []
    for piece, i in tokenizer.get_vocab().items():
        if i in tokenizer.all_special_ids:
            continue
        if tokenizer.backend_tokenizer.model.__class__.__name__ == "WordPiece":
            starts, rest = not piece.startswith("##"), piece
        else:
            starts, rest = piece[0] in "Ġ▁", piece[1:]
        if starts and rest.isascii() and rest.isalpha():
            kept.append(i)
    return sorted(kept)


@pytest.mark.parametrize("architecture", ALL)
def test_words_axis_is_the_alphabetic_word_starts(architecture, scorer, plain):
    _, tokenizer = plain(architecture)
    strip = tokenizer.convert_ids_to_tokens(word_ids(tokenizer))
    assert list(scorer(architecture).info.words) == [piece.lstrip("Ġ▁") for piece in strip]


@pytest.mark.parametrize("architecture", ["bert", "roberta", "albert"])
def test_one_piece_word_equals_single_mask_probability(architecture, scorer, plain):
    """Invariant I-23, against the distribution of the sentence with one mask, ranks included."""
    model, tokenizer = plain(architecture)
    (score,) = fill(scorer(architecture), [ask(LEFT, "nurse")])
    ids = tokenizer(f"{LEFT}nurse.")["input_ids"]
    place = len(ids) - 3
    gold = ids[place]
    log_probs = log_softmax(model, hide(tokenizer, ids, {place}))[0][place]
    assert score.log_prob == pytest.approx(log_probs[gold], abs=1e-5)
    assert score.rank == int((log_probs > log_probs[gold]).sum()) + 1


@pytest.mark.parametrize("architecture", ["bert", "roberta", "modernbert"])
def test_pseudo_log_likelihood_masks_one_piece_at_a_time(architecture, scorer, plain):
    model, tokenizer = plain(architecture)
    sentences = ["The man worked as a zebra.", "the nurse", "", "The man worked as a zebra."]
    scores = totals(scorer(architecture), sentences)
    for sentence, (total, pieces) in zip(sentences, scores, strict=True):
        ids = tokenizer(sentence)["input_ids"]
        expected = 0.0
        for place in range(1, len(ids) - 1):
            masked = hide(tokenizer, ids, {place})
            expected += log_softmax(model, masked)[0][place][ids[place]]
        assert pieces == len(ids) - 2
        assert np.isnan(total) if not pieces else total == pytest.approx(expected, abs=1e-4)


def test_word_left_to_right_equals_pll_for_one_piece_words(scorer):
    """Invariant I-23: a sentence of one-piece words, summed word by word."""
    backend = scorer("bert")
    words = ["the", "man", "was", "kind"]
    prompts = [
        ask("".join(f"{w} " for w in words[:n]), words[n], "".join(f" {w}" for w in words[n + 1 :]))
        for n in range(len(words))
    ]
    total = sum(score.log_prob for score in fill(backend, prompts))
    assert totals(backend, ["the man was kind"]) == [(pytest.approx(total, abs=1e-5), 4)]


PIPELINE_TEXTS = [
    ("The man worked as a ", "."),
    ("", " said that he was kind."),
    ("The nurse (a ", ") had finished."),
    ("The woman was a ", ", and a teacher"),
]


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", "mpnet"])
def test_open_prompts_equal_the_pipeline_on_tiny_models(architecture, scorer, plain):
    compare_with_pipeline(scorer(architecture), *plain(architecture))


def test_open_prompts_equal_the_pipeline_on_the_reference_model(reference):
    compare_with_pipeline(
        reference,
        transformers.AutoModelForMaskedLM.from_pretrained(REFERENCE, dtype=torch.float32).eval(),
        transformers.AutoTokenizer.from_pretrained(REFERENCE),
    )


def compare_with_pipeline(backend, model, tokenizer):
    pipe = transformers.pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
    scores = fill(backend, [ask(left, None, right) for left, right in PIPELINE_TEXTS], top_k=8)
    for (left, right), score in zip(PIPELINE_TEXTS, scores, strict=True):
        expected = pipe(f"{left}{tokenizer.mask_token}{right}", top_k=8)
        assert [w for w, _ in score.top] == [e["token_str"].strip() for e in expected]
        assert [p for _, p in score.top] == pytest.approx([e["score"] for e in expected], abs=1e-6)


def test_half_precision_stays_near_and_says_so(tiny, scorer):
    exact = fill(scorer("roberta"), [ask(LEFT, "nurse")])[0].log_prob
    for dtype in ("bfloat16", "float16"):
        backend = MaskedLM(str(tiny("roberta")), device="cpu", dtype=dtype)
        assert backend.info.dtype == dtype
        near = fill(backend, [ask(LEFT, "nurse")])[0].log_prob
        assert near == pytest.approx(exact, abs=0.5)
        assert near != exact


def test_dtype_auto_is_that_of_the_file():
    assert MaskedLM("reference", device="cpu", dtype="auto").info.dtype == "float16"


def test_scores_do_not_depend_on_how_many_requests_are_planned_together(scorer, monkeypatch):
    """Half a sentence's words may stand in another window than the rest."""
    requests = [ask(LEFT, word) for word in ("nurse", "doctor", *tiny_models.SPLIT, None)]
    whole = fill(scorer("bert"), requests)
    monkeypatch.setattr("bias_audit.backends.masked_lm._WORD_WINDOW", 2)
    parts = fill(scorer("bert"), requests)
    for one, other in zip(whole[:-1], parts[:-1], strict=True):
        assert other.log_prob == pytest.approx(one.log_prob, abs=1e-5)
    assert parts[-1].words == pytest.approx(whole[-1].words, abs=1e-6)
