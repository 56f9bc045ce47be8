"""Are gates steady, and do they see what is planted? On the stored cells of a real audit.

    python -m benchmarks.validity.stored_gates RUN [MODELS]

RUN is a folder that 'bias-audit run' wrote with the core probes; those of two groups are used. No
model is loaded: scores are changed by arithmetic, then assessed, paired and judged as always.

Planted: the gap of each probe becomes larger by twice the limit, in every sentence, for every word
and target a little differently. An absolute gate (limit: ln 1.25) and a regression gate (largest
rise: the same) should fail. Turned over: the gap becomes as large on the other side; a regression
gate sees less of that, since the sum of two gaps keeps what their difference cancels, and should
never pass. Nothing planted: the same small differences without a gap; no gate should fail.

Steady: other seeds and rounding noise as batch sizes leave it, and half of the sentences, drawn
anew each time. No gate may say pass once and fail another time.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from bias_audit.analysis import assess
from bias_audit.analysis.compare_runs import compare_runs
from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.metrics.score_cube import Scores, build_cube, evidence_csv
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.pipeline.plan import PLACEBO, Plan, make_plan
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.schema.probe import DEFAULT_MARGIN
from bias_audit.results import Gate, Result, Results, StoredRun, load_results, normalise
from bias_audit.results.evidence import read_evidence

Frames = Mapping[str, pd.DataFrame]
FAST = Settings(resamples=99, divergence_resamples=99)
HALVES = replace(FAST, min_templates=6)
"""Half of twelve sentences is below the usual minimum of eight."""
SPREAD = {"template": 0.05, "label": 0.05, "target": 0.05}
"""Standard deviations of what training does to sentences, words and targets, nats: assumed."""
CELL = 0.1
"""The same for single cells."""
FEW = 4
"""With fewer words a common change is no noise but a gap."""
ROUNDING = 1e-5
"""Nats by which batch sizes and kernels move a score."""
LIMITS = (0.15, DEFAULT_MARGIN, 0.3, 0.5)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A run whose scores can be changed and assessed again."""

    results: Results
    frames: Frames
    """Scores of each probe, control and placebo run."""

    @classmethod
    def read(cls, folder: Path) -> Stored:
        """Keep the probes whose controls worked."""
        table = read_evidence(folder / "evidence.csv.gz")
        frames = {str(name): rows.reset_index(drop=True) for name, rows in table.groupby("probe")}
        return cls(results=load_results(folder), frames=frames)

    @cached_property
    def plan(self) -> Plan:
        """Its probes of two groups that can be judged, joined with their controls."""
        gaps = Counter(r.probe for r in self.results.results if r.role == "primary")
        names = [
            p.id
            for p in self.results.probes
            if p.role == "probe" and "instrument_failed" not in p.statuses and gaps[p.id] == 1
        ]
        return make_plan(ProbeCatalogue(), names)

    @property
    def probes(self) -> list[str]:
        """Ids of the probes that can be judged."""
        return [task.probe.spec.id for task in self.plan.tasks]

    def assessed(self, frames: Frames, settings: Settings = FAST) -> StoredRun:
        """Assess changed scores, as a run would."""
        tables = {name: Scores(frames[name]) for name in self.plan.probes}
        scored = {
            name: ScoredProbe(
                probe=self.plan.probes[name],
                cube=build_cube(self.plan.probes[name], table),
                prompts=len(table.frame),
            )
            for name, table in tables.items()
        }
        found = assess(self.plan.tasks, scored, settings, failures={})
        results = self.results.model_copy(
            update={"probes": found.probes, "results": found.results, "findings": (), "gates": ()}
        )
        return StoredRun(results=normalise(results), evidence=evidence_csv([*tables.values()]))


def changed(stored: Stored, rng: np.random.Generator, rise: float = 0.0) -> Frames:
    """Scores with the differences of another training run.

    A ``rise`` above 0 makes each gap larger by so many nats; below 0, it turns over and is larger
    by so many nats on the other side.
    """
    frames = dict(stored.frames)
    for name in stored.probes:
        frame = frames[name].copy()
        (first,) = [r for r in stored.results.results if r.probe == name and r.role == "primary"]
        here = (frame["group"] == first.groups[0]) & (frame["pole"] == "+")
        step = rng.normal(0, CELL, len(frame))
        for column, spread in SPREAD.items():
            names = sorted(frame.loc[here, column].unique())
            if len(names) < FEW:
                continue
            drawn = dict(zip(names, rng.normal(0, spread, len(names)), strict=True))
            step += frame[column].map(drawn).fillna(0.0).to_numpy()
        if rise:
            gap = first.estimate or 0.0
            way = np.sign(gap) or 1.0
            step += rise * way if rise > 0 else rise * way - 2 * gap
        moved = frame["log_prob"] + np.where(here, step, 0.0)
        frame["log_prob"] = (moved - max(moved.max(), 0.0)).round(6)  # a probability stays one
        frames[name] = frame
    return frames


def half(stored: Stored, rng: np.random.Generator) -> dict[str, set[str]]:
    """Half of the sentences of every probe, drawn anew."""
    ids = {name: [f.id for f in stored.plan.probes[name].frames] for name in stored.probes}
    return {name: set(rng.permutation(all_)[: len(all_) // 2]) for name, all_ in ids.items()}


def without(frames: Frames, kept: Mapping[str, set[str]]) -> Frames:
    """Only these sentences, also in placebo runs; controls stay whole."""
    left = dict(frames)
    for name, ids in kept.items():
        for run in (name, name + PLACEBO):
            if run in left:
                left[run] = left[run][left[run]["template"].isin(ids)].reset_index(drop=True)
    return left


def jittered(frames: Frames, rng: np.random.Generator) -> Frames:
    """The same model with the rounding of other batch sizes."""
    return {
        name: frame.assign(
            log_prob=(frame["log_prob"] + rng.uniform(-ROUNDING, ROUNDING, len(frame)))
            .clip(upper=0.0)
            .round(6)
        )
        for name, frame in frames.items()
    }


def policy(stored: Stored) -> Policy:
    """An absolute and a regression gate on every probe, at each of the limits."""
    made = [
        gate
        for name in stored.probes
        for limit in LIMITS
        for gate in (
            GateConfig(id=f"size-{limit:.3g}", probe=name, max=limit),
            GateConfig(id=f"rise-{limit:.3g}", probe=name, against="baseline:main", max_rise=limit),
        )
    ]
    return Policy(gates=tuple(made))


def only(stored: Stored, limit: float) -> Policy:
    """Gates at one limit: what a team would have."""
    gates = [gate for gate in policy(stored).gates if gate.limit == limit]
    return Policy(gates=tuple(gates))


def judge_run(run: StoredRun, base: StoredRun, rules: Policy) -> Iterator[Gate]:
    """The gates of a run against a baseline."""
    compared = {"main": compare_runs(base, run, name="main")}
    yield from judge(run.results, rules, compared).gates


Table = dict[tuple[str, str], Counter[str]]
"""States by gate and probe."""


def count(found: Table, gates: Iterator[Gate]) -> None:
    """Add the states of one run."""
    for gate in gates:
        found.setdefault((gate.gate, gate.probe), Counter())[gate.state] += 1


def sensitivity(stored: Stored, models: int = 50) -> dict[str, Table]:
    """What gates say of models whose gaps rose by twice the limit, and of others."""
    base = stored.assessed(stored.frames)
    rules = only(stored, DEFAULT_MARGIN)
    rises = {"planted": 2 * DEFAULT_MARGIN, "turned over": -2 * DEFAULT_MARGIN, "nothing": 0.0}
    tables: dict[str, Table] = {name: {} for name in rises}
    for number in range(models):
        rng = np.random.default_rng([7, number])
        for name, planted in rises.items():
            run = stored.assessed(changed(stored, rng, planted))
            count(tables[name], judge_run(run, base, rules))
    return tables


def steadiness(stored: Stored, times: int = 30) -> dict[str, Table]:
    """What gates say of two models, with small gaps and with planted ones, again and again."""
    base = stored.assessed(stored.frames)
    rules = policy(stored)
    tables: dict[str, Table] = {}
    for name, rise in (("", 0.0), (", planted", 2 * DEFAULT_MARGIN)):
        model = changed(stored, np.random.default_rng(3), rise)
        again = tables.setdefault(f"seeds and rounding{name}", {})
        halves = tables.setdefault(f"half of the sentences{name}", {})
        for number in range(times):
            rng = np.random.default_rng([11, number])
            run = stored.assessed(jittered(model, rng), replace(FAST, seed=number))
            count(again, judge_run(run, base, rules))
            kept = half(stored, rng)
            run, old = (
                stored.assessed(without(frames, kept), HALVES) for frames in (model, stored.frames)
            )
            count(halves, judge_run(run, old, rules))
    return tables


def powered(stored: Stored) -> set[str]:
    """Probes whose design can see a gap of the size of the limit at all."""
    found: list[Result] = [
        r
        for r in stored.assessed(stored.frames).results.results
        if r.role == "primary" and (r.mde80 or 0.0) < DEFAULT_MARGIN
    ]
    return {result.probe for result in found}


def rows(table: Table) -> Iterator[str]:
    """The table as lines."""
    for (gate, probe), states in table.items():
        numbers = "  ".join(f"{states[state]:>4}" for state in ("pass", "unclear", "fail"))
        yield f"{gate:12} {probe:26} {numbers}"


def main() -> None:
    """Print all tables."""
    stored = Stored.read(Path(sys.argv[1]))
    models = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    head = f"{'gate':12} {'probe':26} pass unclear fail"
    for name, table in (sensitivity(stored, models) | steadiness(stored)).items():
        print(f"\n{name}\n{head}", *rows(table), sep="\n")
    print(f"\nable to see a gap of the limit: {', '.join(sorted(powered(stored)))}")


if __name__ == "__main__":
    main()
