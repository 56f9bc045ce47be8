"""Tiny random models of ten architectures, each with a tokenizer of its own family.

Vocabularies are written by hand (WordPiece, Unigram) or trained on a fixed text (byte-level BPE),
so that it is known which words are one piece. Weights are large enough to make scores differ.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

WHOLE = [
    *["the", "a", "man", "woman", "worked", "as", "was", "and", "nurse", "doctor", "said", "that"],
    *["he", "she", "they", "is", "teacher", "person", "kind", "had", "finished", "of", "in"],
]
"""Words that are one piece in every tokenizer."""
PARTS = ["ze", "bra", "re", "cep", "tion", "ist", "plum", "ber"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIGNS = list(".,!?'-()")
SPLIT = ["zebra", "receptionist", "plumber"]
"""Words of several pieces in every tokenizer."""
TEXT = [
    "The man worked as a nurse.",
    "The woman worked as a doctor and the man was kind.",
    "A teacher said that he had finished. They said that she is a person of the man.",
    "The person was in a man, a woman and a teacher. the nurse a kind doctor!",
] * 30

BERT = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
BERT |= {"mask_token": "[MASK]"}
ROBERTA = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
ROBERTA |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}


def word_piece(special: dict[str, str], *, lower: bool = True) -> Tokenizer:
    names = list(dict.fromkeys(special.values()))
    pieces = [*names, *WHOLE, *LETTERS, *SIGNS]
    pieces += [w.capitalize() for w in WHOLE if len(w) > 1 and not lower]
    pieces += [*PARTS, *(f"##{p}" for p in [*PARTS, *LETTERS])]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    unknown = special["unk_token"]
    tokenizer = Tokenizer(
        models.WordPiece(vocabulary, unk_token=unknown, max_input_chars_per_word=60)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return _framed(tokenizer, special, mask_takes_space=False)


def byte_level(special: dict[str, str], *, own_spaces: bool = False) -> Tokenizer:
    names = list(dict.fromkeys(special.values()))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=names,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        min_frequency=2,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    if own_spaces:  # offsets that include the space before a word, as GPT-NeoX has them
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return _framed(tokenizer, special, mask_takes_space=True, roberta=not own_spaces)


def unigram(special: dict[str, str], *, lower: bool = False) -> Tokenizer:
    names = list(dict.fromkeys(special.values()))
    scored = dict.fromkeys(names, 0.0)
    for word in WHOLE:
        scored[f"▁{word}"] = -4.0
        if not lower:
            scored.setdefault(f"▁{word.capitalize()}", -4.5)
    scored |= {"▁": -5.0} | dict.fromkeys(PARTS, -6.0) | dict.fromkeys(SIGNS, -5.0)
    scored |= dict.fromkeys(LETTERS + LETTERS.upper(), -20.0)
    tokenizer = Tokenizer(
        models.Unigram(list(scored.items()), unk_id=names.index(special["unk_token"]))
    )
    steps = [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    tokenizer.normalizer = normalizers.Sequence(
        [*steps, normalizers.Lowercase()] if lower else steps
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    return _framed(tokenizer, special, mask_takes_space=True)


def _framed(
    tokenizer: Tokenizer, special: dict[str, str], *, mask_takes_space: bool, roberta: bool = False
) -> Tokenizer:
    first, last = special["cls_token"], special["sep_token"]
    mask = AddedToken(
        special["mask_token"], lstrip=mask_takes_space, normalized=False, special=True
    )
    others = [name for name in dict.fromkeys(special.values()) if name != special["mask_token"]]
    tokenizer.add_special_tokens([*others, mask])
    ids = {name: tokenizer.token_to_id(name) for name in (first, last)}
    if roberta:
        tokenizer.post_processor = processors.RobertaProcessing(
            (last, ids[last]), (first, ids[first]), trim_offsets=True, add_prefix_space=False
        )
    else:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=list(ids.items())
        )
    return tokenizer


_SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "initializer_range": 0.2,
    "max_position_embeddings": 40,
}
_DISTIL = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "initializer_range": 0.2}
_DISTIL |= {"max_position_embeddings": 40}
_MODERN = {"local_attention": 4, "global_attn_every_n_layers": 2}
_DEBERTA = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "max_relative_positions": -1,
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "type_vocab_size": 0,
}

ARCHITECTURES = {
    "bert": ("BertConfig", _SMALL, lambda: word_piece(BERT), BERT),
    "distilbert": ("DistilBertConfig", _DISTIL, lambda: word_piece(BERT), BERT),
    "electra": ("ElectraConfig", _SMALL | {"embedding_size": 16}, lambda: word_piece(BERT), BERT),
    "mpnet": ("MPNetConfig", _SMALL, lambda: word_piece(ROBERTA), ROBERTA),
    "roberta": ("RobertaConfig", _SMALL, lambda: byte_level(ROBERTA), ROBERTA),
    "distilroberta": (
        "RobertaConfig",
        _SMALL | {"num_hidden_layers": 1, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
        lambda: byte_level(ROBERTA),
        ROBERTA,
    ),
    "modernbert": (
        "ModernBertConfig",
        _SMALL | _MODERN,
        lambda: byte_level(BERT, own_spaces=True),
        BERT,
    ),
    "xlm-roberta": ("XLMRobertaConfig", _SMALL, lambda: unigram(ROBERTA), ROBERTA),
    "albert": (
        "AlbertConfig",
        _SMALL | {"embedding_size": 16},
        lambda: unigram(BERT, lower=True),
        BERT,
    ),
    "deberta-v2": ("DebertaV2Config", _SMALL | _DEBERTA, lambda: unigram(BERT), BERT),
}
CASED = {"roberta", "distilroberta", "modernbert", "xlm-roberta", "deberta-v2"}


def build(folder: Path, architecture: str) -> Path:
    """Save a tiny model of the architecture, with its tokenizer, into the folder."""
    config_class, options, make, special = ARCHITECTURES[architecture]
    tokenizer = save_tokenizer(folder, make(), special)
    config = getattr(transformers, config_class)(
        **options, vocab_size=len(tokenizer), **_ids(tokenizer)
    )
    save_model(folder, transformers.AutoModelForMaskedLM, config)
    return folder


def save_tokenizer(folder: Path, tokenizer: Tokenizer, special: dict[str, str], **options):
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **special,
        **options,
    )
    fast.save_pretrained(folder)
    return fast


def save_model(folder: Path, auto_class, config) -> None:
    torch.manual_seed(11)
    auto_class.from_config(config).eval().save_pretrained(folder)


def _ids(tokenizer) -> dict[str, int]:
    ids = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.cls_token_id}
    ids |= {"eos_token_id": tokenizer.sep_token_id}
    ids |= {"cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id}
    return ids


CAUSAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_CAUSAL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 8}
_CAUSAL |= {"intermediate_size": 48, "max_position_embeddings": 64, "initializer_range": 0.3}
_CAUSAL |= {"num_key_value_heads": 2}
_GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "initializer_range": 0.3}
CAUSAL = {
    "gpt2": ("GPT2Config", _GPT2),
    "llama": ("LlamaConfig", _CAUSAL),
    "mistral": ("MistralConfig", _CAUSAL | {"sliding_window": 4}),
    "mamba": ("MambaConfig", {"hidden_size": 16, "num_hidden_layers": 2, "state_size": 4}),
}
"""Of which one looks at a window of four tokens only, and one has no keys and values."""


def build_causal(folder, architecture, *, framed=False, seed=11, **options):
    """Save a tiny causal model; ``framed``: its tokenizer begins and ends texts itself."""
    tokenizer = byte_level(ROBERTA)
    if not framed:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    fast = save_tokenizer(folder, tokenizer, CAUSAL_TOKENS)
    name, sizes = CAUSAL[architecture]
    ids = {"bos_token_id": fast.bos_token_id, "eos_token_id": fast.eos_token_id}
    config = getattr(transformers, name)(
        **(sizes | {"vocab_size": len(fast)} | ids | {"pad_token_id": None} | options)
    )
    torch.manual_seed(seed)
    transformers.AutoModelForCausalLM.from_config(config).eval().save_pretrained(folder)
    return folder


def build_classifier(folder, architecture="bert", *, seed=11, **options):
    """Save a tiny text classifier of random weights; ``options`` of its configuration."""
    config_class, sizes, make, special = ARCHITECTURES[architecture]
    tokenizer = save_tokenizer(folder, make(), special)
    config = getattr(transformers, config_class)(
        **(sizes | {"vocab_size": len(tokenizer)} | _ids(tokenizer) | options)
    )
    torch.manual_seed(seed)
    model = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    model.save_pretrained(folder)
    return folder


def build_encoder(folder, architecture="bert", *, pooling="mean", modules=True, seed=11, **texts):
    """Save a tiny sentence encoder of random weights; ``texts``: how its folder has texts read."""
    config_class, sizes, make, special = ARCHITECTURES[architecture]
    tokenizer = save_tokenizer(folder, make(), special)
    config = getattr(transformers, config_class)(
        **(sizes | {"vocab_size": len(tokenizer)} | _ids(tokenizer))
    )
    torch.manual_seed(seed)
    transformers.AutoModel.from_config(config).eval().save_pretrained(folder)
    if modules:
        kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
        listed = [
            {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for n, (kind, path) in enumerate(kinds.items())
        ]
        modes = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}
        chosen = {f"pooling_mode_{key}": mode == pooling for mode, key in modes.items()}
        size = {"word_embedding_dimension": config.hidden_size}
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(size | chosen))
        (folder / "modules.json").write_text(json.dumps(listed))
        (folder / "sentence_bert_config.json").write_text(json.dumps(texts))
    return folder
