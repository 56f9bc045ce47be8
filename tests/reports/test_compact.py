"""Fewer bytes, the same drawing."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from bias_audit import _resources
from bias_audit.render import _svg, charts
from bias_audit.render._compact import compact, straight
from bias_audit.reports.formats import figures
from bias_audit.reports.view import page as _page
from bias_audit.reports.view.build import build
from bias_audit.results import Results

from . import companions

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def made(shapes: str) -> str:
    root = ET.fromstring(f"<svg>{shapes}</svg>")  # noqa: S314 - our own
    compact(root)
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")[5:-6]


def test_only_level_and_upright_lines_are_shortened() -> None:
    assert straight("M1 2L3 4L3 9L7 9z") == "M1 2L3 4V9H7z"
    assert straight("M1 2C1 2 3 4 5 6L5 8") == "M1 2C1 2 3 4 5 6V8"
    assert straight("M1 2L5 2M5 2L1 2") == "M1 2H5M5 2H1"


def test_lines_of_one_look_become_one_path() -> None:
    one = '<path d="M0 0H1" class="s-ink" stroke-width="2"/>'
    two = '<path d="M0 5H1" class="s-ink" stroke-width="2"/>'
    other = '<path d="M0 9H1" class="s-line" stroke-width="2"/>'
    assert made(one + two + other).count("<path") == 2
    assert 'd="M0 0H1M0 5H1"' in made(one + two)
    assert made(one + other + two).count("<path") == 3, "what lies between keeps its place"


def test_see_through_dots_stay_apart_so_that_a_crowd_is_darker() -> None:
    mark = '<defs><path id="m" d="M0 3C1 3 2 2 3 1z"/></defs>'
    spot = '<use href="#m" x="%d" y="2" class="f-accent" fill-opacity="0.5"/>'
    text = made(mark + "".join(spot % x for x in (1, 2, 3)))
    assert text == (
        '<g class="s-accent" stroke-linecap="round" stroke-opacity="0.5" stroke-width="6">'
        '<path d="M1 2h0"/><path d="M2 2h0"/><path d="M3 2h0"/></g>'
    )


def test_a_ring_stays_a_ring_and_a_diamond_a_diamond() -> None:
    round_ = '<defs><path id="m" d="M0 3C1 3 2 2 3 1z"/></defs>'
    ring = '<use href="#m" x="1" y="2" class="f-paper s-fail" stroke-width="1.8"/>'
    assert made(round_ + ring) == (
        '<circle class="f-paper s-fail" cx="1" cy="2" r="3" stroke-width="1.8"/>'
    )
    sharp = '<defs><path id="d" d="M0 -3L3 0L0 3L-3 0z"/></defs><use href="#d" x="1" y="2"/>'
    assert "<use" in made(sharp)
    assert 'id="d"' in made(sharp)


def test_words_are_on_top_and_every_one_is_kept() -> None:
    text = '<text x="1" y="2" class="f-ink">%s</text>'
    line = '<path d="M0 0H1" class="s-ink"/>'
    told = made(text % "a" + line + '<text x="3" y="2" class="f-muted">c</text>' + text % "b")
    assert told.index("<path") < told.index(">a<") < told.index(">b<") < told.index(">c<")
    assert told.count('class="f-ink"') == 1


def test_no_mark_gets_lost() -> None:
    """As many marks as numbers in every chart of dots."""
    for picture in figures.every(build(companions.example())):
        if isinstance(picture, _page.Dots):
            svg = charts.draw(picture)
            assert svg.count("h0") == sum(len(values) for _, values in picture.rows)
        if isinstance(picture, _page.Scatter | _page.Plane):
            assert charts.draw(picture).count("h0") == len(picture.points)


def test_charts_are_less_than_two_thirds_as_long(audit: Results) -> None:
    shown = [p for p in figures.every(build(audit)) if isinstance(p, _page.Picture)]
    short = sum(len(charts.draw(p)) for p in shown)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_svg, "compact", lambda root: None)
        assert short < 0.66 * sum(len(charts.draw(p)) for p in shown)


@pytest.mark.browser
def test_it_looks_the_same(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chart, drawn at length and in short: hardly a pixel differs, and none by much."""
    shown = [p for p in figures.every(build(companions.example())) if isinstance(p, _page.Picture)]
    short = _shots(browser, [charts.draw(p) for p in shown])
    monkeypatch.setattr(_svg, "compact", lambda root: None)
    long = _shots(browser, [charts.draw(p) for p in shown])
    for picture, one, two in zip(shown, short, long, strict=True):
        assert one.shape == two.shape
        assert (abs(one - two) > 40).mean() < 0.0015, picture.name


def _shots(browser: Browser, drawings: list[str]) -> list[Any]:
    import numpy as np
    from PIL import Image

    style = re.sub(r"system-ui[^;]*", "sans-serif", _resources.read_text("reports", "style.css"))
    tab = browser.new_page(viewport={"width": 900, "height": 700})
    found = []
    for svg in drawings:
        tab.set_content(f"<style>{style}</style>{svg}")
        image = Image.open(io.BytesIO(tab.locator("svg").screenshot())).convert("L")
        found.append(np.asarray(image, dtype=int))
    tab.close()
    return found
