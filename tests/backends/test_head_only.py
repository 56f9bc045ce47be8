"""The hooks: an unknown architecture may be slower, never wrong."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ask, fill

from bias_audit.backends import masked_lm
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.backends.mlm.fast import head_only
from bias_audit.errors import ModelLoadError, UsageError

PROMPTS = [
    ask(f"{who} was a ", word) for who in ("The man", "A woman") for word in ("nurse", "zebra")
]


def log_probs(backend):
    return [score.log_prob for score in fill(backend, PROMPTS)]


def hooks(backend):
    return [type(module).__name__ for module in backend._runner._head_only._hooks]


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("bert", ["BertAttention", "BertModel"]),
        ("distilbert", ["LayerNorm", "DistilBertModel"]),
        ("deberta-v2", ["DebertaV2Attention", "DebertaV2Model"]),
        ("albert", ["AlbertModel"]),
        ("modernbert", ["ModernBertModel"]),
    ],
)
def test_the_head_sees_only_the_asked_places(architecture, expected, scorer):
    assert hooks(scorer(architecture)) == expected


def test_the_head_is_called_with_the_asked_places_only(scorer):
    backend = scorer("bert")
    seen = []
    head = backend._runner._model.cls
    handle = head.register_forward_hook(
        lambda _m, inputs, _o: seen.append(tuple(inputs[0].shape[:2]))
    )
    try:
        fill(backend, [ask("The man was a ", "zebra"), ask("The man was a ", None)])
    finally:
        handle.remove()
    assert sum(rows * places for rows, places in seen) == 3


def test_a_hook_at_the_wrong_place_is_found_out(tiny, monkeypatch):
    """Taking places before attention would change the numbers."""
    monkeypatch.setattr(head_only, "_last_attention", lambda model: model.base_model.embeddings)
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    assert hooks(backend) == ["BertModel"]
    monkeypatch.setattr(head_only, "_encoder", lambda model: model.base_model.embeddings.LayerNorm)
    slow = MaskedLM(str(tiny("bert")), device="cpu")
    assert hooks(slow) == []
    np.testing.assert_allclose(log_probs(slow), log_probs(backend), atol=1e-5)


def test_a_model_that_needs_more_inputs_is_refused(tiny, monkeypatch):
    monkeypatch.setattr(masked_lm, "accelerate", lambda *_, **__: None)
    with pytest.raises(ModelLoadError, match="needs inputs besides pieces and an attention mask"):
        MaskedLM(str(tiny("bert")), device="cpu")


def test_a_model_that_cannot_read_is_refused(tiny, monkeypatch):
    def broken(*_, **__):
        raise IndexError("index out of range in self")

    monkeypatch.setattr(masked_lm, "accelerate", broken)
    with pytest.raises(ModelLoadError, match="cannot read a short sentence: index out of range"):
        MaskedLM(str(tiny("bert")), device="cpu")


@pytest.mark.parametrize("size", [0, -3])
def test_batch_size_below_one(size):
    with pytest.raises(UsageError, match=f"at least 1, or 'auto', but got {size}"):
        MaskedLM("reference", device="cpu", batch_size=size)
