"""Renders the sample audit in ``reports/sample/``, or compares a fresh run with it.

    python -m benchmarks.sample RUN             make the sample from a finished run folder
    python -m benchmarks.sample --check RUN     compare a run with it; exit 1 on a difference

RUN is a folder that ``bias-audit run`` wrote for the reference model. Estimates may differ by 1e-4
between machines; everything else must be equal.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import recording
from bias_audit.reports import render
from bias_audit.results import Results, load_results, results_text
from bias_audit.utils.files import write_atomic

SAMPLE = Path(__file__).parents[1] / "reports" / "sample"
TOLERANCE = 1e-4


def without_time(results: Results) -> Results:
    """Drop what differs between two equal runs: the clock and the way it was called."""
    run = results.run.model_copy(
        update={"created": None, "duration_s": None, "command": "bias-audit run"}
    )
    return results.model_copy(update={"run": run})


def make(run: Path) -> None:
    """Write the sample from a run folder."""
    loaded = load_results(run)
    timeless = loaded.run.model_copy(update={"command": "bias-audit run", "duration_s": None})
    results = loaded.model_copy(update={"run": timeless})
    write_atomic(SAMPLE / "results.json", results_text(results))
    write_rendered()


def write_rendered() -> None:
    """Render the stored sample again, and the picture of it in a terminal."""
    results = load_results(SAMPLE)
    write_atomic(SAMPLE / "report.html", render(results, "html"))
    write_atomic(SAMPLE / "summary.md", render(results, "md"))
    recording.write(results)


def differences(run: Path) -> list[str]:
    """What differs between a run and the sample."""
    new, old = without_time(load_results(run)), without_time(load_results(SAMPLE))
    changes = [
        f"{name}: {getattr(old, name)} in the sample, {getattr(new, name)} now"
        for name in ("states", "exit_code")
        if getattr(old, name) != getattr(new, name)
    ]
    if new.run.catalogue_digest != old.run.catalogue_digest:
        changes.append("the catalogue changed")
    if new.model.fingerprint != old.model.fingerprint:
        changes.append("the model's fingerprint changed")
    before = {result.id: result for result in old.results}
    after = {result.id: result for result in new.results}
    changes += [f"{name}: only in one of the two" for name in sorted(before.keys() ^ after.keys())]
    for name in sorted(before.keys() & after.keys()):
        a, b = before[name].estimate, after[name].estimate
        if (a is None) != (b is None) or (a is not None and abs(a - (b or 0.0)) > TOLERANCE):
            changes.append(f"{name}: {a} in the sample, {b} now")
        for field in ("outcome", "reason", "statuses"):
            was, now = getattr(before[name], field), getattr(after[name], field)
            if was != now:
                changes.append(f"{name}: {field} {was!r} in the sample, {now!r} now")
    return changes


def main(arguments: list[str]) -> int:
    if len(arguments) == 2 and arguments[0] == "--check":
        changes = differences(Path(arguments[1]))
        print("\n".join(changes) or "the run agrees with reports/sample/")
        return 1 if changes else 0
    if arguments == ["--render"]:
        write_rendered()
        return 0
    if len(arguments) != 1:
        print(__doc__)
        return 2
    make(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
