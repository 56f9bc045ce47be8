"""Simulated gates beside closed forms, a slow loop, and the contrast of one data set."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy import integrate, stats

from bias_audit.results import RiseBound
from bias_audit.stats import power, severity
from bias_audit.stats._split import by_groups, by_pairs
from bias_audit.stats.contrast import matched_pairs, target_part, versus_rest
from bias_audit.stats.draws import Components, Size, _cell_noise, draw
from bias_audit.stats.layout import Layout, without_one
from bias_audit.stats.many import ONE_UNIT, SKEWED, Design, Many, Responses
from bias_audit.stats.power import Change, shares
from bias_audit.stats.seeds import stream

LIMIT = 0.223
RUNS = 2000
DESIGNS = {
    "pairs": Design(groups=1, scope="concept"),
    "pairs, these words": Design(groups=1, scope="terms"),
    "two groups": Design(groups=2, scope="concept"),
    "these sentences": Design(groups=2, scope="templates"),
    "four groups": Design(groups=4, scope="concept"),
    "targets too": Design(groups=2, scope="concept", construct=True),
    "pairs and targets": Design(groups=1, scope="terms", construct=True),
    "poles": Design(groups=2, scope="concept", by_target=True),
}
PARTS = Components(templates=0.04, terms=0.03, targets=0.05, residual=0.09, at_targets=12)


def within(found: float, wanted: float, runs: int = RUNS) -> bool:
    """Four standard errors of a share."""
    return abs(found - wanted) <= 4 * math.sqrt(max(wanted * (1 - wanted), 0.002) / runs)


@pytest.mark.parametrize("name", DESIGNS)
def test_many_data_sets_are_analysed_like_one(name: str) -> None:
    design, rng = DESIGNS[name], np.random.default_rng(3)
    truth, rows, each = 0.3, 8, 5
    y = rng.normal(size=(6, rows, each * design.groups)) ** 3
    groups = [list(range(g * each, (g + 1) * each)) for g in range(design.groups)]
    split = by_pairs(y) if design.groups == 1 else by_groups(y, groups, design.weights)
    d = (rng.normal(size=(6, 4)), rng.normal(size=(6, 3))) if design.construct else None
    many = Many(design, Responses(split, d))
    uneven = many.uneven(truth)
    for number, found in enumerate(many.contrasts(truth)):
        one = y[number].copy()
        one[:, :each] += truth
        part = target_part(d[0][number], d[1][number]) if d else None
        if design.groups == 1:
            wanted = matched_pairs(one, scope=design.scope, target_part=part)
        else:
            wanted = versus_rest(one, groups, 0, scope=design.scope, target_part=part)
        assert found.estimate == pytest.approx(wanted.estimate, rel=1e-12)
        assert (found.se, found.df) == pytest.approx((wanted.se, wanted.df), rel=1e-12)
        assert found.p_inside(0.5) == pytest.approx(wanted.p_inside(0.5), rel=1e-9)
        assert uneven[number] == (abs(wanted.skew) > SKEWED or wanted.largest_share > ONE_UNIT)
        left = without_one(np.array(wanted.delta))
        if design.scope == "concept" and not design.by_target:
            if design.groups == 1:
                left += without_one(one.mean(axis=0))
            else:
                layout = Layout(groups=groups, which=0, rest=True, scope="concept")
                left += layout.without_a_term(one)
        low, high = many.low[number] + truth, many.high[number] + truth
        assert (low, high) == pytest.approx((min(left), max(left)), rel=1e-9)


def test_cell_noise_has_the_moments_of_cells() -> None:
    rows, words, runs = 3, 4, 40_000
    found = np.hstack(_cell_noise(np.random.default_rng(1), runs, rows, words, 2.0))
    cells = np.random.default_rng(2).normal(0, math.sqrt(2.0), (runs, rows, words))
    wanted = np.hstack([cells.mean(axis=2), cells.mean(axis=1)])
    assert found[:, :rows].mean(axis=1) == pytest.approx(found[:, rows:].mean(axis=1), abs=1e-12)
    assert np.cov(found.T) == pytest.approx(np.cov(wanted.T), abs=0.02)


@pytest.mark.parametrize("name", DESIGNS)
def test_components_are_taken_apart_and_put_together(name: str) -> None:
    design, size = DESIGNS[name], Size(templates=9, words=6, targets=12)
    many = Many(design, draw(np.random.default_rng(5), 4000, size, design, PARTS))
    expected = PARTS.expected(size, design)
    for source, value in expected.items():
        drawn = "terms" if design.by_target and source == "targets" else source
        mean = sum(float(part.value.mean()) for part in many.parts[drawn])
        assert mean == pytest.approx(value, rel=0.06), source
    # The noise of cells counts once for each source, so the variance is overestimated by so much.
    noise = PARTS.noise(size, design) * design.factor / (9 * size.columns(design))
    true = sum(expected.values()) - noise * (len(expected) - 1)
    assert float(many.estimate.var()) == pytest.approx(true, rel=0.1)
    back = Components.of(expected | {"residual": noise}, size, design)
    assert back.expected(size, design) == pytest.approx(expected, rel=1e-9)
    other = Size(templates=20, words=15, targets=24)
    assert back.expected(other, design) == pytest.approx(PARTS.expected(other, design), rel=1e-9)


def test_power_and_detectable_gap_are_those_of_the_noncentral_t() -> None:
    design, size = Design(groups=1, scope="terms"), Size(10, 4, 2)
    parts = Components(templates=0.1, terms=0, targets=0, residual=0.08, at_targets=2)
    se, df = math.sqrt(sum(parts.expected(size, design).values())), 9
    many = Many(design, draw(np.random.default_rng(7), 4000, size, design, parts))
    mde = float(stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * se
    for truth, margin in ((mde, 0.0), (0.2, 0.0), (2 * LIMIT, LIMIT), (LIMIT, LIMIT)):
        p = [contrast.p_beyond(margin) for contrast in many.contrasts(truth)]
        t = stats.t.ppf(0.975, df)
        wanted = stats.nct.sf(t, df, (truth - margin) / se)
        wanted += stats.nct.cdf(-t, df, (truth + margin) / se)
        assert within(np.mean(np.array(p) <= 0.05), wanted, 4000), (truth, margin)
    assert float(stats.nct.sf(stats.t.ppf(0.975, df), df, mde / se)) == pytest.approx(0.8, abs=0.02)


def test_the_share_inside_is_that_of_two_one_sided_tests() -> None:
    design, size = Design(groups=1, scope="terms"), Size(14, 4, 2)
    parts = Components(templates=0.05, terms=0, targets=0, residual=0.08, at_targets=2)
    se, df = math.sqrt(sum(parts.expected(size, design).values())), 13
    t = stats.t.ppf(0.95, df)

    def given(ratio: float) -> float:
        reach = LIMIT - t * se * math.sqrt(ratio / df)
        inside = 2 * stats.norm.cdf(reach / se) - 1 if reach > 0 else 0.0
        return float(inside * stats.chi2.pdf(ratio, df))

    wanted = integrate.quad(given, 0, 60)[0]
    many = Many(design, draw(np.random.default_rng(8), 4000, size, design, parts))
    p = np.array([contrast.p_inside(LIMIT) for contrast in many.contrasts(0.0)])
    assert 0.2 < wanted < 0.9
    assert within(float(np.mean(p <= 0.05)), wanted, 4000)
    (found,) = shares(
        design, parts, size, limit=LIMIT, truths=(0.0,), runs=RUNS, rng=stream(1, "a")
    )
    assert found.passed <= wanted + 0.03, "checks on single sentences only take passes away"
    assert found.passed > wanted / 2


def slow_verdict(rng: np.random.Generator, size: Size, parts: Components, truth: float) -> str:
    """One audit of two groups and sampled targets: every cell is drawn, every formula by hand."""
    rows, n, m = size
    half = m // 2
    cell = math.sqrt(parts.residual * m / 4)
    cube = rng.normal(0, cell, (rows, 2 * n, m))
    cube[:, :n, :half] += truth + rng.normal(0, math.sqrt(parts.templates), (rows, 1, 1))
    cube[:, :, :half] += rng.normal(0, math.sqrt(parts.terms), (1, 2 * n, 1))
    cube[:, :n, :] += rng.normal(0, math.sqrt(parts.targets), (1, 1, m))
    y = cube[:, :, :half].mean(axis=2) - cube[:, :, half:].mean(axis=2)
    delta = y[:, :n].mean(axis=1) - y[:, n:].mean(axis=1)
    words, d = y.mean(axis=0), (cube[:, :n].mean(axis=1) - cube[:, n:].mean(axis=1)).mean(axis=0)
    terms = [
        (values.var(ddof=1) / values.size, values.size - 1)
        for values in (delta, words[:n], words[n:], d[:half], d[half:])
    ]
    total = sum(v for v, _ in terms)
    df = total**2 / sum(v**2 / k for v, k in terms)
    estimate, se = delta.mean(), math.sqrt(total)
    left = [np.delete(delta, j).mean() - estimate for j in range(rows)]
    left += [np.delete(words[:n], i).mean() - words[:n].mean() for i in range(n)]
    left += [words[n:].mean() - np.delete(words[n:], i).mean() for i in range(n)]
    narrow, wide = (stats.t.ppf(q, df) * se for q in (0.95, 0.975))
    if abs(estimate) + narrow < LIMIT:
        steady = estimate + narrow + max(left) < LIMIT and estimate - narrow + min(left) > -LIMIT
        return "pass" if steady else "unclear"
    if estimate - wide > LIMIT:
        return "fail" if estimate - wide + min(left) > LIMIT else "unclear"
    if estimate + wide < -LIMIT:
        return "fail" if estimate + wide + max(left) < -LIMIT else "unclear"
    return "unclear"


def test_shares_are_those_of_a_slow_loop_over_every_cell() -> None:
    design, size = Design(groups=2, scope="concept", construct=True), Size(18, 10, 24)
    parts = Components(templates=0.01, terms=0.02, targets=0.02, residual=0.06, at_targets=24)
    zero, double = shares(
        design, parts, size, limit=LIMIT, truths=(0.0, 2 * LIMIT), runs=RUNS, rng=stream(2, "own")
    )
    rng = np.random.default_rng(11)
    for found, truth in ((zero, 0.0), (double, 2 * LIMIT)):
        runs = 1200
        counts = Counter(slow_verdict(rng, size, parts, truth) for _ in range(runs))
        slow = [counts[state] / runs for state in ("pass", "unclear", "fail")]
        assert 0.2 < max(slow[0], slow[2]) < 0.95
        # 0.02: the loop has no other interval methods for skewed sentences.
        assert list(found) == pytest.approx(slow, abs=0.02 + 4 * math.sqrt(0.25 / runs))


def test_shares_of_a_rise_are_those_of_a_slow_loop() -> None:
    design, size, gap = Design(groups=1, scope="concept"), Size(16, 10, 2), 0.9
    single = Components(templates=0.16, terms=0.3, targets=0, residual=0.3, at_targets=2)
    step = Components(templates=0.02, terms=0.02, targets=0, residual=0.05, at_targets=2)
    found = shares(
        design,
        single,
        size,
        limit=LIMIT,
        truths=(0.0, 2 * LIMIT),
        runs=RUNS,
        rng=stream(3, "rise"),
        change=Change(components=step, baseline=gap),
    )
    rng = np.random.default_rng(12)

    def cells(parts: Components, mean: float) -> np.ndarray:
        rows = rng.normal(0, math.sqrt(parts.templates), (16, 1))
        noise = rng.normal(0, math.sqrt(parts.residual), (16, 10))
        return mean + rows + rng.normal(0, math.sqrt(parts.terms), 10) + noise

    def bound(y: np.ndarray) -> RiseBound:
        made = matched_pairs(y, scope="concept")
        left = without_one(np.array(made.delta)) + without_one(y.mean(axis=0))
        return RiseBound(
            claim="further",
            estimate=made.estimate,
            se=made.se,
            df=made.df,
            loo_low=min(left),
            loo_high=max(left),
        )

    def verdict(rise: float) -> str:
        old, moved = cells(single, gap), cells(step, rise)
        sign, level = severity.direction(matched_pairs(old, scope="concept"))
        bounds = [bound(sign * moved), bound(-sign * (2 * old + moved))]
        held, risen = (p(bounds, LIMIT, level) or 0.0 for p in (severity.p_held, severity.p_risen))
        if min(held, risen) > 0.05:
            return "unclear"
        fragile = severity.hangs_on_one(bounds, LIMIT, level, held=held <= 0.05)
        return "unclear" if fragile else "pass" if held <= 0.05 else "fail"

    for fast, rise in zip(found, (0.0, 2 * LIMIT), strict=True):
        runs = 1000
        counts = Counter(verdict(rise) for _ in range(runs))
        slow = [counts[state] / runs for state in ("pass", "unclear", "fail")]
        assert max(slow[0], slow[2]) > 0.2
        assert list(fast) == pytest.approx(slow, abs=0.03 + 4 * math.sqrt(0.25 / runs))


def test_the_same_name_gives_the_same_shares_and_memory_is_bounded() -> None:
    design, size = DESIGNS["targets too"], Size(8, 4, 12)
    once, again = (
        shares(design, PARTS, size, limit=1.5, truths=(0.0, 3.0), runs=2000, rng=stream(4, "x"))
        for _ in range(2)
    )
    assert once == again
    assert all(sum(found) == pytest.approx(1) for found in once)
    batches = list(power._batches(design, Size(400, 400, 400), 2000))
    assert sum(batches) == 2000
    assert max(batches) * (400 + 800 + 400) <= power.AT_ONCE


def test_wrong_verdicts_at_the_limit_stay_at_their_level() -> None:
    (found,) = shares(
        DESIGNS["two groups"],
        PARTS,
        Size(16, 16, 12),
        limit=LIMIT,
        truths=(LIMIT,),
        runs=4000,
        rng=stream(5, "limit"),
    )
    assert found.passed < 0.06
    assert found.failed < 0.04
