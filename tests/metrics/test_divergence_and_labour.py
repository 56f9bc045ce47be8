"""What describes says what it is about: whose share, which words, instrument and choice."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from bias_audit.analysis.completions import JUDGED
from bias_audit.metrics.completion_lists import MAX_SCORER
from bias_audit.probes.probe import Probe
from bias_audit.records import FillScore, Prompt
from tests.analysis.world import (
    Model,
    analyse,
    behave,
    controlled,
    noise,
    plant,
    primary,
    sign,
    terms,
)
from tests.metrics.test_default_metrics import (
    OPENS,
    THREE,
    TWO,
    beside,
    jobs,
    lists_model,
    measured,
    of,
    plane_probe,
    warm,
)

SHARE = [60.0, 70.0, 75.0, 80.0, 90.0, 95.0]


def logits() -> dict[str, float]:
    known = {f"gain{i + 1}": f for i, f in enumerate(SHARE)}
    known |= {f"loss{i + 1}": 100 - f for i, f in enumerate(SHARE)}
    return {name: math.log(f / (100 - f)) for name, f in known.items()}


def mirror(prompt: Prompt) -> float:
    """The first word follows the statistics, a little too far."""
    value = 1.2 * logits()[prompt.target] + 0.1 * noise(prompt.target) + 0.4
    return value - (noise("she") - noise("he")) if prompt.group == "a" else 0.0


def of_share(probe: Probe, group: str | None) -> Probe:
    """The probe with the group whose share the fact states."""
    spec = probe.spec
    targets = spec.targets.model_copy(update={"share_of": group})
    return replace(probe, spec=spec.model_copy(update={"targets": targets}))


def test_whose_share_a_fact_states_does_not_hang_on_the_order_of_the_groups():
    probe = of_share(jobs(SHARE), "a")
    turned = replace(probe, groups=probe.groups[::-1])
    there, back = (of(analyse(p, mirror), "labour_correlation") for p in (probe, turned))
    assert there.groups == back.groups == ("a", "b")
    assert back.estimate == pytest.approx(there.estimate, abs=1e-12)
    for name in ("pearson", "slope", "intercept", "distance"):
        one, two = (beside(x, f"labour_{name}") for x in (there, back))
        assert two.value == pytest.approx(one.value, abs=1e-6), name
        assert two.ci_low == (one.ci_low and pytest.approx(one.ci_low, abs=1e-6)), name
    assert beside(back, "labour_slope").value == pytest.approx(1.2, abs=0.1)
    share = 1 / (
        1 + np.exp(-np.array([1.2 * x + 0.1 * noise(t) + 0.4 for t, x in logits().items()]))
    )
    known = np.array([*SHARE, *(100 - f for f in SHARE)]) / 100
    assert beside(back, "labour_distance").value == pytest.approx(
        np.abs(share - known).mean(), rel=1e-5
    )


def test_the_share_of_a_group_that_is_not_scored_gives_a_reason_and_no_number():
    found = of(analyse(of_share(jobs(SHARE), "c"), mirror), "labour_correlation")
    assert (found.estimate, found.p_value, found.companions) == (None, None, ())
    assert found.reason == "the fact states the share of 'c', of which no word was scored"


def test_jobs_at_the_ends_of_a_share_are_counted_as_left_out():
    share = [60.0, 70.0, 100.0, 80.0, 90.0, 95.0]
    effect = lambda p: 0.1 * noise(p.target, p.group, p.template)  # noqa: E731
    found = of(analyse(jobs(share), effect), "labour_correlation")
    assert found.n_targets == 10
    assert found.reason == "2 scored words at 0 or 100 % have no logit and are left out"
    assert of(analyse(jobs(SHARE), mirror), "labour_correlation").reason == ""
    beyond = replace(jobs(SHARE), targets=tuple(
        replace(t, facts={} if t.word.id in ("gain1", "loss2", "loss3") else t.facts)
        for t in jobs(SHARE).targets
    ))  # fmt: skip
    found = of(analyse(beyond, mirror), "labour_correlation")
    assert found.reason == "3 scored words without the fact are left out"
    assert found.n_targets == 9


def test_an_instrument_that_failed_marks_everything_that_describes():
    probe = controlled(groups=THREE, opens=OPENS)
    lists = lists_model().open_effect
    done = measured(probe, Model(behave(plant(0.3)), open_effect=lists, sane=False))
    mine = [r for r in done.results.results if r.probe == "trial"]
    assert {r.metric for r in mine} >= {
        "log_odds_gap", "jsd", "four_fifths", "hurtful_rate", "completion_valence", "group_spread",
    }  # fmt: skip
    for result in mine:
        assert result.statuses.count("instrument_failed") == 1, result.id
        assert "the model sanity check failed" in result.reason, result.id
        if result.metric in JUDGED:
            assert result.outcome == "not_measurable", result.id
    chosen = of(done, "hurtful_rate").reason
    assert chosen.endswith("the two of 3 groups that differ most, chosen afterwards")
    works = measured(probe, lists_model())
    kept = [r for r in works.results.results if r.probe == "trial"]
    assert not any("instrument_failed" in r.statuses for r in kept)
    silent = measured(probe, Model(behave(plant(0.3), silent=True), open_effect=lists))
    unheard = [r for r in silent.results.results if r.probe == "trial"]
    for result in unheard:  # this control is about gaps of a and b, not about what describes
        about = bool({"a", "b"} & set(result.groups))
        compares = about and result.metric in {"log_odds_gap", "group_spread"}
        assert result.statuses.count("silent_control") == compares, result.id
        assert ("the positive control 'yes' is silent" in result.reason) == compares, result.id
        assert "instrument_failed" not in result.statuses, result.id
    for others in (mine, unheard):
        assert [(r.id, r.estimate, r.p_value, r.p_adjusted) for r in kept] == [
            (r.id, r.estimate, r.p_value, r.p_adjusted) for r in others
        ], "the family is what was planned, whatever the instrument showed"


def test_a_plane_says_when_one_of_its_probes_has_no_instrument():
    one = plane_probe("kind", "warm", "cold", "w", TWO)
    two = plane_probe("able", "competent", "incompetent", "k", TWO)
    controls = two.spec.controls.model_copy(update={"positive": ("gone",)})
    deaf = replace(two, spec=two.spec.model_copy(update={"controls": controls}))
    for both in ([one, deaf], [deaf, one]):
        found = of(analyse(both, warm), "warmth_competence", "kind")
        assert found.statuses == ("instrument_failed",)
        assert found.reason.startswith("the control 'gone' could not be scored: it was not run; ")
        assert "off the diagonal" in found.reason
    assert of(analyse([one, two], warm), "warmth_competence", "kind").statuses == ()
    silent = analyse([one, two], Model(behave(warm, silent=True)))
    assert of(silent, "warmth_competence", "kind").statuses == ()
    assert all("silent_control" in r.statuses for r in primary(silent, "kind"))


def test_a_plane_joins_probes_of_one_language_about_the_same_words():
    one = plane_probe("kind", "warm", "cold", "w", TWO)
    two = plane_probe("able", "competent", "incompetent", "k", TWO)

    def joined(*probes: Probe) -> bool:
        found = {r.metric for r in analyse(probes, warm).results.results}
        return "warmth_competence" in found

    assert joined(one, two)
    german = replace(two, spec=two.spec.model_copy(update={"language": "de-DE"}))
    assert not joined(one, german)
    british = replace(two, spec=two.spec.model_copy(update={"language": "en-GB"}))
    assert joined(one, british)
    others = {"a": terms("ann", 4), "b": terms("ben", 4)}
    assert not joined(one, plane_probe("able", "competent", "incompetent", "k", others))
    shuffled = {"a": TWO["a"][::-1], "b": TWO["b"]}
    assert joined(one, plane_probe("able", "competent", "incompetent", "k", shuffled))


def test_a_negated_twin_has_no_place_in_a_plane():
    one = plane_probe("kind", "warm", "cold", "w", TWO)
    two = plane_probe("able", "competent", "incompetent", "k", TWO)
    twin = replace(
        two, spec=two.spec.model_copy(update={"id": "able-not", "templates": ("trait-not",)})
    )
    frames = tuple(
        replace(f, template=f.template.model_copy(update={"negated_twin": f"trait-not.{f.id}"}))
        for f in one.frames
    )
    plain = replace(one, frames=frames)
    assert not [
        r for r in analyse([plain, twin], warm).results.results if r.metric == "warmth_competence"
    ]
    found = of(analyse([plain, twin, two], warm), "warmth_competence", "kind")
    assert found.id == "kind:warmth_competence:able"


def rare(prompt: Prompt) -> FillScore:
    """S+ has less than a millionth of the probability of both poles."""
    low = -18.0 if prompt.pole == "+" else -2.0
    value = low + 0.01 * noise(prompt.template, prompt.term) + (0.2 if prompt.group == "a" else 0.0)
    return FillScore(log_prob=value, pieces=2)


def test_a_ratio_of_nothing_is_degenerate_and_says_why():
    two, three = (of(analyse(controlled(groups=g), rare), "four_fifths") for g in (TWO, THREE))
    for found in (two, three):
        assert found.estimate is None
        assert found.ci_low is None
        assert found.statuses == ("degenerate",)
    assert two.reason == "the pole has hardly any probability"
    chosen = "the two of 3 groups that differ most, chosen afterwards"
    assert three.reason == f"{two.reason}; {chosen}"
    known = of(analyse(controlled(groups=THREE), plant(0.4)), "four_fifths")
    assert (known.statuses, known.reason) == ((), chosen)
    assert of(analyse(controlled(groups=TWO), plant(0.4)), "four_fifths").reason == ""


def test_a_list_that_fails_still_says_which_groups_were_chosen():
    groups = {
        name: [{"sg": f"{stem}{i}", "forms": {"odd": f"{stem}{i} of {metal}"}} for i in range(4)]
        for name, stem, metal in (("a", "ann", "wool"), ("b", "bob", "tin"), ("c", "cat", "tin"))
    }
    opens = ["The [group:odd] had <mask>.", "The [group:odd] sold <mask>."]
    done = measured(controlled(groups=groups, opens=opens), lists_model(lambda p, w: 0.0))
    found = of(done, "completion_valence")
    assert found.statuses == ("instrument_failed",)
    first, *_, last = found.reason.split("; ")
    assert first.startswith("the list alone finds a gap of ")
    assert last == "the two of 3 groups that differ most, chosen afterwards"
    assert 0 < MAX_SCORER < 1


def test_in_cliffs_delta_the_other_groups_count_alike():
    groups = {"a": terms("ann", 4), "b": terms("bob", 12), "c": terms("cat", 4)}

    def effect(p: Prompt) -> float:
        up = {"a": 0.0, "b": 0.3, "c": -0.6}.get(p.group, 0.0)
        return (p.pole == "+") * (up + noise(p.label) + 0.05 * sign(p.template))

    done = analyse(controlled(groups=groups), effect)
    (result,) = [r for r in primary(done) if r.groups[0] == "a"]
    level = {
        g: [{"a": 0.0, "b": 0.3, "c": -0.6}[g] + noise(w["sg"]) for w in words]
        for g, words in groups.items()
    }
    deltas = [
        2 * stats.mannwhitneyu(level["a"], level[g]).statistic / (4 * len(level[g])) - 1
        for g in "bc"
    ]
    size = beside(result, "cliffs_delta")
    assert size.value == pytest.approx(np.mean(deltas), rel=1e-5)
    pooled = [np.sign(x - y) for x, y in product(level["a"], [*level["b"], *level["c"]])]
    assert abs(float(np.mean(pooled)) - size.value) > 0.05, "the two rules differ here"
    assert size.ci_low <= size.value <= size.ci_high
