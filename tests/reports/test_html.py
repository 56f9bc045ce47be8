"""The report page: whole, closed to the outside, of moderate size; as one file or as a folder."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from bias_audit.reports import render
from bias_audit.reports.formats import html as html_format
from bias_audit.reports.view import page as _page
from bias_audit.reports.view.build import build
from bias_audit.results import Results, Sentence, load_results
from bias_audit.utils import resources as _resources
from bias_audit.utils.resources import read_text

from .example import frame
from .page import Page

CHAPTERS = (
    "Associations, strongest first", "What is small or open", "Probe by probe",
    "Quality of the evidence", "What did not run", "Limits and intended use", "Method",
    "Model and reproduction", "Glossary", "Read and decided",
)  # fmt: skip


def test_page_is_well_formed(html: str, page: Page) -> None:
    assert page.mistakes == []
    assert page.open == []
    assert html.startswith("<!doctype html>")
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_link_inside_the_page_has_a_target(page: Page) -> None:
    ids = {attributes.get("id") for _, attributes, _ in page.elements}
    links = [a["href"] for a in page.all("a")] + [a["href"] for a in page.all("use")]
    assert links
    assert [href for href in links if href[1:] not in ids or href[0] != "#"] == []
    named = [w for _, a, _ in page.elements for w in a.get("aria-labelledby", "").split()]
    assert set(named) <= ids


def test_chapters_stand_in_order(page: Page) -> None:
    titles = [title for title in CHAPTERS if f" {title} " in page.text]
    assert titles == list(CHAPTERS)
    at = [page.text.rindex(f" {title} ") for title in CHAPTERS]
    assert at == sorted(at)
    ids = [a["id"] for tag, a, _ in page.elements if tag in ("header", "section") and "id" in a]
    assert ids[0] == "first"
    assert not {"gates", "waivers", "changes", "explorer"} & set(ids), "no chapter is empty"


def test_nothing_is_loaded_from_outside(html: str, page: Page) -> None:
    for _, attributes, _ in page.elements:
        assert not {"src", "srcset", "style", "onclick", "onload", "action"} & attributes.keys()
    assert "url(" not in html
    assert "@import" not in html
    assert "http://" not in html
    assert "https://" not in html


def test_content_policy_allows_exactly_our_own_code(html: str, page: Page) -> None:
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    style = re.findall(r"<style>(.*?)</style>", html, re.S)
    script = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert len(style) == len(script) == 1
    assert f"style-src '{html_format.digest(style[0])}'" in policy
    assert f"script-src '{html_format.digest(script[0])}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_sizes(html: str, hostile_html: str) -> None:
    assert len(html.encode()) < 400_000
    assert len(hostile_html.encode()) < 600_000
    assert len(read_text("reports", "report.js").encode()) < 18_000


def test_harmful_words_are_folded_and_one_switch_opens_them(html: str, page: Page) -> None:
    folded = re.findall(r'<details class="cover">.*?</details>', html, re.DOTALL)
    assert any("terrible" in part for part in folded)
    open_text = re.sub(r'<details class="cover">.*?</details>', "", html, flags=re.DOTALL)
    assert ">terrible <span" not in open_text
    assert [a["id"] for a in page.all("button") if a.get("aria-pressed")] == ["unfold"]


def test_sentences_with_harmful_words_are_folded_and_the_others_open(audit: Results) -> None:
    finding = audit.findings[0]
    hurt = tuple(
        one.model_copy(update={"harmful": place == 0})
        for place, one in enumerate(finding.sentences[:4])
    )
    changed = finding.model_copy(update={"sentences": hurt})
    html = render(audit.model_copy(update={"findings": (changed,)}), "html")
    (card,) = re.findall(r'<li class="finding .*?<p class="more">', html, re.DOTALL)
    assert "1 sentence with a harmful word" in card
    open_part = card.partition('<details class="cover">')[0]
    assert open_part.count("<q>") == len(hurt) - 1


def test_cards_are_printed_whole(audit: Results) -> None:
    """What a probe cannot show is the sentence that must not be cut."""
    limits = "It cannot show " + ", nor that ".join(["what a reader may think"] * 40) + "."
    probes = tuple(
        p.model_copy(update={"card": p.card.model_copy(update={"limits": limits})})
        for p in audit.probes
        if p.card
    )
    page = Page(render(audit.model_copy(update={"probes": probes}), "html"))
    assert limits in page.text


def test_title_owner_and_purpose_fill_the_head(audit: Results) -> None:
    run = audit.run.model_copy(
        update={"title": "Helpdesk <2>", "owner": "Trust team", "purpose": "Before release 2."}
    )
    html = render(audit.model_copy(update={"run": run}), "html")
    head = Page(html.partition('<header class="first"')[2].partition("</header>")[0])
    for text in ("Helpdesk <2>", "Trust team", "Before release 2."):
        assert text in head.text
    assert "<title>Helpdesk &lt;2&gt;</title>" in html


def test_every_comparison_of_the_first_chart_leads_to_its_card_or_row(
    html: str, audit: Results, page: Page
) -> None:
    chart = html.partition('<figure class="chart overview"')[2].partition("</figure>")[0]
    chart = chart.partition('class="plot narrow"')[0]
    links = re.findall(r'<a class="point" href="#([^"]+)"><title>([^<]+)<', chart)
    assert len(links) == sum(r.role == "primary" and r.estimate is not None for r in audit.results)
    ids = {attributes.get("id") for _, attributes, _ in page.elements}
    assert {href for href, _ in links} <= ids
    assert any(href.startswith("finding-") for href, _ in links)
    assert any(href.startswith("comparison-") for href, _ in links)


def test_the_foot_of_the_paper_is_safe_whatever_the_model_is_called(audit: Results) -> None:
    name = '"; } body { display: none } </style><script>alert(1)</script>'
    model = audit.model.model_copy(update={"name": name})
    html = render(audit.model_copy(update={"model": model}), "html")
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    foot = style[style.rindex("@page") :]
    assert re.fullmatch(
        r'@page \{ @bottom-left \{ content: "(?:[A-Za-z0-9]|\\[0-9a-f]+ )*"; \} \}', foot
    )
    assert Page(html).mistakes == []


def test_empty_audit() -> None:
    page = Page(render(frame(), "html"))
    assert page.mistakes == []
    assert "No groups were compared." in page.text
    assert "What is small or open" not in page.text, "no chapter is empty"


def test_everything_skipped(audit: Results) -> None:
    probes = tuple(
        p.model_copy(update={"state": "skipped", "reason": "excluded by -x", "targets": (),
                             "groups": (), "coverage": None, "card": None})
        for p in audit.probes
    )  # fmt: skip
    states = {**dict.fromkeys(audit.states, 0), "skipped": len(probes)}
    page = Page(render(frame(probes=probes, states=states), "html"))
    assert page.mistakes == []
    assert page.text.count("excluded by -x") >= len(probes)


def test_missing_numbers_everywhere(audit: Results) -> None:
    gone = dict.fromkeys(
        ("estimate", "ci_low", "ci_high", "p_value", "p_adjusted", "mde80", "margin", "df",
         "placebo_percentile", "sign_share", "null_mean", "null_p95", "excess"),
    )  # fmt: skip
    results = tuple(
        r.model_copy(update={**gone, "reason": "no words", "by_target": (), "by_template": ()})
        for r in audit.results
    )
    page = Page(render(audit.model_copy(update={"results": results, "sanity": None}), "html"))
    assert page.mistakes == []
    assert "not available: no words" in page.text
    assert re.findall(r"\b(nan|None)\b", page.text) == []


def test_partial_run_and_failed_sanity_check_are_told_first(audit: Results) -> None:
    assert audit.sanity is not None
    changed = audit.model_copy(
        update={
            "run": audit.run.model_copy(update={"partial": True}),
            "sanity": audit.sanity.model_copy(update={"passed": False, "pseudo_perplexity": None}),
        }
    )
    page = Page(render(changed, "html"))
    for said in ("This run was cut short", "no sign of a trained language model"):
        assert page.text.index(said) < page.text.rindex("Associations, strongest first")


@pytest.mark.parametrize("log_odds", [0.0, 5.0, -700.0, math.log(3)])
def test_extreme_gaps_render(audit: Results, log_odds: float) -> None:
    results = tuple(
        r.model_copy(update={"estimate": log_odds, "ci_low": log_odds, "ci_high": log_odds})
        for r in audit.results
    )
    page = Page(render(audit.model_copy(update={"results": results}), "html"))
    assert page.mistakes == []


def test_a_long_reason_that_many_rows_share_is_said_once(judged: Results) -> None:
    why = "the sanity check of the model failed, " * 4
    assert judged.comparison is not None
    changes = tuple(c.model_copy(update={"reason": why}) for c in judged.comparison.changes)
    gates = tuple(g.model_copy(update={"reason": why}) for g in judged.gates)
    several = judged.model_copy(
        update={
            "gates": gates,
            "comparison": judged.comparison.model_copy(update={"changes": changes}),
        }
    )
    text = render(several, "html")
    verdict, since = (
        text.split(f'<section id="{name}"')[1].split("</section>")[0]
        for name in ("gates", "changes")
    )
    said = f"Note 1: T{why.strip()[1:]}."
    assert verdict.count('<a href="#gate-note-1">See note 1.</a>') == len(gates)
    assert verdict.count(said) == since.count(said) == 1
    assert since.count("See note 1.") == len(changes)
    assert "See note" not in render(judged, "html"), "short reasons stand in their rows"


def test_the_corrections_of_this_run_are_told_and_no_others(audit: Results) -> None:
    """The report must name max-T where it was used, and Holm where that stood in."""
    chosen = {
        "p_adjustment": "max-T over 3, all 256 flips of sentences",
        "targets_adjustment": "Benjamini-Hochberg over 8",
    }
    results = [r.model_copy(update=chosen if r.role == "primary" else {}) for r in audit.results]
    changed = audit.model_copy(update={"results": tuple(results)})
    words = Page(render(changed, "html")).text
    assert "in this run adjusted by max-T (Westfall and Young 1993);" in words
    assert "were adjusted by Benjamini and Hochberg (1995)." in words
    assert "p (Holm)" not in words
    assert "max-T over 3, all 256 flips of sentences" in words
    mixed = [r.model_copy(update={"p_adjustment": "Holm over 2 (why)"}) for r in results[:1]]
    changed = audit.model_copy(update={"results": (*mixed, *results[1:])})
    words = Page(render(changed, "html")).text
    assert "Holm (1979) and max-T (Westfall and Young 1993)" in words


@pytest.fixture(scope="module")
def files(judged: Results) -> dict[str, bytes]:
    return dict(html_format.folder(judged))


def test_nothing_is_inside_the_page_that_a_policy_forbids(files: dict[str, bytes]) -> None:
    page = Page(files["index.html"].decode())
    assert page.mistakes == []
    assert page.all("style") == []
    assert page.all("script") == [{"src": "report.js"}]
    assert [a["href"] for a in page.all("link")] == ["report.css"]
    assert not any("style" in attributes for _, attributes, _ in page.elements)


def test_every_link_leads_to_a_file_or_a_place_of_the_page(files: dict[str, bytes]) -> None:
    page = Page(files["index.html"].decode())
    ids = {attributes.get("id") for _, attributes, _ in page.elements}
    links = [a["href"] for a in page.all("a")]
    drawings = [link for link in links if not link.startswith("#")]
    assert drawings
    assert all(link in files for link in drawings)
    assert all(link[1:] in ids for link in links if link.startswith("#"))


def test_it_says_what_the_file_says(files: dict[str, bytes], judged: Results) -> None:
    words = Page(files["index.html"].decode()).text
    for extra in ("This chart as a file", "This table as a picture"):
        words = words.replace(f" {extra}", "")
    assert words == Page(render(judged, "html")).text


LEFT_OUT = "are left out to keep this page small"


def test_the_sample_is_a_small_page() -> None:
    text = render(load_results(_resources.data_dir("reports") / "sample"), "html")
    assert len(text.encode()) <= 480_000
    assert LEFT_OUT not in text


def test_twenty_thousand_sentences_make_a_small_page(audit: Results) -> None:
    finding = next(f for f in audit.findings if len(f.sentences) >= 10)
    many = tuple(finding.sentences[i % 10] for i in range(20_000))
    findings = (finding.model_copy(update={"sentences": many}),)
    text = render(audit.model_copy(update={"findings": findings}), "html")
    assert len(text.encode()) < 400_000


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
    assert text.count('<li class="finding') == len(audit.findings), "every claim stays"
    assert render(audit, "html") == text


def test_the_weakest_probes_are_cut_first_and_no_more_than_needed(audit: Results) -> None:
    shown = build(audit)
    named = [note.chapter for note in shown.notes]

    def size(probe: _page.ProbeSection) -> int:
        full = probe.columns or probe.pictures
        return 1000 if full else 150 if probe.notices else 100

    cuts = []
    for excess in (1, 851, 10_000_000):
        less = html_format.cut(shown, excess, size)
        pairs = zip(shown.probes, less.probes, strict=True)
        cuts.append({old.name for old, new in pairs if old is not new})
    assert cuts[0] < cuts[1] < cuts[2]
    assert len(cuts[0]) == 1
    assert not cuts[0] & set(named), "a probe with a finding is cut after those without"
    assert named[0] not in cuts[1]
    assert all(note.picture is None for note in less.notes), "exhibits go where that is not enough"
    assert [n.finding for n in less.notes] == [n.finding for n in shown.notes]


def test_a_data_set_has_its_own_first_screen() -> None:
    """Headline, a chart by category around the neutral line, and the pairs that were asked for."""
    base = dataset()
    overall, *parts = base.results
    quote = Sentence(
        template="1", target="x", pole="+", text_a="Old men nap.", text_b="Young men nap.",
        word="nap", log_prob_a=-1.0, log_prob_b=-9.0,
    )  # fmt: skip
    quoted = overall.model_copy(update={"sentences": (quote,)})
    html = render(base.model_copy(update={"results": (quoted, *parts)}), "html")
    head = html.partition('<header class="first"')[2].partition("</header>")[0]
    page = Page(f"<div>{head.partition('>')[2]}</div>")
    assert page.mistakes == []
    assert "1 published data set, measured and never judged." in page.text
    assert "CrowS-Pairs score: 50.0 % (0.0 – 100.0 %); neutral is 50 %" in page.text
    assert "percent from the neutral 50" in page.text
    assert "age: −50" in page.text
    folded = head.partition('<details class="cover">')[2]
    assert "Old men nap." in folded
    assert "Old men nap." not in head.partition('<details class="cover">')[0]
    plain = render(base, "html").partition("</header>")[0]
    assert "most extreme" not in plain, "nothing is quoted unless it was asked for"


def dataset() -> Results:
    return load_results(Path(__file__).parents[1] / "golden" / "dataset")
