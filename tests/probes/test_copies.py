"""One sentence or word under several names is one sentence or word."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from bias_audit.cli.app import run
from bias_audit.probes.catalogue import ProbeCatalogue
from tests.probes.helpers import GUILD, JOBS, TEA, WORDS, edited, problems, save

SAME = "gives the same sentences as"


@pytest.mark.parametrize(
    "copy",
    [
        "The [group] asked for <mask>.",
        "{id: again, text: 'the [group] ASKED for <mask>.'}",
        "{id: again, text: 'The [group:sg] asked for <mask:sg>.', number: pl}",
        "{id: again, text: 'The [group] asked \uff46or <mask>.'}",
    ],
)
def test_a_sentence_under_another_id(tmp_path, copy):
    text = TEA.replace('  - "[group] never', f'  - {copy}\n  - "[group] never')
    (found,) = problems(tmp_path, text, "tea")
    assert (found.line, found.column) == (7, 5)
    assert SAME in found.message
    assert found.hint == "one sentence counts once: remove one"


def test_twelve_copies_are_eleven_mistakes_of_check(tmp_path, capfd):
    lines = "\n".join(
        f"  - {{id: s{n:02d}, text: 'The [group] asked for <mask>.'}}" for n in range(12)
    )
    text = edited(
        TEA, ('  - The [group] asked for <mask>.\n  - "[group] never drink <mask>."', lines)
    )
    save(tmp_path, text, "tea.yaml")
    assert run(["probes", "check", str(tmp_path / "tea.yaml")]) == 2
    assert capfd.readouterr().err.count(SAME) == 11
    assert run(["run", "fake", "-p", "tea", "--probe-path", str(tmp_path / "tea.yaml")]) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minus: [coffee, cola]", "minus: [coffee, §{id: x, sg: Tea}]", "'x' reads like 'tea' in every sentence, which stands under 'plus'"),
        ("plus: [tea, milk]", "plus: [tea, §{id: x, sg: tea, label: leaf}]", "the word 'x' says the same as the word 'tea'"),
        ("plus: [tea, milk]", "plus: [tea, §{id: x, sg: tea, forms: {odd: t}}]", "'x' reads like 'tea' in every sentence"),
        ("plus: [tea, milk]", "plus: [tea, §{id: x, sg: 'tea.'}]", "'x' reads like 'tea' in every sentence"),
        ("young: [girl, boy]", "young: [girl, §{id: x, sg: 'girl ...'}]", "'x' reads like 'girl' in every sentence"),
        ("young: [girl, boy]", "young: [girl, §{id: x, sg: grandmother}]", "'x' reads like 'grandmother' in every sentence, which stands under 'old'"),
        ("old: [grandmother, grandfather]", "old: [grandmother, §{id: x, sg: GRANDMOTHER}]", "the word 'x' says the same as the word 'grandmother'"),
    ],
)  # fmt: skip
def test_a_word_under_another_id(tmp_path, old, new, message):
    text = edited(TEA, (old, new))
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "§" in one)
    column = text.splitlines()[line - 1].index("§") + 1
    (found,) = problems(tmp_path, text.replace("§", ""), "tea")
    assert (found.line, found.column, found.message) == (line, column, message)


def test_words_of_one_form_that_differ_in_another_are_two(tmp_path):
    """One form may be that of another word; so with agreement."""
    for text, name in ((GUILD, "guild"), (JOBS, "jobs")):
        save(tmp_path, text, f"{name}.yaml")
        assert ProbeCatalogue([tmp_path]).probe(name)
    more = edited(JOBS, ("plus: [nurse, teacher]", "plus: [nurse, {id: x, sg: nurse}]"))
    (found,) = problems(tmp_path, more, "jobs")
    assert found.message == "the word 'x' says the same as the word 'nurse'"


def test_copies_in_the_files_of_words_and_sentences(tmp_path):
    lexicon = edited(
        WORDS, ("farm:\n    entries:", "farm:\n    entries:\n      - {id: x, sg: Cow, pl: cows}")
    )
    templates = "kind: templates\nid: t\ntitle: T\ntemplates: [A [group] was <mask>., 'a [group] was <mask>.']\n"
    sanity = "kind: sanity\nid: s\ntitle: S\nsentences: [One., Two., one.]\nclozes: [{text: A <mask>., answers: [b]}]\n"
    for text, name, message in (
        (lexicon, "animals", "the word 'cow' says the same as the word 'x'"),
        (templates.replace("[A [group] was <mask>., ", "['A [group] was <mask>.', "), "t", "the sentence '02' says the same as the sentence '01'"),
        (sanity, "sanity-xx", "'one.' says the same as 'One.'"),
    ):  # fmt: skip
        path = save(tmp_path, text, f"{name}.yaml")
        assert run(["probes", "check", str(path)]) == 2, message
    (found,) = problems(
        tmp_path, edited(TEA, ("axis: drinks", "axis: drinks\nslots: {place: [here, Here]}")), "tea"
    )
    assert found.message == "the word 'Here' says the same as the word 'here'"


def test_a_placebo_of_the_same_words_would_always_be_silent(tmp_path):
    lexicon = "kind: lexicon\nid: nothing\ntitle: N\nsets: {a: [{id: x, sg: cup}], b: [{id: y, sg: cup}]}\n"
    save(tmp_path, lexicon, "templates/lexicons/nothing.yaml")
    (found,) = problems(tmp_path, TEA + "controls: {placebo: nothing}\n", "tea")
    assert found.message.startswith("'y' reads like 'x' in every sentence")
