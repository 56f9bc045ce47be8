"""A measured or stored run, judged: finds the baselines that its gates name, pairs, then judges.

``run`` and ``gate`` both come here, so that they cannot disagree.
"""

from __future__ import annotations

from pathlib import Path

from bias_audit import baselines as baseline_files
from bias_audit.errors import UnknownNameError
from bias_audit.gates import judge
from bias_audit.pairing import compare_runs
from bias_audit.policy import Policy
from bias_audit.results import Comparison, MissingChange, Results, StoredRun, normalise


def judged(
    run: StoredRun, policy: Policy, *, folder: Path | None = None, against: str | None = None
) -> Results:
    """Return the results of a run with gates, waivers, comparison and exit code by this policy.

    Args:
        run: what was measured.
        policy: what is demanded of it.
        folder: where baselines are kept.
        against: a baseline's name, or a run, to compare with instead of those that gates name.

    Raises:
        UsageError: a baseline was edited or is damaged, or ``against`` is neither name nor run.
    """
    compared: dict[str, Comparison | MissingChange] = {}
    if against is not None:
        name, base = _named(against, folder)
        found = compare_runs(base, run, name=name)
        compared = dict.fromkeys(policy.baselines or (name,), found)
    elif folder is not None:
        for name in policy.baselines:
            baseline = baseline_files.find(folder, name)
            compared[name] = (
                _missing(name, folder)
                if baseline is None
                else compare_runs(baseline.run, run, name=name)
            )
    return normalise(judge(run.results, policy, compared))


def check_baselines(policy: Policy, folder: Path) -> None:
    """Read every baseline that the gates name, before a long run and not after it.

    Raises:
        UsageError: one was edited or is damaged. A missing one is judged, not refused.
    """
    for name in policy.baselines:
        baseline_files.find(folder, name)


def _missing(name: str, folder: Path) -> MissingChange:
    said = (
        f"there is no baseline named '{name}' in {folder.name}:"
        f" make one with 'bias-audit baseline accept RUN --name {name} --reason TEXT'"
    )
    return MissingChange(probe="*", reason_code="no_baseline", reason=said)


def _named(against: str, folder: Path | None) -> tuple[str, StoredRun]:
    """A baseline by its name, else a run by its folder."""
    name = against.removeprefix("baseline:")
    if folder is not None and Path(name).name == name and (folder / name).is_dir():
        baseline = baseline_files.find(folder, name)
        if baseline is not None:
            return name, baseline.run
    if not Path(against).exists():
        known = [entry.name for entry in baseline_files.every(folder)] if folder else []
        raise UnknownNameError(
            "baseline or run", against, known, hint="bias-audit baseline list shows the names"
        )
    return against, StoredRun.open(Path(against))
