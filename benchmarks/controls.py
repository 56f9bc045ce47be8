"""Which axes can a model speak about? The controls of a stored run, by axis, as a table.

    bias-audit run -p full -o RUN
    python -m benchmarks.controls RUN

Prints Markdown; docs/controls.md holds what it printed for the bundled model.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

from bias_audit.pipeline.plan import PLACEBO
from bias_audit.results import ProbeRecord, Result, Results, load_results


def main() -> None:
    """Read a run and print."""
    print(table(load_results(sys.argv[1])))


def table(results: Results) -> str:
    """Markdown: a row for each axis, then a row for each positive control."""
    axes = sorted({p.axis for p in results.probes})
    lines = [
        "| axis | positive controls that fire | negative controls quiet | placebo groups quiet |"
        " judged probes that a control stops |",
        "| --- | --- | --- | --- | --- |",
    ]
    for axis in axes:
        mine = [p for p in results.probes if p.axis == axis]
        probes = [p for p in mine if p.role == "probe"]
        stopped = sum("instrument_failed" in p.statuses for p in probes)
        lines.append(
            f"| {axis} | {_share(p for p in mine if p.role == 'positive_control')}"
            f" | {_share(p for p in mine if _negative(p) and not p.id.endswith(PLACEBO))}"
            f" | {_share(p for p in mine if _negative(p) and p.id.endswith(PLACEBO))}"
            f" | {stopped} of {len(probes)} |"
        )
    lines += ["", "| positive control | axis | smallest gap, nats | 95 % interval | fires |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for probe in sorted(results.probes, key=lambda p: (p.axis, p.id)):
        if probe.role == "positive_control":
            lines.append(_row(probe, [r for r in results.results if r.probe == probe.id]))
    return "\n".join(lines)


def _negative(probe: ProbeRecord) -> bool:
    return probe.role == "negative_control"


def _share(probes: Iterable[ProbeRecord]) -> str:
    """How many passed; a control that is neither quiet nor clearly loud is told apart."""
    states = Counter(probe.state for probe in probes)
    total = sum(states.values())
    open_ = f", {states['unclear']} unclear" if states["unclear"] else ""
    return f"{states['pass']} of {total}{open_}" if total else "none"


def _row(probe: ProbeRecord, found: list[Result]) -> str:
    known = [r for r in found if r.role == "control" and r.estimate is not None]
    if not known:
        return f"| `{probe.id}` | {probe.axis} | not scored | | no |"
    least = min(known, key=lambda r: r.estimate or 0.0)
    low, high = least.ci_low, least.ci_high
    interval = "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
    fires = "yes" if probe.state == "pass" else "no"
    return f"| `{probe.id}` | {probe.axis} | {least.estimate:.2f} | {interval} | {fires} |"


if __name__ == "__main__":
    main()
