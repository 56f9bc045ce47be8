from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bias_audit.archive import Finding, Results
from bias_audit.errors import UnknownNameError
from bias_audit.render import formats, markdown, render, terminal
from bias_audit.render.csv import COLUMNS
from bias_audit.render.view import build

from .example import frame
from .page import Page
from .test_html import FORBIDDEN

TESTS = Path(__file__).resolve().parents[1]


def test_formats() -> None:
    assert {"html", "md", "json", "csv", "terminal"} <= set(formats())
    assert list(formats()) == sorted(formats())


def test_unknown_format_names_the_nearest(audit: Results) -> None:
    with pytest.raises(UnknownNameError, match="there is no report format named 'htlm'") as caught:
        render(audit, "htlm")
    assert "did you mean 'html'?" in str(caught.value)


@pytest.mark.parametrize("name", ["html", "md", "csv", "terminal", "json"])
def test_every_format_is_reproducible_and_survives_strangers(
    name: str, audit: Results, hostile: Results
) -> None:
    assert render(audit, name) == render(audit, name)
    text = render(hostile, name)
    assert text.endswith("\n")
    text.encode("utf-8")
    if name != "json":
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert render(frame(), name)


@pytest.mark.parametrize("name", ["md", "terminal"])
def test_findings_are_in_every_text(name: str, audit: Results) -> None:
    text = " ".join(render(audit, name).replace("\\", "").split())
    for finding in audit.findings:
        assert finding.headline in text
        assert finding.detail in text
    assert "odds 3.1 times (95 % interval 2.5 to 3.9)" in text
    assert FORBIDDEN.findall(text) == []
    assert not re.search(r"\b(nan|None)\b", text)


def test_markdown_starts_with_the_verdict(audit: Results) -> None:
    lines = render(audit, "md").splitlines()
    assert lines[0] == "**2 of 11 catalogue margins were exceeded, 7 left open.**"
    assert "2 failed" in lines[2]
    assert "0 skipped" in lines[2]


def test_markdown_stays_small_and_counts_what_is_left(audit: Results) -> None:
    one = audit.findings[0]
    many = tuple(
        Finding.model_validate({**one.model_dump(), "id": f"F-{i:04d}", "detail": "long " * 300})
        for i in range(200)
    )
    gates = audit.gates * 30
    text = render(audit.model_copy(update={"findings": many, "gates": gates}), "md")
    assert len(text.encode()) < 60_000
    gates_left, findings_left = re.findall(r"\*(\d+) more in the report\.\*", text)
    assert int(gates_left) == len(gates) - 40
    assert text.count("F-0") + int(findings_left) == 200


def test_markdown_shows_strangers_as_text(hostile: Results) -> None:
    text = render(hostile, "md")
    assert "<script" not in text
    assert "<img" not in text
    assert "@everyone" not in text
    assert markdown.escape("a|b @c <d> https://e www.f") == (
        "a\\|b &#64;c &lt;d&gt; https&#58;//e www&#46;f"
    )


def test_csv_has_one_row_per_result(audit: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(render(audit, "csv"))))
    assert tuple(rows[0]) == COLUMNS
    by_id = {row["id"]: row for row in rows}
    assert set(by_id) == {result.id for result in audit.results}
    main = by_id["occupation-gender:log_odds_gap:women-men"]
    assert (main["estimate"], main["label_a"], main["outcome"]) == ("1.13", "women", "fail")
    silent = by_id["nationality-valence:log_odds_gap:french-german"]
    assert (silent["estimate"], silent["reason"]) == ("", "the control of this axis failed")


def test_csv_defuses_formulas(audit: Results) -> None:
    result = audit.results[0].model_copy(update={"direction": '=HYPERLINK("x")'})
    text = render(audit.model_copy(update={"results": (result,)}), "csv")
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["direction"] == '\'=HYPERLINK("x")'


def test_json_is_the_contract(audit: Results) -> None:
    again = Results.model_validate(json.loads(render(audit, "json")))
    assert again.states == audit.states
    assert [r.id for r in again.results] == [r.id for r in audit.results]


def test_terminal_in_ascii(audit: Results, hostile: Results) -> None:
    for results in (audit, hostile):
        text = terminal.render(results, ascii=True)
        assert text.isascii()
        assert "x FAIL" in text
    assert "[red]markup[/red]" in terminal.render(hostile)


def test_terminal_closing_lines(audit: Results) -> None:
    text = render(audit, "terminal")
    first = "2 failed, 6 unclear, 2 passed, 1 error, 0 waived, 0 skipped    exit 3"
    assert text.splitlines()[0] == first == terminal.first_line(audit)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_console_decides_on_colour(audit: Results) -> None:
    def shown(**options: object) -> str:
        stream = io.StringIO()
        console = Console(file=stream, width=90, force_terminal=True, **options)  # type: ignore[arg-type]
        terminal.show(build(audit), console, folder="audit-runs/x")
        return stream.getvalue()

    assert "\x1b[1;31m" in shown(color_system="standard", _environ={})
    assert "\x1b[1;31m" not in shown(_environ={"NO_COLOR": "1"})
    assert "Report  audit-runs/x/report.html" in re.sub(r"\x1b\[[\d;]*m", "", shown(_environ={}))


def test_other_formats_do_not_load_matplotlib() -> None:
    code = (
        "import sys; from bias_audit.render import render\n"
        "from bias_audit.archive import Results\n"
        "from render.example import example\n"
        "names = 'md csv json terminal junit sarif github gitlab gates-csv card'.split()\n"
        "for name in names: render(example(), name)\n"
        "assert not {'matplotlib', 'torch', 'pandas', 'scipy', 'jinja2'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=TESTS,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS)))},
    )


def test_the_verdict_names_the_axes_whose_controls_failed(audit: Results) -> None:
    text = " ".join(render(audit, "terminal").split())
    assert "A control did not work on: nationality." in text
    assert "A control did not work" not in render(
        audit.model_copy(update={"probes": ()}), "terminal"
    )


def test_the_corrections_of_this_run_are_told_and_no_others(audit: Results) -> None:
    """The report must name max-T where it was used, and Holm where that stood in."""
    chosen = {
        "p_adjustment": "max-T over 3, all 256 flips of sentences",
        "targets_adjustment": "Benjamini-Hochberg over 8",
    }
    results = [r.model_copy(update=chosen if r.role == "primary" else {}) for r in audit.results]
    changed = audit.model_copy(update={"results": tuple(results)})
    words = Page(render(changed, "html")).text
    assert "in this run adjusted by max-T (Westfall and Young 1993)." in words
    assert "were adjusted by Benjamini and Hochberg (1995)." in words
    assert "p (Holm)" not in words
    assert "max-T over 3, all 256 flips of sentences" in words
    rows = list(csv.DictReader(io.StringIO(render(changed, "csv"))))
    main = next(row for row in rows if row["role"] == "primary")
    assert {name: main[name] for name in chosen} == chosen
    mixed = [r.model_copy(update={"p_adjustment": "Holm over 2 (why)"}) for r in results[:1]]
    changed = audit.model_copy(update={"results": (*mixed, *results[1:])})
    words = Page(render(changed, "html")).text
    assert "Holm (1979) and max-T (Westfall and Young 1993)" in words
