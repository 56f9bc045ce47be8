"""R8a: a gap that is planted in the scores must come out, nat for nat, at the other end.

Of an encoder it is planted in the cosines and read off them: what is planted changes the spread by
which a gap is divided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bias_audit.analysis.robustness.check_record import passed_or_failed
from bias_audit.metrics.design import Comparison, Design, scored_groups
from bias_audit.metrics.log_odds import pole_response
from bias_audit.metrics.score_cube import ScoreCube, Scores, build_cube
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.records import OTHERS, FillScore
from bias_audit.results import Check
from bias_audit.stats.contrast import two_groups

STEP = 0.25
"""Nats by which the planted gaps of two groups differ at least."""
FEW = 2
"""Sentences that are done again: all of them take the same way."""
DECIMALS = 9
"""Of the error that is recorded: what is below is rounding, and differs with the order of sums."""
CLOSE = 1e-4
"""Nats by which the measured change may differ from what was planted."""


class PlantedProbe(NamedTuple):
    """Some sentences of a probe, as the model answered and with gaps planted in the answers."""

    plain: ScoredProbe
    changed: ScoredProbe


def plant_gaps(scored: ScoredProbe) -> PlantedProbe | str:
    """The same answers of the model, but for S+ after each group: lower by a number of its own.

    Everything behind the model is done again with a few sentences: the table, the cube, what is
    dropped. Where that cannot be done, why.
    """
    if scored.probe.spec.targets.own:
        return "each group has a word of its own, so there are no poles to plant between"
    if not scored.word_prompts:
        return "the answers of the model are not there"
    block, shift = scored.cube, _shifts(scored)
    templates = frozenset(block.templates[:FEW])
    rows = [
        (prompt, score)
        for prompt, score in zip(scored.word_prompts, scored.word_scores, strict=True)
        if prompt.template in templates
    ]
    answers = [
        _less(score, shift[prompt.group]) if prompt.pole == "+" and prompt.group in shift else score
        for prompt, score in rows
    ]
    table = Scores.build(
        scored.probe, [prompt for prompt, _ in rows], answers, reading=scored.reading
    )
    again, block = _as_given(build_cube(scored.probe, table)), _as_given(block)
    if (again.units, again.targets) != (block.units, block.targets):
        return "a word that other sentences lost is there again in the ones that are planted in"
    if again.templates != block.templates[:FEW]:
        return "the sentences that are planted in come in another order"
    few = replace(again, values=block.values[:FEW])
    return PlantedProbe(replace(scored, cube=few), replace(scored, cube=again))


def check_recovered(scored: ScoredProbe, pair: PlantedProbe, comparison: Comparison) -> Check:
    """Compare what was planted with what came out."""
    shift = _shifts(scored)
    others = [value for name, value in shift.items() if name != comparison.a]
    away = float(np.mean(others)) if comparison.b == OTHERS else shift[comparison.b]
    wanted = away - shift[comparison.a]
    got = _estimate(pair.changed, comparison) - _estimate(pair.plain, comparison)
    error = round(abs(got - wanted), DECIMALS)
    unit = "cosine" if scored.cube.cosines is not None else scored.unit
    note = f"{wanted:+.2f} {unit} planted"
    return passed_or_failed("R8a", error, CLOSE, error <= CLOSE, "instrument_failed", note)


def _as_given(cube: ScoreCube) -> ScoreCube:
    """The block as the model gave it."""
    return cube if cube.cosines is None else replace(cube, values=cube.cosines)


def _shifts(scored: ScoredProbe) -> Mapping[str, float]:
    return {name: STEP * (n + 1) ** 2 for n, name in enumerate(scored_groups(scored))}


def _less(score: FillScore, value: float) -> FillScore:
    if score.log_prob is None:
        return score
    return replace(score, log_prob=score.log_prob - value)


def _estimate(scored: ScoredProbe, comparison: Comparison) -> float:
    cube, design = scored.cube, Design(scored, comparison.a, comparison.b)
    if scored.probe.spec.mask == "group":
        gaps = design.difference(cube.values)
        return two_groups(gaps, cube.pole("+"), cube.pole("-"), scope="terms").estimate
    return design.contrast(pole_response(scored)).estimate
