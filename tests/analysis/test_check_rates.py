"""How often the checks speak: where something is planted for them, and where nothing is.

Scores are drawn with known effects of sentences, words, targets and cells. The slow versions draw
more of them; both ask the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from bias_audit.analysis.comparisons import compare_groups
from bias_audit.analysis.robustness import Examination
from bias_audit.analysis.robustness.stability import check_stability
from bias_audit.metrics.score_cube import ScoreCube
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.records import WordPrior
from bias_audit.results import Check
from bias_audit.stats.null_calibration import Null, calibration
from tests.analysis.world import flat, job_sentences, make, pairs, scored_by, sentences, terms

SETTINGS = Settings(resamples=99, divergence_resamples=9)
FEW, MANY = 25, 300
EACH = pytest.mark.parametrize("sets", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


@cache
def blank(words: int, frames: int, *, paired: bool = True, masked: bool = False) -> ScoredProbe:
    """A probe with two groups of words whose scores are drawn later."""
    if masked:
        probe = make(
            frames=job_sentences(frames),
            mask="group",
            groups={"a": ["she"], "b": ["he"]},
            plus=terms("gain", words),
            minus=terms("loss", words),
        )
    else:
        of = pairs if paired else terms
        probe = make(
            frames=sentences(frames),
            groups={"a": of("ann", words), "b": of("bob", words)},
            plus=terms("gain", 2),
            minus=terms("loss", 2),
        )
    return replace(scored_by(probe, flat), word_prompts=(), word_scores=())


@dataclass(frozen=True)
class World:
    """Standard deviations of the effects on the gap, nats."""

    gap: float = 0.0
    sentences: float = 0.1
    words: float = 0.2
    targets: float = 0.0
    cells: float = 0.2

    def draw(self, rng: np.random.Generator, scored: ScoredProbe) -> ScoredProbe:
        """The probe with scores of this world: what the first group has beside the second."""
        cube = scored.cube
        first, plus = cube.columns("a"), cube.pole("+")
        values = rng.normal(0, self.cells, cube.values.shape) - 9
        shape = cube.values.shape
        moved = np.zeros(shape)
        moved[:, first] += rng.normal(0, self.targets, shape[2])
        moved[np.ix_(range(shape[0]), first, plus)] += (
            self.gap + rng.normal(0, self.sentences, shape[0])[:, None, None]
        )
        moved[:, :, plus] += rng.normal(0, self.words, shape[1])[None, :, None]
        return replace(scored, cube=replace(cube, values=values + moved))


def found(scored: ScoredProbe) -> dict[str, Check]:
    """Its checks, by code."""
    (comparison,) = compare_groups(scored, SETTINGS)
    known = check_stability(scored, comparison, SETTINGS)
    return {c.id: c for c in Examination(scored, SETTINGS).checks(comparison, known)}


def fires(
    code: str, draw: Callable[[np.random.Generator], ScoredProbe], sets: int
) -> tuple[float, int]:
    """Share of verdicts at which a check does not hold, and how many verdicts there were."""
    rng = np.random.default_rng(20240601)
    states = [found(draw(rng))[code].state for _ in range(sets)]
    decided = [state for state in states if state in ("held", "not_held")]
    return states.count("not_held") / max(len(decided), 1), len(decided)


def shifted(scored: ScoredProbe, values: np.ndarray) -> ScoredProbe:
    """The first group moved towards the first pole by (templates, its words) nats."""
    cube: ScoreCube = scored.cube
    moved = cube.values.copy()
    moved[np.ix_(range(moved.shape[0]), cube.columns("a"), cube.pole("+"))] += values[:, :, None]
    return replace(scored, cube=replace(cube, values=moved))


def moved_by_one(scored: ScoredProbe) -> float:
    """How far one sentence or one pair of words moves the gap at most, by leaving each out."""
    cube = scored.cube
    y = cube.values[:, :, cube.pole("+")].mean(2) - cube.values[:, :, cube.pole("-")].mean(2)
    table = y[:, cube.columns("a")] - y[:, cube.columns("b")]
    without = [np.delete(table, i, k).mean() for k in (0, 1) for i in range(table.shape[k])]
    return max(abs(value - table.mean()) for value in without)


@EACH
def test_one_sentence_moves_a_gap_by_so_much_and_takes_no_verdict_away(sets):
    """Leaving out is asked of the estimate: one unit moves that by at most a standard error."""
    quiet = World(sentences=0.02, words=0.02, cells=0.03)
    usual = World(sentences=0.1, words=0.1)

    def one_against_all(rng):
        gaps = np.full(12, 0.17)
        gaps[rng.integers(12)] = -0.3
        return shifted(quiet.draw(rng, blank(12, 12)), np.tile(gaps[:, None], 12))

    rng = np.random.default_rng(20240601)
    for draw in (
        one_against_all,
        *(lambda rng, g=gap: replace(usual, gap=g).draw(rng, blank(12, 12)) for gap in (0.0, 0.6)),
    ):
        worlds = [draw(rng) for _ in range(sets)]
        checks = [found(world)["R1b"] for world in worlds]
        expected = [moved_by_one(world) for world in worlds]
        assert [check.value for check in checks] == pytest.approx(expected, rel=5e-4)  # four digits
        states = [check.state for check in checks]
        assert states.count("held") > 0.6 * sets
        assert "not_held" not in states


@EACH
def test_a_verdict_that_half_of_the_words_deny_is_seen(sets):
    quiet = World(sentences=0.02, words=0.02, cells=0.02)

    def half_of_them(rng):
        loud = rng.permutation(np.repeat([-0.05, 6.0], 4))
        return shifted(quiet.draw(rng, blank(8, 9)), np.tile(loud, (9, 1)))

    share, decided = fires("R2", half_of_them, sets)
    assert decided == sets
    assert share > 0.9
    for gap in (0.0, 0.8):
        world = World(gap=gap, sentences=0.1, words=0.1 if not gap else 0.3)
        share, decided = fires("R2", lambda rng, w=world: w.draw(rng, blank(8, 9)), sets)
        assert decided > 0.5 * sets
        assert share < 0.05


def known(
    rng: np.random.Generator, scored: ScoredProbe, apart: float
) -> tuple[ScoredProbe, np.ndarray]:
    """The probe with frequencies of its words, the first group's higher by ``apart``; and them."""
    labels = [unit.label for unit in scored.cube.units]
    first = [label.startswith("ann") for label in labels]
    nats = rng.normal(0, 1, len(labels)) + apart * np.array(first)
    prior = {
        label: WordPrior(log_prob=-9 + float(value), pieces=1)
        for label, value in zip(labels, nats, strict=True)
    }
    return replace(scored, priors=prior), nats


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("paired", [True, False])
def test_a_gap_that_frequency_makes_or_hides_is_confounded(sets, paired):
    world = World(words=0.1)

    def frequency(rng, slope, own, apart=1.0):
        drawn = replace(world, gap=own).draw(rng, blank(20, 12, paired=paired))
        scored, nats = known(rng, drawn, apart)
        cube = scored.cube
        values = cube.values + slope * nats[None, :, None] * (np.arange(4) < 2)
        return replace(scored, cube=replace(cube, values=values))

    makes, decided = fires("R4", lambda rng: frequency(rng, 0.6, 0.0), sets)
    assert decided > 0.6 * sets
    assert makes > 0.8
    hides, decided = fires("R4", lambda rng: frequency(rng, 0.25, -0.5, 2.0), sets)
    assert decided > 0.3 * sets
    assert hides > 0.8
    real, decided = fires("R4", lambda rng: frequency(rng, 0.0, 0.8), sets)
    assert decided == sets
    assert real < 0.05
    none, decided = fires("R4", lambda rng: frequency(rng, 0.0, 0.0), sets)
    assert decided > 0.8 * sets
    assert none < 0.1


@pytest.mark.slow
@EACH
def test_a_test_that_counts_rows_as_observations_loses_its_p(sets):
    """Words dealt anew still differ as words: a t-test over all cells takes that for a gap."""
    from scipy import stats

    rng = np.random.default_rng(7)
    seen, spoke = 0, 0
    for _ in range(sets):
        scored = World(words=0.3).draw(rng, blank(8, 9, paired=False))
        cube = scored.cube
        y = cube.values[:, :, :2].mean(axis=2) - cube.values[:, :, 2:].mean(axis=2)
        y = y - np.repeat([y[:, :8].mean(), y[:, 8:].mean()], 8)
        dealt = np.stack([y[:, rng.permutation(16)] for _ in range(200)])
        sides = dealt[:, :, :8].reshape(200, -1), dealt[:, :, 8:].reshape(200, -1)
        p = stats.ttest_ind(*sides, axis=1).pvalue
        seen += not calibration(Null(np.zeros(200), p)).holds
        spoke += found(scored)["R7"].state == "not_held"
    assert seen == sets
    assert spoke <= 0.04 * sets


DESIGNS = {
    "words of two groups": ({"words": 8, "frames": 9, "paired": False}, World(words=0.15)),
    "pairs": ({"words": 8, "frames": 9}, World(words=0.1)),
    "pairs, sentences differ most": ({"words": 8, "frames": 9}, World(sentences=0.25, words=0.05)),
    "targets are a sample": (
        {"words": 10, "frames": 9, "masked": True},
        World(sentences=0.2, words=0.0, targets=0.15),
    ),
}


def power(rng: np.random.Generator, world: World, scored: ScoredProbe, sets: int) -> float:
    """How often the 95 % interval excludes 0 where the gap is the margin."""
    hits = 0
    for _ in range(sets):
        (comparison,) = compare_groups(replace(world, gap=0.223).draw(rng, scored), SETTINGS)
        low, _ = comparison.words_of_this_kind.interval(0.95)
        hits += low > 0
    return hits / sets


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_a_planted_gap_is_found_as_often_as_a_real_one(name):
    layout, world = DESIGNS[name]
    rng, scored = np.random.default_rng(11), blank(**layout)
    true = power(rng, world, scored, MANY)
    said = [found(world.draw(rng, scored))["R8b"].value for _ in range(MANY)]
    assert 0.2 < true < 0.95, "a design at which both could be wrong"
    assert np.mean(said) == pytest.approx(true, abs=0.08)


@EACH
def test_a_blunt_design_is_under_powered_and_a_sharp_one_is_not(sets):
    blunt, sharp = World(sentences=0.6, words=0.6), World(sentences=0.05, words=0.08, cells=0.1)
    share, _ = fires("R8b", lambda rng: blunt.draw(rng, blank(8, 9)), sets)
    assert share > 0.95
    share, _ = fires("R8b", lambda rng: sharp.draw(rng, blank(8, 9)), sets)
    assert share < 0.05


def test_sentences_count_where_words_are_dealt():
    """Sentences that differ much leave a gap unseen, however alike the words are."""
    rng = np.random.default_rng(13)
    world = World(sentences=0.5, words=0.02, cells=0.02)
    said = [found(world.draw(rng, blank(8, 9)))["R8b"].value for _ in range(5)]
    assert np.mean(said) < 0.5, "0.86 and more where only the words were dealt"
