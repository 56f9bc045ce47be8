"""Read ``evidence.csv.gz``: cell by cell without pandas for judging, or as a table."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, NamedTuple

from bias_audit.errors import UsageError
from bias_audit.utils.text import read_csv_cell

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE_FILE = "evidence.csv.gz"
PAIR_SCORES_FILE = "benchmarks.csv.gz"
"""Scores of the pairs of published data sets; no text of them."""
MAX_LOG_PROB = 1e-6
"""A log-probability is at most 0, up to rounding."""

Source = Path | bytes
"""Where the evidence is: a file, or the bytes of one."""
Key = tuple[str, ...]
"""What a score was asked for, as in :data:`KEY_COLUMNS`; two runs are paired by it."""

EVIDENCE: Mapping[str, str] = {
    "probe": "probe, control, or `<probe>~placebo`",
    "role": "`probe`, `positive_control` or `negative_control` (placebos too)",
    "axis": "axis of the probe",
    "template": "id of the sentence",
    "template_cluster": "its cluster: sentences that share one count as one unit",
    "variant": "words of further named slots",
    "group": "group of the sentence, or of the masked word",
    "term": "id of the group word",
    "label": "identity word; terms that share one count once",
    "term_cluster": "cluster of the label inside its group",
    "pair": "matched words of two groups share it; empty elsewhere",
    "target": "id of the target",
    "target_cluster": "cluster of the target inside its pole",
    "pole": "`+`, `-`, or `0` for neither",
    "text": "the sentence with the scored word in place",
    "log_prob": (
        "natural logarithm, 6 decimals; empty where `skip` says why; of sentence encoders, "
        "standard deviations above the mean of the frame"
    ),
    "prior_log_prob": (
        "the same while the sentence's other word is masked too; empty unless a measure on "
        "request asked for it, and for groups beside"
    ),
    "pieces": "number of vocabulary pieces of the word",
    "rank": "rank in the vocabulary, for words of one piece",
    "skip": "why there is no score, a reason code of skips",
    "detail": "the same in words",
}
"""Columns with their meaning: a row for each sentence and scored word, controls included."""
EVIDENCE_COLUMNS = tuple(EVIDENCE)
COSINE = "cosine"
"""A further column in the reading ``similarity``, where ``log_prob`` is in standard deviations."""
DESIGN_COLUMNS = ("role", "template_cluster", "term_cluster", "pair", "target_cluster")
"""What a row is in the design of its probe; evidence of earlier versions lacks them."""
KEY_COLUMNS = ("template", "variant", "group", "term", "label", "target", "pole", "text")
TEXT_COLUMNS = ("probe", "axis", *DESIGN_COLUMNS, *KEY_COLUMNS, "skip", "detail")
"""Columns of texts, written as cells that no spreadsheet runs as a formula."""
_REQUIRED = ("probe", *KEY_COLUMNS, "log_prob", "skip")


class KeyIndex(NamedTuple):
    """Positions of the parts of a key that pairing looks at."""

    template: int = KEY_COLUMNS.index("template")
    group: int = KEY_COLUMNS.index("group")
    term: int = KEY_COLUMNS.index("term")
    label: int = KEY_COLUMNS.index("label")
    target: int = KEY_COLUMNS.index("target")
    pole: int = KEY_COLUMNS.index("pole")


INDEX = KeyIndex()


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
            scores={k: v for k, v in self.scores.items() if k[INDEX.group] not in groups},
            skips={k: v for k, v in self.skips.items() if k[INDEX.group] not in groups},
        )


def read_cells(source: Source, probes: Collection[str]) -> dict[str, Cells]:
    """Return the cells of the named probes; a probe without a row has no entry.

    Raises:
        UsageError: the file is not there, is cut off, or is no evidence.
    """
    name = str(source) if isinstance(source, Path) else "the evidence"
    cells_of: dict[str, Cells] = {}
    wanted = frozenset(probes)
    row = 1
    try:
        with open_evidence(source) as stream:
            rows = csv.reader(stream, strict=True)
            names = next(rows, [])
            probe_of, key_of, answer_of = _readers(names)
            most = math.inf if COSINE in names else MAX_LOG_PROB
            for values in rows:
                row += 1
                if len(values) != len(names):
                    raise ValueError(f"expected {len(names)} values, got {len(values)}")
                probe = probe_of(values)
                if probe in wanted:
                    key = tuple(map(read_csv_cell, key_of(values)))
                    value, skip = answer_of(values)
                    _put(cells_of.setdefault(probe, Cells()), key, value, skip, most)
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        raise UsageError(
            f"{name} is not readable evidence, after row {row}: {error}",
            hint="it was cut off or changed; run the audit again, or accept the baseline again",
        ) from error
    return cells_of


@contextmanager
def open_evidence(source: Source) -> Iterator[IO[str]]:
    """Open the evidence as the text of its rows."""
    raw = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with raw, gzip.open(raw, "rt", encoding="utf-8", newline="") as stream:
        yield stream


def _readers(
    names: Sequence[str],
) -> tuple[Callable[[list[str]], str], Callable[[list[str]], Key], Callable[[list[str]], Key]]:
    """Return what takes probe, key and answer (log-probability, reason) out of a row."""
    _require(_REQUIRED, names)
    place = {name: index for index, name in enumerate(names)}
    key, answer = ([place[name] for name in some] for some in (KEY_COLUMNS, ("log_prob", "skip")))
    return itemgetter(place["probe"]), itemgetter(*key), itemgetter(*answer)


def _require(columns: Iterable[str], names: Collection[str]) -> None:
    if missing := [name for name in columns if name not in names]:
        raise ValueError(f"it lacks the columns {', '.join(missing)}")


def _put(cells: Cells, key: Key, value: str, skip: str, most: float) -> None:
    if key in cells.scores or key in cells.skips:
        raise ValueError("the same sentence with the same words is there twice")
    if skip:
        cells.skips[key] = skip
        return
    score = float(value)
    if not (math.isfinite(score) and score <= most):
        what = "score" if most == math.inf else "log-probability"
        raise ValueError(f"expected a {what}, got {value[:40]!r}")
    cells.scores[key] = score


def used_scores(cells: Cells, mask: Literal["target", "group"]) -> Mapping[Key, float]:
    """Return the scores that the run itself used: what it dropped is dropped again.

    A sentence that is too long for any word goes as a whole, and so does a word that could not be
    scored in any sentence left; as in :func:`bias_audit.metrics.score_cube.build_cube`.
    """
    if not cells.skips:
        return cells.scores
    word = INDEX.target if mask == "target" else INDEX.term
    template = INDEX.template
    frames = {key[template] for key, reason in cells.skips.items() if reason == "too_long"}
    words = {key[word] for key in cells.skips if key[template] not in frames}
    return {
        key: score
        for key, score in cells.scores.items()
        if key[template] not in frames and key[word] not in words
    }


def read_evidence(path: Path) -> pd.DataFrame:
    """Read the whole file as a table, with the types of a fresh one.

    Design columns are empty where an earlier version wrote the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a file.
    """
    import pandas as pd

    numbers = {
        COSINE: "float64",
        "log_prob": "float64",
        "prior_log_prob": "float64",
        "pieces": "int64",
    }
    types = {
        name: numbers.get(name, "Int64" if name == "rank" else "str") for name in EVIDENCE_COLUMNS
    }
    types[COSINE] = numbers[COSINE]
    empty = {name: [""] for name in (*numbers, "rank")}
    frame = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=empty)
    frame = frame.assign(**{name: "" for name in DESIGN_COLUMNS if name not in frame})
    _require(EVIDENCE_COLUMNS, frame.columns)
    frame = frame[[*EVIDENCE_COLUMNS, *([COSINE] if COSINE in frame else [])]]
    escaped = [name for name in TEXT_COLUMNS if frame[name].str.startswith("'").any()]
    return frame.assign(**{name: frame[name].map(read_csv_cell) for name in escaped})
