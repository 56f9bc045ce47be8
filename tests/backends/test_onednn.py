"""Products through the other library: the same numbers, or not used; and what is kept of logits."""

from __future__ import annotations

import os
import platform
import runpy
from functools import partial

import numpy as np
import pytest
import torch
from conftest import ask, fill

from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.backends.mlm import forward
from bias_audit.backends.mlm.fast import onednn

X86 = platform.machine() in ("x86_64", "AMD64") and torch.backends.mkldnn.is_available()
BF16 = X86 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
PROMPTS = [
    ask(f"{who} was a ", word) for who in ("The man", "A woman") for word in ("nurse", "zebra")
]


def log_probs(backend):
    return [score.log_prob for score in fill(backend, PROMPTS)]


def layers(backend):
    return [m for m in backend._runner._model.modules() if type(m) is torch.nn.Linear]


def quick(backend):
    """Layers that use the other library, whatever else they leave out."""
    ways = [vars(m).get("forward") for m in backend._runner._model.modules()]
    return [way for way in ways if isinstance(getattr(way, "product", way), partial)]


@pytest.fixture
def all_sizes(monkeypatch):
    """Tiny models have no large layers."""
    monkeypatch.setattr(onednn, "_LEAST", 1)


def test_small_layers_are_left_alone(scorer):
    assert quick(scorer("roberta")) == []


@pytest.mark.skipif(not X86, reason="the other library is for x86 processors")
@pytest.mark.parametrize("architecture", ["bert", "distilbert", "albert", "deberta-v2", "mpnet"])
def test_quick_layers_give_the_same_scores(architecture, tiny, scorer, all_sizes):
    backend = MaskedLM(str(tiny(architecture)), device="cpu")
    assert len(quick(backend)) > 3
    np.testing.assert_allclose(log_probs(backend), log_probs(scorer(architecture)), atol=1e-6)


@pytest.mark.skipif(not BF16, reason="this processor has no products in bfloat16")
def test_bfloat16_is_as_near_to_the_exact_scores_as_torch_is(tiny, scorer, all_sizes, monkeypatch):
    folder = str(tiny("roberta"))
    backend = MaskedLM(folder, device="cpu", dtype="bfloat16")
    assert len(quick(backend)) > 3
    monkeypatch.setattr(onednn, "is_supported", lambda _: False)
    plain = MaskedLM(folder, device="cpu", dtype="bfloat16")
    assert quick(plain) == []
    exact = np.array(log_probs(scorer("roberta")))
    own, quickly = (np.abs(log_probs(b) - exact).max() for b in (plain, backend))
    assert 0 < own < 0.1, "torch's own products in bfloat16 are rounded too"
    assert quickly < 1.5 * own
    before = [layer.weight for layer in layers(plain)]
    for layer, weight in zip(layers(backend), before, strict=True):
        assert torch.equal(layer.weight, weight), "the model's own weights stay as they are"


@pytest.mark.skipif(not X86, reason="the other library is for x86 processors")
def test_a_wrong_product_is_found_out(tiny, scorer, all_sizes, monkeypatch):
    monkeypatch.setattr(onednn, "_product", lambda weight, _, states: 2 * states @ weight.T)
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    assert quick(backend) == []
    assert log_probs(backend) == log_probs(scorer("bert"))


def test_ranks_count_ties_by_id_on_every_device():
    logits = torch.randn(5, 300).round(decimals=1)
    rows = torch.arange(5).repeat_interleave(60)
    pieces = torch.arange(300)
    expected = [
        1 + sorted(range(300), key=lambda i: (-logits[r, i].item(), i)).index(p)
        for r, p in zip(rows.tolist(), pieces.tolist(), strict=True)
    ]
    assert forward.ranks(logits, rows, pieces) == expected
    assert forward._count_ranks(logits, rows, pieces) == expected


def test_sums_in_parts_equal_the_sum_of_the_whole():
    logits = torch.randn(21, 500) * 9
    np.testing.assert_allclose(forward.log_sums(logits), logits.logsumexp(dim=-1), atol=1e-6)
    assert forward.log_sums(logits[:0]).shape == (0,)


@pytest.mark.parametrize(("given", "expected"), [(None, "32"), ("7", "7")])
def test_code_for_few_shapes_is_kept_unless_the_user_wants_more(given, expected, monkeypatch):
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.delenv(name, raising=False)
    if given:
        monkeypatch.setenv(name, given)
    runpy.run_path(onednn.__file__)
    assert os.environ[name] == expected
