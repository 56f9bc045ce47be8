"""Groups beside the compared ones in files: what is refused, where, and what is made of them."""

from __future__ import annotations

from bias_audit.backends import FakeBackend
from bias_audit.cli.probe_check import lines
from bias_audit.cli.probe_description import describe
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.records import FillScore
from tests.probes.helpers import JOBS, edited, expanded, joined, save

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
