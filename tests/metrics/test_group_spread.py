"""All groups at once: the result of probes with three groups or more."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from tests.analysis.world import (
    CONTROLS,
    analyse,
    controlled,
    job_sentences,
    make,
    noise,
    reordered,
    terms,
)

GROUPS = {name: terms(name * 3, 4) for name in ("ash", "elm", "oak")}
SHIFT = {"ash": 0.9, "elm": 0.0, "oak": -0.3}


def rough(prompt):
    """Noise everywhere, and a pull of the groups towards the first pole."""
    pull = SHIFT.get(prompt.group, 0.0) if prompt.pole == "+" else 0.0
    return (
        pull
        + 0.2 * noise(prompt.template, prompt.group, prompt.pole)
        + 0.2 * noise(prompt.label, prompt.pole)
        + 0.1 * noise(prompt.text, prompt.target)
    )


def spreads(done):
    return [r for r in done.results.results if r.metric == "group_spread"]


@pytest.fixture(scope="module")
def probe():
    return controlled(groups=GROUPS)


@pytest.fixture(scope="module")
def done(probe):
    return analyse(probe, rough)


def responses(done, name="trial"):
    """(templates, words) responses from the stored scores, and the group of each word."""
    frame = done.measured.tables[name].frame
    wide = frame.pivot_table(index="template", columns=["group", "label"], values="log_prob")
    assert not wide.isna().to_numpy().any()
    by_pole = {
        sign: frame[frame["pole"] == sign].pivot_table(
            index="template", columns=["group", "label"], values="log_prob"
        )
        for sign in "+-"
    }
    return by_pole["+"] - by_pole["-"]


def test_the_spread_is_that_of_the_stored_scores(done):
    (found,) = spreads(done)
    y = responses(done)
    means = y.T.groupby(level="group").mean().T
    assert found.estimate == pytest.approx(means.mean().std(ddof=1), rel=1e-5)
    assert found.groups == ("ash", "elm", "oak")
    assert (found.role, found.unit) == ("secondary", "nats")
    assert (found.n_templates, found.n_terms, found.n_targets) == (8, 12, 12)
    assert (found.scope, found.claim) == ("concept", "words_of_this_kind")
    assert found.effect_size == pytest.approx((found.estimate / found.null_mean) ** 2, rel=1e-5)
    assert found.null_mean < found.null_p95 < found.estimate
    assert found.p_value < 0.05


def test_its_ranks_are_those_of_scipy(done):
    (found,) = spreads(done)
    y = responses(done)
    means = y.T.groupby(level="group").mean().T
    friedman = stats.friedmanchisquare(*(means[g] for g in means))
    words = [y.mean()[g].to_numpy() for g in means]
    kruskal = stats.kruskal(*words)
    beside = {c.metric: c.value for c in found.companions}
    assert beside["rank_agreement"] == pytest.approx(friedman.statistic / 16, rel=1e-4)
    assert beside["rank_share"] == pytest.approx(kruskal.statistic / 11, rel=1e-4)
    assert found.p_sign_flip < 0.05
    assert found.p_label_exchange == pytest.approx(kruskal.pvalue, abs=0.05)


def test_the_order_in_the_files_changes_no_number(probe, done):
    turned = reordered(probe, lambda items: list(items)[::-1])
    groups = tuple(reversed(turned.groups))
    other = analyse(
        type(turned)(**{f: getattr(turned, f) for f in turned.__slots__} | {"groups": groups}),
        rough,
    )
    (found,), (again,) = spreads(done), spreads(other)
    for name in ("estimate", "p_value", "p_sign_flip", "p_label_exchange", "null_p95"):
        assert getattr(again, name) == pytest.approx(getattr(found, name), rel=1e-9)
    assert [c.value for c in again.companions] == [c.value for c in found.companions]
    assert again.groups == ("oak", "elm", "ash")


def test_tests_of_all_groups_share_the_exploratory_family_of_their_probe(probe):
    """A family of their own would make each look stronger than it is."""
    two = analyse([probe, controlled("other", groups={"x": terms("xen", 4)} | GROUPS)], rough)
    assert len(spreads(two)) == 2
    for name, groups in (("trial", 3), ("other", 4)):
        mine = [r for r in two.results.results if r.probe == name and r.role == "secondary"]
        tested = [r for r in mine if r.p_value is not None]
        pairs = sum(r.metric == "log_odds_gap" for r in tested)
        assert pairs == groups * (groups - 1) // 2
        assert sum(r.metric == "group_spread" for r in tested) == 1
        _, adjusted, *_ = multipletests([r.p_value for r in tested], method="fdr_by")
        assert [r.p_adjusted for r in tested] == pytest.approx(list(adjusted))
        assert {r.p_adjustment for r in tested} == {f"Benjamini-Yekutieli over {len(tested)}"}


def test_two_groups_and_controls_have_none(done):
    assert spreads(analyse(controlled(), rough)) == []
    assert {r.probe for r in spreads(done)} == {"trial"}


def test_one_word_in_each_group_cannot_be_exchanged():
    (found,) = spreads(analyse(controlled(groups={g: [g] for g in GROUPS}), rough))
    assert found.p_label_exchange is None
    assert found.scope == "terms"
    assert [c.metric for c in found.companions] == ["rank_agreement"]
    assert found.p_value < 0.05


def test_group_masked_probes_ask_sentences_and_targets():
    masked = make(
        "jobs",
        mask="group",
        groups={"a": ["she"], "b": ["he"], "c": ["they"]},
        frames=job_sentences(8),
        controls=CONTROLS,
    )

    def pull(prompt):
        return (0.8 if (prompt.group, prompt.pole) == ("a", "+") else 0.0) + 0.2 * noise(
            prompt.template, prompt.group, prompt.target
        )

    (found,) = spreads(analyse(masked, pull))
    assert set(found.variance) == {"templates", "targets"}
    assert found.p_label_exchange is None
    assert found.estimate == pytest.approx(np.std([0.8, 0, 0], ddof=1), abs=0.08)


def test_what_blocks_a_verdict_stands_beside_it(probe):
    (same,) = spreads(analyse(probe, lambda p: 0.0))
    assert (same.p_value, same.estimate) == (1.0, 0.0)
    assert "degenerate" in same.statuses
    few = controlled(groups=GROUPS, frames=[f"The [group] took the <mask> {i}." for i in range(4)])
    (short,) = spreads(analyse(few, rough))
    assert "descriptive_only" in short.statuses
    (bare,) = spreads(analyse(make(groups=GROUPS), rough))
    assert "no_controls" in bare.statuses
