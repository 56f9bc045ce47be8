"""What only a browser can tell; run with ``pytest -m browser``. Needs Chromium on the path."""

from __future__ import annotations

import io
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bias_audit.reports import render
from bias_audit.reports.formats.html import folder, whole
from bias_audit.reports.view import exhibits as _exhibits
from bias_audit.reports.view import page as _page
from bias_audit.reports.view.build import build
from bias_audit.results import Results

from .chromium import opened
from .page import Page as Words

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
    "a[href], button, input, select, summary, [tabindex='0']"))
  .filter((e) => e.checkVisibility() && !window.stops.includes(e))
  .filter((e) => e.getAttribute("tabindex") !== "-1" && !e.disabled).map((e) => e.outerHTML)"""
SORTED = """() => Array.from(document.querySelectorAll("table.sortable")).map((table) => {
  const body = table.tBodies[0];
  Array.from(body.rows).forEach((row, place) => { row.place = place; });
  const cells = [...table.tHead.rows[0].cells, ...Array.from(body.rows).map((row) => row.cells[0])];
  const names = cells.map((cell) => cell.textContent);
  const orders = Array.from(table.querySelectorAll("thead button")).map((button) => {
    button.click();
    return Array.from(body.rows).map((row) => row.place);
  });
  return [table.caption.textContent, names, orders];
})"""
"""Caption of each table, its heads and row names, and the order of its rows after each head was
pressed once."""
DISORDER = """() => window.stops.filter((e, i) => i && !(window.stops[i - 1]
  .compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)).map((e) => e.outerHTML)"""


def words(text: str) -> str:
    return " ".join(re.sub("Filter rows|Show all folded text", "", text).split())


def test_nothing_is_asked_for_and_nothing_complains(
    browser: Browser, pages: dict[str, str], kind: str
) -> None:
    with opened(browser, pages[kind]) as shown:
        shown.unfold()
        shown.tab.click("#theme")
        assert shown.tab.is_visible("#theme")
        assert (shown.tab.locator("input").count() > 0) is (kind == "report")
        assert (shown.asked, shown.said) == ([], [])


def test_a_request_would_be_seen(browser: Browser, pages: dict[str, str]) -> None:
    """The proof can fail: a picture from elsewhere is asked for, or kept out by the policy."""
    image = '<img src="http://elsewhere.test/x.png" alt="">'
    html = pages["report"].replace("<h1>", f"{image}<h1>")
    with opened(browser, html) as shown:
        assert any("Content Security Policy" in text for text in shown.said)
    with opened(browser, re.sub("<meta http-equiv[^>]*>", "", html)) as shown:
        assert shown.asked == ["http://elsewhere.test/x.png"]


def test_script_changes_no_word(browser: Browser, pages: dict[str, str], kind: str) -> None:
    with opened(browser, pages[kind]) as shown:
        shown.unfold()
        every = words(shown.tab.inner_text("main"))
    with opened(browser, pages[kind], java_script_enabled=False) as bare:
        assert bare.tab.is_hidden("#theme")
        bare.unfold()
        assert words(bare.tab.inner_text("main")) == every
    assert len(every) > 500


def test_page_reads_the_same_where_a_server_forbids_style_and_script(
    browser: Browser, pages: dict[str, str], kind: str
) -> None:
    with opened(browser, pages[kind], java_script_enabled=False) as plain:
        expected = plain.tab.text_content("main")
    with opened(browser, pages[kind], policy=JENKINS) as shown:
        assert shown.tab.text_content("main") == expected
        assert shown.tab.locator("h1").is_visible()
        assert shown.tab.locator("main tbody th, .examples li").first.is_visible()
        folded = shown.tab.locator("summary")
        if folded.count():
            folded.first.click()
            assert shown.tab.locator("details[open]").count() == 1
        assert shown.asked == []


def test_hostile_page_runs_and_asks_nothing(
    browser: Browser, hostile_pages: dict[str, str], kind: str
) -> None:
    with opened(browser, hostile_pages[kind]) as shown:
        shown.tab.on("dialog", lambda dialog: pytest.fail(dialog.message))
        shown.unfold()
        assert (shown.asked, shown.said) == ([], [])
        assert shown.tab.locator("script").count() == 1
        assert shown.tab.locator("img, iframe, object, embed").count() == 0
        assert "<script>alert(1)</script>" in shown.tab.inner_text("main")
        assert shown.run("typeof window.x") == "undefined"


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_page_never_scrolls_sideways(
    browser: Browser, hostile_pages: dict[str, str], kind: str, width: int
) -> None:
    with opened(browser, hostile_pages[kind], width=width) as shown:
        shown.unfold()
        assert shown.run("document.documentElement.scrollWidth") <= width


def test_a_telephone_shows_rows_and_tables_without_scrolling_sideways(
    browser: Browser, pages: dict[str, str]
) -> None:
    with opened(browser, pages["report"], width=390) as shown:
        shown.unfold()
        wide = shown.run(
            "Array.from(document.querySelectorAll('.scroll:not(:has(.heat))'))"
            ".filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.ariaLabel)"
        )
        assert wide == []
        rows = shown.run(
            "Array.from(document.querySelectorAll('.plot.narrow text'))"
            ".map((text) => [text.textContent, text.getBoundingClientRect()])"
            ".map(([said, box]) => [said, box.left, box.right])"
        )
        assert any("×" in said for said, _, _ in rows)
        assert all(left >= -1 and right <= 391 for _, left, right in rows)
        cells = shown.run("document.querySelectorAll('.stack td[data-name]').length")
        assert cells > 20


def test_keyboard_reaches_everything_in_order(
    browser: Browser, pages: dict[str, str], kind: str
) -> None:
    """Tab visits every link, button, field and scrolling table; Enter opens what is folded."""
    with opened(browser, pages[kind]) as shown:
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
    with opened(browser, html) as shown:
        table = shown.tab.locator("#quality table.sortable").first
        for press, order in ((1, False), (2, True)):
            table.locator("thead button").nth(1).press("Enter")
            told = table.locator("tbody td:nth-child(2)").all_text_contents()
            found = [float(text.split()[0].replace("−", "-")) for text in told]
            assert found == sorted(found, reverse=order), press
        assert table.locator("th[aria-sort='descending']").count() == 1
        field = shown.tab.locator("#quality input").first
        field.fill("muslim")
        assert table.locator("tbody tr:visible").count() == 1
        assert shown.tab.locator("#quality .filter").first.inner_text().endswith("1 of 9 rows")
        field.fill("")
        assert table.locator("tbody tr:visible").count() == 9


def test_every_column_of_numbers_sorts_by_its_numbers(browser: Browser, audit: Results) -> None:
    """The order is that of the numbers behind the text."""
    every = [table for table in every_table(build(audit)) if not table.pale]
    often = Counter(map(_known, every))
    tables = {_known(table): table for table in every if often[_known(table)] == 1}
    with opened(browser, render(audit, "html")) as shown:
        shown.unfold()
        columns = 0
        for caption, names, order in shown.run(SORTED):
            known = tables.get((caption, *names))
            if known is None:
                continue
            for column, rows in enumerate(order):
                values = [known.rows[row][column].value for row in rows]
                numbers = [value for value in values if value is not None]
                if len(numbers) < 2:
                    continue
                columns += 1
                assert values[: len(numbers)] == numbers, "what has no number comes last"
                for low, high in itertools.pairwise(numbers):
                    assert low <= high + 0.0051 + 0.03 * abs(high), (caption, column, numbers)
        assert columns > 20


def _known(table: _exhibits.Table) -> tuple[str, ...]:
    return (table.caption, *table.head, *(row[0].text for row in table.rows))


def every_table(shown: _page.Page) -> Iterator[_exhibits.Table]:
    for _, table in shown.quality:
        yield table
    for note in shown.notes:
        if note.picture:
            yield note.picture.table
    for probe in shown.probes:
        yield from (picture.table for picture in probe.pictures)
        if probe.further:
            yield probe.further


def test_states_are_told_without_colour(browser: Browser, pages: dict[str, str]) -> None:
    with opened(browser, pages["report"]) as shown:
        pills = {text.strip() for text in shown.tab.locator(".pill").all_text_contents()}
        assert len(pills) >= 6
        assert all(len(text.split()) >= 2 for text in pills), "a sign and a word"
        shown.unfold()
        assert all(text.strip() for text in shown.tab.locator(".heat td").all_text_contents())
        for finding in shown.tab.locator(".finding").all():
            assert finding.locator("text=/size: (slight|moderate|strong|very strong)/").count() == 1


def test_what_a_chart_colours_it_also_says(browser: Browser, pages: dict[str, str]) -> None:
    """Without any colour the states of a chart are words and shapes, a change is a word."""
    with opened(browser, pages["models"]) as shown:
        said = " ".join(shown.tab.locator("svg text").all_text_contents())
        for state, word in (("fail", "◆ association"), ("pass", "≈ small"), ("unclear", "○ open")):
            marks = shown.tab.locator(f"svg .f-{state}, svg .s-{state}").count()
            assert bool(marks) is (word in said), state
    with opened(browser, pages["compare"]) as shown:
        said = " ".join(shown.tab.locator("svg text").all_text_contents())
        for tone, word in (("fail", "larger"), ("pass", "smaller"), ("error", "turned")):
            marks = shown.tab.locator(f"svg .f-{tone}, svg .s-{tone}").count()
            assert bool(marks) is (f"· {word}" in said), word


def test_address_of_a_finding_leads_to_it(browser: Browser, html: str) -> None:
    with opened(browser, html) as shown:
        for link in shown.tab.locator(".finding .more a").all():
            link.click()
            target = shown.tab.locator(f"[id='{shown.tab.url.partition('#')[2]}']")
            assert target.is_visible(), "a link into a folded part opens it"


def printed(browser: Browser, html: str) -> str:
    """The words of the PDF, without spaces and ligatures: paper breaks lines anywhere."""
    from pypdf import PdfReader

    with opened(browser, html, color_scheme="dark") as shown:
        paper = shown.tab.pdf()
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_paper_holds_what_the_screen_folds(browser: Browser, audit: Results) -> None:
    text = printed(browser, whole(build(audit), full=True))
    for note in build(audit).notes:
        assert "".join(note.finding.headline.split()) in text
        for one in (*note.examples, *note.harmful):
            assert "".join(one.sentence.split()) in text
    for probe in audit.probes[:3]:
        assert probe.card is not None
        assert "".join(probe.card.limits.split()) in text
    assert "terrible" in text
    assert "Filterrows" not in text
    assert "Darkorlight" not in text


def test_a_page_prints_as_a_brief_that_can_be_signed(browser: Browser, judged: Results) -> None:
    from pypdf import PdfReader

    named = judged.run.model_copy(update={"owner": "Ada", "purpose": "Release 2"})
    html = render(judged.model_copy(update={"run": named}), "html")
    with opened(browser, html) as shown:
        pages = PdfReader(io.BytesIO(shown.tab.pdf())).pages
    texts = [unicodedata.normalize("NFKC", page.extract_text()) for page in pages]
    assert 2 <= len(texts) <= 6
    for number, text in enumerate(texts, start=1):
        assert f"{number} / {len(texts)}" in text
        assert f"fingerprint {judged.model.fingerprint[:12]}" in text
        assert judged.model.name in text
        assert (judged.run.created or "")[:10] in text
    whole_text = " ".join(texts)
    assert "Release 2" in whole_text
    for title in ("Associations, strongest first", "Limits and intended use", "Read and decided"):
        assert title in whole_text
    assert "Method" not in whole_text, "the rest is printed on demand"


def test_every_kind_of_page_prints_its_tables(
    browser: Browser, pages: dict[str, str], kind: str
) -> None:
    """Each first cell of a row is on paper, whatever is folded on the screen."""
    page = re.sub('<body class="brief">', "<body>", pages[kind])
    text = printed(browser, page)
    names = re.findall(r"<tr[^>]*>\s*<th[^>]*>(.*?)</th>", pages[kind])
    told = {unicodedata.normalize("NFKC", "".join(Words(name).text.split())) for name in names}
    assert len(told) > 4
    assert {name for name in told if name not in text} == set()


@pytest.fixture(scope="module")
def files(judged: Results) -> dict[str, bytes]:
    return dict(folder(judged))


def test_it_is_complete_under_the_policy_of_jenkins(
    browser: Browser, files: dict[str, bytes]
) -> None:
    html = files["index.html"].decode()
    beside = {name: content for name, content in files.items() if name != "index.html"}
    with opened(browser, html, policy=JENKINS, files=beside) as shown:
        assert shown.asked == []
        grid = "getComputedStyle(document.querySelector('.glance')).display"
        assert shown.run(grid) == "grid", "the style sheet is applied"
        fill = "getComputedStyle(document.querySelector('.plot .s-ink')).stroke"
        assert shown.run(fill).startswith("rgb("), "charts have their colours"
        assert shown.tab.locator(".finding h3").first.is_visible()
        assert shown.tab.locator(".plot").first.is_visible()
        shown.tab.locator("summary").first.click()
        assert shown.tab.locator("details[open]").count() == 1
        assert shown.tab.is_hidden("#theme"), "the script does not run, and nothing needs it"


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
    assert tab.evaluate("getComputedStyle(document.querySelector('.glance')).display") == "grid"
    tab.close()
