"""The sample audit in ``reports/sample/`` belongs to this catalogue, this model and this report."""

from __future__ import annotations

import html
import re

from benchmarks import recording, sample
from bias_audit.backends import open_backend
from bias_audit.pipeline.plan import make_plan
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports import render
from bias_audit.results import load_results


def test_the_sample_is_rendered_by_this_program() -> None:
    results = load_results(sample.SAMPLE)
    for name, format_ in (("report.html", "html"), ("summary.md", "md")):
        stored = (sample.SAMPLE / name).read_text(encoding="utf-8")
        assert stored == render(results, format_), "run: python -m benchmarks.sample --render"


def lines_of(svg: str) -> list[str]:
    """The text of a drawn terminal, line by line."""
    parts: dict[int, list[tuple[float, str]]] = {}
    pattern = r'<text class="[^"]*" x="([\d.]+)"[^>]*#terminal-line-(\d+)\)">(.*?)</text>'
    for x, number, text in re.findall(pattern, svg):
        column = round(float(x) / 12.2)
        parts.setdefault(int(number), []).append((column, html.unescape(text)))
    lines = []
    for number in range(max(parts) + 1):
        line = ""
        for column, text in sorted(parts.get(number, [])):
            line = line.ljust(int(column)) + text.replace("\xa0", " ")
        lines.append(line.rstrip())
    return lines


def test_the_recording_shows_what_the_sample_prints() -> None:
    svg = recording.PICTURE.read_text(encoding="utf-8")
    shown = lines_of(svg)
    assert shown[0] == "$ bias-audit run"
    text = render(load_results(sample.SAMPLE), "terminal").rstrip().splitlines()
    printed = [line.rstrip() for line in text]
    start = shown.index(printed[0])
    assert shown[start : start + len(printed)] == printed, "run: python -m benchmarks.recording"


def test_the_recording_loads_nothing_and_ends_within_20_seconds() -> None:
    svg = recording.PICTURE.read_text(encoding="utf-8")
    assert not re.search(r"@import|@font-face|url\((?!#)|<script|<image|href=", svg)
    delays = [float(one) for one in re.findall(r"appear \.3s ([\d.]+)s backwards", svg)]
    assert delays == sorted(delays)
    assert len(delays) == len(lines_of(svg))
    assert 15 < delays[-1] + 0.3 <= 20
    assert "prefers-reduced-motion" in svg
    assert "opacity: 1" not in svg, "what does not move is seen"


def test_the_sample_is_of_this_catalogue_and_model() -> None:
    results = load_results(sample.SAMPLE)
    catalogue = ProbeCatalogue()
    plan = make_plan(catalogue, catalogue.select(), limit=1)  # digests are those of whole files
    again = "run the core probes and: python -m benchmarks.sample RUN"
    assert results.run.catalogue_digest == plan.digest, again
    assert results.model.fingerprint == open_backend("reference").info.fingerprint, again
    assert {p.id for p in results.probes} == set(plan.probes), again
