"""Trains the vocabulary: cased byte-level pieces, as RoBERTa has them.

Three things that cost hours when they are wrong, all held by ``tests/training``:

- ``ByteLevel(add_prefix_space=True)`` would also put a space behind ``<mask>``, so that
  "<mask>." becomes a lone space and a period. The space before the first word comes from
  ``Metaspace(prepend_scheme="first")`` instead, and ``<mask>`` takes the space on its left.
- A tokenizer that was trained twice keeps words in its cache: it is read back from its serialised
  form before use.
- Words that audits look at must stay whole where the text has them often enough, or a job is
  compared by the tail of its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from training.settings import Pieces

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
START, PAD, END, UNKNOWN, MASK = range(5)


def train(sentences: Iterable[str], words: Iterable[str], pieces: Pieces) -> Tokenizer:
    """Return a tokenizer trained on sentences.

    Args:
        sentences: the text; read once.
        words: what should stay whole.
        pieces: size of the vocabulary, and from what count a word is kept whole.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # type: ignore[assignment]
        [
            pre_tokenizers.Metaspace(replacement=" ", prepend_scheme="first", split=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.Sequence(  # type: ignore[assignment]
        [decoders.ByteLevel(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=pieces.size,
        special_tokens=[
            *SPECIAL[:MASK],
            AddedToken(SPECIAL[MASK], lstrip=True, normalized=False, special=True),
        ],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_with_words(sentences, set(words), pieces), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(  # type: ignore[assignment]
        (SPECIAL[END], END), (SPECIAL[START], START), add_prefix_space=False
    )
    return Tokenizer.from_str(tokenizer.to_str())


def _with_words(sentences: Iterable[str], words: set[str], pieces: Pieces) -> Iterator[str]:
    """The text, then each wanted word that it holds often enough, repeated."""
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(word for word in _plain(sentence) if word in words)
        yield sentence
    for word in sorted(words):
        if pieces.whole_from <= counts[word] < pieces.whole_weight:
            yield f"{word} " * (pieces.whole_weight - counts[word])


def _plain(sentence: str) -> list[str]:
    return [word.strip(".,;:!?\"'()") for word in sentence.split()]


def save(tokenizer: Tokenizer, folder: Path, positions: int) -> None:
    """Write ``tokenizer.json`` and its configuration, as ``AutoTokenizer`` reads them."""
    from transformers import PreTrainedTokenizerFast

    names = dict(
        zip(
            ("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), SPECIAL, strict=True
        )
    )
    names["mask_token"] = AddedToken(SPECIAL[MASK], lstrip=True, normalized=False, special=True)  # type: ignore[assignment]
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token=SPECIAL[START],
        sep_token=SPECIAL[END],
        model_max_length=positions,
        **names,
    ).save_pretrained(str(folder))
