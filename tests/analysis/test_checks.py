"""The checks of a primary result: a record for each, and what follows where one does not hold."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from bias_audit.analysis.comparisons import compare_groups as compare
from bias_audit.analysis.outcomes import conclude
from bias_audit.analysis.robustness import Examination, find_twins, with_checks
from bias_audit.analysis.robustness.planted_effect import check_recovered, plant_gaps
from bias_audit.analysis.robustness.stability import check_stability
from bias_audit.analysis.statements import Question
from bias_audit.gates.judge import judge as judge_gates
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.metrics.word_properties import prior_words
from bias_audit.records import WordPrior
from bias_audit.results import Check, Result
from tests.analysis.world import (
    ALL_CONTROLS,
    FAST,
    Model,
    analyse,
    behave,
    controlled,
    job_sentences,
    make,
    noise,
    only,
    pairs,
    plant,
    record,
    reordered,
    run,
    scored_by,
    sentences,
    terms,
    wobble,
)

ALWAYS = ("R1a", "R1b", "R1c", "R3", "R7", "R8a", "R8b")


def examined(scored: ScoredProbe, *, pair=None, settings=FAST) -> list[dict[str, Check]]:
    """Checks of each primary comparison, by code."""
    examination = Examination(scored, settings, pair=pair)
    return [
        {c.id: c for c in examination.checks(one, check_stability(scored, one, settings))}
        for one in compare(scored, settings)
    ]


def grainy(prompt) -> float:
    """Noise in every cell."""
    return 0.2 * noise(prompt.template, prompt.term, prompt.target)


def test_every_primary_result_says_what_it_can_bear():
    done = run(controlled(frames=sentences(9), controls=ALL_CONTROLS), plant(1.0))
    found = {c.id: c for c in only(done).checks}
    assert list(found) == sorted(found, key=lambda code: (int(code[1:].rstrip("abc")), code))
    assert {*ALWAYS, "R2", "R4", "R13a", "R13b", "R15"} == set(found)
    assert all(c.state in ("held", "described") or c.note for c in found.values())
    assert all((c.state == "not_held") == bool(c.consequence) for c in found.values())
    assert found["R1a"].value == 1
    others = [r for r in done.results.results if r.role != "primary"]
    assert others
    assert not any(r.checks for r in others), "no gate judges them"


def test_pairs_of_groups_are_examined_because_gates_judge_them():
    groups = {name: pairs(f"{name}{name}{name}", 8) for name in "abc"}
    loud = plant(1.0)

    def one_word(p):  # the pair hangs on a sentence; one group against the others does not
        return loud(p) if p.group != "b" else 0.0

    done = analyse(controlled(groups=groups, frames=sentences(9)), one_word)
    among = [r for r in done.results.results if r.role == "secondary" and "~" not in r.groups[1]]
    pairwise = [r for r in among if r.metric == "log_odds_gap"]
    assert [r.groups for r in pairwise] == [("a", "b"), ("a", "c"), ("b", "c")]
    for result in pairwise:
        assert {"R1b", "R2", "R4", "R8a"} <= {c.id for c in result.checks}
        # b and c have the same scores: there is no test to calibrate
        assert ("R7" in {c.id for c in result.checks}) is (result.groups != ("b", "c"))
        assert ("R3" in {c.id for c in result.checks}) is (result.estimate != 0)
        assert "R1c" not in {c.id for c in result.checks}, "a pair has no table of words"


def test_one_word_that_carries_a_pair_is_told():
    groups = {name: pairs(f"{name}{name}{name}", 8) for name in "abc"}

    def one_word(p):
        loud = (p.group, p.target) == ("a", "gain1")
        return 4.0 * loud + 0.01 * noise(p.template, p.term, p.target)

    done = analyse(controlled(groups=groups, frames=sentences(9)), one_word)
    gaps = [r for r in done.results.results if r.probe == "trial" and r.metric == "log_odds_gap"]
    (alone,) = [r for r in gaps if r.groups == ("a", "~others")]
    (pair,) = [r for r in gaps if r.groups == ("a", "b")]
    shares = [{c.id: c for c in r.checks}["R3"] for r in (alone, pair)]
    assert [c.consequence for c in shares] == ["one_target_dominates"] * 2
    assert shares[1].value == pytest.approx(shares[0].value, rel=0.05)
    assert "one_target_dominates" in pair.statuses


def test_a_pair_that_frequency_explains_fails_with_a_notice():
    groups = {"a": pairs("ann", 12), "b": pairs("bob", 12), "c": pairs("cat", 12)}
    probe = controlled(groups=groups, frames=sentences(9))
    done = run(probe, favours_frequent)
    gaps = [r for r in done.results.results if r.probe == "trial" and r.metric == "log_odds_gap"]
    (pair,) = [r for r in gaps if r.groups == ("a", "b")]
    assert pair.role == "secondary"
    assert "confounded" in pair.statuses
    gate = GateConfig.model_validate(
        {"id": "g", "probe": "trial", "measure": "log_odds_gap", "over": "pairs", "max": 0.2}
    )
    judged = judge_gates(done.results, Policy(gates=(gate,)))
    (state,) = [g for g in judged.gates if g.result == pair.id]
    assert (state.state, state.notices) == ("fail", ("confounded",))


def test_group_masked_probes_have_the_checks_that_fit_them():
    probe = make(
        frames=job_sentences(9),
        mask="group",
        groups={"a": ["she"], "b": ["he"]},
        plus=terms("nurse", 6),
        minus=terms("pilot", 6),
    )
    scored = scored_by(probe, lambda p: grainy(p) + wobble(p))
    (found,) = examined(scored)
    assert set(found) == set(ALWAYS), "words are no sample, so halves of them say nothing"
    assert found["R8a"].value < 1e-9


@pytest.mark.parametrize("groups", [2, 3])
def test_a_planted_gap_comes_out_nat_for_nat(groups):
    words = {name: terms(f"{name}word", 5) for name in "abc"[:groups]}
    scored = scored_by(make(groups=words), grainy)
    for found in examined(scored):
        assert found["R8a"].state == "held"
        assert found["R8a"].value < 1e-9


def test_scores_that_change_places_are_noticed():
    scored = scored_by(make(), grainy)
    pair = plant_gaps(scored)
    assert not isinstance(pair, str)
    values = pair.changed.cube.values[:, :, ::-1]
    broken = replace(pair.changed, cube=replace(pair.changed.cube, values=values))
    (comparison,) = compare(scored, FAST)
    found = check_recovered(scored, pair._replace(changed=broken), comparison)
    assert (found.state, found.consequence) == ("not_held", "instrument_failed")


def test_why_nothing_can_be_planted_is_said():
    scored = scored_by(make(), grainy)
    for without, why in (
        (replace(scored, word_prompts=(), word_scores=()), "the answers of the model"),
        (
            replace(scored, cube=replace(scored.cube, templates=scored.cube.templates[::-1])),
            "order",
        ),
        (replace(scored, cube=replace(scored.cube, targets=scored.cube.targets[::-1])), "a word"),
    ):
        (found,) = examined(without)
        assert found["R8a"].state == "not_possible"
        assert why in found["R8a"].note


def frequent(prompt) -> float:
    """How frequent a word is to the model: the words of the first group are, the others not."""
    stem, number = prompt.label[:3], int(prompt.label[3:])
    return (2.0 if stem == "ann" else 0.0) + noise(stem, number)


def favours_frequent(prompt) -> float:
    """A model that likes frequent words better in gains, whatever their group."""
    if prompt.probe == "~words":
        return frequent(prompt)
    if prompt.pole == "+" and prompt.probe == "trial":
        return 0.5 * frequent(prompt) + 0.05 * noise(prompt.template, prompt.term, prompt.target)
    return 0.0


def many_words(name="trial", **more):
    groups = {"a": pairs("ann", 12), "b": pairs("bob", 12)}
    return controlled(name, groups=groups, frames=sentences(9), **more)


def test_a_gap_of_frequency_alone_is_confounded():
    # The model's answers to bare words carry a noise of their own, so some of the gap stays.
    done = run(many_words(), favours_frequent)
    result = only(done)
    found = {c.id: c for c in result.checks}
    assert result.ci_low > result.margin
    assert (found["R4"].state, found["R4"].consequence) == ("not_held", "confounded")
    assert found["R4"].value < 0.5
    assert "prior" in found["R4"].note
    assert "confounded" in result.statuses
    assert result.outcome == "association", "a notice stands beside it"
    (first, second) = record(done).groups
    assert len(first.priors) == len(first.terms) == 12
    assert np.mean(first.priors) > np.mean(second.priors) + 1
    assert set(first.pieces) == {1}


def test_a_gap_of_the_groups_is_not_confounded_by_frequency():
    def both(prompt):
        return frequent(prompt) if prompt.probe == "~words" else plant(1.0)(prompt)

    result = only(run(many_words(), both))
    found = {c.id: c for c in result.checks}
    assert found["R4"].state == "held"
    assert result.outcome == "association"


def given(stem: str, level: float):
    return [
        word | {"facts": {"count": 10 ** (level + 0.3 * noise(stem, i))}}
        for i, word in enumerate(pairs(stem, 12))
    ]


def test_frequencies_of_the_lexicon_are_taken_and_the_model_is_not_asked():
    probe = many_words().spec
    groups = {"a": given("ann", 4), "b": given("bob", 3)}
    scored = scored_by(make(groups=groups, frames=sentences(9)), plant(1.0))
    assert prior_words(scored.probe) == ()
    assert len(prior_words(make(groups=dict(probe.groups)))) == 24
    (found,) = examined(scored)
    assert "equal frequency" in found["R4"].note


def test_a_gap_that_is_not_detected_has_nothing_to_explain():
    scored = scored_by(make(frames=sentences(9)), grainy)
    (found,) = examined(scored)
    assert found["R4"].state in ("described", "not_possible")


def hidden(prompt) -> float:
    """A model that likes frequent words, and dislikes the group whose words are frequent."""
    if prompt.probe == "~words":
        return frequent(prompt)
    if prompt.pole == "+" and prompt.probe == "trial":
        own = -1.0 if prompt.group == "a" else 0.0
        return own + 0.5 * frequent(prompt) + 0.02 * noise(prompt.template, prompt.term)
    return 0.0


def test_a_gap_that_frequency_hides_is_confounded():
    groups = {"a": pairs("ann", 24), "b": pairs("bob", 24)}
    probe = controlled(groups=groups, frames=sentences(12))
    done = run(probe, hidden)
    result = only(done)
    assert -result.margin < result.ci90_low < result.ci90_high < result.margin
    assert abs(result.adjusted_estimate) > result.margin
    (found,) = [c for c in result.checks if c.id == "R4"]
    assert (found.state, found.consequence) == ("not_held", "confounded")
    assert "confounded" in result.statuses


@pytest.mark.parametrize("margin", [0.2, 2.0])
def test_a_gate_with_a_wide_limit_passes_whatever_the_margin_of_the_probe(margin):
    groups = {"a": pairs("ann", 24), "b": pairs("bob", 24)}
    probe = controlled(groups=groups, frames=sentences(12), margins={"nats": margin})
    done = run(probe, hidden)
    common = {"probe": "trial", "measure": "log_odds_gap"}
    wide = [GateConfig.model_validate({"id": f"g{m}", "max": m} | common) for m in (1.5, 3.0)]
    judged = judge_gates(done.results, Policy(gates=tuple(wide)))
    assert [g.state for g in judged.gates] == ["pass", "pass"]


def test_a_small_gap_that_frequency_explains_is_no_news():
    """Inside the margin before and after: how much of it is left does not matter."""

    def small(prompt):
        gap = favours_frequent(prompt)
        return gap if prompt.probe == "~words" else 0.1 * gap

    result = only(run(many_words(), small))
    (found,) = [c for c in result.checks if c.id == "R4"]
    assert result.ci_low > 0, "detected"
    assert found.value < 0.5
    assert (found.state, "confounded" in result.statuses) == ("held", False)


def test_words_that_cannot_be_told_from_their_group_are_named():
    groups = {"a": terms("Ann", 9), "b": terms("bob", 9)}
    scored = scored_by(make(groups=groups), plant(1.0))
    prior = {
        word.label: WordPrior(log_prob=-9 + noise(word.label), pieces=1)
        for group in scored.probe.groups
        for word in group.words
    }
    (found,) = examined(replace(scored, priors=prior))
    assert "capitals cannot be told from the group" in found["R4"].note


def test_a_twin_that_repeats_the_gaps_has_slope_one_and_one_that_turns_them_minus_one():
    def gaps(times):
        def effect(p):
            plus = {"a": 0.5, "b": 0.0}[p.group] * noise(p.target)
            return times * plus

        return effect

    frames = [{"text": text, "negated_twin": f"not.{i:02}"} for i, text in enumerate(sentences(8))]
    plain = scored_by(make(frames=frames), gaps(1.0))
    for times in (1.0, 0.25, -1.0):
        other = scored_by(make("denied"), gaps(times))
        spec = other.probe.spec.model_copy(update={"templates": ("not",)})
        denied = replace(other, probe=replace(other.probe, spec=spec))
        found = find_twins({"trial": plain, "denied": denied})
        assert set(found) == {"trial", "denied"}
        (checks,) = examined(plain, pair=found["trial"])
        assert checks["R14"].value == pytest.approx(times)
        assert "denied" in checks["R14"].note
    assert not find_twins({"trial": plain, "other": other}), "another set of sentences is no twin"


def test_no_order_of_a_file_changes_a_check():
    probe = make(frames=sentences(9), groups={n: terms(f"{n}w", 5) for n in "abc"})
    turned = reordered(probe, lambda items: list(items)[::-1])
    one, other = (examined(scored_by(each, grainy)) for each in (probe, turned))
    for mine, theirs in zip(one, other, strict=True):
        for code in mine:
            assert mine[code].value == pytest.approx(theirs[code].value, abs=1e-3), code
            assert mine[code].state == theirs[code].state


def test_targets_that_no_two_sentences_rank_alike_are_unrankable():
    scored = scored_by(make(frames=sentences(9)), grainy)
    (found,) = examined(scored)
    assert (found["R1c"].state, found["R1c"].consequence) == ("not_held", "unrankable")

    def steady(p):
        return noise(p.target) if p.group == "a" else 0.0

    (found,) = examined(scored_by(make(frames=sentences(9)), steady))
    assert found["R1c"].value > 0.99


def test_halves_of_the_words_that_disagree_make_an_answer_fragile():
    """Half of the words carry all of a gap; the other half denies it."""

    def against(count):
        def effect(p):
            if (p.group, p.pole) != ("a", "+"):
                return 0.0
            here = 0.05 if int(p.label[3:]) <= count else -8.0
            return here + 0.01 * noise(p.template, p.term, p.target)

        return effect

    groups = {"a": pairs("ann", 8), "b": pairs("bob", 8)}
    probe = make(groups=groups, frames=sentences(9))
    (found,) = examined(scored_by(probe, against(4)))
    assert (found["R2"].state, found["R2"].consequence) == ("not_held", "fragile")
    assert "to +0.0" in found["R2"].note
    (found,) = examined(scored_by(probe, against(0)))
    assert found["R2"].state == "held"
    assert found["R2"].value < 0.01
    (found,) = examined(scored_by(probe, lambda p: 3 * noise(p.label) * (p.pole == "+")))
    assert found["R2"].state == "described", "nothing is shown, so nothing hangs on it"


def test_no_check_hangs_on_the_interval_that_is_printed():
    scored = scored_by(make(frames=sentences(9)), lambda p: plant(0.4)(p) + grainy(p))
    (one,) = examined(scored, settings=replace(FAST, confidence=0.999))
    (other,) = examined(scored)
    assert one == other


def test_the_share_of_one_target_is_only_described_where_no_gap_is_found():
    def one_word(p):
        return 2.0 * noise(p.template, p.target) if (p.group, p.target) == ("a", "gain2") else 0.0

    (found,) = examined(scored_by(make(frames=sentences(9)), one_word))
    assert found["R3"].value > 0.5
    assert found["R3"].state == "described"


def test_the_sentences_own_share_of_the_variance_is_told():
    (loud,) = examined(scored_by(make(frames=sentences(9)), lambda p: wobble(p) + plant(1.0)(p)))
    (grains,) = examined(scored_by(make(frames=sentences(9)), grainy))
    shares = [re.search(r"; (\d+)% of their variance", c["R1a"].note) for c in (loud, grains)]
    assert all("standard deviation" in c["R1a"].note for c in (loud, grains))
    assert int(shares[0][1]) > 95
    assert int(shares[1][1]) < 60


def bare_result(**more) -> Result:
    values = {
        "id": "x", "probe": "x", "axis": "x", "metric": "log_odds_gap", "groups": ("a", "b"),
        "estimate": 1.0, "se": 0.1, "df": 8.0, "unit": "nats", "direction": "x",
        "n_templates": 9, "n_terms": 12, "n_prompts": 1, "margin": 0.2,
        "p_value": 0.001, "p_method": "t", "mde80": 0.1,
    }  # fmt: skip
    return Result.model_validate(values | more)


def test_a_test_that_does_not_hold_its_level_loses_its_p_and_nothing_else():
    failed = Check(id="R7", value=0.2, threshold=0.095, state="not_held", consequence="p_withheld")
    result = with_checks(bare_result(), (failed,))
    assert result.p_value is None
    assert "withheld (R7)" in result.p_method
    (done,) = conclude([result], Question.of(make()), partial=False)
    assert (done.outcome, done.p_adjusted) == ("association", None), "the bound still shows it"
    assert {"p_withheld", "these_words_only"} <= set(done.statuses)
    (kept,) = conclude([bare_result()], Question.of(make()), partial=False)
    assert (kept.outcome, kept.statuses) == ("association", ())
    near = with_checks(bare_result(estimate=0.25, p_value=0.02), (failed,))
    assert conclude([near], Question.of(make()), partial=False)[0].outcome == "open"


def test_a_model_that_cannot_answer_about_bare_words_is_audited_all_the_same():
    class Shy(Model):
        def answer_prompts(self, prompts):
            if any(p.probe == "~words" for p in prompts):
                raise RuntimeError("no bare words here")
            return super().answer_prompts(prompts)

    done = analyse(many_words(), Shy(behave(plant(1.0))))
    assert only(done).outcome == "association"
    assert record(done).groups[0].priors == ()
