"""Which places of two sequences the published CrowS-Pairs script takes as shared."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher


def shared_places(first: Sequence[int], second: Sequence[int]) -> list[tuple[int, int]]:
    """Places in the first and in the second sequence, special pieces included."""
    matcher = SequenceMatcher(None, [str(i) for i in first], [str(i) for i in second])
    return [
        (start + step, other + step)
        for kind, start, stop, other, _ in matcher.get_opcodes()
        if kind == "equal"
        for step in range(stop - start)
    ]
