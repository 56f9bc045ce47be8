"""Audits of a real model whose group labels mean nothing: they are dealt out at random.

The scores of a stored run stay as they are, with everything that sentences and words have in
common; only who belongs to which group is drawn anew, 500 times. What is exchanged is what the
claim leaves open: words (or pairs) where they are a sample, in all sentences at once; groups inside
each sentence where the claim is about exactly these words; poles of the targets where the group
word is masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.special import stdtr

from benchmarks.validity._table import Table, percent
from bias_audit.metrics.design import Design, scored_groups, widest_claim
from bias_audit.metrics.log_odds import cell_response
from bias_audit.metrics.scored_probe import ScoredProbe, Scores, build_cube
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import OTHERS
from bias_audit.results import ProbeRecord, load_results
from bias_audit.results.evidence import read_evidence
from bias_audit.stats.contrast import ContrastBatch
from bias_audit.stats.estimate import Scope, by_groups, by_pairs
from bias_audit.stats.permutation import Permutation, label_exchange, pair_flip, sign_flip
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats

LEVEL, MOST, LEAST_P = 0.05, 0.06, 0.01
SURE = 0.99
"""A row of tests that hold their level stays inside its band with this probability, the worst of
its probes included."""
DRAWS = 199
LEAST_DEALS = 4_000
"""Labellings behind a row at the least: of 500, a true 5 % shows over 6 % once in eight times."""
KINDS = ("words", "pairs", "these words", "masked group word")


@dataclass
class Null:
    """One comparison of one probe under many random labellings."""

    kind: str
    many: ContrastBatch
    margin: float
    exact: list[Permutation] = field(default_factory=list)
    """The permutation test on each labelling."""
    mirrored: bool = True
    """An arrangement and its mirror image have the same statistic."""

    @property
    def p(self) -> Floats:
        """The primary p of each labelling."""
        return np.asarray(2 * stdtr(self.many.df, -np.abs(self.many.estimate) / self.many.se))

    @property
    def failed(self) -> Floats:
        """Whether a gate at the probe's margin would fail, alone."""
        beyond = (np.abs(self.many.estimate) - self.margin) / self.many.se
        return np.asarray(2 * stdtr(self.many.df, -beyond) <= LEVEL)

    def spread(self, rng: np.random.Generator) -> Floats:
        """Permutation p-values, spread over the steps of their grid."""
        ways = 2.0 if self.mirrored else 1.0
        steps = [ways / one.draws if one.exact else 1 / (one.draws + 1) for one in self.exact]
        p = np.array([one.p for one in self.exact])
        return np.asarray(p - rng.random(p.size) * np.array(steps))


def read(folder: Path) -> Iterator[ScoredProbe | str]:
    """The probes of a stored run, with their cells; of the others, why they are left out."""
    results, catalogue = load_results(folder), ProbeCatalogue()
    table = read_evidence(folder / "evidence.csv.gz")
    for record in results.probes:
        if record.role != "probe":
            continue
        rows = table[table["probe"] == record.id].reset_index(drop=True)
        why = _left_out(record, catalogue, len(rows))
        if why:
            yield f"{record.id}: {why}"
            continue
        probe = catalogue.probe(record.id)
        yield ScoredProbe(probe=probe, cube=build_cube(probe, Scores(rows)), prompts=len(rows))


def _left_out(record: ProbeRecord, catalogue: ProbeCatalogue, rows: int) -> str:
    """Why a probe of a run cannot be dealt anew; empty where it can."""
    if record.id not in catalogue.probe_ids():
        return "not in the catalogue"
    spec = catalogue.probe(record.id).spec
    if spec.version != record.version:
        return f"version {record.version} in the run, {spec.version} in the catalogue"
    if spec.targets.own:
        return "its targets belong to its groups"
    return "" if rows else "no scores"


def null(scored: ScoredProbe, times: int, rng: np.random.Generator) -> Null:
    """Deal the labels of a probe's first comparison out anew."""
    groups = scored_groups(scored)
    spec = scored.probe.spec
    others = len(groups) > 2 and spec.compare != "pairs"
    compared = Design(scored, groups[0], OTHERS if others else groups[1])
    construct = widest_claim(scored.cube) == "words_of_this_kind"
    if spec.mask == "group":
        found = _masked(scored, compared, construct, times, rng)
    elif compared.scope == "terms":
        found = _these_words(scored, compared, construct, times, rng)
    elif compared.pairs:
        found = _pairs(scored, compared, construct, times, rng)
    else:
        found = _words(scored, compared, construct, times, rng)
    found.margin = spec.margin
    return found


def _poles(scored: ScoredProbe, gaps: Floats) -> tuple[Floats, Floats]:
    """(N, targets) gaps of each target, by pole."""
    return gaps[:, scored.cube.pole("+")], gaps[:, scored.cube.pole("-")]


def _response(scored: ScoredProbe) -> Floats:
    return cell_response(scored.cube.values, scored.cube.pole("+"), scored.cube.pole("-"))


def _words(
    scored: ScoredProbe, compared: Design, construct: bool, times: int, rng: np.random.Generator
) -> Null:
    """Unmatched words change groups, in all sentences at once."""
    columns = np.concatenate(compared.groups)
    order = rng.permuted(np.tile(columns, (times, 1)), axis=1)
    ends = np.cumsum([len(g) for g in compared.groups])
    places = [list(range(end - len(g), end)) for g, end in zip(compared.groups, ends, strict=True)]
    y = _response(scored)
    split = by_groups(np.moveaxis(y[:, order], 1, 0), places, compared.weights)
    targets = None
    if construct:
        by_target = scored.cube.values.mean(axis=0)[order]
        gaps = [
            w * by_target[:, g].mean(axis=1) for w, g in zip(compared.weights, places, strict=True)
        ]
        targets = _poles(scored, np.sum(gaps, axis=0))
    found = Null("words", ContrastBatch(split, "concept", targets), 0.0)
    first, rest = len(places[0]), columns.size - len(places[0])
    found.mirrored = first == rest
    for chosen in order:
        found.exact.append(label_exchange(y, chosen[:first], chosen[first:], rng, DRAWS))
    return found


def _pairs(
    scored: ScoredProbe, compared: Design, construct: bool, times: int, rng: np.random.Generator
) -> Null:
    """The words of a pair change places, in all sentences at once."""
    d = compared.inside_pairs(_response(scored))
    signs = rng.choice([-1.0, 1.0], (times, d.shape[1]))
    targets = None
    if construct:
        inside = compared.inside_pairs(np.moveaxis(scored.cube.values, 2, 1)).mean(axis=0)
        targets = _poles(scored, signs @ inside.T / d.shape[1])
    split = by_pairs(d[None] * signs[:, None])
    found = Null("pairs", ContrastBatch(split, "concept", targets), 0.0)
    found.exact = [pair_flip(d * sign, rng, DRAWS) for sign in signs]
    return found


def _these_words(
    scored: ScoredProbe, compared: Design, construct: bool, times: int, rng: np.random.Generator
) -> Null:
    """The groups change places inside each sentence, with all their words."""
    values = np.stack([scored.cube.values[:, g].mean(axis=1) for g in compared.groups], axis=1)
    rows, k = values.shape[:2]
    order = rng.permuted(np.broadcast_to(np.arange(k), (times, rows, k)), axis=2)
    weights = np.array(compared.weights)[order]  # (times, rows, k)
    gaps = np.einsum("njk,jka->nja", weights, values)
    plus, minus = (gaps[:, :, scored.cube.pole(sign)] for sign in "+-")
    delta = plus.mean(axis=2) - minus.mean(axis=2)
    targets = _poles(scored, gaps.mean(axis=1)) if construct else None
    batch = ContrastBatch(by_pairs(delta[..., None]), "terms", targets)
    found = Null("these words", batch, 0.0)
    if k == 2:  # with more groups the sign of a sentence is not what was dealt
        found.exact = [sign_flip(row, rng, DRAWS) for row in delta]
    return found


def _masked(
    scored: ScoredProbe, compared: Design, construct: bool, times: int, rng: np.random.Generator
) -> Null:
    """Targets change poles, in all sentences at once."""
    y = compared.difference(scored.cube.values)
    plus, minus = scored.cube.pole("+"), scored.cube.pole("-")
    order = rng.permuted(np.tile([*plus, *minus], (times, 1)), axis=1)
    cut = len(plus)
    places = [list(range(cut)), list(range(cut, order.shape[1]))]
    scope: Scope = "concept" if construct else "terms"
    split = by_groups(np.moveaxis(y[:, order], 1, 0), places, [1.0, -1.0])
    found = Null("masked group word", ContrastBatch(split, scope), 0.0)
    found.mirrored = cut == len(minus)
    for chosen in order:
        found.exact.append(label_exchange(y, chosen[:cut], chosen[cut:], rng, DRAWS))
    return found


def audits(folder: Path, times: int, seed: int, least: int = LEAST_DEALS) -> Table:
    """Every probe of a stored run under random labels."""
    head = (
        "labels dealt anew",
        "probes x times",
        "wrong finding at 5 %",
        "worst probe",
        "wrong fail of a gate",
        "worst gate",
        "permutation p uniform (KS p)",
    )
    table = Table("null-audits", head)
    found: dict[str, list[Null]] = {kind: [] for kind in KINDS}
    left: list[str] = []
    probes: dict[bool, list[ScoredProbe]] = {True: [], False: []}
    for scored in read(folder):
        if isinstance(scored, str):
            left.append(scored)
        else:
            probes[scored.probe.spec.mask == "group"].append(scored)
    for same in probes.values():
        deals = max(times, -(-least // max(1, len(same))))
        for scored in same:
            rng = stream(seed, "null-audits", scored.probe.spec.id)
            one = null(scored, deals, rng)
            found[one.kind].append(one)
    rng = stream(seed, "null-audits", "spread")
    for kind, nulls in (*found.items(), ("all", [n for many in found.values() for n in many])):
        if nulls:
            deals = min(n.p.size for n in nulls)
            row = Row.of(nulls, deals, rng)
            table.add(kind, f"{len(nulls)} x {deals:,}", *row.cells(), holds=row.kept)
    table.note = _made(folder, left)
    return table


def _made(folder: Path, left: Sequence[str]) -> str:
    """What the table was made from."""
    results = load_results(folder)
    model = results.model
    said = (
        f"Stored run of the model `{model.name}` (fingerprint {model.fingerprint[:12]}, "
        f"{model.parameters:,} parameters) of {(results.run.created or 'no date')[:10]}"
    )
    return f"{said}. Left out: {'; '.join(left) if left else 'no probe'}."


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the labellings of several probes show. What is judged here is what is shown."""

    wrong: Floats
    """Share of wrong findings of each probe."""
    failed: Floats
    """Share of wrong failures of each gate."""
    times: int
    ks: float | None
    """None without a permutation test of the same question."""

    @classmethod
    def of(cls, nulls: Sequence[Null], times: int, rng: np.random.Generator) -> Row:
        """Look at these probes together."""
        spread = [n.spread(rng) for n in nulls if n.exact]
        return cls(
            wrong=np.array([np.mean(n.p <= LEVEL) for n in nulls]),
            failed=np.array([n.failed.mean() for n in nulls]),
            times=times,
            ks=float(stats.kstest(np.concatenate(spread), "uniform").pvalue) if spread else None,
        )

    def cells(self) -> Iterator[str]:
        """The row as text."""
        for shares in (self.wrong, self.failed):
            yield from (percent(float(shares.mean())), percent(float(shares.max())))
        yield "not defined" if self.ks is None else f"{self.ks:.2f}"

    @property
    def most(self) -> float:
        """Largest share that the worst of these probes may show, if each holds its level."""
        sure = 1 - (1 - SURE) / self.wrong.size
        return float(stats.binom.ppf(sure, self.times, LEVEL)) / self.times

    @property
    def kept(self) -> bool:
        """The level holds over the probes and for the worst; permutation p-values are uniform."""
        uniform = self.ks is None or self.ks > LEAST_P
        usual = self.wrong.mean() <= MOST and self.failed.mean() <= LEVEL
        return bool(uniform and usual and max(self.wrong.max(), self.failed.max()) <= self.most)
