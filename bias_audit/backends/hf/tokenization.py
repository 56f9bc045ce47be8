"""Finds the pieces of a word inside its sentence, for any fast tokenizer."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bias_audit.backends.hf.words import belongs_to_word, derive_words, separate_unspaced
from bias_audit.errors import ModelLoadError

_SPACE_MARKS = ("\u0120", "\u2581", " ")
"""How byte-level, SentencePiece and plain vocabularies write the space before a word."""
_PART = "\ufffd"
"""What a part of a character's bytes is read as."""
_CHUNK = 2048
_STAND_INS, _LETTERS = 8, 3
"""Words of the vocabulary that are tried in a masked place to learn what stands around it, and
letters that they have where that can be."""
_REACH, _MOST_LOST = 4096, 0.1
"""Words, spread over the vocabulary, of which the tokenizer is asked whether it ever makes them;
and the share that it may miss without a notice."""
_NO_WORDS = (
    "the tokenizer does not say where words end: measures within a word go by white space and signs"
)


Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """A sentence as pieces."""

    ids: tuple[int, ...] = ()
    added: tuple[bool, ...] = ()
    """True for the special pieces that the tokenizer itself puts around a sentence."""
    offsets: tuple[tuple[int, int], ...] = ()
    tokens: tuple[str, ...] = ()
    words: tuple[int | None, ...] = ()
    """Number of the word that each piece belongs to, as the tokenizer splits words, or by white
    space and signs where it does not; in scripts without spaces each piece is a word."""
    trouble: str = ""
    """Why the sentence cannot be scored; empty when it can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A sentence with one masked place."""

    ids: tuple[int, ...] = ()
    position: int = 0
    """Of the mask."""
    list: int = 0
    """Which of :attr:`Encoder.word_lists` holds the words that can stand there."""
    trouble: str = ""
    """Why the sentence cannot be scored; empty when it can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WordList:
    """Pieces that are words, or begin one, in one kind of place."""

    pieces: NDArray[np.int64]
    places: NDArray[np.int64]
    """Where each stands in :attr:`Encoder.words`."""


@contextlib.contextmanager
def refuse_panics() -> Iterator[None]:
    """Refuse a tokenizer whose code panics: that is no ``Exception``, and its file is at fault.

    Raises:
        ModelLoadError: in place of the panic.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ModelLoadError(
            f"the tokenizer breaks off: {str(error)[:200]}",
            hint="its file contradicts itself; save it again with save_pretrained",
        ) from None


class _Backend:
    """The tokenizer's own methods, whose panics are errors."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._tokenizer, name)
        return refuse_panics()(method) if callable(method) else method


class Encoder:
    """A tokenizer asked about sentences, whatever the spelling of its vocabulary."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._backend = _Backend(tokenizer.backend_tokenizer)
        self._backend.no_truncation()
        self._backend.no_padding()
        self.mask_token: str | None = tokenizer.mask_token
        self.mask_id: int = -1 if tokenizer.mask_token_id is None else tokenizer.mask_token_id
        """-1 where there is none."""
        self.unknown_id: int | None = tokenizer.unk_token_id
        self.pad_id: int = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        added = tokenizer.added_tokens_decoder
        self._special = {i for i, token in added.items() if token.special}
        self._special |= set(tokenizer.all_special_ids)
        self._sane: dict[tuple[tuple[int, ...], str], bool] = {}

    def encode(self, texts: Iterable[str]) -> dict[str, Encoding]:
        """Encode distinct texts; one that spells out a special token has ``trouble``."""
        fine: list[str] = []
        result: dict[str, Encoding] = {}
        for text in dict.fromkeys(texts):
            if _is_utf8(text):
                fine.append(text)
            else:
                result[text] = Encoding(
                    trouble="the sentence holds half a character (a lone surrogate)"
                )
        for first in range(0, len(fine), _CHUNK):
            chunk = fine[first : first + _CHUNK]
            for text, encoding in zip(chunk, self._backend.encode_batch(chunk), strict=True):
                result[text] = self._check(text, encoding)
        return result

    def _check(self, text: str, encoding: Any) -> Encoding:
        """Refuse special tokens that came from the text, and characters outside the vocabulary."""
        ids = tuple(encoding.ids)
        added = tuple(map(bool, encoding.special_tokens_mask))
        own = [i for i, by_tokenizer in zip(ids, added, strict=True) if not by_tokenizer]
        strange = [
            i for i in own if i in self._special and i not in (self.mask_id, self.unknown_id)
        ]
        trouble = ""
        if strange:
            name = self._tokenizer.convert_ids_to_tokens(strange[0])
            trouble = f"the sentence spells out the model's special token {name!r}"
        elif self.mask_id in own:
            trouble = f"the sentence spells out the mask token {self.mask_token!r} itself"
        sentence = Encoding(
            ids=ids,
            added=added,
            offsets=tuple(encoding.offsets),
            tokens=tuple(encoding.tokens),
            words=tuple(encoding.word_ids),
            trouble=trouble,
        )
        ranges = _visible(text, sentence)
        words = sentence.words if self.splits_words else derive_words(text, ranges, added)
        return replace(sentence, words=separate_unspaced(text, ranges, words))

    def span(self, text: str, encoded: Encoding, begin: int, end: int) -> tuple[range, str]:
        """Return the positions of the tokens of ``text[begin:end]``, or why it has none."""
        word = text[begin:end]
        ranges = _visible(text, encoded)
        inside = [n for n, (s, e) in enumerate(ranges) if s < e and s < end and e > begin]
        if not inside:
            return range(0), f"the tokenizer has no piece for {word!r}"
        for n in inside:
            if ranges[n][0] < begin or ranges[n][1] > end:
                piece = encoded.tokens[n]
                return range(0), f"the piece {piece!r} runs across the border of {word!r}"
        start, stop = inside[0], inside[-1] + 1
        start -= self._owns_space_before(encoded, ranges, start)
        ids = encoded.ids[start:stop]
        if self.unknown_id is not None and self.unknown_id in ids:
            return range(0), f"{word!r} holds characters that the model's vocabulary lacks"
        if not self._reads_back(ids, word):
            seen = self._backend.decode(list(ids), skip_special_tokens=False).strip()
            return range(0), f"the tokenizer turns {word!r} into {seen!r}"
        return range(start, stop), ""

    def _owns_space_before(
        self, encoded: Encoding, ranges: Sequence[tuple[int, int]], start: int
    ) -> bool:
        """Whether the piece before the word is a lone space that spells the word's beginning.

        SentencePiece may write " zebra" as "▁", "ze", "bra": the "▁" says that a word of these
        pieces begins, and left in the context it would tell the model so.
        """
        if start == 0 or encoded.added[start - 1] or ranges[start - 1][0] < ranges[start - 1][1]:
            return False
        lone = encoded.tokens[start - 1]
        return (
            lone.startswith(_SPACE_MARKS)
            and lone.strip("".join(_SPACE_MARKS)) == ""
            and not encoded.tokens[start].startswith(_SPACE_MARKS)
        )

    def _reads_back(self, ids: tuple[int, ...], word: str) -> bool:
        """Whether the pieces spell the word, up to case and spacing."""
        key = (ids, word)
        if key not in self._sane:
            seen = self._backend.decode(list(ids), skip_special_tokens=False)
            self._sane[key] = _bare(seen) == _bare(word)
        return self._sane[key]

    def knows_all(self, text: Encoding | Gap) -> bool:
        """Whether no part of the sentence fell to the unknown token."""
        return self.unknown_id is None or self.unknown_id not in text.ids

    def completion(self, piece: int) -> str:
        """One piece as text, without the space around it."""
        return str(self._tokenizer.decode([piece])).strip()

    def gap_text(self, left: str, right: str) -> str:
        """Return the sentence with the first stand-in at the masked place."""
        return f"{left}{next(iter(self._stand_ins), '')}{right}"

    def gap(self, left: str, right: str, encoded: Encoding) -> Gap:
        """Put one mask where a word would stand.

        A tokenizer that reads the mask token itself may put a stray space before or after it, so
        the sentence is read with a word there, as it is where that word is scored.

        Args:
            left: text before the place.
            right: text after it.
            encoded: of :meth:`gap_text`.
        """
        for word in self._stand_ins:
            text = f"{left}{word}{right}"
            sentence = encoded if word == self._stand_ins[0] else self.encode([text])[text]
            if sentence.trouble:
                return Gap(trouble=sentence.trouble)
            positions, trouble = self.span(text, sentence, len(left), len(left) + len(word))
            if not trouble:
                first, stop = positions.start, positions.stop
                return Gap(
                    ids=(*sentence.ids[:first], self.mask_id, *sentence.ids[stop:]),
                    position=first,
                    list=int(self._writes_unspaced and sentence.ids[first] in self._unspaced_ids),
                )
        if not self._stand_ins:
            return Gap(trouble="the model's vocabulary holds no whole word")
        return Gap(trouble="a word at the mask runs into the text around it")

    @property
    def notices(self) -> tuple[str, ...]:
        """What the reader should know of the tokenizer."""
        notices = [] if self.splits_words else [_NO_WORDS]
        return (*notices, *self._misfit())

    def _misfit(self) -> Iterator[str]:
        """Say so where the tokenizer and the vocabulary were not made for each other."""
        known = list(zip(self.word_lists[0].pieces.tolist(), self.words, strict=True))
        sample = known[:: -(-len(known) // _REACH)] if known else []
        twice = [f"{text} {text}" for _, text in sample]
        encodings = self._backend.encode_batch(twice, add_special_tokens=False)
        pairs = zip(sample, encodings, strict=True)
        lost = [text for (i, text), encoding in pairs if encoding.ids[-1:] != [i]]
        if sample and len(lost) > _MOST_LOST * len(sample):
            example = next((text for text in lost if text != text.lower()), lost[0])
            yield (
                f"the tokenizer can never produce {len(lost) / len(sample):.0%} of the words in the"
                f" model's vocabulary (it reads '{example}' as '{self._read(example)}'): its"
                " settings, such as making capitals small, may be those of another model"
            )
        small = [word for word in self._stand_ins if word != word.capitalize()]
        capitals = any(text != text.lower() for _, text in known)
        if small and not capitals and self._read(small[0].capitalize()) != self._read(small[0]):
            yield (
                "the model's vocabulary has no word with a capital letter, but the tokenizer keeps"
                f" capitals: it reads '{small[0].capitalize()}' as"
                f" '{self._read(small[0].capitalize())}'"
            )

    def _read(self, text: str) -> str:
        """The pieces of a text, as the vocabulary spells them."""
        return " ".join(self._plain(text).tokens)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The texts of the whole words, in the order of the ids of those after a space."""
        return tuple(text for _, text in self._pieces[0])

    @cached_property
    def word_lists(self) -> tuple[WordList, ...]:
        """The pieces that are words after a space; and those after none, if they differ.

        The second list holds the same words as the first, as far as the vocabulary spells them
        without a space too: at the beginning of a sentence or after a quotation mark.
        """
        spaced, unspaced, _ = self._pieces
        lists = [WordList(pieces=_ids(i for i, _ in spaced), places=np.arange(len(spaced)))]
        if self._writes_unspaced:
            index = {text: n for n, text in reversed([*enumerate(self.words)])}
            both = [(i, index[text]) for i, text in unspaced if text in index]
            lists.append(WordList(pieces=_ids(i for i, _ in both), places=_ids(n for _, n in both)))
        return tuple(lists)

    def first_pieces(self, which: int) -> tuple[Ids, tuple[str, ...]]:
        """Return the pieces that begin a word in a place of :attr:`word_lists`, and their texts."""
        pairs = self._pieces[1] if which else self._pieces[0]
        return _ids(i for i, _ in pairs), tuple(text for _, text in pairs)

    @property
    def onward_pieces(self) -> Ids:
        """Every piece that continues a word: by letters, digits, marks or a part of a character."""
        return _ids(sorted([*self._unspaced_ids, *self._pieces[2]]))

    @cached_property
    def _pieces(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]], list[int]]:
        """The alphabetic pieces that begin a word after a space, and the others, in id order.

        The third are pieces that continue a word by more than letters.

        Found by decoding each piece after a known word: only a piece that starts a new word is set
        apart by a space. That holds for WordPiece, byte-level and SentencePiece vocabularies alike.
        """
        ids = sorted(set(self._tokenizer.get_vocab().values()) - self._special)
        anchor = self._anchor(ids)
        alone = self._backend.decode([anchor], skip_special_tokens=False).lstrip()
        spaced: list[tuple[int, str]] = []
        unspaced: list[tuple[int, str]] = []
        mixed: list[int] = []
        for first in range(0, len(ids), _CHUNK):
            chunk = ids[first : first + _CHUNK]
            pairs = [[anchor, i] for i in chunk]
            texts = self._backend.decode_batch(pairs, skip_special_tokens=False)
            for i, text in zip(chunk, texts, strict=True):
                rest = text.lstrip().removeprefix(alone)
                if rest.startswith(" ") and rest[1:].isalpha():
                    spaced.append((i, rest[1:]))
                elif rest and text.lstrip().startswith(alone):
                    if rest.isalpha():
                        unspaced.append((i, rest))
                    elif rest[0] == _PART or belongs_to_word(rest[0]):
                        mixed.append(i)
        return spaced, unspaced, mixed

    @cached_property
    def _stand_ins(self) -> tuple[str, ...]:
        """A few words of the vocabulary that are one piece after another word, long ones first."""
        known = dict(self._pieces[0])
        found: list[str] = []
        for text in sorted(dict.fromkeys(known.values()), key=lambda text: len(text) < _LETTERS):
            ids = self._plain(f"{text} {text}").ids
            if ids and known.get(ids[-1]) == text:
                found.append(text)
            if len(found) == _STAND_INS:
                break
        return tuple(found)

    @cached_property
    def _unspaced_ids(self) -> frozenset[int]:
        return frozenset(i for i, _ in self._pieces[1])

    @cached_property
    def _writes_unspaced(self) -> bool:
        """Whether a word after a bracket begins with another piece than after a space."""
        texts = [f"({word})" for word in self._stand_ins]
        for text, sentence in self.encode(texts).items():
            positions, trouble = self.span(text, sentence, 1, len(text) - 1)
            if not trouble:
                return sentence.ids[positions.start] in self._unspaced_ids
        return False

    @cached_property
    def splits_words(self) -> bool:
        """Whether the tokenizer says where words end: not if two of them have one number."""
        text = " ".join(self._stand_ins)
        encoding = self._plain(text)
        ranges = [_trim(text, *offsets) for offsets in encoding.offsets]
        derived = derive_words(text, ranges, [False] * len(ranges))
        pairs = set(zip(encoding.word_ids, derived, strict=True))
        return len({own for own, _ in pairs}) == len(pairs) and None not in encoding.word_ids

    def _plain(self, text: str) -> Any:
        """A text of ours without special tokens around it."""
        return self._backend.encode(text, add_special_tokens=False)

    def _anchor(self, ids: Sequence[int]) -> int:
        """A piece that is a visible word start, to set other pieces after."""
        for text in ("a", "the", "1", "."):
            pieces = self._plain(text).ids
            if len(pieces) == 1 and pieces[0] not in self._special:
                return int(pieces[0])
        return ids[len(ids) // 2]


def _ids(numbers: Iterable[int]) -> Ids:
    return np.fromiter(numbers, dtype=np.int64)


def _visible(text: str, encoded: Encoding) -> list[tuple[int, int]]:
    """Character ranges of the pieces without spaces around them; empty for added and blank ones."""
    ranges = []
    first = True
    for (s, e), added in zip(encoded.offsets, encoded.added, strict=True):
        if added:
            ranges.append((0, 0))
            continue
        # A tokenizer that puts a space before the sentence and then trims offsets counts that space
        # and reports the first piece one character late.
        ranges.append(_trim(text, 0 if first else s, max(s, e)))
        first = False
    return ranges


def _trim(text: str, begin: int, end: int) -> tuple[int, int]:
    """The range without the spaces at its ends."""
    while begin < end and text[begin].isspace():
        begin += 1
    while begin < end and text[end - 1].isspace():
        end -= 1
    return begin, end


def _bare(text: str) -> str:
    """Text without case and spacing; composed and decomposed accents are the same text."""
    return unicodedata.normalize("NFC", "".join(text.split()).casefold())


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
