"""How large a page may become, and what gives way first."""

from __future__ import annotations

import re

import pytest

from bias_audit import _resources
from bias_audit.render._shrink import _first, fitted, narrowed, shorter, wide
from bias_audit.reports import render
from bias_audit.reports.formats import html as html_format
from bias_audit.reports.formats.html import fill
from bias_audit.reports.view import page as _page
from bias_audit.reports.view.build import build
from bias_audit.results import Results, load_results

from .page import Page

LEFT_OUT = "are left out to keep this page small"


def test_the_sample_is_a_small_page() -> None:
    folder = _resources.data_dir("reports") / "sample"
    text = render(load_results(folder), "html")
    assert len(text.encode()) <= 600_000
    assert LEFT_OUT not in text
    plain = re.sub(r'<div class="narrow" hidden>.*?</div>', "", text, flags=re.DOTALL)
    assert len(plain.encode()) <= 540_000, "room for what is to come"


def test_twenty_thousand_sentences_make_a_page_that_says_where_they_are(audit: Results) -> None:
    finding = audit.findings[1]
    many = tuple(finding.sentences[i % 10] for i in range(20_000))
    findings = (audit.findings[0], finding.model_copy(update={"sentences": many}))
    text = render(audit.model_copy(update={"findings": findings}), "html")
    assert len(text.encode()) < 400_000
    assert "19,940 more pairs of this comparison: see <code>results.json</code>" in text
    assert ">20000 sentence pairs</a>" in text


def test_a_table_cut_twice_says_once_how_many_rows_are_gone() -> None:
    rows = tuple((_page.Cell(text=str(n)),) for n in range(50))
    table = _page.Table(caption="c", head=("n",), rows=rows, note="Sorted.")
    once = _first(table, 30)
    assert once.note == "Sorted. 20 more rows are in results.json."
    twice = _first(once, 8)
    assert len(twice.rows) == 8
    assert twice.note == "Sorted. 42 more rows are in results.json."
    assert _first(twice, 8) is twice


@pytest.fixture(scope="module")
def least(audit: Results) -> int:
    """Bytes of the page before anything about its probes is cut."""
    return len(fill("report.html.j2", shorter(wide(build(audit)))).encode())


@pytest.mark.parametrize("room", [2_000, 60_000, 10_000_000])
def test_a_page_that_is_too_large_says_what_is_left_out(
    audit: Results, least: int, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """Every verdict stays; links into what was left out go with it."""
    limit = max(least - room, 100_000)
    monkeypatch.setattr(html_format, "_MOST", limit)
    text = render(audit, "html")
    page = Page(text)
    assert page.mistakes == []
    assert len(text.encode()) <= limit + 10_000 * (room > 100_000)
    assert LEFT_OUT in page.text
    ids = {a.get("id") for _, a, _ in page.elements}
    assert [a["href"] for a in page.all("a") if a["href"][1:] not in ids] == []
    for gate in audit.gates:
        assert gate.probe in text
    if room == 2_000:
        assert "sentences-occupation-gender" in text, "the strongest finding keeps its sentences"
    assert render(audit, "html") == text


def test_charts_for_telephones_give_way_first(
    audit: Results, html: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'class="narrow"' in html
    monkeypatch.setattr(html_format, "_MOST", least + 100)
    text = render(audit, "html")
    assert 'class="narrow"' not in text
    assert LEFT_OUT not in text


def test_every_probe_loses_a_little_before_any_loses_much(audit: Results) -> None:
    """Each byte is cut in rounds: nobody loses the charts while another keeps the long lists."""
    shown = build(audit)
    sizes = {p.name: 5000 for chapter in shown.chapters for p in chapter.probes}

    def size(probe: _page.ProbeSection) -> int:
        lists = sum(len(found.rows) for found in probe.evidence) + len(probe.columns)
        charts = len(probe.pictures) + len(probe.word_pictures)
        return 10 * lists + 1000 * charts + 3000 * bool(probe.columns) + sizes[probe.name]

    whole = {p.name: p for chapter in shown.chapters for p in chapter.probes}
    for excess in (50, 1500, 5000, 9000):
        cut = fitted(shown, excess, size)
        now = [p for chapter in cut.chapters for p in chapter.probes]
        without = [p for p in now if whole[p.name].pictures and not p.pictures]
        long = [p for p in now if any(len(found.rows) > 3 for found in p.evidence)]
        assert not (without and long), excess
        saved = sum(map(size, whole.values())) - sum(map(size, now))
        assert saved >= excess
        there = {found.name for p in now for found in p.evidence}
        assert {note.pairs for note in cut.notes} <= {*there, ""}


def test_a_page_below_the_limit_is_left_alone(html: str) -> None:
    assert LEFT_OUT not in html


def test_charts_of_axes_are_the_last_that_a_telephone_loses(audit: Results) -> None:
    shown = wide(build(audit))
    axes = [chapter for chapter in shown.chapters if chapter.picture]
    for room, expected in ((0, 0), (10 * len(axes), len(axes)), (10**6, len(axes))):
        found = narrowed(shown, room, lambda picture: 10)
        drawn = [c.name for c in found.chapters if c.narrow]
        assert drawn == [c.name for c in axes][:expected]
        probes = [p for c in found.chapters for p in c.probes if p.narrow]
        assert bool(probes) is (room == 10**6)
