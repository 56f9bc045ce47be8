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
        "import sys; from bias_audit.reports import render\n"
        "from tests.reports.example import example\n"
        "names = 'md csv json terminal junit sarif github gitlab gates-csv card'.split()\n"
        "for name in names: render(example(), name)\n"
        "assert not {'matplotlib', 'torch', 'pandas', 'scipy', 'jinja2'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
