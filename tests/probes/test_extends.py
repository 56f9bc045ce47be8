"""``extends``: lexicons and template sets that start from another one."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

from bias_audit.probes.catalogue import ProbeCatalogue
from tests.probes.helpers import LOUD, MORE, SENTENCES, TEA, WORDS, edited, save


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


def test_only_dropping_is_enough(tmp_path):
    text = "kind: templates\nid: loud\ntitle: Loud\nextends: sounds\ndrop: [noise]\n"
    assert len(home(tmp_path, ("loud", text)).template_set("loud").templates) == 1
