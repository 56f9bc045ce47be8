"""Measures of the poles' words beside the log-odds gap: shares of a closed set, whole distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bias_audit.assess._design import Design, rounding, scored_groups
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.metrics import log_odds, parity
from bias_audit.results import Companion, Result
from bias_audit.stats.estimate import Contrast
from bias_audit.tables import Cube
from bias_audit.utils.arrays import Floats


def masses(scored: Scored, comparison: Comparison, settings: Settings) -> tuple[Companion, ...]:
    """Companions of a primary comparison: summed masses (M1b), all targets at once (M3)."""
    if scored.probe.spec.targets.own:
        return ()
    cube = scored.cube
    design = Design(scored, comparison.a, comparison.b)
    apart = log_odds.aitchison_distance(design.target_differences(cube.values))
    noise = rounding(cube)
    found = [Companion(metric="aitchison", value=0.0 if apart <= noise else _record.brief(apart))]
    if comparison.mass_log_odds is not None:
        response = log_odds.mass_response(cube.values, cube.pole("+"), cube.pole("-"))
        mass = design.contrast(response, None)
        found.insert(0, _record.beside("mass_log_odds", mass, settings))
    return tuple(found)


def four_fifths(scored: Scored, settings: Settings) -> Result | None:
    """Ratio of the groups' shares of the first pole within both poles (M4)."""
    spec, cube = scored.probe.spec, scored.cube
    groups = scored_groups(scored)
    if spec.mask != "target" or spec.targets.own or len(groups) < 2:
        return None
    poles = [*cube.pole("+"), *cube.pole("-")]
    y = parity.closed_log_share(cube.values, cube.pole("+"), poles)
    levels = np.array([y[:, cube.columns(group)].mean() for group in groups])
    high, low = int(levels.argmax()), len(levels) - 1 - int(levels[::-1].argmin())
    a, b = (groups[0], groups[1]) if len(groups) == 2 else (groups[high], groups[low])
    contrast = Design(scored, a, b).contrast(y, None)
    ratio = parity.impact_ratio(levels)
    mixed = len({cube.pieces[i] for i in poles}) > 1
    codes = (("mixed_length", mixed), ("degenerate", ratio is None))
    return _record.build(
        scored,
        "four_fifths",
        (a, b),
        ratio,
        neutral=1.0,
        n_templates=contrast.n_templates,
        n_terms=Design(scored, a, b).n_terms,
        n_targets=len(poles),
        n_prompts=sum(cube.prompts.values()),
        scope=Design(scored, a, b).scope,
        statuses=tuple(code for code, holds in codes if holds),
        companions=(
            *(_share("closed_share", g, y, cube) for g in groups),
            *_neither(cube, groups),
        ),
        **_ratio_fields(contrast, settings, len(groups), known=ratio is not None),
    )


def _ratio_fields(
    contrast: Contrast, settings: Settings, groups: int, *, known: bool
) -> dict[str, Any]:
    """Limits of a ratio, from those of its log; why there is none, and what was chosen."""
    fields = _record.limits(contrast, settings) | {"se": None, "df": None}
    chosen = _record.chosen_pair(groups)
    if not known:
        none = _record.joined("the pole has hardly any probability", chosen)
        return fields | {"ci_low": None, "ci_high": None, "reason": none}
    if fields["ci_low"] is not None:
        edges = parity.ratio_limits(fields["ci_low"], fields["ci_high"])
        fields |= {"ci_low": edges[0], "ci_high": edges[1]}
    return fields | {"reason": _record.joined(fields["reason"], chosen)}


def _share(metric: str, group: str, log_shares: Floats, cube: Cube) -> Companion:
    """A group's share: the geometric mean over sentences and words."""
    level = float(log_shares[:, cube.columns(group)].mean())
    return Companion(metric=metric, groups=(group,), value=_record.brief(math.exp(level)))


def _neither(cube: Cube, groups: list[str]) -> tuple[Companion, ...]:
    """The share of words in neither pole, such as 'they', where all words are equally long."""
    neither = cube.pole("0")
    if not neither or len(set(cube.pieces)) > 1:
        return ()
    y = parity.closed_log_share(cube.values, neither, list(range(len(cube.targets))))
    return tuple(_share("neither_share", group, y, cube) for group in groups)
