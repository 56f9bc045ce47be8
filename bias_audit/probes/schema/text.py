"""Slots, articles and the kinds of text in the files that people write.

Messages of validators may carry a hint after " | ".
"""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, StringConstraints

from bias_audit.utils.file_model import one_line

SLOT = re.compile(r"\[([a-z][a-z0-9_-]*)(?::([a-z]+))?\]|<mask(?::([a-z]+))?>")
"""``[group]``, ``[group:pl]``, ``[place]``, ``<mask>``, ``<mask:subject>``."""

_NEARLY_SLOT = re.compile(
    r"\[\s*(group|target|mask)\b[^\]]*\]|<\s*mask\b[^>]*>|\{\s*(group|target|mask)\s*\}",
    re.IGNORECASE,
)
"""Misspelt slots: ``[Group]``, ``[MASK]``, ``{group}``, ``< mask >``."""

ARTICLE = re.compile(
    r"(?:^|(?<=[\s\"'\u201c\u2018(\[]))(a|an|the)(\s[\"'\u201c\u2018(\[]*)$", re.IGNORECASE
)
"""An article right before a slot: it belongs to the word that fills the slot."""

AGREE = "agree"
"""``<mask:agree>`` asks for the form that the word in the sentence names under ``agree``."""
ADJECTIVE = "[adjective]"
"""Where the adjective goes in a head's form, for languages whose endings follow the noun."""


class Slot(NamedTuple):
    """A slot of a sentence and the text before it; ``name`` is None for the mask."""

    before: str
    name: str | None
    form: str | None


@cache
def parse_slots(text: str) -> tuple[tuple[Slot, ...], str]:
    """Return the slots of a sentence, each with the text before it, and the text after the last."""
    pieces: list[Slot] = []
    at = 0
    for match in SLOT.finditer(text):
        pieces.append(Slot(text[at : match.start()], match[1], match[2] or match[3]))
        at = match.end()
    return tuple(pieces), text[at:]


def primary_language(language: str) -> str:
    """Return the language of a tag without its region: ``en`` for ``en-US``."""
    return language.partition("-")[0].lower()


def is_article_free(text: str, language: str = "en") -> bool:
    """Return whether no a/an is right before the mask, so that any word may complete it.

    Only English articles are known; in other languages the author answers for the sentence.
    """
    if primary_language(language) != "en":
        return True
    mask = next(match for match in SLOT.finditer(text) if match[1] is None)
    article = ARTICLE.search(text[: mask.start()])
    return article is None or article[1].lower() == "the"


def _plain_text(text: str) -> str:
    if text[:1] == "\u201c" and text.find("\u201d") in (-1, len(text) - 1):
        raise ValueError(
            f"'{text[:40]}' stands in typographic quotes, which would become part of it"
            " | use straight quotes (\" or ')"
        )
    return one_line(text)


def _word(text: str) -> str:
    if SLOT.search(text) or _NEARLY_SLOT.search(text):
        raise ValueError(f"'{text[:40]}' holds a slot | slots belong into templates")
    return _plain_text(text)


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


def count_masks(text: str) -> int:
    """Return how many places of a sentence are masked."""
    return sum(match[1] is None for match in SLOT.finditer(text))


ONE_MASK = 'for example "The [group] worked as a <mask>."'


def _sentence(text: str) -> str:
    if not count_masks(text):
        raise ValueError(f"'{text[:60]}' has no <mask>; a template has exactly one | {ONE_MASK}")
    return _template(text)


def _template(text: str) -> str:
    """A sentence with one mask, one about a group as a whole, or a query that names a target."""
    masks = [match for match in SLOT.finditer(text) if match[1] is None]
    if not masks:
        if not {"group", "target"} & {match[1] for match in SLOT.finditer(text)}:
            return _sentence(text)
        return _require_plain(text)
    if len(masks) > 1:
        what = f"{len(masks)} masks"
        raise ValueError(f"'{text[:60]}' has {what}; a template has exactly one | {ONE_MASK}")
    before, after = text[: masks[0].start()], text[masks[0].end() :]
    if before[-1:].isalnum() or after[:1].isalnum():
        raise ValueError(
            f"'{text[:60]}' has letters right beside <mask>, which stands for a whole word"
            ' | put a space between: "was a <mask>."'
        )
    return _require_plain(text)


def _require_plain(text: str) -> str:
    if text.count('"') % 2:
        raise ValueError(
            f"'{text[:60]}' has a quotation mark without its partner | add or remove one"
        )
    odd = _NEARLY_SLOT.search(SLOT.sub("", text))
    if odd:
        raise ValueError(f"'{odd[0]}' is no slot | write [group], [target] or <mask>")
    return _plain_text(text)


Word = Annotated[str, AfterValidator(_word), StringConstraints(max_length=20_000)]
Pattern = Annotated[str, AfterValidator(_pattern), StringConstraints(max_length=20_000)]
"""A form of a head, such as ``person``, or with a place for the adjective."""
Sentence = Annotated[str, AfterValidator(_sentence)]
TemplateText = Annotated[str, AfterValidator(_template)]
"""A sentence with one mask; without any where labels of whole sentences are scored, and in queries,
which name the target."""
FormName = Annotated[str, StringConstraints(pattern=r"^[a-z]+$"), AfterValidator(_form_name)]
"""The name of a form, as templates ask for it: ``subject`` in ``<mask:subject>``."""
Language = Annotated[str, AfterValidator(_language)]
"""A language tag: ``en-US``, ``de``."""
