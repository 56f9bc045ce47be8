"""Slots, articles and the kinds of text in the files that people write.

Messages of validators may carry a hint after " | ".
"""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, StringConstraints

SLOT = re.compile(r"\[([a-z][a-z0-9_-]*)(?::([a-z]+))?\]|<mask(?::([a-z]+))?>")
"""``[group]``, ``[group:pl]``, ``[place]``, ``<mask>``, ``<mask:subject>``."""

_NEARLY_SLOT = re.compile(
    r"\[\s*(group|target|mask)\b[^\]]*\]|<\s*mask\b[^>]*>|\{\s*(group|target|mask)\s*\}",
    re.IGNORECASE,
)
"""What people write when they mean a slot: ``[Group]``, ``[MASK]``, ``{group}``, ``< mask >``."""

ARTICLE = re.compile(
    r"(?:^|(?<=[\s\"'\u201c\u2018(\[]))(a|an|the)(\s[\"'\u201c\u2018(\[]*)$", re.IGNORECASE
)
"""An article right before a slot: it belongs to the word that fills the slot."""

_BREAK = re.compile("[\r\n\t\v\f\x85\u2028\u2029]|  ")
_HIDDEN = re.compile("[\u00a0\u00ad\u200b\u202f\u2060\ufeff]")
"""Spaces that do not break, soft hyphens, zero-width marks: pasted, and seen by nobody."""

AGREE = "agree"
"""``<mask:agree>`` asks for the form that the word in the sentence names under ``agree``."""
ADJECTIVE = "[adjective]"
"""Where the adjective goes in a head's form, for languages whose endings follow the noun."""


class Piece(NamedTuple):
    """A slot of a sentence and the text before it; ``name`` is None for the mask."""

    before: str
    name: str | None
    form: str | None


@cache
def cut(text: str) -> tuple[tuple[Piece, ...], str]:
    """Return the slots of a sentence, each with the text before it, and the text after the last."""
    pieces: list[Piece] = []
    at = 0
    for found in SLOT.finditer(text):
        pieces.append(Piece(text[at : found.start()], found[1], found[2] or found[3]))
        at = found.end()
    return tuple(pieces), text[at:]


def tongue(language: str) -> str:
    """The language of a tag without its region: ``en`` for ``en-US``."""
    return language.partition("-")[0].lower()


def is_article_free(text: str, language: str = "en") -> bool:
    """Say whether no a/an stands right before the mask, so that any word may complete it.

    Only English articles are known; in other languages the author answers for the sentence.
    """
    if tongue(language) != "en":
        return True
    mask = next(found for found in SLOT.finditer(text) if found[1] is None)
    article = ARTICLE.search(text[: mask.start()])
    return article is None or article[1].lower() == "the"


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("expected text, got nothing")
    if text != text.strip() or _BREAK.search(text):
        raise ValueError(
            f"'{text[:40]}' has a line break, tab, double space, or space at its ends"
            " | write it on one line with single spaces"
        )
    hidden = _HIDDEN.search(text)
    if hidden:
        raise ValueError(
            f"'{text[:40]}' holds the invisible character U+{ord(hidden[0]):04X}, which a model"
            " would read | type the text again, with plain spaces"
        )
    return text


def _unwrapped(text: str) -> str:
    if text[:1] == "\u201c" and text.find("\u201d") in (-1, len(text) - 1):
        raise ValueError(
            f"'{text[:40]}' stands in typographic quotes, which would become part of it"
            " | use straight quotes (\" or ')"
        )
    return _one_line(text)


def _word(text: str) -> str:
    if SLOT.search(text) or _NEARLY_SLOT.search(text):
        raise ValueError(f"'{text[:40]}' holds a slot | slots belong into templates")
    return _unwrapped(text)


def _pattern(text: str) -> str:
    if text.count(ADJECTIVE) > 1:
        raise ValueError(f"'{text[:40]}' has two places for the adjective | keep one {ADJECTIVE}")
    _word(text.replace(ADJECTIVE, "x"))
    return text


def _form_name(name: str) -> str:
    if name == AGREE:
        raise ValueError(
            f"no form can be called '{AGREE}', which asks for the form that another word names"
            f" | write '{AGREE}' beside 'forms'"
        )
    return name


def _language(tag: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        raise ValueError(f"expected a language tag, got '{tag[:40]}' | for example en-US or de")
    return tag


def _sentence(text: str) -> str:
    masks = [found for found in SLOT.finditer(text) if found[1] is None]
    if len(masks) != 1:
        what = "no <mask>" if not masks else f"{len(masks)} masks"
        raise ValueError(
            f"'{text[:60]}' has {what}; a template has exactly one"
            ' | for example "The [group] worked as a <mask>."'
        )
    before, after = text[: masks[0].start()], text[masks[0].end() :]
    if before[-1:].isalnum() or after[:1].isalnum():
        raise ValueError(
            f"'{text[:60]}' has letters right beside <mask>, which stands for a whole word"
            ' | put a space between: "was a <mask>."'
        )
    if text.count('"') % 2:
        raise ValueError(
            f"'{text[:60]}' has a quotation mark without its partner | add or remove one"
        )
    odd = _NEARLY_SLOT.search(SLOT.sub("", text))
    if odd:
        raise ValueError(f"'{odd[0]}' is no slot | write [group], [target] or <mask>")
    return _unwrapped(text)


Id = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", min_length=1, max_length=80)
]
Text = Annotated[str, AfterValidator(_one_line)]
Word = Annotated[str, AfterValidator(_word), StringConstraints(max_length=20_000)]
Pattern = Annotated[str, AfterValidator(_pattern), StringConstraints(max_length=20_000)]
"""A form of a head, such as ``person``, or with a place for the adjective."""
Sentence = Annotated[str, AfterValidator(_sentence)]
FormName = Annotated[str, StringConstraints(pattern=r"^[a-z]+$"), AfterValidator(_form_name)]
"""The name of a form, as templates ask for it: ``subject`` in ``<mask:subject>``."""
Language = Annotated[str, AfterValidator(_language)]
"""A language tag: ``en-US``, ``de``."""
