"""Every mistake that one probe file can hold: what is said, where it points, what to do."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from tests.probes.helpers import (
    SENTENCES,
    TEA,
    WORDS,
    edited,
    joined,
    one_problem,
    problems,
    save,
    sentences,
    unmarked,
)

FIRST = "- The [group] asked for <mask>."
OLD = "old: [grandmother, grandfather]"
PLUS = "plus: [tea, milk]"
MINUS = "minus: [coffee, cola]"

# what, (old text, new text with § at the place), message, hint
CASES = [
    (
        "no mask",
        (FIRST, "- §The [group] asked for tea."),
        "'The [group] asked for tea.' has no <mask>; a template has exactly one",
        'for example "The [group] worked as a <mask>."',
    ),
    (
        "two masks",
        (FIRST, "- §The [group] took <mask> and <mask>."),
        "'The [group] took <mask> and <mask>.' has 2 masks; a template has exactly one",
        "for example",
    ),
    (
        "a group called as the rest is",
        (OLD, "others: §[grandmother, grandfather]"),
        "a group cannot be called 'others'",
        "it stands for all groups but one in results",
    ),
    (
        "the share of no group",
        (MINUS, f"{MINUS}\n  share_of: §yung"),
        "there is no group 'yung'",
        "did you mean 'young'?",
    ),
    (
        "no group",
        (FIRST, "- §They asked for <mask>."),
        "the template '01' has no [group]",
        "this probe masks the target: the sentence needs [group] and <mask>",
    ),
    (
        "unknown slot",
        (FIRST, "- §The [grup] and the [group] asked for <mask>."),
        "the template '01' has the unknown slot [grup]",
        "did you mean [group]?",
    ),
    (
        "unknown slot far from all",
        (FIRST, "- §The [group] asked for <mask> in [place]."),
        "the template '01' has the unknown slot [place]",
        "known: group; name its words under 'slots:'",
    ),
    (
        "target beside the mask",
        (FIRST, "- §The [group] took [target] for <mask>."),
        "the template '01' has the unknown slot [target]",
        "known: group",
    ),
    (
        "slot in capitals",
        (FIRST, "- §The [group] and the [Group] asked for <mask>."),
        "'[Group]' is no slot",
        "write [group], [target] or <mask>",
    ),
    (
        "slot in braces",
        (FIRST, "- §The {group} and [group] asked for <mask>."),
        "'{group}' is no slot",
        "write [group]",
    ),
    (
        "mask as models write it",
        (FIRST, "- §The [group] asked for <mask> or [MASK]."),
        "'[MASK]' is no slot",
        "<mask>",
    ),
    (
        "double space",
        (FIRST, "- §The [group] asked  for <mask>."),
        "has a line break, tab, double space, or space at its ends",
        "write it on one line with single spaces",
    ),
    (
        "line break",
        (FIRST, '- §"The [group] asked\\nfor <mask>."'),
        "has a line break, tab, double space, or space at its ends",
        "write it on one line",
    ),
    (
        "line separator",
        (FIRST, '- §"The [group] asked\\u2028for <mask>."'),
        "has a line break, tab, double space, or space at its ends",
        "write it on one line",
    ),
    (
        "typographic quotes",
        (FIRST, "- §\u201cThe [group] asked for <mask>.\u201d"),
        "stands in typographic quotes",
        "use straight quotes",
    ),
    (
        "typographic quotes around a word",
        (PLUS, "plus: [§\u201ctea\u201d, milk]"),
        "'\u201ctea\u201d' stands in typographic quotes",
        "use straight quotes",
    ),
    (
        "misspelled name of a template set",
        (FIRST, "- §ocupation"),
        "there is no template set named 'ocupation'",
        "did you mean 'occupation'?",
    ),
    (
        "template set in capitals",
        (FIRST, "- §Occupation"),
        "expected a name of lower-case letters, digits, '-', '_' and '.', got 'Occupation'",
        "for example occupation",
    ),
    (
        "misspelled key",
        ("title:", "§titel: T\ntitle:"),
        "unknown key 'titel'",
        "did you mean 'title'?",
    ),
    (
        "misspelled key inside a pole",
        (PLUS, "plus: {§nam: hot, words: [tea]}"),
        "unknown key 'nam'",
        "did you mean 'name'?",
    ),
    (
        "misspelled key inside a word",
        (OLD, "old: [{sg: grandmother, §fromage: 1}]"),
        "unknown key 'fromage'",
        "known here: adjective, agree, an, article, facts, forms, id, label, note, pair",
    ),
    (
        "misspelled key inside a group",
        (OLD, "old: {entries: [grandmother], §haeds: [person]}"),
        "unknown key 'haeds'",
        "did you mean 'heads'?",
    ),
    (
        "misspelled key inside a template",
        (FIRST, '- {§txet: x, text: "The [group] asked for <mask>."}'),
        "unknown key 'txet'",
        "did you mean 'text'?",
    ),
    (
        "duplicate key",
        ("axis: drinks", "axis: drinks\n§axis: food"),
        "the key 'axis' is here twice",
        "first on line 4; keep one",
    ),
    ("missing key", ("title: Tea and coffee\n", ""), "the key 'title' is missing", ""),
    (
        "missing key inside",
        ("title:", "card: §{measures: a, harm: b, expected: c, source: d, power: e}\ntitle:"),
        "the key 'limits' is missing under 'card'",
        "",
    ),
    (
        "unknown choice",
        ("title:", "role: §positive\ntitle:"),
        "expected 'probe', 'positive_control' or 'negative_control', got 'positive'",
        "did you mean 'positive_control'?",
    ),
    (
        "wrong kind",
        ("kind: probe", "kind: §lexicon"),
        "expected 'probe', got 'lexicon'",
        "",
    ),
    (
        "bad id",
        ("id: tea", "id: §My Tea"),
        "expected a name of lower-case letters, digits, '-', '_' and '.', got 'My Tea'",
        "for example my-tea",
    ),
    (
        "bad id of a group",
        (OLD, "§Old Ones: [grandmother]"),
        "expected a name of lower-case letters, digits, '-', '_' and '.', got 'Old Ones'",
        "for example old-ones",
    ),
    (
        "id that the file does not have",
        ("id: tea", "id: §coffee"),
        "the id is 'coffee', the file is called 'tea.yaml'",
        "rename the file to coffee.yaml, or write 'id: tea'",
    ),
    ("a yes/no word", (PLUS, "plus: [tea, §true]"), "expected text, got the yes/no value true", "put it into quotes"),
    ("a number", (PLUS, "plus: [tea, §012]"), "expected text, got the number 12", "put it into quotes"),
    ("a fraction", (OLD, "old: [§1.5]"), "expected text, got the number 1.5", "put it into quotes"),
    ("null", (PLUS, "plus: [tea, §null]"), "expected text or a group of keys, got nothing", "the word null needs quotes"),
    ("a tilde", (PLUS, "plus: [tea, §~]"), "expected text or a group of keys, got nothing", "needs quotes"),
    ("an empty word", (PLUS, "plus: [tea, §'']"), "expected text, got nothing", ""),
    ("a list for a word", (PLUS, "plus: [tea, §[milk]]"), "expected text or a group of keys, got a list", ""),
    ("a number for a title", ("title: Tea and coffee", "title: §2024"), "expected text, got the number 2024", "put it into quotes"),
    ("one word for a pole", (PLUS, "plus: §tea"), "expected a list or a group of keys, got 'tea'", ""),
    ("one word for a group", (OLD, "old: §grandmother"), "expected a list or a group of keys, got 'grandmother'", ""),
    ("a text for a list", ("title:", "completions: §occupation\ntitle:"), "expected a list, got 'occupation'", ""),
    ("a list for keys", (TEA[TEA.index("  old") : TEA.index("targets")], "  §- old\n"), "expected a group of keys, got a list", ""),
    ("an infinite number", ("title:", "margin: §.inf\ntitle:"), "expected a", ""),
    ("a margin of nothing", ("title:", "margin: §0\ntitle:"), "expected a number above 0", ""),
    ("an empty group", (OLD, "old: §[]"), "expected at least 1 item under 'old', got none", ""),
    ("no templates", (TEA[TEA.index("  - The") : TEA.index("groups")], "  §[]\n"), "expected at least 1 item under 'templates', got none", ""),
    ("a slot in a word", (OLD, "old: [§'the [place]']"), "'the [place]' holds a slot", "slots belong into templates"),
    ("a mask in a word", (PLUS, "plus: [§'<mask>']"), "'<mask>' holds a slot", "slots belong into templates"),
    ("a model's mask in a word", (PLUS, "plus: [§'[MASK]']"), "'[MASK]' holds a slot", "slots belong into templates"),
    ("a line break in a word", (PLUS, 'plus: [§"black\\ntea"]'), "'black\ntea' has a line break", "write it on one line"),
    ("the same word twice", (OLD, "old: [grandmother, §Grandmother]"), "the word id 'grandmother' is here twice", "rename one"),
    ("the same target twice", (PLUS, "plus: [tea, §tea]"), "the word id 'tea' is here twice", "rename one"),
    ("a word in two groups", ("young: [girl, boy]", "young: [girl, §grandmother]"), "'grandmother' is in two groups, 'old' and 'young'", "in one group only"),
    ("a word in two poles", (MINUS, "minus: [coffee, §tea]"), "'tea' is in two poles, + and -", "a word can stand in one pole only"),
    ("the same template id twice", (FIRST, '- {id: "02", text: "The [group] asked for <mask>."}'), "the template id '02' is here twice", "rename one"),
    ("one group", ("  young: [girl, boy]\n", ""), "a probe compares at least two groups", ""),
    ("one pole", (f"  {MINUS}\n", ""), "targets need 'plus' and 'minus' (or 'own')", "plus: [nurse]"),
    ("poles and own", (PLUS, "own: {old: tea, young: cola}\n  plus: [tea]"), "'own' cannot stand beside 'plus' and 'minus'", "choose one"),
    ("own and a share", (f"{PLUS}\n  {MINUS}", "own: {old: tea, young: cola}\n  share_of: old"), "'share_of' belongs to poles with 'where', not to 'own'", "leave it out"),
    ("a pole with two sources", (PLUS, "plus: §{set: warm, words: [tea]}"), "a pole needs either 'set' or 'words'", "plus: [nurse, teacher]"),
    ("a set without a lexicon", (PLUS, "plus: §{set: warm}"), "'set' needs a lexicon", "targets: {lexicon: traits}"),
    ("dropping nobody", (PLUS, "plus: {words: [tea, milk], drop: [§mlik]}"), "cannot drop 'mlik'", "did you mean 'milk'?"),
    ("dropping everybody", (PLUS, "plus: §{words: [tea], drop: [tea]}"), "'plus' has no words left", "check 'tags', 'where' and 'drop'"),
    ("a slot called group", ("title:", "slots: {group: §[a, b]}\ntitle:"), "the name 'group' is taken", "[group] is filled by the probe"),
    ("a slot called target", ("title:", "slots: {target: §[a, b]}\ntitle:"), "the name 'target' is taken", "[target] is filled"),
    ("a slot nobody can write", ("title:", "slots: {Place: §[a, b]}\ntitle:"), "'Place' cannot be a slot", "lower-case"),
    ("a slot without words", ("title:", "slots: {place: §[]}\ntitle:"), "the slot 'place' has no words", "place: [here, there]"),
    ("a form without a name", (OLD, "old: [{forms: {§Subject: she}}]"), "expected a name of lower-case letters", "for example subject"),
    ("an adjective with forms", (OLD, "old: [§{adjective: grey, sg: grandmother}]"), "'adjective' cannot stand beside sg, pl and forms", "write two entries"),
    ("a word without a form", (OLD, "old: [§{note: nobody}]"), "an entry needs sg, pl, forms or adjective", "for example {sg: nurse}"),
    ("an unknown control", ("title:", "controls: {positive: [§gender-kinshop]}\ntitle:"), "there is no probe named 'gender-kinshop'", "did you mean 'gender-kinship'?"),
    ("a control that is none", ("title:", "controls: {positive: [§gender-weekdays]}\ntitle:"), "'gender-weekdays' is no positive control; its role is 'negative_control'", "role: positive_control"),
    ("an unknown placebo", ("title:", "controls: {placebo: §placebo-peple}\ntitle:"), "there is no lexicon named 'placebo-peple'", "did you mean 'placebo-people'?"),
    ("a placebo of many groups", ("title:", "controls: {placebo: §religion}\ntitle:"), "expected a lexicon of two sets, got 16", ""),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message", "hint"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])  # fmt: skip
def test_one_mistake(tmp_path, change, message, hint):
    text = edited(TEA, change)
    found = one_problem(tmp_path, text)
    assert message in found.message
    assert hint in found.hint
    assert bool(hint) == bool(found.hint)


LEXICON = (TEA[TEA.index("groups:") : TEA.index("targets:")], "groups: {lexicon: animals}\n")


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ([("lexicon: animals", "lexicon: §animal")], "there is no lexicon named 'animal'", "did you mean 'animals'?"),
        ([("lexicon: animals", "lexicon: animals, use: [farm, §pet]")], "the lexicon 'animals' has no set 'pet'", "did you mean 'pets'?"),
        ([("lexicon: animals", "lexicon: animals, use: §[farm]")], "a probe compares at least two groups", ""),
        ([("lexicon: animals", "lexicon: animals, use: [farm, §farm]")], "the group 'farm' is here twice", "rename one of them"),
        ([("lexicon: animals", "§lexcon: animals, lexicon: animals")], "unknown key 'lexcon'", "did you mean 'lexicon'?"),
        ([("lexicon: animals", "lexicon: animals, §user: [farm]")], "unknown key 'user'", "did you mean 'use'?"),
        ([("lexicon: animals", "lexicon: animals, tags: §[smal]")], "no word of 'farm' has the tag 'smal'", "did you mean 'small'?"),
        ([("plus: [tea, milk]", "plus: {lexicon: animals, set: §fram}")], "the lexicon 'animals' has no set 'fram'", "did you mean 'farm'?"),
        ([("plus: [tea, milk]", "plus: {lexicon: §animls, set: farm}")], "there is no lexicon named 'animls'", "did you mean 'animals'?"),
        ([("plus: [tea, milk]", "plus: {lexicon: animals, set: farm, where: {fact: §leggs}}")], "no word of 'plus' has the fact 'leggs'", "did you mean 'legs'?"),
        ([("plus: [tea, milk]", "plus: §{lexicon: animals, set: farm, where: {fact: legs, min: 5}}")], "'plus' has no words left", "check 'tags', 'where' and 'drop'"),
        ([("plus: [tea, milk]", "plus: {lexicon: animals, set: farm, drop: [§cows]}")], "cannot drop 'cows'", "did you mean 'cow'?"),
    ],
)  # fmt: skip
def test_mistakes_about_a_lexicon(tmp_path, changes, message, hint):
    save(tmp_path, WORDS, "templates/lexicons/animals.yaml")
    assert hint in one_of(tmp_path, edited(TEA, LEXICON, *changes), message).hint


def one_of(folder, text, message):
    """The mistake with this message, which must be at the mark; tags may lack in every set."""
    text, place = unmarked(text)
    found = next(p for p in problems(folder, text) if message in p.message)
    assert (found.line, found.column) == place, str(found)
    return found


FORMS = [
    ("pl", "The [group:pl] asked for <mask>.", "grandmother", "{sg: grandmother, pl: ...}"),
    ("subject", "It was [group:subject] who asked for <mask>.", "grandmother",
     "{sg: grandmother, forms: {subject: ...}}"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "sentence", "word", "hint"), FORMS)
def test_a_group_term_lacks_the_form(tmp_path, form, sentence, word, hint):
    text = edited(
        TEA,
        (TEA[TEA.index("  - The") : TEA.index("groups")], f'  - "{sentence}"\n'),
        (OLD, "old: [§grandmother]"),
        ("young: [girl, boy]", f"young: [{{sg: girl, {'pl: girls' if form == 'pl' else 'forms: {subject: she}'}}}]"),
    )  # fmt: skip
    found = one_problem(tmp_path, text)
    assert found.message == (f"'{word}' lacks the form that the sentences need: {form} (it has sg)")
    assert found.hint == f"write it as {hint}"


def test_a_target_lacks_the_form(tmp_path):
    text = edited(
        TEA,
        (FIRST, "- The [group] took <mask:pl>."),
        ('  - "[group] never drink <mask>."\n', ""),
        (PLUS, "plus: [{sg: tea, pl: teas}, {pl: milks}]"),
        (MINUS, "minus: [{pl: colas}, §coffee]"),
    )
    found = one_problem(tmp_path, text)
    assert found.message == "'coffee' lacks the form that the sentences need: pl (it has sg)"
    assert found.hint == "write it as {sg: coffee, pl: ...}"


def test_an_adjective_lacks_the_plural_of_its_head(tmp_path):
    text = edited(
        TEA,
        (FIRST, "- Many [group:pl] asked for <mask>."),
        ('  - "[group] never drink <mask>."\n', ""),
        (OLD, "old: {heads: [person], entries: [§{adjective: old}]}"),
        ("young: [girl, boy]", "young: [{pl: girls}]"),
    )
    found = one_problem(tmp_path, text)
    assert "'old.person' lacks the form" in found.message
    assert found.hint == "give its head a plural: {sg: person, pl: ...}"


def test_no_word_of_a_group_fits_all_sentences(tmp_path):
    """Each word fits some sentence, but a word is scored in all or none: nothing would be left."""
    text = edited(
        TEA,
        (FIRST, "- Many [group:pl] asked for <mask>."),
        (OLD, "old: §[{sg: grandmother}, {pl: grandfathers}]"),
        ("young: [girl, boy]", "young: [{sg: girl, pl: girls}]"),
    )
    found = one_problem(tmp_path, text)
    assert found.message == "no word of 'old' has all forms that the sentences need: pl, sg"
    assert "give it the forms, or drop sentences" in found.hint


def test_placebo_words_need_the_forms_too(tmp_path):
    text = edited(
        TEA,
        ("title:", "controls: {placebo: §quiet}\ntitle:"),
        (FIRST, "- Many [group:pl] asked for <mask>."),
        ('  - "[group] never drink <mask>."\n', ""),
        (OLD, "old: [{pl: grandmothers}]"),
        ("young: [girl, boy]", "young: [{pl: girls}]"),
    )
    quiet = "kind: lexicon\nid: quiet\ntitle: Q\nsets:\n  a: [tall one]\n  b: [{pl: others}]\n"
    save(tmp_path, quiet, "templates/lexicons/quiet.yaml")
    found = one_problem(tmp_path, text)
    assert "'tall-one' lacks the form that the sentences need: pl" in found.message


OWN = (f"{PLUS}\n  {MINUS}", "own: {old: tea, young: cola}")


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("young: cola", "young: cola, §yung: milk", "there is no group 'yung'", "did you mean 'young'?"),
        ("own: {old: tea, young: cola}", "own: §{old: tea}", "'own' needs at least two groups", ""),
        ("young: cola", "young: §tea", "the word 'tea' is here twice", "no other group shares"),
        ("young: cola", "young: §{adjective: new}", "a word of a group's own cannot be an 'adjective'", "write it with 'sg'"),
        ("  young: [girl, boy]", "  young: [girl, boy]\n  middle: [aunt]", "the group 'middle' has no word of its own", "middle: ..."),
    ],
)  # fmt: skip
def test_mistakes_about_own_words(tmp_path, old, new, message, hint):
    text = edited(TEA, OWN, (old, new))
    if "'own' needs" in message:
        text = text.replace("own: §", "own: ").replace("targets:\n  ", "targets:\n  §")
    if "§yung" in text:  # the place of an unknown name is its value
        text = text.replace("§yung: milk", "yung: §milk")
    if "middle" in text:
        text = text.replace("own: {", "own: §{")
    found = one_problem(tmp_path, text)
    assert message in found.message
    assert hint in found.hint


def test_placebo_groups_have_no_word_of_their_own(tmp_path):
    text = edited(TEA, OWN, ("title:", "controls: {placebo: §placebo-people}\ntitle:"))
    found = one_problem(tmp_path, text)
    assert "placebo groups need 'mask: target'" in found.message
    assert found.hint == "use a negative control instead"


def test_a_probe_that_masks_the_group_needs_the_target(tmp_path):
    text = edited(TEA, ("title:", "mask: group\ntitle:"))
    found = problems(tmp_path, text)
    assert [(p.line, p.message) for p in found] == [
        (7, "the template '01' has no [target]"),
        (7, "the template '01' has the unknown slot [group]"),
        (8, "the template '02' has no [target]"),
        (8, "the template '02' has the unknown slot [group]"),
    ]
    assert found[1].hint == "known: target; name its words under 'slots:'"


def test_a_filler_has_no_forms(tmp_path):
    text = edited(
        TEA, ("title:", "slots: {place: [garden]}\ntitle:"), (FIRST, "- §The [group] in the [place:pl] has <mask>.")
    )  # fmt: skip
    found = one_problem(tmp_path, text)
    assert found.message == "the template '01' asks for a form: [place:pl]"
    assert found.hint == "the words under 'slots:' have one form; write [place]"


def test_completions_are_checked_too(tmp_path):
    save(tmp_path, SENTENCES, "templates/sounds.yaml")
    save(
        tmp_path,
        SENTENCES.replace("id: sounds", "id: odd")
        .replace("in a [place]", "in [palce]")
        .replace("was <mask>", "was a <mask>"),
        "templates/odd.yaml",
    )
    assert joined_frames(tmp_path, "sounds") == ["sounds.heard", "sounds.noise"]
    text = edited(TEA, ("title:", "completions: [§odd]\ntitle:"))
    text, place = unmarked(text)
    found = problems(tmp_path, text)
    assert {(p.line, p.column) for p in found} == {place}
    assert sorted(p.message for p in found) == [
        "the template 'odd.heard' has a or an right before <mask>",
        "the template 'odd.heard' has the unknown slot [palce]",
        "the template 'odd.noise' has a or an right before <mask>",
    ]
    assert {p.hint for p in found} == {
        "an article restricts the completions; use sentences without one",
        "did you mean [place]?",
    }


def joined_frames(folder, completions):
    probe = joined(folder, edited(TEA, ("title:", f"completions: [{completions}]\ntitle:")))
    return [frame.id for frame in probe.open_frames]


def test_all_mistakes_of_one_file_at_once(tmp_path):
    text = edited(
        TEA,
        ("axis: drinks", "axsi: drinks"),
        (FIRST, "- The [group] asked for tea."),
        (OLD, "old: [grandmother, no, true]"),
        (PLUS, "plus: {words: [tea], tgas: [x]}"),
    )
    found = problems(tmp_path, text)
    assert [(p.line, p.column) for p in found] == [(1, 1), (4, 1), (6, 5), (9, 26), (12, 24)]
    assert [p.message for p in found] == [
        "the key 'axis' is missing",
        "unknown key 'axsi'",
        "'The [group] asked for tea.' has no <mask>; a template has exactly one",
        "expected text, got the yes/no value true",
        "unknown key 'tgas'",
    ]


def test_all_mistakes_of_the_references_at_once(tmp_path):
    text = edited(
        TEA,
        (FIRST, "- occupaton"),
        (TEA[TEA.index("groups:") : TEA.index("targets:")], "groups: {lexicon: gendre}\n"),
        (PLUS, "lexicon: traits\n  plus: {set: wram}"),
        ("title:", "controls: {positive: [nobody], negative: [religion-weekday]}\ntitle:"),
    )
    found = problems(tmp_path, text)
    assert [(p.line, p.hint) for p in found] == [
        (3, found[0].hint),
        (3, "did you mean 'religion-weekdays'?"),
        (7, "did you mean 'occupation'?"),
        (9, "did you mean 'gender'?"),
        (12, "did you mean 'warm'?"),
    ]


def test_mistakes_of_a_lexicon_come_with_those_of_the_probe(tmp_path):
    save(tmp_path, WORDS.replace("title: Animals", "titel: Animals"), "templates/lexicons/animals.yaml")  # fmt: skip
    found = problems(tmp_path, edited(TEA, LEXICON, (FIRST, "- ocupation")))
    assert [p.file.rpartition("/")[2] for p in found] == ["tea.yaml", "animals.yaml", "animals.yaml"]  # fmt: skip


@pytest.mark.parametrize("word", ["<b>bold</b>", "[/bold]", "R&D \\\\n", "tea\\x07", "a\\x1b[31mred", "&amp;", "$(ls)", "{{ x }}", "ten %s"])  # fmt: skip
def test_markup_and_control_characters_stay_text(tmp_path, word):
    quoted = f'"{word}"'
    text = edited(
        TEA,
        (OLD, f"old: [{quoted}]"),
        (PLUS, f"plus: [{quoted}]"),
        (FIRST, f'- "{word} said the [group], <mask>."'),
    )
    plain = word.encode().decode("unicode_escape") if "\\x" in word else word.replace("\\\\", "\\")
    found = sentences(tmp_path, text)
    assert f"{plain} said the {plain}, {plain}." in found
