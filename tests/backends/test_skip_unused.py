"""Products that a pass leaves out: the same numbers with fewer rows, or not used."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import Sentences, ask, fill, totals

from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.backends.mlm.fast import skip_unused
from bias_audit.errors import ScoringError
from bias_audit.records import CompletionScore

KNOWN = ["bert", "roberta", "distilbert", "electra"]
PROMPTS = [
    ask(f"{who} {verb} a ", word, tail)
    for who in ("The man", "A woman", "The nurse and the man")
    for verb in ("was", "saw")
    for word in ("nurse", "zebra", None)
    for tail in (".", " and a man.")
]
SENTENCES = ["The man was a nurse.", "A woman was a nurse.", "The man saw a woman and a man."]


def values(answers):
    return [a.words if isinstance(a, CompletionScore) else a.log_prob for a in answers]


def sparse(backend):
    return backend._runner._head_only._sparse


def plain(backend):
    """The same model with every product done."""
    backend._runner._head_only._sparse.remove()
    backend._runner._head_only._sparse = None
    return backend


def close(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


@pytest.mark.parametrize("architecture", KNOWN)
def test_the_numbers_stay(architecture, tiny):
    backend = MaskedLM(str(tiny(architecture)), device="cpu")
    assert sparse(backend) is not None
    prompts = values(fill(backend, PROMPTS))
    before = totals(backend, SENTENCES)
    scorer = Sentences(backend)
    pieces = list(scorer.pieces(SENTENCES, ranks=True, attention=True))
    seen = list(scorer.unmasked(SENTENCES, attention=True))
    alone = [values(fill(backend, [prompt]))[0] for prompt in PROMPTS]
    plain(backend)
    close(prompts, values(fill(backend, PROMPTS)))
    close(alone, prompts)
    close(before, totals(backend, SENTENCES))
    for got, other in (
        (pieces, scorer.pieces(SENTENCES, ranks=True, attention=True)),
        (seen, scorer.unmasked(SENTENCES, attention=True)),
    ):
        for one, whole in zip(got, other, strict=True):
            np.testing.assert_allclose(one.log_probs, whole.log_probs, atol=2e-6)
            np.testing.assert_allclose(one.attention, whole.attention, atol=2e-6)


@pytest.mark.parametrize("architecture", ["albert", "deberta-v2", "modernbert"])
def test_models_built_otherwise_do_every_product(architecture, scorer):
    assert sparse(scorer(architecture)) is None


def products(backend, layer, ask):
    """Rows that went into each call of a layer."""
    rows = []
    inner = layer.forward.product

    def counted(states):
        rows.append(states.numel() // states.shape[-1])
        return inner(states)

    layer.forward.product = counted
    try:
        ask()
    finally:
        layer.forward.product = inner
    return rows


def test_equal_rows_are_multiplied_once_and_unasked_ones_never(tiny):
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    asked = [ask(f"The {who} was a ", "nurse", " and a man .") for who in ("man", "nurse")]
    query, _, _, last, behind = sparse(backend)._layers
    (columns,) = products(backend, query, lambda: fill(backend, asked[:1]))
    assert products(backend, query, lambda: fill(backend, asked)) == [columns + 1]
    for layer in (last, behind):
        assert products(backend, layer, lambda: fill(backend, asked)) == [2]


def test_a_padding_piece_inside_a_sentence_shares_nothing(tiny):
    backend = MaskedLM(str(tiny("roberta")), device="cpu")
    model, shortcut = backend._runner._model, backend._runner._head_only
    pad = model.config.pad_token_id
    ids = torch.tensor([[0, 9, pad, 7, 8, 2], [0, 9, 6, 7, 8, 2], [0, 9, 6, 7, 8, 2]])
    places = torch.tensor([3, 3, 4])
    with torch.inference_mode():
        found = shortcut(ids, torch.ones_like(ids), places)
        whole = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    np.testing.assert_allclose(found, whole[torch.arange(3), places], atol=2e-6)


def test_what_breaks_off_leaves_nothing_behind(tiny, monkeypatch):
    """Memory can run out inside a pass, and before its first product: both forget the pass."""
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    expected = values(fill(backend, PROMPTS))
    totals = list(Sentences(backend).unmasked(SENTENCES, attention=True))
    query, *_, behind = sparse(backend)._layers

    def breaks(*_, **__):
        raise torch.OutOfMemoryError("no memory")

    for owner, name in ((torch, "unique"), (query.forward, "product"), (behind.forward, "product")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, breaks)
            with pytest.raises(ScoringError, match="does not fit"):
                fill(backend, PROMPTS[:1])
        now = sparse(backend)._pass
        assert (now.distinct, now.places) == (None, None)
        assert backend._runner._head_only._call.places is None
    again = list(Sentences(backend).unmasked(SENTENCES, attention=True))
    for one, other in zip(again, totals, strict=True):
        np.testing.assert_array_equal(one.log_probs, other.log_probs)
    close(values(fill(backend, PROMPTS)), expected)


def test_wrong_products_are_found_out(tiny, scorer, monkeypatch):
    """What is left out would matter; what is shared would differ."""
    expected = values(fill(scorer("bert"), PROMPTS))

    def first_and_last(_model):
        return _model.base_model.encoder.layer[1], _model.base_model.encoder.layer[0]

    monkeypatch.setattr(skip_unused, "_blocks", first_and_last)
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    assert sparse(backend) is None
    assert not any("forward" in vars(m) for m in backend._runner._model.modules())
    close(values(fill(backend, PROMPTS)), expected)
