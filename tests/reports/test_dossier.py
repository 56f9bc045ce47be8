"""The chapter for technical documentation: it maps, claims nothing, and leaves lines to sign."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from bias_audit.backends.fake import FakeBackend
from bias_audit.pipeline.run import audit as run_audit
from bias_audit.reports import render
from bias_audit.results import Results, load_results
from tests.reports.example import GOLDEN, frame

CLAIMS = re.compile(
    r"\b(complian(t|ce)|compl(y|ies)|conform\w*|fair(ly|ness)?|unbiased|safe(ly|ty)?|certif\w*|"
    r"prove[sn]?|proof|guarantee\w*|meets?|fulfil\w*|satisf\w*)\b",
    re.IGNORECASE,
)
ELSEWHERE = "To be completed elsewhere"


@pytest.fixture(scope="module")
def judged_chapter(judged: Results) -> str:
    return render(judged, "dossier")


def part(chapter: str, title: str) -> str:
    return chapter.split(f"## {title}")[1].split("\n## ", maxsplit=1)[0]


def test_four_documents_are_mapped_and_what_is_missing_is_said(judged_chapter: str) -> None:
    titles = (
        "EU AI Act, Annex IV, points 2(g) and 3",
        "NIST AI RMF 1.0, MEASURE 2.11",
        "ISO/IEC 42001:2023",
        "ISO/IEC TR 24027:2021",
    )
    for title in titles:
        rows = [row for row in part(judged_chapter, title).splitlines() if row.startswith("| ")]
        assert rows[0].endswith(f"| {ELSEWHERE} |")
        assert len(rows) >= 5
        for row in rows[2:]:
            asked, shown, missing = row.strip("| ").split(" | ")
            assert asked
            assert shown
            assert len(missing) > 15, "every row says what has to come from elsewhere"
    assert "| 2(g): the measures of accuracy and robustness | nothing | " in judged_chapter


@pytest.mark.parametrize("name", ["judged", "audit", "dataset", "empty", "cut"])
def test_no_sentence_claims_that_anything_is_met(
    name: str, judged: Results, audit: Results
) -> None:
    makers = {
        "judged": lambda: judged,
        "audit": lambda: audit,
        "dataset": lambda: load_results(GOLDEN / "dataset"),
        "empty": frame,
        "cut": lambda: run_audit(FakeBackend(), probes="occupation-pronoun", limit=3).results,
    }
    chapter = render(makers[name](), "dossier")
    assert "does not say that anything they ask for is met" in chapter
    assert [found[0] for found in CLAIMS.finditer(chapter)] == []
    assert CLAIMS.search("The model is fair and conforms to the Act.")


def test_what_speaks_against_the_model_is_in_it(judged: Results, judged_chapter: str) -> None:
    assert "**Associations: 4 of 10 comparisons. Small: 2. Open: 3. Not measurable: 1.**" in (
        judged_chapter
    )
    named = re.sub(r" \([^()]*\)", "", judged_chapter)
    assert (
        "2 failed, 4 unclear, 1 error, 1 passed, 1 waived, 1 skipped. 2 exceptions did not hold."
        in named
    )
    for one in judged.results:
        if one.role == "primary" and one.outcome == "not_measurable":
            assert one.reason in judged_chapter
    assert "F-7c31a9 (void: expired): nlp-platform until 2026-11-01." in judged_chapter
    assert "ScoringError: 3 frames are longer than the model can read" in judged_chapter
    controls = [probe.id for probe in judged.probes if probe.works]
    assert all(f"- {name}: works" in judged_chapter for name in controls)


def test_a_run_that_was_cut_short_says_so_first() -> None:
    cut = run_audit(FakeBackend(), probes="occupation-pronoun", limit=3).results
    chapter = render(cut, "dossier")
    assert chapter.index("> **The run was cut short") < chapter.index("## What was measured")
    assert "No limit was set. To be completed elsewhere: which gaps are acceptable" in chapter


def test_what_was_given_for_the_head_is_in_it_and_the_rest_is_asked_for(judged: Results) -> None:
    bare = render(judged, "dossier")
    assert f"| Owner | {ELSEWHERE}: who answers for it |" in bare
    given = judged.run.model_copy(update={"owner": "Trust team", "purpose": "Search ranking"})
    chapter = render(judged.model_copy(update={"run": given}), "dossier")
    assert "| Owner | Trust team |" in chapter
    assert "| Purpose | Search ranking |" in chapter
    assert judged.model.fingerprint in chapter


def test_there_are_lines_to_sign(judged_chapter: str) -> None:
    signed = part(judged_chapter, "Signatures")
    assert "| Tested by | | | |" in signed
    assert "| Accepted by | | | |" in signed
    assert "Date | Signature |" in signed


def test_strangers_write_no_markup(hostile: Results, hostile_gates: Results) -> None:
    for results in (hostile, hostile_gates):
        chapter = render(results, "dossier")
        html = MarkdownIt("commonmark").enable("table").render(chapter)
        assert not re.search(r"<(script|img)\b", html)
        assert "@everyone" not in chapter


def test_each_digest_stands_under_what_it_is_of(judged: Results) -> None:
    files = {"config.json": "b" * 64, "model.safetensors": "a" * 64}
    model = judged.model.model_copy(update={"files": files, "fingerprint": "c" * 64})
    run = judged.run.model_copy(update={"config_digest": ""})
    update = {"model": model, "run": run, "limits_digest": "d" * 64}
    chapter = render(judged.model_copy(update=update), "dossier")
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", chapter.split("##")[0], re.MULTILINE))
    assert rows["model.safetensors, SHA-256"] == "a" * 64
    assert "b" * 64 not in chapter
    [fingerprint] = [name for name, text in rows.items() if text == "c" * 64]
    assert fingerprint.startswith("Fingerprint of bias-audit")
    [limits] = [name for name, text in rows.items() if text == "d" * 64]
    assert limits.startswith("Limits, from ")
    assert "not of the file's bytes" in limits
    [own] = [text for name, text in rows.items() if name.startswith("Configuration of the run")]
    assert own == "none was given"
