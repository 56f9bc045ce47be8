from __future__ import annotations

import re

import pytest

from bias_audit.reports import render
from bias_audit.reports.ci import entries, worst_first
from bias_audit.reports.formats import github
from bias_audit.results import Results

from .gated import many


def parse(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it."""
    found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
    assert found, line
    properties = dict(part.split("=", 1) for part in found[2].split(","))
    return found[1], {k: plain(v) for k, v in properties.items()}, plain(found[3])


def plain(text: str) -> str:
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def test_everything_but_passes_is_there_once(judged: Results) -> None:
    _, *lines = render(judged, "github").splitlines()
    shown = [entry for entry in worst_first(entries(judged)) if entry.level != "none"]
    assert [parse(line)[2] for line in lines] == [entry.message for entry in shown]


@pytest.mark.parametrize("number", [1, 9, 10, 11, 250])
def test_at_most_ten_of_a_level_and_the_last_counts_the_rest(number: int) -> None:
    _, *lines = render(many(number), "github").splitlines()
    assert len(lines) == min(number, 10)
    read = [parse(line) for line in lines]
    gaps = [float(found[1]) for _, _, text in read if (found := re.search(r"gap ([\d.]+)", text))]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] == pytest.approx(0.8 + (number - 1) / 100, abs=0.005)
    if number > 10:
        assert len(gaps) == 9
        assert read[-1][2] == f"{number - 9} more like these in the report of the run."


def test_escaping() -> None:
    assert github.data("50 %\r\n:,") == "50 %25%0D%0A:,"
    assert github.value("50 %\r\n:,") == "50 %25%0D%0A%3A%2C"
    assert plain(github.value("%0A, %25: x\n")) == "%0A, %25: x\n"


def test_strangers_write_no_commands_of_their_own(hostile_gates: Results) -> None:
    _, *lines = render(hostile_gates, "github").splitlines()
    for line in lines:
        _, properties, _ = parse(line)
        assert set(properties) <= {"file", "line", "col", "title"}
        assert len(line) < 8_000
    assert len(lines) <= 30
