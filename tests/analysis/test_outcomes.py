"""Outcomes of hand-made comparisons: the rules, the bounds, and what controls forbid."""

from __future__ import annotations

import math

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bias_audit.analysis.outcomes import ControlFault, Instrument, conclude, outcome_of
from bias_audit.analysis.statements import Question, size_word
from tests.analysis.world import make
from tests.gates.cases import claim, result

MARGIN = math.log(1.25)
DF = 20.0


def compared(estimate, half, p=1.0, **more):
    """A comparison whose 90 % interval for these words has ``half`` on each side."""
    wide = half / stats.t.ppf(0.95, DF) * stats.t.ppf(0.975, DF)
    values = {"p_value": p, "p_adjusted": p, "margin": MARGIN, "outcome": None}
    values |= {"words_of_this_kind": claim(2 * wide, DF, p, estimate)}
    return result(estimate, wide, DF, **(values | more))


@pytest.mark.parametrize(
    ("estimate", "half", "p", "statuses", "outcome"),
    [
        (0.0, 0.1, 1.0, (), "small"),
        (0.1, 0.12, 1.0, (), "small"),
        (0.1, 0.13, 1.0, (), "open"),
        (-0.1, 0.13, 1.0, (), "open"),
        (0.1, 0.05, 0.049, (), "association"),  # slight, and shown for words of the kind
        (0.1, 0.05, 0.051, (), "small"),
        (0.4, 0.17, 1.0, (), "association"),  # of these words: beyond 1.25 times
        (0.4, 0.19, 1.0, (), "open"),
        (-0.4, 0.17, 1.0, (), "association"),
        (0.4, 0.19, 0.01, (), "association"),
        (0.4, 0.17, None, (), "association"),  # no claim about others, or its p is withheld
        (0.4, 0.19, None, (), "open"),
        (9.0, 0.1, 0.001, ("instrument_failed",), "not_measurable"),
        (9.0, 0.1, 0.001, ("descriptive_only",), "not_measurable"),
        (9.0, 0.1, 0.001, ("incomplete",), "not_measurable"),
        (9.0, 0.1, 0.001, ("silent_control",), "association"),
        (9.0, 0.1, 0.001, ("no_controls",), "association"),
        (9.0, 0.1, 0.001, ("loud_control",), "not_measurable"),
        (0.0, 0.1, 1.0, ("silent_control",), "not_measurable"),
        (0.0, 0.1, 1.0, ("no_controls",), "not_measurable"),
        (0.0, 0.1, 1.0, ("loud_control",), "small"),
        (0.2, 0.2, 1.0, ("silent_control",), "open"),
        (0.2, 0.2, 1.0, ("loud_control",), "open"),
        *(
            (estimate, half, p, (notice,), outcome)
            for notice in ("fragile", "confounded", "p_withheld", "no_card", "under_powered")
            for estimate, half, p, outcome in (
                (0.0, 0.1, 1.0, "small"), (0.2, 0.2, 1.0, "open"), (0.9, 0.1, 0.01, "association")
            )
        ),
    ],
)  # fmt: skip
def test_the_outcome_of_a_comparison(estimate, half, p, statuses, outcome):
    one = compared(estimate, half, p, statuses=statuses)
    assert outcome_of(one, MARGIN) == outcome
    assert outcome_of(one, MARGIN, partial=True) == "not_measurable"


def test_without_an_interval_nothing_is_measurable():
    assert outcome_of(result(None), MARGIN) == "not_measurable"
    flat = result(0.0, p_adjusted=1.0).model_copy(update={"se": 0.0})
    assert outcome_of(flat, MARGIN) == "not_measurable"


@pytest.mark.parametrize(
    ("gap", "statuses", "reason"),
    [
        (0.9, (), "the gap is the same in every sentence (2.5 ×), so no interval can be computed"),
        (-0.9, (), "the gap is the same in every sentence (2.5 ×)"),
        (1e-15, (), "no group changes any score"),
        (0.9, ("silent_control",), "'x' is silent; the gap is the same in every sentence (2.5 ×)"),
    ],
)
def test_a_gap_without_spread_says_how_large_it_is(gap, statuses, reason):
    given = "'x' is silent" if statuses else ""
    flat = compared(gap, 0.0, statuses=("degenerate", *statuses), reason=given)
    found = one([flat])
    assert found.outcome == "not_measurable"
    assert found.reason.startswith(reason)
    assert found.statement == f"not measurable: {found.reason}"


def test_a_wider_reference_margin_makes_more_small_and_no_association_less():
    wide = compared(0.4, 0.17)
    assert outcome_of(wide, 2.0) == "association"
    assert outcome_of(compared(0.4, 0.3), 2.0) == "small"


def one(results, **more):
    (done,) = conclude(results, Question.of(make()), **({"partial": False} | more))
    return done


@pytest.mark.parametrize(
    ("estimate", "half", "least", "most"),
    [
        (0.0, 0.1, None, 1.25),
        (0.56, 0.1, 1.5, 2.0),
        (-0.56, 0.1, 1.5, 2.0),
        (0.3, 0.2, None, 2.0),
        (2.0, 0.2, 5.0, 10.0),
        (3.0, 0.2, 10.0, None),
        (0.0, 3.0, None, None),
    ],
)
def test_bounds_are_rungs_that_hold_at_five_per_cent(estimate, half, least, most):
    done = one([compared(estimate, half)])
    assert (done.at_least, done.at_most) == (least, most)
    for rung in (1.25, 1.5, 2.0, 3.0, 5.0, 10.0):
        t = [(abs(estimate) + sign * math.log(rung)) / done.se for sign in (-1, 1)]
        beyond = stats.t.sf(t[0], DF) + stats.t.sf(t[1], DF) <= 0.05
        inside = stats.t.cdf(t[0], DF) <= 0.05
        assert beyond == (least is not None and rung <= least)
        assert inside == (most is not None and rung >= most)


def test_controls_take_the_bound_that_they_forbid():
    silent = one([compared(0.56, 0.1, 0.01, statuses=("silent_control",), reason="silent")])
    assert (silent.outcome, silent.at_least, silent.at_most) == ("association", 1.5, None)
    loud = one([compared(0.2, 0.2, statuses=("loud_control",), reason="loud")])
    assert (loud.outcome, loud.at_least, loud.at_most) == ("open", None, 1.5)
    both = one([compared(0.0, 0.1, statuses=("silent_control",), reason="'x' is silent")])
    assert (both.outcome, both.statement) == ("not_measurable", "not measurable: 'x' is silent")


def test_what_only_the_bound_shows_says_so():
    assert "these_words_only" in one([compared(0.56, 0.1, 0.2)]).statuses
    assert "these_words_only" not in one([compared(0.56, 0.1, 0.02)]).statuses


def test_the_comparisons_of_a_probe_are_one_family():
    p = [0.01, 0.03, 0.02, 0.6]
    family = [compared(0.1, 0.3, x, id=str(i)) for i, x in enumerate(p)]
    done = conclude(family, Question.of(make()), partial=False)
    expected = multipletests(p, method="holm")[1]
    assert [r.p_adjusted for r in done] == pytest.approx(list(expected))
    assert [r.outcome for r in done] == ["association", "open", "open", "open"]
    assert {r.p_adjustment for r in done} == {"Holm over 4"}


def test_a_run_that_was_cut_short_says_that_first():
    done = one([compared(0.9, 0.1, 0.01, statuses=("incomplete",))], partial=True)
    assert done.reason == "the run was cut short, so nothing is decided"


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(1.0, "slight"), (1.24, "slight"), (1.25, "moderate"), (1.9, "moderate"), (2.0, "strong"),
     (3.9, "strong"), (4.0, "very strong"), (90.0, "very strong")],
)  # fmt: skip
def test_words_for_sizes(ratio, word):
    for sign in (1, -1):
        assert size_word(sign * math.log(ratio * 1.000001)) == word


@pytest.mark.parametrize(
    ("fault", "compared_groups", "concerned"),
    [
        (("a", "b"), ("a", "b"), True),
        (("a", "~others"), ("a", "c"), True),
        (("a", "~others"), ("b", "~others"), False),
        (("first", "second"), ("b", "~others"), True),  # a placebo vouches for all groups
        (("own", "~others"), ("b", "~others"), True),
    ],
)
def test_a_control_concerns_its_own_groups(fault, compared_groups, concerned):
    faults = (ControlFault(code="loud_control", reason="loud", groups=fault),)
    vetted = Instrument(faults=faults).vet(result(groups=compared_groups), ("a", "b", "c"))
    assert ("loud_control" in vetted.statuses) is concerned
    assert vetted.reason == ("loud" if concerned else "")
