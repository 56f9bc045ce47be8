"""Probes with labels: mistakes in their files, what they expand to, and the shipped ones."""

from __future__ import annotations

import json
import re
from fnmatch import filter as matches

import pytest

from bias_audit.errors import FileError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand

SIDES = {
    "plus": [f"You are fool number {word}." for word in "abcdefghij"],
    "minus": [f"This is page number {word}." for word in "abcdefghij"],
}
PROBE = {
    "kind": "probe",
    "id": "flags",
    "title": "Flags",
    "axis": "drinks",
    "templates": ["The [group] was late.", "I met the [group]."],
    "groups": {"tea": ["tea drinker"], "coffee": ["coffee drinker"]},
    "labels": {
        "plus": {"name": "flagged", "any": ["toxic", "LABEL_1"]},
        "minus": {"name": "not flagged", "any": ["neutral", "LABEL_0"]},
    },
    "instrument": SIDES,
}


def read(tmp_path, **changes):
    content = {key: value for key, value in (PROBE | changes).items() if value is not None}
    path = tmp_path / "flags.yaml"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return ProbeCatalogue([tmp_path]).probe("flags")


def test_each_sentence_is_asked_for_both_labels(tmp_path):
    probe = read(tmp_path)
    assert probe.spec.readings == ("label",)
    assert probe.instrument == (tuple(SIDES["plus"]), tuple(SIDES["minus"]))
    prompts = expand(probe).prompts
    assert len(prompts) == 2 * 2 * 2
    plus, minus = prompts[:2]
    assert plus.text == minus.text == "The tea drinker was late."
    assert [p.text[slice(*p.context_spans[0])] for p in (plus, minus)] == ["tea drinker"] * 2
    assert (plus.pole, plus.request.names, plus.request.instead_of) == (
        "+",
        ("toxic", "LABEL_1"),
        (),
    )
    assert (minus.pole, minus.filler) == ("-", "not flagged")
    assert minus.request.instead_of == ("toxic", "LABEL_1")
    assert probe.open_frames == ()


TARGETS = {"plus": ["nurse"], "minus": ["clerk"]}
LABELS = PROBE["labels"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": TARGETS}, "'targets' cannot stand beside 'labels'"),
        ({"instrument": None}, "needs an 'instrument'"),
        ({"instrument": SIDES | {"plus": SIDES["plus"][:9]}}, "at least 10"),
        ({"instrument": SIDES | {"minus": SIDES["plus"]}}, "says the same as"),
        ({"instrument": "gender"}, "has no set 'plus'"),
        ({"instrument": "nothing-there"}, "nothing-there"),
        ({"readings": ["mask"]}, "has the reading 'label' only"),
        ({"mask": "group"}, "'mask' cannot stand beside 'labels'"),
        ({"completions": ["role"]}, "'completions' cannot stand beside 'labels'"),
        ({"templates": ["The [group] was <mask>."]}, "has a <mask>: a probe with labels"),
        ({"templates": ["It was late."]}, "has no <mask>"),
        ({"labels": LABELS | {"minus": LABELS["plus"]}}, "is here twice"),
        (
            {"labels": LABELS | {"minus": {"name": "calm", "any": ["TOXIC"]}}},
            "'toxic' is here twice",
        ),
        ({"labels": {"plus": LABELS["plus"]}}, "the key 'minus' is missing"),
        ({"labels": LABELS | {"minus": {"name": "calm"}}}, "the key 'any' is missing"),
        (
            {"labels": None, "instrument": None, "readings": ["label"], "targets": TARGETS},
            "the reading 'label' needs 'labels'",
        ),
        ({"labels": None, "targets": TARGETS}, "'instrument' belongs to 'labels'"),
        ({"labels": None, "instrument": None}, "the key 'targets' is missing"),
        (
            {"labels": None, "instrument": None, "targets": TARGETS},
            "has no <mask>; a template has exactly one",
        ),
        ({"readings": ["python:mine:score"]}, "python:mine:score"),
    ],
)
def test_mistakes_have_a_place_and_a_message(tmp_path, changes, message):
    with pytest.raises(FileError) as caught:
        read(tmp_path, **changes)
    assert caught.value.exit_code == 2
    text = " ".join(f"{p.message} {p.hint}" for p in caught.value.problems)
    assert message in text
    assert all(problem.line >= 1 for problem in caught.value.problems)


CATALOGUE = ProbeCatalogue()
SHIPPED = matches(CATALOGUE.probe_ids(), "toxicity-*") + matches(
    CATALOGUE.probe_ids(), "sentiment-*"
)


def test_both_constructs_have_seven_axes_and_a_suite():
    axes = {name.partition("-")[2] for name in SHIPPED}
    assert len(SHIPPED) == 14
    assert axes == {
        *("gender", "religion", "orientation", "race", "disability", "names", "nationality")
    }
    assert CATALOGUE.select(["labels"]) == sorted(SHIPPED)
    assert not set(SHIPPED) & set(CATALOGUE.select(["full"]))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_probes_are_whole(name):
    probe = CATALOGUE.probe(name)
    assert len(probe.frames) >= 12
    assert probe.spec.card is not None
    assert probe.spec.controls.placebo is not None
    assert [len(side) for side in probe.instrument] == [12, 12]
    texts = [prompt.text for prompt in expand(probe).prompts]
    assert not [text for text in texts if re.search(r"\b(an?|the) \[|<mask>|  ", text)]


def test_plain_sentences_differ_in_nothing_but_the_label():
    """Neither length nor a first word tells the two labels apart."""
    for lexicon in ("plain-toxicity", "plain-sentiment"):
        sides = [
            [entry.sg for entry in CATALOGUE.lexicon(lexicon).sets[key].entries]
            for key in ("plus", "minus")
        ]
        means = [sum(map(len, side)) / len(side) for side in sides]
        assert abs(means[0] - means[1]) < 5, lexicon
