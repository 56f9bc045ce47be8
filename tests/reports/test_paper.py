"""What a printed page holds: folded evidence included. Run with ``pytest -m browser``."""

from __future__ import annotations

import io
import re
import unicodedata
from typing import TYPE_CHECKING

import pytest

from bias_audit.results import Results

from .chromium import opened
from .page import Page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def printed(browser: Browser, html: str) -> str:
    """The words of the PDF, without spaces and ligatures: paper breaks lines anywhere."""
    from pypdf import PdfReader

    with opened(browser, html, color_scheme="dark") as shown:
        paper = shown.tab.pdf()
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_paper_holds_what_the_screen_folds(browser: Browser, audit: Results, html: str) -> None:
    text = printed(browser, html)
    for finding in audit.findings:
        assert "".join(finding.headline.split()) in text
        for sentence in finding.sentences:
            assert "".join(sentence.text_a.split()) in text
            assert "".join(sentence.text_b.split()) in text
    for probe in audit.probes[:3]:
        assert probe.card is not None
        assert "".join(probe.card.limits.split()) in text
    assert "terrible" in text
    assert "Filterrows" not in text
    assert "Darkorlight" not in text


def test_every_kind_of_page_prints_its_tables(
    browser: Browser, pages: dict[str, str], kind: str
) -> None:
    """Each first cell of a row is on paper, whatever is folded on the screen."""
    text = printed(browser, pages[kind])
    names = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', pages[kind])
    told = {unicodedata.normalize("NFKC", "".join(Page(name).text.split())) for name in names}
    assert len(told) > 4
    assert {name for name in told if name not in text} == set()
