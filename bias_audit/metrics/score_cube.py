"""Scores of one probe: the table, and the cube that metrics compute on.

pandas is loaded by the functions that build a table, so that knowing a metric does not cost it.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from bias_audit.errors import ScoringError
from bias_audit.probes.clusters import target_clusters, template_clusters, term_cluster
from bias_audit.probes.probe import Group, Probe
from bias_audit.records import FillScore, Prompt, Skip
from bias_audit.results.evidence import COSINE, EVIDENCE_COLUMNS, TEXT_COLUMNS
from bias_audit.stats.contrast import Clusters
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import READINGS, USUAL, Reading
from bias_audit.utils.text import csv_cell

if TYPE_CHECKING:
    import pandas as pd

SPREAD_FLOOR = 1e-6
"""A standard deviation of cosines that is rounding."""


@dataclass(frozen=True, slots=True)
class Scores:
    """A checked table of scores with the columns :data:`EVIDENCE_COLUMNS`.

    Of an encoder it has the column :data:`COSINE` too, and a score is how many standard deviations
    a cosine lies above the mean of its sentence frame.
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        missing = [name for name in EVIDENCE_COLUMNS if name not in self.frame.columns]
        if missing:
            raise ValueError(f"the score table lacks the columns {', '.join(missing)}")
        scored = self.frame["skip"] == ""
        name, column, most = "log-probability", "log_prob", 0.0
        if COSINE in self.frame.columns:
            name, column, most = "cosine", COSINE, 1.0
        values = self.frame.loc[scored, column].to_numpy(dtype=float)
        if not np.isfinite(values).all() or (values > most + 1e-6).any():
            raise ScoringError(
                f"the model returned a {name} that is not a number or above {most:g}",
                hint="its weights or its half-precision arithmetic are broken; try --dtype float32",
            )

    @classmethod
    def build(
        cls,
        probe: Probe,
        prompts: Sequence[Prompt],
        answers: Sequence[FillScore],
        *,
        run: str = "",
        reading: Reading = USUAL,
    ) -> Scores:
        """Join prompts with their answers, in the order given.

        Args:
            probe: the probe that asks.
            prompts: what was asked.
            answers: one for each prompt.
            run: name for the column ``probe`` (placebo runs); the prompts' own when empty.
            reading: what a score is.

        Raises:
            ScoringError: a score is not a log-probability.
        """
        groups = (*probe.groups, *probe.extra_groups)
        words = {(group.id, word.id): word for group in groups for word in group.words}
        terms = {key: (term_cluster(word), word.pair or "") for key, word in words.items()}
        templates = template_clusters(probe.frames)
        targets = target_clusters(target.word for target in probe.targets)
        rows = [
            (
                run or p.probe,
                probe.spec.role,
                probe.spec.axis,
                p.template,
                templates[p.template],
                p.variant,
                p.group,
                p.term,
                p.label,
                *terms[p.group, p.term],
                p.target,
                targets[p.target],
                p.pole,
                p.text,
                np.nan if a.log_prob is None else a.log_prob,
                np.nan,
                a.pieces,
                a.rank,
                a.skip or "",
                a.detail,
            )
            for p, a in zip(prompts, answers, strict=True)
        ]
        import pandas as pd

        frame = pd.DataFrame.from_records(rows, columns=list(EVIDENCE_COLUMNS))
        frame["rank"] = frame["rank"].astype("Int64")
        beside = [group.id for group in probe.extra_groups]
        return cls(standardise(frame, beside) if READINGS[reading].is_cosine else frame)


def standardise(frame: pd.DataFrame, beside: Collection[str] = ()) -> pd.DataFrame:
    """Return a table of cosines with its scores in standard deviations of each sentence frame.

    The spread is that of all cells of a frame, compared group words by target words: one number a
    frame, which stretches a gap and its standard error alike, so that a test against zero stays
    what it was. A frame without any spread tells nothing apart, and is 0 throughout.
    """
    compared = frame[~frame["group"].isin([*beside])].groupby("template")["log_prob"]
    middle = frame["template"].map(compared.mean())
    spread = frame["template"].map(compared.std(ddof=0))
    spread = spread.where(spread > SPREAD_FLOOR, np.inf)
    cosines = frame["log_prob"]
    return frame.assign(**{"log_prob": (cosines - middle) / spread, COSINE: cosines})


def with_priors(scores: Scores, priors: Sequence[float]) -> Scores:
    """Return the table with the prior of each scored word, in the order of its rows, nats."""
    return Scores(scores.frame.assign(prior_log_prob=np.asarray(priors, dtype=float)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One column of a cube: a label of a group; its heads and variants are averaged."""

    group: str
    label: str
    pair: str | None
    cluster: str = ""
    """Units of a group that share it count as one; its own where empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreCube:
    """A complete block of log-scores: every unit and every target in every template."""

    templates: tuple[str, ...]
    units: tuple[Unit, ...]
    targets: tuple[str, ...]
    poles: tuple[str, ...]
    """Pole of each target as the probe declares it (``+``, ``-``, ``0`` or ``own:<group>``)."""
    values: Floats
    """(templates, units, targets), nats; of cosines in standard deviations of their sentence."""
    pieces: tuple[int, ...]
    """Pieces of each target."""
    prompts: Mapping[str, int]
    """Scored sentences of each group, targets of neither pole left out."""
    skips: tuple[Skip, ...]
    """What was dropped to keep the block complete, and why."""
    template_clusters: Mapping[str, str] = field(default_factory=dict)
    """Cluster of each template, by id; one that is not here is its own."""
    target_clusters: Mapping[str, str] = field(default_factory=dict)
    """The same of targets."""
    cosines: Floats | None = None
    """The same block as the model gave it; None where scores are logarithms."""

    @property
    def clusters(self) -> Clusters:
        """What counts as one unit."""
        terms = [unit.cluster or unit.label for unit in self.units]
        return Clusters(self._rows, terms, [self.target_clusters.get(t, t) for t in self.targets])

    def target_columns(self, columns: Sequence[int] | None = None) -> Clusters:
        """The same of a table whose columns are targets: the given ones, or all."""
        targets = self.clusters.targets
        return Clusters(self._rows, targets if columns is None else [targets[i] for i in columns])

    @property
    def shared_clusters(self) -> dict[str, dict[str, str]]:
        """The clusters of more than one unit, as results keep them."""
        named: dict[str, dict[str, tuple[str, ...]]] = {
            "templates": {name: (c,) for name, c in zip(self.templates, self._rows, strict=True)},
            "terms": {f"{u.group}:{u.label}": (u.cluster or u.label, u.group) for u in self.units},
            "targets": {
                name: (str(cluster), pole)
                for name, cluster, pole in zip(
                    self.targets, self.clusters.targets, self.poles, strict=True
                )
            },
        }
        sizes = {source: Counter(clusters.values()) for source, clusters in named.items()}
        shared = {
            source: {name: key[0] for name, key in clusters.items() if sizes[source][key] > 1}
            for source, clusters in named.items()
        }
        return {source: clusters for source, clusters in shared.items() if clusters}

    @property
    def row_clusters(self) -> Clusters:
        """The same of a table with one column."""
        return Clusters(self._rows)

    @property
    def _rows(self) -> list[str]:
        return [self.template_clusters.get(name, name) for name in self.templates]

    def columns(self, group: str) -> list[int]:
        """Return the numbers of the units of one group."""
        return [i for i, unit in enumerate(self.units) if unit.group == group]

    def pole(self, sign: str) -> list[int]:
        """Return the numbers of the targets of one pole."""
        return [i for i, pole in enumerate(self.poles) if pole == sign]

    def pole_by_name(self, sign: str) -> list[int]:
        """Return the same in the order of their names, so that no order in a file moves a draw."""
        return sorted(self.pole(sign), key=lambda column: self.targets[column])


def build_cube(probe: Probe, scores: Scores) -> ScoreCube:
    """Arrange the scores of one probe, and drop whole sentences or words where a cell is missing.

    A sentence that is too long for the model in any cell is dropped for all words; a word that the
    vocabulary cannot express is dropped from all sentences. Rows of groups that the probe does not
    compare are not looked at.

    Raises:
        ScoringError: nothing is left.
    """
    import pandas as pd

    frame, skips = _complete(probe, _compared_rows(probe, scores.frame))
    frames = [f.id for f in probe.frames]
    order = [t.word.id for t in probe.targets]
    units = _units(probe, set(frame["term"]))
    present = set(frame["template"])
    templates = [name for name in frames if name in present]
    left = set(frame["target"])
    targets = [name for name in order if name in left]
    poles = {t.word.id: t.pole for t in probe.targets}
    lost = _nothing_left(probe, units, templates, [poles[name] for name in targets])
    if lost:
        first = f": {skips[0].detail}" if skips and skips[0].detail else ""
        raise ScoringError(f"nothing of '{probe.spec.id}' could be scored: {lost}{first}")
    wanted = [(u.group, u.label, t) for u in units for t in targets]

    def block(column: str) -> Floats:
        wide = frame.pivot_table(
            index="template", columns=["group", "label", "target"], values=column, aggfunc="mean"
        ).reindex(index=templates, columns=pd.MultiIndex.from_tuples(wanted))
        cells = wide.to_numpy(dtype=np.float64)
        return np.asarray(cells.reshape(len(templates), len(units), len(targets)))

    values = block("log_prob")
    if not np.isfinite(values).all():
        raise ScoringError(f"'{probe.spec.id}' has cells without a score and without a reason")
    by_target = frame.groupby("target")["pieces"].max()
    return ScoreCube(
        templates=tuple(templates),
        units=tuple(units),
        targets=tuple(targets),
        poles=tuple(poles[name] for name in targets),
        values=values,
        cosines=block(COSINE) if COSINE in frame.columns else None,
        pieces=tuple(int(by_target[name]) for name in targets),
        prompts={
            str(name): int(count)
            for name, count in frame[frame["pole"] != "0"].groupby("group").size().items()
        },
        skips=tuple(skips),
        template_clusters=template_clusters(probe.frames),
        target_clusters=target_clusters(target.word for target in probe.targets),
    )


def _compared_rows(probe: Probe, frame: pd.DataFrame) -> pd.DataFrame:
    beside = [group.id for group in probe.extra_groups]
    return frame[~frame["group"].isin(beside)] if beside else frame


def _nothing_left(
    probe: Probe, units: Sequence[Unit], templates: Sequence[str], poles: Sequence[str]
) -> str:
    """Say why what is left cannot be compared; empty when it can."""
    groups = {unit.group for unit in units}
    if not templates:
        return "no sentence is left"
    if len(groups) < 2:
        return "fewer than two groups have a word left"
    if probe.spec.targets.own:
        both = groups & {pole.removeprefix("own:") for pole in poles}
        return "" if len(both) > 1 else "fewer than two groups have a word of their own left"
    gone = [
        name
        for sign, name in (("+", probe.plus_name), ("-", probe.minus_name))
        if sign not in poles
    ]
    return f"no word of the pole '{gone[0]}' is left" if gone else ""


def _units(probe: Probe, terms: set[str]) -> list[Unit]:
    """Labels in the order of the probe; a group's words that share a label are one unit."""
    units = {
        (group.id, word.label): Unit(
            group=group.id,
            label=word.label,
            pair=word.pair,
            cluster=term_cluster(word),
        )
        for group in probe.groups
        for word in group.words
        if word.id in terms
    }
    return list(units.values())


def _complete(probe: Probe, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Skip]]:
    """Drop sentences, then words, until no cell is missing; say what and why."""
    skips: list[Skip] = []
    word: Literal["target", "term"] = "target" if probe.spec.mask == "target" else "term"
    too_long = frame["skip"] == "too_long"
    frame = _drop(probe, frame, too_long, "template", skips)
    frame = _drop(probe, frame, frame["skip"] != "", word, skips)
    return frame, skips


def _drop(
    probe: Probe,
    frame: pd.DataFrame,
    lost: pd.Series[bool],
    column: Literal["template", "target", "term"],
    skips: list[Skip],
) -> pd.DataFrame:
    """Leave out every value of ``column`` that has a lost cell, with one skip for each."""
    if not lost.any():
        return frame
    for name, rows in frame[lost].groupby(column, sort=True):
        first = rows.iloc[0]
        skips.append(
            Skip(
                probe=probe.spec.id,
                kind=column,
                what=str(name),
                pole=first["pole"] if column == "target" else "",
                reason=first["skip"],
                detail=str(first["detail"]),
                count=len(rows),
            )
        )
    return frame[~frame[column].isin(frame.loc[lost, column].unique())]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtraGroup:
    """One group that is scored where the words of the others are, and compared with none."""

    group: str
    """Its id."""
    cube: ScoreCube
    """The complete block of the compared groups and this one."""
    pieces: tuple[int, ...]
    """The different numbers of pieces of all these words, sorted."""


def build_extra_groups(
    probe: Probe, own: ScoreCube, scores: Scores
) -> tuple[list[ExtraGroup], list[Skip]]:
    """Arrange the scores of each extra group, and say what could not be used and why.

    They are kept apart from the probe's own cube: what is lost of them changes no comparison.

    Args:
        probe: the probe.
        own: its cube, of the compared groups alone.
        scores: all rows of the probe.
    """
    extra: list[ExtraGroup] = []
    skips: list[Skip] = []
    known = {(skip.kind, skip.what) for skip in own.skips}
    for group in probe.extra_groups:
        rows = _rows(scores, (*probe.groups, group))
        try:
            block = build_cube(replace(probe, groups=(*probe.groups, group), extra_groups=()), rows)
        except ScoringError as error:
            skips.append(_lost_group(probe, group, error.message))
            continue
        lost = [skip for skip in block.skips if (skip.kind, skip.what) not in known]
        skips += [_only_of(skip, group) for skip in lost]
        if not block.columns(group.id):
            skips.append(_lost_group(probe, group, f"no word of '{group.label}' could be scored"))
            continue
        terms = rows.frame[rows.frame["skip"] == ""]
        pieces = sorted({int(size) for size in terms["pieces"].unique()})
        extra.append(ExtraGroup(group=group.id, cube=block, pieces=tuple(pieces)))
    return extra, skips


def _rows(scores: Scores, groups: Iterable[Group]) -> Scores:
    frame = scores.frame
    return Scores(frame[frame["group"].isin([group.id for group in groups])])


def _only_of(skip: Skip, group: Group) -> Skip:
    """Say that a loss concerns the share of an extra group only."""
    only = f"left out of the share of '{group.label}' only"
    return replace(skip, detail=f"{skip.detail}; {only}" if skip.detail else only)


def _lost_group(probe: Probe, group: Group, why: str) -> Skip:
    return Skip(
        probe=probe.spec.id,
        kind="measure",
        what=f"beside_share of {group.id}",
        reason="unscorable",
        detail=why,
    )


def evidence_csv(tables: Sequence[Scores]) -> bytes:
    """Return the bytes of ``evidence.csv.gz``: the same tables give the same bytes.

    A text that a spreadsheet would run as a formula begins with an apostrophe, which readers drop.
    """
    import pandas as pd

    frames = [table.frame for table in tables]
    frame = (
        pd.concat(frames, ignore_index=True)
        if frames
        else pd.DataFrame(columns=list(EVIDENCE_COLUMNS))
    )
    for name in TEXT_COLUMNS:
        texts = frame[name].astype(str)
        cells = {text: cell for text in texts.unique() if (cell := csv_cell(text)) != text}
        if cells:
            frame = frame.assign(**{name: texts.replace(cells)})
    text = frame.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    return gzip.compress(text.encode("utf-8", "backslashreplace"), compresslevel=6, mtime=0)
