"""Forms chosen by the word beside the mask, heads with a place for the adjective, other languages.

The language of these files is made up; the program knows no grammar of it.
"""

from __future__ import annotations

import pytest

from bias_audit.errors import FileError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from tests.probes.helpers import FOLK, GUILD, PEOPLE, edited, joined, save, sentences

FREE = """\
kind: templates
id: free
language: xx
title: Free
templates: ["[group:nom] an <mask>."]
"""


def guild(folder, text=GUILD, name="guild"):
    return [s for s in sentences(folder, text, name) if "<mask>" not in s]


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
    found = guild(tmp_path, FOLK, "folk")
    assert "La norde una lavora an bakela." in found
    assert "Lo sudo uno lavora an millo." in found
    assert "An bakelo vede lon nordon uno." in found
    words = joined(tmp_path, FOLK, "folk").groups[0].words
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


def test_a_target_without_one_of_the_forms_is_left_out_and_told(tmp_path):
    more = "[{id: baker, forms: {soft: bakela, hard: bakelo}}, {id: tailor, forms: {soft: taila}}]"
    text = edited(GUILD, ("[{id: baker, forms: {soft: bakela, hard: bakelo}}]", more))
    (skip,) = expand(joined(tmp_path, text, "guild")).skips
    assert (skip.what, skip.reason) == ("tailor", "not_applicable")
    assert "has no form 'hard'" in skip.detail


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
