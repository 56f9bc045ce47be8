"""Base of the models that are read from files, with names and one-line texts.

Messages of validators may carry a hint after " | ".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from bias_audit.utils.characters import (
    find_controls,
    find_hidden,
    find_lookalikes,
    find_misleading,
    name_character,
)
from bias_audit.utils.validation import KeyPath, MistakesError

_BREAK = re.compile("[\r\n\t\v\f\x85\u2028\u2029]|  ")


class FileModel(BaseModel):
    """Base of everything read from a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    short_text: ClassVar[str] = ""
    """The key that a bare text in a file stands for; none when empty."""
    short_list: ClassVar[str] = ""
    """The key that a bare list stands for; none when empty."""
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that people look for here, and what to do instead."""

    @classmethod
    def expects(cls) -> str:
        """Say which forms a file may use, for messages."""
        short = "text or " if cls.short_text else "a list or " if cls.short_list else ""
        return f"{short}a group of keys"

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if isinstance(value, str) and cls.short_text:
            return {cls.short_text: value}
        return {cls.short_list: value} if isinstance(value, list) and cls.short_list else value


def reject_duplicates(
    names: Iterable[tuple[KeyPath, str]], kind: str, hint: str = "rename one of them"
) -> None:
    """Refuse a name that comes twice.

    Raises:
        MistakesError: every repetition, with its path.
    """
    seen: set[str] = set()
    mistakes: list[tuple[KeyPath, str]] = []
    for path, name in names:
        if name in seen:
            mistakes.append((path, f"the {kind} '{name}' is here twice | {hint}"))
        seen.add(name)
    if mistakes:
        raise MistakesError(mistakes)


def reject_copies(
    items: Iterable[tuple[KeyPath, Hashable, str]], hint: str = "remove one of them"
) -> None:
    """Refuse what says the same as an item before it: a copy is no further evidence.

    ``items``: the path of each, what it says, and how it is called.

    Raises:
        MistakesError: every copy, with its path.
    """
    first: dict[Hashable, str] = {}
    mistakes: list[tuple[KeyPath, str]] = []
    for path, content, name in items:
        if content in first:
            mistakes.append((path, f"{name} says the same as {first[content]} | {hint}"))
        first.setdefault(content, name)
    if mistakes:
        raise MistakesError(mistakes)


def one_line(text: str) -> str:
    """Return ``text``, checked to be one line of visible characters.

    Raises:
        ValueError: empty, spaces at its ends, a line break, or an invisible character.
    """
    if not text.strip():
        raise ValueError("expected text, got nothing")
    if text != text.strip() or _BREAK.search(text):
        raise ValueError(
            f"'{text[:40]}' has a line break, tab, double space, or space at its ends"
            " | write it on one line with single spaces"
        )
    if text.isascii() and text.isprintable():
        return text
    for find in (find_hidden, find_misleading, find_controls):
        for place in find(text):
            raise ValueError(
                f"'{text[:40]}' holds the invisible character {name_character(text[place])} at"
                f" character {place + 1}, which a model would read | type the text again, with"
                " plain letters and spaces"
            )
    for place in find_lookalikes(text):
        raise ValueError(
            f"'{text[:40]}' mixes letters of two alphabets: {name_character(text[place])} at"
            f" character {place + 1}, which a model would not read as it looks"
            " | type the word again"
        )
    if text != unicodedata.normalize("NFC", text):
        raise ValueError(
            f"'{text[:40]}' is spelled with accents apart from their letters, which a model reads"
            " as other pieces | type the text again, or save it in the Unicode form NFC"
        )
    return text


Id = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", min_length=1, max_length=80)
]
Text = Annotated[str, AfterValidator(one_line)]
