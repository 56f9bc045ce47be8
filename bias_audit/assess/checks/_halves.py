"""R1c and R2: would half of the sentences, or half of the words, say the same?"""

from __future__ import annotations

import numpy as np

from bias_audit.archive import Check
from bias_audit.assess._design import Design
from bias_audit.assess._input import Comparison, Scored, Settings
from bias_audit.assess._robust import Checks
from bias_audit.assess.checks._record import described, impossible, judged
from bias_audit.stats.fragility import decided_side, half_contradicts
from bias_audit.stats.halves import split_half
from bias_audit.stats.seeds import stream

RELIABLE = 0.7
"""Below this reliability the order of the targets is mostly chance."""


def ranking(scored: Scored, comparison: Comparison, settings: Settings) -> Check | None:
    """R1c: would other sentences put the targets in the same order? None without a table."""
    cube = scored.cube
    if not comparison.targets:
        return None
    rows = np.argsort(np.array(cube.templates), kind="stable")
    gaps = Design(scored, comparison.a, comparison.b).difference(cube.values)[rows]
    centred = gaps - gaps.mean(axis=1, keepdims=True)
    spec = scored.probe.spec
    keys = (spec.axis, spec.id, f"{comparison.a}:{comparison.b}", "split-half")
    found = split_half(centred, stream(settings.seed, *keys))
    if found is None:
        return impossible("R1c", "too few sentences or targets, or no variance")
    return judged("R1c", found, RELIABLE, found >= RELIABLE, "unrankable")


def swapped_words(scored: Scored, comparison: Comparison, known: Checks) -> Check | None:
    """R2: does a half of the words contradict the verdict? None where words are no sample."""
    if scored.probe.spec.mask != "target" or comparison.scope != "concept":
        return None
    low, high = known.bounds.half_low, known.bounds.half_high
    if low is None or high is None:
        return impossible("R2", "fewer than four words in a group")
    contrast, margin = comparison.contrast, scored.probe.spec.margin
    furthest = max(contrast.estimate - low, high - contrast.estimate)
    note = f"halves range from {low:+.3f} to {high:+.3f} nats"
    check = described("R2", furthest, note)
    side = decided_side(contrast, margin, known.level)
    if side is None:
        return check
    flips = half_contradicts(known.bounds, side, margin)
    state = {"state": "not_held", "consequence": "fragile"} if flips else {"state": "held"}
    return check.model_copy(update=state)
