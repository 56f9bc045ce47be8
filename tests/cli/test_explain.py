"""``explain``: every word of the output has a page, and the pages are about this program."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from bias_audit import reports as render
from bias_audit.cli.app import EPILOG, run
from bias_audit.config import NAME, WAIVERS
from bias_audit.errors import UnknownNameError
from bias_audit.gates.schema import GateConfig
from bias_audit.metrics.registry import INFOS
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import SkipReason
from bias_audit.reports import glossary
from bias_audit.reports.formats import terminal
from bias_audit.reports.view.build import build
from bias_audit.reports.wording import OUTCOME_WORDS, PILLS, WAIVER_STATUS
from bias_audit.results import (
    EVIDENCE_FILE,
    Evidence,
    Outcome,
    Result,
    Results,
    Size,
    State,
    WaiverRecord,
    load_results,
)
from bias_audit.results.codes import REASONS, STATUSES
from bias_audit.stats.estimate import Status
from tests.cli.shown_commands import wrong
from tests.docs.test_docs import assigned_statuses, section
from tests.test_package import HEAVY, loaded_after

ROOT = Path(__file__).parents[2]


def checks() -> set[str]:
    """The names of the checks of the method, with their codes: ``R1a``."""
    heads = re.findall(r"^- \*\*(.+?)\.\*\*", section("method.md", "Checks on every result"), re.M)
    assert len(heads) >= 5
    names = {re.sub(r" \(.*", "", head) for head in heads}
    return names | set(re.findall(r"R\d+[a-z]?", " ".join(heads)))


def controls() -> set[str]:
    rows = re.findall(r"^\| (\w[\w ]*?)(?: \(R\d+\))? \| ", section("method.md", "Controls"), re.M)
    names = {name for name in rows if name != "control"}
    assert {"positive", "negative", "placebo", "sanity"} <= names
    return names


WORDS: dict[str, set[str]] = {
    "states": set(get_args(State)),
    "outcomes": set(get_args(Outcome)),
    "exit codes": set(re.findall(r"(?<!\w)(\d+)(?= \w)", EPILOG)),
    "reason codes": set(REASONS),
    "statuses": {*STATUSES, *assigned_statuses()},
    "missing intervals": set(get_args(Status)) - {"ok"},
    "skip reasons": set(get_args(SkipReason)),
    "p-values": {name for name in Result.model_fields if name.startswith("p_")},
    "size and evidence": {*get_args(Size), *get_args(Evidence)},
    "waiver states": set(get_args(WaiverRecord.model_fields["status"].annotation)),
    "keys of a gate": set(GateConfig.model_fields),
    "formats": set(render.formats()),
    "files": {*render.file_names().values(), EVIDENCE_FILE, "run.json", NAME, WAIVERS},
    "checks": checks(),
    "controls": controls(),
    "corrections and tests": {
        "holm", "benjamini-yekutieli", "two one-sided tests", "intersection-union", "sign flip",
        "label exchange", "permutation test", "bootstrap-t", "trimmed interval", "satterthwaite",
    },
    "topics": {"waivers", "baselines", "gate", "regression", "reference"},
}  # fmt: skip


@pytest.mark.parametrize("kind", WORDS)
def test_every_word_of_the_output_has_a_page(kind: str) -> None:
    assert WORDS[kind]
    lacking = []
    for word in sorted(WORDS[kind]):
        try:
            glossary.find(word)
        except UnknownNameError:
            lacking.append(word)
    assert not lacking, f"bias_audit/reports/glossary: no page for {lacking}"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("outcome", WORDS["outcomes"]),
        ("state", WORDS["states"]),
        ("exit code", {f"exit-{code}" for code in WORDS["exit codes"]}),
        ("measure", {*INFOS, "odds-ratio"}),
    ],
)
def test_a_kind_of_page_holds_what_it_must_and_nothing_else(kind: str, names: set[str]) -> None:
    """A measure needs no page: its description is shown."""
    pages = {page.id for page in glossary.pages() if page.kind == kind}
    assert pages <= names
    assert kind == "measure" or pages == names


def test_the_page_of_unclear_names_every_reason_for_it() -> None:
    others = {"inside_limit", "outside_limit", "inside_rise", "outside_rise", "identical_outputs"}
    others |= {"waived", "probe_error"}
    text = glossary.find("unclear").text
    assert not [code for code in set(REASONS) - others if code not in text]


@pytest.mark.parametrize("page", glossary.pages(), ids=lambda page: page.id)
def test_a_page_reads_well(page: glossary.Page) -> None:
    assert page.kind in glossary.KINDS
    assert 10 < len(page.title) < 90
    assert not page.title.endswith(".")
    assert max(map(len, page.text.splitlines()), default=0) <= 80
    assert page.text or page.id == glossary.REFERENCE
    assert not re.search(r"\b(unbiased|fair|proves?|safe)\b", f"{page.title} {page.text}")
    assert wrong(page.text) == []
    for word in page.see:
        assert glossary.find(word) is not page, "a page does not lead to itself"


def test_no_word_leads_to_two_pages() -> None:
    seen: dict[str, str] = {}
    for page in glossary.pages():
        for word in dict.fromkeys(glossary._plain(w) for w in (page.id, *page.words)):
            assert word not in seen, f"{word}: {seen[word]} and {page.id}"
            seen[word] = page.id


@pytest.mark.parametrize(
    ("words", "page"),
    [
        (["UNCLEAR"], "unclear"),
        (["exit", "3"], "exit-3"),
        (["sign", "flip"], "sign-flip"),
        (["'low_word_mass'"], "low_word_mass"),
        (["R1a"], "direction"),
        (["†"], "floor"),
        (["‡"], "margin"),
        (["*"], "these_words_only"),
        (["most", "telling"], "typical"),
        (["reference"], "reference"),
    ],
)
def test_case_hyphens_and_quotes_do_not_matter(
    words: list[str], page: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", *words]) == 0
    assert capfd.readouterr().out.startswith(f"{page} (")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("unclaer", "did you mean 'unclear'?"),
        ("identical_output", "did you mean 'identical-outputs'?"),
        ("blorp", "bias-audit explain lists all words"),
        ("F-12ab34", "bias-audit show RUN F-12ab34"),
        ("occupation-gender", "bias-audit probes describe occupation-gender"),
    ],
)
def test_an_unknown_word_gets_a_way_on(
    word: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", word]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err


def test_without_a_word_all_pages_are_listed(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    out, err = capfd.readouterr()
    assert "bias-audit explain WORD" in err
    lines = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}
    assert set(lines) == {page.id for page in glossary.pages()}
    assert all(page.title in lines[page.id] for page in glossary.pages())
    heads = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert heads == list(glossary.KINDS.values()), "every kind has pages"


def test_no_page_hides_a_probe() -> None:
    known = {glossary._plain(w) for page in glossary.pages() for w in (page.id, *page.words)}
    assert not known & set(ProbeCatalogue().probe_ids())


@pytest.mark.parametrize("arguments", [["explain"], ["explain", "unclear"]])
def test_it_starts_without_heavy_packages(arguments: list[str]) -> None:
    code = (
        "import contextlib, io\n"
        "from bias_audit.cli.app import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    assert run({arguments!r}) == 0"
    )
    assert not (HEAVY | {"numpy"}) & loaded_after(code)


def test_every_measure_is_explained_with_a_page_or_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in INFOS:
        assert run(["explain", name]) == 0
        assert "Source: " in capsys.readouterr().out


NO_TERMS = {
    "not recorded", "strongest first", "none", "a published benchmark",
    "%", "n", "of", "value", "remarks",
}  # fmt: skip
"""Set apart by their type, and no words of the field."""


def terms_of(results: Results) -> set[str]:
    """The words of the field that a report, a summary and a terminal set apart by their type."""
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", "", render.render(results, "html"), flags=re.S)
    text = lambda inner: html.unescape(re.sub(r"<[^>]+>", "", inner)).strip()  # noqa: E731
    found = {text(inner) for tag in ("code", "em") for inner in tagged(page, tag)}
    found |= {text(inner) for inner in tagged(page.split('id="glossary"')[-1], "dt")}
    found |= set(re.findall(r"`([^`]+)`", render.render(results, "md")))
    found |= {text(pill) for pill in re.findall(r'class="pill[^"]*">.*?</span>([^<]*)<', page)}
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=True, color_system="standard")
    terminal.show(build(results), console)
    bold = re.findall(r"\x1b\[1[\d;]*m(.*?)\x1b\[0m", stream.getvalue())
    found |= {re.sub(r"^\W+|: \d+$", "", words).strip().lower() for words in bold}
    parts = (part for term in found for part in re.split(r"[,;:(]|  +", term))
    return {re.sub(r"^\d+\.? ", "", part.strip()).strip(" .)“”") for part in parts if part.strip()}


def tagged(page: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)


def is_word(term: str, results: Results) -> bool:
    """Whether it is a word of the output: no id of this run, no number, no sentence, no command."""
    records = (*results.probes, *results.results, *results.gates, *results.findings)
    ids = {record.id for record in records} | {gate.gate for gate in results.gates}
    ids |= {results.model.name, results.model.revision or ""}
    return (
        term not in ids
        and len(term.split()) <= 3
        and not re.search(r"\d{2}|^[\d.]+( ×)?$|[0-9a-f]{12}|^bias-audit |\d of\b", term)
        and not term.endswith((".", " s"))
    )


@pytest.mark.parametrize("name", ["audit", "dataset"])
def test_every_word_that_an_output_sets_apart_is_explained(name: str) -> None:
    results = load_results(ROOT / "tests" / "golden" / name)
    terms = {term for term in terms_of(results) if is_word(term, results)}
    assert {"jsd", "Pole", "report.html"} < terms
    lacking = []
    for term in sorted(terms - NO_TERMS):
        try:
            glossary.find(term)
        except UnknownNameError:
            lacking.append(term)
    assert not lacking


def test_every_mark_of_an_output_is_explained() -> None:
    """States, outcomes, sizes, how sure, what a waiver became, what is wrong with a control."""
    marks = {*PILLS, *PILLS.values(), *get_args(Size), *get_args(Evidence), *WAIVER_STATUS}
    marks |= {text for names in OUTCOME_WORDS.values() for text in names[:1]}
    for mark in sorted(marks):
        assert glossary.find(mark), mark
