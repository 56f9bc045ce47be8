"""Compute one comparison of an audit again, from its evidence alone.

    python examples/recompute.py audit-runs/latest valence-religion:log_odds_gap:muslim-vs-others

Prints estimate, standard error, degrees of freedom and 95 % interval of both claims, and p (also
adjusted by Holm), beside those that the run stored, and whether they agree. It imports nothing of
bias-audit: the formulas are those of docs/method.md, "The interval: crossed factors". The file has
six decimals; ``audit.evidence(full=True)`` of an audit that was just measured has all of them.
"""

from __future__ import annotations

import json
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

SAMPLES = {"terms": ["template"], "concept": ["template", "term"], "templates": ["term"]}
"""What is random, by the ``scope`` of the result; words of this kind add the targets."""


def cells_of(evidence, result):
    """Return one row for each sentence, group word (or matched pair) and target, with weights."""
    a, b = result["groups"]
    rows = evidence[(evidence["skip"] == "") & (evidence["pole"] != "0")]
    rows = rows[rows["probe"] == result["probe"]].assign(all="")
    rows = rows.assign(term=rows["group"] + ":" + rows["label"])
    others = [name for name in rows["group"].unique() if name != a] if b == "~others" else [b]
    weights = {a: 1.0} | dict.fromkeys(others, -1 / len(others))
    rows = rows[rows["group"].isin(weights)]
    if result["pairs"]:  # matched: the pair is the unit, and its difference the score
        clusters = rows[rows["group"] == a].groupby("pair")["term_cluster"].first()
        means = rows.groupby(["template", "group", "pair", "target"])["log_prob"].mean()
        inside = (means.xs(a, level="group") - means.xs(b, level="group")).rename("log_prob")
        facts = rows.drop(columns=["term", "term_cluster", "log_prob", "group"])
        rows = facts.drop_duplicates(["template", "pair", "target"]).merge(inside.reset_index())
        rows = rows.assign(term=rows["pair"], term_cluster=rows["pair"].map(clusters), group="")
        weights = {"": 1.0}
    return rows, weights


def deviations(units, unit, by, weights):
    """Yield for each group what its clusters add to the deviation of its mean, df and scale."""
    for group, weight in weights.items():
        mine = (units[by] == group).to_numpy() / (units[by] == group).sum()
        sums = pd.get_dummies(units[f"{unit}_cluster"][mine > 0], dtype=float).T
        sums = sums.reindex(columns=units.index, fill_value=0).to_numpy() * mine
        share = sums.sum(axis=1)
        off = np.eye(len(share)) - share
        square = off.T @ (share[:, None] ** 2 * off)  # Bell and McCaffrey (2002)
        spread, trace = share @ share, np.trace(square)
        from_mean = weight * (sums - np.outer(share, mine)) * np.sqrt(spread / trace)
        yield from_mean, trace**2 / (square**2).sum(), weight**2 * spread


def recompute(rows, weights, random, level=0.95):
    """Return estimate, standard error, degrees of freedom and the ends of the interval."""
    factors = {
        "template": ("all", {"": 1.0}),
        "term": ("group", weights),
        "target": ("pole", {"+": 1.0, "-": -1.0}),
    }
    means, parts = {}, {}
    for unit, (by, weight) in factors.items():
        units = rows.drop_duplicates(unit).set_index(unit).sort_index()
        means[unit] = (units[by].map(weight) / units.groupby(by)[by].transform("size")).to_numpy()
        parts[unit] = list(deviations(units, unit, by, weight)) if unit in random else []
    cells = rows.groupby([*factors])["log_prob"].mean().to_numpy()
    cells = cells.reshape([len(mean) for mean in means.values()])

    def contract(**chosen):
        along = ({unit: mean[None] for unit, mean in means.items()} | chosen).values()
        return np.einsum("jwt,aj,bw,ct", cells, *along, optimize=True)

    def variance(**chosen):
        return (contract(**chosen) ** 2).sum()

    whole = {unit: np.vstack([one for one, _, _ in parts[unit]]) for unit in random}
    once = sum(
        (-1) ** (size + 1) * variance(**{unit: whole[unit] for unit in some})
        for size in range(1, len(random) + 1)
        for some in combinations(random, size)
    )
    table = pd.DataFrame(
        [(unit, variance(**{unit: one}), df, scale)
         for unit in random for one, df, scale in parts[unit]],
        columns=["unit", "value", "df", "scale"],
    )  # fmt: skip
    each = (table["df"] * table["value"] / table["scale"]).groupby(table["unit"]).sum()
    alike = each / table.groupby("unit")["df"].sum()
    table["pooled"] = table["scale"] * table["unit"].map(alike)
    total = table["value"].sum()
    once = np.clip(once, table.groupby("unit")["value"].sum().max(), total)
    free = min(
        table[name].sum() ** 2 / (table[name] ** 2 / table["df"]).sum()
        for name in ("value", "pooled")
    )
    df = max(free * once / total, min(free, 1.0))
    estimate, se = contract().item(), np.sqrt(once)
    half = stats.t.ppf((1 + level) / 2, df) * se
    return estimate, se, df, estimate - half, estimate + half


def p_of(rows, weights, random):
    """Return the two-sided p that the gap is 0 for words of this kind."""
    estimate, se, df, *_ = recompute(rows, weights, [*random, "target"])
    return 2 * stats.t.sf(abs(estimate) / se, df)


def p_adjusted(evidence, results, result):
    """Return p adjusted by Holm over the primary comparisons of the probe; None where unknown."""
    family = [r for r in results if r["probe"] == result["probe"] and r["role"] == "primary"]
    if result["p_adjustment"] != f"Holm over {len(family)}":
        return None
    if any(r["p_value"] is None for r in family):
        return None
    found = {r["id"]: p_of(*cells_of(evidence, r), SAMPLES[r["scope"]]) for r in family}
    order = sorted(found, key=found.get)
    steps = [(len(order) - at) * found[name] for at, name in enumerate(order)]
    return min(1.0, max(steps[: order.index(result["id"]) + 1]))


def say(stored, again):
    """Print numbers beside each other, and how far they lie apart at most."""
    for field, one in stored.items():
        print(f"  {field:10}  stored {one:14.8g}  again {again[field]:14.8g}")
    apart = {field: abs(again[field] - one) for field, one in stored.items()}
    least = {field: 1e-9 if field.startswith("p_") else 5e-6 for field in stored}
    far = [name for name, x in apart.items() if x > max(least[name], 1e-3 * abs(stored[name]))]
    print("  differs by " + ", ".join(f"{apart[x]:.2g} ({x})" for x in far) if far else "  agrees")


def main(folder, name):
    """Print what is stored and what is computed again."""
    folder = Path(folder)
    if folder.is_file():  # audit-runs/latest holds the name of the newest run
        folder = folder.parent / folder.read_text(encoding="utf-8").strip()
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))["results"]
    result = next(one for one in results if one["id"] == name)
    evidence = pd.read_csv(
        folder / "evidence.csv.gz",
        dtype={"skip": str, "pair": str, "template": str, "target": str, "label": str},
        keep_default_na=False,
        na_values={"log_prob": [""]},
    )
    rows, weights = cells_of(evidence, result)
    random = SAMPLES[result["scope"]]
    fields = ("se", "df", "ci_low", "ci_high")
    for claim, held, sources in (
        ("these words", result, random),
        ("words of this kind", result["words_of_this_kind"], [*random, "target"]),
    ):
        if held is None:
            continue
        print(claim)
        stored = {"estimate": result["estimate"]} | {field: held[field] for field in fields}
        numbers = recompute(rows, weights, sources, result["confidence"])
        say(stored, dict(zip(stored, numbers, strict=True)))
    if result["p_value"] is not None and result["words_of_this_kind"] is not None:
        again = {"p_value": p_of(rows, weights, random)}
        adjusted = p_adjusted(evidence, results, result)
        again |= {} if adjusted is None else {"p_adjusted": adjusted}
        print("p, for words of this kind")
        say({field: result[field] for field in again}, again)


if __name__ == "__main__":
    main(*sys.argv[1:])
