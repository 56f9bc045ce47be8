"""Say which pieces of a sentence make up a word, where the tokenizer itself does not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

Ranges = Sequence[tuple[int, int]]
"""Characters of each piece without the spaces around them; empty for one that shows none."""
Words = tuple[int | None, ...]
"""Number of the word of each piece; None for a special one."""

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese letters: words stand without white space."""


def derive_words(text: str, ranges: Ranges, added: Sequence[bool]) -> Words:
    """Number the words of a text as runs of letters or of signs, and place each piece in one.

    A piece belongs to the run in which it begins; one that shows nothing, such as a lone space, to
    the run of the piece after it.
    """
    runs: list[int] = []
    number = -1
    for kind, characters in groupby(text, key=_kind):
        number += kind != "space"
        runs += [number] * len(list(characters))
    words: list[int | None] = []
    following: int | None = None
    for (begin, end), special in zip(reversed(ranges), reversed(added), strict=True):
        if special:
            following = None
        elif begin < end:
            following = runs[begin]
        words.append(following)
    return tuple(reversed(words))


def _kind(character: str) -> str:
    """A space, a sign, or a part of a word: letters, digits and the marks on them."""
    if character.isspace():
        return "space"
    return "word" if belongs_to_word(character) else "sign"


def belongs_to_word(character: str) -> bool:
    """Say whether a character is part of a word: a letter, a digit or a mark on them."""
    return unicodedata.category(character)[0] in "LMN"


def separate_unspaced(text: str, ranges: Ranges, words: Words) -> Words:
    """Make each piece that begins with a letter of a script without spaces a word of its own.

    Tokenizers that split at white space take such a sentence for one word. Pieces that share a
    letter stay together.
    """
    if not _UNSPACED.search(text):
        return words
    numbers: list[int | None] = []
    number, reached = -1, 0
    last: int | None = None
    unspaced = False
    for (begin, end), word in zip(ranges, words, strict=True):
        before, unspaced = unspaced, bool(_UNSPACED.match(text, begin)) and begin < end
        if word != last or (begin >= reached and (unspaced or before)):
            number += 1
        numbers.append(None if word is None else number)
        last, reached = word, max(reached, end)
    return tuple(numbers)
