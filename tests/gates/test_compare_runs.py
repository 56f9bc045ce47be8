"""Two runs paired by sentence: every number again from the evidence, and everything lost said."""

from __future__ import annotations

import math
from functools import partial

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bias_audit.analysis.compare_runs import compare_runs, notices
from bias_audit.errors import UsageError
from bias_audit.metrics.score_cube import evidence_csv
from bias_audit.records import FillScore
from bias_audit.results.run_folder import StoredRun
from tests.analysis import slow_stats as slow
from tests.analysis.world import (
    CONTROLS,
    Model,
    behave,
    controlled,
    job_sentences,
    make,
    noise,
    pairs,
    plant,
    run,
    sentences,
    sign,
    terms,
)
from tests.gates.runs import (
    audited,
    edit_results,
    moved,
    paired,
    rewrite,
    rough,
    rows_of,
    soften,
    store,
)

CLOSE = {"rel": 2e-5, "abs": 5e-6}  # evidence has six decimals
KEY = ["probe", "template", "variant", "group", "term", "label", "target", "pole", "text"]


def table(run):
    return slow.table(run.evidence.read_bytes())


def both(base, candidate, sign):
    """The rows that two runs share, with candidate minus (or plus) baseline as the score."""
    merged = table(base).merge(table(candidate), on=KEY, suffixes=("", "_new"))
    merged["log_prob"] = merged["log_prob_new"] + sign * merged["log_prob"]
    return merged


def check(found, base, candidate, claim):
    """A change against slow formulas on merged rows; ``claim`` computes a gap from evidence.

    The interval is about these words; the p is that of words of their kind.
    """
    again = partial(claim, construct=False)
    kind = claim(slow.Evidence(both(base, candidate, -1), found.probe), construct=True)
    step = again(slow.Evidence(both(base, candidate, -1), found.probe))
    total = again(slow.Evidence(both(base, candidate, +1), found.probe))
    old = again(slow.Evidence(table(base), found.probe))
    new = again(slow.Evidence(table(candidate), found.probe))
    assert (found.baseline, found.candidate) == pytest.approx((old.estimate, new.estimate), **CLOSE)
    assert found.difference == pytest.approx(step.estimate, **CLOSE)
    assert found.difference == pytest.approx(new.estimate - old.estimate, **CLOSE)
    assert found.se == pytest.approx(step.se, **CLOSE)
    assert found.df == pytest.approx(step.df, rel=1e-3)
    assert (found.ci_low, found.ci_high) == pytest.approx(step.interval(0.95), **CLOSE)
    assert found.p_value == pytest.approx(kind.p, rel=1e-3, abs=1e-7)
    assert found.n_templates == len(step.delta)
    low, high = old.interval(0.95)
    level = 0.975 if low <= 0 <= high else 0.95
    sign = -1 if old.estimate < 0 else 1
    bounds = [(sign * step.estimate, step), (-sign * total.estimate, total)]
    half = [stats.t.ppf(level, gap.df) * gap.se for _, gap in bounds]
    assert found.bound_level == level
    assert found.rise == pytest.approx(abs(new.estimate) - abs(old.estimate), **CLOSE)
    lows = [value - h for (value, _), h in zip(bounds, half, strict=True)]
    highs = [value + h for (value, _), h in zip(bounds, half, strict=True)]
    # a step back of at most the limit cannot turn a gap over and make it larger than that
    high = max(highs[0], min(highs[1], -lows[0]))
    assert (found.rise_low, found.rise_high) == pytest.approx((max(lows), high), **CLOSE)
    assert [b.claim for b in found.bounds] == ["further", "reversed"]
    for bound, (value, gap) in zip(found.bounds, bounds, strict=True):
        assert bound.estimate == pytest.approx(value, **CLOSE)
        assert bound.se == pytest.approx(gap.se, **CLOSE)
        assert bound.df == pytest.approx(gap.df, rel=1e-3)
    return step


def compared(probe, tmp_path, effect=None):
    base = store(audited(rough, probe), tmp_path / "base")
    candidate = store(audited(effect or moved(0.3), probe), tmp_path / "candidate")
    return base, candidate, compare_runs(base, candidate, name="main")


def two_runs(tmp_path):
    """The usual two runs, stored."""
    return (
        store(audited(), tmp_path / "base"),
        store(audited(moved(0.3)), tmp_path / "candidate"),
    )


@pytest.mark.parametrize(
    ("count", "poles", "concept"),
    [(6, 6, True), (5, 3, True), (3, 6, False), (3, 2, False)],
)
def test_matched_pairs(count, poles, concept, tmp_path):
    groups = {"a": pairs("ann", count), "b": pairs("bob", count)}
    probe = controlled(groups=groups, plus=terms("gain", poles), minus=terms("loss", poles))
    base, candidate, found = compared(probe, tmp_path)
    (change,) = found.changes
    partners = {f"ann{i}": f"bob{i}" for i in range(1, count + 1)}

    def again(ev, construct):
        return slow.matched(ev, "a", "b", partners, concept=concept, construct=construct)

    check(change, base, candidate, again)
    assert (change.n_terms, change.n_targets) == (count, 2 * poles)
    assert (change.cells, change.cells_lost_share) == (8 * 2 * count * 2 * poles, 0)
    assert not found.identical
    assert not found.missing


def test_unmatched_words_with_heads_and_further_slots(tmp_path):
    heads = ({"sg": "person"}, {"sg": "neighbor"})
    adjectives = {
        g: {"heads": heads, "entries": [{"adjective": f"{g}ish{i}"} for i in range(1, n)]}
        for g, n in (("a", 5), ("b", 6))
    }
    verbs = ("met", "saw", "heard", "left", "found", "sold", "gave", "lost", "kept")
    frames = [f"The [group] {verb} the <mask> in [place]." for verb in verbs]
    probe = controlled(groups=adjectives, frames=frames, slots={"place": ["Rome", "Bern"]})
    base, candidate, found = compared(probe, tmp_path)
    (change,) = found.changes
    check(change, base, candidate, partial(slow.words, a="a", b="b", concept=True))
    assert change.cells == 9 * 9 * 2 * 2 * 12


@pytest.mark.parametrize("sizes", [(4, 5, 6), (1, 1, 1), (4, 2, 4)])
def test_each_group_and_the_others_and_every_pair(sizes, tmp_path):
    groups = {g: terms(g * 3, n) for g, n in zip("abc", sizes, strict=True)}
    base, candidate, found = compared(controlled(groups=groups), tmp_path)
    assert [c.role for c in found.changes] == ["primary"] * 3 + ["secondary"] * 3
    for change in found.changes:
        a, b = change.groups
        used = groups if b == "~others" else {a: groups[a], b: groups[b]}
        concept = min(len(words) for words in used.values()) >= 4

        def again(ev, construct, change=change, concept=concept):
            return slow.words(ev, *change.groups, concept=concept, construct=construct)

        check(change, base, candidate, again)


@pytest.mark.parametrize("poles", [8, 4])
def test_group_masked(poles, tmp_path):
    probe = make(
        mask="group",
        groups={"a": pairs("she", 2), "b": pairs("he", 2)},
        plus=terms("gain", poles),
        minus=terms("loss", poles + 1),
        neither=terms("calm", 3),
        frames=job_sentences(8),
        controls=CONTROLS,
    )
    base, candidate, found = compared(probe, tmp_path)
    (change,) = found.changes
    check(change, base, candidate, partial(slow.masked, a="a", b="b"))
    assert set(change.variance) >= {"templates", "targets"}


def test_adjusted_by_probe_and_role(tmp_path):
    three = {g: terms(g * 3, 4) for g in "abc"}
    probes = [
        controlled("one"),
        controlled("two", groups=three),
        make("six", axis="elsewhere", groups=three, controls=CONTROLS),
    ]
    _, _, found = compared(probes, tmp_path, moved(0.05, 0.3))
    for role, method in (("primary", "holm"), ("secondary", "fdr_by")):
        for probe in ("one", "two", "six"):
            family = [c for c in found.changes if (c.role, c.probe) == (role, probe)]
            if not family:
                continue
            expected = multipletests([c.p_value for c in family], method=method)[1]
            assert [c.p_adjusted for c in family] == pytest.approx(list(expected), rel=1e-6)
            assert [c.differs for c in family] == [p < 0.05 for p in expected]


def test_left_out_units_are_those_of_a_run_without_them(tmp_path):
    groups = {"a": terms("ann", 5), "b": terms("bob", 4)}
    base, candidate, found = compared(controlled(groups=groups), tmp_path)
    merged = both(base, candidate, -1)
    (change,) = found.changes

    def gap(frame):
        ev = slow.Evidence(frame, "trial")
        return slow.words(ev, "a", "b", concept=True, construct=True).estimate

    mine = merged[merged["probe"] == "trial"]
    left = [gap(mine[mine["template"] != name]) for name in sorted(set(mine["template"]))]
    left += [gap(mine[mine["label"] != name]) for name in sorted(set(mine["label"]))]
    further = change.bounds[0]
    assert (further.loo_low, further.loo_high) == pytest.approx((min(left), max(left)), **CLOSE)


def test_a_model_against_itself_is_identical_to_the_last_digit(tmp_path):
    groups = {g: terms(g * 3, 4) for g in "abc"}
    found = paired(
        audited(probe=controlled(groups=groups)), audited(probe=controlled(groups=groups)), tmp_path
    )
    assert found.identical
    assert len(found.changes) == 6
    for change in found.changes:
        assert change.identical
        assert (change.difference, change.rise, change.p_adjusted) == (0.0, 0.0, 1.0)
        assert math.copysign(1, change.difference) == math.copysign(1, change.rise) == 1
        assert (change.ci_low, change.ci_high, change.rise_low, change.rise_high) == (0, 0, 0, 0)
        assert not change.differs
        assert change.reason_code == ""
    assert "same weights" in found.notices[0]


@pytest.mark.parametrize(
    ("gap", "control", "said"), [(0.6, 0.6, True), (0.6, 0.7, False), (0.7, 0.6, False)]
)
def test_a_gap_that_shrank_with_its_positive_control_is_said(gap, control, said):
    old = run(controlled(), plant(1.0)).results
    factors = {"trial:log_odds_gap:a-vs-b": gap, "yes:log_odds_gap:a-vs-b": control}
    scaled = [
        r.model_copy(update={"estimate": r.estimate * factors[r.id]}) if r.id in factors else r
        for r in old.results
    ]
    new = old.model_copy(update={"results": tuple(scaled)})
    text = "in trial the gap and its positive control both shrank by a third or more"
    assert any(text in notice for notice in notices(old, new)) is said


def test_a_change_names_its_measure(tmp_path):
    found = paired(audited(probe=controlled()), audited(probe=controlled()), tmp_path)
    assert {change.metric_name for change in found.changes} == {"log-odds gap"}


def test_a_shift_that_is_the_same_everywhere_is_known_to_six_decimals(tmp_path):
    """Arithmetic on stored cells has no variance; it must still be able to fail a gate."""
    shift = lambda p: rough(p) + (0.4 if (p.group, p.pole) == ("a", "+") else 0.0)  # noqa: E731
    found = paired(audited(), audited(shift), tmp_path)
    (change,) = found.changes
    assert change.difference == pytest.approx(0.4, abs=1e-6)
    assert 0 < change.se < 1e-5
    assert change.df == 7
    assert change.rise_low > 0.399
    assert change.differs


def test_no_error_is_smaller_than_the_decimals_that_are_stored(tmp_path):
    def shift(p):
        tiny = 5e-6 * sign(p.template) if p.template == "01" else 0.0
        return rough(p) + (0.4 + tiny if (p.group, p.pole) == ("a", "+") else 0.0)

    (change,) = paired(audited(), audited(shift), tmp_path).changes
    assert change.variance["templates"] > 0
    assert change.se == 1e-6


def test_groups_that_did_not_move_are_identical_beside_one_that_did(tmp_path):
    probe = controlled(groups={g: terms(g * 3, 4) for g in "abc"})
    only_c = lambda p: rough(p) + (0.3 if (p.group, p.pole) == ("c", "+") else 0.0)  # noqa: E731
    found = paired(audited(probe=probe), audited(only_c, probe), tmp_path)
    same = {c.groups for c in found.changes if c.identical}
    assert same == {("a", "b")}
    assert not found.identical


def test_rounding_of_the_arithmetic_is_no_difference(tmp_path):
    tiny = lambda p: rough(p) + (3e-5 if (p.group, p.pole) == ("a", "+") else 0.0)  # noqa: E731
    (change,) = paired(audited(), audited(tiny), tmp_path).changes
    assert not change.identical
    assert change.p_adjusted < 0.05
    assert not change.differs
    half = paired(
        audited(Model(behave(rough), dtype="bfloat16")),
        audited(Model(behave(moved(0.01, 0.0)), dtype="bfloat16")),
        tmp_path / "half",
    )
    assert half.changes[0].p_adjusted < 0.05
    assert not half.changes[0].differs


def test_scores_in_memory_and_on_disk_give_the_same_comparison(tmp_path):
    base, candidate = audited(), audited(moved(0.3))
    stored = paired(base, candidate, tmp_path)
    fresh = [
        StoredRun(
            results=done.results,
            evidence=evidence_csv([done.measured.tables[n] for n in sorted(done.measured.tables)]),
        )
        for done in (base, candidate)
    ]
    assert compare_runs(*fresh, name="base") == stored
    assert paired(base, candidate, tmp_path / "again") == stored


# What is lost is said.


def unscorable(*names):
    def effect(prompt):
        if prompt.probe == "trial" and prompt.target in names:
            return FillScore(log_prob=None, pieces=0, skip="unscorable", detail="no piece")
        return moved(0.3)(prompt)

    return effect


def test_a_word_that_one_model_cannot_express_is_dropped_from_both(tmp_path):
    probe = controlled(plus=terms("gain", 12), minus=terms("loss", 12))
    base, candidate, found = compared(probe, tmp_path, unscorable("gain3"))
    (change,) = found.changes
    assert change.n_targets == 23
    assert change.cells_lost_share == pytest.approx(1 / 24)
    assert "cells_lost" not in change.statuses
    merged = both(base, candidate, -1)
    kept = merged[(merged["target"] != "gain3") & (merged["probe"] == "trial")]
    partners = {f"ann{i}": f"bob{i}" for i in range(1, 7)}
    gap = slow.matched(
        slow.Evidence(kept, "trial"), "a", "b", partners, concept=True, construct=False
    )
    assert (change.difference, change.se) == pytest.approx((gap.estimate, gap.se), **CLOSE)


def test_a_masked_group_word_that_one_model_cannot_express(tmp_path):
    probe = make(
        mask="group",
        groups={"a": terms("she", 12), "b": terms("he", 12)},
        plus=terms("gain", 8),
        minus=terms("loss", 8),
        frames=job_sentences(8),
        controls=CONTROLS,
    )

    def lost(p):
        if p.probe == "trial" and p.term == "she2":
            return FillScore(log_prob=None, pieces=0, skip="unscorable", detail="no piece")
        return moved(0.3)(p)

    base, candidate, found = compared(probe, tmp_path, lost)
    (change,) = found.changes
    assert (change.n_terms, change.n_targets) == (23, 16)
    assert change.cells_lost_share == pytest.approx(1 / 24)
    merged = both(base, candidate, -1)
    ev = slow.Evidence(merged[merged["term"] != "she2"], "trial")
    gap = slow.masked(ev, "a", "b", construct=False)
    assert (change.difference, change.se) == pytest.approx((gap.estimate, gap.se), **CLOSE)


def test_the_same_scores_beside_lost_words_are_not_the_same_outputs(tmp_path):
    def lost(p):
        return unscorable("gain3")(p) if p.target == "gain3" else rough(p)

    found = compared(controlled(plus=terms("gain", 12)), tmp_path, lost)[2]
    (change,) = found.changes
    assert change.identical
    assert change.cells_lost_share > 0
    assert not found.identical


def test_more_than_a_tenth_of_the_cells_lost_is_not_judged(tmp_path):
    found = compared(controlled(), tmp_path, unscorable("gain3", "loss1"))[2]
    (change,) = found.changes
    assert change.cells_lost_share == pytest.approx(2 / 12)
    assert change.reason_code == "cells_lost"
    assert "17%" in change.reason
    assert change.difference is not None


def test_a_lost_group_word_takes_its_partner_along(tmp_path):
    groups = {"a": pairs("she", 12), "b": pairs("he", 12)}
    probe = controlled(groups=groups)

    def other_text(rows):
        text, label = rows[0].index("text"), rows[0].index("label")
        return [
            [*r[:text], r[text] + "!", *r[text + 1 :]] if r[label] == "she4" else r for r in rows
        ]

    store(audited(rough, probe), tmp_path / "base")
    candidate = store(audited(moved(0.3), probe), tmp_path / "candidate")
    base = rewrite(tmp_path / "base", other_text)
    (change,) = compare_runs(base, candidate, name="base").changes
    assert change.n_terms == 11
    # asked: 12 + 12 words, and one under two texts; kept: 11 + 11
    assert change.cells_lost_share == pytest.approx(3 / 25)


def test_a_sentence_too_long_for_one_model_is_dropped_from_both(tmp_path):
    def effect(prompt):
        if prompt.probe == "trial" and prompt.template == "03" and prompt.target == "gain1":
            return FillScore(log_prob=None, pieces=1, skip="too_long", detail="9 pieces of 8")
        return moved(0.3)(prompt)

    (change,) = compared(controlled(frames=sentences(12)), tmp_path, effect)[2].changes
    assert change.n_templates == 11
    assert change.cells_lost_share == pytest.approx(1 / 12)


def test_nothing_in_common_is_said(tmp_path):
    probe, other = controlled(), controlled(frames=[f"{s} So it was." for s in sentences(8)])
    base = store(audited(rough, probe), tmp_path / "base")
    candidate = store(audited(rough, other), tmp_path / "candidate")
    found = compare_runs(base, candidate, name="base")
    assert not found.changes
    assert not found.identical
    (missing,) = found.missing
    assert (missing.reason_code, missing.result) == ("cells_lost", "trial:log_odds_gap:a-vs-b")
    assert "no sentence" in missing.reason


def test_two_runs_without_a_common_probe(tmp_path):
    found = paired(audited(probe=controlled("one")), audited(probe=controlled("two")), tmp_path)
    assert not found.changes
    assert not found.identical
    assert {(m.probe, m.reason_code) for m in found.missing} == {
        ("two", "not_in_baseline"),
        ("one", "no_result"),
    }


def test_another_version_of_the_probe_has_no_partner(tmp_path):
    found = paired(audited(probe=controlled()), audited(probe=controlled(version=2)), tmp_path)
    assert not found.changes
    (missing,) = found.missing
    assert missing.reason_code == "probe_version_changed"
    assert "version 1" in missing.reason
    assert "this run 2" in missing.reason


def test_another_model_family_is_shown_and_not_judged(tmp_path):
    found = paired(audited(), audited(Model(behave(moved(0.3)), vocabulary_size=2000)), tmp_path)
    (change,) = found.changes
    assert change.difference == pytest.approx(0.3, abs=0.15)
    assert change.reason_code == "model_family_changed"
    assert "2,000" in found.notices[0]
    other = audited(Model(behave(moved(0.3)), architecture="Other"))
    (change,) = paired(audited(), other, tmp_path / "other").changes
    assert change.reason_code == "model_family_changed"


@pytest.mark.parametrize("cut", ["base", "candidate"])
def test_a_partial_run_on_either_side_decides_nothing(cut, tmp_path):
    options = {name: ({"limit": 7} if name == cut else {}) for name in ("base", "candidate")}
    found = paired(
        audited(**options["base"]), audited(moved(0.3), **options["candidate"]), tmp_path
    )
    (change,) = found.changes
    assert change.reason_code == "partial_run"
    assert {"partial_run", "cells_lost"} <= set(change.statuses)
    assert any("cut short" in notice for notice in found.notices)


@pytest.mark.parametrize("broken", ["base", "candidate"])
def test_a_silent_control_on_either_side_is_handed_on(broken, tmp_path):
    runs = {
        name: audited(Model(behave(effect, silent=name == broken)))
        for name, effect in (("base", rough), ("candidate", moved(0.3)))
    }
    found = paired(runs["base"], runs["candidate"], tmp_path)
    (change,) = found.changes
    assert (change.reason_code, change.statuses) == ("", ("silent_control",))


def test_identical_outputs_need_no_statistics_but_a_working_instrument(tmp_path):
    few = controlled(frames=sentences(6))
    (change,) = paired(audited(probe=few), audited(probe=few), tmp_path).changes
    assert (change.identical, change.reason_code) == (True, "")
    assert change.statuses == ("descriptive_only",)
    (change,) = paired(audited(probe=few), audited(moved(0.3), few), tmp_path / "differ").changes
    assert change.reason_code == "descriptive_only"
    silent = audited(Model(behave(rough, silent=True)))
    (change,) = paired(silent, silent, tmp_path / "silent").changes
    assert (change.identical, change.statuses) == (True, ("silent_control",))


def test_no_controls_is_handed_on(tmp_path):
    bare = make()
    (change,) = paired(audited(probe=bare), audited(moved(0.3), bare), tmp_path).changes
    assert (change.statuses, change.reason_code) == (("no_controls",), "")


@pytest.mark.parametrize("side", ["base", "candidate"])
def test_missing_evidence_is_its_own_reason(side, tmp_path):
    two_runs(tmp_path)
    (tmp_path / side / "evidence.csv.gz").unlink()
    found = compare_runs(
        StoredRun.open(tmp_path / "base"), StoredRun.open(tmp_path / "candidate"), name="base"
    )
    assert not found.changes
    (missing,) = found.missing
    assert missing.reason_code == "no_evidence"
    assert ("the baseline" if side == "base" else "this run") in missing.reason


# Files that somebody changed or cut.


def damaged(tmp_path, change):
    base, _ = two_runs(tmp_path)
    return base, rewrite(tmp_path / "candidate", change)


def put(rows, row, column, value):
    place = rows[0].index(column)
    return [*rows[:row], [*rows[row][:place], value, *rows[row][place + 1 :]], *rows[row + 1 :]]


def trial_row(rows):
    return next(i for i, row in enumerate(rows) if row[0] == "trial")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [r[:-3] for r in rows], "lacks the columns skip"),
        (lambda rows: [], "lacks the columns probe"),
        (lambda rows: [rows[0], *[r[:-1] for r in rows[1:]]], "after row 2: expected 21 values"),
        (lambda rows: put(rows, trial_row(rows), "log_prob", "much"), "could not convert"),
        (lambda rows: put(rows, trial_row(rows), "log_prob", ""), "could not convert"),
        (lambda rows: put(rows, trial_row(rows), "log_prob", "nan"), "expected a log-probability"),
        (lambda rows: put(rows, trial_row(rows), "log_prob", "0.5"), "expected a log-probability"),
        (lambda rows: [*rows, rows[trial_row(rows)]], "there twice"),
        (lambda rows: put(rows, trial_row(rows), "log_prob", "-0.1"), "does not belong"),
        (lambda rows: rows[: trial_row(rows) + 20], "does not belong"),
        (lambda rows: [r for r in rows if r[0] != "trial"], "cannot be computed"),
        (lambda rows: [r for r in rows if r[rows[0].index("template")] != "02"], "does not belong"),
        (lambda rows: put(rows, trial_row(rows), "skip", "unscorable"), "does not belong"),
    ],
)
def test_damaged_evidence_is_refused(change, said, tmp_path):
    base, candidate = damaged(tmp_path, change)
    with pytest.raises(UsageError, match=said) as caught:
        compare_runs(base, candidate, name="base")
    assert str(tmp_path / "candidate" / "evidence.csv.gz") in str(caught.value)
    assert "run the audit again" in str(caught.value)


@pytest.mark.parametrize("bytes_", [b"", b"no gzip at all", None])
def test_truncated_evidence_is_refused(bytes_, tmp_path):
    base = store(audited(), tmp_path / "base")
    file = base.evidence
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if bytes_ is None else bytes_)
    with pytest.raises(UsageError, match=r"not readable evidence|does not belong"):
        compare_runs(base, base, name="base")


def test_evidence_of_another_run_is_refused(tmp_path):
    base, other = two_runs(tmp_path)
    mixed = StoredRun(results=base.results, evidence=other.evidence)
    with pytest.raises(UsageError, match="does not belong to its results"):
        compare_runs(base, mixed, name="base")
    with pytest.raises(UsageError, match="does not belong to its results"):
        compare_runs(mixed, base, name="base")


def test_an_edited_estimate_is_refused(tmp_path):
    store(audited(), tmp_path / "base")

    base = edit_results(tmp_path / "base", lambda c: soften(c["results"][0], 0.0))
    with pytest.raises(UsageError, match="there and is"):
        compare_runs(base, base, name="base")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(schema_version="4.0"), "schema version 4.0"),
        (lambda c: c["results"][0].update(groups=["a"]), "not two groups"),
        (lambda c: c.update(probes=[]), "no probe record"),
        (lambda c: c["results"][0].update(estimate=0.0), "is 0, outside of its confidence"),
        (lambda c: c["results"][0].update(estimate="much"), "damaged at results.0.estimate"),
    ],
)
def test_damaged_results_are_refused(change, said, tmp_path):
    base, _ = two_runs(tmp_path)
    with pytest.raises(UsageError, match=said):
        compare_runs(base, edit_results(tmp_path / "candidate", change), name="base")


def test_the_order_of_rows_changes_no_number(tmp_path):
    base, candidate = two_runs(tmp_path)
    before = compare_runs(base, candidate, name="base")
    head, *rows = rows_of(tmp_path / "candidate")
    shuffled = sorted(rows, key=lambda row: noise(*row))
    again = rewrite(tmp_path / "candidate", lambda _: [head, *shuffled])
    assert compare_runs(base, again, name="base") == before
