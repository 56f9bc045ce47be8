"""Sentences as they will be scored: articles, capitals, forms, slots and positions."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand, render, variants
from bias_audit.probes.probe import Frame, words_of
from bias_audit.probes.schema.lexicon import Entry, Template, WordSet
from bias_audit.probes.schema.text import is_article_free
from tests.probes.helpers import SENTENCES, TEA, edited, expanded, save, sentences


def frame(text: str, number: str = "sg", **slots: tuple[str, ...]) -> Frame:
    return Frame(id="f", template=Template(text=text), number=number, slots=slots)


def word(sg: str | None = None, **more):
    return words_of(WordSet(entries=(Entry(sg=sg, **more),)))[0]


def parts(text: str, masked, number="sg", **words):
    sentence = render(frame(text, number), words, {}, masked)
    return sentence.left, sentence.filler, sentence.right


def filled(text: str, group, target=None, number="sg") -> str:
    return "{}|{}|{}".format(*parts(text, target, number, group=group))


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("The [group] was a <mask>.", "engineer", "The man was an |engineer|."),
        ("The [group] was an <mask>.", "nurse", "The man was a |nurse|."),
        ("The [group] was a <mask>.", "honest man", "The man was an |honest man|."),
        ("The [group] was a <mask>.", "unicorn", "The man was a |unicorn|."),
        ("The [group] was the <mask>.", "engineer", "The man was the |engineer|."),
        ("A <mask> saw the [group].", "engineer", "An |engineer| saw the man."),
        ("An <mask> saw the [group].", "nurse", "A |nurse| saw the man."),
        ('The [group] wrote a "<mask>" there.', "essay", 'The man wrote an "|essay|" there.'),
        ("The [group] is no panda <mask>.", "expert", "The man is no panda |expert|."),
        ("The banana [group] sat with a young <mask>.", "aunt", "The banana man sat with a young |aunt|."),
        ("The [group] met a (<mask>).", "owl", "The man met an (|owl|)."),
    ],
)  # fmt: skip
def test_articles_follow_the_word(text, target, expected):
    assert filled(text, word("man"), word(target)) == expected


def test_an_entry_knows_better_than_the_rules():
    an, a = word("herb", an=True), word("hour", an=False)
    assert filled("The [group] is a <mask>.", word("man"), an) == "The man is an |herb|."
    assert filled("The [group] is an <mask>.", word("man"), a) == "The man is a |hour|."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The [group] left the <mask>.", "Mary left the |house|."),
        ("Yesterday, the [group] left a <mask>.", "Yesterday, Mary left a |house|."),
        ("A [group] left a <mask>.", "Mary left a |house|."),
        ("[group] left a <mask>.", "Mary left a |house|."),
        ('"The [group] left a <mask>."', '"Mary left a |house|."'),
        ('We saw the "[group]" in a <mask>.', 'We saw "Mary" in a |house|.'),
        ("The <mask> of the [group] burnt.", "The |house| of Mary burnt."),
    ],
)
def test_given_names_take_no_article(text, expected):
    assert filled(text, word("Mary", article="none"), word("house")) == expected


def test_a_masked_given_name_takes_no_article():
    mary = word("Mary", article="none")
    assert parts("The [target] is the <mask>.", mary, target=word("boss")) == (
        "The boss is ", "Mary", ".",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[group] like <mask>.", "Women like |tea|."),
        ('"[group] like <mask>," he said.', '"Women like |tea|," he said.'),
        ("<mask> is what [group] like.", "|Tea| is what women like."),
        ('We know. "[group] like <mask>."', 'We know. "Women like |tea|."'),
        ("We met. [group] took <mask>.", "We met. Women took |tea|."),
        ("Really? <mask> for [group]!", "Really? |Tea| for women!"),
        ("One thing: [group] like <mask>.", "One thing: women like |tea|."),
        ('He wrote "<mask>" for [group].', 'He wrote "|tea|" for women.'),
        ("He asked Dr. [group] for <mask>.", "He asked Dr. women for |tea|."),
        ("The [group] like <mask>.", "The women like |tea|."),
    ],
)
def test_capitals_at_the_start_of_a_sentence(text, expected):
    assert filled(text, word(pl="women"), word(pl="tea"), number="pl") == expected


def test_forms_that_a_sentence_asks_for():
    she = word(forms={"subject": "she", "possessive": "her"})
    nurse = word("nurse", pl="nurses")
    sentence = parts("The [target] said that <mask:subject> left.", she, target=nurse)
    assert sentence == ("The nurse said that ", "she", " left.")
    sentence = parts("<mask:possessive> [target:pl] left.", she, target=nurse)
    assert sentence == ("", "Her", " nurses left.")
    man = word("man", pl="men")
    text = filled("One [group] among [group:pl] is a <mask>.", man, word("fan"))
    assert text == "One man among men is a |fan|."
    with pytest.raises(KeyError):
        parts("The [target:dual] saw <mask:subject>.", she, target=nurse)


@pytest.mark.parametrize("number", ["sg", "pl"])
def test_the_template_number_chooses_the_form(tmp_path, number):
    text = edited(
        TEA,
        (
            "- The [group] asked for <mask>.",
            f'- {{text: "Here, the [group] had <mask>.", number: {number}}}',
        ),
        ('  - "[group] never drink <mask>."\n', ""),
        ("[grandmother, grandfather]", "[{sg: wife, pl: wives}]"),
        ("[girl, boy]", "[{sg: man, pl: men}]"),
        ("[tea, milk]", "[{sg: tea, pl: teas}]"),
        ("[coffee, cola]", "[{sg: cola, pl: colas}]"),
    )
    expected = {"sg": ["wife", "tea"], "pl": ["wives", "teas"]}[number]
    assert sentences(tmp_path, text)[0] == f"Here, the {expected[0]} had {expected[1]}."


def test_fillers_of_further_slots():
    twice = frame(
        "A [place], this [place], is a <mask> for the [group].", place=("yard", "old attic")
    )
    assert variants(twice) == [{"place": "yard"}, {"place": "old attic"}]
    texts = [render(twice, {"group": word("man")}, v, word("home")).left for v in variants(twice)]
    assert texts == ["A yard, this yard, is a ", "An old attic, this old attic, is a "]


def test_slots_of_a_set_and_of_the_probe(tmp_path):
    save(tmp_path, SENTENCES, "templates/sounds.yaml")
    text = edited(
        TEA,
        (TEA[TEA.index("  - The") : TEA.index("groups")], "  - sounds\n"),
        ("title:", "slots: {place: [yard]}\ntitle:"),
    )
    expansion = expanded(tmp_path, text)
    assert {p.variant for p in expansion.prompts if p.template == "sounds.heard"} == {"yard"}
    assert "We heard the girl in a yard, and it was tea." in [p.text for p in expansion.prompts]
    text = text.replace("slots: {place: [yard]}\n", "")
    expansion = expanded(tmp_path, text)
    assert "We heard the girl in an old attic, and it was tea." in [
        p.text for p in expansion.prompts
    ]
    assert {p.variant for p in expansion.prompts} == {"", "garden", "old attic"}


def test_positions_are_never_found_by_searching():
    text = "A tea man in the man tea asked the [group] for tea and <mask>, not tea."
    assert filled(text, word("man"), word("tea")) == (
        "A tea man in the man tea asked the man for tea and |tea|, not tea."
    )
    assert filled("The [group] is <mask> is is.", word("is"), word("is")) == "The is is |is| is is."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<mask> suits the [group].", ("", "Tea", " suits the man.")),
        ("The [group] took <mask>, and left.", ("The man took ", "tea", ", and left.")),
        ("The [group] took <mask>", ("The man took ", "tea", "")),
    ],
)
def test_the_mask_at_both_ends_and_inside(text, expected):
    assert parts(text, word("tea"), group=word("man")) == expected


def test_an_open_place_has_no_filler():
    text = parts("The [group] had a <mask>, then left.", None, group=word("man"))
    assert text == ("The man had a ", None, ", then left.")


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("The [group] took <mask>.", True),
        ("The [group] took the <mask>.", True),
        ("The [group] took a <mask>.", False),
        ("An <mask> bit the [group].", False),
        ('The [group] took an "<mask>".', False),
        ("The [group] took a big <mask>.", True),
        ("The [group] ate sepia <mask>.", True),
    ],
)
def test_article_free_sentences(text, free):
    assert is_article_free(text) is free


def test_open_prompts_after_an_article_are_asked_with_both(tmp_path):
    expansion = expanded(tmp_path, edited(TEA, ("asked for <mask>", "asked for a <mask>")))
    opened = [p for p in expansion.prompts if p.filler is None]
    assert [p.text for p in opened if p.template == "02"][:2] == [
        "Grandmother never drink <mask>.",
        "Grandfather never drink <mask>.",
    ]
    both = [p.text for p in opened if p.template == "01"]
    assert len(both) == 2 * len([p for p in opened if p.template == "02"])
    assert both[0].replace("for a <mask>", "for an <mask>") == both[1]
    assert {(p.target, p.pole) for p in opened} == {("", "")}
    scored = [p for p in expansion.prompts if p.filler is not None]
    assert expansion.prompts == (*scored, *opened)


def test_a_word_without_a_form_is_left_out_with_its_reason(tmp_path):
    text = edited(
        TEA,
        ("- The [group] asked for <mask>.", "- Many [group:pl] asked for <mask:pl>."),
        ("[grandmother, grandfather]", "[aunt, {sg: wife, pl: wives}]"),
        ("[girl, boy]", "[{sg: man, pl: men}]"),
        ("[tea, milk]", "[milk, {sg: tea, pl: teas}]"),
        ("[coffee, cola]", "[{sg: cola, pl: colas}]"),
    )
    expansion = expanded(tmp_path, text)
    assert [(s.kind, s.what, s.reason, s.detail) for s in expansion.skips] == [
        ("term", "aunt", "not_applicable", "has no form 'pl', which the sentence '01' needs"),
        ("target", "milk", "not_applicable", "has no form 'pl', which the sentence '01' needs"),
    ]
    cells = [(p.template, p.term, p.target) for p in expansion.prompts if p.filler is not None]
    assert sorted(cells) == sorted(
        (t, w, x) for t in ("01", "02") for w in ("wife", "man") for x in ("tea", "cola")
    )


def test_the_design_is_complete_and_ordered(tmp_path):
    expansion = expanded(tmp_path)
    cells = [
        (p.template, p.group, p.term, p.target) for p in expansion.prompts if p.filler is not None
    ]
    assert cells == [
        (template, group, term, target)
        for template in ("01", "02")
        for group, term in (
            ("old", "grandmother"), ("old", "grandfather"), ("young", "girl"), ("young", "boy"),
        )
        for target in ("tea", "milk", "coffee", "cola")
    ]  # fmt: skip
    assert {(p.target, p.pole) for p in expansion.prompts} == {
        ("tea", "+"), ("milk", "+"), ("coffee", "-"), ("cola", "-"), ("", ""),
    }  # fmt: skip


def test_a_probe_that_masks_the_group(tmp_path):
    text = edited(
        TEA,
        ("title:", "mask: group\ntitle:"),
        ("- The [group] asked for <mask>.", "- The [target] says <mask:subject> left."),
        ('"[group] never drink <mask>."', '"<mask:subject> had an [target]."'),
        ("[grandmother, grandfather]", "[{id: she, forms: {subject: she}}]"),
        ("[girl, boy]", "[{id: he, forms: {subject: he}}]"),
    )
    expansion = expanded(tmp_path, text)
    assert [(p.group, p.target, p.pole, p.left, p.filler, p.right) for p in expansion.prompts][
        ::8
    ] == [
        ("old", "tea", "+", "The tea says ", "she", " left."),
        ("old", "tea", "+", "", "She", " had a tea."),
    ]
    assert all(p.filler is not None for p in expansion.prompts)


def test_own_words_of_groups(tmp_path):
    text = edited(
        TEA, ("plus: [tea, milk]\n  minus: [coffee, cola]", "own: {old: tea, young: cola}")
    )
    expansion = expanded(tmp_path, text)
    assert {(p.group, p.target, p.pole) for p in expansion.prompts} == {
        ("old", "tea", "+"), ("old", "cola", "-"), ("young", "tea", "-"), ("young", "cola", "+"),
    }  # fmt: skip
    assert all(p.filler is not None for p in expansion.prompts), "no open prompts"


def test_adjectives_are_combined_with_each_head(tmp_path):
    text = edited(
        TEA,
        (
            "[grandmother, grandfather]",
            "{heads: [person, {sg: aunt, pl: aunts}], entries: [{adjective: old}]}",
        ),
        ("- The [group] asked for <mask>.", "- An [group] asked for <mask>."),
        ('  - "[group] never drink <mask>."\n', ""),
        ("[girl, boy]", "[{adjective: young}]"),
    )
    expansion = expanded(tmp_path, text)
    cells = {(p.term, p.label, p.left) for p in expansion.prompts}
    assert cells == {
        ("old.person", "old", "An old person asked for "),
        ("old.aunt", "old", "An old aunt asked for "),
        ("young.person", "young", "A young person asked for "),
    }


def test_words_of_other_scripts_keep_ids_of_their_own():
    words = words_of(WordSet(entries=(Entry(sg="茶"), Entry(sg="水"), Entry(sg="Café au lait"))))
    assert [w.id for w in words] == ["茶", "水", "café-au-lait"]


def test_narrowed_groups_come_in_the_order_asked():
    catalogue = ProbeCatalogue().with_groups(
        {"religion-*": ("muslim", "christian"), "nationality-homeland": ("polish", "french")}
    )
    probe = catalogue.probe("religion-worship")
    assert [g.id for g in probe.groups] == ["muslim", "christian"]
    assert [(t.word.id, t.pole) for t in probe.targets] == [
        ("church", "own:christian"),
        ("mosque", "own:muslim"),
    ]
    home = catalogue.probe("nationality-homeland")
    assert [g.id for g in home.groups] == ["polish", "french"]
    assert {p.pole for p in expand(home).prompts} == {"+", "-"}
