"""Groups that are scored beside the compared ones: their share, and that nothing else moves."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from bias_audit import audit
from bias_audit.backends import FakeBackend
from bias_audit.metrics.extra_groups import share_logits
from bias_audit.pipeline.audit import Audit
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.probe import Group, Probe, words_of
from bias_audit.probes.schema.lexicon import WordSet
from bias_audit.records import FillScore, Prompt
from tests.analysis import slow_stats as slow
from tests.analysis.world import (
    FAST,
    Effect,
    controlled,
    flat,
    job_sentences,
    noise,
    pairs,
    record,
    run,
    terms,
)
from tests.gates.runs import paired
from tests.metrics.test_optional import Priors, Speaker


def group(name: str, words: list[Any], label: str = "") -> Group:
    found = words_of(WordSet(entries=words))
    return Group(id=name, label=label or name, role="focal", words=found)


THEY = group("they", [{"sg": "they", "note": "singular or plural"}])
WORDS = {"they", "xe", "ze", "fae"}
BOTH = (group("xe", [{"sg": "xe"}, {"sg": "ze"}, {"sg": "fae"}], "new words"), THEY)


def pronouns(*beside: Group, poles: int = 8, frames: int = 8, **more: Any) -> Probe:
    parts = {
        "groups": {"a": pairs("she", 2), "b": pairs("he", 2)},
        "plus": terms("gain", poles),
        "minus": terms("loss", poles + 1),
        "neither": terms("calm", 3),
    }
    made = controlled(mask="group", frames=job_sentences(frames), **(parts | more))
    return replace(made, extra_groups=beside)


def rough(prompt: Prompt) -> float:
    gap = 0.5 if (prompt.group, prompt.pole) == ("a", "+") else 0.0
    lean = 0.3 * noise(prompt.group, prompt.target) + 0.4 * noise(prompt.template, prompt.term)
    return gap + lean + 0.2 * noise(prompt.text)


def lost(words: dict[str, str], effect: Effect = rough) -> Effect:
    """What cannot be scored, and why: a reason for a word, or for one in the sentence ``03``."""

    def answer(prompt: Prompt) -> float | FillScore:
        for where, reason in words.items():
            word, _, template = where.partition("@")
            if prompt.term == word and prompt.template == (template or prompt.template):
                return FillScore(log_prob=None, pieces=3, skip=reason, detail=f"no {word}")
        return effect(prompt)

    return answer


def shares(done: Audit) -> dict[str, Any]:
    found = [r for r in done.results.results if r.metric == "beside_share"]
    return {result.groups[0]: result for result in found}


def other(done: Audit) -> dict[str, Any]:
    """Everything but what groups beside add: shares, words, the number of prompts, their skips."""
    said = done.results.model_dump(exclude={"run": {"created", "duration_s", "command"}})
    said["results"] = [r for r in said["results"] if r["metric"] != "beside_share"]
    said["metrics"] = [m for m in said["metrics"] if m["id"] != "beside_share"]

    def kept(skips: list[Any]) -> list[Any]:
        about = [s for s in skips if "share of" in s["detail"] or "beside_share" in s["what"]]
        return [s for s in skips if s not in about and s["what"] not in WORDS]

    said["metrics"] = [m for m in said["metrics"] if m["id"] != "beside_share"]
    said["skips"] = kept(said["skips"])
    for probe in said["probes"]:
        del probe["extra_groups"], probe["prompts"]
        probe["skips"] = kept(probe["skips"])
    return said


@pytest.mark.parametrize(("poles", "sampled"), [(8, True), (1, False)])
def test_the_share_is_computed_again_from_the_evidence(poles, sampled):
    done = run(pronouns(*BOTH, poles=poles), rough)
    ev = slow.Evidence(done.evidence(full=True), "trial")
    found = shares(done)
    assert [*found] == ["xe", "they"]
    for name, result in found.items():
        b = {}
        for j in ev.templates:
            for t in ev.targets:
                level = {
                    g: math.exp(slow.mean(ev.cell[j, g, w, t] for w in ev.labels[g]))
                    for g in (name, "a", "b")
                }
                share = level[name] / sum(level.values())
                b[j, t] = math.log(share / (1 - share))
        per_frame = [slow.mean(b[j, t] for t in ev.targets) for j in ev.templates]
        per_word = [slow.mean(b[j, t] for j in ev.templates) for t in ev.targets]
        parts = [[(1.0, per_frame)], *([[(1.0, per_word)]] if sampled else [])]
        shared = slow.shared(b, [[(1.0, ev.templates)], [(1.0, ev.targets)]]) if sampled else {}
        gap = slow.Gap(slow.mean(per_frame), parts, {}, shared)
        assert result.estimate == pytest.approx(expit(gap.estimate), rel=3e-5)
        ends = expit(gap.interval(0.95))
        assert (result.ci_low, result.ci_high) == pytest.approx(tuple(ends), rel=1e-4)
        assert result.claim == ("words_of_this_kind" if sampled else "these_words")
        assert (result.n_templates, result.n_targets) == (8, 2 * poles + 4)
        assert result.n_terms == (3 if name == "xe" else 1)
        assert result.n_prompts == 8 * (2 * poles + 4) * (4 + result.n_terms)
        assert (result.neutral, result.unit, result.role) == (None, "probability", "secondary")
        assert (result.p_value, result.p_adjusted, result.p_method) == (None, None, "")
        assert (result.se, result.outcome, result.margin) == (None, None, None)
    assert found["they"].id == "trial:beside_share:they"
    assert found["they"].reason == "'they': singular or plural"
    assert found["xe"].group_labels == ("new words",)


def test_one_word_each_is_the_plain_share_of_three_probabilities():
    p = {"a": 0.3, "b": 0.1, "they": 0.1}
    probe = pronouns(THEY, groups={"a": ["she"], "b": ["he"]}, poles=2, frames=2)
    found = shares(run(probe, lambda q: FillScore(log_prob=math.log(p[q.group]), pieces=1)))
    assert found["they"].estimate == pytest.approx(0.2)
    assert found["they"].ci_low is None
    assert found["they"].reason == "no interval: no variance; 'they': singular or plural"


@pytest.mark.parametrize("level", [0.0, 400.0, -400.0])
def test_shares_at_the_ends_stay_shares(level):
    done = run(
        pronouns(THEY, groups={"a": ["she"], "b": ["he"]}),
        lambda q: FillScore(
            log_prob=-500.0
            + (level if q.group == "they" else 0.0)
            + 0.1 * noise(q.template, q.group),
            pieces=1,
        ),
    )
    found = shares(done)["they"]
    assert 0.0 <= found.ci_low <= found.estimate <= found.ci_high <= 1.0
    near = {0.0: 1 / 3, 400.0: 1.0, -400.0: 0.0}[level]
    assert found.estimate == pytest.approx(near, abs=0.1)


def test_logits_are_those_of_scipy_and_refuse_what_does_not_fit():
    rng = np.random.default_rng(1)
    mine, others = rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 4))
    share = np.exp(mine) / (np.exp(mine) + np.exp(others).sum(axis=0))
    assert share_logits(mine, others) == pytest.approx(logit(share))
    for bad in (others[:0], others[:, :2], others[0], np.full_like(others, np.nan)):
        with pytest.raises(ValueError, match="compared"):
            share_logits(mine, bad)
    alone = stats.logistic.cdf(share_logits(mine, others[:1]))
    assert alone == pytest.approx(np.exp(mine) / (np.exp(mine) + np.exp(others[0])))


LOST = [
    {},
    {"they": "unscorable"},
    {"they@03": "too_long"},
    {"xe@03": "too_long", "ze": "unscorable"},
    {"she1": "unscorable", "they@02": "too_long", "he2@05": "too_long"},
    dict.fromkeys(("they", "xe", "ze", "fae"), "too_long"),
]


@pytest.mark.parametrize("words", LOST[3:])
def test_groups_beside_change_no_other_digit(words):
    effect = lost(words)
    alone, more = (run(pronouns(*b), effect) for b in ((), BOTH))
    assert other(more) == other(alone)
    kept = [r for r in more.results.results if r.metric != "beside_share"]
    assert [r.outcome for r in kept] == [r.outcome for r in alone.results.results]
    assert any(r.outcome for r in kept if r.probe == "trial")
    assert record(more).prompts > record(alone).prompts
    assert not shares(alone)


@pytest.mark.slow
def test_they_change_no_digit_of_what_is_requested_or_of_three_groups():
    groups = {name: [{"sg": f"{name}1"}] for name in ("she", "he", "it")}
    ask = {"measures": ["lpbs", "cbs"], "checks": ["surface"]}
    for names in (("she", "he"), ("she", "he", "it")):
        parts = {"groups": {name: groups[name] for name in names}}
        model = lambda: Speaker(rough, scorer=Priors())  # noqa: E731
        alone, more = (run(pronouns(*b, **parts), model(), **ask) for b in ((), BOTH))
        assert other(more) == other(alone)
        assert {"lpbs", "cbs", "beside_share"} <= {r.metric for r in more.results.results}
        rows = more.evidence(full=True)
        mine = rows[rows["probe"] == "trial"]
        apart = mine["group"].isin(["they", "xe"])
        assert mine[apart]["prior_log_prob"].isna().all()
        assert mine[~apart]["prior_log_prob"].notna().all()


@pytest.mark.slow
@pytest.mark.parametrize("words", LOST[3:4])
def test_they_change_no_digit_of_a_comparison_with_a_baseline(words, tmp_path):
    def newer(prompt: Prompt) -> float:
        return rough(prompt) + 0.2 * noise("new", prompt.text, prompt.group)

    groups = {"a": ["she"], "b": ["he"], "c": ["it"]}
    found = []
    for name, beside in (("alone", ()), ("more", BOTH)):
        old, new = (
            run(pronouns(*beside, groups=groups), lost(words, effect)) for effect in (rough, newer)
        )
        found.append(paired(old, new, tmp_path / name))
    assert len(found[0].changes) == 6
    assert found[0].changes == found[1].changes
    assert found[0].missing == found[1].missing


@pytest.mark.slow
@pytest.mark.parametrize("name", ["occupation-pronoun"])
def test_the_shipped_probe_has_the_same_numbers_without_they(name):
    class Without(ProbeCatalogue):
        def probe(self, name: str) -> Probe:
            return replace(super().probe(name), extra_groups=())

    alone, more = (
        audit(FakeBackend(), catalogue=c, probes=(name,), settings=FAST)
        for c in (Without(), ProbeCatalogue())
    )
    assert other(more) == other(alone)
    assert [*shares(more)] == ["they"]
    assert shares(more)["they"].reason.endswith("singular or plural; a sentence cannot tell which")
    assert record(more, name).extra_groups[0].terms == ("they",)


def test_a_word_that_cannot_be_scored_is_a_skip_with_a_reason():
    done = run(pronouns(*BOTH), lost({"they": "unscorable", "ze": "unscorable"}))
    assert [*shares(done)] == ["xe"]
    assert shares(done)["xe"].n_terms == 2
    told = {s.what: (s.kind, s.reason, s.detail) for s in record(done).skips}
    only = "left out of the share of '{}' only"
    assert told["ze"] == ("term", "unscorable", f"no ze; {only.format('new words')}")
    assert told["they"] == ("term", "unscorable", f"no they; {only.format('they')}")
    whole = "no word of 'they' could be scored"
    assert told["beside_share of they"] == ("measure", "unscorable", whole)
    assert {s.what for s in done.results.skips} >= {"ze", "they", "beside_share of they"}
    assert [g.terms for g in record(done).extra_groups] == [("xe", "fae"), ()]


def test_a_sentence_that_is_too_long_for_a_word_beside_is_lost_to_its_share_alone():
    done = run(pronouns(*BOTH), lost({"they@03": "too_long"}))
    assert {n: r.n_templates for n, r in shares(done).items()} == {"xe": 8, "they": 7}
    assert record(done).templates == 8
    (skip,) = [s for s in record(done).skips if s.what == "03"]
    assert skip.detail == "no they; left out of the share of 'they' only"
    every = run(pronouns(*BOTH), lost({"they": "too_long"}))
    assert [*shares(every)] == ["xe"]
    assert "beside_share of they" in {s.what for s in record(every).skips}


def test_what_is_lost_of_a_compared_word_is_told_once():
    done = run(pronouns(*BOTH), lost({"she1": "unscorable", "he2@05": "too_long"}))
    told = [(s.what, s.detail) for s in record(done).skips]
    assert sorted(told) == [("05", "no he2"), ("she1", "no she1")]
    assert {r.n_templates for r in shares(done).values()} == {7}


def test_a_group_that_is_not_compared_for_want_of_words_is_named():
    groups = {"a": ["she"], "b": ["he"], "c": ["it"]}
    done = run(pronouns(THEY, groups=groups), lost({"it": "unscorable"}))
    told = shares(done)["they"].reason
    assert told == "without 'group c', which could not be scored; 'they': singular or plural"


def test_words_of_other_length_are_told():
    def two(prompt: Prompt) -> FillScore:
        pieces = 2 if prompt.term == "xe" else 1
        return FillScore(log_prob=-5.0 + rough(prompt), pieces=pieces)

    found = shares(run(pronouns(*BOTH), two))
    assert found["xe"].statuses == ("mixed_length",)
    assert found["they"].statuses == ()


def test_what_needs_a_form_that_a_word_beside_lacks_leaves_it_out():
    short = group("they", [{"sg": "they"}, {"pl": "those"}])
    done = run(pronouns(short), flat)
    assert shares(done)["they"].n_terms == 1
    assert [(s.what, s.reason) for s in record(done).skips] == [("those", "not_applicable")]
