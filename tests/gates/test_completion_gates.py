"""Gates, baselines and changes about completions: percentage points, one rule with gaps."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from bias_audit.analysis.change import summarised_change
from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.records import OTHERS
from bias_audit.reports.comparison import render
from tests.gates.cases import change, comparison, result, run

SAID = {
    "id": "p:completions:a-vs-b",
    "metric": "completions",
    "role": "secondary",
    "unit": "points",
    "outcome": "completions_differ",
    "margin": None,
}
HURT = SAID | {"id": "p:hurtful_completions:a-vs-b", "metric": "hurtful_completions"}


def gate(measure="completions", **more):
    limit = {} if "against" in more else {"max": 5.0}
    return GateConfig.model_validate({"id": "g", "probe": "*", "measure": measure} | limit | more)


def judged(config, *results):
    return list(judge(run(*results), Policy(gates=(config,))).gates)


@pytest.mark.parametrize(
    ("estimate", "half", "state"),
    [(2.0, 1.0, "pass"), (9.0, 1.0, "fail"), (5.5, 2.0, "unclear"), (-2.0, 1.0, "pass")],
)
def test_the_share_that_differs_against_a_limit_in_points(estimate, half, state):
    (one,) = judged(gate(), result(estimate, half, **SAID), result(0.0))
    assert one.state == state
    assert one.id == "g:p:completions:a-vs-b"
    assert one.condition == (
        "the completions after A and B differ by at most 5 percentage points of probability"
    )


def test_hurtful_completions_have_a_gate_of_their_own():
    (one,) = judged(gate("hurtful_completions", max=1.0), result(-3.0, 0.5, **HURT), result(**SAID))
    assert (one.state, one.result) == ("fail", HURT["id"])
    assert "the hurtful completions after A and B differ by at most 1" in one.condition


def test_each_group_of_several_is_judged():
    more = [
        result(e, 1.0, **SAID | {"id": f"p:completions:{g}-vs-others", "groups": (g, OTHERS)})
        for g, e in (("a", 1.0), ("b", 20.0), ("c", 1.0))
    ]
    assert [one.state for one in judged(gate(), *more)] == ["pass", "fail", "pass"]


@pytest.mark.parametrize("status", ["descriptive_only", "instrument_failed", "incomplete"])
def test_what_is_not_measurable_is_unclear(status):
    (one,) = judged(gate(), result(20.0, 1.0, **SAID | {"statuses": (status,)}))
    assert (one.state, one.reason_code) == ("unclear", status)


def test_few_words_forbid_no_verdict_about_these_words():
    (one,) = judged(gate(), result(20.0, 1.0, **SAID | {"statuses": ("few_exchanges",)}))
    assert one.state == "fail"
    assert "few_exchanges" in one.notices


def test_a_gate_without_completions_is_unclear():
    (one,) = judged(gate(), result(0.0))
    assert (one.state, one.reason_code) == ("unclear", "no_result")
    assert one.reason == "the probe has no completions to judge"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"over": "groups"}, "'over' is for gaps"),
        ({"claim": "words_of_this_kind"}, "'claim' is for gaps"),
        ({"max": 101.0}, "expected a number of at most 100"),
        ({"measure": "log_odds_gap", "max": 3.5}, "a gap is at most 3 nats, which is 20x"),
        ({"max": "1.5x"}, "'completions' is measured in points, not in times | write max: 5"),
        ({"measure": "completion"}, "'completions' or 'hurtful_completions'"),
    ],
)
def test_mistakes_in_a_gate(wrong, message):
    with pytest.raises(ValidationError) as error:
        GateConfig.model_validate(
            {"id": "g", "probe": "*", "measure": "completions", "max": 5.0} | wrong
        )
    assert message in str(error.value)


def test_a_change_of_completions_by_hand():
    old, new = result(4.0, 1.0, df=10, **SAID), result(9.0, 2.0, df=20, **SAID)
    one = summarised_change(old, new)
    se = np.hypot(old.se, new.se)
    df = se**4 / (old.se**4 / 10 + new.se**4 / 20)
    assert one.difference == pytest.approx(5.0)
    assert (one.se, one.df) == pytest.approx((se, df))
    assert one.ci_low == pytest.approx(5 - stats.t.ppf(0.975, df) * se)
    assert one.p_value == pytest.approx(2 * stats.t.sf(5 / se, df))
    (bound,) = one.bounds
    assert (bound.claim, bound.estimate, bound.se) == ("further", pytest.approx(5.0), one.se)
    assert one.rise_high == pytest.approx(5 + stats.t.ppf(0.95, df) * se)
    assert not one.identical


def test_a_hurtful_difference_may_grow_in_either_direction():
    one = summarised_change(result(1.0, 0.2, **HURT), result(-6.0, 0.2, **HURT))
    assert one.rise == pytest.approx(5.0)
    further, reversed_ = one.bounds
    assert (further.estimate, reversed_.estimate) == pytest.approx((-7.0, 5.0))
    assert reversed_.se == pytest.approx(2 * result(1.0, 0.2).se)  # the sum of both errors


def test_the_same_numbers_are_no_change():
    one = summarised_change(result(4.0, 1.0, **SAID), result(4.0, 1.0, **SAID))
    assert one.identical
    assert one.rise == 0.0


def test_without_an_error_there_is_no_change_to_judge():
    one = summarised_change(result(None, **SAID), result(4.0, 1.0, **SAID))
    assert (one.rise, one.se) == (None, None)


def test_rows_of_a_comparison_name_completions_and_show_them_where_they_changed():
    said = change(
        5.0, 1.0, metric="completions", unit="points", role="secondary", result="r", differs=True
    )
    quiet = said.model_copy(update={"differs": False})
    for one, shown in ((said, True), (quiet, False)):
        text = " ".join(render(comparison(change(0.1), one), "terminal", secondary=False).split())
        assert ("p: a - b, completions" in text) == shown, text
        assert "of completions in percentage points" in text
