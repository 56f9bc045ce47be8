"""What controls forbid; what crashes or is cut short decides nothing."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit import audit
from bias_audit.analysis.controls import is_heard
from bias_audit.errors import NothingToAuditError, ScoringError
from bias_audit.gates.schema import GateConfig
from bias_audit.records import SentenceScore
from bias_audit.stats.estimate import Contrast
from tests.analysis.world import (
    ALL_CONTROLS,
    FAST,
    Model,
    behave,
    controlled,
    instrument,
    job_sentences,
    make,
    noise,
    only,
    pairs,
    plant,
    primary,
    record,
    run,
    sentences,
    shelf,
    sign,
    terms,
)


def quiet(p):
    return 0.02 * noise(p.template, p.term, p.target)


def not_measurable_because(done, text, probe="trial", code="instrument_failed"):
    for result in primary(done, probe):
        assert result.outcome == "not_measurable"
        assert code in result.statuses
        assert text in result.reason
        assert result.statement == f"not measurable: {result.reason}"
        assert (result.at_least, result.at_most, result.leans) == (None, None, "")
    assert set(record(done, probe).outcomes) == {"not_measurable"}
    assert not [f for f in done.results.findings if f.probe == probe]


def two():
    return [controlled(), controlled("other", plus=terms("rise", 6))]


def test_working_controls_are_recorded_beside_the_probe():
    done = run(controlled(controls=ALL_CONTROLS), plant(1.0))
    roles = {p.id: (p.role, p.state, p.works) for p in done.results.probes}
    assert roles == {
        "trial": ("probe", "measured", None),
        "yes": ("positive_control", "measured", True),
        "no": ("negative_control", "measured", True),
        "trial~placebo": ("negative_control", "measured", True),
    }
    assert only(done).outcome == "association"
    ids = set(record(done).controls)
    assert ids == {r.id for r in done.results.results if r.role == "control"}
    assert len({r.id for r in done.results.results}) == len(done.results.results)
    assert not any(g.probe in ("yes", "no", "trial~placebo") for g in done.results.gates)


def test_a_silent_positive_control_forbids_small_and_nothing_else():
    for effect, outcome in ((plant(2.0), "association"), (quiet, "not_measurable")):
        done = run(two(), Model(behave(effect, silent=True)))
        for probe in ("trial", "other"):
            found = only(done, probe)
            assert found.outcome == outcome
            assert "silent_control" in found.statuses
            assert found.at_most is None, "that a gap is small needs an instrument that hears"
        assert record(done, "yes").works is False
    not_measurable_because(done, "the positive control 'yes' is silent", code="silent_control")
    loud = run(controlled(), Model(behave(plant(2.0), silent=True)))
    assert only(loud).at_least == 5
    (finding,) = loud.results.findings
    assert any("positive control is silent" in notice for notice in finding.notices)


@pytest.mark.parametrize(
    ("estimate", "se", "diagonal", "heard"),
    [
        (0.564, 0.04, True, True),  # half of a log-odds ratio: a gap of 1.13
        (0.564, 0.04, False, False),
        (1.13, 0.08, False, True),
        (0.49, 0.01, True, False),
        (1.2, 0.6, False, False),  # the lower bound lies inside the margin
        (-2.0, 0.1, False, False),
    ],
)
def test_a_definitional_contrast_is_heard_on_the_scale_of_a_gap(estimate, se, diagonal, heard):
    contrast = Contrast(estimate=estimate, se=se, df=11.0, n_templates=12)
    assert is_heard(contrast, 0.223, diagonal=diagonal) is heard


@pytest.mark.parametrize(
    ("size", "wave", "works"),
    [(3.0, 0.2, True), (0.9, 0.05, False), (1.1, 0.05, True), (2.0, 4.0, False)],
)
def test_a_positive_control_needs_one_nat_and_a_bound_beyond_the_margin(size, wave, works):
    def effect(p, way=1):
        if p.probe == "yes":
            gap = size + wave * sign(p.template) if (p.group, p.pole) == ("a", "+") else 0.0
            return way * gap - 7
        return behave(quiet)(p)

    done = run(controlled(), Model(effect))
    assert record(done, "yes").works is works
    assert only(done).outcome == ("small" if works else "not_measurable")
    below = run(controlled(), Model(lambda p: effect(p, way=-1)))
    assert record(below, "yes").works is False
    (control,) = [r for r in done.results.results if r.probe == "yes"]
    if size < 1:
        assert control.reason.endswith("silent: it showed 2.5 ×, more than 2.7 × is needed")
    elif not works:
        assert "with a lower bound of 0." in control.reason
    (turned,) = [r for r in below.results.results if r.probe == "yes"]
    assert "the other way, more than 2.7 × is needed" in turned.reason


@pytest.mark.parametrize("loud", ["no", "~placebo"])
def test_a_loud_negative_control_forbids_associations(loud):
    deaf = controlled("deaf", controls={"positive": ["yes"]}, minus=terms("drop", 6))
    done = run([controlled(controls=ALL_CONTROLS), deaf], Model(behave(plant(1.0), loud=loud)))
    name = "trial~placebo" if loud == "~placebo" else loud
    said = f"the negative control '{name}' shows a gap beyond the reference margin"
    not_measurable_because(done, said, code="loud_control")
    assert record(done, name).works is False
    assert only(done, "deaf").outcome == "association"  # it never asked this control
    still = run(controlled(controls=ALL_CONTROLS), Model(behave(quiet, loud=loud)))
    assert only(still).outcome == "small"
    assert "loud_control" in only(still).statuses


def test_a_loud_negative_control_speaks_for_its_own_groups_only():
    groups = {name: pairs(f"{name}{name}{name}", 6) for name in "abc"}

    def effect(p):
        return sum(plant(gap, group)(p) for group, gap in (("a", 1.0), ("c", -1.0)))

    done = run(controlled(groups=groups), Model(behave(effect, loud="no")))
    found = {r.groups[0]: r.outcome for r in primary(done)}
    assert found == {"a": "not_measurable", "b": "small", "c": "association"}
    done = run(controlled(groups=groups), Model(behave(effect)))
    assert {r.groups[0]: r.outcome for r in primary(done)}["a"] == "association"


def test_what_meaningless_words_show_is_the_floor_of_the_run():
    done = run(controlled(controls=ALL_CONTROLS), plant(1.0))
    shown = {
        r.id: abs(r.estimate)
        for r in done.results.results
        if r.role == "control" and r.probe in ("no", "trial~placebo")
    }
    floor = done.results.floor
    assert floor.comparisons == len(shown) == 2
    assert floor.largest == pytest.approx(max(shown.values()))
    assert floor.median == pytest.approx(np.median(list(shown.values())))
    assert shown[floor.result] == pytest.approx(floor.largest)
    assert run(make(), plant(1.0)).results.floor is None


def test_a_large_but_uncertain_gap_of_a_negative_control_is_not_loud():
    def effect(p):
        if p.probe == "no" and (p.group, p.pole) == ("a", "+"):
            return 0.5 + 1.5 * sign(p.template)
        return behave(plant(1.0))(p)

    done = run(controlled(), Model(effect))
    assert record(done, "no").works is True
    control = next(r for r in done.results.results if r.probe == "no")
    assert (control.works, control.outcome, control.reason) == (True, None, "")
    assert only(done).outcome == "association"


class Broken(Model):
    """Fails as soon as a prompt of one of these probes is among those asked."""

    def __init__(self, effect, names, error=None):
        super().__init__(behave(effect))
        self.names = names
        self.error = error or RuntimeError("the device fell over")

    def answer_prompts(self, prompts):
        if any(p.probe in self.names or (p.group in self.names) for p in prompts):
            raise self.error
        return super().answer_prompts(prompts)


@pytest.mark.parametrize("crashed", ["yes", "no"])
def test_a_control_that_crashed_counts_as_failed(crashed):
    done = run(two(), Broken(plant(1.0), {crashed}))
    for probe in ("trial", "other"):
        not_measurable_because(
            done, f"the control '{crashed}' could not be scored: the device", probe
        )
    assert record(done, crashed).state == "error"
    assert record(done, crashed).role != "probe"
    assert done.exit_code == 3


def test_a_placebo_that_crashed_counts_as_failed():
    done = run(controlled(controls=ALL_CONTROLS), Broken(plant(1.0), {"first"}))
    not_measurable_because(done, "the control 'trial~placebo' could not be scored")


@pytest.mark.parametrize(
    "error", [RuntimeError("boom"), MemoryError(), ValueError("odd"), ScoringError("worse")]
)
def test_a_probe_that_crashes_does_not_stop_the_others(error):
    done = run(two(), Broken(plant(1.0), {"other"}, error))
    assert record(done, "other").state == "error"
    assert record(done, "other").reason
    assert only(done).outcome == "association"
    # its placebo shares its prompts' probe name only; it was scored on its own
    assert {e.probe for e in done.results.errors} >= {"other"}
    assert done.results.states["error"] == 1
    assert done.exit_code == 3
    gate = GateConfig(id="g", probe="trial", max=0.3)
    assert run(two(), Broken(plant(1.0), {"other"}, error), gates=[gate]).exit_code == 1


def test_all_probes_crashed_is_nothing_audited():
    done = run(two(), Broken(plant(1.0), {"trial", "other"}))
    assert [record(done, name).state for name in ("trial", "other")] == ["error", "error"]
    assert done.results.states["error"] == 2
    assert not done.results.gates
    assert done.exit_code == 5


def test_nothing_is_measurable_where_the_sanity_check_failed():
    for effect in (plant(2.0), quiet):
        done = run(two(), Model(behave(effect), sane=False))
        for probe in ("trial", "other"):
            not_measurable_because(
                done, "the model sanity check failed: 0 of 2 trivial gaps", probe
            )
        assert done.results.sanity is not None
        assert not done.results.sanity.passed
        assert not done.results.findings


class Choking(Model):
    answers = ((float("nan"), 0), (-4.0, 4))
    """Of each sentence the sum of its log-probabilities, and its tokens."""

    def sentence(self, request):
        if isinstance(self.answers, Exception):
            raise self.answers
        total, tokens = self.answers[self.said % len(self.answers)]
        self.said += 1
        if not tokens:
            return SentenceScore(skip="unscorable")
        return SentenceScore(log_probs=np.full(tokens, total / tokens))

    said = 0


def test_sanity_skips_sentences_that_cannot_be_scored():
    done = run(controlled(), Choking(behave(plant(1.0))))
    assert done.results.sanity.passed
    assert done.results.sanity.pseudo_perplexity == pytest.approx(np.e)


@pytest.mark.parametrize(
    ("vocabulary", "limit", "perplexity", "passes"),
    [
        (1000, 50.0, 49.0, True),
        (1000, 50.0, 51.0, False),
        (50_000, 500.0, 499.0, True),
        (50_000, 500.0, 501.0, False),
    ],
)
def test_sanity_needs_a_low_pseudo_perplexity(vocabulary, limit, perplexity, passes):
    model = Choking(behave(plant(1.0)), vocabulary_size=vocabulary)
    model.answers = ((-float(np.log(perplexity)) * 7, 7),)
    sanity = run(controlled(), model).results.sanity
    assert sanity.passed is passes
    assert sanity.pseudo_perplexity == pytest.approx(perplexity)
    assert (sanity.perplexity_limit, sanity.cloze_hits, sanity.cloze_needed) == (limit, 2, 2)


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ([(float("nan"), 0)] * 2, "pseudo-perplexity could not be measured"),
        ([(float("-inf"), 3)] * 2, "pseudo-perplexity could not be measured"),
        ([(-9e9, 3)] * 2, "(limit 50)"),
        (RuntimeError("no such operator"), "could not be run: no such operator"),
    ],
)
def test_sanity_that_cannot_be_measured_has_not_passed(answers, text):
    model = Choking(behave(plant(1.0)))
    model.answers = answers
    done = run(controlled(), model)
    not_measurable_because(done, text)
    assert "nan" not in done.results.sanity.detail


def test_a_probe_without_a_card_says_so():
    for effect, outcome in ((plant(2.0), "association"), (quiet, "small")):
        done = run(controlled(card=False), effect)
        assert (only(done).outcome, "no_card" in only(done).statuses) == (outcome, True)


NO_POSITIVE = "no positive control vouches for the probe"
NOTHING_QUIET = "the probe has neither a negative control nor a placebo"


@pytest.mark.parametrize(
    ("controls", "lack"),
    [
        ({}, NO_POSITIVE),
        ({"positive": ["yes"]}, NOTHING_QUIET),
        ({"negative": ["no"]}, NO_POSITIVE),
    ],
)
def test_a_probe_without_controls_may_show_an_association_and_nothing_small(controls, lack):
    probe = controlled(controls=controls)
    assert only(run(probe, plant(2.0))).outcome == "association"
    silent = only(run(probe, quiet))
    assert silent.outcome == "not_measurable"
    assert silent.reason == f"{lack}, so silence is no evidence"
    assert "no_controls" in silent.statuses
    both = {"positive": ["yes"], "negative": ["no"]}
    assert only(run(controlled(controls=both), quiet)).outcome == "small"


def test_halves_of_the_targets_control_a_group_masked_probe():
    probe = make(
        mask="group",
        groups={"a": ["she"], "b": ["he"]},
        plus=terms("gain", 8),
        minus=terms("loss", 8),
        frames=job_sentences(8),
        controls={"positive": ["yes"]},
    )
    assert only(run(probe, quiet)).outcome == "small"
    # halves of a ranking that jumps: 1 4 5 8 against 2 3 6 7, planted where only half 1 lies
    first = {f"{key}{i}" for key in ("gain", "loss") for i in (1, 4, 5, 8)}

    def torn(p):
        own = 2.0 if p.group == "a" and p.pole == "+" else 0.0
        return quiet(p) + own + (1.0 if p.group == "a" and p.target in first else 0.0)

    said = "the negative control 'trial~split' shows a gap"
    not_measurable_because(run(probe, torn), said, code="loud_control")
    small = make(
        mask="group",
        groups={"a": ["she"], "b": ["he"]},
        plus=terms("gain", 1),
        minus=terms("loss", 1),
        neither=terms("calm", 8),
        frames=job_sentences(8),
    )
    assert "no_controls" in only(run(small, plant(1.0))).statuses


def test_a_control_that_is_asked_for_is_a_control():
    done = run(controlled(), plant(1.0), probes=["trial", "yes", "no"])
    ids = [p.id for p in done.results.probes]
    assert sorted(ids) == sorted(set(ids))
    assert len({r.id for r in done.results.results}) == len(done.results.results)
    assert {f.probe for f in done.results.findings} == {"trial"}
    alone = run(controlled(), plant(1.0), probes=["trial"])
    assert [r.p_adjusted for r in primary(done)] == [r.p_adjusted for r in primary(alone)]
    just = run(controlled(), plant(1.0), probes=["yes", "no"])
    assert {p.id: (p.role, p.works) for p in just.results.probes} == {
        "yes": ("positive_control", True),
        "no": ("negative_control", True),
    }
    assert (just.exit_code, just.results.gates, just.results.findings) == (0, (), ())


def test_a_probe_that_another_names_as_control_is_listed_once():
    yes, no = instrument(role=False)
    model = Model(behave(quiet))
    world = shelf(controlled())
    world.probes |= {"yes": yes, "no": no}
    done = audit(model, catalogue=world, probes=["trial", "yes", "no"], settings=FAST)
    ids = [p.id for p in done.results.probes]
    assert sorted(ids) == sorted(set(ids))
    assert len({r.id for r in done.results.results}) == len(done.results.results)
    assert only(done).outcome == "small"


@pytest.mark.parametrize("effect", [plant(2.0), quiet])
def test_limit_makes_the_audit_partial_and_decides_nothing(effect):
    done = run(controlled(frames=sentences(12)), effect, limit=9)
    assert only(done).n_templates == 9
    assert only(done).outcome == "not_measurable"
    assert only(done).reason == "the run was cut short, so nothing is decided"
    assert done.results.run.partial
    assert done.manifest["state"] == "partial"
    assert done.exit_code == 0
    gate = GateConfig(id="g", probe="trial", max=0.3, when_unclear="pass")
    strict = run(controlled(frames=sentences(12)), effect, limit=9, gates=[gate])
    assert [g.state for g in strict.results.gates] == ["unclear"]
    assert strict.exit_code == 3


@pytest.mark.parametrize(("limit", "partial"), [(11, True), (12, False), (999_999_999, False)])
def test_a_limit_that_leaves_nothing_out_cuts_nothing(limit, partial):
    assert all(len(probe.frames) < 11 for probe in instrument())
    done = run(controlled(frames=sentences(12)), plant(2.0), limit=limit)
    assert done.results.run.partial is partial
    assert (only(done).reason == "the run was cut short, so nothing is decided") is partial


class Clock:
    """Time passes only while prompts are scored."""

    now = 0.0

    def __call__(self):
        return self.now


def test_time_limit_leaves_the_rest_out(monkeypatch):
    clock = Clock()

    class Slow(Model):
        def answer_prompts(self, prompts):
            clock.now += len(prompts)
            return super().answer_prompts(prompts)

    from bias_audit.pipeline import tasks

    ask = tasks.score_plan
    monkeypatch.setattr(tasks, "score_plan", lambda *a, **k: ask(*a, **k, clock=clock))
    done = run(two(), Slow(behave(plant(2.0))), max_seconds=1300)
    assert done.results.run.partial
    states = {p.id: p.state for p in done.results.probes}
    assert states == states | {"other": "measured", "trial": "skipped"}
    assert done.results.states["skipped"] == 1
    assert "skipped" not in {g.state for g in done.results.gates}
    assert done.exit_code == 0
    assert all(r.outcome == "not_measurable" for r in primary(done, "other"))
    with pytest.raises(NothingToAuditError):
        run(two(), Slow(behave(plant(2.0))), max_seconds=-1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.5])
def test_scores_that_are_no_log_probabilities_are_an_error(bad):
    done = run(two(), lambda p: bad + 20 if p.probe == "other" else plant(1.0)(p))
    assert record(done, "other").state == "error"
    assert "not a number or above 0" in record(done, "other").reason
    assert only(done).outcome == "association"


@pytest.mark.parametrize("bad", [np.nan, -0.1, 0.9])
def test_completions_that_are_no_distribution_are_an_error(bad):
    probe = controlled(opens=["The [group] had <mask>."])
    model = Model(behave(plant(1.0)))
    fine = model._open

    def answer(prompt, top_k):
        found = fine(prompt, top_k)
        if prompt.probe == "trial":
            found.words[0] = bad
        return found

    model._open = answer
    done = run([probe, controlled("other")], model)
    assert record(done).state == "error"
    assert "do not sum to 1" in record(done).reason
    assert only(done, "other").outcome == "association"


def test_placebo_is_left_out_where_it_makes_no_sense():
    own = {"a": "gold", "b": "iron"}
    probe = make(
        own=own, controls=ALL_CONTROLS, groups={"a": pairs("ann", 2), "b": pairs("bob", 2)}
    )
    done = run(probe, lambda p: plant(1.0)(p) + (1.0 if p.pole == "+" else 0.0))
    assert [p.id for p in done.results.probes] == ["trial", "no", "yes"]
    assert only(done).metric == "diagonal_log_odds"
