"""Completions of causal models: whole words, against every word of a small vocabulary."""

from __future__ import annotations

import random

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from conftest import ask, fill

from bias_audit.backends import open_backend, score_all
from bias_audit.backends.causal_lm import CausalLM
from bias_audit.backends.clm import completions
from bias_audit.backends.clm.completions import NOT_LAST
from bias_audit.records import CompletionRequest, CompletionScore

LEFTS = ("The man worked as a ", "The woman worked as a ", "The person (of the man) was ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_models.build_causal(tmp_path_factory.mktemp("llama"), "llama")


@pytest.fixture(scope="module")
def backend(folder):
    return CausalLM(str(folder), device="cpu")


@pytest.fixture(scope="module")
def tokenizer(folder):
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def after(folder, tokenizer):
    """The distribution of the next token after a text and further tokens, by transformers alone."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()

    @torch.no_grad()
    def distribution(text, path=()):
        ids = [tokenizer.bos_token_id, *tokenizer(text)["input_ids"], *path]
        return model(input_ids=torch.tensor([ids])).logits[0, -1].softmax(-1).double().numpy()

    return distribution


def kinds(tokenizer):
    """Tokens that begin a word, those that go on with letters, and all that continue one."""
    texts = {i: tokenizer.decode([tokenizer.convert_tokens_to_ids("Ġman"), i])[4:]
             for i in range(len(tokenizer)) if i not in tokenizer.all_special_ids}  # fmt: skip
    starts = [i for i, text in texts.items() if text[:1] == " " and text[1:].isalpha()]
    letters = [i for i, text in texts.items() if text.isalpha()]
    onward = [i for i, text in texts.items() if text and (text[0].isalnum() or text[0] == "\ufffd")]
    return texts, starts, letters, onward


def ask_for(backend, lefts, *, right=".", top_k=10):
    return score_all(
        backend,
        [
            CompletionRequest(left=left, right=right, top_k=top_k, siblings=tuple(lefts))
            for left in lefts
        ],
    )


@pytest.fixture
def unlimited(monkeypatch):
    """Follow every beginning of a word, up to two tokens."""
    monkeypatch.setattr(completions, "LEAST", 0.0)
    monkeypatch.setattr(completions, "MOST", 10**6)
    monkeypatch.setattr(completions, "DEEPEST", 2)


@pytest.mark.usefixtures("unlimited")
def test_every_word_of_a_small_vocabulary_has_its_probability(backend, tokenizer, after):
    """Chain rule by plain passes, for all words of up to two tokens that the tokenizer makes."""
    texts, starts, letters, onward = kinds(tokenizer)
    text = LEFTS[0].rstrip()
    first = after(text)
    words = {}
    for i in starts:
        second = after(text, (i,))
        words[(i,)] = first[i] * (1 - second[onward].sum())
        for j in letters:
            path = (i, j)
            if tuple(tokenizer(texts[i] + texts[j])["input_ids"]) == path:
                words[path] = first[i] * second[j] * (1 - after(text, path)[onward].sum())
    expected = {"".join(texts[i] for i in path).strip(): p for path, p in words.items()}
    (answer,) = ask_for(backend, LEFTS[:1])
    assert set(answer.vocabulary) == set(expected)
    assert len([word for word in answer.vocabulary if len(word) > 1]) > 20
    found = dict(zip(answer.vocabulary, answer.words.astype(float) * answer.word_mass, strict=True))
    assert found == pytest.approx(expected, abs=1e-6)
    assert answer.word_mass == pytest.approx(first[starts].sum(), abs=1e-6)
    assert float(answer.words.sum()) + answer.others == pytest.approx(1, abs=1e-6)
    assert answer.others * answer.word_mass == pytest.approx(
        first[starts].sum() - sum(expected.values()), abs=1e-6
    )
    ordered = sorted(expected.values(), reverse=True)[:10]
    assert [p for _, p in answer.top] == pytest.approx(ordered, abs=1e-6)
    assert all(expected[word] == pytest.approx(p, abs=1e-6) for word, p in answer.top)


@pytest.mark.usefixtures("unlimited")
def test_what_ends_a_word_is_nothing_that_continues_it(backend, tokenizer, after):
    """Without what follows, words of one token have the probability of the token."""
    texts, starts, _, onward = kinds(tokenizer)
    (answer,) = ask_for(backend, LEFTS[:1])
    first, second = after(LEFTS[0].rstrip()), after(LEFTS[0].rstrip(), (starts[0],))
    word = texts[starts[0]].strip()
    p = float(answer.words[answer.vocabulary.index(word)]) * answer.word_mass
    assert p == pytest.approx(first[starts[0]] * (1 - second[onward].sum()), abs=1e-6)
    assert p < 0.95 * first[starts[0]]


def test_the_same_words_are_told_apart_after_all_group_words(backend, monkeypatch):
    monkeypatch.setattr(completions, "FEWEST", 5)
    monkeypatch.setattr(completions, "LEAST", 0.004)
    limited = ask_for(backend, LEFTS)
    assert len({answer.vocabulary for answer in limited}) == 1
    assert 5 < len(limited[0].vocabulary) < 150
    assert max(map(len, limited[0].vocabulary)) > 2
    monkeypatch.setattr(completions, "LEAST", 0.0)
    monkeypatch.setattr(completions, "MOST", 10**4)
    monkeypatch.setattr(completions, "DEEPEST", 2)
    for few, many in zip(limited, ask_for(backend, LEFTS), strict=True):
        every = dict(zip(many.vocabulary, many.words, strict=True))
        shared = [word for word in few.vocabulary if word in every]
        assert len(shared) > 0.9 * len(few.vocabulary)
        for word in shared:
            share = few.words[few.vocabulary.index(word)]
            assert share == pytest.approx(every[word], abs=1e-6), word
        assert few.others > many.others
        assert float(few.words.sum()) + few.others == pytest.approx(1, abs=1e-6)
    alone = [ask_for(backend, [left])[0].vocabulary for left in LEFTS]
    assert len({limited[0].vocabulary, *alone}) > 1, "each text by itself has other words"


def same(one: CompletionScore, other: CompletionScore) -> bool:
    np.testing.assert_allclose(one.words, other.words, atol=1e-6)
    assert [word for word, _ in one.top] == [word for word, _ in other.top]
    return one.vocabulary == other.vocabulary


def test_an_answer_depends_on_no_other_request(backend, folder):
    requests = [
        CompletionRequest(left=left, right=right, siblings=siblings)
        for siblings in (LEFTS[:2], (), tuple(reversed(LEFTS)))
        for left in LEFTS[:2]
        for right in (".", "")
    ]
    whole = score_all(backend, requests)
    order = list(range(len(requests)))
    random.Random(5).shuffle(order)  # noqa: S311 - no secret
    small = CausalLM(str(folder), device="cpu", batch_size=3)
    mixed = score_all(small, [requests[n] for n in order])
    assert all(same(mixed[order.index(n)], whole[n]) for n in order)
    assert same(score_all(backend, requests[3:4])[0], whole[3])
    skipped = dict(backend.score(requests, skip={0, 1, 2, 7}))
    assert sorted(skipped) == [3, 4, 5, 6, *range(8, 12)]
    assert all(same(answer, whole[n]) for n, answer in skipped.items())
    backend._runner.reads_beginnings_once = False
    try:
        assert all(map(same, score_all(backend, requests), whole))
    finally:
        backend._runner.reads_beginnings_once = True


@pytest.mark.parametrize("architecture", ["gpt2", "mamba", "mistral"])
def test_every_architecture_completes_as_it_does_where_texts_are_read_whole(architecture, tmp_path):
    model = tiny_models.build_causal(tmp_path / architecture, architecture)
    backend = open_backend(str(model), device="cpu")
    assert backend._runner.reads_beginnings_once is (architecture != "mamba")
    answers = ask_for(backend, LEFTS[:2])
    backend._runner.reads_beginnings_once = False
    assert all(map(same, answers, ask_for(backend, LEFTS[:2])))
    for answer in answers:
        assert float(answer.words.sum()) + answer.others == pytest.approx(1, abs=1e-6)
        assert answer.words.max() > 0


def test_words_that_a_tokenizer_marks_at_their_beginning_are_whole_too(tmp_path):
    """A vocabulary of SentencePiece's kind, in which pieces inside a word bear no mark."""
    folder = tmp_path / "llama"
    fast = tiny_models.save_tokenizer(
        folder, tiny_models.unigram(tiny_models.ROBERTA), tiny_models.CAUSAL_TOKENS
    )
    config = transformers.LlamaConfig(
        **tiny_models.CAUSAL["llama"][1], vocab_size=len(fast), bos_token_id=fast.bos_token_id
    )
    tiny_models.save_model(folder, transformers.AutoModelForCausalLM, config)
    (answer,) = ask_for(CausalLM(str(folder), device="cpu"), LEFTS[:1])
    ids = fast("The man worked as a", add_special_tokens=False)["input_ids"]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    vocabulary = fast.get_vocab()
    goes_on = [i for text, i in vocabulary.items() if text[0].isalnum()]
    with torch.no_grad():
        read = torch.tensor([[fast.bos_token_id, *ids, vocabulary["▁doctor"]]])
        chances = model(input_ids=read).logits[0].softmax(-1)
    expected = float(chances[-2, vocabulary["▁doctor"]] * (1 - chances[-1, goes_on].sum()))
    at = answer.vocabulary.index("doctor")
    assert float(answer.words[at]) * answer.word_mass == pytest.approx(expected, abs=1e-6)


def test_a_word_without_a_space_before_it_begins_with_other_tokens(backend, tokenizer, after):
    (answer,) = ask_for(backend, ["The man ("])
    _, _, letters, onward = kinds(tokenizer)
    first = after("The man (")
    assert answer.word_mass == pytest.approx(first[letters].sum(), abs=1e-6)
    split = {word: tokenizer(word)["input_ids"] for word in answer.vocabulary}
    word, i = next((word, ids[0]) for word, ids in split.items() if len(ids) == 1)
    p = first[i] * (1 - after("The man (", (i,))[onward].sum())
    at = answer.vocabulary.index(word)
    assert float(answer.words[at]) * answer.word_mass == pytest.approx(p, abs=1e-6)


def test_completions_before_other_words_do_not_apply(backend):
    middle, last, first, closed = fill(
        backend,
        [
            ask("The ", None, " worked."),
            ask("The man was a ", None, "!"),
            ask("", None),
            ask('He said: "The man was a ', None, '."'),
        ],
    )
    assert (middle.skip, middle.detail) == ("not_applicable", NOT_LAST)
    assert "put the mask at the end" in NOT_LAST
    assert last.skip is first.skip is closed.skip is None
    assert middle.words.size == 0


def test_a_text_that_leaves_no_room_for_a_word_is_told(tmp_path):
    model = tiny_models.build_causal(tmp_path / "llama", "llama", max_position_embeddings=16)
    backend = CausalLM(str(model), device="cpu")
    long, fits = fill(backend, [ask("the man and " * 9, None), ask("the man was ", None)])
    assert (long.skip, fits.skip) == ("too_long", None)
    assert long.detail.endswith("pieces, the model takes 16")
