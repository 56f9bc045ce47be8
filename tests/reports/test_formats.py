"""One battery for every format: same bytes twice, strangers' strings, no clock, plain words."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import time
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bias_audit.errors import UnknownNameError
from bias_audit.reports import file_names, formats, render
from bias_audit.reports.formats.csv import COLUMNS, GATE_COLUMNS
from bias_audit.reports.view.build import build
from bias_audit.results import Results, load_results

from .example import frame
from .gated import OCCUPATION, gated
from .page import Page

GOLDEN = Path(__file__).parents[1] / "golden"
INTERFACE = Path(__file__).parents[2] / "docs" / "interface.md"
RENDERED = tuple(name for name in formats() if name != "json")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
FORBIDDEN = re.compile(r"\b(fair|unfair|unbiased|safe|prove[sdn]?|proof|ethical|compliant)\b", re.I)
NUMBER = re.compile(r"-?\d[\d.e+-]*")


@pytest.fixture(scope="module")
def strange(hostile: Results, hostile_gates: Results) -> dict[str, tuple[str, ...]]:
    """Both hostile audits in every format."""
    return {n: tuple(render(r, n) for r in (hostile, hostile_gates)) for n in RENDERED}


def test_a_format_has_a_name_a_file_and_a_line_in_the_documentation() -> None:
    assert list(formats()) == sorted(formats())
    assert set(file_names()) | {"notebook", "terminal"} == set(formats())
    assert len(set(file_names().values())) == len(file_names())
    chapter = INTERFACE.read_text(encoding="utf-8").split("### Formats")[1].split("### ")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (?:`(\S+)`)? ?\|", chapter, re.MULTILINE)
    assert {name: file for name, file in rows if file} == file_names()
    assert {name for name, _ in rows} == set(formats())


def test_an_unknown_format_names_the_nearest(audit: Results) -> None:
    with pytest.raises(UnknownNameError, match="there is no report format named 'htlm'") as caught:
        render(audit, "htlm")
    assert "did you mean 'html'?" in str(caught.value)


@pytest.mark.parametrize("name", formats())
def test_same_results_give_the_same_bytes_without_clock_or_network(
    name: str, judged: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = render(judged, name)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a renderer must not look at the clock or open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(time, "time", refuse)
    assert render(gated(), name) == first
    assert first.endswith("\n")
    assert render(frame(), name).encode("utf-8")


@pytest.mark.parametrize("name", RENDERED)
def test_no_control_or_direction_character_and_no_endless_word_gets_out(
    name: str, strange: dict[str, tuple[str, ...]]
) -> None:
    for text in strange[name]:
        text.encode("utf-8")
        assert CONTROL.findall(text) == []
        assert "x" * 2001 not in text or name in ("csv", "gates-csv")


@pytest.mark.parametrize("name", RENDERED)
def test_no_format_calls_a_model_good_or_prints_a_missing_number(
    name: str, judged: Results
) -> None:
    for results in (judged, load_results(GOLDEN / "dataset")):
        words = " ".join(render(results, name).split("<main")[-1].split())
        if name == "html":
            words = Page(words).text
        assert not re.search(r"\b(nan|None|inf)\b", words)
        assert FORBIDDEN.findall(words) == []


@pytest.mark.parametrize("name", ["md", "terminal", "html", "card", "notebook"])
def test_associations_and_the_lead_are_in_every_text(name: str, judged: Results) -> None:
    text = render(judged, name)
    page = name in ("html", "notebook")
    words = Page(text).text if page else " ".join(text.replace("\\", "").split())
    for one in build(judged).first_screen.associations:
        assert one.name in words
        assert one.value in words
    assert "Associations: 4 of 10 comparisons. Small: 2. Open: 3. Not measurable: 1." in words
    if name in ("md", "terminal", "notebook"):
        named = re.sub(r" \([^()]*\)", "", words)
        assert "Gates: 2 failed, 4 unclear, 1 error, 1 passed, 1 waived, 1 skipped" in named
        for gate in judged.gates:
            assert gate.gate in words


@pytest.mark.parametrize("name", ["md", "card"])
def test_strangers_write_no_markup_into_markdown(
    name: str, strange: dict[str, tuple[str, ...]]
) -> None:
    for text in strange[name]:
        body = ModelCard(text).text if name == "card" else text
        html = MarkdownIt("commonmark").enable("table").render(body)
        assert not re.search(r"<(script|img)\b", html)
        assert "@everyone" not in body
        assert "javascript:" not in " ".join(re.findall(r'href="([^"]*)"', html))
        widths = {
            len(re.findall(r"<t[hd]", row)) for row in re.findall(r"<tr>.*?</tr>", html, re.S)
        }
        assert max(widths) < 12, "a bar in a string makes no column"


def test_strangers_write_no_markup_into_pages(
    strange: dict[str, tuple[str, ...]], hostile_pages: dict[str, str]
) -> None:
    for text in (*strange["html"], *strange["notebook"], *hostile_pages.values()):
        page = Page(text)
        assert page.mistakes == []
        assert "\u202e" not in text
        assert len(page.all("script")) == ("<!doctype" in text)
        assert page.all("img") == []
        names = {name for _, attributes, _ in page.elements for name in attributes}
        assert not {"onerror", "onload", "src", "style"} & names
        assert "javascript:" not in " ".join(a.get("href", "") for a in page.all("a"))


@pytest.mark.parametrize(("name", "columns"), [("csv", COLUMNS), ("gates-csv", GATE_COLUMNS)])
def test_tables_have_their_columns_and_no_formulas(
    name: str, columns: tuple[str, ...], strange: dict[str, tuple[str, ...]], judged: Results
) -> None:
    for text in (*strange[name], render(judged, name)):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert tuple(rows[0]) == columns
        for row in rows:
            assert None not in row
            for value in row.values():
                assert value[:1] not in tuple("=+@-") or NUMBER.fullmatch(value)


def test_columns_of_the_gates_are_documented_in_order() -> None:
    text = INTERFACE.read_text(encoding="utf-8").split("Columns of `gates.csv`")[1].split("They")[0]
    assert tuple(re.findall(r"`(\w+)`", text)) == GATE_COLUMNS


@cache
def small() -> Results:
    base = gated()
    kept = [r.model_copy(update={"by_target": ()}) for r in base.results if r.id == OCCUPATION]
    probe = base.probes[0].model_copy(update={"targets": ()})
    return base.model_copy(update={"results": tuple(kept), "probes": (probe,), "errors": ()})


ANY = st.text(st.characters(), max_size=40)


@settings(max_examples=25, deadline=None)
@given(ANY, ANY)
def test_any_text_is_valid_in_every_format(one: str, other: str) -> None:
    base = small()
    failing = base.gates[3].model_copy(
        update={"id": one, "gate": other, "reason": one, "file": other, "reason_code": other}
    )
    waiver = base.waivers[1].model_copy(
        update={"finding": other, "reason": one, "gates": (one,), "file": one}
    )
    finding = base.findings[1].model_copy(update={"headline": other, "detail": one})
    made = base.model_copy(
        update={"gates": (failing,), "waivers": (waiver,), "findings": (finding,)}
    )
    assert len(list(ET.fromstring(render(made, "junit")).iter("testcase"))) == 2  # noqa: S314
    assert len(json.loads(render(made, "sarif"))["runs"][0]["results"]) == 2
    assert len(json.loads(render(made, "gitlab"))) == 2
    assert len(list(csv.reader(io.StringIO(render(made, "gates-csv"))))) == 2
    lines = render(made, "github").split("\n")
    assert [re.match("::error|::warning|$|\\d", line) is not None for line in lines] == [True] * 4
    assert ModelCard(render(made, "card")).data.model_name == "example/tiny-masked-lm"
