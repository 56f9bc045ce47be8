"""A second opinion: every number again from the evidence, slowly and without any shared code."""

from __future__ import annotations

import io
import math
import statistics as st
from itertools import combinations, product
from typing import Any

import pandas as pd
from scipy import stats as sp

Sources = list[list[tuple[float, list[float]]]]
"""Of each source of variance the weights and values of its groups."""


TEXTS = [
    "probe", "axis", "template", "variant", "group", "term", "label", "target", "pole", "text",
    "skip", "detail",
]  # fmt: skip


def table(evidence: bytes) -> pd.DataFrame:
    """Read the rows of an evidence file, without the apostrophes that are for spreadsheets."""
    frame = pd.read_csv(
        io.BytesIO(evidence),
        compression="gzip",
        dtype=dict.fromkeys(TEXTS, str),
        keep_default_na=False,
        na_values={"log_prob": ""},
    )
    bare = {name: frame[name].str.replace(r"^'(?=[=+@-].)", "", regex=True) for name in TEXTS}
    return frame.assign(**bare)


def mean(values: Any) -> float:
    found = list(values)
    return math.fsum(found) / len(found)


def variance_and_df(sources: Sources, *, alike: bool) -> tuple[float, float]:
    """Variance of the estimate and its degrees of freedom; ``alike``: one spread a source."""
    total = below = 0.0
    for source in sources:
        free = sum(len(values) - 1 for _, values in source)
        shared = math.fsum((len(v) - 1) * st.variance(v) for _, v in source) / free
        for weight, values in source:
            spread = shared if alike else st.variance(values)
            value = weight**2 * spread / len(values)
            total += value
            below += value**2 / (len(values) - 1)
    return total, total**2 / below


class Evidence:
    """The rows of one probe: heads and further slots are averaged inside a label."""

    def __init__(self, frame: pd.DataFrame, probe: str) -> None:
        rows = frame[(frame["probe"] == probe) & (frame["skip"] == "")]
        cells: dict[tuple[str, str, str, str], list[float]] = {}
        self.pole: dict[str, str] = {}
        self.labels: dict[str, list[str]] = {}
        for row in rows.itertuples():
            key = (row.template, row.group, row.label, row.target)
            cells.setdefault(key, []).append(row.log_prob)
            self.pole[row.target] = row.pole
            labels = self.labels.setdefault(row.group, [])
            if row.label not in labels:
                labels.append(row.label)
        self.cell = {key: mean(values) for key, values in cells.items()}
        self.templates = sorted({key[0] for key in self.cell})
        self.targets = sorted(self.pole)
        self.count = len(rows[rows["pole"] != "0"])

    def poles(self, sign: str) -> list[str]:
        return [t for t in self.targets if self.pole[t] == sign]

    def y(self, j: str, g: str, w: str) -> float:
        up = mean(self.cell[j, g, w, t] for t in self.poles("+"))
        return up - mean(self.cell[j, g, w, t] for t in self.poles("-"))

    def centred(self, target: str) -> Any:
        return lambda j, g, w: (
            self.cell[j, g, w, target] - mean(self.cell[j, g, w, t] for t in self.targets)
        )

    def single(self, target: str) -> Any:
        return lambda j, g, w: self.cell[j, g, w, target]


Axis = list[tuple[float, list[Any]]]
"""Weights and units of the groups along one factor."""


def shared(cells: dict[tuple[Any, ...], float], axes: list[Axis]) -> dict[tuple[int, ...], float]:
    """What two and three factors share: mean squares inside every block of their groups."""
    found = {}
    for size in range(2, len(axes) + 1):
        for chosen in combinations(range(len(axes)), size):
            if any(len(names) < 2 for k in chosen for _, names in axes[k]):
                continue
            found[chosen] = math.fsum(
                math.prod(w**2 / (len(names) * (len(names) - 1)) for w, names in block)
                * squares(cells, axes, chosen, [names for _, names in block])
                for block in product(*(axes[k] for k in chosen))
            )
    return found


def squares(cells: Any, axes: list[Axis], chosen: tuple[int, ...], names: list[list[Any]]) -> float:
    """Sum of squares of a block after everything that fewer factors explain is taken out."""

    def cell(fixed: dict[int, Any]) -> float:
        free = [
            [(w / len(units), unit) for w, units in axis for unit in units]
            for k, axis in enumerate(axes)
            if k not in fixed
        ]
        keys = [k for k in range(len(axes)) if k not in fixed]
        return math.fsum(
            math.prod(w for w, _ in pick)
            * cells[tuple({**fixed, **dict(zip(keys, (u for _, u in pick), strict=True))}[k]
                          for k in range(len(axes)))]
            for pick in product(*free)
        )  # fmt: skip

    block = {key: cell(dict(zip(chosen, key, strict=True))) for key in product(*names)}
    for place in range(len(chosen)):
        means = {
            key: mean(block[(*key[:place], u, *key[place + 1 :])] for u in names[place])
            for key in block
        }
        block = {key: value - means[key] for key, value in block.items()}
    return math.fsum(value**2 for value in block.values())


class Gap:
    """Estimate, parts of the variance, interval and p of one comparison."""

    def __init__(
        self,
        estimate: float,
        sources: Sources,
        delta: dict[str, float],
        both: dict[tuple[int, ...], float] | None = None,
    ) -> None:
        """Take the sources of variance, and what several share, by their numbers in ``sources``."""
        self.estimate = estimate
        self.delta = delta
        total, df = variance_and_df(sources, alike=False)
        df = min(df, variance_and_df(sources, alike=True)[1])
        each = [variance_and_df([source], alike=False)[0] for source in sources]
        once = total
        for names, value in (both or {}).items():
            if max(names) < len(sources):
                once += value if len(names) == 3 else -value
        once = min(max(once, *each), total) if total else 0.0
        self.se = math.sqrt(once)
        self.df = max(df * once / total, min(df, 1.0)) if total else df
        self.p = 2 * sp.t.sf(abs(estimate) / self.se, self.df)
        self.mde = self.se * (sp.t.ppf(0.975, self.df) + sp.t.ppf(0.8, self.df))

    def interval(self, level: float) -> tuple[float, float]:
        low, high = sp.t.interval(level, self.df, loc=self.estimate, scale=self.se)
        return float(low), float(high)

    def beyond(self, margin: float) -> float:
        near, far = abs(self.estimate) - margin, abs(self.estimate) + margin
        return float(sum(sp.t.sf(x / self.se, self.df) for x in (near, far)))


def weights_of(ev: Evidence, a: str, b: str) -> dict[str, float]:
    if b != "~others":
        return {a: 1.0, b: -1.0}
    others = [g for g in ev.labels if g != a]
    return {a: 1.0} | dict.fromkeys(others, -1.0 / len(others))


def difference(ev: Evidence, f: Any, weights: dict[str, float], j: str) -> float:
    return math.fsum(w * mean(f(j, g, x) for x in ev.labels[g]) for g, w in weights.items())


def words(ev: Evidence, a: str, b: str, *, concept: bool, construct: bool, f: Any = None) -> Gap:
    """Unmatched words: two groups, or one group and the unweighted mean of the others."""
    f, weights = f or ev.y, weights_of(ev, a, b)
    delta = {j: difference(ev, f, weights, j) for j in ev.templates}
    sources = [[(1.0, list(delta.values()))]]
    if concept:
        sources.append(
            [
                (w, [mean(f(j, g, x) for j in ev.templates) for x in ev.labels[g]])
                for g, w in weights.items()
            ]
        )
    axes: list[Axis] = [[(1.0, ev.templates)]]
    axes.append([(w, [(g, x) for x in ev.labels[g]]) for g, w in weights.items()])
    if f != ev.y:
        cells = {(j, u): f(j, *u) for j in ev.templates for _, us in axes[1] for u in us}
        return Gap(mean(delta.values()), sources, delta, shared(cells, axes) if concept else {})
    cells = {
        (j, u, t): ev.cell[j, *u, t]
        for j in ev.templates
        for _, us in axes[1]
        for u in us
        for t in ev.targets
    }
    both = of_poles(ev, cells, axes, concept=concept)
    if construct:
        sources += of_targets(ev, lambda s: [difference(ev, s, weights, j) for j in ev.templates])
    return Gap(mean(delta.values()), sources, delta, both)


def of_poles(ev: Evidence, cells: Any, axes: list[Axis], *, concept: bool) -> Any:
    """What sentences, words and targets share, by their numbers among the sources in use."""
    poles = [(1.0, ev.poles("+")), (-1.0, ev.poles("-"))]
    found = shared(cells, [*axes, poles])
    return found if concept else {(0, 1): found[0, 2]}


def matched(
    ev: Evidence,
    a: str,
    b: str,
    partners: dict[str, str],
    *,
    concept: bool,
    construct: bool,
    f: Any = None,
) -> Gap:
    """Matched pairs of words."""
    f = f or ev.y
    inside = {(j, w): f(j, a, w) - f(j, b, v) for j in ev.templates for w, v in partners.items()}
    delta = {j: mean(inside[j, w] for w in partners) for j in ev.templates}
    sources = [[(1.0, list(delta.values()))]]
    if concept:
        sources.append([(1.0, [mean(inside[j, w] for j in ev.templates) for w in partners])])
    axes: list[Axis] = [[(1.0, ev.templates)], [(1.0, list(partners))]]
    if f != ev.y:
        both = shared(inside, axes) if concept else {}
        return Gap(mean(delta.values()), sources, delta, both)
    cells = {
        (j, w, t): ev.cell[j, a, w, t] - ev.cell[j, b, v, t]
        for j in ev.templates
        for w, v in partners.items()
        for t in ev.targets
    }
    both = of_poles(ev, cells, axes, concept=concept)
    if construct:
        weights = {a: 1.0, b: -1.0}
        sources += of_targets(ev, lambda s: [difference(ev, s, weights, j) for j in ev.templates])
    return Gap(mean(delta.values()), sources, delta, both)


def of_targets(ev: Evidence, gaps: Any) -> Sources:
    return [[(1.0, [mean(gaps(ev.single(t))) for t in ev.poles(sign)]) for sign in "+-"]]


def masked(ev: Evidence, a: str, b: str, *, construct: bool) -> Gap:
    """Group-masked: rows are templates, columns are targets, the poles are compared."""
    weights = weights_of(ev, a, b)
    y = {
        (j, t): difference(ev, ev.single(t), weights, j)
        for j in ev.templates
        for t in ev.targets
    }  # fmt: skip
    delta = {
        j: mean(y[j, t] for t in ev.poles("+")) - mean(y[j, t] for t in ev.poles("-"))
        for j in ev.templates
    }
    sources = [[(1.0, list(delta.values()))]]
    if construct:
        means = {t: mean(y[j, t] for j in ev.templates) for t in ev.targets}
        sources.append([(1.0, [means[t] for t in ev.poles(sign)]) for sign in "+-"])
    poles = [(1.0, ev.poles("+")), (-1.0, ev.poles("-"))]
    both = shared(y, [[(1.0, ev.templates)], poles]) if construct else {}
    return Gap(mean(delta.values()), sources, delta, both)


def diagonal(ev: Evidence, own: dict[str, str]) -> Gap:
    """Own pairs against all others, after row and column means are gone."""
    delta = {}
    for j in ev.templates:
        table = {
            (g, h): mean(ev.cell[j, g, w, own[h]] for w in ev.labels[g]) for g in own for h in own
        }
        row = {g: mean(table[g, h] for h in own) for g in own}
        col = {h: mean(table[g, h] for g in own) for h in own}
        grand = mean(table.values())
        left = {(g, h): table[g, h] - row[g] - col[h] + grand for g, h in table}
        delta[j] = mean(left[g, g] for g in own) - mean(
            value for (g, h), value in left.items() if g != h
        )
    return Gap(mean(delta.values()), [[(1.0, list(delta.values()))]], delta)


def flips(values: list[float]) -> float:
    """Every pattern of signs: share with at least this much of a mean."""
    seen = abs(math.fsum(values))
    patterns = list(product((1, -1), repeat=len(values)))
    hits = sum(
        abs(math.fsum(s * v for s, v in zip(signs, values, strict=True))) >= seen - 1e-9
        for signs in patterns
    )
    return hits / len(patterns)


def exchange(left: list[float], right: list[float]) -> float:
    """Every way to deal the labels out again: share with at least this Welch t."""
    values = left + right

    def t(chosen: tuple[int, ...]) -> float:
        one = [values[i] for i in chosen]
        two = [values[i] for i in range(len(values)) if i not in chosen]
        scale = math.sqrt(st.variance(one) / len(one) + st.variance(two) / len(two))
        return abs(mean(one) - mean(two)) / scale

    ways = list(combinations(range(len(values)), len(left)))
    seen = t(tuple(range(len(left))))
    return sum(t(way) >= seen * (1 - 1e-9) for way in ways) / len(ways)
