"""Groups beside the compared ones in files: what is refused, where, and what is made of them."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from bias_audit.backends import FakeBackend
from bias_audit.cli.probe_check import lines
from bias_audit.cli.probe_description import describe
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.records import FillScore
from tests.probes.helpers import edited, expanded, joined, one_problem, problems, save

GROUPS = "groups: {lexicon: pronouns, use: [she, he], beside: [they]}"
JOBS = f"""\
kind: probe
id: jobs
title: Pronouns after jobs
axis: gender
mask: group
templates:
  - The [target] said that <mask:subject> had finished.
  - The [target] waved because <mask:subject> had time.
{GROUPS}
targets:
  plus: [nurse, teacher]
  minus: [plumber, miner]
"""
MORE = """\
kind: lexicon
id: more
title: More pronouns
extends: pronouns
drop: {they: [they]}
sets:
  they: [{id: they-all, forms: {subject: they}}]
  xe: [{forms: {subject: xe}, note: "not in most vocabularies"}]
"""
TARGET = edited(
    JOBS,
    ("mask: group\n", ""),
    ("The [target] said that <mask:subject> had finished.", "The [group:subject] saw <mask>."),
    ("The [target] waved because <mask:subject> had time.", "Then [group:subject] met <mask>."),
)

# what, (old, new with § at the place), message, hint
CASES = [
    (
        "no name",
        ("beside: [they]", "beside: §[]"),
        "'beside' names no group",
        "leave it out, or write for example beside: [they]",
    ),
    (
        "nothing",
        ("beside: [they]", "beside: §null"),
        "expected a list, got nothing",
        "",
    ),
    (
        "one name, not a list",
        ("beside: [they]", "beside: §they"),
        "expected a list, got 'they'",
        "",
    ),
    (
        "a name that is compared",
        ("beside: [they]", "beside: [they, §he]"),
        "'he' is compared already",
        "leave it out here, or in 'use'",
    ),
    (
        "a name twice",
        ("beside: [they]", "beside: [they, §they]"),
        "the group 'they' is here twice",
        "rename one of them",
    ),
    (
        "an unknown name",
        ("beside: [they]", "beside: [§thei]"),
        "the lexicon 'pronouns' has no set 'thei'",
        "did you mean 'they'?",
    ),
    (
        "all are compared",
        ("use: [she, he], beside: [they]", "beside: §[they]"),
        "'beside' needs 'use': without it every set is compared",
        "use: [she, he]",
    ),
    (
        "a control",
        (f"{GROUPS}\n", "role: positive_control\ngroups: {lexicon: pronouns, use: [she, he], beside: §[they]}\n"),
        "'beside' is for probes: a control only vouches for a comparison",
        "leave it out",
    ),
    (
        "the share of a group beside",
        ("  minus: [plumber, miner]", "  minus: [plumber, miner]\n  share_of: §they"),
        "'they' is scored beside the others and compared with nobody",
        "name the group whose share it is: she or he",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message", "hint"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_each_mistake_is_told_with_its_place(tmp_path, change, message, hint):
    problem = one_problem(tmp_path, edited(JOBS, change), "jobs")
    assert (problem.message, problem.hint) == (message, hint)


def test_a_probe_that_masks_its_targets_has_nothing_beside(tmp_path):
    marked = edited(TARGET, ("beside: [they]", "beside: §[they]"))
    problem = one_problem(tmp_path, marked, "jobs")
    assert problem.message == "'beside' needs 'mask: group': here the targets are scored"
    assert problem.hint == "leave it out"


def test_words_beside_are_checked_as_those_that_are_compared(tmp_path):
    save(tmp_path, edited(MORE, ("{subject: xe}", "{object: xe}")), "templates/lexicons/more.yaml")
    found = problems(tmp_path, edited(JOBS, ("pronouns", "more"), ("[they]", "[they, xe]")), "jobs")
    assert [p.message for p in found] == [
        "'xe' lacks the form that the sentences need: subject (it has object)"
    ]
    tagged = edited(JOBS, ("beside: [they]}", "beside: [they], tags: [short]}"))
    assert len(problems(tmp_path, tagged, "jobs")) == 3, "each group has lost its word"


def test_a_word_cannot_be_compared_and_stand_beside(tmp_path):
    same = edited(
        MORE, ("[{id: they-all, forms: {subject: they}}]", "[{id: he, forms: {subject: he}}]")
    )
    save(tmp_path, same, "templates/lexicons/more.yaml")
    (problem,) = problems(tmp_path, edited(JOBS, ("pronouns", "more")), "jobs")
    assert problem.message == "'he' is in two groups, 'he' and 'they'"


def test_an_own_lexicon_may_add_words_beside_and_drop_them(tmp_path):
    save(tmp_path, MORE, "templates/lexicons/more.yaml")
    probe = joined(tmp_path, edited(JOBS, ("pronouns", "more"), ("[they]", "[xe, they]")), "jobs")
    assert [g.id for g in probe.groups] == ["she", "he"]
    assert [[w.id for w in g.words] for g in probe.extra_groups] == [["xe"], ["they-all"]]


def test_prompts_of_words_beside_come_apart_and_in_order(tmp_path):
    alone = expanded(tmp_path, edited(JOBS, (", beside: [they]", "")), "jobs")
    more = expanded(tmp_path, JOBS, "jobs")
    assert more.prompts == alone.prompts
    assert alone.extra_prompts == ()
    assert more.all_prompts == (*more.prompts, *more.extra_prompts)
    assert [(p.template, p.group, p.target) for p in more.extra_prompts] == [
        (f, "they", t) for f in ("01", "02") for t in ("nurse", "teacher", "plumber", "miner")
    ]
    assert more.extra_prompts[0].text == "The nurse said that they had finished."


def test_narrowing_to_a_group_beside_compares_it():
    catalogue = ProbeCatalogue().with_groups({"occupation-pronoun": ("she", "they")})
    probe = catalogue.probe("occupation-pronoun")
    assert [g.id for g in probe.groups] == ["she", "they"]
    assert probe.extra_groups == ()
    two = (
        ProbeCatalogue()
        .with_groups({"occupation-pronoun": ("he", "she")})
        .probe("occupation-pronoun")
    )
    assert [g.id for g in (*two.groups, *two.extra_groups)] == ["he", "she", "they"]


def test_a_digest_of_a_probe_without_them_is_what_it_was(tmp_path):
    bare = edited(JOBS, (", beside: [they]", ""))
    assert "beside" not in joined(tmp_path, bare, "jobs").spec.model_dump_json(
        exclude_defaults=True
    )
    assert joined(tmp_path, bare, "jobs").digest != joined(tmp_path, JOBS, "jobs").digest


def test_describe_and_check_say_what_stands_beside():
    probe = ProbeCatalogue().probe("occupation-pronoun")
    text = "\n".join(describe(probe))
    assert "Beside      they: they (scored, compared with nobody)" in text
    assert "beside_share (probability, shown, never judged)" in text

    class Deaf(FakeBackend):
        def score(self, requests, **more):
            gone = FillScore(log_prob=None, pieces=0, skip="unscorable", detail="not in it")
            for n, answer in super().score(requests, **more):
                yield n, gone if getattr(requests[n], "filler", "") == "they" else answer

    said = list(lines(probe, Deaf()))
    assert "beside: they: 'they' is lost: not in it" in said
    assert not [line for line in said if "nothing is judged" in line]


def test_the_shipped_probe_asks_for_half_as_much_again():
    found = expand(ProbeCatalogue().probe("occupation-pronoun"))
    assert len(found.extra_prompts) * 2 == len(found.prompts)
