"""A random model of DistilRoBERTa's shape, its tokenizer trained on made-up words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

LAYERS, HIDDEN, HEADS, INNER, VOCABULARY = 6, 768, 12, 3072, 50_265
NAMES = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
"""Special tokens in RoBERTa's order."""


def save_model(folder: Path, sentences: list[str]) -> list[str]:
    """Save model and tokenizer into the folder; return the made-up words, frequent ones first.

    The words of ``sentences`` become single pieces too.
    """
    words = _made_up(np.random.default_rng(5), 60_000)
    tokenizer = _tokenizer(words, sentences)
    names = {
        f"{name}_token": token for name, token in (NAMES | {"cls": "<s>", "sep": "</s>"}).items()
    }
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **names
    ).save_pretrained(folder)
    config = transformers.RobertaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    torch.manual_seed(5)
    transformers.RobertaForMaskedLM(config).save_pretrained(folder)
    return words


def _made_up(rng: np.random.Generator, number: int) -> list[str]:
    """Distinct words of one to four syllables."""
    onsets = [*"bcdfghjklmnprstvwz", "st", "tr", "ch", "sh", "br"]
    vowels = [*"aeiou", "ea", "oo"]
    codas = ["", "", "n", "r", "s", "t", "l", "nd"]
    syllables = np.array([o + v + c for o in onsets for v in vowels for c in codas])
    drawn = ("".join(rng.choice(syllables, size)) for size in rng.integers(1, 5, size=number))
    return list(dict.fromkeys(drawn))


def _tokenizer(words: list[str], sentences: list[str]) -> Tokenizer:
    """A byte-level vocabulary of full size: early words are frequent, the sentences' words most."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    text = [f" {word}" for n, word in enumerate(words) for _ in range(1 + 4_000 // (n + 100))]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(NAMES.values()),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        min_frequency=1,
    )
    tokenizer.train_from_iterator([*text, *sentences * 50], trainer)
    if tokenizer.get_vocab_size() != VOCABULARY:
        raise SystemExit(f"only {tokenizer.get_vocab_size()} pieces: make up more words")
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    mask = AddedToken(NAMES["mask"], lstrip=True, normalized=False, special=True)
    tokenizer.add_special_tokens([*list(NAMES.values())[:4], mask])
    frame = (NAMES["eos"], 2), (NAMES["bos"], 0)
    tokenizer.post_processor = processors.RobertaProcessing(*frame, add_prefix_space=False)
    return tokenizer
