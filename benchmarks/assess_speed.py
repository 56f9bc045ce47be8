"""How long the statistics of one large probe take: 60 sentences, 40 group words, 80 targets.

    python -m benchmarks.assess_speed [--templates 60] [--words 40] [--targets 80] [--repeats 3]

Scores are drawn, so no model is asked. Assessed as in an audit, with 9,999 draws in each
permutation test; once with two groups, once with four, where every group and every pair is
compared. Prints the fastest of the repeats, in seconds of the wall clock and of the processors, the
largest memory of the process, and the functions that took longest. Exits with 1 if two groups take
more than five seconds.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import pstats
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np

from bias_audit.analysis import Task, assess
from bias_audit.metrics.score_cube import ScoreCube, Unit
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.probe import Probe

SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
LIMIT = 5.0
"""Seconds for two groups, on two cores."""
SLOWEST = 12


def probe(folder: Path, sentences: int, words: int, targets: int, groups: int) -> Probe:
    """A probe of that size, of made-up words."""
    made = (f"{one}{two}n" for one in SYLLABLES for two in SYLLABLES)
    each, pole = words // groups, targets // 2
    spec = {
        "kind": "probe",
        "id": f"large-{groups}",
        "version": 1,
        "language": "en-US",
        "title": "A large probe",
        "question": "How long does it take?",
        "axis": "speed",
        "templates": [f"On day {i + 1}, the [group] bought some <mask>." for i in range(sentences)],
        "groups": {
            f"group-{g}": [{"sg": word, "pl": f"{word}s"} for word in islice(made, each)]
            for g in range(groups)
        },
        "targets": {
            "plus": {"name": "first", "words": list(islice(made, pole))},
            "minus": {"name": "second", "words": list(islice(made, pole))},
        },
    }
    file = folder / f"large-{groups}.yaml"
    file.write_text(json.dumps(spec), encoding="utf-8")
    return ProbeCatalogue(files=[file]).probe(f"large-{groups}")


def scored(probe: Probe, seed: int = 1) -> ScoredProbe:
    """The probe with drawn scores: sentence, word, target and cell effects, and a gap."""
    rng = np.random.default_rng(seed)
    units = tuple(
        Unit(group=group.id, label=word.label, pair=None)
        for group in probe.groups
        for word in group.words
    )
    shape = len(probe.frames), len(units), len(probe.targets)
    values = -9 + rng.normal(0, 0.5, shape) + rng.normal(0, 0.5, (shape[0], 1, 1))
    values += rng.normal(0, 0.4, (shape[1], 1)) + rng.normal(0, 1, shape[2])
    values[:, : len(probe.groups[0].words), : shape[2] // 2] += 0.3
    cube = ScoreCube(
        templates=tuple(frame.id for frame in probe.frames),
        units=units,
        targets=tuple(target.word.id for target in probe.targets),
        poles=tuple(target.pole for target in probe.targets),
        values=np.minimum(values, -0.01),
        pieces=(1,) * shape[2],
        prompts={g.id: shape[0] * len(g.words) * shape[2] for g in probe.groups},
        skips=(),
    )
    return ScoredProbe(probe=probe, cube=cube, prompts=int(np.prod(shape)))


def timed(made: ScoredProbe, settings: Settings) -> tuple[float, float]:
    """Seconds of the wall clock and of the processors for one assessment."""
    wall, busy = time.perf_counter(), time.process_time()
    name = made.probe.spec.id
    found = assess([Task(probe=made.probe)], {name: made}, settings, failures={})
    assert found.results
    return time.perf_counter() - wall, time.process_time() - busy


def slowest(made: ScoredProbe, settings: Settings) -> str:
    """The functions that took longest, callees included."""
    profile = cProfile.Profile()
    profile.runcall(timed, made, settings)
    out = io.StringIO()
    pstats.Stats(profile, stream=out).sort_stats("cumulative").print_stats("bias_audit", SLOWEST)
    lines = [line for line in out.getvalue().splitlines() if "bias_audit" in line and ":" in line]
    return "\n".join(lines)


def main() -> int:
    """Time both probes and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("templates", 60), ("words", 40), ("targets", 80), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    settings = Settings(resamples=9999)
    took = {}
    with tempfile.TemporaryDirectory() as folder:
        for groups in (2, 4):
            made = scored(
                probe(Path(folder), options.templates, options.words, options.targets, groups)
            )
            wall, busy = min(timed(made, settings) for _ in range(options.repeats))
            took[groups] = wall
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{groups} groups: {wall:.2f} s, processors {busy:.2f} s, {memory:.0f} MiB at most"
            )
            if options.profile:
                print(slowest(made, settings))
    return int(took[2] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
