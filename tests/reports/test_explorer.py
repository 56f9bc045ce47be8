"""Every sentence in the page: packed without loss, small, and safe whatever the words are."""

from __future__ import annotations

import base64
import itertools
import json
import math
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bias_audit.errors import UsageError
from bias_audit.reports import render
from bias_audit.reports.formats.html import WHOLE_LIMIT, folder
from bias_audit.reports.text import percent, tidy
from bias_audit.reports.view import explorer as packing
from bias_audit.reports.view import page as _page
from bias_audit.reports.view.index import Index
from bias_audit.results import Results

from . import scores
from .chromium import opened
from .strangers import NASTY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STRICT = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'"


def packed(audit: Results, some: list[scores.Row], room: int = 10**6) -> _page.Explorer:
    held = packing.explorer(Index(tidy(audit)), scores.pack(some), room, room)
    assert held is not None
    return held


def unpacked(block: _page.ExplorerBlock) -> list[tuple[str, str, str, str, float]]:
    """(sentence, group, term, target, log-probability) as the script of the page reads them."""
    data: Any = json.loads(zlib.decompress(base64.b64decode(block.content)))
    raw = zlib.decompress(base64.b64decode(block.scores))

    def numbers(start: int, size: int) -> list[int]:
        pairs = zip(raw[start : start + size], raw[start + size : start + 2 * size], strict=True)
        return [int.from_bytes(bytes(pair), "little", signed=True) for pair in pairs]

    sizes = [len(words) for words in data["lists"]]
    starts = [0, *itertools.accumulate(sizes)]
    many = len(data["words"])
    base, shifts = numbers(0, starts[-1]), numbers(2 * starts[-1], many)
    rest = iter(numbers(2 * (starts[-1] + many), block.rows))
    told = []
    for place, number in enumerate(data["words"]):
        for i, (target, text) in enumerate(data["lists"][number]):
            score = next(rest)
            log = data["step"] * (base[starts[number] + i] + shifts[place] + score)
            sentence = data["heads"][place] + text + data["tails"][place]
            group, term = data["groups"][place], data["terms"][place]
            told.append((sentence, group, term, target, math.nan if score == 32767 else log))
    return told


def test_every_sentence_comes_back_with_its_score(audit: Results) -> None:
    some = list(scores.rows(audit))
    some[5] = {**some[5], "log_prob": "", "skip": "unscorable"}
    (block,) = packed(audit, some).blocks
    told = unpacked(block)
    assert len(told) == block.rows == len(some) > 100
    for row, (sentence, group, term, target, log) in zip(some, told, strict=True):
        assert (sentence, group, term, target) == (
            row["text"], row["group"], row["label"], row["target"],
        )  # fmt: skip
        if row["log_prob"]:
            assert log == pytest.approx(float(row["log_prob"]), abs=packing.STEP / 2 + 1e-9)
        else:
            assert math.isnan(log)


def test_what_has_no_room_is_named_with_its_place(audit: Results) -> None:
    some = list(scores.rows(audit))
    whole = packed(audit, some)
    assert (whole.rest, whole.shown) == ("", whole.total)
    size = whole.blocks[0].size
    half = packed(audit, some, room=size - 1)
    assert half.blocks[0].frames == 1
    assert half.blocks[0].size < size
    assert half.shown == whole.total // 2
    assert f"holds {half.shown:,} of {half.total:,} scores" in half.rest
    assert "evidence.csv.gz" in half.rest
    none = packed(audit, some, room=10)
    assert none.blocks == ()
    assert "holds 0 of" in none.rest


def test_a_page_stays_small_whatever_the_evidence_holds(audit: Results) -> None:
    """Random scores do not compress: the page holds a part of them and says so."""
    from random import Random

    chance = Random(1)  # noqa: S311 - no secret
    words = [f"word{i}" for i in range(6000)]
    some = [
        {**row, "log_prob": f"{-chance.uniform(0, 300):.4f}", "template": f"{row['template']}{n}"}
        for n in range(20)
        for row in scores.rows(audit, words[n * 300 : n * 300 + 300] * 6)
    ]
    html = render(audit, "html", scores.pack(some))
    assert len(html.encode()) <= WHOLE_LIMIT
    assert len(some) > 200_000


def test_hostile_words_are_only_data(audit: Results) -> None:
    words = [*NASTY, "</script><script>alert(1)</script>", "a\u2028b\u2029c"]
    html = render(audit, "html", scores.pack(scores.rows(audit, words)))
    data = re.findall(r'<script type="application/octet-stream"[^>]*>(.*?)</script>', html, re.S)
    assert data
    assert all(re.fullmatch(r"[A-Za-z0-9+/=\n]+", part) for part in data)
    (block,) = packed(audit, list(scores.rows(audit, words))).blocks
    texts = [sentence for sentence, *_ in unpacked(block)]
    assert all(letter.isprintable() for text in texts for letter in text)
    assert max(map(len, texts)) < 1000
    assert any("10,0" in text and "characters)" in text for text in texts), "and says how long"


def test_evidence_that_cannot_be_read_is_an_error(audit: Results) -> None:
    for broken in (b"no gzip", scores.pack(scores.rows(audit))[:200]):
        with pytest.raises(UsageError, match="not readable evidence"):
            render(audit, "html", broken)


def test_without_evidence_there_is_no_empty_chapter(html: str) -> None:
    assert 'id="explorer"' not in html
    assert 'href="#explorer"' not in html


# In a browser


@pytest.fixture(scope="module")
def held(audit: Results) -> str:
    return render(audit, "html", scores.pack(scores.rows(audit)))


def told_rows(tab: Page) -> list[list[str]]:
    return [
        row.locator("td").all_text_contents()[:3]
        for row in tab.locator("#x-rows > tbody > tr").all()
    ]


def settle(tab: Page, text: str) -> None:
    tab.wait_for_function(
        "(said) => document.getElementById('x-count').textContent.includes(said)", arg=text
    )


@pytest.mark.browser
def test_filters_words_groups_and_text(browser: Browser, audit: Results, held: str) -> None:
    some = list(scores.rows(audit))
    with opened(browser, held) as shown:
        tab = shown.tab
        tab.locator("#explorer").scroll_into_view_if_needed()
        settle(tab, f"of {len(some)};")
        tab.select_option("#x-group", "men")
        settle(tab, f"of {len(some) // 2};")
        word = audit.probes[0].targets[3]
        tab.select_option("#x-word", word.id)
        settle(tab, "of 4;")
        found = [r for r in some if r["group"] == "men" and r["target"] == word.id]
        label = audit.probes[0].groups[1].label
        assert [row[:2] for row in told_rows(tab)] == [[r["text"], label] for r in found]
        for (_, _, said), row in zip(told_rows(tab), found, strict=True):
            value = 100 * scores.likelihood(row)
            assert float(said.split()[0]) == pytest.approx(value, rel=0.08)
            assert len(said) <= len(percent(value / 100)) + 1
        tab.click("#x-clear")
        tab.fill("#x-text", f"everyone lady {word.text}")
        settle(tab, "of 1;")
        assert (shown.asked, shown.said) == ([], [])


@pytest.mark.browser
def test_matrix_and_side_by_side(browser: Browser, audit: Results, held: str) -> None:
    with opened(browser, held) as shown:
        tab = shown.tab
        tab.locator("#explorer").scroll_into_view_if_needed()
        settle(tab, "Rows 1 to")
        matrix = tab.locator("#x-table table")
        heads = matrix.locator("thead th").all_text_contents()
        assert heads == ["Word", *(g.label for g in audit.probes[0].groups if not g.placebo)][:3]
        cell = matrix.locator("tbody button").nth(1)
        assert "Show its sentences" in (cell.get_attribute("aria-label") or "")
        cell.click()
        settle(tab, "of 4;")
        assert shown.run("document.activeElement.id") == "x-count"
        press = tab.locator("#x-rows button").first
        press.click()
        assert press.get_attribute("aria-expanded") == "true"
        beside = tab.locator("td.beside tr")
        assert beside.count() == 4, "the same frame and word, with every group word"
        press.click()
        assert beside.count() == 0


def labelled(audit: Results) -> tuple[Results, list[scores.Row]]:
    """The example as a classifier's: two labels of each sentence."""
    model = audit.model.model_copy(update={"reading": "label"})
    first, second = audit.probes[0].targets[:2]
    text = "The {} lives next door."
    some = [
        {**row, "text": text.format(row["term"]), "log_prob": f"{log}"}
        for row in scores.rows(audit)
        for target, log in ((first.id, -1.6), (second.id, -0.24))
        if row["target"] == target
    ]
    return audit.model_copy(update={"model": model}), some


def test_labels_have_no_text_in_a_sentence(audit: Results) -> None:
    block = packed(*labelled(audit)).blocks[0]
    data: Any = json.loads(zlib.decompress(base64.b64decode(block.content)))
    assert {text for words in data["lists"] for _, text in words} == {""}
    assert "The lady lives next door." in data["heads"]


@pytest.mark.browser
def test_a_labelled_sentence_stands_once_with_its_labels(browser: Browser, audit: Results) -> None:
    marked, some = labelled(audit)
    first, second = (target.text for target in audit.probes[0].targets[:2])
    with opened(browser, render(marked, "html", scores.pack(some))) as shown:
        tab = shown.tab
        tab.locator("#explorer").scroll_into_view_if_needed()
        settle(tab, f"of {len(some) // 2}; the page holds {len(some)} scores")
        assert {row[2] for row in told_rows(tab)} == {f"{first}: 20 %, {second}: 79 %"}
        assert tab.locator("#x-rows mark").count() == 0
        table = tab.locator("#x-table table")
        assert table.locator("thead th").first.text_content() == "Label"
        assert table.locator("tbody tr").count() == 2
        tab.select_option("#x-word", audit.probes[0].targets[1].id)
        settle(tab, f"of {len(some) // 2};")
        assert {row[2] for row in told_rows(tab)} == {"79 %"}
        assert (shown.asked, shown.said) == ([], [])


@pytest.mark.browser
def test_a_point_of_a_chart_leads_to_its_rows_by_keyboard(
    browser: Browser, audit: Results, held: str
) -> None:
    with opened(browser, held) as shown:
        tab = shown.tab
        points = tab.locator("svg:has(a[data-go]) a.point")
        points.first.focus()
        name = points.first.locator("title").text_content() or ""
        assert tab.locator("svg .label").text_content() == name
        tab.keyboard.press("ArrowDown")
        second = points.nth(1).locator("title").text_content() or ""
        assert tab.locator("svg .label").text_content() == second
        tab.keyboard.press("Enter")
        settle(tab, "of 8;")
        assert {row[0].split(" as ")[-1].rstrip(".") for row in told_rows(tab)}
        assert shown.run("document.activeElement.id") == "explorer-title"
        word = second.partition(":")[0]
        assert all(word in row[0] for row in told_rows(tab))
        tab.keyboard.press("Tab")
        assert shown.run("document.activeElement.id") == "x-probe"


@pytest.mark.browser
def test_it_works_under_the_strict_policy_and_from_a_disk(
    browser: Browser, audit: Results, tmp_path: Path
) -> None:
    files = dict(folder(audit, scores.pack(scores.rows(audit))))
    html = files.pop("index.html").decode()
    with opened(browser, html, policy=STRICT, files=files) as shown:
        shown.tab.locator("#explorer").scroll_into_view_if_needed()
        settle(shown.tab, "Rows 1 to")
        assert (shown.asked, shown.said) == ([], [])
    (tmp_path / "report.html").write_text(
        render(audit, "html", scores.pack(scores.rows(audit))), encoding="utf-8"
    )
    tab = browser.new_page()
    tab.goto((tmp_path / "report.html").as_uri())
    tab.locator("#explorer").scroll_into_view_if_needed()
    settle(tab, "Rows 1 to")
    tab.close()


@pytest.mark.browser
def test_without_script_it_says_where_the_rows_are(browser: Browser, held: str) -> None:
    with opened(browser, held, java_script_enabled=False) as shown:
        assert shown.tab.is_hidden("#explore")
        assert "the page needs its script" in shown.tab.inner_text("#explorer")
        assert "evidence.csv.gz" in shown.tab.inner_text("#explorer")


@pytest.mark.browser
def test_hostile_words_are_shown_and_not_obeyed(browser: Browser, audit: Results) -> None:
    words = [*NASTY, "</script><script>window.x = 1</script>"]
    with opened(browser, render(audit, "html", scores.pack(scores.rows(audit, words)))) as shown:
        shown.tab.locator("#explorer").scroll_into_view_if_needed()
        settle(shown.tab, "Rows 1 to")
        assert "<script>alert(1)</script>" in shown.tab.inner_text("#x-rows")
        assert shown.run("typeof window.x") == "undefined"
        assert shown.run("document.documentElement.scrollWidth") <= 1280
        assert (shown.asked, shown.said) == ([], [])


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_in_the_explorer(browser: Browser, held: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, held, width=width) as shown:
        shown.tab.locator("#explorer").scroll_into_view_if_needed()
        settle(shown.tab, "Rows 1 to")
        shown.tab.locator("#x-rows button").first.click()
        found = Axe().run(shown.tab, options={"resultTypes": ["violations"]})
        assert [broken["id"] for broken in found.response["violations"]] == []
