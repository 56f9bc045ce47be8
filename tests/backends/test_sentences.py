"""Sentences and pairs against slow, obvious second opinions: one full pass each, no hook."""

from __future__ import annotations

import difflib
from itertools import count, islice

import numpy as np
import pytest
import tiny_models
import torch
from conftest import Sentences, hide, log_softmax

from bias_audit.backends.hf.tokenization import Encoding
from bias_audit.backends.mlm import forward
from bias_audit.backends.mlm.align import align
from bias_audit.errors import ScoringError

PAIRS = [
    ("The man worked as a zebra.", "The woman worked as a zebra."),
    ("A woman said that she was kind.", "A man said that he was kind."),
    ("The receptionist was kind.", "The plumber was kind."),
    ("The man was a nurse, and kind.", "The man was a nurse."),
    ("the nurse said that he had finished", "he had finished, the doctor said"),
]
TINY = ["bert", "roberta"]
ALL = sorted(tiny_models.ARCHITECTURES)


@pytest.fixture
def sentences(scorer):
    return lambda architecture: Sentences(scorer(architecture))


def published_spans(tokenizer, first, second):
    """Shared and modified places as the published CrowS-Pairs script finds them."""
    a, b = tokenizer(first)["input_ids"], tokenizer(second)["input_ids"]
    shared, changed = ([], []), ([], [])
    for tag, *spans in difflib.SequenceMatcher(
        None, [str(i) for i in a], [str(i) for i in b]
    ).get_opcodes():
        kept = shared if tag == "equal" else changed
        kept[0].extend(range(*spans[:2]))
        kept[1].extend(range(*spans[2:]))
    return (a, b), tuple(s[1:-1] for s in shared), changed


@pytest.mark.parametrize("architecture", TINY)
def test_shared_pieces_are_scored_as_the_published_script_does(architecture, plain, sentences):
    model, tokenizer = plain(architecture)
    scores = list(sentences(architecture).pairs(PAIRS))
    for (first, second), score in zip(PAIRS, scores, strict=True):
        ids, shared, _ = published_spans(tokenizer, first, second)
        sums = [
            sum(log_softmax(model, hide(tokenizer, own, {p}))[0][p][own[p]] for p in places)
            for own, places in zip(ids, shared, strict=True)
        ]
        assert score.published_more == pytest.approx(sums[0], abs=1e-5 * len(shared[0]))
        assert score.published_less == pytest.approx(sums[1], abs=1e-5 * len(shared[1]))
    assert [s.skip for s in scores] == [None] * len(PAIRS)


def test_a_word_that_moved_makes_the_pair_ambiguous_and_a_swap_does_not_matter(sentences):
    scorer = sentences("bert")
    scores = list(scorer.pairs(PAIRS))
    swapped = list(scorer.pairs([(b, a) for a, b in PAIRS]))
    assert [s.ambiguous for s in scores][:4] == [False] * 4
    for one, other in zip(scores[:4], swapped[:4], strict=True):
        assert (one.more, one.less) == pytest.approx((other.less, other.more), abs=1e-6)
    assert scores[0].shared == scores[0].shared > 0
    assert scores[0].more == scores[0].published_more, "one word differs: both ways agree"


def encoded(*words):
    """A sentence of one-letter pieces, between two special ones; one tuple of pieces a word."""
    pieces = [(n, ord(c)) for n, word in enumerate(words) for c in word]
    return Encoding(
        ids=(1, *(i for _, i in pieces), 2),
        added=(True, *[False] * len(pieces), True),
        words=(None, *(n for n, _ in pieces), None),
    )


def test_words_are_aligned_before_pieces():
    inside = align(encoded("ab", "cab", "x"), encoded("ab", "cb", "x"))
    assert inside.words == ((1, 1), (2, 2), (3, 3), (5, 4), (6, 5))
    assert not inside.ambiguous
    whole = align(encoded("x", "ab"), encoded("xa", "b", "x"))
    assert whole.words == ((1, 4),), "the word x, not the longer run of pieces"
    assert whole.published == ((1, 1), (2, 2), (3, 3))
    moved = align(encoded("a", "b"), encoded("b", "a"))
    assert moved.ambiguous
    assert len(moved.words) == 1
    same = align(encoded("ab", "x"), encoded("ab", "x"))
    assert same.words == same.published == ((1, 1), (2, 2), (3, 3))


@pytest.mark.parametrize("architecture", TINY)
def test_modified_pieces_are_scored_together_and_one_by_one(architecture, plain, sentences):
    model, tokenizer = plain(architecture)
    scores = list(sentences(architecture).modified(PAIRS))
    seen_block = False
    for pair, found in zip(PAIRS, scores, strict=True):
        ids, _, changed = published_spans(tokenizer, *pair)
        for own, places, score in zip(ids, changed, found, strict=True):
            if not places:
                assert score.skip == "not_applicable"
                continue
            table = log_softmax(model, hide(tokenizer, own, set(places)))[0][places]
            block = table[:, [own[p] for p in places]]
            alone = [log_softmax(model, hide(tokenizer, own, {p}))[0][p][own[p]] for p in places]
            assert score.together == pytest.approx(np.diagonal(block).mean(), abs=1e-5)
            assert score.together_block == pytest.approx(block.mean(), abs=1e-5)
            assert score.one_by_one == pytest.approx(np.mean(alone), abs=1e-5)
            assert score.pieces == len(places)
            seen_block |= abs(score.together - score.together_block) > 1e-3
    assert seen_block, "spans of several pieces tell the two apart"


@pytest.mark.parametrize("architecture", ALL)
@pytest.mark.parametrize("variant", ["original", "word_l2r"])
def test_pieces_are_masked_alone_or_with_the_rest_of_their_word(
    architecture, variant, plain, sentences
):
    model, tokenizer = plain(architecture)
    texts = ["The man worked as a zebra.", "the receptionist said"]
    scores = list(sentences(architecture).pieces(texts, variant=variant, ranks=True))
    for text, score in zip(texts, scores, strict=True):
        encoding = tokenizer(text)
        ids, words = encoding["input_ids"], encoding.word_ids()
        for n, place in enumerate(range(1, len(ids) - 1)):
            hidden = {place}
            if variant == "word_l2r":
                hidden |= {p for p in range(place, len(ids)) if words[p] == words[place]}
            log_probs = log_softmax(model, hide(tokenizer, ids, hidden))[0][place]
            assert score.log_probs[n] == pytest.approx(log_probs[ids[place]], abs=1e-5)
            assert score.best[n] == pytest.approx(log_probs.max(), abs=1e-5)
            assert score.ranks[n] == 1 + (log_probs > log_probs[ids[place]]).sum()
        assert len(score.log_probs) == len(ids) - 2
        assert score.attention.size == 0


def test_the_two_variants_differ_by_words_of_several_pieces_only(sentences):
    """Invariant I-23."""
    scorer = sentences("bert")
    whole, split = "the man was kind", "the man was a zebra"
    one = [s.log_probs.sum() for s in scorer.pieces([whole, split], variant="original")]
    two = [s.log_probs.sum() for s in scorer.pieces([whole, split], variant="word_l2r")]
    assert one[0] == pytest.approx(two[0], abs=1e-9)
    assert abs(one[1] - two[1]) > 1e-3


@pytest.mark.parametrize("architecture", ALL)
def test_nothing_masked_is_one_pass_over_the_sentence(architecture, plain, sentences):
    model, tokenizer = plain(architecture)
    texts = [text for pair in PAIRS for text in pair]
    scores = list(sentences(architecture).unmasked(texts))
    for text, score in zip(texts, scores, strict=True):
        ids = tokenizer(text)["input_ids"]
        log_probs = log_softmax(model, ids)[0]
        golds = [log_probs[p][ids[p]] for p in range(1, len(ids) - 1)]
        np.testing.assert_allclose(score.log_probs, golds, atol=1e-5)
        tops = [log_probs[p].argmax() == ids[p] for p in range(1, len(ids) - 1)]
        assert (score.ranks == 1).tolist() == tops


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", "albert"])
def test_attention_is_that_received_over_layers_heads_and_readers(architecture, plain, sentences):
    model, tokenizer = plain(architecture)
    texts = ["The man worked as a zebra.", "the nurse", "A woman said that she was kind."]
    scorer = sentences(architecture)
    before = [s.log_probs for s in scorer.unmasked(texts)]
    scores = list(scorer.unmasked(texts, attention=True))
    for text, score, plainly in zip(texts, scores, before, strict=True):
        ids = tokenizer(text)["input_ids"]
        layers = log_softmax(model, ids, output_attentions=True)[1].attentions
        received = torch.stack([a[0] for a in layers]).mean(dim=(0, 1, 2))
        np.testing.assert_allclose(score.attention, received[1:-1].numpy(), atol=1e-6)
        np.testing.assert_allclose(score.log_probs, plainly, atol=1e-5)
    (single,) = scorer.pieces(texts[1:2], attention=True, variant="original")
    ids = tokenizer(texts[1])["input_ids"]
    for n, place in enumerate(range(1, len(ids) - 1)):
        layers = log_softmax(model, hide(tokenizer, ids, {place}), output_attentions=True)[
            1
        ].attentions
        received = torch.stack([a[0] for a in layers]).mean(dim=(0, 1, 2))
        assert single.attention[n] == pytest.approx(received[place].item(), abs=1e-6)


def test_the_model_keeps_its_own_attention_afterwards(scorer):
    backend = scorer("bert")
    config = backend._runner._model.config
    before = config._attn_implementation
    list(Sentences(backend).unmasked(["the man"], attention=True))
    assert config._attn_implementation == before != "eager"


def test_a_model_without_attention_weights_says_so(scorer, monkeypatch):
    backend = scorer("bert")

    def refuse(_name):
        raise ValueError("no eager attention")

    monkeypatch.setattr(backend._runner._model, "set_attn_implementation", refuse)
    with pytest.raises(ScoringError, match="no attention that reports its weights"):
        list(Sentences(backend).unmasked(["the man"], attention=True))


@pytest.mark.parametrize("architecture", TINY)
def test_a_blank_is_filled_with_its_leading_space(architecture, plain, sentences):
    model, tokenizer = plain(architecture)
    blanks = [("The man was a ", word, " of the man.") for word in ("nurse", "zebra", "plumber")]
    scores = list(sentences(architecture).fills(blanks))
    lengths = set()
    for (left, word, right), score in zip(blanks, scores, strict=True):
        ids = tokenizer(f"{left}{word}{right}")["input_ids"]
        start = len(tokenizer(left.rstrip())["input_ids"]) - 1
        stop = len(ids) - (len(tokenizer(right.lstrip())["input_ids"]) - 1)
        if architecture == "roberta":
            stop = len(ids) - (len(tokenizer(right)["input_ids"]) - 1)
        total, shares = 0.0, []
        for place in range(start, stop):
            rest = [*[tokenizer.mask_token_id] * (stop - place), *ids[stop:]]
            total += log_softmax(model, [*ids[:place], *rest])[0][place][ids[place]]
            single = [*ids[:place], tokenizer.mask_token_id, *ids[stop:]]
            shares.append(np.exp(log_softmax(model, single)[0][place][ids[place]]))
        assert score.log_prob == pytest.approx(total, abs=1e-5)
        assert score.published == pytest.approx(np.mean(shares), abs=1e-6)
        assert score.pieces == stop - start
        lengths.add(score.pieces)
    assert len(lengths) > 1


def test_what_cannot_be_scored_says_why(sentences):
    scorer = sentences("bert")
    long = "the man " * 30
    texts = ["", long, "the [SEP] man", "the man"]
    for method in (scorer.unmasked, scorer.pieces):
        assert [s.skip for s in method(texts)] == ["unscorable", "too_long", "unscorable", None]
    (lost,) = scorer.pairs([("the man", long)])
    assert (lost.skip, lost.more) == ("too_long", 0.0)
    assert "62 pieces, the model takes 40" in lost.detail
    (fill,) = scorer.fills([("the ", "\u4e16", " man")])
    assert fill.skip == "unscorable"
    (unknown,) = scorer.unmasked(["the \u4e16 man"])
    assert (unknown.skip, unknown.unknown) == (None, 1)


def test_batches_and_neighbours_change_nothing_and_streams_may_be_endless(scorer):
    """Invariant I-8; memory is bounded by the window, so an endless stream is no trouble."""
    backend = scorer("roberta")
    whole = Sentences(backend).pairs(PAIRS)
    for one, pair in zip(whole, PAIRS, strict=True):
        (alone,) = Sentences(backend).pairs([pair])
        assert one.more == pytest.approx(alone.more, abs=1e-5)

    def endless():
        for n in count():
            yield f"the man was {n % 7}"

    assert len(list(islice(Sentences(backend).unmasked(endless()), 5))) == 5


def test_progress_counts_sentences(sentences):
    told = []
    list(sentences("bert").unmasked(["the man", "a nurse"], progress=lambda *n: told.append(n)))
    assert told[-1] == (2, 2)
    assert all(total == 2 for _, total in told)


@pytest.mark.parametrize("attention", [False, True])
def test_the_logits_of_a_batch_are_bounded(attention, scorer, monkeypatch):
    """Where the head runs on every place, a batch holds fewer sentences."""
    backend = scorer("bert")
    limit = 40 * backend.info.vocabulary_size
    monkeypatch.setattr(forward, "_LOGITS", limit)
    sizes = []
    head = backend._runner._model.cls
    handle = head.register_forward_hook(lambda _m, _i, out: sizes.append(out.numel()))
    texts = [f"the man was a {a} {b}" for a in tiny_models.WHOLE[:6] for b in "abcde"]
    try:
        list(Sentences(backend).unmasked(texts, attention=attention))
        list(Sentences(backend).pieces(texts[:3], attention=attention))
    finally:
        handle.remove()
    assert len(sizes) > 5
    assert max(sizes) <= limit
