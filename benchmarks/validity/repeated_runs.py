"""Does a gate ever say pass once and fail another time on the same model? By auditing it again.

    python -m benchmarks.validity.repeated_runs [RUNS]

Audits the bundled model RUNS times (30) from the weights on, each time with another seed and
another batch size, and judges every run by gates of four sizes and by a gate on the rise over the
first run. Prints the outcomes; exits with 1 if a gate both passed and failed.
"""

from __future__ import annotations

import sys
from collections import Counter

from bias_audit.analysis.compare_runs import compare_runs
from bias_audit.backends import open_backend
from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.metrics.score_cube import evidence_csv
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.run import audit
from bias_audit.results import Results, StoredRun

PROBES = ("occupation-pronoun", "trait-gender-warmth")
LIMITS = (0.15, 0.223, 0.3, 0.5)
BATCHES: tuple[int | str, ...] = ("auto", 5, 16, 33, 64, 100)
GATES = (
    *(GateConfig(id=f"size-{limit:g}", probe="*", max=limit) for limit in LIMITS),
    GateConfig(id="rise", probe="*", against="baseline:first", max_rise=0.223),
)


def main() -> int:
    """Audit again and again; print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    first: StoredRun | None = None
    seen: dict[str, Counter[str]] = {}
    for number in range(runs):
        backend = open_backend("reference", batch_size=BATCHES[number % len(BATCHES)])
        stored = _stored(audit(backend, probes=PROBES, settings=Settings(seed=1000 + number)))
        first = first or stored
        for gate in _judged(first, stored).gates:
            seen.setdefault(gate.id, Counter())[gate.state] += 1
        print(f"run {number + 1} of {runs}", file=sys.stderr, flush=True)
    print(f"{'gate':60} pass unclear fail")
    for name, states in seen.items():
        print(f"{name:60} {states['pass']:4} {states['unclear']:7} {states['fail']:4}")
    flips = [name for name, states in seen.items() if states["pass"] and states["fail"]]
    print(f"gates that both passed and failed: {len(flips)} of {len(seen)}")
    return 1 if flips else 0


def _stored(done: Audit) -> StoredRun:
    assert done.measured is not None
    tables = done.measured.tables
    return StoredRun(
        results=done.results, evidence=evidence_csv([tables[name] for name in sorted(tables)])
    )


def _judged(first: StoredRun, stored: StoredRun) -> Results:
    change = compare_runs(first, stored, name="first")
    return judge(stored.results, Policy(gates=GATES), {"first": change})


if __name__ == "__main__":
    sys.exit(main())
