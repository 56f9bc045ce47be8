"""Characters that nobody sees: refused by category, allowed where a script needs them."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from bias_audit.backends import FakeBackend
from bias_audit.errors import UsageError
from bias_audit.pipeline.fill import fill
from bias_audit.utils.characters import find_hidden, find_misleading, name_character
from bias_audit.utils.file_model import one_line


@pytest.mark.parametrize(
    ("text", "language", "places"),
    [
        ("plain", "en", []),
        ("naïve, Łódź, 東京, हिन्दी, café", "en", []),
        ("nu\u200drse", "en", [2]),
        ("\u202enurse\u202c", "en", [0, 6]),
        ("nu\u00adr\ufeffse\u2060", "en", [2, 4, 7]),
        ("nu\ue000rse \U000e0041 \u0378", "en", [2, 7, 9]),
        ("nu\ufe0frse\u034f\u3164", "en", [2, 6, 7]),
        ("می\u200cرود", "fa", []),
        ("می\u200cرود", "fa-IR", []),
        ("می\u200cرود", None, []),
        ("می\u200cرود", "en", [2]),
        ("mi\u200cravad", "fa", [2]),
        ("क्\u200dष", "hi", []),
        ("क्\u200dष", "fa", [2]),
        ("ភាសា\u200bខ្មែរ", "km", []),
        ("می\u200bرود", "fa", [2]),
        ("می\u200fرود", "fa", [2]),
        ("\U0001f469\u200d\u2695\ufe0f a doctor", "en", []),
        ("5\ufe0f\u20e3 and \u2764\ufe0f", "en", []),
        ("a\u200d\U0001f469", "en", [1]),
        ("العدد \u0600١٢", "ar", []),
    ],
)
def test_what_is_hidden(text: str, language: str | None, places: list[int]) -> None:
    assert list(find_hidden(text, language)) == places


def test_every_character_of_a_refused_category_is_found() -> None:
    """Against the categories themselves; what is allowed here is visible."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in ("Cf", "Co", "Cn", "Cs"):
            shown = list(find_hidden(f"a{char}b", "en")) == []
            assert (
                not shown
                or "ARABIC" in unicodedata.name(char, "")
                or "SYRIAC" in (unicodedata.name(char, ""))
            ), name_character(char)


def test_marks_on_nothing_and_other_spaces() -> None:
    assert list(find_misleading("\u0301a e\u0301 \u0301 -\u0300 \u25cc\u0301")) == [0, 6, 9]
    assert list(find_misleading("a\u00a0b\u2009c d")) == [1, 3]


@pytest.mark.parametrize(
    "text", ["cafe\u0301", "\u212bngstrom", "nu\u200drse", "x\x07y", "a\u00a0b"]
)
def test_a_text_that_reads_as_another_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="type the text again"):
        one_line(text)
    assert one_line("caf\u00e9 \u00c5ngstrom") == "caf\u00e9 \u00c5ngstrom"


def test_letters_of_another_alphabet_that_look_alike() -> None:
    for text, place in (("wom\u0430n", 4), ("d\u03bfctor", 2), ("the nur\u0455e", 8)):
        with pytest.raises(
            ValueError, match=rf"two alphabets: U\+0\w+ \(.*\) at character {place},"
        ):
            one_line(text)
    for text in ("женщина and woman", "5 \u03bcm", "\u03b2-blocker", "Łódź", "γυναίκα"):
        assert one_line(text) == text


def test_words_of_fill_are_checked_too() -> None:
    for template, word in (
        ("The [group] wor\u200dked as a <mask>.", "man"),
        ("The [group] worked as a <mask>.", "m\u200dan"),
    ):
        with pytest.raises(UsageError, match=r"U\+200D \(zero width joiner\) at character"):
            fill(template, {"a": [word], "b": ["woman"]}, FakeBackend())
