"""Every number in the results, computed again from the bytes of the evidence file."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from statsmodels.stats.multitest import multipletests

from bias_audit.metrics.score_cube import evidence_csv
from bias_audit.metrics.scored_probe import Settings
from tests.analysis import slow_stats as slow
from tests.analysis.world import (
    ALL_CONTROLS,
    CONTROLS,
    Model,
    analyse,
    behave,
    controlled,
    job_sentences,
    make,
    noise,
    pairs,
    primary,
    run,
    terms,
)

SETTINGS = Settings(resamples=999, divergence_resamples=199)


def rough(p):
    gap = 0.5 if (p.group, p.pole) == ("a", "+") else 0.0
    lean = 0.3 * noise(p.group, p.target) + 0.3 * noise(p.template, p.group, p.pole)
    return gap + lean + 0.4 * noise(p.term, p.pole) + 0.2 * noise(p.text, p.target)


def evidence(done):
    tables = [done.measured.tables[name] for name in sorted(done.measured.tables)]
    return slow.table(evidence_csv(tables))


def same(result, these, kind=None, *, sign_flip=True):
    """Both claims, the second None where the probe has no other words of this kind."""
    close = {"rel": 2e-5, "abs": 3e-6}  # evidence has six decimals
    assert result.estimate == pytest.approx(these.estimate, **close)
    for one, gap in ((result, these), *([(result.words_of_this_kind, kind)] if kind else [])):
        assert one.se == pytest.approx(gap.se, **close)
        assert one.df == pytest.approx(gap.df, rel=3e-4)
        assert (one.ci_low, one.ci_high) == pytest.approx(gap.interval(0.95), **close)
        assert (one.ci90_low, one.ci90_high) == pytest.approx(gap.interval(0.90), **close)
    assert (result.words_of_this_kind is None) == (kind is None)
    p = None if kind is None else pytest.approx(kind.p, rel=1e-3, abs=1e-7)
    assert result.p_value == p
    assert result.mde80 == pytest.approx(these.mde, rel=1e-4)
    assert {t.id: t.value for t in result.by_template} == pytest.approx(these.delta, **close)
    assert result.n_templates == len(these.delta)
    if sign_flip:
        flips = slow.flips(list(these.delta.values()))
        assert result.p_sign_flip == pytest.approx(flips, abs=1e-7)


def both(claim):
    """The claim about these words, and the one about words of their kind."""
    return claim(construct=False), claim(construct=True)


def targets_same(result, gaps):
    close = {"rel": 2e-5, "abs": 3e-6}
    raw = []
    for effect in result.by_target:
        gap = gaps(effect.id)
        assert effect.value == pytest.approx(gap.estimate, **close)
        assert (effect.ci_low, effect.ci_high) == pytest.approx(gap.interval(0.95), **close)
        assert effect.p_value == pytest.approx(gap.p, rel=1e-3, abs=1e-7)
        raw.append(effect.p_value)
    adjusted = multipletests(raw, method="fdr_by")[1]
    assert [t.p_adjusted for t in result.by_target] == pytest.approx(list(adjusted), rel=1e-6)


@pytest.mark.parametrize(
    ("count", "poles", "concept"),
    [(6, 6, True), (5, 3, True), (3, 6, False), (3, 2, False)],
)
def test_matched_pairs(count, poles, concept):
    groups = {"a": pairs("ann", count), "b": pairs("bob", count)}
    probe = controlled(groups=groups, plus=terms("gain", poles), minus=terms("loss", poles))
    done = analyse(probe, rough, settings=SETTINGS)
    (result,) = primary(done)
    ev = slow.Evidence(evidence(done), "trial")
    partners = {f"ann{i}": f"bob{i}" for i in range(1, count + 1)}
    assert (result.scope == "concept") == concept
    assert (result.n_terms, result.n_prompts) == (count, ev.count)
    same(result, *both(partial(slow.matched, ev, "a", "b", partners, concept=concept)))
    targets_same(
        result,
        lambda t: slow.matched(
            ev, "a", "b", partners, concept=concept, construct=False, f=ev.centred(t)
        ),
    )
    means = [
        slow.mean(ev.y(j, "a", w) - ev.y(j, "b", v) for j in ev.templates)
        for w, v in partners.items()
    ]
    assert result.p_label_exchange == pytest.approx(slow.flips(means), abs=1e-7)
    assert result.sign_share == np.mean(
        [np.sign(t.value) == np.sign(result.estimate) for t in result.by_template]
    )


def test_unmatched_words_with_heads_and_further_slots():
    heads = ({"sg": "person"}, {"sg": "neighbor"})
    adjectives = {
        g: {"heads": heads, "entries": [{"adjective": f"{g}ish{i}"} for i in range(1, n)]}
        for g, n in (("a", 5), ("b", 6))
    }
    verbs = ("met", "saw", "heard", "left", "found", "sold", "gave", "lost")
    frames = [f"The [group] {verb} the <mask> in [place]." for verb in verbs]
    probe = controlled(groups=adjectives, frames=frames, slots={"place": ["Rome", "Bern"]})
    done = analyse(probe, rough, settings=SETTINGS)
    (result,) = primary(done)
    ev = slow.Evidence(evidence(done), "trial")
    assert (result.n_terms, result.scope) == (9, "concept")
    assert result.n_prompts == 8 * 9 * 2 * 2 * 12 == ev.count
    same(result, *both(partial(slow.words, ev, "a", "b", concept=True)))
    targets_same(
        result,
        lambda t: slow.words(ev, "a", "b", concept=True, construct=False, f=ev.centred(t)),
    )
    means = {
        g: [slow.mean(ev.y(j, g, w) for j in ev.templates) for w in ev.labels[g]] for g in "ab"
    }
    assert result.p_label_exchange == pytest.approx(slow.exchange(means["a"], means["b"]))


@pytest.mark.parametrize("sizes", [(4, 5, 6), (1, 1, 1), (4, 2, 4)])
def test_each_group_and_the_others(sizes):
    groups = {g: terms(g * 3, n) for g, n in zip("abc", sizes, strict=True)}
    done = analyse(controlled(groups=groups), rough, settings=SETTINGS)
    ev = slow.Evidence(evidence(done), "trial")
    concept = min(sizes) >= 4
    for result in primary(done):
        same(result, *both(partial(slow.words, ev, *result.groups, concept=concept)))
        assert result.scope == ("concept" if concept else "terms")
        assert result.n_prompts == ev.count
    found = [
        r
        for r in done.results.results
        if (r.role, r.probe, r.metric) == ("secondary", "trial", "log_odds_gap")
    ]
    assert [r.groups for r in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    for result in found:
        fewest = min(len(groups[g]) for g in result.groups)
        same(result, *both(partial(slow.words, ev, *result.groups, concept=fewest >= 4)))
        assert result.n_prompts == 8 * 12 * sum(len(groups[g]) for g in result.groups)


@pytest.mark.parametrize("poles", [8, 4])
def test_group_masked(poles):
    probe = make(
        mask="group",
        groups={"a": pairs("she", 2), "b": pairs("he", 2)},
        plus=terms("gain", poles),
        minus=terms("loss", poles + 1),
        neither=terms("calm", 3),
        frames=job_sentences(8),
        controls={"positive": ["yes"], "negative": ["no"]},
    )
    done = analyse(probe, rough, settings=SETTINGS)
    (result,) = primary(done)
    ev = slow.Evidence(evidence(done), "trial")
    same(result, *both(partial(slow.masked, ev, "a", "b")))
    weights = {"a": 1.0, "b": -1.0}
    y = {
        t: [slow.difference(ev, ev.single(t), weights, j) for j in ev.templates] for t in ev.targets
    }
    for effect in result.by_target:
        rows = [
            y[effect.id][j] - slow.mean(y[t][j] for t in ev.targets)
            for j in range(len(ev.templates))
        ]
        gap = slow.Gap(slow.mean(rows), [[(1.0, rows)]], {})
        assert effect.value == pytest.approx(gap.estimate, abs=3e-6)
        assert effect.p_value == pytest.approx(gap.p, rel=1e-3)
    skew = next(r for r in done.results.results if r.metric == "skew")
    per_frame = [slow.mean(y[t][j] for t in ev.targets) for j in range(len(ev.templates))]
    per_word = [slow.mean(y[t]) for t in ev.targets]
    table = {(j, t): y[t][j] for t in ev.targets for j in range(len(ev.templates))}
    shared = slow.shared(table, [[(1.0, [*range(len(ev.templates))])], [(1.0, ev.targets)]])
    sources = [[(1.0, per_frame)], [(1.0, per_word)]]
    gap = slow.Gap(slow.mean(per_word), sources, {}, shared)
    assert (skew.estimate, skew.se) == pytest.approx((gap.estimate, gap.se), rel=1e-4, abs=3e-6)
    assert (skew.ci_low, skew.ci_high) == pytest.approx(gap.interval(0.95), rel=1e-4, abs=3e-6)


def test_matched_halves_of_a_group_masked_probe():
    facts = [10.0, 80.0, 30.0, 60.0, 20.0, 70.0]
    words = {
        key: {
            "words": [
                w | {"facts": {"share": f + add}} for w, f in zip(terms(key, 6), facts, strict=True)
            ],
            "where": {"fact": "share", "min": 0},
        }
        for key, add in (("gain", 5), ("loss", 0))
    }
    probe = make(
        mask="group",
        groups={"a": ["she"], "b": ["he"]},
        plus=words["gain"],
        minus=words["loss"],
        frames=job_sentences(8),
        controls={"positive": ["yes"]},
    )
    done = analyse(probe, rough, settings=SETTINGS)
    split = next(r for r in done.results.results if r.id.startswith("trial~split"))
    ev = slow.Evidence(evidence(done), "trial")
    # ranked by share: 1 5 3 4 6 2; neighbours are pairs; the larger one changes its half
    couples = [
        (f"{key}{one}", f"{key}{two}")
        for key in ("gain", "loss")
        for one, two in ((1, 5), (4, 3), (6, 2))
    ]
    weights = {"a": 1.0, "b": -1.0}
    inside = {
        (j, one): slow.difference(ev, ev.single(one), weights, j)
        - slow.difference(ev, ev.single(two), weights, j)
        for one, two in couples
        for j in ev.templates
    }
    rows = [slow.mean(inside[j, one] for one, _ in couples) for j in ev.templates]
    cols = [slow.mean(inside[j, one] for j in ev.templates) for one, _ in couples]
    shared = slow.shared(inside, [[(1.0, ev.templates)], [(1.0, [one for one, _ in couples])]])
    gap = slow.Gap(slow.mean(rows), [[(1.0, rows)], [(1.0, cols)]], {}, shared)
    kind = split.words_of_this_kind
    assert (split.estimate, kind.se) == pytest.approx((gap.estimate, gap.se), rel=1e-4, abs=3e-6)
    # a gap between the poles is no part of the halves' variance
    stronger = analyse(
        probe,
        lambda p: rough(p) + (5.0 if (p.group, p.pole) == ("a", "+") else 0),
        settings=SETTINGS,
    )
    again = next(r for r in stronger.results.results if r.id == split.id)
    assert (again.estimate, again.se) == pytest.approx((split.estimate, split.se), rel=1e-6)
    assert split.works is True


def test_diagonal():
    own = {"a": "gold", "b": "iron", "c": "salt"}
    groups = {g: terms(g * 3, 2) for g in "abc"}
    probe = make(groups=groups, own=own, role="positive_control", card=False)
    done = analyse(probe, lambda p: rough(p) + (2 if p.pole == "+" else 0), settings=SETTINGS)
    (result,) = [r for r in done.results.results if r.probe == "trial"]
    same(result, slow.diagonal(slow.Evidence(evidence(done), "trial"), own))


def test_placebo():
    done = run(controlled(controls=ALL_CONTROLS), rough, settings=SETTINGS)
    ev = slow.Evidence(evidence(done), "trial~placebo")
    partners = {f"near{i}": f"far{i}" for i in range(1, 7)}
    control = next(r for r in done.results.results if r.probe == "trial~placebo")
    same(control, *both(partial(slow.matched, ev, "first", "second", partners, concept=True)))


def test_holm_over_the_probe_and_by_over_what_is_explored():
    three = {g: terms(g * 3, 4) for g in "abc"}
    masked = {"mask": "group", "groups": {"a": ["she"], "b": ["he"]}, "frames": job_sentences(8)}
    probes = [
        controlled("one", opens=["The [group] had <mask>."]),
        controlled("two", groups=three),
        make("six", axis="elsewhere", groups=three, controls=CONTROLS),
        make("ten", **masked, controls={"positive": ["yes"], "negative": ["no"]}),
    ]
    done = analyse(
        probes, lambda p: rough(p) + 0.4 * noise(p.probe, p.group, p.pole), settings=SETTINGS
    )
    for role, method in (("primary", "holm"), ("secondary", "fdr_by")):
        for name in ("one", "two", "six", "ten"):
            family = [
                r
                for r in done.results.results
                if (r.role, r.probe) == (role, name) and r.p_value is not None
            ]
            assert family or (role, name) == ("secondary", "ten")
            if not family:
                continue
            expected = multipletests([r.p_value for r in family], method=method)[1]
            found = [r.p_adjusted for r in family]
            assert found == pytest.approx(list(expected), rel=1e-6)
    # outcomes follow from the adjusted p, p beyond the first rung, and the 90 % interval
    tables = evidence(done)
    family = [r for r in done.results.results if (r.role, r.axis) == ("primary", "elsewhere")]
    ev = slow.Evidence(tables, "six")
    gaps = [slow.words(ev, *r.groups, concept=True, construct=False) for r in family]
    for result, gap in zip(family, gaps, strict=True):
        low, high = gap.interval(0.9)
        found = result.p_adjusted < 0.05 or gap.beyond(np.log(1.25)) <= 0.05
        inside = -result.margin < low and high < result.margin
        assert result.outcome == ("association" if found else "small" if inside else "open")


def distributions(model, probe, group, label):
    return [
        model._open(p, 5).words.astype(float)
        for p in model.asked
        if p.filler is None and (p.probe, p.group, p.label) == (probe, group, label)
    ]


@pytest.mark.parametrize("labels", [1, 3])
def test_divergence_of_completions(labels):
    heads = ({"sg": "person"}, {"sg": "neighbor"})
    groups = {
        g: {"heads": heads, "entries": [{"adjective": f"{g}ish{i}"} for i in range(labels)]}
        for g in "ab"
    }
    opens = ["The [group] had <mask>.", "The [group] sold <mask>.", "Give the [group] <mask>."]
    model = Model(behave(rough), open_effect=lambda p, w: 1.5 * noise(p.text, w))
    done = analyse(controlled(groups=groups, opens=opens), model, settings=SETTINGS)
    result = next(r for r in done.results.results if r.metric == "jsd")
    asked = [p for p in model.asked if p.template.startswith("open") and p.probe == "trial"]
    values = []
    for template in sorted({p.template for p in asked}):
        means = []
        for g in "ab":
            rows = [p for p in asked if (p.template, p.group) == (template, g)]
            means.append(np.mean([model._open(p, 3).words.astype(float) for p in rows], axis=0))
        values.append(jensenshannon(*means, base=2) ** 2)
    assert result.estimate == pytest.approx(np.mean(values), rel=1e-5)
    assert result.n_prompts == len(asked) == 3 * 2 * 2 * labels
    # labels are the units where there are several; else the words of the one label, head by head
    assert result.n_terms == (2 if labels == 1 else labels) * 2
    assert "relabellings" in result.p_method
    count = {1: 4, 3: 20}[labels]
    assert f"exact, {count} relabellings" in result.p_method
    assert result.neutral == result.null_mean
    assert result.excess == pytest.approx(result.estimate - result.null_mean)


def test_profiles_are_means_of_the_evidence():
    done = analyse(controlled(), rough, settings=SETTINGS)
    frame = evidence(done)
    told = next(p for p in done.results.probes if p.id == "trial")
    for target in told.targets:
        for group, value in zip(told.groups, target.log_prob, strict=True):
            rows = frame[
                (frame["probe"] == "trial")
                & (frame["target"] == target.id)
                & (frame["group"] == group.id)
            ]
            assert value == pytest.approx(rows["log_prob"].mean(), abs=1e-6)


def test_terms_scope_can_be_asked_for():
    for scope in ("terms", "concept"):
        done = analyse(controlled(scope=scope), rough, settings=SETTINGS)
        (result,) = primary(done)
        ev = slow.Evidence(evidence(done), "trial")
        partners = {f"ann{i}": f"bob{i}" for i in range(1, 7)}
        claims = both(partial(slow.matched, ev, "a", "b", partners, concept=scope == "concept"))
        same(result, *claims)
