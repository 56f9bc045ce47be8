"""Which sentences and words are too alike to count as several: they are one unit, a cluster.

What a file says with ``cluster:`` holds. Of the others, sentences are near-equal that share three
quarters of their words, slots and the values of numbers left out; targets whose last word is the
same (software engineer, civil engineer); and group words that differ in a number only (35-year-old,
40-year-old).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bias_audit.probes.probe import Frame, Word

NEAR_EQUAL = 3 / 4
"""Words that two sentences share, of all their different words, from which they are one unit."""
SLOT = re.compile(r"\[[^\]]*\]|<[^>]*>")


def template_clusters(frames: Sequence[Frame]) -> dict[str, str]:
    """Return the cluster of each sentence, by id; its own id where it is alone."""
    free = [frame for frame in frames if frame.template.cluster is None]
    words = {f.id: _words(f.template.text) for f in free}
    clusters = {f.id: f.template.cluster or f.id for f in frames}
    for at, one in enumerate(free):
        for other in free[:at]:
            if _overlap(words[one.id], words[other.id]) >= NEAR_EQUAL:
                _merge(clusters, clusters[other.id], clusters[one.id])
    return clusters


def target_clusters(targets: Iterable[Word]) -> dict[str, str]:
    """Return the cluster of each target, by id."""
    return {
        word.id: word.entry.cluster or f"... {word.label.lower().split()[-1]}" for word in targets
    }


def term_cluster(word: Word) -> str:
    """Return the cluster of a group word: what names it, without its numbers."""
    return word.entry.cluster or re.sub(r"(?<!\w)\d+", "#", word.label)


def _words(text: str) -> frozenset[str]:
    """Words of a sentence without its slots; all numbers are one word."""
    return frozenset(re.findall(r"\w+", re.sub(r"\d+", "0", SLOT.sub(" ", text).lower())))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


def _merge(clusters: dict[str, str], kept: str, other: str) -> None:
    """Give all members of a cluster another name."""
    for name, cluster in clusters.items():
        if cluster == other:
            clusters[name] = kept
