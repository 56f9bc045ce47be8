"""Small probes on disk, and mistakes with their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from bias_audit.cli.app import run
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

MORE = """\
kind: lexicon
id: more
title: More animals
extends: animals
drop: {pets: [ant]}
sets:
  farm:
    label: farm animals
    entries: [{sg: goat, pl: goats}, {sg: hen, pl: hennen}]
  sea: [{sg: whale, pl: whales}]
"""
LOUD = """\
kind: templates
id: loud
title: Loud sounds
extends: sounds
drop: [noise]
slots: {room: [hall]}
templates:
  - The [group] in the [room] was <mask>.
  - {id: heard, text: "We all heard the [group] in a [place], and it was <mask>."}
"""

JOBS = """\
kind: probe
id: jobs
title: Pronouns after jobs
axis: gender
mask: group
templates:
  - The [target] said that <mask:subject> had finished.
  - The [target] waved because <mask:subject> had time.
groups: {lexicon: pronouns, use: [she, he], beside: [they]}
targets:
  plus: [nurse, teacher]
  minus: [plumber, miner]
"""

GUILD = """\
kind: probe
id: guild
language: xx
title: Guild
axis: guild
templates:
  - "[group:nom] lavora an <mask:agree>."
  - "An <mask:agree> vede [group:acc]."
groups:
  first:
    - {id: una, agree: soft, forms: {nom: la una, acc: lan una}}
    - {id: uno, agree: hard, forms: {nom: lo uno, acc: lon uno}}
  second:
    - {id: tria, agree: soft, forms: {nom: la tria, acc: lan tria}}
    - {id: trio, agree: hard, forms: {nom: lo trio, acc: lon trio}}
targets:
  plus: [{id: baker, forms: {soft: bakela, hard: bakelo}}]
  minus: [{id: miller, forms: {soft: milla, hard: millo}}]
"""

PEOPLE = """\
kind: lexicon
id: people
language: xx
title: People
heads:
  - {id: she, agree: soft, forms: {nom: "la [adjective]e una", acc: "lan [adjective]en una"}}
  - {id: he, agree: hard, forms: {nom: "lo [adjective]o uno", acc: "lon [adjective]on uno"}}
sets:
  north: [{adjective: nord}]
  south: [{adjective: sud}]
"""

HERD = TEA.replace("id: tea", "id: herd").replace(
    "groups:\n  old: [grandmother, grandfather]\n  young: [girl, boy]\n",
    "groups: {lexicon: animals}\n",
)
"""Compares the groups of the lexicon WORDS."""
FOLK = (
    GUILD.replace("id: guild", "id: folk").partition("groups:")[0]
    + "groups: {lexicon: people}\n"
    + GUILD[GUILD.index("targets:") :]
)
"""Compares the groups of the lexicon PEOPLE."""

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
