"""Forms chosen by the word beside the mask, heads with a place for the adjective, other languages.

The language of these files is made up; the program knows no grammar of it.
"""

from __future__ import annotations

import pytest

from bias_audit.errors import FileError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from tests.probes.helpers import MARK, edited, joined, one_problem, problems, save, sentences

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

WITH_PEOPLE = edited(
    GUILD[: GUILD.index("groups:")] + GUILD[GUILD.index("targets:") :],
    ("targets:", "groups: {lexicon: people}\ntargets:"),
)


FREE = """\
kind: templates
id: free
language: xx
title: Free
templates: ["[group:nom] an <mask>."]
"""


def guild(folder, text=GUILD):
    return [s for s in sentences(folder, text, "guild") if "<mask>" not in s]


def test_the_masked_word_takes_the_form_that_the_other_names(tmp_path):
    assert guild(tmp_path)[:4] == [
        "La una lavora an bakela.",
        "La una lavora an milla.",
        "Lo uno lavora an bakelo.",
        "Lo uno lavora an millo.",
    ]
    assert "An bakela vede lan tria." in guild(tmp_path)
    assert "An millo vede lon trio." in guild(tmp_path)


def test_a_masked_group_takes_the_form_that_the_target_names(tmp_path):
    text = """\
kind: probe
id: guild
language: xx
title: Guild
axis: guild
mask: group
templates: ["[target:nom] credo an <mask:agree>.", "An <mask:agree> credo [target:nom]."]
groups:
  first: [{id: one, forms: {soft: ela, hard: elo}}]
  second: [{id: two, forms: {soft: ula, hard: ulo}}]
targets:
  plus: [{id: una, agree: soft, forms: {nom: la una}}]
  minus: [{id: uno, agree: hard, forms: {nom: lo uno}}]
"""
    assert set(guild(tmp_path, text)) == {
        "La una credo an ela.",
        "Lo uno credo an elo.",
        "La una credo an ula.",
        "Lo uno credo an ulo.",
        "An ela credo la una.",
        "An elo credo lo uno.",
        "An ula credo la una.",
        "An ulo credo lo uno.",
    }


def test_an_adjective_goes_where_the_head_says(tmp_path):
    save(tmp_path, PEOPLE, "templates/lexicons/people.yaml")
    found = guild(tmp_path, WITH_PEOPLE)
    assert "La norde una lavora an bakela." in found
    assert "Lo sudo uno lavora an millo." in found
    assert "An bakelo vede lon nordon uno." in found
    words = joined(tmp_path, WITH_PEOPLE, "guild").groups[0].words
    assert [(w.id, w.label, w.head, w.agree) for w in words] == [
        ("nord.she", "nord", "she", "soft"),
        ("nord.he", "nord", "he", "hard"),
    ]


def test_without_a_place_the_adjective_stands_before_the_noun(tmp_path):
    text = """\
kind: probe
id: tea
title: Tea
axis: drinks
templates: ["The [group] asked for <mask>.", "The [group] never drank <mask>."]
groups:
  a: {heads: [{sg: "[adjective]-born guest"}, visitor], entries: [{adjective: Swiss}]}
  b: {heads: [visitor], entries: [{adjective: Thai}]}
targets: {plus: [tea], minus: [coffee]}
"""
    found = sentences(tmp_path, text)
    assert "The Swiss-born guest asked for tea." in found
    assert "The Swiss visitor asked for tea." in found


def test_no_english_article_is_changed_in_another_language(tmp_path):
    assert not any(" a " in text for text in guild(tmp_path))
    english = edited(GUILD, ("language: xx", "language: en-GB"))
    assert any("lavora a bakela" in text for text in guild(tmp_path, english))


def test_only_named_sentences_are_open_in_another_language(tmp_path):
    """Nobody knows which of them any word may complete, but their author."""
    assert joined(tmp_path, GUILD, "guild").open_frames == ()
    save(tmp_path, FREE, "templates/free.yaml")
    text = edited(GUILD, ("groups:", "completions: [free]\ngroups:"))
    assert [f.id for f in joined(tmp_path, text, "guild").open_frames] == ["free.01"]
    opened = [p for p in expand(joined(tmp_path, text, "guild")).prompts if p.filler is None]
    assert [p.left for p in opened] == ["La una an ", "Lo uno an ", "La tria an ", "Lo trio an "]


# Mistakes


def test_a_word_that_says_no_form_is_told(tmp_path):
    text = edited(GUILD, ("{id: una, agree: soft,", f"{MARK}{{id: una,"))
    found = one_problem(tmp_path, text, "guild")
    assert "'una' does not say which form <mask:agree> takes beside it" in found.message
    assert "write 'agree: f'" in found.hint
    assert found.hint.endswith("at the word")


def test_a_head_that_says_no_form_is_told(tmp_path):
    save(tmp_path, edited(PEOPLE, ("agree: soft, ", "")), "templates/lexicons/people.yaml")
    found = problems(tmp_path, WITH_PEOPLE, "guild")
    assert [p.message.split()[0] for p in found] == ["'nord.she'", "'sud.she'"]
    assert all(p.hint.endswith("at the head") for p in found)


def test_a_target_without_any_form_that_is_asked_for(tmp_path):
    text = edited(GUILD, ("{id: baker, forms: {soft: bakela, hard: bakelo}}", f"{MARK}baker"))
    found = one_problem(tmp_path, text, "guild")
    assert "'baker' lacks the form that the sentences need: hard, soft (it has sg)" in found.message


def test_a_target_without_one_of_the_forms_is_left_out_and_told(tmp_path):
    more = "[{id: baker, forms: {soft: bakela, hard: bakelo}}, {id: tailor, forms: {soft: taila}}]"
    text = edited(GUILD, ("[{id: baker, forms: {soft: bakela, hard: bakelo}}]", more))
    (skip,) = expand(joined(tmp_path, text, "guild")).skips
    assert (skip.what, skip.reason) == ("tailor", "not_applicable")
    assert "has no form 'hard'" in skip.detail


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("<mask:agree>.", "<mask:agree> e [group:agree]."), "has [group:agree]"),
        (("{soft: bakela,", "{agree: bakela,"), "no form can be called 'agree'"),
        (("agree: soft", "agree: Soft"), "expected"),
    ],
)
def test_misplaced_agreement(tmp_path, change, message):
    assert any(message in p.message for p in problems(tmp_path, edited(GUILD, change), "guild"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ('"la [adjective]e una"', '"la [adjective]e [adjective]"'),
            "two places for the adjective",
        ),
        (('"la [adjective]e una"', '"la [group] una"'), "holds a slot"),
        (
            ('{nom: "la [adjective]e una", acc: "lan [adjective]en una"}', "{nom: la una}"),
            "no form of this head says where the adjective goes",
        ),
        (("{id: she, agree: soft, forms: {", "{id: she, agree: soft} #"), "a head needs sg, pl"),
        (("[{adjective: nord}]", "[{adjective: nord, agree: soft}]"), "write it at the heads"),
    ],
)
def test_mistakes_of_heads(tmp_path, change, message):
    save(tmp_path, edited(PEOPLE, change), "templates/lexicons/people.yaml")
    (found,) = problems(tmp_path, WITH_PEOPLE, "guild")
    assert message in f"{found.message} | {found.hint}"
    assert found.file.endswith("people.yaml")


@pytest.mark.parametrize("tag", ["German", "EN", "e", "en_US", ""])
def test_a_language_is_a_tag(tmp_path, tag):
    text = edited(GUILD, ("language: xx", f"language: {MARK}'{tag}'"))
    found = one_problem(tmp_path, text, "guild")
    assert "language tag" in found.message
    assert found.hint == "for example en-US or de"


def test_languages_are_not_mixed(tmp_path):
    save(tmp_path, edited(PEOPLE, ("language: xx\n", "")), "templates/lexicons/people.yaml")
    text = edited(WITH_PEOPLE, ("lexicon: people", f"lexicon: {MARK}people"))
    found = one_problem(tmp_path, text, "guild")
    assert found.message == "the file 'people' is in 'en-US', the probe in 'xx'"
    text = edited(GUILD, ("title:", f"controls: {{positive: [{MARK}gender-kinship]}}\ntitle:"))
    found = one_problem(tmp_path, text, "guild")
    assert found.message == "the control 'gender-kinship' is in 'en-US', the probe in 'xx'"
    text = edited(GUILD, ('  - "[group:nom]', f'  - {MARK}kinship\n  - "[group:nom]'))
    assert "the file 'kinship' is in 'en-US'" in one_problem(tmp_path, text, "guild").message


def test_regions_of_one_language_mix(tmp_path):
    text = edited(GUILD, ("language: xx", "language: xx-YY"), ("groups:\n  first", "groups:\n  f"))
    assert guild(tmp_path, text)


# Sanity sentences in another language


SANITY = """\
kind: sanity
id: sanity-xx
language: xx
title: Plain sentences
sentences: [La una lavora.]
clozes: [{text: "La una <mask>.", answers: [lavora]}]
"""


def test_sanity_sentences_of_the_user_are_found_and_are_no_probe(tmp_path):
    save(tmp_path, SANITY, "sanity-xx.yaml")
    save(tmp_path, GUILD, "guild.yaml")
    catalogue = ProbeCatalogue([tmp_path])
    found = catalogue.sanity("xx-YY")
    assert found is not None
    assert found.sentences == ("La una lavora.",)
    assert "sanity-xx" not in catalogue.probe_ids()
    assert ProbeCatalogue().sanity("xx") is None


def test_shipped_sanity_sentences_cannot_be_replaced(tmp_path):
    save(tmp_path, edited(SANITY, ("sanity-xx", "sanity-de"), ("xx", "de")), "sanity-de.yaml")
    assert ProbeCatalogue([tmp_path]).sanity("de") == ProbeCatalogue().sanity("de")


def test_mistakes_in_sanity_sentences_are_told(tmp_path):
    save(tmp_path, edited(SANITY, ("title:", "titel:")), "sanity-xx.yaml")
    with pytest.raises(FileError, match="unknown key 'titel'"):
        ProbeCatalogue([tmp_path]).sanity("xx")
