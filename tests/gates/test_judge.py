"""What a gate says beside its state: families, advice, reasons, places, exit codes."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bias_audit.errors import UsageError
from bias_audit.gates.judge import exit_code, judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.verdict import SHARED
from bias_audit.results.decisions import Gate, MissingChange
from bias_audit.results.schema import ErrorRecord
from tests.analysis.world import controlled, plant
from tests.analysis.world import run as audited
from tests.gates.cases import change, comparison, gate, model, probe, result, rising, run


def gates(*results, configs=None, compared=None, **more):
    policy = Policy(gates=configs or (gate(),))
    return judge(run(*results, **more), policy, compared).gates


@pytest.mark.parametrize(
    ("estimate", "half", "state"),
    [
        (0.0, 0.1, "pass"),
        (0.0, 0.49, "pass"),
        (0.3, 0.23, "pass"),  # the 90 % interval is inside, the 95 % one is not
        (0.3, 0.26, "unclear"),
        (-0.3, 0.1, "pass"),
        (-0.3, 0.26, "unclear"),
        (0.0, 0.7, "unclear"),
        (0.5, 0.01, "unclear"),
        (0.6, 0.2, "unclear"),
        (0.6, 0.09, "fail"),
        (-0.6, 0.09, "fail"),
        (3.0, 1.0, "fail"),
    ],
)
def test_where_the_interval_lies_decides(estimate, half, state):
    (made,) = gates(result(estimate, half))
    assert made.state == state
    assert (made.enforced, made.limit, made.estimate) == (True, 0.5, estimate)
    assert (made.ci_low, made.ci_high) == (estimate - half, estimate + half)


@pytest.mark.parametrize("status", ["under_powered", "pole_heterogeneous", "one_target_dominates"])
def test_a_notice_blocks_nothing(status):
    assert gates(result(statuses=(status,)))[0].state == "pass"
    assert gates(result(3.0, statuses=(status,)))[0].state == "fail"


@pytest.mark.parametrize(
    ("over", "ids"),
    [(None, ["primary"]), ("groups", ["primary"]), ("pairs", ["pair"])],
)
def test_over_chooses_the_comparison(over, ids):
    found = [
        result(id="primary", groups=("a", "~others")),
        result(id="pair", role="secondary"),
        result(id="control", role="control"),
        result(id="other-metric", metric="jsd", role="secondary"),
    ]
    made = gates(*found, configs=(gate(over=over),))
    assert [g.result for g in made if g.enforced] == ids


def test_one_family_of_sizes_and_rises():
    found = [result(e, 0.11, id=f"r{i}", probe=f"p{i}") for i, e in enumerate((0.62, 0.66, 0.1))]
    steps = [0.57, 0.68, 0.2]
    changes = [change(step, 0.06, result=f"r{i}", probe=f"p{i}") for i, step in enumerate(steps)]
    compared = {"main": comparison(*changes)}
    made = gates(*found, configs=(gate(), rising(id="up")), compared=compared)
    p = [min(1, 2 * stats.t.sf((abs(r.estimate) - 0.5) / r.se, r.df)) for r in found]
    p += [
        stats.t.sf((c.bounds[0].estimate - 0.5) / c.bounds[0].se, c.bounds[0].df) for c in changes
    ]
    adjusted = multipletests(p, method="holm")[1]
    assert [g.state == "fail" for g in made] == [bool(q <= 0.05) for q in adjusted]
    assert [g.state for g in made] == ["unclear", "fail", "pass", "unclear", "fail", "pass"]
    assert "not after adjusting for 6 gated results" in made[0].reason
    assert "not after adjusting for 6 gated results" in made[3].reason
    alone = gates(found[0])
    assert [g.state for g in alone] == ["fail"]


def test_what_cannot_be_judged_still_counts_in_the_family():
    """A failed control must not make it easier to fail the rest."""
    near = result(0.612, 0.11, id="near", probe="near")
    assert gates(near)[0].state == "fail"
    broken = result(3.0, 0.1, id="broken", probe="broken", statuses=("instrument_failed",))
    assert [g.state for g in gates(near, broken)] == ["unclear", "unclear"]


def test_a_rise_whose_direction_is_uncertain_needs_twice_the_evidence():
    for level, state in ((0.95, "fail"), (0.975, "unclear")):
        compared = {"main": comparison(change(0.61, 0.1, bound_level=level))}
        (made,) = gates(result(1.0), configs=(rising(),), compared=compared)
        assert made.state == state, level
        compared = {"main": comparison(change(0.39, 0.1, bound_level=level))}
        (made,) = gates(result(1.0), configs=(rising(),), compared=compared)
        assert made.state == ("pass" if level == 0.95 else "unclear")


def test_a_gap_that_turned_over_fails_as_a_rise_does():
    turned = change(-2.2, 0.1)
    bounds = tuple(
        bound.model_copy(update={"estimate": 1.4 if bound.claim == "reversed" else -2.2})
        for bound in turned.bounds
    )
    found = turned.model_copy(update={"bounds": bounds, "rise": 1.4})
    (made,) = gates(result(-1.2), configs=(rising(),), compared={"main": comparison(found)})
    assert (made.state, made.reason_code, made.rise) == ("fail", "outside_rise", 1.4)


WORDS_DECIDE = {"templates": 0.0001, "terms": 0.02, "residual": 0.0}
SENTENCES_DECIDE = {"templates": 0.02, "terms": 0.0001, "residual": 0.0}


@pytest.mark.parametrize(
    ("estimate", "more", "needs", "said"),
    [
        (0.3, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, True, None), "more sentences alone would not"),
        (0.3, {"variance": SENTENCES_DECIDE, "scope": "concept"}, (True, None, None), "more group words alone would not"),
        (0.3, {"variance": SENTENCES_DECIDE, "scope": "terms"}, (True, None, None), "sentences (12 now) would decide if the estimate stayed"),
        (0.8, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, True, None), "more sentences alone would not"),
        (0.499, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, None, None), "more sentences or group words alone would not decide"),
        (0.5, {"variance": WORDS_DECIDE, "scope": "concept"}, (None, None, None), "alone would not decide"),
        (0.3, {"variance": WORDS_DECIDE | {"targets": 0.01}, "scope": "concept", "claim": "words_of_this_kind", "n_targets": 40}, (None, True, None), "more sentences or words of the poles alone would not"),
        (0.3, {"variance": {"templates": 0.0001, "targets": 0.02}, "scope": "terms", "claim": "words_of_this_kind", "n_targets": 24}, (None, None, True), "words of the poles (24 now)"),
        (0.3, {}, (None, None, None), "what would decide is not known"),
    ],
)  # fmt: skip
def test_what_would_decide(estimate, more, needs, said):
    se = sum(v for k, v in more.get("variance", {"all": 0.02}).items() if k != "residual") ** 0.5
    stored = result(estimate, df=12.0).model_copy(update={"se": se} | more)
    (made,) = gates(stored)
    assert (made.state, made.reason_code) == ("unclear", "crosses_limit")
    found = (made.templates_needed, made.terms_needed, made.targets_needed)
    assert tuple(None if n is None else n > 12 for n in found) == needs
    assert said in made.reason
    for number in found:
        assert number is None or f"about {number} " in made.reason


def test_what_would_decide_a_rise():
    found = change(0.3, 0.4, variance=WORDS_DECIDE)
    (made,) = gates(
        result(1.0, scope="concept"), configs=(rising(),), compared={"main": comparison(found)}
    )
    assert made.reason_code == "crosses_rise"
    assert made.templates_needed is None
    assert made.terms_needed is not None
    assert f"about {made.terms_needed} group words (12 now) would decide" in made.reason


def test_what_would_decide_a_gap_that_may_have_turned_over():
    """The other claim lies far below its limit; its narrow interval must not be the advice."""
    found = change(0.0, 0.05, variance=WORDS_DECIDE)
    bounds = tuple(
        bound.model_copy(update={"estimate": 0.7 if wide else -2.0, "se": 0.2 if wide else 0.02})
        for bound in found.bounds
        for wide in (bound.claim == "reversed",)
    )
    found = found.model_copy(update={"bounds": bounds, "rise": 0.7})
    single = result(-0.9, scope="concept", variance=WORDS_DECIDE)
    (made,) = gates(single, configs=(rising(),), compared={"main": comparison(found)})
    assert made.reason_code == "crosses_rise"
    assert (made.templates_needed, made.targets_needed) == (None, None)
    assert made.terms_needed is not None
    more = made.terms_needed / 12
    assert stats.t.isf(0.05, 20 * more) * 0.2 / more**0.5 == pytest.approx(0.2, rel=0.05)


def test_only_an_interval_that_crosses_gets_numbers():
    variance = {"variance": WORDS_DECIDE, "scope": "concept"}
    for estimate, more in ((0.0, {}), (1.0, {}), (0.3, {"statuses": ("incomplete",)})):
        (made,) = gates(result(estimate, **(variance | more)))
        assert (made.templates_needed, made.terms_needed, made.targets_needed) == (None, None, None)


def test_fragile_is_judged_at_the_limit_of_the_gate():
    margin = {"statuses": ("fragile",), "loo_low": 0.1, "loo_high": 0.3}
    assert gates(result(0.2, **margin))[0].state == "pass", "fragile at the probe's margin only"
    steady = {"loo_low": 0.35, "loo_high": 0.45}
    assert gates(result(0.4, **steady))[0].reason_code == "fragile"
    assert gates(result(0.3, loo_low=0.2, loo_high=0.4))[0].state == "pass"
    assert gates(result(0.65, loo_low=0.58, loo_high=0.7))[0].reason_code == "fragile"
    skewed = {"skewed": True, "loo_low": 0.2, "loo_high": 0.2}
    assert gates(result(0.2, **skewed))[0].reason_code == "fragile"
    assert gates(result(0.2, alt_ci90_low=0.1, alt_ci90_high=0.4, **skewed))[0].state == "pass"


def test_halves_of_the_words_are_asked_at_the_limit_of_the_gate():
    near = {
        "split_half_low": 0.1,
        "split_half_high": 0.3,
        "split_half_fail_limit": 0.05,
        "split_half_pass_limit": 0.4,
    }
    steady = {"loo_low": 0.2, "loo_high": 0.2}
    assert gates(result(0.2, **steady, **near))[0].state == "pass"
    denies = near | {"split_half_fail_limit": 0.55}
    assert gates(result(0.2, **steady, **denies))[0].reason_code == "fragile"
    loud = {"loo_low": 0.9, "loo_high": 0.9, "split_half_low": 0.6, "split_half_high": 1.2}
    loud |= {"split_half_fail_limit": 0.3, "split_half_pass_limit": 1.0}
    assert gates(result(0.9, **loud))[0].state == "fail"
    assert gates(result(0.9, **loud | {"split_half_low": -0.01}))[0].reason_code == "fragile"
    assert gates(result(0.9, **loud | {"split_half_pass_limit": 0.45}))[0].reason_code == "fragile"


def test_a_failure_is_steady_at_the_level_that_decides_it():
    """After Holm a failure is nearer to its limit than its 95 % interval says."""
    near = result(0.636, id="near", probe="near", loo_low=0.616, loo_high=0.65)
    assert gates(near)[0].state == "fail"
    lost = [result(0.0, 1.0, id=f"r{i}", probe=f"r{i}") for i in range(3)]
    p = 2 * stats.t.sf((0.636 - 0.5) / near.se, near.df)
    assert 0.03 < 4 * p < 0.05
    found = {g.result: g for g in gates(near, *lost)}
    assert found["near"].reason_code == "fragile"
    printed = near.model_copy(update={"confidence": 0.5})
    assert gates(printed)[0].state == "fail", "what is printed decides nothing"


def test_a_gap_that_leaves_the_limit_at_equal_frequency_does_not_pass():
    steady = {"loo_low": 0.2, "loo_high": 0.2}
    assert gates(result(0.2, **steady, adjusted_estimate=0.4))[0].state == "pass"
    for adjusted in (0.6, -0.6):
        (made,) = gates(result(0.2, **steady, adjusted_estimate=adjusted))
        assert (made.state, made.reason_code) == ("unclear", "confounded")


@pytest.mark.parametrize(
    ("estimate", "adjusted", "statuses", "state", "code"),
    [
        (0.2, 0.4, ("confounded",), "pass", "inside_limit"),  # another limit than the probe's
        (0.3, 0.05, (), "pass", "inside_limit"),  # little is left of what was small anyway
        (0.9, 0.8, ("confounded",), "fail", "outside_limit"),
        (0.9, 0.46, (), "unclear", "confounded"),  # inside at equal frequency
        (-0.9, -0.46, (), "unclear", "confounded"),
        (2.0, 0.6, (), "unclear", "confounded"),  # still outside, with less than half left
        (0.6, 0.2, (), "unclear", "confounded"),  # more sentences would not help
        (0.6, 0.4, (), "unclear", "crosses_limit"),
    ],
)
def test_gates_ask_about_frequency_at_their_own_limit(estimate, adjusted, statuses, state, code):
    steady = {"loo_low": estimate, "loo_high": estimate}
    (made,) = gates(result(estimate, adjusted_estimate=adjusted, statuses=statuses, **steady))
    assert (made.state, made.reason_code) == (state, code)


def test_what_frequency_explains_still_counts_in_the_family():
    near = result(0.612, 0.11, id="near", probe="near")
    assert gates(near)[0].state == "fail"
    lost = result(3.0, 0.1, id="lost", probe="lost", adjusted_estimate=0.1)
    found = {made.result: made.state for made in gates(near, lost)}
    assert found == {"near": "unclear", "lost": "unclear"}


def test_gates_without_a_result():
    there = result(0.0, id="r", probe="p")
    crashed = probe("q", state="error", reason="too long")
    late = probe("z", state="skipped", reason="the time was up")
    control = probe("c", state="error", role="positive_control")
    done = judge(
        run(there, probes=(probe(), crashed, late, control)),
        Policy(gates=(gate(), gate(id="one", probe="q"), gate(id="nobody", probe="x-*"))),
    )
    assert [(g.id, g.state, g.reason_code) for g in done.gates] == [
        ("g:r", "pass", "inside_limit"),
        ("g:q", "error", "probe_error"),
        ("g:z", "unclear", "partial_run"),
        ("one:q", "error", "probe_error"),
        ("nobody", "unclear", "no_result"),
    ]
    assert done.states == {
        "pass": 1, "fail": 0, "unclear": 2, "error": 2, "waived": 0, "skipped": 1,
    }  # fmt: skip
    assert "too long" in done.gates[1].reason
    assert done.exit_code == 3


def test_a_gate_on_a_control_says_so():
    control = probe("kin", role="positive_control")
    done = judge(run(probes=(probe(), control)), Policy(gates=(gate(id="g", probe="kin"),)))
    assert [(g.state, g.reason_code) for g in done.gates if g.enforced] == [
        ("unclear", "no_result")
    ]
    assert "names controls only" in done.gates[0].reason


def test_no_probe_of_a_glob_is_left_out_silently():
    found = (
        result(id="two", probe="two"),
        result(id="rest", probe="three", groups=("a", "~others")),
        result(id="pair", probe="three", role="secondary"),
        result(id="own", probe="own", metric="diagonal_log_odds"),
    )

    def judge_run(**more):
        made = gates(*found, configs=(gate(**more),))
        return {g.id: g.reason_code for g in made if g.enforced}

    lost = {"g:own": "no_result"}
    assert judge_run() == {"g:two": "inside_limit", "g:rest": "inside_limit"} | lost
    assert judge_run(over="groups") == {"g:two": "inside_limit", "g:rest": "inside_limit"} | lost
    assert judge_run(over="pairs") == {"g:two": "inside_limit", "g:pair": "inside_limit"} | lost


def test_a_crashed_probe_without_a_gate_is_counted_once():
    crashed = probe("q", state="error")
    done = judge(run(result(), probes=(probe(), crashed)), Policy(gates=(gate(probe="p"),)))
    assert (done.states["pass"], done.states["error"]) == (1, 1)


CRASH = (ErrorRecord(probe="q", type="E", message="m"),)


@pytest.mark.parametrize(
    ("results", "more", "strict", "code"),
    [
        ((result(1.0),), {"errors": CRASH}, False, 1),
        ((result(0.0),), {"errors": CRASH}, False, 3),
        ((result(0.0),), {}, False, 0),
        ((result(0.5),), {}, True, 3),
        ((result(1.0),), {}, True, 1),
        ((), {"errors": CRASH, "probes": (probe("q", state="error"),)}, False, 5),
        ((), {"probes": (probe("q", state="skipped"),)}, False, 5),
        ((), {"probes": (probe("q", state="error"), probe("c", role="positive_control"))}, False, 5),
        ((), {"probes": (probe("c", role="positive_control"),)}, False, 0),
        ((), {"probes": ()}, False, 5),
        ((result(0.0),), {"model": model(notices=("revision not pinned",))}, True, 3),
        ((result(0.0),), {"model": model(notices=("revision not pinned",))}, False, 0),
    ],
)  # fmt: skip
def test_the_first_of_5_1_and_3_wins(results, more, strict, code):
    done = judge(run(*results, **more), Policy(gates=(gate(),), strict=strict))
    assert done.exit_code == exit_code(done, strict=strict) == code


@pytest.mark.parametrize(
    ("state", "enforced", "more", "code"),
    [
        ("error", True, {}, 3),
        ("waived", True, {}, 0),
        ("skipped", True, {}, 0),
        ("fail", False, {}, 0),
        ("unclear", False, {}, 0),
        ("unclear", False, {"strict": True}, 0),  # strict does not touch margins that inform
        ("unclear", True, {"strict": True}, 3),
    ],
)
def test_states_and_the_exit_code(state, enforced, more, code):
    made = Gate(id="g", state=state, enforced=enforced, probe="p", reason="")
    assert exit_code(run(gates=(made,), probes=(probe(),)), **more) == code


def test_two_baselines_are_judged_side_by_side():
    configs = (rising(id="drift", against="baseline:release"), rising(id="step"))
    compared = {
        "release": comparison(change(1.0), baseline="release"),
        "main": comparison(change(0.1)),
    }
    done = judge(run(result(1.0)), Policy(gates=configs), compared)
    assert [(g.gate, g.baseline, g.state) for g in done.gates] == [
        ("drift", "release", "fail"),
        ("step", "main", "pass"),
    ]
    assert done.comparison is not None
    assert done.comparison.baseline == "release"


def test_a_missing_partner_says_why():
    lost = MissingChange(
        probe="p", result=result().id, reason_code="probe_version_changed", reason="1 to 2"
    )
    for missing in (lost, lost.model_copy(update={"result": ""})):
        compared = {"main": comparison(missing=(missing,))}
        (made,) = gates(result(1.0), configs=(rising(),), compared=compared)
        assert (made.reason_code, made.reason) == ("probe_version_changed", "1 to 2")


def test_what_the_baseline_was_judged_by_cannot_be_left_out_silently():
    worst = MissingChange(probe="q", result="q:gap", reason_code="no_result", reason="only there")
    others = (
        worst.model_copy(update={"result": "q:side", "role": "secondary"}),
        worst.model_copy(update={"result": "q:control", "role": "control"}),
        worst.model_copy(update={"probe": "other", "result": "other:gap"}),
    )
    compared = {"main": comparison(change(0.1), missing=(worst, *others))}
    good, dropped = gates(result(1.0), configs=(rising(probe="[pq]"),), compared=compared)
    assert (good.state, dropped.id, dropped.state) == ("pass", "g:q:gap", "unclear")
    assert (dropped.reason_code, dropped.probe) == ("no_result", "q")
    assert "left out" in dropped.reason


def test_words_of_a_condition():
    (size,) = gates(result())
    assert size.condition == (
        "the gap between A and B stays within 0.5 nats of 0 (odds ratio 0.61 to 1.65)"
    )
    (rise,) = gates(result(), configs=(rising(),))
    assert rise.condition == (
        "the gap between A and B is at most 0.5 nats larger than in the baseline 'main'"
    )
    (none,) = gates(configs=(rising(probe="q"),))
    assert none.condition == (
        "log_odds_gap of q is at most 0.5 nats larger than in the baseline 'main'"
    )


MARGINS = {
    ("fail", "outside_limit"): (2.0, {}),
    ("pass", "inside_limit"): (0.0, {}),
    ("unclear", "instrument_failed"): (2.0, {"statuses": ("instrument_failed",)}),
    ("unclear", "fragile"): (2.0, {"statuses": ("fragile",)}),
    ("unclear", "uncontrolled"): (0.0, {"statuses": ("no_controls",)}),
    ("unclear", "crosses_limit"): (0.2, {}),
    ("unclear", "no_interval"): (None, {"reason": "no interval: too few templates"}),
}


@pytest.mark.parametrize(("verdict", "measured"), MARGINS.items())
def test_a_probes_own_margin_is_a_gate_that_informs(verdict, measured):
    estimate, more = measured
    (made,) = judge(run(result(estimate, **more)), Policy()).gates
    assert (made.state, made.reason_code) == verdict
    assert (made.enforced, made.limit, made.id) == (False, 0.2, made.result)
    (made,) = judge(run(result(estimate, **more), partial=True), Policy()).gates
    assert (made.state, made.reason_code) == ("unclear", "partial_run")


def test_own_margins_are_one_family_for_each_axis():
    near = [result(0.312, 0.11, id=f"r{i}", axis=axis) for i, axis in enumerate("xxy")]
    made = judge(run(*near), Policy()).gates
    assert [g.state for g in made] == ["unclear", "unclear", "fail"]
    assert "not after adjusting for 2 gaps" in made[0].reason
    covered = judge(run(*near), Policy(gates=(gate(max=2.0),))).gates
    assert {g.gate for g in covered} == {"g"}, "a gate takes the place of the margin"


@pytest.mark.parametrize(
    ("estimate", "more", "said"),
    [
        (0.16, {}, "about 8 times as many sentences and words (about 101 sentences) would"),
        (0.09, {}, "; 1.2 times as many sentences and words (about 14 sentences) would probably"),
        (0.201, {}, "no practical design would decide; most of the uncertainty comes from the sent"),
        (0.12, {"variance": {"templates": 0.1, "terms": 0.9}, "scope": "concept"}, "group words"),
        (0.12, {"variance": {"terms": 0.9}, "scope": "concept", "pairs": (("a", "b"),) * 12}, "pairs of group words"),
    ],
)  # fmt: skip
def test_what_would_decide_at_the_own_margin(estimate, more, said):
    (made,) = judge(run(result(estimate, 0.14, **({"scope": "terms"} | more))), Policy()).gates
    assert made.reason.startswith("the interval crosses the margin")
    assert said in made.reason


@pytest.mark.parametrize(
    ("controls", "quiet", "loud"), [(None, "pass", "fail"), ({}, "unclear", "fail")]
)
def test_an_audit_and_its_gates_decide_alike(controls, quiet, loud):
    """The verdict that an audit stores with a result is that of its margin as a gate."""
    more = {} if controls is None else {"controls": controls}
    for effect, state in ((plant(0.0), quiet), (plant(2.0), loud)):
        stored = audited(controlled(**more), effect).results
        (primary,) = [r for r in stored.results if r.role == "primary"]
        (made,) = judge(stored, Policy()).gates
        assert (made.state, made.reason) == (primary.outcome, primary.reason)
        assert made.state == state
        (wide,) = judge(stored, Policy(gates=(gate(max=2.5, why="Agreed in spring."),))).gates
        assert wide.state == ("pass" if controls is None else "unclear")
        assert wide.reason.endswith("(limit: Agreed in spring)")


@pytest.mark.parametrize(
    ("statuses", "states"),
    [
        ((), ["pass", "fail"]),
        (("no_controls",), ["unclear", "fail"]),
        *(((code,), ["unclear", "unclear"]) for code in SHARED),
    ],
)
def test_gates_over_pairs_hold_the_same_standards_as_the_probe(statuses, states):
    pairs = [
        result(gap, id=f"p:{gap}", role="secondary", statuses=statuses, groups=("a", "b"))
        for gap in (0.0, 2.0)
    ]
    judged = gates(*pairs, configs=(gate(over="pairs"),))
    assert [g.state for g in judged if g.enforced] == states


def test_judging_twice_changes_nothing():
    policy = Policy(gates=(gate(), rising()))
    compared = {"main": comparison(change(1.0))}
    once = judge(run(result(1.0)), policy, compared)
    assert judge(once, policy, compared) == once
    assert judge(judge(once, Policy(gates=(gate(id="other"),))), policy, compared) == once


def test_a_gate_that_is_there_twice_asks_once():
    """Copies of a gate must not make Holm let a failure go."""
    near = result(0.62, 0.11)
    assert [g.state for g in gates(near)] == ["fail"]
    copies = tuple(gate(id=f"g{i}") for i in range(50))
    assert {g.state for g in gates(near, configs=copies)} == {"fail"}
    twice = gates(near, configs=(gate(), gate(id="same"), gate(id="wide", max=2.0)))
    assert [g.state for g in twice] == ["fail", "fail", "pass"]


def test_numbers_that_contradict_themselves_pass_nothing():
    for more in ({"se": 0.0}, {"se": -0.1}, {"df": 0.0}, {"df": -1.0}):
        (made,) = gates(result(0.0).model_copy(update=more))
        assert (made.state, made.reason_code) == ("unclear", "no_interval"), more


def test_a_result_without_two_groups_is_said_to_be_damaged():
    with pytest.raises(UsageError, match="does not name two groups"):
        gates(result(0.0, group_labels=("A",)))
