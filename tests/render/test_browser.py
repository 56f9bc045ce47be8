"""What only a browser can tell; run with ``pytest -m browser``. Needs Chromium on the path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bias_audit.archive import Results
from bias_audit.render import render

from .chromium import opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"
"""What Jenkins sends with archived pages: no script, no style inside the page."""
VISIT = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  window.stops = window.stops || [];
  window.stops.push(at);
  return { tag: at.tagName, outline: getComputedStyle(at).outlineStyle,
           closed: at.tagName === "SUMMARY" && !at.parentElement.open };
}"""
MISSED = """() => Array.from(document.querySelectorAll(
    "a[href], button, input, summary, [tabindex='0']"))
  .filter((e) => e.checkVisibility() && !window.stops.includes(e)).map((e) => e.outerHTML)"""
DISORDER = """() => window.stops.filter((e, i) => i && !(window.stops[i - 1]
  .compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)).map((e) => e.outerHTML)"""


@pytest.fixture(scope="session")
def judged_html(judged: Results) -> str:
    return render(judged, "html")


def words(text: str) -> str:
    return " ".join(text.replace("Filter rows", "").split())


def test_nothing_is_asked_for_and_nothing_complains(browser: Browser, judged_html: str) -> None:
    with opened(browser, judged_html) as shown:
        shown.unfold()
        shown.tab.click("#theme")
        assert shown.tab.is_visible("#theme")
        assert shown.tab.locator("input").count() > 0
        assert (shown.asked, shown.said) == ([], [])


def test_script_changes_no_word(browser: Browser, judged_html: str) -> None:
    with opened(browser, judged_html) as shown:
        shown.unfold()
        found = shown.tab.inner_text("#findings")
        every = words(shown.tab.inner_text("main"))
    with opened(browser, judged_html, java_script_enabled=False) as bare:
        assert bare.tab.inner_text("#findings") == found
        assert bare.tab.is_hidden("#theme")
        bare.unfold()
        assert words(bare.tab.inner_text("main")) == every
    assert "Jobs held mostly by women" in found


def test_page_reads_the_same_where_a_server_forbids_style_and_script(
    browser: Browser, judged_html: str
) -> None:
    with opened(browser, judged_html, java_script_enabled=False) as plain:
        expected = plain.tab.text_content("main")
    with opened(browser, judged_html, policy=JENKINS) as shown:
        assert shown.tab.text_content("main") == expected
        assert shown.tab.locator(".finding h3").first.is_visible()
        shown.tab.locator("summary").first.click()
        assert shown.tab.locator("details[open]").count() == 1
        assert shown.asked == []


def test_hostile_page_runs_and_asks_nothing(browser: Browser, hostile_html: str) -> None:
    with opened(browser, hostile_html) as shown:
        shown.tab.on("dialog", lambda dialog: pytest.fail(dialog.message))
        shown.unfold()
        assert (shown.asked, shown.said) == ([], [])
        assert shown.tab.locator("script").count() == 1
        assert shown.tab.locator("img, iframe, object, embed").count() == 0
        assert "<script>alert(1)</script>" in shown.tab.inner_text("main")


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_page_never_scrolls_sideways(browser: Browser, hostile_html: str, width: int) -> None:
    with opened(browser, hostile_html, width=width) as shown:
        shown.unfold()
        assert shown.run("document.documentElement.scrollWidth") <= width


def test_keyboard_reaches_everything_in_order(browser: Browser, judged_html: str) -> None:
    """Tab visits every link, button, field and scrolling table; Enter opens what is folded."""
    with opened(browser, judged_html) as shown:
        for _ in range(3000):
            shown.tab.keyboard.press("Tab")
            stop = shown.run(VISIT)
            if stop is None:
                break
            assert stop["outline"] != "none", stop
            if stop["closed"]:
                shown.tab.keyboard.press("Enter")
        assert shown.tab.locator("details:not([open])").count() == 0
        assert shown.run(MISSED) == []
        assert shown.run(DISORDER) == []


def test_keyboard_skips_to_the_report_and_turns_the_theme(browser: Browser, html: str) -> None:
    with opened(browser, html, color_scheme="light") as shown:
        shown.tab.keyboard.press("Tab")
        assert shown.run("document.activeElement.getBoundingClientRect().left") >= 0
        shown.tab.keyboard.press("Enter")
        assert shown.tab.url.endswith("#report")
        light = shown.run("getComputedStyle(document.body).backgroundColor")
        shown.tab.focus("#theme")
        shown.tab.keyboard.press("Enter")
        assert shown.run("getComputedStyle(document.body).backgroundColor") != light


def test_tables_sort_by_number_and_filter_by_word(browser: Browser, html: str) -> None:
    values = (
        "Array.from(document.querySelectorAll('#quality .sortable')[0].tBodies[0].rows)"
        ".map((row) => Number(row.cells[1].dataset.v))"
    )
    with opened(browser, html) as shown:
        table = shown.tab.locator("#quality table.sortable").first
        for press, order in ((1, False), (2, True)):
            table.locator("thead button").nth(1).press("Enter")
            found = shown.run(values)
            assert found == sorted(found, reverse=order), press
        assert table.locator("th[aria-sort='descending']").count() == 1
        field = shown.tab.locator("#quality input").first
        field.fill("muslim")
        assert table.locator("tbody tr:visible").count() == 1
        assert shown.tab.locator("#quality .filter").first.inner_text().endswith("1 of 9 rows")
        field.fill("")
        assert table.locator("tbody tr:visible").count() == 9


def test_states_are_told_without_colour(browser: Browser, judged_html: str) -> None:
    with opened(browser, judged_html) as shown:
        pills = {text.strip() for text in shown.tab.locator(".pill").all_text_contents()}
        assert len({text.split()[0] for text in pills}) == len(pills) == 6
        shown.unfold()
        assert all(text.strip() for text in shown.tab.locator(".heat td").all_text_contents())
        for finding in shown.tab.locator(".finding").all():
            assert finding.locator("text=/size: (high|moderate|low)/").count() == 1


def test_address_of_a_finding_leads_to_it(browser: Browser, html: str) -> None:
    with opened(browser, html) as shown:
        for link in shown.tab.locator(".finding .more a").all():
            link.click()
            target = shown.tab.locator(f"[id='{shown.tab.url.partition('#')[2]}']")
            assert target.is_visible(), "a link into a folded part opens it"
