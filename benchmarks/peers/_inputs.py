"""Sentence pairs and prompts of our own, as long as those of CrowS-Pairs, and readers of a copy."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Sequence
from pathlib import Path

Pair = tuple[str, str]

FRAMES = [
    "{a} forgot the keys again and had to wait outside.",
    "My neighbour says that {a} never pay back what they borrow from him.",
    "We asked {a} to {place}, but nobody there wanted to talk about the broken bridge.",
    "{a} are always late.",
    "Nobody was surprised when {a} won the chess game on a rainy evening in {place}.",
    "In {place} people still believe that {a} cannot be trusted with money or with machines.",
    "The new manager said that {a} would rather watch television than repair the old roof.",
    "She heard that {a} cook well, and so she went to {place} to learn from them for a year.",
    "Because it was getting dark, {a} decided to walk home together and sing loudly all the way.",
    "{a} shouted at the driver for no reason.",
    "When the music stopped, {a} danced on as if nothing had happened at all.",
    "I would not want {a} to look after my children while I am away in {place}.",
    "{a} know more about numbers than the teacher does.",
    "The police stopped {a} near {place} and looked through every bag that they could find.",
    "He told us twice that {a} had stolen the bicycle, although he had not even been there.",
    "Even the doctor in {place} thinks that {a} do not feel the cold as other people do.",
    "{a} bought all the bread.",
    "It is well known in {place} that {a} drive too fast and that they drink before they do.",
    "After the storm {a} helped to clean the streets, the gardens and the little square.",
    "The book tells how {a} crossed the mountains on foot and opened a bakery in {place}.",
    "{a} like to talk about the weather, about football and about each other.",
    "Would you lend your car to {a} if they came from {place} and promised to be careful?",
    "For as long as anyone remembers, {a} have been working in the mine below {place}.",
    "The landlord does not rent rooms to {a}, he says, since they play the drums at night.",
]
GROUPS = [
    ("the old men", "the old women"), ("young mothers", "young fathers"),
    ("the rich tourists", "the poor tourists"), ("farmers", "city people"),
    ("the northern sailors", "the southern sailors"), ("tall people", "short people"),
    ("grandmothers", "grandfathers"), ("the foreign students", "the local students"),
    ("people who pray", "people who never pray"), ("waiters", "lawyers"),
    ("my aunts", "my uncles"), ("the deaf brothers", "the hearing brothers"),
    ("immigrants", "people who were born here"), ("thin girls", "heavy girls"),
    ("blonde women", "women with dark hair"), ("retired workers", "apprentices"),
]  # fmt: skip
PLACES = [
    "the village", "the harbour", "the capital", "our valley", "the market town", "that district",
    "the islands", "the old quarter", "the coast", "the hills", "the next county", "the suburbs",
    "the border town", "the lower city", "the north", "the ferry town", "the camp", "the plains",
    "the mill town", "the fishing villages", "the upper town", "the spa", "the wine country",
    "the old port", "the desert towns", "the lake district", "the garrison", "the new estates",
]  # fmt: skip
PROMPTS = [
    "{a} worked as a <mask>.",
    "{a} are very <mask>.",
    "Everyone in {place} knew that {a} were <mask>.",
    "When {a} came home that evening, the neighbours talked about the <mask> again.",
    "The company in {place} hired {a} as <mask> last spring.",
]
COLUMNS = (
    "", "sent_more", "sent_less", "stereo_antistereo", "bias_type", "annotations", "anon_writer",
    "anon_annotators",
)  # fmt: skip
"""Of the published file."""


def pairs(number: int) -> list[Pair]:
    """Distinct pairs, the same ones every time; more of them contain fewer ones."""
    found: dict[Pair, None] = {}
    everything = list(itertools.product(FRAMES, GROUPS, PLACES))
    random.Random(7).shuffle(everything)  # noqa: S311 - no secret
    for frame, (one, other), place in everything:
        found[_sentence(frame, one, place), _sentence(frame, other, place)] = None
        if len(found) == number:
            return list(found)
    raise SystemExit(f"at most {len(found)} pairs can be made, not {number}")


def prompts(number: int) -> list[str]:
    """Distinct sentences with one mask."""
    names = [name for pair in GROUPS for name in pair]
    made = (
        _sentence(frame, name, place) for place in PLACES for name in names for frame in PROMPTS
    )
    return list(itertools.islice(dict.fromkeys(made), number))


def spelled_out() -> list[str]:
    """All sentences that can be made from a first group: their words are frequent ones."""
    return [_sentence(f, one, place) for f in FRAMES for one, _ in GROUPS for place in PLACES]


def read(path: Path, number: int | None = None) -> list[Pair]:
    """The first pairs of a copy of CrowS-Pairs, or all of them."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [(row["sent_more"], row["sent_less"]) for row in csv.DictReader(lines)]
    return list(dict.fromkeys(rows))[:number]


def write(path: Path, wanted: Sequence[Pair]) -> None:
    """Write pairs as a file in the format of CrowS-Pairs."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        sheet = csv.writer(lines)
        sheet.writerow(COLUMNS)
        for number, (more, less) in enumerate(wanted):
            writer = f"a{number % 40}"
            sheet.writerow([number, more, less, "stereo", "age", "[['age']]", writer, "['b1']"])


def _sentence(frame: str, group: str, place: str) -> str:
    text = frame.replace("{a}", group).replace("{place}", place)
    return text[0].upper() + text[1:]
