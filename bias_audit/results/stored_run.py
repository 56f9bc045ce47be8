"""A run as it is stored: its results, and where its scores are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bias_audit.archive import Results, load_results, locate
from bias_audit.evidence import NAME, PAIR_SCORES, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """A run as it is stored: its results, and where its scores are."""

    results: Results
    evidence: Source | None
    """The file, its bytes, or None when there is none."""
    pair_scores: Source | None = None
    """The same for the scores of pairs of published data sets."""

    @classmethod
    def open(cls, run: str | Path) -> StoredRun:
        """Read a run folder, a ``results.json``, or ``audit-runs/latest``.

        Raises:
            UsageError: nothing readable is there.
        """
        path = locate(run)
        evidence, pairs = (
            file if (file := path.parent / name).is_file() else None for name in (NAME, PAIR_SCORES)
        )
        return cls(results=load_results(path), evidence=evidence, pair_scores=pairs)
