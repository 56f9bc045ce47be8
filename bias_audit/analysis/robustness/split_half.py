"""R1c and R2: would half of the sentences, or half of the words, say the same?"""

from __future__ import annotations

import numpy as np

from bias_audit.analysis.robustness.check_record import (
    informational,
    not_computable,
    passed_or_failed,
)
from bias_audit.analysis.robustness.stability import StabilityChecks
from bias_audit.metrics.design import Comparison, Design
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Check
from bias_audit.stats.fragility import decided_side, half_contradicts
from bias_audit.stats.seeds import stream
from bias_audit.stats.split_half import split_half

RELIABLE = 0.7
"""Below this reliability the order of the targets is mostly chance."""


def check_ranking(scored: ScoredProbe, comparison: Comparison, settings: Settings) -> Check | None:
    """R1c: would other sentences put the targets in the same order? None without a table."""
    cube = scored.cube
    if not comparison.targets:
        return None
    rows = np.argsort(np.array(cube.templates), kind="stable")
    gaps = Design(scored, comparison.a, comparison.b).difference(cube.values)[rows]
    centred = gaps - gaps.mean(axis=1, keepdims=True)
    spec = scored.probe.spec
    keys = (spec.axis, spec.id, f"{comparison.a}:{comparison.b}", "split-half")
    reliability = split_half(centred, stream(settings.seed, *keys))
    if reliability is None:
        return not_computable("R1c", "too few sentences or targets, or no variance")
    return passed_or_failed("R1c", reliability, RELIABLE, reliability >= RELIABLE, "unrankable")


def check_half_of_words(
    scored: ScoredProbe, comparison: Comparison, known: StabilityChecks
) -> Check | None:
    """R2: does a half of the words contradict the verdict? None where words are no sample."""
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    low, high = known.bounds.split_half_low, known.bounds.split_half_high
    if low is None or high is None:
        return not_computable("R2", "fewer than four words in a group")
    contrast, margin = comparison.contrast, scored.probe.spec.margin
    furthest = max(contrast.estimate - low, high - contrast.estimate)
    note = f"halves range from {low:+.3f} to {high:+.3f} nats"
    check = informational("R2", furthest, note)
    side = decided_side(contrast, margin, known.level)
    if side is None:
        return check
    flips = half_contradicts(known.bounds, side, margin)
    state = {"state": "not_held", "consequence": "fragile"} if flips else {"state": "held"}
    return check.model_copy(update=state)
