"""``compare(a, b)``: two audits side by side, paired sentence by sentence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bias_audit._published import compare_published
from bias_audit.analysis.compare_runs import compare_runs
from bias_audit.archive import Change, Comparison, ShareChange, write_atomic
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.evidence import NAME, PAIR_SCORES
from bias_audit.gates.baselines import baseline_folder, find_baseline, list_baselines
from bias_audit.gates.schema import BASELINE
from bias_audit.render.comparison import render
from bias_audit.results.stored_run import StoredRun

if TYPE_CHECKING:
    import pandas as pd

    from bias_audit.auditing import Audit


@dataclass(frozen=True, kw_only=True, repr=False)
class RunComparison:
    """What changed between two audits."""

    record: Comparison
    """Everything, as ``results.json`` holds it for a baseline."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """One record for each gap that both audits have."""
        return self.record.changes

    @property
    def shares(self) -> tuple[ShareChange, ...]:
        """One record for each share of pairs of published data sets that both audits have."""
        return self.record.shares

    @property
    def identical(self) -> bool:
        """Whether both models gave every sentence the same scores."""
        return self.record.identical

    def to_frame(self) -> pd.DataFrame:
        """Return the changes, or the shares of published data sets, as a table for pandas."""
        import pandas as pd

        rows = self.record.shares or self.record.changes
        return pd.DataFrame([row.model_dump() for row in rows])

    def report(self, path: str | Path, format: str | None = None) -> Path:
        """Render into a file; the format follows the name's ending (html, md, json, csv, txt).

        Raises:
            UnknownNameError: no such format.
            UsageError: the file cannot be written.
        """
        target = Path(path)
        ending = target.suffix.lstrip(".")
        name = format or ("terminal" if ending == "txt" else ending)
        write_atomic(target, render(self.record, name))
        return target

    def __str__(self) -> str:
        return render(self.record, "terminal")

    __repr__ = __str__


def compare(
    baseline: str | Path | Audit, candidate: str | Path | Audit, *, folder: Path | None = None
) -> RunComparison:
    """Compare two audits of the same sentences, or of the same published data sets.

    Args:
        baseline: what to compare with: a run folder, a ``results.json``, ``baseline:NAME``, or an
            audit.
        candidate: the audit in question, given in the same ways.
        folder: of the baselines; that of the configuration of this folder when None.

    Raises:
        UsageError: one of them cannot be read, has no scores to pair, or they share none.
        UnknownNameError: no baseline has this name.
    """
    old, new = _stored(baseline, folder), _stored(candidate, folder)
    candidate_fields = {"candidate": _display_name(candidate), "candidate_model": new.results.model}
    if old.pair_scores is not None or new.pair_scores is not None:
        record = compare_published(
            old, new, names=(_display_name(baseline), _display_name(candidate))
        )
        return RunComparison(record=record.model_copy(update=candidate_fields))
    for run, source in ((old, baseline), (new, candidate)):
        if run.evidence is None:
            raise UsageError(
                f"{_display_name(source)} has no {NAME}, so its sentences cannot be paired",
                hint="give the whole folder that 'bias-audit run' wrote",
            )
    record = compare_runs(old, new, name=_display_name(baseline))
    return RunComparison(record=record.model_copy(update=candidate_fields))


def _stored(source: str | Path | Audit, folder: Path | None) -> StoredRun:
    if isinstance(source, str) and source.startswith(BASELINE):
        return _accepted_run(source.removeprefix(BASELINE), folder)
    if isinstance(source, str | Path):
        return StoredRun.open(source)
    if source.measured is not None:
        from bias_audit.tables import evidence_csv

        tables = source.measured.tables
        return StoredRun(
            results=source.results, evidence=evidence_csv([tables[name] for name in sorted(tables)])
        )
    if PAIR_SCORES in source.further:
        pairs = source.further[PAIR_SCORES]
        return StoredRun(results=source.results, evidence=None, pair_scores=pairs)
    if source.folder is None:
        return StoredRun(results=source.results, evidence=None)
    stored = StoredRun.open(source.folder)
    return dataclasses.replace(stored, results=source.results)


def _accepted_run(name: str, folder: Path | None) -> StoredRun:
    from bias_audit import config as configuration

    place = folder or baseline_folder(configuration.find(Path.cwd()))
    baseline = find_baseline(place, name)
    if baseline is None:
        known = [entry.name for entry in list_baselines(place)]
        raise UnknownNameError(
            "baseline",
            name,
            known,
            hint="" if known else f"{place} holds none; see 'bias-audit baseline --help'",
        )
    return baseline.run


def _display_name(source: str | Path | Audit) -> str:
    """Return how reports call a run."""
    if isinstance(source, str):
        return source.removeprefix(BASELINE)
    if isinstance(source, Path):
        return str(source)
    return source.folder.name if source.folder is not None else source.results.model.name


__all__ = ["RunComparison", "compare"]
