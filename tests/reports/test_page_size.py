"""How large a page may become, and what it leaves out then."""

from __future__ import annotations

import pytest
from bias_audit.render import _page
from bias_audit.render import html as html_format

from bias_audit.reports import render
from bias_audit.reports.view.build import build
from bias_audit.results.io import Results, load_results
from bias_audit.utils import resources as _resources

from .page import Page

LEFT_OUT = "are left out to keep this page small"


def test_the_sample_is_a_small_page() -> None:
    text = render(load_results(_resources.data_dir("reports") / "sample"), "html")
    assert len(text.encode()) <= 480_000
    assert LEFT_OUT not in text


def test_twenty_thousand_sentences_make_a_page_that_says_where_they_are(audit: Results) -> None:
    finding = audit.findings[1]
    many = tuple(finding.sentences[i % 10] for i in range(20_000))
    findings = (audit.findings[0], finding.model_copy(update={"sentences": many}))
    text = render(audit.model_copy(update={"findings": findings}), "html")
    assert len(text.encode()) < 400_000
    assert "19,940 more pairs of this comparison: see <code>results.json</code>" in text
    assert ">20000 sentence pairs</a>" in text


def test_a_page_that_is_too_large_says_what_is_left_out(
    audit: Results, html: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every verdict stays; links into what was left out go with it."""
    assert LEFT_OUT not in html
    monkeypatch.setattr(html_format, "PAGE_LIMIT", len(html.encode()) - 20_000)
    text = render(audit, "html")
    page = Page(text)
    assert page.mistakes == []
    assert len(text.encode()) <= html_format.PAGE_LIMIT
    assert LEFT_OUT in page.text
    ids = {a.get("id") for _, a, _ in page.elements}
    assert [a["href"] for a in page.all("a") if a["href"][1:] not in ids] == []
    for gate in audit.gates:
        assert gate.probe in text
    assert "sentences-occupation-gender" in text, "the strongest finding keeps its sentences"
    assert render(audit, "html") == text


def test_the_weakest_probes_are_cut_first_and_no_more_than_needed(audit: Results) -> None:
    shown = build(audit)
    whole = [probe for chapter in shown.chapters for probe in chapter.probes]
    named = [note.chapter for note in shown.notes]

    def size(probe: _page.ProbeSection) -> int:
        full = probe.evidence or probe.columns or probe.pictures
        return 1000 if full else 150 if probe.notices else 100

    cuts = []
    for excess in (1, 851, 10_000_000):
        less = html_format.cut(shown, excess, size)
        probes = [probe for chapter in less.chapters for probe in chapter.probes]
        cuts.append({old.name for old, new in zip(whole, probes, strict=True) if old is not new})
        there = {found.name for probe in probes for found in probe.evidence}
        assert {note.pairs for note in less.notes} <= {*there, ""}
    assert cuts[0] < cuts[1] < cuts[2]
    assert len(cuts[0]) == 1
    assert not cuts[0] & set(named), "a probe with a finding is cut after those without"
    assert named[0] not in cuts[1]


def test_long_tables_of_a_page_that_is_too_large_say_how_many_rows_are_left(
    audit: Results,
) -> None:
    shown = build(audit)
    rows = tuple((_page.Cell(text=str(n)),) for n in range(50))
    table = _page.Table(caption="c", head=("n",), rows=rows, note="Sorted.")
    quality = _page.Quality(sanity=(), sanity_state="", tables=(("h", "", table),))
    page = _page.Page(**{n: getattr(shown, n) for n in _page.Page.__slots__} | {"quality": quality})
    ((_, _, less),) = html_format.cut(page, 1, lambda probe: 0).quality.tables
    assert len(less.rows) == 40
    assert less.note == "Sorted. 10 more rows are in results.json."
