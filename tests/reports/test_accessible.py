"""Can everybody read it? axe in light, dark and on a small screen; contrast of every colour."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from bias_audit.reports import render
from bias_audit.utils.resources import read_text

from .chromium import broken_rules, opened
from .example import frame

if TYPE_CHECKING:
    from playwright.sync_api import Browser


LETTERS = ("ink", "muted", "accent", "fail", "unclear", "error", "pass", "waived", "skipped")
SHADES = tuple(f"{kind}{step}" for kind in ("warm", "cool") for step in (1, 2, 3, 4))
THEMES = {"light": r":root \{(.*?)\n\}", "dark": r':root\[data-theme="dark"\] \{(.*?)\n  \}'}


def violations(browser: Browser, html: str, only: str = "", **window: Any) -> list[str]:
    with opened(browser, html, **window) as shown:
        shown.unfold()
        return broken_rules(shown.tab, only)


@pytest.mark.browser
@pytest.mark.parametrize(
    "window",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"color_scheme": "light", "width": 320},
    ],
    ids=["light", "dark", "narrow"],
)
def test_axe_finds_nothing(
    browser: Browser, pages: dict[str, str], kind: str, window: dict[str, Any]
) -> None:
    assert violations(browser, pages[kind], **window) == []


@pytest.mark.browser
def test_axe_finds_nothing_in_an_empty_audit(browser: Browser) -> None:
    assert violations(browser, render(frame(), "html")) == []


@pytest.mark.browser
def test_axe_would_complain(browser: Browser, html: str) -> None:
    """The proof can fail: a page without its language is found."""
    assert violations(browser, html.replace('<html lang="en">', "<html>"), "html-has-lang")


def colours(theme: str) -> dict[str, tuple[int, int, int]]:
    block = re.search(THEMES[theme], read_text("reports", "style.css"), re.S)
    assert block
    found = re.findall(r"--([\w-]+): #([0-9a-f]{6});", block.group(1))
    return {name: tuple(bytes.fromhex(code)) for name, code in found}  # type: ignore[misc]


def contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> float:
    """As WCAG 2.2 defines it, from 1 to 21."""

    def light(colour: tuple[int, int, int]) -> float:
        parts = [c / 255 for c in colour]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4
                            for p in parts)  # fmt: skip
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_letters_and_marks_stand_out(theme: str) -> None:
    """axe cannot judge text in drawings, so every pair of colours in use is computed here."""
    known = colours(theme)
    letters = {(name, "paper"): 4.5 for name in LETTERS}
    letters |= {("ink", shade): 4.5 for shade in (*SHADES, "warn", "band")}
    marks = {(name, "band"): 3.0 for name in ("accent", "fail", "unclear", "pass")}
    weak = {
        f"{front} on {back}": round(contrast(known[front], known[back]), 2)
        for (front, back), least in (letters | marks).items()
        if contrast(known[front], known[back]) < least
    }
    assert weak == {}


def test_both_ways_into_the_dark_have_the_same_colours() -> None:
    style = read_text("reports", "style.css")
    system = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\n  \}', style, re.S)
    assert system
    assert dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", system.group(1))) == {
        name: "#" + bytes(code).hex() for name, code in colours("dark").items()
    }
