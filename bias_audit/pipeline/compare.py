"""``compare(a, b)``: two audits side by side, paired sentence by sentence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bias_audit.analysis.compare_runs import compare_runs
from bias_audit.datasets.compare import compare_dataset_runs
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.gates.baselines import baseline_folder, find_baseline, list_baselines
from bias_audit.gates.schema import BASELINE
from bias_audit.pipeline.audit import evidence_bytes
from bias_audit.reports.comparison import render
from bias_audit.results import (
    EVIDENCE_FILE,
    PAIR_SCORES_FILE,
    Change,
    Comparison,
    ShareChange,
    StoredRun,
)
from bias_audit.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

    from bias_audit.pipeline.audit import Audit


NO_DATA_SETS = (
    "both runs have data sets too, which are not part of this comparison:"
    " compare runs of data sets alone"
)


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
    """Compare two audits of the same sentences, or else of the same published data sets.

    Args:
        baseline: what to compare with: a run folder, a ``results.json``, ``baseline:NAME``, or an
            audit.
        candidate: the audit in question, given in the same ways.
        folder: of the baselines; that of the configuration of this folder when None.

    Raises:
        UsageError: one of them cannot be read, has no scores to pair, or they share none.
        UnknownNameError: no baseline has this name.
    """
    old, new = _open_run(baseline, folder), _open_run(candidate, folder)
    names = _name(baseline), _name(candidate)
    with_probes = [run.evidence is not None for run in (old, new)]
    with_data = [run.pair_scores is not None for run in (old, new)]
    if all(with_probes):
        record = compare_runs(old, new, name=names[0])
        if all(with_data):
            record = record.model_copy(update={"notices": (*record.notices, NO_DATA_SETS)})
    elif any(with_data):
        record = compare_dataset_runs(old, new, names=names)
    else:
        name = names[with_probes.index(False)]
        raise UsageError(
            f"{name} has no {EVIDENCE_FILE}, so its sentences cannot be paired",
            hint="give the whole folder that 'bias-audit run' wrote",
        )
    named = {"candidate": names[1], "candidate_model": new.results.model}
    return RunComparison(record=record.model_copy(update=named))


def _open_run(source: str | Path | Audit, folder: Path | None) -> StoredRun:
    if isinstance(source, str) and source.startswith(BASELINE):
        return _open_baseline(source.removeprefix(BASELINE), folder)
    if isinstance(source, str | Path):
        return StoredRun.open(source)
    pairs = source.further.get(PAIR_SCORES_FILE)
    if source.measured is not None:
        evidence = evidence_bytes(source.measured)
        return StoredRun(results=source.results, evidence=evidence, pair_scores=pairs)
    if source.folder is None:
        return StoredRun(results=source.results, evidence=None, pair_scores=pairs)
    return dataclasses.replace(StoredRun.open(source.folder), results=source.results)


def _open_baseline(name: str, folder: Path | None) -> StoredRun:
    from bias_audit import config

    place = folder or baseline_folder(config.find(Path.cwd()))
    baseline = find_baseline(place, name)
    if baseline is None:
        known = [entry.name for entry in list_baselines(place)]
        hint = "" if known else f"{place} holds none; see 'bias-audit baseline --help'"
        raise UnknownNameError("baseline", name, known, hint=hint)
    return baseline.run


def _name(source: str | Path | Audit) -> str:
    """How reports call a run."""
    if isinstance(source, str):
        return source.removeprefix(BASELINE)
    if isinstance(source, Path):
        return str(source)
    return source.folder.name if source.folder is not None else source.results.model.name


__all__ = ["RunComparison", "compare"]
