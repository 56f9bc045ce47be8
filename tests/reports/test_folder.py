"""The folder layout: for servers that forbid style and script inside a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bias_audit.reports import render
from bias_audit.reports.formats.html import folder
from bias_audit.results import Results

from .page import Page
from .test_browser import JENKINS

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def files(judged: Results) -> dict[str, bytes]:
    return dict(folder(judged))


def test_nothing_is_inside_the_page_that_a_policy_forbids(files: dict[str, bytes]) -> None:
    page = Page(files["index.html"].decode())
    assert page.mistakes == []
    assert page.all("style") == []
    assert page.all("script") == [{"src": "report.js"}]
    assert [a["href"] for a in page.all("link")] == ["report.css"]
    assert not any("style" in attributes for _, attributes, _ in page.elements)


def test_every_link_leads_to_a_file_or_a_place_of_the_page(files: dict[str, bytes]) -> None:
    page = Page(files["index.html"].decode())
    ids = {attributes.get("id") for _, attributes, _ in page.elements}
    links = [a["href"] for a in page.all("a")]
    drawings = [link for link in links if not link.startswith("#")]
    assert drawings
    assert all(link in files for link in drawings)
    assert all(link[1:] in ids for link in links if link.startswith("#"))


def test_it_says_what_the_file_says(files: dict[str, bytes], judged: Results) -> None:
    words = Page(files["index.html"].decode()).text
    for extra in ("This chart as a file", "This table as a picture"):
        words = words.replace(f" {extra}", "")
    assert words == Page(render(judged, "html")).text


def test_same_input_same_files(files: dict[str, bytes], judged: Results) -> None:
    assert dict(folder(judged))["index.html"] == files["index.html"]


@pytest.mark.browser
def test_it_is_complete_under_the_policy_of_jenkins(
    browser: Browser, files: dict[str, bytes]
) -> None:
    from .chromium import opened

    html = files["index.html"].decode()
    beside = {name: content for name, content in files.items() if name != "index.html"}
    with opened(browser, html, policy=JENKINS, files=beside) as shown:
        assert shown.asked == []
        grid = "getComputedStyle(document.querySelector('.tallies')).display"
        assert shown.run(grid) == "grid", "the style sheet is applied"
        fill = "getComputedStyle(document.querySelector('.plot .s-ink')).stroke"
        assert shown.run(fill).startswith("rgb("), "charts have their colours"
        assert shown.tab.locator(".finding h3").first.is_visible()
        assert shown.tab.locator(".plot").first.is_visible()
        shown.tab.locator("summary").first.click()
        assert shown.tab.locator("details[open]").count() == 1
        assert shown.tab.is_hidden("#theme"), "the script does not run, and nothing needs it"


@pytest.mark.browser
def test_it_works_from_a_disk(browser: Browser, files: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    tab = browser.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto((tmp_path / "index.html").as_uri())
    assert said == []
    assert tab.is_visible("#theme")
    assert tab.evaluate("getComputedStyle(document.querySelector('.tallies')).display") == "grid"
    tab.close()
