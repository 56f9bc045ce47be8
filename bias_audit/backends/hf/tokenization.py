"""Finds the pieces of a word inside its sentence, for any fast tokenizer."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_SPACE_MARKS = ("\u0120", "\u2581", " ")
"""How byte-level, SentencePiece and plain vocabularies write the space before a word."""
_CHUNK = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """A sentence as pieces."""

    ids: tuple[int, ...] = ()
    added: tuple[bool, ...] = ()
    """True for the special pieces that the tokenizer itself puts around a sentence."""
    offsets: tuple[tuple[int, int], ...] = ()
    tokens: tuple[str, ...] = ()
    words: tuple[int | None, ...] = ()
    """Number of the word that each piece belongs to, as the tokenizer splits words."""
    trouble: str = ""
    """Why the sentence cannot be scored; empty when it can."""


class Encoder:
    """A tokenizer asked about sentences, whatever the spelling of its vocabulary."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._backend = tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()
        self.mask_token: str = tokenizer.mask_token
        self.mask_id: int = tokenizer.mask_token_id
        self.unknown_id: int | None = tokenizer.unk_token_id
        self.pad_id: int = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        added = tokenizer.added_tokens_decoder
        self._special = {i for i, token in added.items() if token.special}
        self._special |= set(tokenizer.all_special_ids)
        self._sane: dict[tuple[tuple[int, ...], str], bool] = {}

    def encode(self, texts: Iterable[str], *, masks: int) -> dict[str, Encoding]:
        """Encode distinct texts.

        Each must hold exactly ``masks`` mask tokens and no text of another special token, else
        it has ``trouble``.
        """
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
                result[text] = self._check(encoding, masks)
        return result

    def _check(self, encoding: Any, masks: int) -> Encoding:
        """Refuse special tokens that came from the text, and characters outside the vocabulary."""
        ids = tuple(encoding.ids)
        added = tuple(map(bool, encoding.special_tokens_mask))
        own = [i for i, by_tokenizer in zip(ids, added, strict=True) if not by_tokenizer]
        strange = [
            i for i in own if i in self._special and i not in (self.mask_id, self.unknown_id)
        ]
        masked = own.count(self.mask_id)
        trouble = ""
        if strange:
            name = self._tokenizer.convert_ids_to_tokens(strange[0])
            trouble = f"the sentence spells out the model's special token {name!r}"
        elif masked != masks:
            trouble = (
                f"the sentence spells out the mask token {self.mask_token!r} itself"
                if masked > masks
                else f"the mask token {self.mask_token!r} was swallowed by the text around it"
            )
        return Encoding(
            ids=ids,
            added=added,
            offsets=tuple(encoding.offsets),
            tokens=tuple(encoding.tokens),
            words=tuple(encoding.word_ids),
            trouble=trouble,
        )

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

    def knows_all(self, encoded: Encoding) -> bool:
        """Whether no part of the sentence fell to the unknown token."""
        return self.unknown_id is None or self.unknown_id not in encoded.ids

    def completion(self, piece: int) -> str:
        """One piece as text, without the space around it."""
        return str(self._tokenizer.decode([piece])).strip()

    @cached_property
    def word_pieces(self) -> tuple[tuple[int, str], ...]:
        """The pieces that start a word and are alphabetic, with their text, in id order.

        Found by decoding each piece after a known word: only a piece that starts a new word is set
        apart by a space. That holds for WordPiece, byte-level and SentencePiece vocabularies alike.
        """
        size = max(self._tokenizer.get_vocab().values()) + 1
        ids = sorted(set(self._tokenizer.get_vocab().values()) - self._special)
        anchor = self._anchor(ids)
        before = self._backend.decode([anchor], skip_special_tokens=False).lstrip() + " "
        pieces = []
        for first in range(0, size, _CHUNK):
            chunk = ids[first : first + _CHUNK]
            pairs = [[anchor, i] for i in chunk]
            texts = self._backend.decode_batch(pairs, skip_special_tokens=False)
            for i, text in zip(chunk, texts, strict=True):
                apart, rest = text.lstrip().startswith(before), text.lstrip()[len(before) :]
                if apart and rest.isalpha():
                    pieces.append((i, rest))
        return tuple(pieces)

    def _anchor(self, ids: Sequence[int]) -> int:
        """A piece that is a visible word start, to set other pieces after."""
        for text in ("a", "the", "1", "."):
            pieces = self._backend.encode(text, add_special_tokens=False).ids
            if len(pieces) == 1 and pieces[0] not in self._special:
                return int(pieces[0])
        return ids[len(ids) // 2]


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
