"""``compare --format html``: the words of the other formats, with a line for each gap."""

from __future__ import annotations

import re

import pytest

from bias_audit.reports import charts
from bias_audit.reports import comparison as shown
from bias_audit.reports import comparison as words
from bias_audit.results import MissingChange

from .others import change, comparison, several
from .page import Page


def test_lines_go_from_the_baseline_to_now() -> None:
    picture = shown.build_page(several(), secondary=False).picture
    assert picture is not None
    assert (picture.before, picture.after) == ("main", "new")
    rows = {row.label: row for row in picture.rows}
    assert len(rows) == 4, "what one run could not measure has no line"
    assert (rows["jobs: cooks - x"].before, rows["jobs: cooks - x"].after) == (0.1, -0.5)
    verdicts = [row.verdict for row in picture.rows]
    assert verdicts == ["larger", "turned", "smaller", "open"]
    text = Page(charts.draw(picture)).text
    assert "jobs: cooks - x · turned" in text
    assert "jobs: cooks - x: 1.11 times before, 1.65 times now, turned round" in text


def test_nothing_in_common_is_said() -> None:
    page = Page(shown.render(comparison(), "html"))
    assert page.mistakes == []
    assert "The two runs have no gap in common." in page.text
    gone = comparison(change(candidate=None, reason_code="no_result"))
    assert "No gap was measured in both runs" in Page(shown.render(gone, "html")).text


def test_many_changes_make_a_page_of_moderate_size() -> None:
    many = comparison(*(change(result=f"r{i}", group_labels=(f"g{i}", "x")) for i in range(3000)))
    html = shown.render(many, "html")
    assert len(html.encode()) < 700_000
    assert "2,000 more are in the formats csv and json." in html
    assert "The first 16 of 3,000 are drawn." in html


def test_what_is_not_drawn_is_counted_apart() -> None:
    able = [change(result=f"r{i}", group_labels=(f"g{i}", "x")) for i in range(18)]
    gone = [change(result=f"n{i}", candidate=None, reason_code="no_result") for i in range(5)]
    picture = shown.build_page(comparison(*able, *gone), secondary=False).picture
    assert picture is not None
    assert "The first 16 of 18 are drawn." in picture.question
    assert "5 more, without a number in both runs or in another unit" in picture.question
    few = shown.build_page(comparison(*able[:4]), secondary=False).picture
    assert few is not None
    assert "drawn" not in few.question


def test_labels_of_lines_differ() -> None:
    """Long names that differ in their ends only, as probes and groups do."""
    record = comparison(
        *(
            change(result=f"{p}{g}", probe=f"occupation-of-people-by-{p}",
                   group_labels=(f"Eastern Europe and {g}", "others"), candidate=0.1 + 0.05 * i)
            for i, (p, g) in enumerate((p, g) for p in ("region", "religion") for g in "ABC")
        )
    )  # fmt: skip
    picture = shown.build_page(record, secondary=False).picture
    assert picture is not None
    expected = {words.gap_name(found) for found in record.changes}
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", charts.draw(picture))
    whole = " ".join(texts)
    assert {name for name in expected if name not in whole} == set(), texts


def test_same_scores_where_there_was_a_partner() -> None:
    alone = (MissingChange(probe="p", result="r", reason_code="no_result", reason="gone"),)
    made = comparison(change(identical=True), missing=alone, baseline="/home/me/runs/old")
    facts = dict(shown.build_page(made, secondary=True).facts)
    assert facts["Same scores"] == (
        "in every paired sentence that both runs have; 1 result of one run has no partner"
    )
    assert facts["Baseline"] == "runs/old"
    assert words.headline(made) == (
        "1 gap compared with runs/old: 1 with the same scores; 1 result of one run has no partner"
    )
    assert dict(shown.build_page(comparison(change()), secondary=True).facts)["Same scores"] == "no"
    whole = comparison(change(identical=True), identical=True)
    facts = dict(shown.build_page(whole, secondary=True).facts)
    assert facts["Same scores"] == "yes, in every paired sentence"
    none = dict(shown.build_page(comparison(), secondary=True).facts)
    assert none["Same scores"] == "nothing could be paired"


@pytest.mark.parametrize(
    ("given", "shown"),
    [("main", "main"), ("runs/new", "runs/new"), ("/a/b/c/results.json", "b/c"), ("/c", "c")],
)
def test_a_whole_path_is_no_name(given: str, shown: str) -> None:
    assert words.run_name(given) == shown
