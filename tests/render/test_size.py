"""How large a page may become, and what gives way first."""

from __future__ import annotations

import pytest

from bias_audit import _resources
from bias_audit.archive import Results, load_results
from bias_audit.render import html as html_format
from bias_audit.render import render

from .page import Page

LEFT_OUT = "are left out to keep this page small"


def test_the_sample_is_a_small_page() -> None:
    folder = _resources.data_dir("reports") / "sample"
    text = render(load_results(folder), "html")
    assert len(text.encode()) <= 600_000
    assert LEFT_OUT not in text


def test_twenty_thousand_sentences_make_a_page_that_says_where_they_are(audit: Results) -> None:
    finding = audit.findings[1]
    many = tuple(finding.sentences[i % 10] for i in range(20_000))
    findings = (audit.findings[0], finding.model_copy(update={"sentences": many}))
    text = render(audit.model_copy(update={"findings": findings}), "html")
    assert len(text.encode()) < 400_000
    assert "19,940 more pairs of this comparison: see <code>results.json</code>" in text
    assert ">20000 sentence pairs</a>" in text


@pytest.mark.parametrize("room", [20_000, 60_000, 10_000_000])
def test_the_weakest_probes_lose_their_details_first(
    audit: Results, html: str, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """Every verdict stays; links into what was left out go with it."""
    whole = len(html.encode())
    monkeypatch.setattr(html_format, "_MOST", max(whole - room, 100_000))
    text = render(audit, "html")
    page = Page(text)
    assert page.mistakes == []
    assert len(text.encode()) <= max(whole - room, 110_000)
    assert LEFT_OUT in page.text
    ids = {a.get("id") for _, a, _ in page.elements}
    assert [a["href"] for a in page.all("a") if a["href"][1:] not in ids] == []
    for gate in audit.gates:
        assert gate.probe in text
    if room == 20_000:
        assert "sentences-occupation-gender" in text, "the strongest finding keeps its sentences"
    assert render(audit, "html") == text


def test_a_page_below_the_limit_is_left_alone(html: str) -> None:
    assert LEFT_OUT not in html
