"""A fresh or stored run, judged: finds the baselines that its gates name, compares, then judges.

``run`` and ``gate`` both come here, so that they cannot disagree.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bias_audit.analysis.compare_runs import compare_runs, is_same_run
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.gates.baselines import (
    Baseline,
    find_baseline,
    list_baselines,
    validate_name,
    write_baseline,
)
from bias_audit.gates.judge import judge, require_units
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import BASELINE
from bias_audit.records import ModelInfo
from bias_audit.results.decisions import Comparison, MissingChange
from bias_audit.results.evidence import EVIDENCE_FILE as EVIDENCE
from bias_audit.results.io import Results, is_run, locate, normalise, require_same_reading
from bias_audit.results.run_folder import StoredRun
from bias_audit.utils.settings import require_text


def judge_run(
    run: StoredRun, policy: Policy, *, folder: Path | None = None, against: str | None = None
) -> Results:
    """Return the results of a run with gates, waivers, comparison and exit code by this policy.

    Args:
        run: what was measured.
        policy: what it is judged by.
        folder: of the baselines.
        against: a baseline's name, or a run, to compare with instead of those that gates name.

    Raises:
        UsageError: a baseline was edited or is damaged, or ``against`` is neither name nor run.
    """
    comparisons: dict[str, Comparison | MissingChange] = {}
    if against is not None:
        name, base = _open_named(against, folder)
        if is_same_run(base.results, run.results):
            raise UsageError(
                f"the baseline '{against}' is the run itself, so nothing would be compared",
                hint="name an earlier run, or a baseline that was accepted from one",
            )
        comparison = compare_runs(base, run, name=name)
        comparisons = dict.fromkeys(policy.baselines or (name,), comparison)
    elif folder is not None:
        for name in policy.baselines:
            baseline = find_baseline(folder, name)
            if baseline is None:
                comparisons[name] = _missing(name, folder)
            elif is_same_run(baseline.run.results, run.results):
                comparisons[name] = _itself(name)
            else:
                comparisons[name] = compare_runs(baseline.run, run, name=name)
    return normalise(judge(run.results, policy, comparisons))


def check_baselines(policy: Policy, folder: Path) -> None:
    """Read every baseline that the gates name, before a long run and not after it.

    Raises:
        UsageError: one was edited or is damaged. A missing one is judged, not refused.
    """
    for name in policy.baselines:
        find_baseline(folder, name)


def check_readings(policy: Policy, folder: str | Path | None, info: ModelInfo) -> None:
    """Refuse limits and baselines that are not of the model's reading, before it is asked anything.

    Raises:
        UsageError: there is one.
    """
    require_units(policy.gates, info.name, info.reading)
    stored = [find_baseline(Path(folder), name) for name in policy.baselines] if folder else []
    for baseline in filter(None, stored):
        require_same_reading(baseline.run.results.model, info)


def accept_baseline(
    run: str | Path, *, name: str, reason: str, today: date, place: Path, who: str | None = None
) -> Baseline:
    """Store a run as a baseline, if something could be judged against it.

    Args:
        run: a run folder, a ``results.json``, or ``audit-runs/latest``.
        name: what gates call it: ``against: baseline:NAME``.
        reason: why it is accepted.
        today: the day, for the record.
        place: the folder of all baselines.
        who: who accepts it.

    Raises:
        UsageError: the run has no evidence, is partial, has nothing that could be compared, or its
            files do not belong together; or the folder cannot be written.
    """
    validate_name(name)
    path = locate(run)
    stored, home = StoredRun.open(path), path.parent
    if stored.evidence is None:
        raise UsageError(
            f"{home} has no {EVIDENCE}, which a baseline needs to pair sentences",
            hint="accept the folder that 'bias-audit run' wrote, as it is",
        )
    if stored.results.run.partial:
        raise UsageError(
            f"{home} is a partial run (--limit or --max-time), so nothing could be judged by it",
            hint="run the audit without these options first",
        )
    itself = compare_runs(stored, stored, name="itself")
    if not itself.changes:
        raise UsageError(
            f"{home} has no result that could be compared",
            hint=itself.missing[0].reason if itself.missing else "see 'bias-audit show' for why",
        )
    return write_baseline(stored, home, name=name, reason=reason, today=today, place=place, who=who)


def _missing(name: str, folder: Path) -> MissingChange:
    reason = (
        f"there is no baseline named '{name}' in {folder.name}:"
        f" make one with 'bias-audit baseline accept RUN --name {name} --reason TEXT'"
    )
    return MissingChange(probe="*", reason_code="no_baseline", reason=reason)


def _itself(name: str) -> MissingChange:
    reason = f"the baseline '{name}' is this very run, so there is nothing to compare"
    return MissingChange(probe="*", reason_code="no_baseline", reason=reason)


def _open_named(against: str, folder: Path | None) -> tuple[str, StoredRun]:
    """A baseline by its name, else a run by its folder."""
    require_text(against, "the baseline")
    name = against.removeprefix(BASELINE)
    if folder is not None and Path(name).name == name and (folder / name).is_dir():
        baseline = find_baseline(folder, name)
        if baseline is not None:
            return name, baseline.run
    if not (is_run(against) or Path(against).exists()):
        known = [entry.name for entry in list_baselines(folder)] if folder else []
        raise UnknownNameError(
            "baseline or run", against, known, hint="bias-audit baseline list shows the names"
        )
    return against, StoredRun.open(Path(against))
