from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.reports import render
from bias_audit.reports.formats import terminal
from bias_audit.reports.view.build import build
from bias_audit.results import Results
from tests.gates.cases import gate, result, run

ROOT = Path(__file__).parents[2]


def test_terminal_in_ascii(audit: Results, hostile_gates: Results, judged: Results) -> None:
    for results in (audit, hostile_gates, judged):
        assert terminal.render(results, ascii=True).isascii()
    assert "x failed " in terminal.render(judged, ascii=True)
    assert "[red]markup[/red]" in terminal.render(hostile_gates)


def test_terminal_lines(audit: Results, judged: Results) -> None:
    outcomes = "4 associations, 2 small, 3 open, 1 not measurable"
    gates = (
        "gates: 2 failed (occupations, no-regression 1 of 2), 4 unclear (religion 1 of 3,"
        " no-regression 1 of 2, quiet, versus-old), 1 error (ages), 1 passed (religion 1 of 3),"
        " 1 waived (religion 1 of 3), 1 skipped (later)"
    )
    assert terminal.first_line(judged) == f"{outcomes}; {gates}    exit 1"
    text = render(audit, "terminal")
    assert terminal.first_line(audit) == f"{outcomes}    exit 3"
    assert text.startswith(
        "bias-audit · example/tiny-masked-lm · 5 probes, 10 comparisons, 17,124 "
    )
    assert "Exit code 3\n" in text
    order = [
        "Associations: 4 of 10",
        "Small (2): ",
        "Open (3): ",
        "Not measurable (1): ",
        "Control:",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "unclear" not in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_console_decides_on_colour(judged: Results) -> None:
    def shown(**options: object) -> str:
        stream = io.StringIO()
        console = Console(file=stream, width=90, force_terminal=True, **options)  # type: ignore[arg-type]
        terminal.show(build(judged), console, folder="audit-runs/x")
        return stream.getvalue()

    assert "\x1b[1;31m" in shown(color_system="standard", _environ={})
    assert "\x1b[1;31m" not in shown(_environ={"NO_COLOR": "1"})
    assert "Report  audit-runs/x/report.html" in re.sub(r"\x1b\[[\d;]*m", "", shown(_environ={}))


def test_other_formats_do_not_load_matplotlib() -> None:
    code = (
        "import sys; from bias_audit.reports import render\n"
        "from tests.reports.example import example\n"
        "names = 'md csv json terminal junit sarif github gitlab gates-csv card'.split()\n"
        "for name in names: render(example(), name)\n"
        "assert not {'matplotlib', 'torch', 'pandas', 'scipy.stats', 'jinja2'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_gate_of_completions_is_called_by_its_measure() -> None:
    said = result(
        9.0, 1.0, metric="hurtful_completions", unit="points", id="p:hurtful_completions:x"
    )
    tight = gate(id="s", measure="hurtful_completions", max=1)
    text = " ".join(render(judge(run(said), Policy(gates=(tight,))), "terminal").split())
    assert "hurtful completions: A vs B 9.000 points" in text
    assert "1 point" in text
    assert "→" not in text.split("Gates:")[1].split("Associations")[0]


def test_what_is_cut_says_so() -> None:
    long = gate(why=" ".join(["One word after the other."] * 30))
    text = render(judge(run(result(2.0)), Policy(gates=(long,))), "terminal")
    (start,) = [n for n, line in enumerate(text.splitlines()) if "Why this limit:" in line]
    assert text.splitlines()[start + 1].endswith(" …")
    assert max(map(len, text.splitlines())) <= 100


def test_a_tiny_limit_is_no_limit_of_nothing() -> None:
    text = render(judge(run(result(2.0)), Policy(gates=(gate(max=0.001),))), "terminal")
    assert "1.001 ×" in text


def test_a_narrow_terminal_keeps_the_interval_of_a_gate(judged: Results) -> None:
    intervals = [line.interval for line in build(judged).first_screen.gates if line.interval]
    assert len(intervals) > 3
    narrow = terminal.render(judged, width=60)
    assert max(map(len, narrow.splitlines())) <= 60
    shown = [line.strip() for line in narrow.splitlines() if "90 % interval" in line]
    assert shown == [
        f"90 % interval: {line.interval}"
        for line in build(judged).first_screen.gates
        if line.interval and line.state != "pass"
    ]
