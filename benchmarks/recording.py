"""Draws ``docs/terminal.svg``, what ``bias-audit run`` prints, from the sample audit.

    python -m benchmarks.recording      (so does ``benchmarks.sample``, when it makes the sample)

The lines are those that the program prints for ``reports/sample/``; they appear one after the other
within 20 seconds, all at once where motion is not wanted. The picture loads nothing, fonts neither.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bias_audit.reports.formats import terminal
from bias_audit.reports.view.build import build
from bias_audit.results import Results, load_results
from bias_audit.utils.files import write_atomic

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "terminal.svg"
COMMAND = "$ bias-audit run"
FOLDER = "audit-runs/latest"
WIDTH, ID = 100, "terminal"
STEPS_FROM, OUTPUT_FROM, UNTIL = 1.5, 9.0, 19.5
"""Seconds at which the steps of the run appear, its first line, and its last."""
_LOADED = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_LINE = f"[clip-path='url(#{ID}-line-{{number}})']"


def steps(results: Results) -> list[str]:
    """What a run says while it works."""
    sentences = sum(probe.prompts for probe in results.probes)
    scoring = f"scoring all probes: {sentences:,} sentences"
    return ["loading the model", scoring, "analysing", "writing the report"]


def draw(results: Results) -> str:
    """Return the picture."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor",
        legacy_windows=False, emoji=False, _environ={},
    )  # fmt: skip
    console.print(Text(COMMAND, "bold green"))
    for step in steps(results):
        console.print(Text(step, "dim"))
    terminal.show(build(results), console, folder=FOLDER)
    svg = console.export_svg(title="bias-audit", unique_id=ID)
    last = max(int(number) for number in re.findall(rf'clip-path="url\(#{ID}-line-(\d+)\)', svg))
    style = "\n".join(_rules(len(steps(results)), last))
    return _LOADED.sub("", svg).replace("</style>", f"{style}\n    </style>", 1)


def _rules(n_steps: int, last: int) -> list[str]:
    """Style that lets one line after the other appear."""
    at = [0.5, *(STEPS_FROM + (OUTPUT_FROM - STEPS_FROM) * i / n_steps for i in range(n_steps))]
    rest = last + 1 - len(at)
    at += [OUTPUT_FROM + (UNTIL - OUTPUT_FROM) * i / max(1, rest - 1) for i in range(rest)]
    return [
        f"@keyframes {ID}-appear {{ from {{ opacity: 0 }} }}",
        "@media (prefers-reduced-motion: no-preference) {",
        *(
            f"{_LINE.format(number=number)} {{ animation: {ID}-appear .3s {delay:.1f}s backwards }}"
            for number, delay in enumerate(at)
        ),
        "}",
    ]


def write(results: Results) -> None:
    """Write the picture of an audit."""
    write_atomic(PICTURE, draw(results))


if __name__ == "__main__":
    write(load_results(ROOT / "reports" / "sample"))
