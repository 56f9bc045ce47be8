"""``benchmarks.csv.gz``: two scores for each pair and measure; no text of a data set."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from bias_audit.errors import UsageError, visible
from bias_audit.metrics.pair_preference import Ties
from bias_audit.results import PAIR_SCORES_FILE
from bias_audit.results.evidence import Source
from bias_audit.utils.arrays import Floats
from bias_audit.utils.text import csv_cell, read_csv_cell


@dataclass(frozen=True, kw_only=True, slots=True)
class PairRow:
    """One pair's scores by one measure."""

    dataset: str
    pair: str
    """Its id; for ``stereoset_lms_items``, which makes two comparisons in an item, with the
    candidate's name."""
    category: str
    direction: str
    cluster: str
    measure: str
    more: float | None
    """Score of the more stereotypical sentence, or of the meaningful candidate."""
    less: float | None
    """Score of the other one."""
    skip: str
    """Why there are none; empty where there are."""
    detail: str


_HEADER = [field.name for field in fields(PairRow)]
_LARGEST = 1e15
"""No sum of log-probabilities comes near it; rounding to 3 decimals stays finite."""


def score_arrays(rows: Sequence[PairRow]) -> tuple[Floats, Floats, Ties]:
    """Return both scores of rows of one measure, (n,) each, and what a tie counts.

    The published script of CrowS-Pairs rounds to 3 decimals and counts a tie as lost.
    """
    more = np.array([row.more for row in rows], dtype=np.float64)
    less = np.array([row.less for row in rows], dtype=np.float64)
    if rows and rows[0].measure.endswith("_published"):
        return np.round(more, 3), np.round(less, 3), "lost"
    return more, less, "half"


def encode_rows(rows: Iterable[PairRow]) -> bytes:
    """Return the bytes of the file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for row in rows:
        writer.writerow(map(_cell, astuple(row)))
    return gzip.compress(text.getvalue().encode("utf-8", "backslashreplace"), 6, mtime=0)


def _cell(value: str | float | None) -> str | None:
    """A score, or a text of the data set, which neither a spreadsheet nor a terminal obeys."""
    if isinstance(value, str):
        return csv_cell(visible(value))
    return value if value is None else f"{value:.6f}"


def read_rows(source: Source) -> list[PairRow]:
    """Read the file, or its bytes; ``UsageError`` where it is another kind of file, or damaged."""
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
        text = gzip.decompress(content).decode("utf-8")
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        if next(lines, []) != _HEADER:
            raise ValueError(f"expected the columns {', '.join(_HEADER)}")
        return [_parse(line, lines.line_num) for line in lines]
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        name = "the file" if isinstance(source, bytes) else source
        raise UsageError(
            f"{name} is no file of benchmark scores: {error}",
            hint=f"expected {PAIR_SCORES_FILE} from the folder of a run of data sets",
        ) from error


def _parse(line: list[str], number: int) -> PairRow:
    """Return one line, with both scores or none."""
    if len(line) != len(_HEADER):
        raise ValueError(f"line {number} has {len(line)} of {len(_HEADER)} fields")
    row = dict(zip(_HEADER, map(read_csv_cell, line), strict=True))
    scores = [row.pop(name) for name in ("more", "less")]
    more, less = (None if row["skip"] else _parse_score(text, number) for text in scores)
    return PairRow(**row, more=more, less=less)


def _parse_score(text: str, number: int) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise ValueError(f"line {number}: expected a score, got {text[:40]!r}")
    return value
