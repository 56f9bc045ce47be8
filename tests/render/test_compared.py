"""``compare --format html``: the words of the other formats, with a line for each gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bias_audit.archive import Change, Comparison, Run
from bias_audit.render import _compared, charts
from bias_audit.render import comparison as shown

from .example import model
from .page import Page
from .strangers import NASTY

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def change(**more: Any) -> Change:
    values: dict[str, Any] = {
        "probe": "jobs", "result": "r", "axis": "x", "groups": ("a", "b"),
        "group_labels": ("women", "men"), "metric": "log_odds_gap", "baseline": 0.1,
        "candidate": 0.5, "difference": 0.4, "ci_low": 0.2, "ci_high": 0.6, "rise": 0.4,
        "p_adjusted": 0.01, "differs": True,
    }  # fmt: skip
    return Change(**(values | more))


def comparison(*changes: Change, **more: Any) -> Comparison:
    values = {"baseline": "main", "baseline_model": model(), "baseline_run": Run(seed=1)}
    return Comparison(**(values | {"changes": changes} | more))


def several() -> Comparison:
    return comparison(
        change(result="a", group_labels=("nurses", "x")),
        change(result="b", group_labels=("cooks", "x"), candidate=-0.5),
        change(result="c", group_labels=("clerks", "x"), rise=-0.4, candidate=0.05),
        change(result="d", group_labels=("guards", "x"), differs=False),
        change(result="e", group_labels=("maids", "x"), candidate=None, reason_code="no_result"),
        change(result="f", role="secondary", group_labels=("second", "x")),
        notices=("other arithmetic",),
        candidate="runs/new",
    )


@pytest.mark.parametrize("secondary", [True, False])
def test_it_says_what_the_markdown_says(secondary: bool) -> None:
    record = several()
    page = Page(shown.render(record, "html", secondary=secondary))
    assert page.mistakes == []
    assert shown.headline(record) in page.text
    changes = shown.ordered(record.changes, secondary)
    for found in changes:
        for text in (shown.names(found), *shown.numbers(found), shown.said(found)):
            assert text in page.text
    for line in (*shown.hidden(record, changes), *shown.remarks(record), shown.CLOSING):
        assert line in page.text
    assert ("second - x" in page.text) is secondary


def test_lines_go_from_the_baseline_to_now() -> None:
    picture = _compared.build(several(), secondary=False).picture
    assert picture is not None
    assert (picture.before, picture.after) == ("main", "new")
    rows = {row.label: row for row in picture.rows}
    assert len(rows) == 4, "what one run could not measure has no line"
    assert (rows["jobs: cooks - x"].before, rows["jobs: cooks - x"].after) == (0.1, -0.5)
    verdicts = [row.verdict for row in picture.rows]
    assert verdicts == ["larger", "turned", "smaller", "open"]
    text = Page(charts.draw(picture)).text
    assert "jobs: cooks - x · turned" in text
    assert "jobs: cooks - x: odds 1.11 times before, odds 0.61 times now, turned round" in text


def test_nothing_in_common_is_said() -> None:
    page = Page(shown.render(comparison(), "html"))
    assert page.mistakes == []
    assert "The two runs have no gap in common." in page.text
    gone = comparison(change(candidate=None, reason_code="no_result"))
    assert "No gap was measured in both runs" in Page(shown.render(gone, "html")).text


def test_strangers_stay_text_and_bytes_stay_the_same() -> None:
    record = comparison(
        *(change(result=str(i), probe=t, group_labels=(t, "x")) for i, t in enumerate(NASTY)),
        notices=NASTY,
        candidate=NASTY[1],
    )
    html = shown.render(record, "html")
    page = Page(html)
    assert page.mistakes == []
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert "\u202e" not in html
    assert shown.render(record, "html") == html


def test_many_changes_make_a_page_of_moderate_size() -> None:
    many = comparison(*(change(result=f"r{i}", group_labels=(f"g{i}", "x")) for i in range(3000)))
    html = shown.render(many, "html")
    assert len(html.encode()) < 700_000
    assert "2,000 more are in the formats csv and json." in html
    assert "The first 16 of 3000 are drawn." in html


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing(browser: Browser, width: int) -> None:
    from .test_accessible import violations

    html = shown.render(several(), "html")
    assert violations(browser, html, color_scheme="light", width=width) == []
