from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from bias_audit.reports import render
from bias_audit.reports.formats import terminal
from bias_audit.reports.view.build import build
from bias_audit.results import Results

ROOT = Path(__file__).parents[2]


def test_terminal_in_ascii(audit: Results, hostile_gates: Results, judged: Results) -> None:
    for results in (audit, hostile_gates, judged):
        assert terminal.render(results, ascii=True).isascii()
    assert "x failed " in terminal.render(judged, ascii=True)
    assert "[red]markup[/red]" in terminal.render(hostile_gates)


def test_terminal_lines(audit: Results, judged: Results) -> None:
    outcomes = "4 associations, 2 small, 3 open, 1 not measurable"
    gates = "gates: 2 failed, 4 unclear, 1 error, 1 passed, 1 waived, 1 skipped"
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
