"""The score table: the one border that data frames cross, and the cubes that metrics compute on."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from bias_audit.errors import ScoringError
from bias_audit.probes.probe import Probe
from bias_audit.records import OpenScore, Prompt, Skip, WordScore
from bias_audit.utils.arrays import Floats

COLUMNS = (
    "probe",
    "axis",
    "template",
    "variant",
    "group",
    "term",
    "label",
    "target",
    "pole",
    "text",
    "log_prob",
    "prior_log_prob",
    "pieces",
    "rank",
    "skip",
    "detail",
)
"""One row per prompt and target. ``log_prob`` is in nats and empty where ``skip`` says why."""


@dataclass(frozen=True, slots=True)
class Scores:
    """A checked table of scores with the columns :data:`COLUMNS`."""

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.frame.columns]
        if missing:
            raise ValueError(f"the score table lacks the columns {', '.join(missing)}")
        scored = self.frame["skip"] == ""
        values = self.frame.loc[scored, "log_prob"].to_numpy(dtype=float)
        if not np.isfinite(values).all() or (values > 1e-6).any():
            raise ScoringError(
                "the model returned a log-probability that is not a number or above 0",
                hint="its weights or its half-precision arithmetic are broken; try --dtype float32",
            )

    @classmethod
    def build(
        cls, axis: str, prompts: Sequence[Prompt], answers: Sequence[WordScore], *, run: str = ""
    ) -> Scores:
        """Join prompts with their answers, in the order given.

        Args:
            axis: axis of the probe.
            prompts: what was asked.
            answers: one for each prompt.
            run: name for the column ``probe`` (placebo runs); the prompts' own when empty.

        Raises:
            ScoringError: a score is not a log-probability.
        """
        rows = [
            (
                run or p.probe,
                axis,
                p.template,
                p.variant,
                p.group,
                p.term,
                p.label,
                p.target,
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
        frame = pd.DataFrame.from_records(rows, columns=list(COLUMNS))
        frame["rank"] = frame["rank"].astype("Int64")
        return cls(frame)


def with_priors(scores: Scores, priors: Sequence[float]) -> Scores:
    """Return the table with the prior of each scored word, in the order of its rows, nats."""
    return Scores(scores.frame.assign(prior_log_prob=np.asarray(priors, dtype=float)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One column of a cube: a label of a group; its heads and variants are averaged."""

    group: str
    label: str
    pair: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cube:
    """A complete block of log-scores: every unit and every target in every template."""

    templates: tuple[str, ...]
    units: tuple[Unit, ...]
    targets: tuple[str, ...]
    poles: tuple[str, ...]
    """Pole of each target as the probe declares it (``+``, ``-``, ``0`` or ``own:<group>``)."""
    values: Floats
    """(templates, units, targets), nats."""
    pieces: tuple[int, ...]
    """Pieces of each target."""
    prompts: Mapping[str, int]
    """Scored sentences of each group, targets of neither pole left out."""
    skips: tuple[Skip, ...]
    """What was dropped to keep the block complete, and why."""

    def columns(self, group: str) -> list[int]:
        """Numbers of the units of one group."""
        return [i for i, unit in enumerate(self.units) if unit.group == group]

    def pole(self, sign: str) -> list[int]:
        """Numbers of the targets of one pole."""
        return [i for i, pole in enumerate(self.poles) if pole == sign]


def cube(probe: Probe, scores: Scores) -> Cube:
    """Arrange the scores of one probe, and drop whole sentences or words where a cell is missing.

    A sentence that is too long for the model in any cell is dropped for all words; a word that the
    vocabulary cannot express is dropped from all sentences. Rows of groups that the probe does not
    compare are not looked at.

    Raises:
        ScoringError: nothing is left.
    """
    frame, skips = _complete(probe, _compared(probe, scores.frame))
    frames = [f.id for f in probe.frames]
    order = [t.word.id for t in probe.targets]
    units = _units(probe, set(frame["term"]))
    wide = frame.pivot_table(
        index="template", columns=["group", "label", "target"], values="log_prob", aggfunc="mean"
    )
    templates = [name for name in frames if name in wide.index]
    left = set(frame["target"])
    targets = [name for name in order if name in left]
    poles = {t.word.id: t.pole for t in probe.targets}
    lost = _nothing_left(probe, units, templates, [poles[name] for name in targets])
    if lost:
        first = f": {skips[0].detail}" if skips and skips[0].detail else ""
        raise ScoringError(f"nothing of '{probe.spec.id}' could be scored: {lost}{first}")
    wanted = [(u.group, u.label, t) for u in units for t in targets]
    values = wide.reindex(index=templates, columns=pd.MultiIndex.from_tuples(wanted)).to_numpy(
        dtype=np.float64
    )
    if not np.isfinite(values).all():
        raise ScoringError(f"'{probe.spec.id}' has cells without a score and without a reason")
    by_target = frame.groupby("target")["pieces"].max()
    return Cube(
        templates=tuple(templates),
        units=tuple(units),
        targets=tuple(targets),
        poles=tuple(poles[name] for name in targets),
        values=values.reshape(len(templates), len(units), len(targets)),
        pieces=tuple(int(by_target[name]) for name in targets),
        prompts={
            str(name): int(count)
            for name, count in frame[frame["pole"] != "0"].groupby("group").size().items()
        },
        skips=tuple(skips),
    )


def _compared(probe: Probe, frame: pd.DataFrame) -> pd.DataFrame:
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
        (group.id, word.label): Unit(group=group.id, label=word.label, pair=word.pair)
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


def split(
    prompts: Sequence[Prompt], answers: Sequence[WordScore | OpenScore]
) -> tuple[tuple[list[Prompt], list[WordScore]], tuple[list[Prompt], list[OpenScore]]]:
    """Separate scored words from open completions."""
    words: tuple[list[Prompt], list[WordScore]] = ([], [])
    opens: tuple[list[Prompt], list[OpenScore]] = ([], [])
    for prompt, answer in zip(prompts, answers, strict=True):
        if isinstance(answer, WordScore):
            words[0].append(prompt)
            words[1].append(answer)
        else:
            opens[0].append(prompt)
            opens[1].append(answer)
    return words, opens


def evidence_csv(tables: Sequence[Scores]) -> bytes:
    """The bytes of ``evidence.csv.gz``: the same tables give the same bytes."""
    frames = [table.frame for table in tables]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))
    text = frame.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    return gzip.compress(text.encode("utf-8", "backslashreplace"), compresslevel=6, mtime=0)


def read_evidence(path: Path) -> pd.DataFrame:
    """Read the file that :func:`evidence_csv` wrote, with the types of a fresh table.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a file.
    """
    numbers = {"log_prob": "float64", "prior_log_prob": "float64", "pieces": "int64"}
    types = {name: numbers.get(name, "Int64" if name == "rank" else "str") for name in COLUMNS}
    empty = {name: [""] for name in (*numbers, "rank")}
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=empty)
