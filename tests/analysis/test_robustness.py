"""Notices about what hangs on one unit or one method; too little evidence describes only."""

from __future__ import annotations

import pytest

from bias_audit.metrics.scored_probe import Settings
from tests.analysis.world import (
    analyse,
    controlled,
    noise,
    only,
    pairs,
    plant,
    run,
    sentences,
    sign,
    terms,
)


def by_frame(values):
    """Plant a gap for each sentence; words differ a little."""

    def effect(p):
        if (p.group, p.pole) != ("a", "+"):
            return 0.0
        return values[int(p.template) - 1] + 0.01 * sign(p.label)

    return effect


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_fewer_than_eight_sentences_describe_only(count):
    done = run(controlled(frames=sentences(count)), plant(2.0))
    result = only(done)
    assert "descriptive_only" in result.statuses
    assert result.outcome == "not_measurable"
    assert f"only {count} sentences" in result.reason
    assert result.estimate is not None
    assert not done.results.findings


def test_eight_sentences_are_judged():
    assert only(analyse(controlled(frames=sentences(8)), plant(2.0))).outcome == "association"
    more = Settings(resamples=99, divergence_resamples=99, min_templates=9)
    assert only(analyse(controlled(), plant(2.0), settings=more)).outcome == "not_measurable"


def test_what_depends_on_the_interval_method_is_said():
    # three loud sentences: the t interval is outside the margin, that of the trimmed mean is not
    skewed = [0.96, 0.97, 0.97, 0.37, 0.38, 0.35, 0.31, 0.35, 0.33, 0.31, 0.36, 0.33]
    result = only(analyse(controlled(frames=sentences(12)), by_frame([v - 0.04 for v in skewed])))
    assert result.ci90_low > result.margin
    assert "fragile" in result.statuses
    assert result.outcome == "association"
    straight = [0.26 + 0.02 * i for i in range(12)]
    plain = only(analyse(controlled(frames=sentences(12)), by_frame(straight)))
    assert (plain.outcome, "fragile" in plain.statuses) == ("association", False)


def test_direction_that_depends_on_phrasing_is_said():
    mixed = [0.9, 0.8, 1.0, 0.9, 0.7, -0.2, -0.1, -0.3]
    result = only(analyse(controlled(), by_frame(mixed)))
    assert result.sign_share == 5 / 8
    assert "direction_depends_on_phrasing" in result.statuses
    agreed = only(analyse(controlled(), by_frame([*mixed[:5], 0.1, -0.1, -0.3])))
    assert agreed.sign_share == 6 / 8
    assert "direction_depends_on_phrasing" not in agreed.statuses


def test_one_target_that_dominates_is_named():
    def effect(p):
        return 6.0 + 0.1 * sign(p.template) if (p.group, p.target) == ("a", "gain2") else 0.0

    done = run(controlled(), effect)
    assert only(done).estimate == pytest.approx(1.0)
    assert "one_target_dominates" in only(done).statuses
    (finding,) = done.results.findings
    assert 'One word, "gain2", carries more than half of the gap.' in finding.notices
    spread = run(controlled(), plant(1.0))
    assert "one_target_dominates" not in only(spread).statuses
    none = run(controlled(), lambda p: 0.5 * noise(p.template, p.term, p.target))
    assert "one_target_dominates" not in only(none).statuses  # no gap, nothing to dominate


def test_poles_that_disagree_with_their_likely_words_are_flagged():
    def effect(p):
        if p.group != "a" or p.pole != "+":
            return 0.0
        likely = p.target == "gain1"
        return (-1.0 if likely else 1.0) + 0.05 * sign(p.template)

    def tilted(p):
        return effect(p) + (7.0 if p.target == "gain1" else 0.0)

    result = only(analyse(controlled(), tilted))
    assert result.estimate > result.margin
    assert "pole_heterogeneous" in result.statuses
    assert "pole_heterogeneous" not in only(analyse(controlled(), plant(1.0))).statuses


def test_under_powered_means_the_margin_could_be_missed():
    rough = only(analyse(controlled(), lambda p: 1.5 * noise(p.template, p.term, p.target)))
    assert rough.mde80 > rough.margin
    assert (rough.outcome, "under_powered" in rough.statuses) == ("open", True)
    sharp = only(analyse(controlled(), plant(0.1)))
    assert sharp.mde80 < sharp.margin
    assert "under_powered" not in sharp.statuses


@pytest.mark.parametrize(("count", "scope"), [(3, "terms"), (4, "concept"), (6, "concept")])
def test_scope_follows_the_number_of_words(count, scope):
    loose = controlled(groups={"a": terms("ann", count), "b": terms("bob", 6)})
    assert only(analyse(loose, plant(1.0))).scope == scope
    heads = ({"sg": "person"}, {"sg": "neighbor"}, {"sg": "student"}, {"sg": "friend"})
    one = {g: {"heads": heads, "entries": [{"adjective": f"{g}ish"}]} for g in "ab"}
    assert only(analyse(controlled(groups=one), plant(1.0))).scope == "terms"


def test_a_pair_that_is_incomplete_is_no_pair():
    odd = {"a": pairs("ann", 6), "b": pairs("bob", 5)}
    result = only(analyse(controlled(groups=odd), plant(1.0)))
    assert result.n_terms == 11
    assert result.estimate == pytest.approx(1.0, abs=1e-9)
