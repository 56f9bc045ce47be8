"""``report A B C``: models side by side, without a score."""

from __future__ import annotations

import csv
import io
import re

import pytest

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.reports import side_by_side
from bias_audit.reports.formats import csv as results_csv
from bias_audit.results import Results

from .others import other
from .page import Page
from .test_formats import FORBIDDEN

Given = list[tuple[str, Results]]


@pytest.fixture(scope="module")
def three(audit: Results) -> Given:
    small, large = other(audit, "m/small", -0.1), other(audit, "m/large", 0.4)
    return [("runs/a", audit), ("runs/b", small), ("runs/c", large)]


def test_every_shared_comparison_has_a_line_for_each_model(three: Given) -> None:
    shown = side_by_side.build(three)
    asked = [r for r in three[0][1].results if r.role == "primary"]
    assert shown.lead.startswith(f"{len(asked)} comparisons that all of them were asked")
    picture = shown.axes[0].picture
    assert picture is not None
    labels = [row.label for row in picture.rows]
    assert labels[:3] == ["A · example/tiny-masked-lm", "B · m/small", "C · m/large"]
    values = {row.label[0]: row.estimate for row in picture.rows[:3]}
    assert values["C"] - values["A"] == pytest.approx(0.4)
    assert values["B"] - values["A"] == pytest.approx(-0.1)
    table = {row[0].text: row for row in shown.axes[0].table.rows}
    row = table["Occupations and gender: women vs men"]
    assert row[1].value == pytest.approx(0.5), "the largest gap minus the smallest"
    assert [cell.value for cell in row[2:]] == pytest.approx([1.13, 1.03, 1.53])


def test_outcomes_are_counted_over_what_all_were_asked(three: Given) -> None:
    shown = side_by_side.build(three)
    head = shown.models.head
    first = shown.models.rows[0]
    counts = {name: cell.text for name, cell in zip(head, first, strict=True)}
    asked = [r.outcome for r in three[0][1].results if r.role == "primary"]
    assert counts["Association"] == str(asked.count("association"))
    assert counts["Small"] == str(asked.count("small"))
    assert counts["Sanity check"] == "held"


def test_another_version_or_a_missing_probe_is_left_out_with_its_reason(three: Given) -> None:
    second = three[1][1]
    probes = tuple(
        p.model_copy(update={"version": 9}) if p.id == "occupation-gender" else p
        for p in second.probes
    )
    results = tuple(r for r in second.results if r.probe != "trait-gender")
    changed = second.model_copy(update={"probes": probes, "results": results})
    shown = side_by_side.build([three[0], ("runs/b", changed)])
    assert shown.lost is not None
    why = {row[0].text: row[1].text for row in shown.lost.rows}
    assert why == {
        "Occupations and gender: women vs men": "asked in different versions of its probe",
        "Warm and able traits: women vs men": "not asked of B",
    }
    page = Page(side_by_side.render([three[0], ("runs/b", changed)], "html"))
    assert "not asked of B" in page.text


def test_the_page_is_whole_and_never_ranks(three: Given) -> None:
    html = side_by_side.render(three, "html")
    page = Page(html)
    assert page.mistakes == []
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert [a["href"] for a in page.all("a") if a["href"][1:] not in ids] == []
    assert "There is no overall score and no rank" in page.text
    assert FORBIDDEN.findall(page.text) == []
    assert not re.search(r"\b(best|winner|better model)\b", page.text)
    assert side_by_side.render(three, "html") == html


def test_markdown_and_csv_have_the_same_numbers(three: Given) -> None:
    text = side_by_side.render(three, "md")
    assert text.startswith("**3 models side by side**")
    assert len(text.encode()) <= 58_000
    for axis in side_by_side.build(three).axes:
        assert f"### {axis.title}" in text
        for row in axis.table.rows:
            assert row[2].text.split("[")[0] in text
    rows = list(csv.DictReader(io.StringIO(side_by_side.render(three, "csv"))))
    assert tuple(rows[0]) == ("run", "model", *results_csv.COLUMNS)
    assert len(rows) == sum(len(results.results) for _, results in three)
    assert {row["run"] for row in rows} == {"runs/a", "runs/b", "runs/c"}


def test_what_one_model_alone_measured_is_not_called_equal(audit: Results) -> None:
    lost = tuple(
        r.model_copy(update={"estimate": None, "reason": "all words lost"}) for r in audit.results
    )
    shown = side_by_side.build([("a", audit), ("b", audit.model_copy(update={"results": lost}))])
    assert all(axis.picture is None for axis in shown.axes)
    text = side_by_side.render(
        [("a", audit), ("b", audit.model_copy(update={"results": lost}))], "md"
    )
    assert "not available: all words lost" in text
    assert "| 0.00 |" not in text


def test_other_probe_files_are_told_before_the_numbers(three: Given) -> None:
    """Versions say what may stand side by side; digests say that files differ all the same."""
    assert side_by_side.build(three).notices == ()
    second = three[1][1]
    changed = second.model_copy(
        update={"run": second.run.model_copy(update={"catalogue_digest": "feedbeef" * 8})}
    )
    given = [three[0], ("runs/b", changed), three[2]]
    (notice,) = side_by_side.build(given).notices
    assert "did not read the same probe files" in notice
    assert "B: feedbeeffeed" in notice
    assert "A, C: " in notice
    html, text = (side_by_side.render(given, name) for name in ("html", "md"))
    assert Page(html).text.index("same probe files") < Page(html).text.index("The models The")
    assert "did not read the same probe files" in text


def test_wrong_use_is_refused(audit: Results) -> None:
    with pytest.raises(UsageError, match="expected 2 to 26 runs"):
        side_by_side.render([("a", audit)], "html")
    with pytest.raises(UsageError, match="got 27"):
        side_by_side.render([("a", audit)] * 27, "html")
    with pytest.raises(UnknownNameError):
        side_by_side.render([("a", audit)] * 2, "sarif")


def test_runs_without_a_comparison_in_common_have_no_noughts(audit: Results) -> None:
    small = other(audit.model_copy(update={"results": (), "findings": ()}), "m/s", 0.0)
    shown = side_by_side.build([("a", audit), ("b", other(audit, "m/b", 0.1)), ("c", small)])
    assert shown.lead.startswith("These runs have no comparison in common")
    for row in shown.models.rows:
        assert [cell.text for cell in row[2:7]] == ["–"] * 4 + ["not compared"]
    asked = sum(r.role == "primary" for r in audit.results)
    assert (
        f"C was not asked {asked} of the comparisons that all the other runs share: leave C out to "
        "see them side by side."
    ) in shown.notices


def test_runs_of_the_same_weights_are_told(audit: Results) -> None:
    same = side_by_side.build([("a", audit), ("b", audit)]).notices
    assert same == (
        "All of these runs have the same weights: what differs between them is not the model.",
    )
    third = side_by_side.build(
        [("a", audit), ("b", audit), ("c", other(audit, "m/c", 0.1))]
    ).notices
    assert third[0].startswith("A, B have the same weights")
    apart = [("a", audit), ("c", other(audit, "m/c", 0.1))]
    assert side_by_side.build(apart).notices == ()
