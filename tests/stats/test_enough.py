"""How many units would decide: against the exact variance of larger designs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.enough import MOST_UNITS, Components, enough


def exact(t: float, p: float, r: float, rows: float, cols: float) -> tuple[float, float, float]:
    """Variance over sentences, over pairs, and the noise in each, for given components."""
    noise = r**2 / (rows * cols)
    return t**2 / rows + noise, p**2 / cols + noise, noise


def components(t: float, p: float, r: float, rows: int, cols: int) -> Components:
    first, second, noise = exact(t, p, r, rows, cols)
    df = (first + second) ** 2 / (first**2 / (rows - 1) + second**2 / (cols - 1))
    return Components(
        variance={"templates": first, "terms": second, "residual": noise},
        units={"templates": rows, "terms": cols},
        df=df,
    )


DESIGNS = [(0.4, 0.55, 0.55, 8, 6), (0.2, 0.1, 0.3, 12, 8), (0.0, 0.5, 0.2, 16, 20)]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("rows", [20, 57, 400])
def test_more_sentences_as_the_components_say(
    design: tuple[float, float, float, int, int], rows: int
) -> None:
    t, p, r, have, cols = design
    se, df = components(*design).larger("templates", rows / have)
    first, second, _ = exact(t, p, r, rows, cols)
    assert se == pytest.approx(math.sqrt(first + second))
    assert df == pytest.approx(
        (first + second) ** 2 / (first**2 / (rows - 1) + second**2 / (cols - 1))
    )


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("cols", [25, 80, 400])
def test_more_words_as_the_components_say_and_never_surer(
    design: tuple[float, float, float, int, int], cols: int
) -> None:
    t, p, r, rows, have = design
    se, df = components(*design).larger("terms", cols / have)
    first, second, _ = exact(t, p, r, rows, cols)
    assert se == pytest.approx(math.sqrt(first + second))
    true = (first + second) ** 2 / (first**2 / (rows - 1) + second**2 / (cols - 1))
    assert 0.8 * true <= df <= true * (1 + 1e-9)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("gap", [0.05, 0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("tail", [0.05, 0.025, 0.001])
def test_the_smallest_number_that_decides(
    design: tuple[float, float, float, int, int], gap: float, tail: float
) -> None:
    t, p, r, rows, cols = design

    def half(j: int) -> float:
        first, second, _ = exact(t, p, r, j, cols)
        df = (first + second) ** 2 / (first**2 / (j - 1) + second**2 / (cols - 1))
        return float(stats.t.isf(tail, df)) * math.sqrt(first + second)

    found = enough(components(*design), "templates", gap=gap, tail=tail)
    fits = [j for j in range(rows + 1, MOST_UNITS + 1) if half(j) < gap]
    assert found == (fits[0] if fits else None)


def test_a_source_that_is_no_sample_cannot_decide() -> None:
    fixed = Components(variance={"templates": 0.01, "terms": 0.5}, units={"templates": 8}, df=7)
    assert enough(fixed, "terms", gap=0.1, tail=0.05) is None
    assert enough(fixed, "templates", gap=0.1, tail=0.05) is not None


@pytest.mark.parametrize("gap", [0.0, -0.1])
def test_an_estimate_on_the_limit_is_never_decided(gap: float) -> None:
    assert enough(components(*DESIGNS[0]), "templates", gap=gap, tail=0.05) is None


def test_the_other_source_can_make_it_impossible() -> None:
    words = components(0.1, 0.8, 0.1, 8, 6)
    assert enough(words, "templates", gap=0.3, tail=0.05) is None
    assert enough(words, "terms", gap=0.3, tail=0.05) is not None


def test_a_design_of_that_size_does_decide_about_half_the_time() -> None:
    """Drawn anew with the proposed number of sentences, the half-width is what was asked for."""
    rng = np.random.default_rng(5)
    t, p, r, rows, cols, gap = 0.4, 0.3, 0.5, 10, 12, 0.25
    wanted = enough(components(t, p, r, rows, cols), "templates", gap=gap, tail=0.05)
    assert wanted is not None
    halves = []
    for _ in range(400):
        y = t * rng.normal(size=(wanted, 1)) + p * rng.normal(size=cols)
        limits = matched_pairs(y + r * rng.normal(size=(wanted, cols)), scope="concept").interval(
            0.9
        )
        assert limits is not None
        halves.append((limits[1] - limits[0]) / 2)
    assert np.median(halves) == pytest.approx(gap, rel=0.08)
