"""Whatever the design: no crash, no number that is none, and symmetry."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bias_audit.analysis.comparisons import compare_groups
from bias_audit.records import FillScore
from bias_audit.results import load_results, results_text
from tests.analysis.world import (
    ALL_CONTROLS,
    CONTROLS,
    FAST,
    Model,
    behave,
    job_sentences,
    make,
    noise,
    pairs,
    run,
    scored_by,
    sentences,
    terms,
)

CALM = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def designs(draw):
    masked = draw(st.booleans())
    kind = draw(st.sampled_from([pairs, terms]))
    count = draw(st.integers(2, 4))
    groups = {
        name: kind(name * 3, draw(st.integers(1, 6))) for name in ("a", "b", "c", "d")[:count]
    }
    frames = draw(st.integers(1, 10))
    more = {}
    if not masked and draw(st.booleans()):
        more["opens"] = ["The [group] had <mask>.", "A [group] sold <mask>."]
    if draw(st.booleans()):
        more["controls"] = draw(st.sampled_from([CONTROLS, ALL_CONTROLS]))
    if count > 2:
        more["compare"] = draw(st.sampled_from([None, "pairs", "others"]))
    own = {g: f"own{g}" for g in groups} if draw(st.integers(0, 4)) == 0 else None
    return make(
        groups=groups,
        plus=terms("gain", draw(st.integers(1, 9))),
        minus=terms("loss", draw(st.integers(1, 9))),
        neither=terms("calm", 2) if draw(st.booleans()) else None,
        own=own,
        mask="group" if masked else "target",
        frames=job_sentences(frames) if masked else sentences(frames),
        scope=draw(st.sampled_from(["auto", "terms", "concept"])),
        card=draw(st.booleans()),
        **more,
    )


def effects(seed, size, lost):
    def effect(p):
        if lost and abs(noise(seed, p.filler, p.probe)) < lost:
            return FillScore(log_prob=None, pieces=0, skip="unscorable", detail="lost")
        if lost and abs(noise(seed, p.template, p.probe)) < lost / 2:
            return FillScore(log_prob=None, pieces=0, skip="too_long", detail="long")
        value = size * noise(seed, p.text, p.target, p.term)
        return FillScore(log_prob=-2 - size + value, pieces=1 + len(p.target) % 2)

    return effect


def finite(value, path=""):
    if isinstance(value, dict):
        for key, item in value.items():
            finite(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            finite(item, f"{path}[{i}]")
    elif isinstance(value, float):
        assert math.isfinite(value), path


@CALM
@given(
    probe=designs(),
    seed=st.integers(0, 9),
    size=st.sampled_from([0.0, 1e-13, 0.1, 2.0, 300.0]),
    lost=st.sampled_from([0.0, 0.1, 0.3]),
)
def test_any_design_is_audited_without_a_crash(tmp_path, probe, seed, size, lost):
    done = run(probe, Model(behave(effects(seed, size, lost))))
    finite(done.results.model_dump())
    ids = [r.id for r in done.results.results]
    assert len(ids) == len(set(ids))
    for result in done.results.results:
        for name in ("p_value", "p_adjusted", "p_sign_flip", "p_label_exchange"):
            p = getattr(result, name)
            assert p is None or 0 <= p <= 1
        if result.ci_low is not None and result.metric != "labour_correlation":
            assert result.ci_low <= result.estimate <= result.ci_high
        if result.ci90_low is not None:
            assert result.ci_low <= result.ci90_low <= result.ci90_high <= result.ci_high
        if result.metric in ("jsd", "group_spread"):
            assert result.p_method, "a test in place of an interval"
            assert result.p_value is not None or result.reason
        elif result.ci_low is None:
            assert result.reason
        if result.role == "primary":
            assert result.outcome in ("association", "small", "open", "not_measurable")
            assert result.statement
            assert result.p_adjusted is None or result.p_adjusted >= result.p_value
            if result.outcome != "not_measurable":
                assert result.n_templates >= 8
            if result.outcome == "small":
                assert probe.spec.controls.positive
    assert done.exit_code in (0, 3, 5)
    path = tmp_path / "results.json"
    path.write_text(results_text(done.results))
    assert load_results(path) == done.results
    assert str(done)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_transitivity_of_pairs(seed):
    probe = make(groups={g: terms(g * 3, 2) for g in "abc"}, compare="pairs")
    scored = scored_by(probe, lambda p: 0.6 * noise(seed, p.text, p.target))
    gaps = {(c.a, c.b): c.these_words.estimate for c in compare_groups(scored, FAST)}
    assert gaps["a", "b"] + gaps["b", "c"] == pytest.approx(gaps["a", "c"], abs=1e-6)
