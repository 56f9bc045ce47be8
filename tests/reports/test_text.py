from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bias_audit.reports import text

from .strangers import NASTY


@given(st.text())
def test_cleaned_text_is_printable_and_encodable(value: str) -> None:
    cleaned = text.clean(value)
    cleaned.encode("utf-8")
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert not any(ord(c) in (0x202E, 0x2066, 0x200B, 0xFFFE, 0xFFFF) for c in cleaned)


@given(st.text())
def test_ascii_text_is_ascii(value: str) -> None:
    assert text.ascii_only(value).isascii()


def test_control_characters_are_shown_not_lost() -> None:
    assert text.clean("a\x00\x1b[2J\u202e\n b") == "a\\x00\\x1b[2J\\u202e  b"
    assert text.clean("\ud800") == "\\ud800"
    assert text.clean("नमस्ते 你好 שלום") == "नमस्ते 你好 שלום"


def test_a_long_text_says_how_long_it_was() -> None:
    assert text.clip(NASTY[4], 10) == "xxxxxxxxxx… (10,000 characters)"


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(3.1, "3.1"), (1.25, "1.25"), (1.0, "1.00"), (0.455, "1/2.2"), (12.4, "12"), (0.0312, "1/32")],
)
def test_odds(ratio: float, shown: str) -> None:
    assert text.times(math.log(ratio)) == shown


def test_odds_never_overflow() -> None:
    assert text.times(800.0) == "over 1,000"
    assert text.times(-800.0) == "1/1,000"


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (0.5, "50 %"),
        (0.0312, "3.1 %"),
        (0.00031, "0.031 %"),
        (3.1e-9, "3.1e-7 %"),
        (1.0, "100 %"),
        (0.0, "below 1e-300 %"),
    ],
)
def test_probabilities(probability: float, shown: str) -> None:
    assert text.percent(probability) == shown


def test_signs_and_zero() -> None:
    assert [text.with_sign(v) for v in (1.13, -0.4, 0.001, -0.001)] == [
        "+1.13",
        "−0.40",
        "0.00",
        "0.00",
    ]
    assert text.plain(-1234.5, 1) == "−1,234.5"
    assert text.plain(-0.001) == "0.00"
    assert [text.p_value(p) for p in (0.0004, 0.0312, 0.4)] == ["< 0.001", "0.031", "0.40"]
    assert text.count(1, "word") == "1 word"
    assert text.count(2000, "word") == "2,000 words"
