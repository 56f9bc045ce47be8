"""Groups of two axes: what a combination has beyond what each axis brings alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from bias_audit.assess._design import Design, scored_groups, target_scope
from bias_audit.assess._input import Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.metrics import log_odds
from bias_audit.probes.scope import MIN_LABELS, product
from bias_audit.records import OTHERS
from bias_audit.results import Companion, Result
from bias_audit.stats.contrast import INTERACTION, target_part, two_by_two
from bias_audit.stats.estimate import Contrast, Scope
from bias_audit.utils.arrays import Floats

Cells = tuple[str, str, str, str]


def interaction(scored: Scored, settings: Settings) -> Result | None:
    """Every 2 x 2 interaction contrast of a probe whose groups are a product of two axes."""
    spec, groups = scored.probe.spec, scored_groups(scored)
    axes = product(groups)
    if axes is None or spec.mask != "target" or spec.targets.own:
        return None
    found = [(cells, _contrast(scored, cells)) for cells in _tables(*axes)]
    cells, largest = max(found, key=lambda one: round(abs(one[1].estimate), 12))
    fields = _record.limits(largest, settings)
    if len(found) > 1:
        chosen = f"the largest of {len(found)} such contrasts, chosen afterwards"
        fields["reason"] = _record.joined(fields["reason"], chosen)
    return _record.build(
        scored,
        "interaction",
        cells,
        _record.settled(largest),
        n_templates=largest.n_templates,
        n_terms=largest.n_terms,
        n_targets=len(scored.cube.pole("+")) + len(scored.cube.pole("-")),
        n_prompts=sum(scored.cube.prompts[g] for g in cells),
        scope=_scope(scored, cells),
        target_scope=target_scope(scored.probe, scored.cube),
        variance=largest.variance,
        companions=(
            *(_record.beside("interaction", one, settings, name) for name, one in found[:MOST]),
            _worst(scored, settings, groups),
        ),
        **fields,
    )


MOST = 36
"""Interaction contrasts that a record holds: those of four levels by four."""


def _tables(first: Sequence[str], second: Sequence[str]) -> Iterator[Cells]:
    """The cells 11, 12, 21, 22 of every 2 x 2 table."""
    for a, b in combinations(first, 2):
        for x, y in combinations(second, 2):
            yield f"{a}-{x}", f"{a}-{y}", f"{b}-{x}", f"{b}-{y}"


def _scope(scored: Scored, cells: Cells) -> Scope:
    fewest = min(len(scored.cube.columns(name)) for name in cells)
    return "concept" if fewest >= MIN_LABELS and scored.probe.spec.scope != "terms" else "terms"


def _response(scored: Scored) -> Floats:
    cube = scored.cube
    return log_odds.cell_response(cube.values, cube.pole("+"), cube.pole("-"))


def _contrast(scored: Scored, cells: Cells) -> Contrast:
    cube = scored.cube
    columns = [sorted(cube.columns(c), key=lambda i: cube.units[i].label) for c in cells]
    part = None
    if target_scope(scored.probe, cube) == "construct":
        levels = [cube.values[:, mine].mean(axis=(0, 1)) for mine in columns]
        apart = sum(w * level for w, level in zip(INTERACTION, levels, strict=True))
        part = target_part(apart[cube.pole("+")], apart[cube.pole("-")])
    scope = _scope(scored, cells)
    return two_by_two(_response(scored), columns, scope=scope, target_part=part)


def _worst(scored: Scored, settings: Settings, groups: Sequence[str]) -> Companion:
    """The combination that is furthest from the mean of all others."""
    y = _response(scored)
    found = [(name, Design(scored, name, OTHERS).contrast(y, None)) for name in groups]
    name, gap = max(found, key=lambda one: round(abs(one[1].estimate), 12))
    return _record.beside("log_odds_gap", gap, settings, (name, OTHERS))
