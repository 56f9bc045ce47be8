"""Small probes on disk, and mistakes with their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from bias_audit.errors import FileError, Problem
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import Expansion, expand
from bias_audit.probes.probe import Probe

TEA = """\
kind: probe
id: tea
title: Tea and coffee
axis: drinks
templates:
  - The [group] asked for <mask>.
  - "[group] never drink <mask>."
groups:
  old: [grandmother, grandfather]
  young: [girl, boy]
targets:
  plus: [tea, milk]
  minus: [coffee, cola]
"""

WORDS = """\
kind: lexicon
id: animals
title: Animals
sets:
  farm:
    entries:
      - {sg: cow, pl: cows, tags: [big], facts: {legs: 4, weight: 600}}
      - {sg: hen, pl: hens, tags: [small], facts: {legs: 2}}
  pets:
    entries:
      - {sg: cat, pl: cats, tags: [small], facts: {legs: 4}}
      - {sg: ant, pl: ants, facts: {legs: 6}}
"""

SENTENCES = """\
kind: templates
id: sounds
title: Sounds
slots:
  place: [garden, old attic]
templates:
  - {id: heard, text: "We heard the [group] in a [place], and it was <mask>."}
  - {id: noise, text: "The noise of the [group] was <mask>."}
"""

MARK = "§"


def edited(text: str, *changes: tuple[str, str]) -> str:
    """Replace each first string, which must be there, by the second."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def unmarked(text: str) -> tuple[str, tuple[int, int]]:
    """Take the mark out of a text and say where it stood, counted from 1."""
    before, mark, after = text.partition(MARK)
    assert mark, "no mark in the text"
    return before + after, (before.count("\n") + 1, len(before) - before.rfind("\n"))


def save(folder: Path, text: str, name: str = "tea.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def joined(folder: Path, text: str = TEA, name: str = "tea") -> Probe:
    """Write a probe beside what the folder already has, and join it."""
    save(folder, text, f"{name}.yaml")
    return ProbeCatalogue([folder]).probe(name)


def expanded(folder: Path, text: str = TEA, name: str = "tea") -> Expansion:
    return expand(joined(folder, text, name))


def sentences(folder: Path, text: str = TEA, name: str = "tea") -> list[str]:
    return [prompt.text for prompt in expanded(folder, text, name).prompts]


def problems(folder: Path, text: str, name: str = "tea") -> tuple[Problem, ...]:
    """The mistakes of a probe."""
    with pytest.raises(FileError) as caught:
        joined(folder, text, name)
    return caught.value.problems


def one_problem(folder: Path, text: str, name: str = "tea") -> Problem:
    """The only mistake of a probe; its text may carry a mark, which must be the place."""
    place = None
    if MARK in text:
        text, place = unmarked(text)
    found = problems(folder, text, name)
    assert len(found) == 1, "\n".join(map(str, found))
    assert found[0].file == str(folder / f"{name}.yaml")
    if place is not None:
        assert (found[0].line, found[0].column) == place, str(found[0])
    return found[0]
