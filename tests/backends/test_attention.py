"""Attention as plain products, and of asked places alone: the same numbers, or not used."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from conftest import Sentences, ask, fill

from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.backends.mlm.fast import attention as fast_attention
from bias_audit.backends.mlm.fast.onednn import is_supported

KNOWN = ["bert", "roberta", "distilbert", "electra", "xlm-roberta"]
PAIRS = [
    ("The man was a nurse.", "The woman was a nurse."),
    ("A nurse said that the man was kind.", "A nurse said that the woman was kind."),
    ("They said he had finished.", "They said she had finished and that the man was in."),
]
PROMPTS = [ask("The man was a ", word, tail) for word in ("nurse", None) for tail in (".", " man.")]


def drawn(rows, columns, heads=3, size=8, dtype=torch.bfloat16):
    torch.manual_seed(rows * columns)
    for _ in range(3):
        states = torch.randn(rows, columns, heads * size).to(dtype)
        yield states.view(rows, columns, heads, size).transpose(1, 2)


def slowly(query, key, value, mask, scale):
    """One sentence, head and place at a time, in double precision: [rows, columns, heads, size]."""
    rows, heads, columns, size = query.shape
    found = torch.zeros(rows, columns, heads, size, dtype=torch.float64)
    for r in range(rows):
        for h in range(heads):
            for place in range(columns):
                weights = key[r, h].double() @ query[r, h, place].double() * scale
                if mask is not None:
                    allowed = mask[r if len(mask) > 1 else 0, 0, place]
                    weights = weights + (
                        torch.where(allowed, 0.0, -torch.inf)
                        if mask.dtype == torch.bool
                        else allowed
                    )
                found[r, place, h] = weights.softmax(0) @ value[r, h].double()
    return found


def padding(rows, columns):
    """Each row reads its first places only: one less than the row before, at least one."""
    lengths = torch.tensor([max(1, columns - r) for r in range(rows)])
    readable = torch.arange(columns) < lengths.unsqueeze(1)
    return readable.view(rows, 1, 1, columns).expand(rows, 1, columns, columns)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 2), (2, 16), (5, 17), (4, 40)])
@pytest.mark.parametrize("masking", ["none", "padding", "added", "one for all"])
def test_products_attend_as_the_formula_says(rows, columns, masking, monkeypatch):
    monkeypatch.setattr(fast_attention, "_PART", 40)  # several parts, the last one smaller
    mask = {
        "none": None,
        "padding": padding(rows, columns),
        "added": torch.where(padding(rows, columns), 0.5, -1e4).to(torch.bfloat16),
        "one for all": padding(rows, columns)[-1:],
    }[masking]
    query, key, value = drawn(rows, columns)
    found = fast_attention._products(query, key, value, mask, 0.3)
    expected = slowly(query, key, value, mask, 0.3)
    np.testing.assert_allclose(found.double(), expected, atol=3e-2)
    own = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=0.3
    ).transpose(1, 2)
    rounding = (own.double() - expected).abs().mean()
    assert (found.double() - expected).abs().mean() <= 2.5 * rounding + 1e-6


def fold(backend):
    sparse = backend._runner._head_only._sparse
    return None if sparse is None else sparse._fold


def counted(backend):
    """Calls of the products that make keys and values of the last block."""
    calls = []
    for layer in (fold(backend)._key, fold(backend)._value):
        product = layer.forward.product
        layer.forward.product = lambda states, product=product: (
            calls.append(tuple(states.shape)),
            product(states),
        )[1]
    return calls


@pytest.mark.parametrize("architecture", KNOWN)
def test_one_place_of_each_row_needs_no_keys_and_values(architecture, tiny):
    backend = MaskedLM(str(tiny(architecture)), device="cpu")
    scorer = Sentences(backend)
    calls = counted(backend)
    folded = [(s.more, s.less) for s in scorer.pairs(PAIRS)]
    prompts = [s.log_prob for s in fill(backend, PROMPTS[:2])]
    assert calls == []
    list(scorer.unmasked(["The man was a nurse."]))
    assert len(calls) == 2, "where all places are asked for, keys and values are"
    fold(backend).remove()
    whole = [(s.more, s.less) for s in scorer.pairs(PAIRS)]
    np.testing.assert_allclose(folded, whole, atol=1e-5)
    plain = [s.log_prob for s in fill(backend, PROMPTS[:2])]
    np.testing.assert_allclose(prompts, plain, atol=1e-5)


@pytest.mark.skipif(not is_supported(torch.bfloat16), reason="no products in bfloat16 here")
@pytest.mark.parametrize("architecture", KNOWN)
def test_bfloat16_stays_near_the_exact_sums(architecture, tiny, scorer):
    quick = MaskedLM(str(tiny(architecture)), device="cpu", dtype="bfloat16")
    assert fast_attention.is_installed(quick._runner._model)
    exact = [(s.more, s.less) for s in Sentences(scorer(architecture)).pairs(PAIRS)]
    found = [(s.more, s.less) for s in Sentences(quick).pairs(PAIRS)]
    quick._runner._head_only.disable()
    quick._runner._model.set_attn_implementation("sdpa")
    own = [(s.more, s.less) for s in Sentences(quick).pairs(PAIRS)]
    rounding = np.abs(np.subtract(own, exact)).max()
    assert 0 < np.abs(np.subtract(found, exact)).max() < 3 * rounding + 0.05


ESM = [("rotary", False), ("rotary", True), ("absolute", True)]


@pytest.fixture(scope="module", params=ESM, ids=str)
def protein(tmp_path_factory, request):
    """A model whose layers have known names, but whose queries and keys are turned by place, or
    whose first states hang on the share of masks in their sentence."""
    folder = tmp_path_factory.mktemp("esm")
    special = tiny_models.BERT
    tokenizer = tiny_models.save_tokenizer(folder, tiny_models.word_piece(special), special)
    config = transformers.EsmConfig(
        **tiny_models._SMALL,
        **tiny_models._ids(tokenizer),
        vocab_size=len(tokenizer),
        mask_token_id=tokenizer.mask_token_id,
        position_embedding_type=request.param[0],
        token_dropout=request.param[1],
    )
    tiny_models.save_model(folder, transformers.AutoModelForMaskedLM, config)
    return folder


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_stands_between_keys_and_attention_is_found(protein, dtype):
    backend = MaskedLM(str(protein), device="cpu", dtype=dtype)
    assert fast_attention.is_installed(backend._runner._model), "else this test says nothing"
    sharing = backend._runner._model.config.position_embedding_type == "rotary"
    assert (backend._runner._head_only._sparse is not None) == sharing
    assert fold(backend) is None
    model = backend._runner._model
    tokenizer = transformers.AutoTokenizer.from_pretrained(protein)
    prompts = [ask("The man was a ", "nurse", tail) for tail in (".", " man.", " man and a man.")]
    found = [s.log_prob for s in fill(backend, prompts)]
    backend._runner._head_only.disable()
    model.set_attn_implementation("sdpa")
    for prompt, log_prob in zip(prompts, found, strict=True):
        text = f"{prompt.left}{tokenizer.mask_token}{prompt.right}"
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        place = ids[0].tolist().index(tokenizer.mask_token_id)
        with torch.inference_mode():
            logits = model(ids, attention_mask=torch.ones_like(ids)).logits[0, place].float()
        word = tokenizer.convert_tokens_to_ids(prompt.filler)
        expected = logits.log_softmax(0)[word].item()
        assert log_prob == pytest.approx(expected, abs=1e-5 if dtype == "float32" else 0.1)


def test_attention_that_is_switched_meanwhile_is_no_fold(tiny):
    """Whoever reads weights switches the attention of a model that others score with."""
    backend = MaskedLM(str(tiny("roberta")), device="cpu")
    expected = [s.log_prob for s in fill(backend, PROMPTS[:2])]
    model = backend._runner._model
    model.set_attn_implementation("eager")
    found = [s.log_prob for s in fill(backend, PROMPTS[:2])]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert fold(backend) is not None
    now = backend._runner._head_only._sparse._pass
    assert (now.columns, now.states) == (None, None)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_forgotten_mask_is_found_out(dtype, tiny, monkeypatch):
    monkeypatch.setattr(fast_attention, "apply_mask", lambda weights, _mask: weights)
    backend = MaskedLM(str(tiny("roberta")), device="cpu", dtype=dtype)
    assert fold(backend) is None
    if dtype == "bfloat16" and is_supported(torch.bfloat16):
        assert not fast_attention.is_installed(backend._runner._model)


def test_a_model_that_reads_padding_gets_none(tmp_path):
    """Its neighbours, padding among them, go into a convolution."""
    special = tiny_models.BERT
    tokenizer = tiny_models.save_tokenizer(tmp_path, tiny_models.word_piece(special), special)
    config = transformers.ConvBertConfig(
        **tiny_models._SMALL,
        **tiny_models._ids(tokenizer),
        vocab_size=len(tokenizer),
        embedding_size=32,
        head_ratio=2,
    )
    tiny_models.save_model(tmp_path, transformers.AutoModelForMaskedLM, config)
    backend = MaskedLM(str(tmp_path), device="cpu")
    prompts = [ask("The man was a ", "nurse", " and" * n + ".") for n in range(6)]
    together = [s.log_prob for s in fill(backend, prompts)]
    alone = [fill(backend, [prompt])[0].log_prob for prompt in prompts]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    pairs = [("The man was a nurse" + " and" * n, "The woman was a nurse") for n in range(4)]
    scorer = Sentences(backend)
    sums = [s.more for s in scorer.pairs(pairs)]
    each = [next(iter(scorer.pairs([pair]))).more for pair in pairs]
    np.testing.assert_allclose(sums, each, atol=1e-5)
    assert backend._runner._overhead == 0
    backend._runner._overhead = 32
    padded = [s.log_prob for s in fill(backend, prompts)]
    assert np.abs(np.subtract(padded, alone)).max() > 1e-3, "else this test says nothing"


def test_wrong_attention_is_found_out(tiny, scorer, monkeypatch):
    expected = [s.log_prob for s in fill(scorer("bert"), PROMPTS[:2])]
    attend = fast_attention._usual
    monkeypatch.setattr(fast_attention, "_usual", lambda *a, **o: (attend(*a, **o)[0] * 1.1, None))
    backend = MaskedLM(str(tiny("bert")), device="cpu")
    assert not fast_attention.is_installed(backend._runner._model)
    assert fold(backend) is None
    found = [s.log_prob for s in fill(backend, PROMPTS[:2])]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("architecture", [*tiny_models.ARCHITECTURES])
def test_loading_says_nothing(architecture, tiny, caplog, capfd):
    """Changing a model's attention has warnings of its own where a part of it cannot."""
    transformers.utils.logging.enable_propagation()
    try:
        MaskedLM(str(tiny(architecture)), device="cpu")
    finally:
        transformers.utils.logging.disable_propagation()
    assert [r.getMessage() for r in caplog.records if "attention" in r.getMessage()] == []
    assert "attention" not in capfd.readouterr().err
