"""``extends``: lexicons and template sets that start from another one."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from bias_audit.cli.app import run
from bias_audit.errors import FileError
from bias_audit.probes.catalogue import ProbeCatalogue
from tests.probes.helpers import SENTENCES, TEA, WORDS, edited, save, unmarked

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


def home(folder, *files):
    save(folder, WORDS, "templates/lexicons/animals.yaml")
    save(folder, SENTENCES, "templates/sounds.yaml")
    for name, text in files:
        save(folder, text, f"templates/{name}.yaml")
    return ProbeCatalogue([folder])


def test_words_are_added_replaced_and_dropped(tmp_path):
    found = home(tmp_path, ("lexicons/more", MORE)).lexicon("more")
    assert {name: [e.pl for e in s.entries] for name, s in found.sets.items()} == {
        "farm": ["cows", "hennen", "goats"],
        "pets": ["cats"],
        "sea": ["whales"],
    }
    assert found.sets["farm"].label == "farm animals"
    assert found.sets["farm"].entries[0].facts == {"legs": 4, "weight": 600}
    assert found.title == "More animals"


def test_what_a_file_says_itself_wins(tmp_path):
    first = WORDS.replace("sets:", "heads: [horse]\nsensitive: true\nlanguage: fr\nsets:", 1)
    catalogue = home(tmp_path, ("lexicons/more", MORE), ("lexicons/animals", first))
    found = catalogue.lexicon("more")
    assert (found.heads[0].sg, found.sensitive, found.language) == ("horse", True, "fr")
    own = MORE.replace("sets:", "heads: [cart]\nsets:", 1)
    assert home(tmp_path, ("lexicons/more", own)).lexicon("more").heads[0].sg == "cart"


def test_sentences_are_added_replaced_and_dropped(tmp_path):
    found = home(tmp_path, ("loud", LOUD)).template_set("loud")
    assert [(t.id, t.text) for t in found.templates] == [
        ("heard", "We all heard the [group] in a [place], and it was <mask>."),
        ("03", "The [group] in the [room] was <mask>."),
    ]
    assert found.slots == {"place": ("garden", "old attic"), "room": ("hall",)}


def test_numbers_of_sentences_stay_with_them(tmp_path):
    plural = LOUD.replace("slots:", "number: pl\nslots:", 1)
    found = home(tmp_path, ("loud", plural.replace("drop: [noise]\n", ""))).template_set("loud")
    assert [(t.id, t.number) for t in found.templates] == [
        ("heard", "pl"),
        ("noise", "sg"),
        ("03", "pl"),
    ]


def test_a_chain_of_files(tmp_path):
    third = "kind: lexicon\nid: third\ntitle: Third\nextends: more\ndrop: {sea: [whale], pets: [cat]}\nsets: {sea: [eel], pets: [rat]}\n"
    found = home(tmp_path, ("lexicons/more", MORE), ("lexicons/third", third)).lexicon("third")
    assert {name: [e.sg for e in s.entries] for name, s in found.sets.items()} == {
        "farm": ["cow", "hen", "goat"],
        "pets": ["rat"],
        "sea": ["eel"],
    }


def test_a_probe_uses_them_and_its_digest_follows_the_older_file(tmp_path):
    text = edited(
        TEA,
        (TEA[TEA.index("  - The") : TEA.index("targets")], "  - loud\ngroups: {lexicon: more, use: [farm, sea]}\n"),
    )  # fmt: skip
    save(tmp_path, text)
    first = home(tmp_path, ("loud", LOUD), ("lexicons/more", MORE)).probe("tea")
    assert [g.words[0].id for g in first.groups] == ["cow", "whale"]
    assert [f.id for f in first.frames] == ["loud.heard", "loud.03"]
    save(tmp_path, WORDS.replace("cow, pl", "bull, pl"), "templates/lexicons/animals.yaml")
    second = ProbeCatalogue([tmp_path]).probe("tea")
    assert second.groups[0].words[0].id == "bull"
    assert second.digest != first.digest
    save(tmp_path, "# a remark\n" + text)
    assert ProbeCatalogue([tmp_path]).probe("tea").digest == second.digest


CASES = [
    ("unknown", "lexicons/more", MORE.replace("extends: animals", "extends: §animal"), "there is no lexicon named 'animal'", "did you mean 'animals'?"),
    ("unknown set of sentences", "loud", LOUD.replace("extends: sounds", "extends: §sound"), "there is no template set named 'sound'", "did you mean 'sounds'?"),
    ("itself", "lexicons/more", MORE.replace("extends: animals", "extends: §more"), "'extends' goes in a circle: more -> more", "break it at one place"),
    ("another language", "lexicons/more", MORE.replace("extends: animals", "language: de\nextends: §animals"), "'animals' is in another language, en-US", "this file is in de"),
    ("dropping nobody", "lexicons/more", MORE.replace("[ant]", "[§aunt]"), "cannot drop 'aunt'", "did you mean 'ant'?"),
    ("dropping from nowhere", "lexicons/more", MORE.replace("{pets: [ant]}", "{pet: §[ant]}"), "'animals' has no set 'pet'", "did you mean 'pets'?"),
    ("dropping everybody", "lexicons/more", MORE.replace("[ant]", "§[ant, cat]"), "no word of 'pets' is left", "drop fewer"),
    ("dropping no sentence", "loud", LOUD.replace("[noise]", "[§noize]"), "cannot drop 'noize'", "did you mean 'noise'?"),
    ("dropping without extends", "loud", LOUD.replace("extends: sounds\n", "").replace("[noise]", "§[noise]"), "'drop' needs 'extends'", "remove the words"),
    ("nothing at all", "lexicons/more", "§kind: lexicon\nid: more\ntitle: M\n", "expected at least 1 item under 'sets', got none", "name a file under 'extends'"),
    ("no sentence at all", "loud", "kind: templates\nid: loud\ntitle: M\ntemplates: §[]\n", "expected at least 1 item under 'templates', got none", "name a file under 'extends'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message", "hint"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])  # fmt: skip
def test_mistakes(tmp_path, name, text, message, hint):
    text, place = unmarked(text)
    catalogue = home(tmp_path, (name, text))
    path = tmp_path / "templates" / f"{name}.yaml"
    with pytest.raises(FileError) as caught:
        catalogue.lexicon("more") if "more" in name else catalogue.template_set("loud")
    (found,) = caught.value.problems
    assert (found.file, found.line, found.column) == (str(path), *place), str(found)
    assert message in found.message
    assert hint in found.hint


def test_a_circle_of_three(tmp_path, capsys):
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = f"kind: lexicon\nid: {name}\ntitle: T\nextends: {other}\nsets: {{x: [{name}]}}\n"
        save(tmp_path, text, f"templates/lexicons/{name}.yaml")
    assert run(["probes", "check", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "'extends' goes in a circle: a -> b -> c -> a" in err
    assert "templates/lexicons/c.yaml:4:10" in err
    save(
        tmp_path,
        edited(TEA, (TEA[TEA.index("groups:") : TEA.index("targets:")], "groups: {lexicon: b}\n")),
    )
    assert run(["probes", "check", str(tmp_path / "tea.yaml")]) == 2
    assert "a circle: b -> c -> a -> b" in capsys.readouterr().err


def test_only_dropping_is_enough(tmp_path):
    text = "kind: templates\nid: loud\ntitle: Loud\nextends: sounds\ndrop: [noise]\n"
    assert len(home(tmp_path, ("loud", text)).template_set("loud").templates) == 1
