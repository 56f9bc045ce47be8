"""The families and axes of the catalogue: sentences, twins, poles, matched pairs, cards."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.lexicon import Entry, TemplateSet
from bias_audit.probes.schema.probe import Groups
from bias_audit.probes.schema.text import SLOT, parse_slots, primary_language
from bias_audit.utils.resources import data_dir
from tests.probes.shipped import CATALOGUE, probe

FAMILIES = (
    "justice",
    "role",
    "politics",
    "family-career",
    "science-arts",
    "wealth",
    "hurtful",
    "trait-negated",
    "justice-negated",
)
POLES = {
    "justice": ("honored", "punished"),
    "roles": ("admired", "wrongdoers"),
    "politics": ("right", "left"),
    "family-career": ("family", "career"),
    "science-arts": ("science", "arts"),
    "wealth": ("rich", "poor"),
    "names-called": ("kind", "unkind"),
}
PAIRED = {
    "age": ("older", "younger"),
    "disability": ("disabled", "nondisabled"),
    "gender": ("women-general", "men-general"),
}
AXES = ("age", "disability", "class", "appearance", "religion", "nationality", "gender")
NEGATION = re.compile(r"\b(not|never|without|nobody)\b", re.IGNORECASE)


@cache
def english() -> tuple[str, ...]:
    """Ids of all English probes, controls included."""
    names = CATALOGUE.probe_ids()
    return tuple(n for n in names if primary_language(CATALOGUE.probe_spec(n).language) == "en")


def judge_run(axis: str) -> list[Probe]:
    found = [probe(n) for n in english() if CATALOGUE.probe_spec(n).axis == axis]
    return [p for p in found if p.spec.role == "probe"]


def template_sets() -> list[TemplateSet]:
    folder = data_dir("templates")
    return [CATALOGUE.template_set(path.stem) for path in sorted(folder.glob("*.yaml"))]


def slots(text: str) -> Counter[tuple[str | None, str | None]]:
    return Counter((piece.name, piece.form) for piece in parse_slots(text)[0])


def entries(lexicon: str, name: str) -> tuple[Entry, ...]:
    return CATALOGUE.lexicon(lexicon).sets[name].entries


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_twelve_sentences_in_many_shapes(name):
    templates = CATALOGUE.template_set(name).templates
    starts = {len(t.text.split("[group]")[0].split()) for t in templates}
    final = [t for t in templates if re.search(r"<mask>\"?\.$", t.text)]
    assert len(templates) >= 12
    assert len(starts) >= 4
    assert len(final) >= 3


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_stands_right_after_a_group_that_could_belong_to_it(name):
    """Some words end in a phrase of their own (person in row six): another would read badly."""
    for template in CATALOGUE.template_set(name).templates:
        after = template.text.split("[group]")[1].split()
        if after and not after[0].startswith((".", ",")):
            assert after[0] not in {"from", "with", "at", "across", "who", "whose"}, template.text


def test_every_negated_twin_exists_and_says_not():
    twins = 0
    for templates in template_sets():
        for template in templates.templates:
            if template.negated_twin is None:
                continue
            home, _, name = template.negated_twin.rpartition(".")
            found = {t.id: t.text for t in CATALOGUE.template_set(home).templates}
            assert name == template.id, template.negated_twin
            assert len(NEGATION.findall(found[name])) == 1, found[name]
            assert template.text != found[name]
            assert slots(template.text) == slots(found[name])
            twins += 1
    assert twins >= 24


@pytest.mark.parametrize("name", POLES)
def test_poles_are_equally_long_and_share_no_word(name):
    first, second = (entries(name, pole) for pole in POLES[name])
    assert len(first) == len(second) >= 6
    assert not {e.key for e in first} & {e.key for e in second}
    assert len({bool(e.pl) for e in (*first, *second)}) == 1


@pytest.mark.parametrize("name", PAIRED)
def test_pairs_are_matched_and_enough_for_a_group(name):
    first, second = (entries(name, group) for group in PAIRED[name])
    assert [e.pair for e in first] == [e.pair for e in second]
    assert len({e.pair for e in first}) == len(first) >= 5
    assert all(e.sg and e.pl for e in (*first, *second))


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_has_probes_and_controls(axis):
    probes = judge_run(axis)
    assert len(probes) >= 4
    for found in probes:
        controls = found.spec.controls
        assert controls.positive, found.spec.id
        assert controls.negative, found.spec.id
        for control in controls.positive:
            assert len(probe(control).frames) >= 8
        for control in (*controls.positive, *controls.negative):
            assert probe(control).spec.axis == axis


def test_words_are_left_out_where_their_note_says_so():
    """A note "not for audits of age or disability" binds the probes of these axes."""
    kept = []
    for name in english():
        found = probe(name)
        if found.spec.role != "probe":
            continue
        for target in found.targets:
            note = re.search(r"not for audits of ([a-z ,]+)", target.word.entry.note)
            if note and re.search(rf"\b{found.spec.axis}\b", note[1]):
                kept.append((name, target.word.id))
    assert not kept


def test_no_target_is_a_word_of_the_groups():
    """A word that stands on both sides answers by repeating itself."""
    for name in english():
        found = probe(name)
        if found.spec.role != "probe" or found.spec.mask == "group":
            continue
        words = {form for g in found.groups for w in g.words for form in w.forms.values()}
        inside = {part.lower() for form in words for part in form.split()}
        targets = {form.lower() for t in found.targets for form in t.word.forms.values()}
        assert not inside & targets, (name, inside & targets)


def test_probes_with_hurtful_words_say_so():
    for name in english():
        spec = probe(name).spec
        if spec.targets.lexicon == "names-called":
            assert spec.sensitive, name
            head = Path(probe(name).file).read_text(encoding="utf-8").split("kind: probe", 1)[0]
            assert "# Content warning" in head, name


def test_cards_say_what_is_wanted_and_which_way_is_positive():
    for axis in AXES:
        for found in judge_run(axis):
            card = found.spec.card
            assert card is not None, found.spec.id
            assert re.match(r"(equal|match: \w+|unspecified)\b", card.expected), found.spec.id
            assert len(card.limits.split()) >= 15, found.spec.id
            for text in card.model_dump().values():
                assert not re.search(r"\b(fair|unbiased|proves?)\b", text, re.IGNORECASE)


def test_groups_of_a_probe_come_from_its_axis():
    for axis in AXES:
        for found in judge_run(axis):
            if isinstance(found.spec.groups, Groups) and found.spec.mask == "target":
                assert found.spec.groups.lexicon == axis, found.spec.id


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_names_none_of_its_own_targets(name):
    sets = {"role": "roles", "hurtful": "names-called"}
    plain = name.removesuffix("-negated")
    lexicon = {"trait": "traits"}.get(plain, sets.get(plain, plain))
    words = {
        form.lower()
        for found in CATALOGUE.lexicon(lexicon).sets.values()
        for entry in found.entries
        for form in (entry.sg, entry.pl)
        if form
    }
    for template in CATALOGUE.template_set(name).templates:
        rest = set(re.findall(r"[a-z-]+", SLOT.sub("", template.text).lower()))
        assert not rest & words, (template.text, rest & words)
