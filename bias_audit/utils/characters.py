"""Characters that nobody sees and a model reads, and those that look like others.

What a script needs is allowed where the language has that script; all else is refused by its
Unicode category, so that a character which is new tomorrow is refused too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_CATEGORIES = frozenset({"Cf", "Cn", "Co", "Cs"})
"""Format (joiners, directions, soft hyphens), unassigned, private, halves of characters."""
_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
"""Format characters that are visible: signs around Arabic and Syriac numbers and names."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols that show nothing."""
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Marks that choose between shapes of the character before."""
_JOINERS = "\u200c\u200d"
_WORD_BREAK = "\u200b"
_SCRIPTS = {
    "ARABIC": "ar ckb fa ks ku ps sd ug ur",
    "SYRIAC": "syr",
    "THAANA": "dv",
    "DEVANAGARI": "hi kok mai mr ne sa",
    "BENGALI": "as bn mni",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "TIBETAN": "bo dz",
    "MYANMAR": "my",
    "KHMER": "km",
    "MONGOLIAN": "mn",
    "THAI": "th",
    "LAO": "lo",
}
"""Scripts that join and break words by characters of no width, and languages that use them."""
_LETTERS = re.compile(r"[^\W\d_]+")
_LONGEST_UNIT = 3
_BASES = ("L", "M", "N", "So")
"""Categories on which a combining mark can stand."""


def find_hidden(text: str, language: str | None = None) -> Iterator[int]:
    """Yield where characters stand that nobody sees.

    ``language``: a tag, which decides what its script may use; None: the letter before decides.
    """
    suspects = {char for char in set(text) if not char.isascii() and _is_suspect(char)}
    for place, char in enumerate(text if suspects else ""):
        if char in suspects and not _is_needed(text, place, language):
            yield place


def find_controls(text: str) -> Iterator[int]:
    """Yield where control characters stand, other than those that end lines and indent."""
    for place, char in enumerate(text):
        if unicodedata.category(char) == "Cc" and char not in "\n\r\t":
            yield place


def find_misleading(text: str) -> Iterator[int]:
    """Yield where marks stand on nothing, and spaces that are no plain space."""
    for place, char in enumerate("" if text.isascii() else text):
        kind = unicodedata.category(char)
        alone = place == 0 or not unicodedata.category(text[place - 1]).startswith(_BASES)
        if (kind[0] == "M" and alone) or (kind == "Zs" and char != " "):
            yield place


def find_lookalikes(text: str) -> Iterator[int]:
    """Yield where a letter of another alphabet stands in a word of Latin letters.

    Short runs such as units (``μm``) may mix Greek and Latin.
    """
    for match in _LETTERS.finditer("" if text.isascii() else text):
        scripts = [unicodedata.name(char, "").split(" ")[0] for char in match[0]]
        if "LATIN" not in scripts:
            continue
        for place, script in enumerate(scripts, match.start()):
            greek = script == "GREEK" and len(scripts) > _LONGEST_UNIT
            if greek or script in ("CYRILLIC", "ARMENIAN"):
                yield place


def name_character(char: str) -> str:
    """Return code point and name: ``U+200D (zero width joiner)``."""
    name = unicodedata.name(char, "").lower() or {
        "Co": "for private use",
        "Cn": "not assigned",
    }.get(unicodedata.category(char), "control")
    return f"U+{ord(char):04X} ({name})"


def _is_suspect(char: str) -> bool:
    if char in _BLANK or any(ord(char) in codes for codes in _SELECTORS):
        return True
    return unicodedata.category(char) in _CATEGORIES and char not in _SIGNS


def _is_needed(text: str, place: int, language: str | None) -> bool:
    """Whether the script before, or a picture, needs this character."""
    char = text[place]
    before = text[place - 1] if place else " "
    after = text[place + 1 : place + 2]
    if char in "\ufe0e\ufe0f":
        return unicodedata.category(before) in ("So", "Sm") or after == "\u20e3"
    if char == "\u200d" and _is_picture(before) and _is_picture(after or " "):
        return True
    script = unicodedata.name(before, " ").split(" ")[0]
    if char == _WORD_BREAK:
        fits = script in ("KHMER", "LAO", "MYANMAR", "THAI")
    elif char in _JOINERS:
        fits = script in _SCRIPTS
    else:
        fits = script == "MONGOLIAN" and ord(char) in _SELECTORS[0]
    tag = None if language is None else language.partition("-")[0].lower()
    return fits and (tag is None or tag in _SCRIPTS[script].split(" "))


def _is_picture(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk") or char == "\ufe0f"
