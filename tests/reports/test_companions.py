from __future__ import annotations

import pytest

from bias_audit.reports import charts
from bias_audit.reports.text import percent, with_sign
from bias_audit.reports.view import page as _page
from bias_audit.reports.view.build import build

from . import companions
from .page import Page


@pytest.fixture(scope="module")
def sections() -> dict[str, _page.ProbeSection]:
    shown = build(companions.example())
    return {probe.id: probe for chapter in shown.chapters for probe in chapter.probes}


def test_the_words_behind_a_divergence_point_to_their_groups(
    sections: dict[str, _page.ProbeSection],
) -> None:
    (picture,) = [
        p
        for p in sections["occupation-gender"].word_pictures
        if isinstance(p, _page.Intervals) and p.bars
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
    (picture,) = [p for p in sections["trait-gender"].pictures if isinstance(p, _page.Plane)]
    assert picture.points == ((0.4, -0.3, "women"), (-0.4, 0.3, "men"))
    assert picture.table.rows[0][1].text == with_sign(0.4)
    text = Page(charts.draw(picture)).text
    assert {"women", "men"} <= set(text.split())
    assert "more competent" in text
    assert "colder" in text


def test_a_group_without_both_coordinates_is_not_drawn() -> None:
    base = companions.example()
    results = tuple(
        r.model_copy(update={"companions": r.companions[:3]})
        if r.metric == "warmth_competence"
        else r
        for r in base.results
    )
    shown = build(base.model_copy(update={"results": results}))
    every = [p for c in shown.chapters for s in c.probes for p in s.pictures]
    assert not [p for p in every if isinstance(p, _page.Plane)]


def placebo_pictures(gaps: tuple[float, ...]) -> list[_page.Dots]:
    base = companions.example()
    probes = tuple(
        p.model_copy(update={"placebo_gaps": gaps}) if p.id == "religion-valence" else p
        for p in base.probes
    )
    shown = build(base.model_copy(update={"probes": probes}))
    every = [p for c in shown.chapters for s in c.probes for p in s.pictures]
    return [p for p in every if isinstance(p, _page.Dots) and "placebo" in p.name]


def test_gaps_stand_beside_those_of_placebo_groups_by_size() -> None:
    (picture,) = placebo_pictures((0.01, 0.05, 0.3))
    rows = dict(picture.rows)
    assert rows["placebo groups (3)"] == (0.01, 0.05, 0.3)
    assert rows["Muslim"] == (0.88,), "the size, without its direction"
    assert "3 of 7 gaps are larger than all of them" in picture.summary
    cells = {row[0].text: row[3].text for row in picture.table.rows}
    assert cells["Muslim"] == "100 %"
    assert cells["Hindu"] == "33 %"
    assert "a group beside the mean of the others" in picture.question
    assert cells["placebo 1"] == "0 %"
    svg = charts.draw(picture)
    assert svg.count('class="f-band"') == 1, "what placebo gaps reach is shaded"
    text = Page(svg).text
    assert "placebo groups (3)" in text
    assert "larger gap, in either direction →" in text


def test_two_placebo_gaps_are_no_distribution() -> None:
    assert placebo_pictures((0.01, 0.05)) == []
