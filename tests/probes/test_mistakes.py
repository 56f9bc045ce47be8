"""Every mistake that data files can hold, one a line: what is said, where it points, what to do."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from bias_audit.cli.app import run
from bias_audit.errors import FileError
from bias_audit.probes.catalogue import ProbeCatalogue
from tests.probes.helpers import (
    FOLK,
    GUILD,
    HERD,
    JOBS,
    LOUD,
    MORE,
    PEOPLE,
    SENTENCES,
    TEA,
    WORDS,
    edited,
    joined,
    problems,
    save,
    sentences,
    unmarked,
)

FIRST = "- The [group] asked for <mask>."
BOTH = f'  {FIRST}\n  - "[group] never drink <mask>."\n'
OLD, YOUNG = "old: [grandmother, grandfather]", "young: [girl, boy]"
PLUS, MINUS = "plus: [tea, milk]", "minus: [coffee, cola]"
POLES = f"{PLUS}\n  {MINUS}"
OWN = (POLES, "own: {old: tea, young: cola}")
QUIET = "kind: lexicon\nid: quiet\ntitle: Q\nsets:\n  a: [tall one]\n  b: [{pl: others}]\n"
FILES = {"tea": TEA, "herd": HERD, "jobs": JOBS, "guild": GUILD, "folk": FOLK}
LEXICONS = {"animals": WORDS, "more": MORE, "people": PEOPLE, "quiet": QUIET}
SETS = {"sounds": SENTENCES, "loud": LOUD}

# file, changes (old text, new text with § at the place) ..., message, hint
CASES = [
    ("tea", (FIRST, "- §The [group] asked for tea."), "'The [group] asked for tea.' has no <mask>; a template has exactly one", 'for example "The [group] worked as a <mask>."'),
    ("tea", (FIRST, "- §The [group] took <mask> and <mask>."), "'The [group] took <mask> and <mask>.' has 2 masks; a template has exactly one", "for example"),
    ("tea", (OLD, "others: §[grandmother, grandfather]"), "a group cannot be called 'others'", "it stands for all groups but one in results"),
    ("tea", (MINUS, f"{MINUS}\n  share_of: §yung"), "there is no group 'yung'", "did you mean 'young'?"),
    ("tea", (FIRST, "- §They asked for <mask>."), "the template '01' has no [group]", "this probe masks the target: the sentence needs [group] and <mask>"),
    ("tea", (FIRST, "- §The [grup] and the [group] asked for <mask>."), "the template '01' has the unknown slot [grup]", "did you mean [group]?"),
    ("tea", (FIRST, "- §The [group] asked for <mask> in [place]."), "the template '01' has the unknown slot [place]", "known: group; name its words under 'slots:'"),
    ("tea", (FIRST, "- §The [group] took [target] for <mask>."), "the template '01' has the unknown slot [target]", "known: group"),
    ("tea", (FIRST, "- §The [group] and the [Group] asked for <mask>."), "'[Group]' is no slot", "write [group], [target] or <mask>"),
    ("tea", (FIRST, "- §The [group] asked for <mask> or [MASK]."), "'[MASK]' is no slot", "<mask>"),
    ("tea", (FIRST, "- §The [group] asked  for <mask>."), "has a line break, tab, double space, or space at its ends", "write it on one line with single spaces"),
    ("tea", (FIRST, '- §"The [group] asked\\u2028for <mask>."'), "has a line break, tab, double space, or space at its ends", "write it on one line"),
    ("tea", (FIRST, "- §\u201cThe [group] asked for <mask>.\u201d"), "stands in typographic quotes", "use straight quotes"),
    ("tea", (FIRST, "- §ocupation"), "there is no template set named 'ocupation'", "did you mean 'occupation'?"),
    ("tea", (FIRST, "- §Occupation"), "expected a name of lower-case letters, digits, '-', '_' and '.', got 'Occupation'", "for example occupation"),
    ("tea", ("title:", "§titel: T\ntitle:"), "unknown key 'titel'", "did you mean 'title'?"),
    ("tea", (PLUS, "plus: {§nam: hot, words: [tea]}"), "unknown key 'nam'", "did you mean 'name'?"),
    ("tea", (OLD, "old: [{sg: grandmother, §fromage: 1}]"), "unknown key 'fromage'", "known here: adjective, agree, an, article, cluster, facts, forms, id, label, note, pair"),
    ("tea", (OLD, "old: {entries: [grandmother], §haeds: [person]}"), "unknown key 'haeds'", "did you mean 'heads'?"),
    ("tea", (FIRST, '- {§txet: x, text: "The [group] asked for <mask>."}'), "unknown key 'txet'", "did you mean 'text'?"),
    ("tea", ("axis: drinks", "axis: drinks\n§axis: food"), "the key 'axis' is here twice", "first on line 4; keep one"),
    ("tea", ("title: Tea and coffee\n", ""), "the key 'title' is missing", ""),
    ("tea", ("title:", "card: §{measures: a, harm: b, expected: c, source: d, power: e}\ntitle:"), "the key 'limits' is missing under 'card'", ""),
    ("tea", ("title:", "role: §positive\ntitle:"), "expected 'probe', 'positive_control' or 'negative_control', got 'positive'", "did you mean 'positive_control'?"),
    ("tea", ("kind: probe", "kind: §lexicon"), "expected 'probe', got 'lexicon'", ""),
    ("tea", ("id: tea", "id: §My Tea"), "expected a name of lower-case letters, digits, '-', '_' and '.', got 'My Tea'", "for example my-tea"),
    ("tea", (OLD, "§Old Ones: [grandmother]"), "expected a name of lower-case letters, digits, '-', '_' and '.', got 'Old Ones'", "for example old-ones"),
    ("tea", ("id: tea", "id: §coffee"), "the id is 'coffee', the file is called 'tea.yaml'", "rename the file to coffee.yaml, or write 'id: tea'"),
    ("tea", (PLUS, "plus: [tea, §true]"), "expected text, got the yes/no value true", "put it into quotes"),
    ("tea", (PLUS, "plus: [tea, §012]"), "expected text, got the number 12", "put it into quotes"),
    ("tea", (PLUS, "plus: [tea, §null]"), "expected text or a group of keys, got nothing", "the word null needs quotes"),
    ("tea", (PLUS, "plus: [tea, §'']"), "expected text, got nothing", ""),
    ("tea", (PLUS, "plus: [tea, §[milk]]"), "expected text or a group of keys, got a list", ""),
    ("tea", (PLUS, "plus: §tea"), "expected a list or a group of keys, got 'tea'", "write [tea]"),
    ("tea", (OLD, "old: §grandmother"), "expected a list or a group of keys, got 'grandmother'", "[grandmother]"),
    ("tea", ("title:", "completions: §occupation\ntitle:"), "expected a list, got 'occupation'", "[occupation]"),
    ("tea", (f"  {OLD}\n  {YOUNG}\n", "  §- old\n"), "expected a group of keys, got a list", ""),
    ("tea", ("title:", "margins:\n  nats: §.inf\ntitle:"), "expected a", ""),
    ("tea", ("title:", "margins:\n  sd: §0\ntitle:"), "expected a number above 0", ""),
    ("tea", (OLD, "old: §[]"), "expected at least 1 item under 'old', got none", ""),
    ("tea", (BOTH, "  §[]\n"), "expected at least 1 item under 'templates', got none", ""),
    ("tea", (OLD, "old: [§'the [place]']"), "'the [place]' holds a slot", "slots belong into templates"),
    ("tea", (PLUS, "plus: [§'<mask>']"), "'<mask>' holds a slot", "slots belong into templates"),
    ("tea", (PLUS, 'plus: [§"black\\ntea"]'), "'black\ntea' has a line break", "write it on one line"),
    ("tea", (OLD, "old: [grandmother, §Grandmother]"), "the word id 'grandmother' is here twice", "rename one"),
    ("tea", (YOUNG, "young: [girl, §grandmother]"), "'grandmother' is in two groups, 'old' and 'young'", "in one group only"),
    ("tea", (MINUS, "minus: [coffee, §tea]"), "'tea' is in two poles, + and -", "a word can stand in one pole only"),
    ("tea", (FIRST, '- {id: "02", text: "The [group] asked for <mask>."}'), "the template id '02' is here twice", "rename one"),
    ("tea", (f"  {YOUNG}\n", ""), "a probe compares at least two groups", ""),
    ("tea", (f"  {MINUS}\n", ""), "targets need 'plus' and 'minus' (or 'own')", "plus: [nurse]"),
    ("tea", (PLUS, "own: {old: tea, young: cola}\n  plus: [tea]"), "'own' cannot stand beside 'plus' and 'minus'", "choose one"),
    ("tea", (POLES, "own: {old: tea, young: cola}\n  share_of: old"), "'share_of' belongs to poles with 'where', not to 'own'", "leave it out"),
    ("tea", (PLUS, "plus: §{set: warm, words: [tea]}"), "a pole needs either 'set' or 'words'", "plus: [nurse, teacher]"),
    ("tea", (PLUS, "plus: §{set: warm}"), "'set' needs a lexicon", "targets: {lexicon: traits}"),
    ("tea", (PLUS, "plus: {words: [tea, milk], drop: [§mlik]}"), "cannot drop 'mlik'", "did you mean 'milk'?"),
    ("tea", (PLUS, "plus: §{words: [tea], drop: [tea]}"), "'plus' has no words left", "check 'tags', 'where' and 'drop'"),
    ("tea", ("title:", "slots: {group: §[a, b]}\ntitle:"), "the name 'group' is taken", "[group] is filled by the probe"),
    ("tea", ("title:", "slots: {Place: §[a, b]}\ntitle:"), "'Place' cannot be a slot", "lower-case"),
    ("tea", ("title:", "slots: {place: §[]}\ntitle:"), "the slot 'place' has no words", "place: [here, there]"),
    ("tea", (OLD, "old: [{forms: {§Subject: she}}]"), "expected a name of lower-case letters", "for example subject"),
    ("tea", (OLD, "old: [§{adjective: grey, sg: grandmother}]"), "'adjective' cannot stand beside sg, pl and forms", "write two entries"),
    ("tea", (OLD, "old: [§{note: nobody}]"), "an entry needs sg, pl, forms or adjective", "for example {sg: nurse}"),
    ("tea", ("title:", "controls: {positive: [§gender-kinshop]}\ntitle:"), "there is no probe named 'gender-kinshop'", "did you mean 'gender-kinship'?"),
    ("tea", ("title:", "controls: {positive: [§gender-hours]}\ntitle:"), "'gender-hours' is no positive control; its role is 'negative_control'", "role: positive_control"),
    ("tea", ("title:", "controls: {placebo: §placebo-peple}\ntitle:"), "there is no lexicon named 'placebo-peple'", "did you mean 'placebo-people'?"),
    ("tea", ("title:", "controls: {placebo: §religion}\ntitle:"), "expected a lexicon of two sets, got 16", ""),
    ("herd", ("lexicon: animals", "lexicon: §animal"), "there is no lexicon named 'animal'", "did you mean 'animals'?"),
    ("herd", ("lexicon: animals", "lexicon: animals, use: [farm, §pet]"), "the lexicon 'animals' has no set 'pet'", "did you mean 'pets'?"),
    ("herd", ("lexicon: animals", "lexicon: animals, use: §[farm]"), "a probe compares at least two groups", ""),
    ("herd", ("lexicon: animals", "§lexcon: animals, lexicon: animals"), "unknown key 'lexcon'", "did you mean 'lexicon'?"),
    ("herd", (PLUS, "plus: {lexicon: animals, set: §fram}"), "the lexicon 'animals' has no set 'fram'", "did you mean 'farm'?"),
    ("herd", (PLUS, "plus: {lexicon: animals, set: farm, where: {fact: §leggs}}"), "no word of 'plus' has the fact 'leggs'", "did you mean 'legs'?"),
    ("herd", (PLUS, "plus: §{lexicon: animals, set: farm, where: {fact: legs, min: 5}}"), "'plus' has no words left", "check 'tags', 'where' and 'drop'"),
    ("herd", (PLUS, "plus: {lexicon: animals, set: farm, drop: [§cows]}"), "cannot drop 'cows'", "did you mean 'cow'?"),
    ("jobs", ("beside: [they]", "beside: §[]"), "'beside' names no group", "leave it out, or write for example beside: [they]"),
    ("jobs", ("beside: [they]", "beside: §null"), "expected a list, got nothing", ""),
    ("jobs", ("beside: [they]", "beside: §they"), "expected a list, got 'they'", "write [they]"),
    ("jobs", ("beside: [they]", "beside: [they, §he]"), "'he' is compared already", "leave it out here, or in 'use'"),
    ("jobs", ("beside: [they]", "beside: [§thei]"), "the lexicon 'pronouns' has no set 'thei'", "did you mean 'they'?"),
    ("jobs", ("use: [she, he], beside: [they]", "beside: §[they]"), "'beside' needs 'use': without it every set is compared", "use: [she, he]"),
    ("jobs", ("groups: {lexicon: pronouns, use: [she, he], beside: [they]}\n", "role: positive_control\ngroups: {lexicon: pronouns, use: [she, he], beside: §[they]}\n"), "'beside' is for probes: a control only vouches for a comparison", "leave it out"),
    ("jobs", ("  minus: [plumber, miner]", "  minus: [plumber, miner]\n  share_of: §they"), "'they' is scored beside the others and compared with nobody", "name the group whose share it is: she or he"),
    ("tea", (f"  {FIRST}", f"    {FIRST}"), ('  - "[group]', '  §- "[group]'), "not valid YAML", "check the indentation"),
    ("tea", ("axis: drinks", " axis§: drinks"), "not valid YAML", "check the indentation"),
    ("tea", (FIRST, "- §The [group] said: bring me <mask>."), "the sentence 'The [group] said: ...' has a colon", "put the whole sentence into quotes"),
    ("tea", (FIRST, "- §'The [group] took \"<mask>.'"), "has a quotation mark without its partner", "add or remove one"),
    ("tea", (FIRST, "- §The [group] took <mask>s."), "has letters right beside <mask>", "put a space between"),
    ("tea", (FIRST, "- §The [group] took\u00a0<mask>."), "holds the invisible character U+00A0", "type the text again"),
    ("tea", (PLUS, "plus: [mi§\u200blk]"), "the invisible character U+200B (zero width space) came", "type the text again"),
    ("tea", (PLUS, 'plus: [§"tea\\x07"]'), "the invisible character U+0007 (control) came", "type the text again"),
    ("tea", (PLUS, 'plus: [§"te\\u200da"]'), "the invisible character U+200D (zero width joiner) came", "type the text again"),
    ("tea", (PLUS, "plus: [§te\u0301]"), "is spelled with accents apart from their letters", "NFC"),
    ("tea", (PLUS, "plus: [§'\u0301te']"), "holds the invisible character U+0301 (combining acute accent)", "type the text again"),
    ("tea", (FIRST, "- The [group] asked for <mask>.  # §\u202eno"), "the invisible character U+202E (right-to-left override) came", "remove it"),
    ("tea", (BOTH, "  - The [group:pl] asked for <mask>.\n"), (OLD, "old: [§grandmother]"), (YOUNG, "young: [{sg: girl, pl: girls}]"), "'grandmother' lacks the form that the sentences need: pl (it has sg)", "write it as {sg: grandmother, pl: ...}"),
    ("tea", (BOTH, "  - It was [group:subject] who took <mask>.\n"), (OLD, "old: [§grandmother]"), (YOUNG, "young: [{forms: {subject: she}}]"), "'grandmother' lacks the form that the sentences need: subject (it has sg)", "{sg: grandmother, forms: {subject: ...}}"),
    ("tea", (BOTH, "  - The [group] took <mask:pl>.\n"), (PLUS, "plus: [{sg: tea, pl: teas}, {pl: milks}]"), (MINUS, "minus: [{pl: colas}, §coffee]"), "'coffee' lacks the form that the sentences need: pl (it has sg)", "write it as {sg: coffee, pl: ...}"),
    ("tea", (BOTH, "  - Many [group:pl] asked for <mask>.\n"), (OLD, "old: {heads: [person], entries: [§{adjective: old}]}"), (YOUNG, "young: [{pl: girls}]"), "'old.person' lacks the form", "give its head a plural: {sg: person, pl: ...}"),
    ("tea", (FIRST, "- Many [group:pl] asked for <mask>."), (OLD, "old: §[{sg: grandmother}, {pl: grandfathers}]"), (YOUNG, "young: [{sg: girl, pl: girls}]"), "no word of 'old' has all forms that the sentences need: pl, sg", "give it the forms, or drop sentences"),
    ("tea", ("title:", "controls: {placebo: §quiet}\ntitle:"), (BOTH, "  - Many [group:pl] asked for <mask>.\n"), (OLD, "old: [{pl: grandmothers}]"), (YOUNG, "young: [{pl: girls}]"), "'tall-one' lacks the form that the sentences need: pl", "{sg: tall one, pl: ...}"),
    ("tea", OWN, ("young: cola", "young: cola, yung: §milk"), "there is no group 'yung'", "did you mean 'young'?"),
    ("tea", (POLES, "own: {old: tea}"), ("targets:\n  ", "targets:\n  §"), "'own' needs at least two groups", ""),
    ("tea", OWN, ("young: cola", "young: §tea"), "the word 'tea' is here twice", "no other group shares"),
    ("tea", OWN, ("young: cola", "young: §{adjective: new}"), "a word of a group's own cannot be an 'adjective'", "write it with 'sg'"),
    ("tea", OWN, (YOUNG, f"{YOUNG}\n  middle: [aunt]"), ("own: {", "own: §{"), "the group 'middle' has no word of its own", "middle: ..."),
    ("tea", OWN, ("title:", "controls: {placebo: §placebo-people}\ntitle:"), "placebo groups need 'mask: target'", "use a negative control instead"),
    ("tea", ("title:", "slots: {place: [garden]}\ntitle:"), (FIRST, "- §The [group] in the [place:pl] has <mask>."), "the template '01' asks for a form: [place:pl]", "the words under 'slots:' have one form; write [place]"),
    ("herd", (PLUS, "plus: {lexicon: animals, set: pets, tags: §[smal]}"), "no word of 'plus' has the tag 'smal'", "did you mean 'small'?"),
    ("jobs", ("mask: group\n", ""), ("The [target] said that <mask:subject> had finished.", "The [group:subject] saw <mask>."), ("The [target] waved because <mask:subject> had time.", "Then [group:subject] met <mask>."), ("beside: [they]", "beside: §[they]"), "'beside' needs 'mask: group': here the targets are scored", "leave it out"),
    ("guild", ("{soft: bakela,", "{§agree: bakela,"), "no form can be called 'agree'", "write 'agree' beside 'forms'"),
    ("guild", ("agree: soft", "agree: §Soft"), "expected a name of lower-case letters", "for example soft"),
    ("guild", ("{id: una, agree: soft,", "§{id: una,"), "'una' does not say which form <mask:agree> takes beside it", "at the word"),
    ("guild", ("{id: baker, forms: {soft: bakela, hard: bakelo}}", "§baker"), "'baker' lacks the form that the sentences need: hard, soft (it has sg)", "forms: {hard: ..., soft: ...}"),
    ("guild", ("language: xx", "language: §German"), "expected a language tag, got 'German'", "for example en-US or de"),
    ("guild", ("language: xx", "language: §en_US"), "expected a language tag, got 'en_US'", "for example en-US or de"),
    ("guild", ("title:", "controls: {positive: [§gender-kinship]}\ntitle:"), "the control 'gender-kinship' is in 'en-US', the probe in 'xx'", "use one in the language of the probe"),
    ("guild", ('  - "[group:nom]', '  - §kinship\n  - "[group:nom]'), "the file 'kinship' is in 'en-US', the probe in 'xx'", "write 'language: en-US' in the probe"),
    ("folk", ("lexicon: people", "lexicon: §animals"), "the file 'animals' is in 'en-US', the probe in 'xx'", "use one in the language of the probe"),
    ("people", ('"la [adjective]e una"', '§"la [adjective]e [adjective]"'), "has two places for the adjective", "keep one [adjective]"),
    ("people", ('"la [adjective]e una"', '§"la [group] una"'), "holds a slot", "slots belong into templates"),
    ("people", ('{id: she, agree: soft, forms: {nom: "la [adjective]e una", acc: "lan [adjective]en una"}', "§{id: she, agree: soft, forms: {nom: la una}"), "no form of this head says where the adjective goes", "die [adjective]e Frau"),
    ("people", ("{id: she, agree: soft, forms: {", "§{id: she, agree: soft} #"), "a head needs sg, pl or forms", "for example"),
    ("people", ("[{adjective: nord}]", "[§{adjective: nord, agree: soft}]"), "'agree' cannot stand beside 'adjective'", "write it at the heads"),
    ("more", ("extends: animals", "extends: §animal"), "there is no lexicon named 'animal'", "did you mean 'animals'?"),
    ("more", ("extends: animals", "extends: §more"), "'extends' goes in a circle: more -> more", "break it at one place"),
    ("more", ("extends: animals", "language: de\nextends: §animals"), "'animals' is in another language, en-US", "this file is in de"),
    ("more", ("[ant]", "[§aunt]"), "cannot drop 'aunt'", "did you mean 'ant'?"),
    ("more", ("{pets: [ant]}", "{pet: §[ant]}"), "'animals' has no set 'pet'", "did you mean 'pets'?"),
    ("more", ("[ant]", "§[ant, cat]"), "no word of 'pets' is left", "drop fewer"),
    ("more", (MORE, "§kind: lexicon\nid: more\ntitle: M\n"), "expected at least 1 item under 'sets', got none", "name a file under 'extends'"),
    ("loud", ("extends: sounds", "extends: §sound"), "there is no template set named 'sound'", "did you mean 'sounds'?"),
    ("loud", ("[noise]", "[§noize]"), "cannot drop 'noize'", "did you mean 'noise'?"),
    ("loud", ("extends: sounds\n", ""), ("[noise]", "§[noise]"), "'drop' needs 'extends'", "remove the words"),
    ("loud", (LOUD, "kind: templates\nid: loud\ntitle: M\ntemplates: §[]\n"), "expected at least 1 item under 'templates', got none", "name a file under 'extends'"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[-2])
def test_one_mistake(tmp_path, case):
    name, *changes, message, hint = case
    texts, place = FILES | LEXICONS | SETS, None
    text = edited(texts[name], *changes)
    if "§" in text:
        text, place = unmarked(text)
    paths = {}
    for folder, files in (("", FILES), ("templates/lexicons/", LEXICONS), ("templates/", SETS)):
        for key in files:
            paths[key] = save(tmp_path, text if key == name else texts[key], f"{folder}{key}.yaml")
    catalogue = ProbeCatalogue([tmp_path])
    read = catalogue.lexicon if name in LEXICONS else catalogue.template_set
    with pytest.raises(FileError) as caught:
        (catalogue.probe if name in FILES else read)(name)
    (problem,) = caught.value.problems
    assert problem.file == str(paths[name])
    assert place is None or (problem.line, problem.column) == place, str(problem)
    assert message in problem.message
    assert hint in problem.hint
    assert bool(hint) == bool(problem.hint)


def test_a_probe_that_masks_the_group_needs_the_target(tmp_path):
    mistakes = problems(tmp_path, edited(TEA, ("title:", "mask: group\ntitle:")))
    assert [(p.line, p.message) for p in mistakes] == [
        (7, "the template '01' has no [target]"),
        (7, "the template '01' has the unknown slot [group]"),
        (8, "the template '02' has no [target]"),
        (8, "the template '02' has the unknown slot [group]"),
    ]
    assert mistakes[1].hint == "known: target; name its words under 'slots:'"


def test_heads_that_name_no_form_are_told_for_each_word(tmp_path):
    save(tmp_path, edited(PEOPLE, ("agree: soft, ", "")), "templates/lexicons/people.yaml")
    mistakes = problems(tmp_path, FOLK, "folk")
    assert [p.message.split()[0] for p in mistakes] == ["'nord.she'", "'sud.she'"]
    assert all(p.hint.endswith("at the head") for p in mistakes)


def test_only_the_masked_word_can_agree(tmp_path):
    text = edited(GUILD, ("<mask:agree>.", "<mask:agree> e [group:agree]."))
    (problem,) = (p for p in problems(tmp_path, text, "guild") if "has [group:agree]" in p.message)
    assert problem.hint == "only the masked word can agree: write <mask:agree>"


def test_words_beside_are_checked_as_those_that_are_compared(tmp_path):
    lexicon = "kind: lexicon\nid: more\ntitle: M\nextends: pronouns\nsets:\n  xe: [{forms: {%s: xe}}]\n  they: [{id: %s, forms: {subject: thon}}]\n"
    own = edited(JOBS, ("pronouns", "more"))
    for words, message in (
        (("object", "they-all"), "'xe' lacks the form that the sentences need: subject (it has object)"),
        (("subject", "he"), "'he' is in two groups, 'he' and 'they'"),
    ):  # fmt: skip
        save(tmp_path, lexicon % words, "templates/lexicons/more.yaml")
        (problem,) = problems(tmp_path, edited(own, ("[they]", "[they, xe]")), "jobs")
        assert problem.message == message
    tagged = edited(JOBS, ("beside: [they]}", "beside: [they], tags: [short]}"))
    assert len(problems(tmp_path, tagged, "jobs")) == 3, "each group has lost its word"


def test_completions_are_checked_too(tmp_path):
    save(tmp_path, SENTENCES, "templates/sounds.yaml")
    odd = edited(SENTENCES, ("id: sounds", "id: odd"), ("in a [place]", "in [palce]"))
    save(tmp_path, odd, "templates/odd.yaml")
    fine = joined(tmp_path, edited(TEA, ("title:", "completions: [sounds]\ntitle:")))
    assert [frame.id for frame in fine.open_frames] == ["sounds.heard", "sounds.noise"]
    text, place = unmarked(edited(TEA, ("title:", "completions: [§odd]\ntitle:")))
    mistakes = problems(tmp_path, text)
    assert {(p.line, p.column) for p in mistakes} == {place}
    assert sorted((p.message, p.hint) for p in mistakes) == [
        ("the template 'odd.heard' has the unknown slot [palce]", "did you mean [place]?"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "held", "owner"),
    [
        ("The [group] and the girl asked for <mask>.", "girl", "groups"),
        ("Grandfather and the [group] asked for <mask>.", "grandfather", "groups"),
        ("The [group] had no tea, and asked for <mask>.", "tea", "poles"),
    ],
)
def test_completions_must_not_give_the_answer_away(tmp_path, capsys, sentence, held, owner):
    known = (
        f'kind: templates\nid: known\ntitle: K\ntemplates:\n  - {{id: one, text: "{sentence}"}}\n'
    )
    save(tmp_path, known, "templates/known.yaml")
    text, place = unmarked(edited(TEA, ("title:", "completions: [§known]\ntitle:")))
    code, out, err = check(capsys, save(tmp_path, text))
    assert (code, out) == (2, "")
    said = (
        f"the template 'known.one' gives the answer away: it holds '{held}', a word of the {owner}"
    )
    assert f":{place[0]}:{place[1]}: {said}\n    completions would repeat it" in err


def test_a_word_that_only_sounds_like_one_of_a_group_may_stand_in_completions(tmp_path):
    fine = "kind: templates\nid: fine\ntitle: F\ntemplates: ['The girlfriend of the [group] liked <mask>.']\n"
    save(tmp_path, fine, "templates/fine.yaml")
    probe = joined(tmp_path, edited(TEA, ("title:", "completions: [fine]\ntitle:")))
    assert [frame.id for frame in probe.open_frames] == ["fine.01"]


def test_an_article_that_is_a_form_of_a_group_gives_nothing_away(tmp_path):
    """``rel: lo`` stands in "lo uno" already; the whole form would give the answer away."""
    text = edited(GUILD, ("{nom: lo uno, acc: lon uno}", "{nom: lo uno, acc: lon uno, rel: lo}"))
    text = edited(text, ("title:", "completions: [due]\ntitle:"))
    due = (
        "kind: templates\nid: due\nlanguage: xx\ntitle: D\ntemplates: ['%s [group:nom] <mask>.']\n"
    )
    save(tmp_path, due % "Lo vede", "templates/due.yaml")
    assert len(joined(tmp_path, text, "guild").open_frames) == 1
    save(tmp_path, due % "Lo uno vede", "templates/due.yaml")
    (problem,) = problems(tmp_path, text, "guild")
    assert "it holds 'lo uno', a word of the groups" in problem.message


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        (("a", "a"), "all 2 sentences are in the cluster 'a', and count as one"),
        (("a", None), "nothing else is in the cluster 'a'"),
        (("", None), "expected at least 1 character, got ''"),
        (("Asking for tea", None), "expected a name of lower-case letters"),
    ],
)
def test_a_cluster_is_some_of_the_sentences(tmp_path, capsys, clusters, message):
    lines = [
        f"  - {{text: '{text}'{'' if name is None else f', cluster: {name!r}'}}}\n"
        for text, name in zip(("The [group] asked for <mask>.", "[group] got <mask>."), clusters, strict=True)
    ]  # fmt: skip
    code, _, err = check(capsys, save(tmp_path, edited(TEA, (BOTH, "".join(lines)))))
    assert code == 2
    assert err.startswith("Error: 1 mistake:")
    assert message in err


def test_a_sentence_of_a_probe_may_join_a_cluster_of_its_set(tmp_path):
    shared = SENTENCES.replace("text:", "cluster: x, text:")
    save(tmp_path, shared, "templates/sounds.yaml")
    more = '  - sounds\n  - {text: "The [group] made <mask> noises.", cluster: x}\n  - "[group] got <mask>."\n'
    assert len(joined(tmp_path, edited(TEA, (BOTH, more))).frames) == 4


def test_all_mistakes_of_one_file_at_once(tmp_path):
    text = edited(
        TEA,
        ("axis: drinks", "axsi: drinks"),
        (FIRST, "- The [group] asked <mask> for <mask>."),
        (OLD, "old: [grandmother, no, true]"),
        (PLUS, "plus: {words: [tea], tgas: [x]}"),
    )
    assert [(p.line, p.column, p.message) for p in problems(tmp_path, text)] == [
        (1, 1, "the key 'axis' is missing"),
        (4, 1, "unknown key 'axsi'"),
        (6, 5, "'The [group] asked <mask> for <mask>.' has 2 masks; a template has exactly one"),
        (9, 26, "expected text, got the yes/no value true"),
        (12, 24, "unknown key 'tgas'"),
    ]


def test_all_mistakes_of_the_references_at_once(tmp_path):
    text = edited(
        TEA,
        (FIRST, "- occupaton"),
        (f"groups:\n  {OLD}\n  {YOUNG}\n", "groups: {lexicon: gendre}\n"),
        (PLUS, "lexicon: traits\n  plus: {set: wram}"),
        ("title:", "controls: {positive: [nobody], negative: [religion-hour]}\ntitle:"),
    )
    mistakes = problems(tmp_path, text)
    assert [(p.line, p.hint) for p in mistakes] == [
        (3, mistakes[0].hint),
        (3, "did you mean 'religion-hours'?"),
        (7, "did you mean 'occupation'?"),
        (9, "did you mean 'gender'?"),
        (12, "did you mean 'warm'?"),
    ]


def test_mistakes_of_sentences_come_with_those_of_names(tmp_path):
    slot = FIRST.replace("[group]", "[grup] and the [group]")
    mistakes = problems(
        tmp_path,
        edited(
            TEA,
            (FIRST, slot),
            (POLES, "lexicon: animls\n  plus: {set: pets}\n  minus: {set: pets}"),
        ),
    )
    assert [p.message for p in mistakes] == [
        "the template '01' has the unknown slot [grup]",
        "there is no lexicon named 'animls'",
    ]


def test_the_same_mistake_is_told_once(tmp_path):
    poles = (POLES, "lexicon: trait\n  plus: {set: warm}\n  minus: {set: cold}")
    (problem,) = problems(tmp_path, edited(TEA, poles))
    assert problem.message == "there is no lexicon named 'trait'"


def test_mistakes_of_a_lexicon_come_with_those_of_the_probe(tmp_path):
    save(tmp_path, edited(WORDS, ("title:", "titel:")), "templates/lexicons/animals.yaml")
    files = [p.file for p in problems(tmp_path, edited(HERD, (FIRST, "- ocupation")), "herd")]
    assert [file.rpartition("/")[2] for file in files] == ["herd.yaml", *["animals.yaml"] * 2]


@pytest.mark.parametrize("word", ["<b>bold</b>", "[/bold]", "R&D \\\\n", "&amp;", "$(ls)", "{{ x }}", "ten %s"])  # fmt: skip
def test_markup_stays_text(tmp_path, word):
    text = edited(
        TEA,
        (OLD, f'old: ["{word}"]'),
        (PLUS, f'plus: ["{word}"]'),
        (FIRST, f'- "{word} said the [group], <mask>."'),
    )
    plain = word.replace("\\\\", "\\")
    assert f"{plain} said the {plain}, {plain}." in sentences(tmp_path, text)


# The same through ``bias-audit probes check``


def check(capsys, path) -> tuple[int, str, str]:
    code = run(["probes", "check", str(path)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def test_what_windows_writes_is_read_and_another_encoding_is_told(tmp_path, capsys):
    path = save(tmp_path, TEA)
    plain = check(capsys, path)
    assert plain[0] == 0
    path.write_bytes(b"\xef\xbb\xbf" + TEA.replace("\n", "\r\n").encode())
    assert check(capsys, path) == plain
    for encoding, line in (("latin-1", 3), ("utf-16", 1)):
        path.write_bytes(edited(TEA, ("Tea and", "Tée and")).encode(encoding))
        code, out, err = check(capsys, path)
        assert (code, out) == (2, "")
        assert err.startswith(f"Error: 1 mistake:\n{path}:{line}:")
        assert "expected UTF-8 text" in err
        assert "save the file with the encoding UTF-8" in err


def test_a_circle_of_three(tmp_path, capsys):
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = f"kind: lexicon\nid: {name}\ntitle: T\nextends: {other}\nsets: {{x: [{name}]}}\n"
        save(tmp_path, text, f"templates/lexicons/{name}.yaml")
    code, _, err = check(capsys, tmp_path)
    assert code == 2
    assert "'extends' goes in a circle: a -> b -> c -> a" in err
    assert "templates/lexicons/c.yaml:4:10" in err
    path = save(tmp_path, edited(HERD, ("lexicon: animals", "lexicon: b")), "herd.yaml")
    assert "a circle: b -> c -> a -> b" in check(capsys, path)[2]


def test_suites_are_checked_too(tmp_path, capsys):
    save(tmp_path, TEA)
    text = "kind: suites\nsuites:\n  a: [core]\n  b: [tea, 'te*', 'axis:gendr', coffe]\n"
    path = save(tmp_path, text, "suites.yaml")
    code, _, err = check(capsys, path)
    assert code == 2
    for part in (
        f"{path}:3:7: a suite cannot hold the suite 'core'\n    list its probes",
        f"{path}:4:19: there is no axis named 'gendr'\n    did you mean 'gender'?",
        f"{path}:4:33: there is no probe named 'coffe'\n    ",
    ):
        assert part in err, err
    save(tmp_path, text.replace("core", "tea").replace(", 'axis:gendr', coffe", ""), "suites.yaml")
    assert check(capsys, path)[0] == 0
