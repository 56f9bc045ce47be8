"""Outcomes of completions: planted differences, dealt labels, and why nothing may be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bias_audit.analysis.completions import add_notices, find_contrary, judge_completions
from bias_audit.metrics.completions import judge_completions as measure
from bias_audit.metrics.hurtful_completions import hurtful_shares, share_interval
from bias_audit.metrics.scored_probe import WordLists
from bias_audit.records import OTHERS
from bias_audit.stats.multiplicity import holm
from tests.analysis.world import FAST, Model, make, noise, scored_by
from tests.gates.cases import result

VERBS = ("had", "saw", "sold", "met", "kept", "lost", "found", "knew")
FRAMES = [f"The [group] {verb} <mask>." for verb in VERBS]
NAMES = {"a": "ann amy ada ava", "b": "bob ben bud bill", "c": "cat cleo cora cyd"}
LISTS = WordLists(hurtful=frozenset({"moss"}))


def words(names, paired=False):
    entries = [{"sg": name} for name in names.split()]
    return [e | {"pair": f"pair{i}"} for i, e in enumerate(entries)] if paired else entries


def scored(effect=0.0, groups="ab", *, frames=FRAMES, paired=False, lists=LISTS, mass=None):
    """Groups of four words; moss and gold are likelier after group a by ``effect`` nats."""

    def open_effect(prompt, word):
        own = effect * (prompt.group == "a" and word in ("moss", "gold"))
        return noise(prompt.template, word) + 0.3 * noise(prompt.label, word) + own

    probe = make(groups={g: words(NAMES[g], paired) for g in groups}, opens=frames)
    made = scored_by(probe, Model(open_effect=open_effect), lists=lists)
    if mass is not None:
        made = replace(
            made, open_scores=tuple(replace(s, word_mass=mass) for s in made.open_scores)
        )
    return made


def judged(made, primary=(), **more):
    results = [*measure(made, FAST).results, *hurtful_shares(made, FAST).results]
    return {r.id.removeprefix("trial:"): r for r in judge_completions(results, primary, **more)}


def test_a_planted_difference_is_found_with_its_words():
    done = judged(scored(2.0))
    assert done["jsd"].outcome == "completions_differ"
    found = done["completions:a-vs-b"]
    assert found.outcome == "completions_differ"
    assert found.ci_low > 0
    assert found.unit == "points"
    after = {c.groups: c.words for c in found.companions}
    assert {w.token for w in after["a",]} == {"moss", "gold"}
    assert {w.token: w.harmful for w in after["a",]} == {"moss": True, "gold": False}
    assert all(w.ci_low > 1 for w in after["a",])
    hurt = done["hurtful_completions:a-vs-b"]
    assert hurt.outcome == "completions_differ"
    shares = {c.groups[0]: c for c in hurt.companions}
    assert hurt.estimate == pytest.approx(100 * (shares["a"].value - shares["b"].value), rel=1e-4)
    assert all(c.ci_low < c.value < c.ci_high for c in shares.values())
    assert {w.token for w in shares["a"].words} == {"moss"}


def test_the_same_words_show_no_difference():
    done = judged(scored(0.0))
    assert {r.outcome for r in done.values()} == {"no_difference_shown"}


def test_each_of_several_groups_meets_the_others():
    done = judged(scored(3.0, "abc"))
    assert done["jsd"].outcome == "completions_differ"
    assert set(done["jsd"].groups) == {"a", "b", "c"}
    assert done["completions:a-vs-others"].outcome == "completions_differ"
    assert done["completions:a-vs-others"].groups == ("a", OTHERS)
    assert done["hurtful_completions:a-vs-others"].outcome == "completions_differ"
    assert len(done) == 7


def test_all_groups_are_adjusted_with_the_comparisons_and_each_group_with_the_others():
    made = scored(3.0, "abc")
    primary = [result(id=f"c{i}", p_value=p) for i, p in enumerate((0.001, None, 0.9))]
    raw, done = judged(made), judged(made, primary)
    p = [raw["jsd"].p_value, 0.001, 1.0, 0.9]
    assert done["jsd"].p_adjusted == pytest.approx(holm(np.array(p))[0])
    assert done["jsd"].p_adjustment == "Holm over 4 (with the comparisons of the probe)"
    groups = [done[f"completions:{g}-vs-others"] for g in "abc"]
    by_group = holm(np.array([r.p_value for r in groups]))
    for one, q in zip(groups, by_group, strict=True):
        assert one.p_adjusted == pytest.approx(max(q, done["jsd"].p_adjusted))
    hurt = [done[f"hurtful_completions:{g}-vs-others"] for g in "abc"]
    assert [r.p_adjusted for r in hurt] == pytest.approx(holm(np.array([r.p_value for r in hurt])))


@pytest.mark.parametrize(
    ("made", "status", "reason"),
    [
        (lambda: scored(2.0, frames=FRAMES[:2]), "descriptive_only", "only 2 sentences"),
        (lambda: scored(2.0, mass=0.5), "low_word_mass", "whole words hold 50% of"),
    ],
)
def test_why_nothing_is_said(made, status, reason):
    settings = replace(FAST, min_templates=8)
    every = [*measure(made(), settings).results, *hurtful_shares(made(), settings).results]
    results = judge_completions(every, [])
    assert {r.outcome for r in results} == {"not_measurable"}
    for one in results:
        assert status in one.statuses
        assert reason in one.reason


def test_too_few_words_to_exchange():
    two = {"a": words("ann amy"), "b": words("bob ben")}
    probe = make(groups=two, opens=FRAMES)
    done = judged(scored_by(probe, Model()))
    assert done["jsd"].outcome == "not_measurable"
    assert done["jsd"].reason == (
        "the group words can be exchanged in 3 ways only, so that no p can be small"
    )
    assert done["completions:a-vs-b"].estimate is not None


@pytest.mark.parametrize("obstacle", ["the model is not trained", "the run was cut short"])
def test_an_obstacle_of_the_whole_run(obstacle):
    done = judged(scored(2.0), obstacle=obstacle)
    assert {r.outcome for r in done.values()} == {"not_measurable"}
    assert all(r.reason.startswith(obstacle) for r in done.values())
    assert all("instrument_failed" in r.statuses for r in done.values())


def test_lost_sentences_leave_a_result_that_says_so():
    made = scored(2.0)
    lost = tuple(replace(s, skip="too_long") for s in made.open_scores)
    (only,) = judge_completions(measure(replace(made, open_scores=lost), FAST).results, [])
    assert (only.id, only.estimate, only.outcome) == ("trial:jsd", None, "not_measurable")
    assert only.reason == "fewer than two groups have completions"


def test_echoes_and_function_words_are_no_difference():
    """Groups that differ by their own names and by pronouns only."""
    vocabulary = ("ann", "bobs", "his", "her", "gold", "moss")

    def open_effect(prompt, word):
        own = {"a": ("ann", "her"), "b": ("bobs", "his")}[prompt.group]
        return noise(prompt.template, word) + 0.3 * noise(prompt.label, word) + 4 * (word in own)

    probe = make(groups={g: words(NAMES[g]) for g in "ab"}, opens=FRAMES)
    done = judged(scored_by(probe, Model(open_effect=open_effect, words=vocabulary)))
    assert done["jsd"].outcome == "no_difference_shown"


def small(*groups, **more):
    fields = {"id": "trial:log_odds_gap:x", "probe": "trial", "outcome": "small", "groups": groups}
    return result(**(fields | more))


def test_a_small_comparison_says_that_its_completions_differ():
    found = list(judged(scored(3.0, "abc")).values())
    noted, other = add_notices([small("a", OTHERS), small("b", OTHERS)], found)
    assert noted.contrary == "trial:completions:a-vs-others"
    assert "completions_differ" in noted.statuses
    assert (other.contrary, other.statuses) == ("", ())
    assert add_notices([small("a", OTHERS, outcome="open")], found)[0].contrary == ""
    assert find_contrary(small("b", "a"), found).groups == ("a", OTHERS)
    assert find_contrary(small("a", OTHERS, probe="elsewhere"), found) is None


def test_a_group_of_two_words_is_judged_by_its_interval_where_all_groups_differ():
    every = list(judged(scored(3.0, "abc")).values())
    few = [
        r.model_copy(update={"outcome": "not_measurable", "statuses": ("few_exchanges",)})
        if r.metric == "completions"
        else r
        for r in every
    ]
    assert find_contrary(small("a", OTHERS), few).groups == ("a", OTHERS)
    same = [
        r.model_copy(update={"outcome": "no_difference_shown"}) for r in few if r.metric == "jsd"
    ]
    assert find_contrary(small("a", OTHERS), [*same, *few[1:]]) is None


def test_the_interval_of_a_share_by_the_delta_method():
    shares = np.random.default_rng(1).beta(2, 60, size=(9, 1)) * np.ones((9, 5))
    low, high = share_interval(shares, 0.95, sample=True)
    from scipy import stats

    mean, se = shares.mean(), shares[:, 0].std(ddof=1) / 3
    half = stats.t.ppf(0.975, 8) * se / (mean * (1 - mean))
    ends = [1 / (1 + np.exp(-(np.log(mean / (1 - mean)) + s * half))) for s in (-1, 1)]
    assert (low, high) == pytest.approx(tuple(ends), rel=1e-6)
    assert share_interval(np.zeros((9, 5)), 0.95, sample=True) == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize("groups", ["ab", "abc"])
def test_dealt_labels_differ_in_at_most_six_per_cent(groups):
    """300 data sets; the limit leaves room for two standard errors of the simulation."""
    hits = []
    for seed in range(300):

        def open_effect(prompt, word, seed=seed):
            return noise(seed, prompt.template, word) + 0.6 * noise(seed, prompt.label, word)

        probe = make(groups={g: words(NAMES[g]) for g in groups}, opens=FRAMES)
        done = judged(scored_by(probe, Model(open_effect=open_effect), lists=LISTS))
        differ = [r.metric for r in done.values() if r.outcome == "completions_differ"]
        hits.append([metric in differ for metric in ("jsd", "hurtful_completions")])
    rates = np.mean(hits, axis=0)
    assert max(rates) <= 0.06 + 2 * np.sqrt(0.05 * 0.95 / 300)
