"""R1c and R2: would half of the sentences, or half of the words, say the same?"""

from __future__ import annotations

import numpy as np

from bias_audit.archive import Check
from bias_audit.assess._design import Design
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess.checks._record import impossible, judged
from bias_audit.metrics.log_odds import cell_response
from bias_audit.stats.halves import half_estimates, split_half
from bias_audit.stats.seeds import stream
from bias_audit.stats.steady import side

RELIABLE = 0.7
"""Below this reliability the order of the targets is mostly chance."""
AGREE = 0.75
"""Share of the halves that must lie on the same side of the margin as all words together."""


def _stream(
    scored: Scored, comparison: Comparison, settings: Settings, what: str
) -> np.random.Generator:
    spec = scored.probe.spec
    return stream(settings.seed, spec.axis, spec.id, f"{comparison.a}:{comparison.b}", what)


def ranking(scored: Scored, comparison: Comparison, settings: Settings) -> Check | None:
    """R1c: would other sentences put the targets in the same order? None without a table."""
    cube = scored.cube
    if not comparison.targets:
        return None
    rows = np.argsort(np.array(cube.templates), kind="stable")
    gaps = Design(scored, comparison.a, comparison.b).difference(cube.values)[rows]
    centred = gaps - gaps.mean(axis=1, keepdims=True)
    found = split_half(centred, _stream(scored, comparison, settings, "split-half"))
    if found is None:
        return impossible("R1c", "too few sentences or targets, or no variance")
    return judged("R1c", found, RELIABLE, found >= RELIABLE, "unrankable")


def swapped_words(scored: Scored, comparison: Comparison, settings: Settings) -> Check | None:
    """R2: does either half of the words lie on the same side of the margin? None for no sample."""
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    cube, contrast = scored.cube, comparison.contrast
    design = Design(scored, comparison.a, comparison.b)
    response = cell_response(cube.values, cube.pole("+"), cube.pole("-"))
    terms = design.split(response).terms
    found = half_estimates(terms, _stream(scored, comparison, settings, "half-words"))
    if found is None:
        return impossible("R2", "fewer than four words in a group")
    margin = scored.probe.spec.margin
    here = side(contrast.estimate, margin)
    share = float(np.mean([side(value, margin) == here for value in found.tolist()]))
    note = f"halves range from {found.min():+.3f} to {found.max():+.3f} nats"
    holds = share >= AGREE or not _decided(comparison, settings, margin)
    return judged("R2", share, AGREE, holds, "fragile", note)


def _decided(comparison: Comparison, settings: Settings, margin: float) -> bool:
    """Whether an interval lies inside or outside of the margin."""
    wide, narrow = (comparison.contrast.interval(x) for x in (settings.confidence, 0.9))
    if wide is None or narrow is None:
        return False
    inside = -margin < narrow[0] and narrow[1] < margin
    return inside or wide[0] > margin or wide[1] < -margin
