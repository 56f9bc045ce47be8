"""How often a regression gate is right: simulated pairs of models with a known rise.

    python -m benchmarks.validity.regression_gate [RUNS]

First table: the rise of a gap whose direction is declared, over designs of J sentences and n
matched pairs of words. At the margin, a wrong pass and a wrong fail should each happen in at most
5 %. It tries the first bound alone and is no gate's error rate: gates measure the direction.

Second table: the direction is the sign of a noisy baseline (standard error of a single model's gap
0.24), and the size has risen by exactly the margin, further in the same direction or to the other
side. Wrong passes stay below 5 % everywhere. Wrong fails do too, but for one corner: a baseline of
doubtful direction and a candidate on its other side. There the measured direction is often the
wrong one, and the gate fails a model that moved by the margin and twice the baseline. No rule on
these data can tell it from one that moved away from 0.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np

from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.rise import direction, p_increased, p_not_increased

MARGIN = 0.223
CHANGE = (0.20, 0.15, 0.30)
"""Standard deviations of the paired differences: sentences, words, residual; nats."""
SINGLE = (0.40, 0.55, 0.55)
"""Those of a single model's gaps."""
DESIGNS = ((8, 4), (12, 8), (16, 10), (24, 20))
RISES = (-0.2, 0.0, 0.1, MARGIN, 0.4, 0.6)
GAPS = (0.0, 0.1, 0.3, 0.6, 1.0)
STEPS = (-0.1, 0.0, 0.1, 0.45, 0.6)


def cells(rng: np.random.Generator, rows: int, pairs: int, mean: float, sd: tuple[float, ...]):
    """Differences inside matched pairs, (rows, pairs)."""
    noise = rng.normal(0, sd[0], (rows, 1)) + rng.normal(0, sd[1], pairs)
    return mean + noise + rng.normal(0, sd[2], (rows, pairs))


def said(bounds: list[Contrast], level: float) -> str:
    """What the gate says of one simulated pair of models."""
    held = p_not_increased(bounds, MARGIN, level)
    risen = p_increased(bounds, MARGIN, level)
    assert held is not None
    assert risen is not None
    return "pass" if held <= 0.05 else "fail" if risen <= 0.05 else "unclear"


def declared(
    rng: np.random.Generator, rows: int, pairs: int, rise: float, runs: int
) -> Counter[str]:
    """The first bound alone, its direction fixed beforehand."""
    return Counter(
        said([matched_pairs(cells(rng, rows, pairs, rise, CHANGE), scope="concept")], 0.95)
        for _ in range(runs)
    )


def signed(
    rng: np.random.Generator,
    rows: int,
    pairs: int,
    gap: float,
    rise: float,
    turned: bool,
    runs: int,
) -> Counter[str]:
    """Both bounds, with the direction of a measured baseline.

    ``turned``: the candidate's gap points the other way.
    """
    target = -(gap + rise) if turned else gap + rise
    found: Counter[str] = Counter()
    for _ in range(runs):
        old = cells(rng, rows, pairs, gap, SINGLE)
        new = old + cells(rng, rows, pairs, target - gap, CHANGE)
        baseline = matched_pairs(old, scope="concept")
        sign, level = direction(baseline)
        bounds = [
            matched_pairs(sign * (new - old), scope="concept"),
            matched_pairs(-sign * (new + old), scope="concept"),
        ]
        found[said(bounds, level)] += 1
    return found


def moves(rng: np.random.Generator, gap: float, step: float, runs: int) -> Counter[str]:
    """12 x 8, direction measured; the candidate's gap is the baseline's plus ``step``."""
    turned = gap + step < 0
    return signed(rng, 12, 8, gap, abs(gap + step) - gap, turned, runs)


def shares(found: Counter[str]) -> str:
    """Per cent of passes, unclear verdicts and failures."""
    whole = sum(found.values())
    parts = (("pass", "P"), ("unclear", "U"), ("fail", "F"))
    return " ".join(f"{100 * found[key] / whole:3.0f}{sign}" for key, sign in parts)


def tables(runs: int) -> Iterator[str]:
    """The lines of both tables; each cell has its own random stream."""
    yield f"{runs} runs a cell; margin {MARGIN}; per cent passed (P), unclear (U), failed (F)"
    yield ""
    yield "direction declared, by true rise"
    yield "J x n    " + "".join(f"{rise:>+16.3g}" for rise in RISES)
    for place, (rows, pairs) in enumerate(DESIGNS):
        line = [
            shares(declared(np.random.default_rng([place, i]), rows, pairs, rise, runs))
            for i, rise in enumerate(RISES)
        ]
        yield f"{rows:2} x {pairs:<4}" + "".join(f"{text:>16}" for text in line)
    yield ""
    yield "direction by the sign of the baseline, 12 x 8, true rise at the margin, by true baseline"
    yield "candidate" + "".join(f"{gap:>16.3g}" for gap in GAPS)
    for turned in (False, True):
        line = [
            shares(signed(np.random.default_rng([9, i, turned]), 12, 8, gap, MARGIN, turned, runs))
            for i, gap in enumerate(GAPS)
        ]
        yield f"{'reversed' if turned else 'further':9}" + "".join(f"{text:>16}" for text in line)
    yield ""
    yield "the same design, by the step of the candidate's gap and the true baseline"
    yield "step     " + "".join(f"{gap:>16.3g}" for gap in GAPS)
    for place, step in enumerate(STEPS):
        line = [
            shares(moves(np.random.default_rng([8, i, place]), gap, step, runs))
            for i, gap in enumerate(GAPS)
        ]
        yield f"{step:<+9.3g}" + "".join(f"{text:>16}" for text in line)


if __name__ == "__main__":
    for text in tables(int(sys.argv[1]) if len(sys.argv) > 1 else 4000):
        print(text)
