"""Stored runs of made-up models, for tests that pair them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bias_audit.analysis.compare_runs import compare_runs
from bias_audit.metrics.score_cube import evidence_csv
from bias_audit.pipeline.audit import Audit
from bias_audit.probes.probe import Probe
from bias_audit.records import Prompt
from bias_audit.results import EVIDENCE_FILE, StoredRun, write_run
from tests.analysis.world import Effect, Model, controlled, noise, run

Rows = list[list[str]]


def rough(prompt: Prompt) -> float:
    """A gap of about half a nat, different in every sentence and for every word."""
    gap = 0.5 if (prompt.group, prompt.pole) == ("a", "+") else 0.0
    lean = 0.3 * noise(prompt.group, prompt.target)
    lean += 0.3 * noise(prompt.template, prompt.group, prompt.pole)
    return gap + lean + 0.4 * noise(prompt.term, prompt.pole) + 0.2 * noise(prompt.text)


@cache
def moved(by: float, size: float = 0.1) -> Effect:
    """The same model after training: the gap of ``a`` grew, a little differently everywhere."""

    def effect(prompt: Prompt) -> float:
        step = by if (prompt.group, prompt.pole) == ("a", "+") else 0.0
        wobble = noise("moved", prompt.term, prompt.pole) + noise("moved", prompt.text)
        wobble += noise("moved", prompt.template, prompt.group, prompt.pole)
        return rough(prompt) + step + size * (wobble + noise("moved", prompt.target, prompt.group))

    return effect


def audited(
    effect: Effect | Model = rough, probe: Probe | Sequence[Probe] | None = None, **more: Any
) -> Audit:
    """Audit a made-up model; the same model and the usual probe once for all tests."""
    if probe is None and not more and not isinstance(effect, Model):
        return _usual(effect)
    return run(probe if probe is not None else controlled(), effect, **more)


@cache
def _usual(effect: Effect) -> Audit:
    return run(controlled(), effect)


def store(done: Audit, folder: Path) -> StoredRun:
    """Write what pairing needs of a run folder, and open it."""
    tables = [done.measured.tables[name] for name in sorted(done.measured.tables)]
    write_run(folder, done.results, done.manifest, {EVIDENCE_FILE: evidence_csv(tables)})
    return StoredRun.open(folder)


def paired(base: Audit, candidate: Audit, tmp: Path) -> Any:
    """Compare two audits as they are stored."""
    return compare_runs(store(base, tmp / "base"), store(candidate, tmp / "candidate"), name="base")


def rows_of(folder: Path) -> Rows:
    """The rows of a run's evidence, header first."""
    text = gzip.decompress((folder / EVIDENCE_FILE).read_bytes()).decode()
    return list(csv.reader(io.StringIO(text)))


def rewrite(folder: Path, change: Callable[[Rows], Rows]) -> StoredRun:
    """Change the rows of a run's evidence and open it again."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(change(rows_of(folder)))
    (folder / EVIDENCE_FILE).write_bytes(gzip.compress(stream.getvalue().encode()))
    return StoredRun.open(folder)


def soften(result: dict[str, Any], gap: float) -> None:
    """Set the gap of a stored result, with every number that stands beside it."""
    step = gap - result["estimate"]
    for claim in filter(None, (result, result["words_of_this_kind"])):
        for key in {"estimate", "ci_low", "ci_high", "ci90_low", "ci90_high"} & set(claim):
            claim[key] += step
    result["effect_size"] = math.exp(gap)


def edit_results(folder: Path, change: Callable[[dict[str, Any]], None]) -> StoredRun:
    """Change the results of a run and open it again."""
    path = folder / "results.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return StoredRun.open(folder)
