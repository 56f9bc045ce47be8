"""Which p-values are adjusted together, and how: the default, and what can be chosen."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bias_audit.analysis.multiple_testing import adjust_exploratory
from bias_audit.errors import UsageError
from bias_audit.results import Result
from bias_audit.stats.multiplicity import bh, by, holm
from tests.analysis.world import (
    FAST,
    analyse,
    controlled,
    job_sentences,
    noise,
    pairs,
    primary,
    terms,
)

EXACT = {
    "groups": {name: terms(name * 3, 2) for name in ("ash", "elm", "oak")},
    "plus": terms("gain", 4),
    "minus": terms("loss", 4),
}
"""Three groups of two words: a claim about exactly these words and targets."""
MAX_T = replace(FAST, target_family="max-t")


def rough(prompt):
    """A pull of one group, and noise in every sentence."""
    pull = 0.5 if (prompt.group, prompt.pole) == ("ash", "+") else 0.0
    return (
        pull
        + 0.4 * noise(prompt.template, prompt.group, prompt.pole)
        + 0.3 * noise(prompt.template, prompt.group, prompt.target)
    )


@pytest.fixture(scope="module")
def exact():
    return analyse(controlled(**EXACT), rough, settings=MAX_T)


def enumerated(deltas):
    """Step-down max-T of (rows, questions) over every pattern of signs, in loops."""
    rows = len(deltas)
    patterns = np.array(list(itertools.product([1, -1], repeat=rows)))
    null = np.array([np.abs(stats.ttest_1samp(deltas * s[:, None], 0).statistic) for s in patterns])
    seen = np.abs(stats.ttest_1samp(deltas, 0).statistic)
    adjusted, most = np.empty(seen.size), 0.0
    order = np.argsort(-seen)
    for place, question in enumerate(order):
        most = max(most, np.mean(null[:, order[place:]].max(axis=1) >= seen[question] - 1e-9))
        adjusted[question] = most
    return adjusted


def test_the_default_is_holm_and_benjamini_yekutieli():
    found = primary(analyse(controlled(**EXACT), rough))
    raw = [r.p_value for r in found]
    assert [r.p_adjusted for r in found] == pytest.approx(list(holm(raw)))
    assert {r.p_adjustment for r in found} == {"Holm over 3"}
    for result in found:
        words = [t.p_value for t in result.by_target]
        assert [t.p_adjusted for t in result.by_target] == pytest.approx(list(by(words)))
        assert result.targets_adjustment == "Benjamini-Yekutieli over 8"


def test_what_else_was_run_changes_no_comparison(exact):
    """Families are one probe: a second probe on the axis, and a second axis, change nothing."""
    alone = analyse(controlled(**EXACT), rough)
    others = [controlled("other", **EXACT), controlled("away", **EXACT, axis="elsewhere")]
    beside = analyse([controlled(**EXACT), *others], rough)

    def numbers(done):
        mine = [r for r in done.results.results if r.probe == "trial"]
        return {r.id: (r.p_adjusted, r.p_adjustment, r.outcome) for r in mine}

    assert numbers(alone) == numbers(beside)
    assert {r.p_adjustment for r in primary(alone)} == {"Holm over 3"}


def test_max_t_of_a_table_of_words(exact):
    frame = exact.measured.tables["trial"].frame
    cells = frame.pivot_table(index="template", columns=["group", "target"], values="log_prob")
    centred = {g: cells[g].sub(cells[g].mean(axis=1), axis=0) for g in ("ash", "elm", "oak")}
    for result in primary(exact):
        rest = [g for g in centred if g != result.groups[0]]
        gap = centred[result.groups[0]] - sum(centred[g] for g in rest) / 2
        wanted = dict(zip(gap.columns, enumerated(gap.to_numpy()), strict=True))
        for target in result.by_target:
            own = max(wanted[target.id], target.p_value)
            assert target.p_adjusted == pytest.approx(own, abs=1e-9)
        assert result.targets_adjustment == "max-T over 8, all 256 flips of sentences"


def test_max_t_of_masked_group_words():
    probe = controlled(
        groups={"a": pairs("ann", 1), "b": pairs("bob", 1)},
        plus=terms("gain", 5),
        minus=terms("loss", 5),
        frames=job_sentences(8),
        mask="group",
    )
    (found,) = primary(analyse(probe, rough, settings=MAX_T))
    assert found.targets_adjustment == "max-T over 10, all 256 flips of sentences"
    assert found.p_adjustment == "Holm over 1"


def test_benjamini_yekutieli_stands_in_where_the_questions_share_no_flips():
    groups = {name: terms(name * 3, 5) for name in ("ash", "elm", "oak")}
    for result in primary(analyse(controlled(groups=groups), rough, settings=MAX_T)):
        words = [t.p_value for t in result.by_target]
        assert [t.p_adjusted for t in result.by_target] == pytest.approx(list(by(words)))
        said = "(max-T needs a claim about exactly these words and targets)"
        assert result.targets_adjustment == f"Benjamini-Yekutieli over {len(words)} {said}"


def test_exploratory_results_by_benjamini_and_hochberg():
    chosen = replace(FAST, secondary_family="bh", target_family="bh")
    done = analyse(controlled(**EXACT), rough, settings=chosen)
    tested = [r for r in done.results.results if r.role == "secondary" and r.p_value is not None]
    assert len(tested) == 4  # three pairs, and all groups at once
    assert [r.p_adjusted for r in tested] == pytest.approx(list(bh([r.p_value for r in tested])))
    assert {r.p_adjustment for r in tested} == {"Benjamini-Hochberg over 4"}
    words = primary(done)[0].by_target
    assert [t.p_adjusted for t in words] == pytest.approx(list(bh([t.p_value for t in words])))


def asked(name, p, **more):
    values = {
        "id": name, "probe": "x", "axis": "x", "metric": "jsd", "groups": ("a", "b"),
        "estimate": 1.0, "unit": "bits", "direction": "x", "n_templates": 9, "n_terms": 12,
        "n_prompts": 1, "p_value": p, "p_method": "t",
    }  # fmt: skip
    return Result.model_validate(values | more)


def test_a_family_does_not_shrink_with_its_data():
    """Tests without a p count as p = 1; what was never meant to be tested does not count."""
    shown = asked("shown", None, p_method="")
    lost = asked("lost", None, p_method="withheld (R7): t")
    first, second = [asked("low", 0.01), lost], [shown, asked("high", 0.2)]
    adjust_exploratory([first, second], FAST)
    expected = by([0.01, 1.0, 0.2])
    assert [r.p_adjusted for r in (first[0], second[1])] == pytest.approx([*expected[[0, 2]]])
    assert first[0].p_adjustment == "Benjamini-Yekutieli over 3"
    assert (first[1], second[0]) == (lost, shown)


@pytest.mark.parametrize("name", ["secondary_family", "target_family"])
def test_a_family_that_there_is_not_is_refused(name):
    with pytest.raises(UsageError, match=f"{name} is one of .*, not 'bonferroni'"):
        replace(FAST, **{name: "bonferroni"})
