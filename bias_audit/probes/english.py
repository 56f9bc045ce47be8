"""English surface rules: a or an by pronunciation, and capitals at the start of a sentence.

The rules decide only where a lexicon entry says nothing; ``an:`` in a file always wins. A test
compares them with the ``inflect`` package over the whole catalogue.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SILENT_H = ("heir", "honest", "honor", "honour", "hour")
_CONSONANT_SOUND = re.compile(
    r"eu|ewe|one\b|once|ouija|u[bcfghjkqrstv][aeiou]|uni(?!n|m|dent|deal|ll|r|ss)|un-?i(?=on|que)"
    r"|unanim|uk|usab|use|usu|utopia",
    re.IGNORECASE,
)
_EIGHT_OR_ELEVEN = re.compile(r"8|1[18](?!\d)")
"""Numbers that are read with a vowel: an 8-bit, an 11-year-old, an 18,000-seat."""
_SPELLED = re.compile(r"(?:[A-Z](?=[A-Z.\-]|$)|[a-z]-)")
"""Initialisms and single letters are read letter by letter: an MBA, an X-ray, a UN envoy."""
_VOWEL_LETTER_NAMES = frozenset("AEFHILMNORSX")
_SENTENCE_END = re.compile(r"[.!?][\"'\u201d\u2019)\]]*\s+[\"'\u201c\u2018(\[]*$")
_ABBREVIATION = re.compile(
    r"\b(?:Mrs?|Ms|Mx|Dr|Prof|Rev|Hon|St|Jr|Sr|Gen|Col|Capt|Lt|Sgt|vs|cf|approx|e\.g|i\.e)\.\s+$",
    re.IGNORECASE,
)
"""A period that ends no sentence: Dr. Kim, apes vs. owls, e.g. owls."""
_ONLY_OPENERS = re.compile(r"^[\s\"'\u201c\u2018(\[]*$")


@lru_cache(maxsize=4096)
def takes_an(word: str) -> bool:
    """Return whether ``word`` is spoken with "an": ``takes_an("honest man")`` is true."""
    if _SPELLED.match(word):
        return word[0].upper() in _VOWEL_LETTER_NAMES
    lower = word.lower()
    if lower.startswith(_SILENT_H) or _EIGHT_OR_ELEVEN.match(lower):
        return True
    if lower[:1] not in "aeiou":
        return False
    return not _CONSONANT_SOUND.match(lower)


@lru_cache(maxsize=4096)
def starts_sentence(text_before: str) -> bool:
    """Return whether a word after ``text_before`` opens a sentence."""
    if _ONLY_OPENERS.match(text_before):
        return True
    ended = _SENTENCE_END.search(text_before)
    return bool(ended) and not _ABBREVIATION.search(text_before)


def capitalise(word: str) -> str:
    """Upper-case the first letter and leave the rest: ``iPhone user`` becomes ``IPhone user``."""
    return word[:1].upper() + word[1:]
