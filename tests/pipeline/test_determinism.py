"""Same input, same bytes; a seed moves draws only; a probe more moves nobody else's numbers."""

from __future__ import annotations

import dataclasses

import pytest

from bias_audit.analysis.completions import JUDGED
from bias_audit.metrics.score_cube import Scores, build_cube, evidence_csv
from bias_audit.results import results_text
from tests.analysis.world import (
    ALL_CONTROLS,
    FAST,
    controlled,
    job_sentences,
    make,
    noise,
    primary,
    reordered,
    run,
    sentences,
    terms,
)

MONTE_CARLO = {
    "p_sign_flip", "p_label_exchange", "null_mean", "null_p95", "excess", "neutral", "p_method",
}  # fmt: skip


def rough(p):
    return 0.5 * noise(p.template, p.term, p.target) + 0.02 * noise(p.group, p.pole)


def probes():
    groups = {"a": terms("ann", 10), "b": terms("bob", 11)}
    masked = make(
        "jobs",
        mask="group",
        groups={"a": ["she"], "b": ["he"]},
        plus=terms("gain", 8),
        minus=terms("loss", 8),
        frames=job_sentences(8),
        controls={"positive": ["yes"]},
    )
    wide = controlled(
        groups=groups,
        frames=sentences(15),
        plus=terms("gain", 6),
        controls=ALL_CONTROLS,
        opens=["The [group] had <mask>.", "The [group] sold <mask>."],
    )
    return [wide, masked]


@pytest.fixture(scope="module")
def usual():
    return run(probes(), rough)


def text(done):
    run_ = done.results.run.model_copy(update={"created": None, "duration_s": None})
    return results_text(done.results.model_copy(update={"run": run_}))


def test_the_same_audit_gives_the_same_bytes(usual):
    one, two = usual, run(probes(), rough)
    assert text(one) == text(two)
    tables = [
        evidence_csv([d.measured.tables[n] for n in sorted(d.measured.tables)]) for d in (one, two)
    ]
    assert tables[0] == tables[1]
    left, right = ({k: v for k, v in d.manifest.items() if k not in ("run",)} for d in (one, two))
    assert left == right


def test_another_seed_changes_monte_carlo_fields_only(usual):
    one = usual
    two = run(probes(), rough, settings=dataclasses.replace(FAST, seed=7))
    changed = set()
    for left, right in zip(one.results.results, two.results.results, strict=True):
        for key, value in left.model_dump().items():
            if getattr(right, key) != getattr(left, key):
                resampled = left.metric in (*JUDGED, "labour_correlation")
                allowed = MONTE_CARLO | ({"p_value"} if resampled else set())
                # explored p-values are adjusted together, and placebo gaps include random halves
                allowed |= {"p_adjusted"} if left.role == "secondary" else set()
                allowed |= {"placebo_percentile", "checks", "companions"}
                allowed |= {
                    "split_half_low",
                    "split_half_high",
                    "split_half_fail_limit",
                    "split_half_pass_limit",
                }
                assert key in allowed, (left.id, key, value, getattr(right, key))
                changed.add(key)
    assert {"p_sign_flip", "p_label_exchange"} <= changed
    drawn = {"placebo_gaps"}  # random halves, in group-masked probes
    assert [p.model_dump(exclude=drawn) for p in one.results.probes] == [
        p.model_dump(exclude=drawn) for p in two.results.probes
    ]
    assert [g.state for g in one.results.gates] == [g.state for g in two.results.gates]
    assert one.results.run.seed != two.results.run.seed


@pytest.mark.parametrize("axis", ["axis", "elsewhere"])
def test_a_probe_more_leaves_the_others_alone(axis, usual):
    more = controlled("apart", axis=axis, plus=terms("rise", 6))
    alone, beside = usual, run([*probes(), more], rough)
    found = {r.id: r for r in beside.results.results}
    for left in alone.results.results:
        right = found[left.id].model_dump()
        # Holm leaves another level, and checks ask what a verdict at that level hangs on
        family = {"p_adjusted", "p_adjustment", "outcome", "reason", "statuses", "checks"}
        family = family if axis == "axis" else set()
        for key, value in left.model_dump().items():
            assert right[key] == value or key in family, (left.id, key)
    for name in ("trial", "jobs"):
        for one, two in zip(primary(alone, name), primary(beside, name), strict=True):
            assert two.p_adjusted >= one.p_adjusted


def test_the_order_of_the_probes_changes_nothing(usual):
    assert text(usual) == text(run(probes()[::-1], rough))


def test_the_order_of_rows_changes_no_cell(usual):
    (probe, _) = probes()
    scores = usual.measured.tables["trial"]
    shuffled = Scores(scores.frame.sample(frac=1.0, random_state=3).reset_index(drop=True))
    one, two = build_cube(probe, scores), build_cube(probe, shuffled)
    assert (one.templates, one.units, one.targets) == (two.templates, two.units, two.targets)
    assert one.values == pytest.approx(two.values, abs=1e-12)
    assert one.prompts == two.prompts


def test_the_seed_and_settings_are_recorded():
    done = run(probes(), rough, settings=dataclasses.replace(FAST, seed=99))
    assert done.results.run.seed == 99
    assert done.manifest["analysis"]["seed"] == 99
    assert done.manifest["analysis"]["resamples"] == FAST.resamples
    assert set(done.manifest["probes"]) == {"trial", "trial~placebo", "jobs", "yes", "no"}


def test_no_order_of_words_in_a_file_moves_a_draw_of_max_t():
    """With more than 14 sentences the flips are drawn, and each belongs to a sentence."""
    few = {"groups": {name: terms(name * 3, 2) for name in "abc"}, "frames": sentences(16)}
    chosen = dataclasses.replace(FAST, target_family="max-t")
    probe = controlled(plus=terms("gain", 4), minus=terms("loss", 4), **few)

    def adjusted(each):
        done = primary(run(each, rough, settings=chosen))
        assert all("drawn flips" in r.targets_adjustment for r in done)
        return {(r.groups[0], t.id): t.p_adjusted for r in done for t in r.by_target}

    usual = adjusted(probe)
    turned = adjusted(reordered(probe, lambda items: list(items)[::-1]))
    assert turned == usual
