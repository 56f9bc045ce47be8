from __future__ import annotations

import dataclasses
import re

import matplotlib
import pytest

from bias_audit.reports import charts
from bias_audit.reports.charts import layouts, narrow
from bias_audit.reports.charts.axes import number_ticks, odds_ticks
from bias_audit.reports.charts.layouts import spread
from bias_audit.reports.text import percent, with_sign
from bias_audit.reports.view import exhibits as _exhibits
from bias_audit.reports.view import page as _page
from bias_audit.reports.view.build import build
from bias_audit.reports.view.charts import least_squares
from bias_audit.results import Results

from .example import with_companions
from .page import Page


def pictures(page: _page.Page) -> list[_exhibits.Picture]:
    return [chart for chart in page.charts if isinstance(chart, _exhibits.Picture)]


@pytest.fixture(scope="module")
def drawn(audit: Results) -> list[_exhibits.Picture]:
    return pictures(build(audit))


def test_each_chart_has_title_description_and_role(drawn: list[_exhibits.Picture]) -> None:
    for picture in drawn:
        drawing = charts.draw(picture)
        page = Page(drawing)
        root = page.elements[0][1]
        assert root["role"] == ("group" if 'class="point"' in drawing else "img")
        assert root["aria-labelledby"] == f"{picture.name}-t {picture.name}-d"
        assert page.elements[1] == ("title", {"id": f"{picture.name}-t"}, ("svg",))
        assert page.elements[2] == ("desc", {"id": f"{picture.name}-d"}, ("svg",))
        assert page.words[0] == picture.title
        assert page.words[1] == picture.summary
        assert page.mistakes == []


def test_charts_have_no_colours_styles_or_foreign_ids(drawn: list[_exhibits.Picture]) -> None:
    for picture in drawn:
        svg = charts.draw(picture)
        assert "style" not in svg
        assert "xmlns" not in svg
        assert not re.search(r"#[0-9a-fA-F]{6}", svg)
        ids = re.findall(r'\bid="([^"]+)"', svg)
        assert ids[:2] == [f"{picture.name}-t", f"{picture.name}-d"]
        assert len(ids) == 2
        assert len(svg) < 20_000


def test_slopes_name_both_ends_and_move_labels_apart() -> None:
    rows = tuple(
        _exhibits.Slope(
            label=f"gap {i}", before=0.1 * i, after=0.01 * i, verdict="larger" * (i > 2)
        )
        for i in range(6)
    )
    table = _exhibits.Table(caption="", head=(), rows=())
    picture = _exhibits.Slopes(
        name="s", title="t", question="", summary="said", table=table, rows=rows, before="old",
        after="new",
    )  # fmt: skip
    text = Page(charts.draw(picture)).text
    assert {"old", "new"} <= set(text.split())
    assert all(f"gap {i}" in text for i in range(6))
    assert text.count("· larger") == 3
    placed = spread([5.0, 5.0, 5.0, 90.0, 100.0], 10.0, 100.0)
    assert placed == [5.0, 15.0, 25.0, 90.0, 100.0]
    assert spread([99.0, 98.0], 10.0, 100.0) == [100.0, 90.0]


def test_each_chart_has_its_numbers_in_the_table(
    drawn: list[_exhibits.Picture], page: Page
) -> None:
    for picture in drawn:
        values = {cell.value for line in picture.table.rows for cell in line}
        if isinstance(picture, _exhibits.Intervals):
            assert {row.estimate for row in picture.rows} <= values
        if isinstance(picture, _exhibits.Dots):
            assert {value for _, dots in picture.rows for value in dots} <= values
        if isinstance(picture, _exhibits.Scatter):
            assert {x for x, _, _ in picture.points} | {y for _, y, _ in picture.points} <= values
        assert picture.title in page.text
    assert len(page.figures) == len(drawn) + 1  # and the heat map, which is a table itself


def test_allowed_band_and_neutral_line_are_drawn(drawn: list[_exhibits.Picture]) -> None:
    picture = next(p for p in drawn if isinstance(p, _exhibits.Intervals))
    svg = charts.draw(picture)
    (bands,) = re.findall(r'd="([^"]*)" class="f-band"', svg)
    assert picture.compact
    assert bands.count("M") == 1, "one band, behind all rows"
    assert "s-ink" in svg


def test_a_long_label_is_as_large_as_a_short_one_and_takes_further_lines(
    drawn: list[_exhibits.Picture],
) -> None:
    picture = next(p for p in drawn if isinstance(p, _exhibits.Intervals) and p.compact)
    long = "people who have only lately come to this country, with jobs of some standing"
    first, *others = (dataclasses.replace(row, marks="") for row in picture.rows)
    rows = (dataclasses.replace(first, label=long), *others)
    for draw, room in ((layouts.compact_intervals, 33), (narrow.intervals, 56)):
        canvas = draw(dataclasses.replace(picture, rows=rows))
        labels = [one for one in canvas.labels if one.text and one.text in long]
        assert len(labels) > 1
        assert {one.size for one in labels} == {11.5}
        assert all(len(one.text) <= room for one in labels)
        shorter = draw(dataclasses.replace(picture, rows=(first, *others)))
        assert canvas.height > shorter.height
        assert next(p.name for p in canvas.points).startswith(long), "the mark has the whole name"
    said = [one.text for one in layouts.compact_intervals(
        dataclasses.replace(picture, rows=(dataclasses.replace(first, label=f"{long} {long}"),))
    ).labels]  # fmt: skip
    assert any(text.endswith("…") for text in said)


def test_a_picture_nobody_knows_is_refused(drawn: list[_exhibits.Picture]) -> None:
    base = drawn[0]
    odd = _exhibits.Picture(name="x", title=base.title, question="", summary="", table=base.table)
    with pytest.raises(TypeError, match="no drawing for Picture"):
        charts.draw(odd)


def test_settings_of_matplotlib_change_no_file_and_are_put_back(
    drawn: list[_exhibits.Picture],
) -> None:
    before = charts.file(drawn[0], "png")
    own = {"axes.linewidth": 5, "lines.solid_capstyle": "round", "font.weight": "bold"}
    with matplotlib.rc_context(own):
        settings = dict(matplotlib.rcParams)
        assert charts.file(drawn[0], "png") == before
        assert dict(matplotlib.rcParams) == settings


def test_heat_map_removes_word_and_group(audit: Results) -> None:
    probe = next(p for p in build(audit).probes if p.heat)
    assert probe.heat is not None
    assert len(probe.heat.rows) == 24
    assert len(probe.heat.rows) + len(probe.heat.folded) == 28
    assert "1 word left out because a group has no score" in probe.heat.question
    every = [row.values for row in (*probe.heat.rows, *probe.heat.folded)]
    assert all(abs(sum(row)) < 1e-9 for row in every)
    assert all(abs(sum(column)) < 1e-9 for column in zip(*every, strict=True))


def test_fitted_line_by_hand() -> None:
    intercept, slope, r = least_squares([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 3.0])
    assert (round(intercept, 6), round(slope, 6), round(r, 6)) == (1.1, 0.6, 0.948683)
    assert least_squares([0.0, 1.0], [2.0, 2.0]) == (2.0, 0.0, 0.0)


def test_scatter_takes_the_share_of_women_or_the_figure_that_was_tested(audit: Results) -> None:
    def label(results: Results) -> str:
        drawn = pictures(build(results))
        return next(p.across for p in drawn if isinstance(p, _exhibits.Scatter))

    assert label(audit) == "the share of women in the job, 2022, per cent"
    tested = audit.results[1].model_copy(
        update={"id": "x", "metric": "labour_correlation", "target": "employed_2022"}
    )
    changed = audit.model_copy(update={"results": (*audit.results, tested)})
    assert label(changed) == "employed 2022"


def test_scatter_has_the_sign_of_the_correlation_that_was_tested(audit: Results) -> None:
    def drawn(results: Results) -> _exhibits.Scatter:
        return next(p for p in pictures(build(results)) if isinstance(p, _exhibits.Scatter))

    gap = next(r for r in audit.results if r.by_target and r.by_target[0].facts)
    fact = next(iter(gap.by_target[0].facts))
    more = {"id": "x", "metric": "labour_correlation", "role": "secondary", "target": fact}
    there, back = (
        drawn(
            audit.model_copy(
                update={
                    "results": (
                        *audit.results,
                        gap.model_copy(update={**more, "groups": gap.groups[::way]}),
                    )
                }
            )
        )
        for way in (1, -1)
    )
    assert back.slope == pytest.approx(-there.slope)
    assert [y for _, y, _ in back.points] == [-y for _, y, _ in there.points]
    assert (back.above, back.below) == (there.below, there.above)
    assert [row[2].value for row in back.table.rows] == [-r[2].value for r in there.table.rows]
    first = there.above.removeprefix("more with ")
    assert f"with {first} are" in there.answer
    assert f"with {first} are" not in back.answer


def test_every_chart_answers_its_question_in_a_sentence(
    drawn: list[_exhibits.Picture], page: Page
) -> None:
    for picture in drawn:
        assert picture.answer.endswith("."), picture.title
        told = isinstance(picture, _exhibits.Intervals) and picture.compact  # by the lead
        assert told or picture.answer in page.text


def test_all_comparisons_stand_by_size_and_none_is_turned(
    drawn: list[_exhibits.Picture], audit: Results
) -> None:
    picture = next(p for p in drawn if p.name == "chart-overview")
    assert isinstance(picture, _exhibits.Intervals)
    values = [row.estimate for row in picture.rows]
    assert values == sorted(values, reverse=True)
    assert min(values) >= 0
    assert len(values) == sum(
        r.role == "primary" and r.estimate is not None and r.unit == "nats" for r in audit.results
    )


def test_a_mark_names_itself_and_leads_to_its_sentences(drawn: list[_exhibits.Picture]) -> None:
    picture = next(p for p in drawn if p.name.startswith("chart-words-"))
    assert isinstance(picture, _exhibits.Intervals)
    first = picture.rows[0]
    assert first.rows is not None
    with_rows = charts.draw(picture, explorer=True)
    assert f'href="#explorer" data-go="{chr(9).join(first.rows)}"><title>{first.label}' in with_rows
    alone = charts.draw(picture)
    assert "#explorer" not in alone
    assert f'<g class="point" tabindex="0" role="img"><title>{first.label}' in alone
    assert "point" not in charts.file(picture, "svg").decode()


def test_two_parts_with_the_same_heading_keep_their_headings(
    drawn: list[_exhibits.Picture],
) -> None:
    base = next(p for p in drawn if isinstance(p, _exhibits.Intervals) and not p.compact)
    rows = tuple(
        _exhibits.IntervalRow(
            label=f"row {i}", estimate=0.1, low=0.0, high=0.2, heading="Same title", part=part
        )
        for i, part in enumerate(("one", "one", "two"))
    )
    text = charts.draw(dataclasses.replace(base, rows=rows))
    assert text.count(">Same title<") == 2


def test_a_name_without_room_stands_in_two_lines(drawn: list[_exhibits.Picture]) -> None:
    base = next(p for p in drawn if isinstance(p, _exhibits.Intervals) and not p.compact)
    long = "Western Europe and English-speaking North America"
    row = _exhibits.IntervalRow(label=long, estimate=0.1, low=0.0, high=0.2)
    words = Page(charts.draw(dataclasses.replace(base, rows=(row,)))).words
    at = words.index("Western Europe and English-speaking")
    assert words[at + 1] == "North America"


def test_scales_have_round_ticks() -> None:
    places, labels = zip(*odds_ticks(-0.3, 0.3), strict=True)
    assert labels == ("1.25×", "1.1×", "1×", "1.1×", "1.25×")
    assert list(places) == sorted(places)
    for low, high, expected in (
        (0.0, 1.0, "0.0 0.2 0.4 0.6 0.8 1.0"),
        (-4.2, 8.4, "−4 −2 0 2 4 6 8"),
        (-0.3, 2.1, "0.0 0.5 1.0 1.5 2.0"),
        (0.0, 100.0, "0 20 40 60 80 100"),
        (-8e-4, 8e-4, "−0.0008 −0.0006 −0.0004 −0.0002 0.0000 0.0002 0.0004 0.0006 0.0008"),
        (-1e6, 3e6, "−1,000,000 −500,000 0 500,000 1,000,000 1,500,000 2,000,000 2,500,000 "
                    "3,000,000"),
    ):  # fmt: skip
        assert " ".join(label for _, label in number_ticks(low, high)) == expected


@pytest.fixture(scope="module")
def sections() -> dict[str, _page.ProbeSection]:
    shown = build(with_companions())
    return {probe.record.id: probe for probe in shown.probes}


def test_the_words_behind_a_divergence_point_to_their_groups(
    sections: dict[str, _page.ProbeSection],
) -> None:
    (picture,) = [
        p
        for p in sections["occupation-gender"].pictures
        if isinstance(p, _exhibits.Intervals) and p.bars
    ]
    whole = 0.02 + 0.012 + 0.004 + 0.01 + 0.015 + 0.008 + 0.01
    found = {row.label: row.estimate for row in picture.rows}
    assert found.keys() == {"nurse", "maid", "soldier", "guard"}
    assert found["nurse"] == pytest.approx(100 * 0.02 / whole)
    assert found["soldier"] == pytest.approx(-100 * 0.015 / whole), "the other side"
    assert "witch" not in str(picture), "a harmful word stands in no open chart or table"
    assert "1 harmful word is left to results.json" in picture.question
    text = Page(charts.draw(picture)).text
    assert f"{found['nurse']:.1f}" in text
    assert "said more after women →" in text
    cells = {row[0].text: row[2].text for row in picture.table.rows}
    assert cells["guard"] == percent(0.008 / whole)


def test_the_heat_map_gives_way_to_the_chart_of_words_only(
    sections: dict[str, _page.ProbeSection],
) -> None:
    assert sections["occupation-gender"].heat is None
    assert sections["religion-valence"].heat is not None


def test_groups_stand_in_the_plane_where_their_numbers_say(
    sections: dict[str, _page.ProbeSection],
) -> None:
    (picture,) = [p for p in sections["trait-gender"].pictures if isinstance(p, _exhibits.Plane)]
    assert picture.points == ((0.4, -0.3, "women"), (-0.4, 0.3, "men"))
    assert picture.table.rows[0][1].text == with_sign(0.4)
    text = Page(charts.draw(picture)).text
    assert {"women", "men"} <= set(text.split())
    assert "more competent" in text
    assert "colder" in text


def test_a_group_without_both_coordinates_is_not_drawn() -> None:
    base = with_companions()
    results = tuple(
        r.model_copy(update={"companions": r.companions[:3]})
        if r.metric == "warmth_competence"
        else r
        for r in base.results
    )
    shown = build(base.model_copy(update={"results": results}))
    every = [p for section in shown.probes for p in section.pictures]
    assert not [p for p in every if type(p) is _exhibits.Plane]
