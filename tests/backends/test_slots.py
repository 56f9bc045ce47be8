"""Words beside hidden words, and vectors, against slow and obvious second opinions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import Sentences, hide, log_softmax

from bias_audit.backends import FakeBackend
from bias_audit.errors import ScoringError
from bias_audit.records import EmbeddingRequest, SpanRequest

ARCHITECTURES = ["bert", "roberta"]


def question(text, word, *hidden):
    def place(part):
        begin = text.index(part)
        return begin, begin + len(part)

    return SpanRequest(text=text, word=place(word), hidden=tuple(place(part) for part in hidden))


def places(tokenizer, text, part):
    """Numbers of the pieces of a word, its leading space included, by how many come before it."""
    begin = text.index(part)
    start = len(tokenizer(text[:begin].rstrip())["input_ids"]) - 1
    return [*range(start, len(tokenizer(text[: begin + len(part)])["input_ids"]) - 1)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("word", ["they", "receptionist"])
@pytest.mark.parametrize("hidden", [(), ("zebra",)])
def test_a_word_is_scored_while_others_are_hidden(architecture, word, hidden, plain, scorer):
    model, tokenizer = plain(architecture)
    text = f"The zebra said that {word} had finished."
    ids = tokenizer(text)["input_ids"]
    away = [n for part in hidden for n in places(tokenizer, text, part)]
    assert not hidden or len(away) > 1, "a hidden word of several pieces"
    base = hide(tokenizer, ids, away)
    mine = places(tokenizer, text, word)
    total = 0.0
    for n in mine:
        left = hide(tokenizer, base, range(n, mine[-1] + 1))
        total += log_softmax(model, left)[0][n][ids[n]]
    masked = log_softmax(model, hide(tokenizer, base, mine))[0]
    outer = sum(masked[m][ids[n]] for m in mine for n in mine)
    (found,) = Sentences(scorer(architecture)).slots([question(text, word, *hidden)])
    assert found.pieces == len(mine)
    assert found.log_prob == pytest.approx(total, abs=1e-5)
    assert found.outer == pytest.approx(outer, abs=1e-4)
    assert (len(mine) == 1) == (found.outer == found.log_prob)


def test_what_cannot_be_hidden_or_scored_says_why(scorer):
    asked = [
        question("The \u4e16 said that he had finished.", "that", "\u4e16"),
        question("the man " * 30, "man"),
    ]
    first, second = Sentences(scorer("bert")).slots(asked)
    assert (first.skip, second.skip) == ("unscorable", "too_long")
    assert first.detail


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_vectors_are_states_of_the_last_layer(architecture, plain, scorer):
    model, tokenizer = plain(architecture)
    text = "The woman saw a zebra."
    ids = tokenizer(text)["input_ids"]
    with torch.no_grad():
        states = model.base_model(input_ids=torch.tensor([ids])).last_hidden_state[0].double()
    begin = text.index("zebra")
    asked = [
        EmbeddingRequest(text=text, pooling="first"),
        EmbeddingRequest(text=text, pooling="mean"),
        EmbeddingRequest(text=text, pooling="word", word=(begin, begin + 5)),
        EmbeddingRequest(text="a nurse", pooling="first"),
    ]
    first, mean, word, _ = Sentences(scorer(architecture)).embed(asked)
    assert first.values == pytest.approx(states[0].numpy(), abs=1e-5)
    assert mean.values == pytest.approx(states.mean(dim=0).numpy(), abs=1e-5)
    there = states[places(tokenizer, text, "zebra")].mean(dim=0).numpy()
    assert word.values == pytest.approx(there, abs=1e-5)


def test_a_model_without_states_is_refused(scorer, monkeypatch):
    backend = scorer("bert")
    monkeypatch.setattr(type(backend._runner._model), "base_model", lambda *_, **__: ())
    with pytest.raises(ScoringError, match="does not return a state"):
        list(Sentences(backend).embed([EmbeddingRequest(text="a man", pooling="first")]))


def test_pieces_know_their_place_in_the_sentence(scorer):
    text = "The woman saw a zebra."
    for architecture in ARCHITECTURES:
        (found,) = Sentences(scorer(architecture)).pieces([text])
        assert len(found.spans) == len(found.log_probs)
        told = [text[begin:end].strip() for begin, end in found.spans]
        assert "".join(told) == text.replace(" ", "")


def test_the_stand_in_answers_too():
    fake = Sentences(FakeBackend())
    shown, hidden = fake.slots(
        [question("The cook saw us.", "us"), question("The cook saw us.", "us", "cook")]
    )
    other = next(fake.slots([question("The king saw us.", "us", "king")]))
    assert shown.log_prob != hidden.log_prob == other.log_prob
    (vector,) = fake.embed([EmbeddingRequest(text="a cook", pooling="word", word=(2, 6))])
    assert np.isfinite(vector.values).all()
