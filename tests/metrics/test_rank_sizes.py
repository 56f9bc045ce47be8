"""Rank tests beside the primary gaps, against scipy on the stored scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bias_audit.reports.view.measures import with_companions
from tests.audit.world import controlled, job_sentences, noise, only, pairs, primary, run, terms


def rough(prompt):
    pull = 0.3 if (prompt.group, prompt.pole) == ("a", "+") else 0.0
    return (
        pull
        + 0.3 * noise(prompt.template, prompt.group, prompt.pole)
        + 0.3 * noise(prompt.label, prompt.pole)
        + 0.1 * noise(prompt.text, prompt.target)
    )


def beside(result):
    return {c.metric: c for c in result.companions}


def responses(done):
    frame = done.measured.tables["trial"].frame
    wide = [
        frame[frame["pole"] == sign].pivot_table(
            index="template", columns=["group", "label"], values="log_prob"
        )
        for sign in "+-"
    ]
    return wide[0] - wide[1]


def test_unmatched_words_have_mann_and_whitneys_test():
    done = run(controlled(groups={"a": terms("ann", 5), "b": terms("bob", 6)}), rough)
    result, y = only(done), responses(done)
    found = beside(result)
    words = [y[g].mean().to_numpy() for g in "ab"]
    exact = stats.mannwhitneyu(*words, method="exact")
    assert found["cliffs_delta"].p_value == pytest.approx(exact.pvalue, rel=1e-4)
    delta = [t.value for t in result.by_template]
    wanted = stats.wilcoxon(delta, method="exact").pvalue
    assert found["sentence_ranks"].p_value == pytest.approx(wanted, rel=1e-4)
    inside = np.mean([y[g].to_numpy().var(ddof=1) for g in "ab"])
    assert found["standardised_gap"].value == pytest.approx(
        result.estimate / np.sqrt(inside), rel=1e-4
    )
    rows = [r for r in with_companions([result], {}) if r.metric == "sentence_ranks"]
    assert rows[0].p_value == found["sentence_ranks"].p_value


def test_matched_pairs_have_wilcoxons_test():
    done = run(controlled(groups={"a": pairs("ann", 7), "b": pairs("bob", 7)}), rough)
    found, y = beside(only(done)), responses(done)
    d = np.array([y["a"].mean()[f"ann{i}"] - y["b"].mean()[f"bob{i}"] for i in range(1, 8)])
    wanted = stats.wilcoxon(d, method="exact").pvalue
    assert found["rank_biserial"].p_value == pytest.approx(wanted, rel=1e-4)
    inside = np.mean([y[g].to_numpy().var(ddof=1) for g in "ab"])
    assert found["standardised_gap"].value == pytest.approx(d.mean() / np.sqrt(inside), rel=1e-4)
    assert found["standardised_gap"].ci_low < found["standardised_gap"].ci_high


def test_exactly_these_words_have_the_ranks_of_sentences_only():
    done = run(controlled(groups={"a": terms("ann", 2), "b": terms("bob", 2)}), rough)
    found = beside(only(done))
    assert "sentence_ranks" in found
    assert not {"cliffs_delta", "rank_biserial", "standardised_gap"} & set(found)


def test_masked_group_words_compare_the_targets_of_the_poles():
    probe = controlled(
        groups={"a": pairs("ann", 1), "b": pairs("bob", 1)},
        plus=terms("gain", 6),
        minus=terms("loss", 6),
        frames=job_sentences(8),
        mask="group",
    )
    result = only(run(probe, rough))
    found = beside(result)
    assert 0 < found["cliffs_delta"].p_value <= 1
    assert found["standardised_gap"].value * result.estimate > 0


def test_all_groups_at_once_have_intervals_of_their_shares():
    groups = {name: terms(name * 3, 4) for name in ("ash", "elm", "oak")}
    done = run(controlled(groups=groups), rough)
    (whole,) = (r for r in done.results.results if r.metric == "group_spread")
    for name in ("rank_agreement", "rank_share"):
        found = beside(whole)[name]
        assert 0 <= found.ci_low <= found.ci_high <= 1
    assert all("sentence_ranks" in beside(r) for r in primary(done))
