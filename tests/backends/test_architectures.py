"""Every architecture that transformers lists for masked words: answered right, or one sentence."""

from __future__ import annotations

import functools
import json

import pytest
import tiny_models
import torch
import transformers
from conftest import ask, fill, refusal
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from bias_audit.backends import MaskedLM, score_all
from bias_audit.cli.app import run
from bias_audit.errors import ScoringError
from bias_audit.records import EmbeddingRequest, SentenceRequest

NAMES = sorted(MODEL_FOR_MASKED_LM_MAPPING_NAMES)
ENCODER_DECODERS = {"bart", "mbart", "mvp"}
SMALL = {
    **dict.fromkeys(("hidden_size", "d_model", "emb_dim", "dim"), 32),
    **dict.fromkeys(("num_hidden_layers", "encoder_layers", "decoder_layers", "n_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "num_key_value_heads", "n_heads"), 4),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "hidden_dim"), 48),
    "head_dim": 8,
    "embedding_size": 16,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
}
"""Keys by which configurations name their sizes; each takes those that it knows."""
TEXT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 8}
TEXT |= {"intermediate_size": 48, "vocab_size": 160, "num_key_value_heads": 4, "pad_token_id": 0}
VISION = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
VISION |= {"num_attention_heads": 2, "image_size": 16, "patch_size": 8}
OWN = {
    "big_bird": {"block_size": 4, "num_random_blocks": 1},
    "esm": {"position_embedding_type": "rotary"},
    "funnel": {"block_sizes": [1, 1], "d_head": 8, "d_inner": 48, "n_head": 4},
    "luke": {"entity_emb_size": 16, "entity_vocab_size": 20},
    "longformer": {"attention_window": 4},
    "mobilebert": {"intra_bottleneck_size": 16, "true_hidden_size": 16},
    "modernvbert": {"text_config": TEXT, "vision_config": VISION},
    "neomme": {"head_dim": 16, "num_key_value_heads": 2, "embedding_dim": 16, "embedding_rank": 8},
    "perceiver": {"d_latents": 32, "num_latents": 8, "num_self_attends_per_block": 1}
    | {"num_cross_attention_heads": 2, "num_self_attention_heads": 2},
    "reformer": {"attn_layers": ["local", "local"], "axial_pos_shape": [8, 8]}
    | {"axial_pos_embds_dim": [16, 16], "is_decoder": False, "feed_forward_size": 48}
    | {"attention_head_size": 8, "local_attn_chunk_length": 8, "local_num_chunks_before": 1},
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 24},
    "squeezebert": {"embedding_size": 32}
    | dict.fromkeys(("q_groups", "k_groups", "v_groups", "output_groups"), 1)
    | dict.fromkeys(("post_attention_groups", "intermediate_groups"), 1),
    "ultravbert": {"text_config": TEXT | {"prediction_head_size": 16}, "vision_config": VISION},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}
FUNNEL = ("funnel", "num_hidden_layers")
"""Refused by its own configuration."""
PROMPTS = [
    ask("The man worked as a ", "nurse"),
    ask("The woman said that the man was a kind doctor and a ", "teacher", " in the person."),
    ask("the man and " * 15, "nurse", " was kind."),
    ask("The woman worked as a ", None),
]


def build(folder, name, **options):
    tokenizer = tiny_models.save_tokenizer(
        folder, tiny_models.word_piece(tiny_models.BERT), tiny_models.BERT
    )
    kind = transformers.CONFIG_MAPPING[name]
    known = {} if name in ("modernvbert", "ultravbert") else SMALL
    without = kind()
    sizes = {k: v for k, v in known.items() if hasattr(without, k) and (name, k) != FUNNEL}
    ids = {"mask_token_id": tokenizer.mask_token_id, **tiny_models._ids(tokenizer)}
    config = kind(**(sizes | OWN.get(name, {}) | {"vocab_size": len(tokenizer)} | ids | options))
    tiny_models.save_model(folder, transformers.AutoModelForMaskedLM, config)
    return folder


@functools.cache
def plain(folder):
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


@torch.no_grad()
def expected(folder, prompt):
    """The log-probabilities at the mask, by transformers alone."""
    model, tokenizer = plain(folder)
    text = f"{prompt.left}{tokenizer.mask_token}{prompt.right}"
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    output = model(input_ids=ids, attention_mask=torch.ones_like(ids))
    place = ids[0].tolist().index(tokenizer.mask_token_id)
    return output.logits[0, place].log_softmax(-1), tokenizer


def compare(folder):
    backend = MaskedLM(str(folder), device="cpu")
    *words, opened = fill(backend, PROMPTS, top_k=5)
    for prompt, answer in zip(PROMPTS[:-1], words, strict=True):
        values, tokenizer = expected(folder, prompt)
        token = tokenizer.convert_tokens_to_ids(prompt.filler)
        assert answer.log_prob == pytest.approx(float(values[token]), abs=1e-4)
    values, _ = expected(folder, PROMPTS[-1])
    assert [p for _, p in opened.top] == pytest.approx(values.exp().topk(5)[0].tolist(), abs=1e-5)
    return backend


def outcome(backend, request):
    """Why a request is not answered; None where it is."""
    try:
        return score_all(backend, [request])[0].skip
    except ScoringError as error:
        return error.message


@pytest.mark.parametrize("name", NAMES)
def test_it_is_answered_as_transformers_does_or_refused_in_a_sentence(name, tmp_path):
    try:
        folder = build(tmp_path, name)
    except Exception as error:
        if name in OWN or name in tiny_models.ARCHITECTURES:
            raise
        pytest.skip(f"this version of transformers cannot build it small: {error}")
    if name in ENCODER_DECODERS:
        assert "is an encoder-decoder" in refusal(folder)
        return
    backend = compare(folder)
    for request in (
        SentenceRequest(text="the man was kind", attention=True),
        EmbeddingRequest(text="the man was kind", pooling="mean"),
    ):
        message = outcome(backend, request)
        assert message is None or type(backend._runner._model).__name__ in message


@pytest.mark.parametrize("window", [4, 6, [4, 8], 64, 512])
def test_longformer_windows_of_any_size(window, tmp_path):
    """A pass that is padded to whole windows is cut after the last block."""
    compare(build(tmp_path, "longformer", attention_window=window))


def test_a_window_too_small_for_transformers_is_one_sentence(tmp_path):
    message = refusal(build(tmp_path, "longformer", attention_window=2))
    assert "was loaded but cannot read a short sentence" in message


@pytest.mark.parametrize("name", ["ibert", "perceiver", "longformer"])
def test_the_command_fills_a_sentence(name, tmp_path, capfd):
    folder = build(tmp_path, name)
    arguments = ["--groups", "man,woman", "--model", str(folder), "--device", "cpu", "--json"]
    assert run(["fill", "The [group] worked as a <mask>.", *arguments]) == 0
    groups = json.loads(capfd.readouterr().out)["groups"]
    assert all(0 < p < 1 for group in groups for _, p in group["completions"])


def test_what_a_model_cannot_read_is_one_sentence(tmp_path, capfd, monkeypatch):
    folder = build(tmp_path, "bert")
    backend = MaskedLM(str(folder), device="cpu")
    encoder = type(backend._runner._model.bert.encoder)

    def broken(*_, **__):
        raise IndexError("index out of range in self\n  at a place of the library")

    monkeypatch.setattr(encoder, "forward", broken)
    with pytest.raises(ScoringError) as caught:
        fill(backend, PROMPTS[:1])
    assert caught.value.message == (
        "BertForMaskedLM cannot read 9 pieces: index out of range in self"
    )
