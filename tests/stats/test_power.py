"""Sample size in closed form, against the exact variance of larger designs and drawn audits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.power import MOST_UNITS, VarianceComponents, required_units

DESIGNS = [(0.4, 0.55, 0.55, 8, 6), (0.2, 0.1, 0.3, 12, 8), (0.0, 0.5, 0.2, 16, 20)]
"""Standard deviations of sentences, pairs and cells, nats; numbers of sentences and pairs."""


def exact(t, p, r, rows, cols):
    """Standard error, degrees of freedom and parts of a design with these components."""
    noise = r**2 / (rows * cols)
    first, second = t**2 / rows + noise, p**2 / cols + noise
    df = (first + second) ** 2 / (first**2 / (rows - 1) + second**2 / (cols - 1))
    once = max(first + second - noise, first, second)
    df *= once / (first + second)
    return math.sqrt(once), df, {"templates": first, "terms": second, "templates x terms": noise}


def components(t, p, r, rows, cols):
    _, df, variance = exact(t, p, r, rows, cols)
    return VarianceComponents(variance=variance, units={"templates": rows, "terms": cols}, df=df)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("rows", "cols"), [(20, 1), (400, 1), (1, 25), (1, 400), (57, 80)])
def test_a_larger_design_as_the_components_say(design, rows, cols):
    t, p, r, j, n = design
    rows, cols = (rows if rows > 1 else j), (cols if cols > 1 else n)
    se, df = components(*design).scale({"templates": rows / j, "terms": cols / n})
    true_se, true_df, _ = exact(t, p, r, rows, cols)
    assert se == pytest.approx(true_se)
    assert 0.8 * true_df <= df <= true_df * (1 + 1e-9), "never surer than it is"
    if cols == n:
        assert df == pytest.approx(true_df)


def test_units_that_are_no_sample_change_nothing():
    variance = {"templates": 0.03, "targets": 0.05, "templates x targets": 0.02}
    known = VarianceComponents(variance=variance, units={"templates": 9}, df=8)
    assert known.scale({"targets": 2.0}) == pytest.approx((math.sqrt(0.03), 8.0))
    assert known.scale({}) == pytest.approx((math.sqrt(0.03), 8.0))


def test_three_sources_by_their_own_parts():
    """Each part shrinks with the units of all its sources."""
    own = {
        ("templates",): 0.01, ("terms",): 0.02, ("targets",): 0.03,
        ("templates", "terms"): 0.004, ("templates", "targets"): 0.005, ("terms", "targets"): 0.006,
        ("templates", "terms", "targets"): 0.002,
    }  # fmt: skip

    def stored(names):
        return sum(value for more, value in own.items() if set(names) <= set(more))

    known = VarianceComponents(
        variance={" x ".join(names): stored(names) for names in own},
        units={"templates": 12, "terms": 16, "targets": 40},
        df=30,
    )
    assert known.total == pytest.approx(sum(own.values()))
    se, df = known.scale({"templates": 2.0, "targets": 3.0})
    by = {"templates": 2.0, "terms": 1.0, "targets": 3.0}
    wanted = sum(value / math.prod(by[name] for name in names) for names, value in own.items())
    assert se == pytest.approx(math.sqrt(wanted))
    assert known.scale({}) == pytest.approx((math.sqrt(sum(own.values())), 30))
    assert df > 30 / 2


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("gap", [0.05, 0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize(("tail", "quantile"), [(0.05, 0.5), (0.001, 0.5), (0.05, 0.9)])
def test_the_smallest_number_that_decides(design, gap, tail, quantile):
    t, p, r, rows, cols = design

    def reach(j):
        se, df, _ = exact(t, p, r, j, cols)
        return (stats.t.isf(tail, df) + stats.t.ppf(quantile, df)) * se

    found = required_units(components(*design), "templates", gap=gap, tail=tail, quantile=quantile)
    fits = [j for j in range(rows + 1, MOST_UNITS + 1) if reach(j) < gap]
    assert found == (fits[0] if fits else None)


def test_what_cannot_decide():
    known = components(*DESIGNS[0])
    assert required_units(known, "targets", gap=0.3, tail=0.05) is None, "no sample"
    assert required_units(known, "templates", gap=0.0, tail=0.05) is None, "on the limit"
    words = components(0.1, 0.8, 0.1, 8, 6)
    assert required_units(words, "templates", gap=0.3, tail=0.05) is None, "words stand in the way"
    assert required_units(words, "terms", gap=0.3, tail=0.05) is not None


def test_a_design_of_that_size_has_the_interval_that_was_asked_for():
    rng = np.random.default_rng(5)
    t, p, r, rows, cols, gap = 0.4, 0.3, 0.5, 10, 12, 0.25
    wanted = required_units(components(t, p, r, rows, cols), "templates", gap=gap, tail=0.05)
    halves = []
    for _ in range(200):
        y = t * rng.normal(size=(wanted, 1)) + p * rng.normal(size=cols)
        y += r * rng.normal(size=(wanted, cols))
        low, high = matched_pairs(y, scope="concept").interval(0.9)
        halves.append((high - low) / 2)
    assert np.median(halves) == pytest.approx(gap, rel=0.1)
