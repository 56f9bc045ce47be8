"""What holds for whole audits, whatever the scores (measures and tests have such tests alone)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_audit.probes.probe import Probe
from bias_audit.records import FillScore, Prompt
from tests.audit.world import (
    Model,
    behave,
    controlled,
    noise,
    only,
    pairs,
    plant,
    primary,
    record,
    run,
    terms,
)

few = settings(deadline=None, max_examples=3)
TWO = {"a": pairs("ann", 6), "b": pairs("bob", 6)}
THREE = {"a": terms("ann", 4), "b": terms("bob", 4), "c": terms("cat", 4)}
DRAWN = {"cliffs_delta", "rank_biserial", "standardised_gap"}
"""Sizes whose intervals are drawn, by streams that are named after the groups."""


def renamed(probe: Probe, names: dict[str, str]) -> Probe:
    """The same probe with other ids and labels of its groups."""
    groups = tuple(
        replace(group, id=names[group.id], label=f"people {names[group.id]}")
        for group in probe.groups
    )
    return replace(probe, groups=groups)


@few
@given(st.integers(0, 99), st.permutations(["one", "two", "six"]), st.booleans())
def test_i12_ids_and_labels_of_groups_change_no_number(seed, ids, many):
    probe = controlled(groups=THREE if many else TWO, opens=["The [group] had <mask>."])
    names = dict(zip(["a", "b", "c"], ids, strict=True))
    answer = lambda p: 0.5 * noise(seed, p.template, p.label, p.target)  # noqa: E731
    model = lambda: Model(  # noqa: E731
        behave(answer), open_effect=lambda p, w: noise(seed, p.template, p.label, w)
    )
    first, second = (run(p, model()) for p in (probe, renamed(probe, names)))
    compared = 0
    for one in (r for r in first.results.results if r.probe == "trial"):
        turned = one.id.split(":")[1], tuple(names.get(g, g) for g in one.groups)
        mine = [r for r in second.results.results if (r.metric, r.groups) == turned]
        (other,) = [r for r in mine if r.probe == "trial"]
        for field in (
            "estimate", "se", "df", "p_value", "p_adjusted", "ci_low", "ci_high", "outcome",
            "n_terms", "scope", "target_scope", "mde80", "sign_share", "statuses", "neutral",
        ):  # fmt: skip
            value = getattr(one, field)
            same = pytest.approx(value, rel=1e-6, abs=1e-6) if isinstance(value, float) else value
            assert getattr(other, field) == same, (one.id, field)
        sizes = [[c for c in r.companions if c.metric not in DRAWN] for r in (one, other)]
        assert sorted(c.value for c in sizes[1]) == pytest.approx(
            sorted(c.value for c in sizes[0]), rel=1e-4, abs=1e-6
        )
        compared += 1
    assert compared >= (8 if many else 3)


@few
@given(
    st.floats(0.45, 3).flatmap(lambda x: st.sampled_from([x, -x])),
    st.sampled_from(["a", "b", "c"]),
    st.booleans(),
)
def test_i17_a_table_of_scores_gives_its_numbers_and_fails_every_gate(gap, group, many):
    group = group if many else "a"
    done = run(controlled(groups=THREE if many else TWO), plant(gap, group))
    for result in primary(done):
        inside = result.groups[0] == group
        share = (1.0 if inside else -1 / 2) if many else 1.0
        assert result.estimate == pytest.approx(gap * share, abs=1e-7)
        if inside:
            assert result.outcome == "fail"
        assert result.outcome != "pass"


@few
@given(st.sets(st.integers(1, 8), max_size=5), st.sets(st.integers(1, 8), max_size=5))
def test_i28_what_could_not_be_scored_is_counted_and_changes_nothing_else(plus, minus):
    lost = {f"gain{i}" for i in plus} | {f"loss{i}" for i in minus}

    def effect(p: Prompt) -> float | FillScore:
        if p.target in lost and p.template == "02" and p.label == "ann3":
            return FillScore(log_prob=None, pieces=0, skip="unscorable", detail="no piece")
        return 0.4 * noise(p.template, p.label, p.target)

    words: Any = {"plus": terms("gain", 8), "minus": terms("loss", 8)}
    done = run(controlled(**words), effect)
    coverage = record(done).coverage
    gone = [s for s in record(done).skips if s.kind == "target"]
    assert {s.what for s in gone} == lost
    for sign, asked, scored in (
        ("+", coverage.requested_plus, coverage.scored_plus),
        ("-", coverage.requested_minus, coverage.scored_minus),
    ):
        assert asked - scored == len([s for s in gone if s.pole == sign])
    assert only(done).n_targets == 16 - len(lost)
    kept: Any = {side: [w for w in found if w["sg"] not in lost] for side, found in words.items()}
    without = only(run(controlled(**kept), effect))
    for field in ("estimate", "se", "df", "p_value", "p_sign_flip", "p_label_exchange"):
        assert getattr(only(done), field) == pytest.approx(getattr(without, field)), field
    worst = max(len(plus), len(minus))
    assert ("incomplete" in only(done).statuses) is (worst > 8 * 0.2)
