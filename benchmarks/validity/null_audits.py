"""Audits of a real model whose labels mean nothing: they are dealt out at random.

The scores of a stored run stay as they are, with everything that sentences and words have in
common; only who belongs to which group, or which target to which pole, is drawn anew, 500 times.
What is exchanged is what the claim leaves open: words (or pairs) where they are a sample, in all
sentences at once; groups inside each sentence where the claim is about exactly these words; targets
between the poles; and both at once. Units that are one cluster are dealt as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.special import stdtr

from benchmarks.validity._table import Table, percent
from benchmarks.validity.calibration import beyond_p
from bias_audit.metrics.design import Design, pole_layout, scored_groups, widest_claim
from bias_audit.metrics.score_cube import Scores, build_cube
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import OTHERS
from bias_audit.results import ProbeRecord, load_results
from bias_audit.results.evidence import read_evidence
from bias_audit.stats._arrays import Ints
from bias_audit.stats.contrast import ContrastBatch, one_group, several_groups
from bias_audit.stats.crossing import Factor, cluster_means, combine, cross
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
KINDS = ("words", "pairs", "these words", "poles", "groups and poles", "masked group word")
CELLS = 4_000_000
"""Numbers that are analysed at a time."""
Deal = Callable[[slice], Floats]
"""Makes the (labellings, templates, ..., targets) cells of some of the labellings."""


@dataclass
class Null:
    """One comparison of one probe under many random labellings."""

    kind: str
    many: ContrastBatch
    """The claim about words of this kind."""
    these: ContrastBatch
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
        """Whether a gate on these words would fail at the probe's margin, alone.

        Where targets are dealt, a list has gaps of its own: there it is a gate on their kind.
        """
        asked = self.many if "pole" in self.kind or "masked" in self.kind else self.these
        return np.asarray(beyond_p(asked, self.margin) <= LEVEL)

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
        scored = ScoredProbe(probe=probe, cube=build_cube(probe, Scores(rows)), prompts=len(rows))
        if widest_claim(scored.cube) != "words_of_this_kind":
            yield f"{record.id}: a pole has one target"
            continue
        yield scored


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


class _Cells:
    """The cells of a probe's first comparison, each cluster one unit."""

    def __init__(self, scored: ScoredProbe) -> None:
        groups, spec = scored_groups(scored), scored.probe.spec
        others = len(groups) > 2 and spec.compare != "pairs"
        self.compared = Design(scored, groups[0], OTHERS if others else groups[1])
        self.margin, self.masked = spec.margins.nats, spec.mask == "group"
        poles = pole_layout(scored.cube).terms.groups
        cells, self.places, self.weights = self.compared.collapse(scored.cube.values)
        self.values = np.concatenate([cluster_means(cells, pole, 2) for pole in poles], axis=2)
        self.cut = poles[0].starts.size
        self.sizes = [self.cut, self.values.shape[2] - self.cut]

    @property
    def targets(self) -> Factor:
        ends = np.cumsum(self.sizes)
        places = [range(self.cut), range(self.cut, ends[1])]
        return several_groups("targets", places, (1.0, -1.0))

    @property
    def words(self) -> Factor:
        return several_groups("terms", self.places, self.weights)

    @property
    def by_group(self) -> Floats:
        """(templates, groups, targets), each group's words averaged."""
        return np.stack([self.values[:, place].mean(axis=1) for place in self.places], axis=1)

    @property
    def gaps(self) -> Floats:
        """(templates, targets) differences of the groups."""
        return np.einsum("jga,g->ja", self.by_group, np.array(self.weights))

    @property
    def response(self) -> Floats:
        """(templates, words) differences of the poles."""
        return self.values[..., : self.cut].mean(axis=2) - self.values[..., self.cut :].mean(axis=2)


def null(scored: ScoredProbe, times: int, rng: np.random.Generator) -> list[Null]:
    """Deal the labels of a probe's first comparison out anew, in every way that fits it."""
    cells = _Cells(scored)
    if cells.masked:
        return [_poles(cells, times, rng, "masked group word")]
    if cells.compared.scope == "terms":
        return [_these_words(cells, times, rng), _poles(cells, times, rng, "poles")]
    several = _pairs if cells.compared.pairs else _words
    return [
        several(cells, times, rng),
        _poles(cells, times, rng, "poles"),
        several(cells, times, rng, poles=True),
    ]


def _analyse(
    deal: Deal, times: int, size: int, factors: Sequence[Factor], used: tuple[str, ...]
) -> tuple[ContrastBatch, ContrastBatch]:
    """Both claims of every labelling: of their kind, and these words."""
    step = max(CELLS // size, 1)
    found = []
    for start in range(0, times, step):
        crossed = cross(deal(slice(start, min(start + step, times))), factors)
        claims = [combine(crossed.parts, crossed.shared, u) for u in ((*used, "targets"), used)]
        found.append([(crossed.estimate, *claim) for claim in claims])
    kind, these = (
        ContrastBatch(*(np.concatenate(numbers) for numbers in zip(*claim, strict=True)))
        for claim in zip(*found, strict=True)
    )
    return kind, these


def _order(cells: _Cells, times: int, rng: np.random.Generator) -> Ints:
    """Targets in the order of each labelling, the first pole's first."""
    return rng.permuted(np.tile(np.arange(sum(cells.sizes)), (times, 1)), axis=1)


def _words(cells: _Cells, times: int, rng: np.random.Generator, *, poles: bool = False) -> Null:
    """Unmatched words change groups, in all sentences at once; with ``poles`` targets too."""
    columns = np.concatenate(cells.places)
    order = rng.permuted(np.tile(columns, (times, 1)), axis=1)
    targets = _order(cells, times, rng) if poles else None

    def deal(some: slice) -> Floats:
        dealt = np.moveaxis(cells.values[:, order[some]], 1, 0)
        return dealt if targets is None else _in_order(dealt, targets[some])

    rows = one_group("templates", len(cells.values))
    factors = [rows, cells.words, cells.targets]
    both = _analyse(deal, times, cells.values.size, factors, ("templates", "terms"))
    if poles:
        return Null("groups and poles", *both, cells.margin)
    first = len(cells.places[0])
    found = Null("words", *both, cells.margin, mirrored=2 * first == columns.size)
    for chosen in order:
        found.exact.append(
            label_exchange(cells.response, chosen[:first], chosen[first:], rng, DRAWS)
        )
    return found


def _pairs(cells: _Cells, times: int, rng: np.random.Generator, *, poles: bool = False) -> Null:
    """The words of a pair change places, in all sentences at once; with ``poles`` targets too."""
    signs = rng.choice([-1.0, 1.0], (times, cells.values.shape[1]))
    targets = _order(cells, times, rng) if poles else None

    def deal(some: slice) -> Floats:
        dealt = cells.values * signs[some, None, :, None]
        return dealt if targets is None else _in_order(dealt, targets[some])

    rows = one_group("templates", len(cells.values))
    factors = [rows, cells.words, cells.targets]
    both = _analyse(deal, times, cells.values.size, factors, ("templates", "terms"))
    if poles:
        return Null("groups and poles", *both, cells.margin)
    found = Null("pairs", *both, cells.margin)
    found.exact = [pair_flip(cells.response * sign, rng, DRAWS) for sign in signs]
    return found


def _in_order(cells: Floats, order: Ints) -> Floats:
    """Cells (labellings, ..., targets) with the targets of each labelling in its order."""
    shape = (len(order), *[1] * (cells.ndim - 2), order.shape[1])
    return np.take_along_axis(cells, order.reshape(shape), axis=-1)


def _these_words(cells: _Cells, times: int, rng: np.random.Generator) -> Null:
    """The groups change places inside each sentence, with all their words."""
    values = cells.by_group
    rows, k = values.shape[:2]
    order = rng.permuted(np.broadcast_to(np.arange(k), (times, rows, k)), axis=2)
    weights = np.array(cells.weights)[order]  # (times, rows, k)

    def deal(some: slice) -> Floats:
        return np.einsum("njk,jka->nja", weights[some], values)

    factors = [one_group("templates", rows), cells.targets]
    both = _analyse(deal, times, values.size, factors, ("templates",))
    found = Null("these words", *both, cells.margin)
    if k == 2:  # with more groups the sign of a sentence is not what was dealt
        delta = np.einsum("njk,jk->nj", weights, np.stack([_contrast(v, cells) for v in
                          np.moveaxis(values, 1, 0)], axis=1))  # fmt: skip
        found.exact = [sign_flip(row, rng, DRAWS) for row in delta]
    return found


def _contrast(values: Floats, cells: _Cells) -> Floats:
    """The first pole minus the second, along the last axis."""
    return np.asarray(
        values[..., : cells.cut].mean(axis=-1) - values[..., cells.cut :].mean(axis=-1)
    )


def _poles(cells: _Cells, times: int, rng: np.random.Generator, kind: str) -> Null:
    """Targets change poles, in all sentences and for all words at once."""
    order = _order(cells, times, rng)
    concept = not cells.masked and cells.compared.scope == "concept"
    values = cells.values if concept else cells.gaps

    def deal(some: slice) -> Floats:
        return np.moveaxis(values[..., order[some]], -2, 0)

    rows = one_group("templates", len(values))
    factors = [rows, *([cells.words] if concept else []), cells.targets]
    used = ("templates", "terms") if concept else ("templates",)
    found = Null(kind, *_analyse(deal, times, values.size, factors, used), cells.margin)
    found.mirrored = cells.sizes[0] == cells.sizes[1]
    for chosen in order:
        sides = chosen[: cells.cut], chosen[cells.cut :]
        found.exact.append(label_exchange(cells.gaps, *sides, rng, DRAWS))
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
            for one in null(scored, deals, rng):
                found[one.kind].append(one)
    rng = stream(seed, "null-audits", "spread")
    for kind, nulls in (*found.items(), ("all", [n for many in found.values() for n in many])):
        if nulls:
            deals = min(n.p.size for n in nulls)
            row = Row.of(nulls, deals, rng)
            table.add(kind, f"{len(nulls)} x {deals:,}", *row.cells(), holds=row.kept)
    table.note = f"{describe_run(folder)} Left out: {'; '.join(left) if left else 'no probe'}."
    return table


def describe_run(folder: Path) -> str:
    """Which stored run a table was made from."""
    results = load_results(folder)
    model = results.model
    return (
        f"Stored run of the model `{model.name}` (fingerprint {model.fingerprint[:12]}, "
        f"{model.parameters:,} parameters) of {(results.run.created or 'no date')[:10]}."
    )


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
