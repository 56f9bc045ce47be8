"""``evidence.csv.gz`` read back cell by cell, without pandas: fast enough for judging."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, Literal, NamedTuple

from bias_audit.errors import UsageError

NAME = "evidence.csv.gz"
PAIR_SCORES = "benchmarks.csv.gz"
"""Scores of the pairs of published data sets; no text of them."""
MOST_NATS = 1e-6
"""A log-probability is at most 0, up to rounding."""

Source = Path | bytes
"""Where the evidence is: a file, or the bytes of one."""
Key = tuple[str, ...]
"""What a score was asked for; its parts are those of :data:`KEY`. Two runs are paired by it."""

KEY = ("template", "variant", "group", "term", "label", "target", "pole", "text")
_NEEDED = ("probe", *KEY, "log_prob", "skip")


class Place(NamedTuple):
    """Positions of the parts of a key that pairing looks at."""

    template: int = KEY.index("template")
    group: int = KEY.index("group")
    term: int = KEY.index("term")
    label: int = KEY.index("label")
    target: int = KEY.index("target")
    pole: int = KEY.index("pole")


PLACE = Place()


@dataclass(slots=True)
class Cells:
    """Scores of one probe, and what could not be scored."""

    scores: dict[Key, float] = field(default_factory=dict)
    """Log-probabilities, nats."""
    skips: dict[Key, str] = field(default_factory=dict)
    """Reasons."""

    def without(self, groups: Collection[str]) -> Cells:
        """Return what is left without some groups."""
        return Cells(
            scores={k: v for k, v in self.scores.items() if k[PLACE.group] not in groups},
            skips={k: v for k, v in self.skips.items() if k[PLACE.group] not in groups},
        )


def read(source: Source, probes: Collection[str]) -> dict[str, Cells]:
    """Return the cells of the named probes; a probe without a row has no entry.

    Raises:
        UsageError: the file is not there, is cut off, or is no evidence.
    """
    name = str(source) if isinstance(source, Path) else "the evidence"
    found: dict[str, Cells] = {}
    wanted = frozenset(probes)
    row = 1
    try:
        with _opened(source) as stream:
            rows = csv.reader(stream, strict=True)
            pick, width = _columns(next(rows, []))
            for values in rows:
                row += 1
                if len(values) != width:
                    raise ValueError(f"expected {width} values, got {len(values)}")
                probe = pick.probe(values)
                if probe in wanted:
                    cells = found.setdefault(probe, Cells())
                    _put(cells, pick.key(values), *pick.answer(values))
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        raise UsageError(
            f"{name} is not readable evidence, after row {row}: {error}",
            hint="it was cut off or changed; run the audit again, or accept the baseline again",
        ) from error
    return found


@contextmanager
def _opened(source: Source) -> Iterator[IO[str]]:
    raw = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with raw, gzip.open(raw, "rt", encoding="utf-8", newline="") as stream:
        yield stream


class _Pick:
    """Takes a row apart."""

    def __init__(self, names: Sequence[str]) -> None:
        place = {name: index for index, name in enumerate(names)}
        self.probe: Callable[[list[str]], str] = itemgetter(place["probe"])
        self.key: Callable[[list[str]], Key] = itemgetter(*(place[name] for name in KEY))
        self.answer: Callable[[list[str]], tuple[str, str]] = itemgetter(
            place["log_prob"], place["skip"]
        )


def _columns(names: Sequence[str]) -> tuple[_Pick, int]:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise ValueError(f"it lacks the columns {', '.join(missing)}")
    return _Pick(names), len(names)


def _put(cells: Cells, key: Key, value: str, skip: str) -> None:
    if key in cells.scores or key in cells.skips:
        raise ValueError("the same sentence with the same words is there twice")
    if skip:
        cells.skips[key] = skip
        return
    score = float(value)
    if not (math.isfinite(score) and score <= MOST_NATS):
        raise ValueError(f"expected a log-probability, got {value[:40]!r}")
    cells.scores[key] = score


def complete(cells: Cells, mask: Literal["target", "group"]) -> Mapping[Key, float]:
    """Return the scores that the run itself used: what it dropped is dropped again.

    A sentence that is too long for any word goes as a whole, and so does a word that could not be
    scored in any sentence left; as in :func:`bias_audit.metrics.scored_probe.cube`.
    """
    if not cells.skips:
        return cells.scores
    word = PLACE.target if mask == "target" else PLACE.term
    template = PLACE.template
    frames = {key[template] for key, reason in cells.skips.items() if reason == "too_long"}
    words = {key[word] for key in cells.skips if key[template] not in frames}
    return {
        key: score
        for key, score in cells.scores.items()
        if key[template] not in frames and key[word] not in words
    }
