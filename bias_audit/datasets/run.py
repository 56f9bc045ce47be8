"""Measures a model by one data set, from the user's copy to the records of an audit.

Measured for comparison with the literature, never judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bias_audit.backends import Backend
from bias_audit.datasets.dataset import Dataset, open_dataset
from bias_audit.datasets.holistic_bias import measure_likelihood
from bias_audit.datasets.info import (
    LIKELIHOOD_MEASURES,
    PAIR_MEASURES,
    STEREOSET_MEASURES,
    DatasetInfo,
)
from bias_audit.datasets.items import SentencePair
from bias_audit.datasets.pair_scores import PairRow
from bias_audit.datasets.pairs import sentence_pairs
from bias_audit.datasets.results import (
    ALL,
    AXIS,
    DatasetOutput,
    excluded_records,
    pair_results,
    skip_records,
)
from bias_audit.datasets.scores import Listener, Notes, check_backend, score_pairs
from bias_audit.datasets.stereoset import measure_choices
from bias_audit.errors import NothingToAuditError, ScoringError, UnknownNameError, UsageError
from bias_audit.results import Card, ErrorRecord, ProbeRecord, Result, Sentence, SkipRecord
from bias_audit.utils.characters import find_hidden, name_character

_NEVER = "a published benchmark is measured, for comparison with the literature, and never judged"


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetRun:
    """One data set, measured, as records of an audit."""

    record: ProbeRecord
    results: tuple[Result, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    rows: tuple[PairRow, ...] = ()
    partial: bool = False
    """Whether a limit left items out."""
    error: ErrorRecord | None = None
    """Why the model could not be measured by it, or not by some measure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetPlan:
    """One data set, and what to measure a model by it."""

    dataset: Dataset
    measures: tuple[str, ...]
    """Ids."""
    limit: int | None = None
    """Only the first so many items."""
    examples: int = 0
    """Pairs of each overall result to quote, those with the largest difference."""

    @property
    def id(self) -> str:
        """Id of the data set."""
        return self.dataset.info.id

    @property
    def manifest(self) -> dict[str, Any]:
        """What ``run.json`` says of the copy and its measures."""
        return {
            "sha256": self.dataset.sha256,
            "files": {file.name: file.sha256 for file in self.dataset.files},
            "licence": self.dataset.info.licence,
            "measures": list(self.measures),
        }

    def check(self, backend: Backend) -> None:
        """Refuse, by a ``UsageError``, a backend that does not answer what the measures ask."""
        check_backend(backend, self.measures)

    def measure(
        self,
        backend: Backend,
        *,
        confidence: float = 0.95,
        seed: int = 20240601,
        progress: Listener | None = None,
    ) -> DatasetRun:
        """Measure a model; what the model cannot do is recorded as an error.

        Raises:
            FileError: a file does not have the format of the data set.
            UsageError: a category is called ``all``.
            NothingToAuditError: the data set is empty.
        """
        if progress is not None:
            progress = _prefix(self.id, progress)
        try:
            return self._measure(backend, confidence, seed, progress)
        except (ScoringError, RuntimeError, MemoryError) as error:
            message = str(getattr(error, "message", error)) or repr(error)
            info = self.dataset.info
            record = ProbeRecord(
                id=info.id, version=1, axis=AXIS, title=info.title, state="error", reason=message
            )
            return DatasetRun(record=record, error=self._error(type(error).__name__, message))

    def _error(self, kind: str, message: str) -> ErrorRecord:
        return ErrorRecord(probe=self.id, type=kind, message=message)

    def _measure(
        self, backend: Backend, confidence: float, seed: int, progress: Listener | None
    ) -> DatasetRun:
        outputs: list[DatasetOutput] = []
        for family, measure in (
            (LIKELIHOOD_MEASURES, partial(measure_likelihood, seed=seed)),
            (STEREOSET_MEASURES, partial(measure_choices, confidence=confidence)),
        ):
            if names := [name for name in self.measures if name in family]:
                items = iter(self.dataset)
                limited = islice(items, self.limit)
                outputs.append(measure(backend, self.id, limited, names, progress=progress))
                outputs[-1].partial = next(items, None) is not None
        if names := [name for name in self.measures if name in PAIR_MEASURES]:
            outputs.append(self._measure_pairs(backend, names, confidence, progress))
        results = tuple(result for output in outputs for result in output.results)
        measured = {result.metric for result in results if result.estimate is not None}
        silent = [name for name in self.measures if name not in measured]
        message = f"nothing could be scored for {', '.join(silent)}: see what was left out"
        return DatasetRun(
            record=self._record(outputs, is_measured=bool(measured)),
            results=results,
            error=self._error("NothingScored", message) if silent else None,
            skips=tuple(skip for output in outputs for skip in output.skips),
            rows=tuple(row for output in outputs for row in output.rows),
            partial=any(output.partial for output in outputs),
        )

    def _measure_pairs(
        self,
        backend: Backend,
        measures: Sequence[str],
        confidence: float,
        progress: Listener | None,
    ) -> DatasetOutput:
        source, path = sentence_pairs(self.dataset), self.dataset.path
        iterator = iter(source)
        pairs = list(islice(iterator, self.limit))
        cut = next(iterator, None) is not None
        if not pairs:
            why = "; ".join(f"{count:,}: {reason}" for reason, count in source.left_out.items())
            raise NothingToAuditError(
                f"{path} holds no pair of {self.dataset.info.title}",
                hint=why and f"left out: {why}",
            )
        if any(pair.category == ALL for pair in pairs):
            raise UsageError(
                f"{path}: a category is called '{ALL}', which stands for all pairs in results",
                hint="rename the category",
            )
        rows, notes = score_pairs(backend, self.id, pairs, measures, progress=progress)
        results: list[Result] = []
        for number in range(len(measures)):
            own = rows[number * len(pairs) : (number + 1) * len(pairs)]
            first, *parts = pair_results(own, confidence, source.losses)
            quotes = _quotes(own, pairs, self.examples)
            results += [first.model_copy(update={"sentences": quotes}), *parts]
        return DatasetOutput(
            results=results,
            skips=[*skip_records(rows), *excluded_records(self.id, source.left_out)],
            rows=rows,
            sentences=results[0].n_prompts,
            notes=(*self.dataset.notes, *_in_words(notes), *_hidden_characters(pairs)),
            partial=cut,
        )

    def _record(self, outputs: Sequence[DatasetOutput], *, is_measured: bool) -> ProbeRecord:
        info = self.dataset.info
        known = all(file.known for file in self.dataset.files)
        digest = f"{self.dataset.sha256}{', the published file' if known else ''}"
        measured = [output for output in outputs if output.results]
        notes = (note for output in outputs for note in output.notes)
        counts = [result.n_templates for output in measured for result in output.results]
        return ProbeRecord(
            id=info.id,
            version=1,
            digest=self.dataset.sha256,
            axis=AXIS,
            title=info.title,
            question=f"Published benchmark: {info.holds}.",
            state="measured" if is_measured else "error",
            reason="; ".join((_NEVER, *notes))
            if is_measured
            else "nothing in it could be scored: see what was left out",
            card=Card(
                measures=", ".join(self.measures),
                harm="as its authors describe it",
                expected="unspecified",
                source=f"{info.citation} {info.home} Licence: {info.licence}. "
                f"SHA-256 of the copy: {digest}.",
                power="",
                limits=info.caution or "none that its authors state",
            ),
            sensitive=True,
            prompts=(measured or outputs)[0].sentences,
            templates=max(counts, default=0),
            skips=tuple(skip for output in outputs for skip in output.skips),
        )


def plan_datasets(
    data: Mapping[str, str | Path],
    measures: Sequence[str] = (),
    *,
    examples: int = 0,
    limit: int | None = None,
) -> list[DatasetPlan]:
    """Open the user's copies, and choose what to measure by each, in the order of their ids.

    Args:
        data: the file or folder of each data set, by id.
        measures: ids or globs; each data set's own when empty.
        examples: pairs of each overall result to quote.
        limit: only the first so many items of each.

    Raises:
        NothingToAuditError: no data set is named.
        UnknownNameError: no such data set, or no such measure for it.
        UsageError: nothing fitting is at a path, or no measure takes a data set.
    """
    datasets = [open_dataset(name, path) for name, path in sorted(data.items())]
    if not datasets:
        raise NothingToAuditError("no data set was named", hint="--data crows-pairs=FILE")
    return [
        DatasetPlan(
            dataset=dataset,
            measures=select_measures(dataset.info, measures),
            examples=examples,
            limit=limit,
        )
        for dataset in datasets
    ]


def select_measures(info: DatasetInfo, patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the measures that ids or globs name; the data set's own without any.

    Raises:
        UsageError: no measure takes the data set.
        UnknownNameError: a pattern names no measure that takes it.
    """
    if not info.measures:
        raise UsageError(
            f"no measure takes {info.title} yet",
            hint="its records can be read in Python: bias_audit.datasets.open_dataset",
        )
    patterns = tuple(patterns) or info.default_measures
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in info.measures):
            raise UnknownNameError(f"measure for {info.title}", pattern, info.measures)
    return tuple(n for n in info.measures if any(fnmatchcase(n, p) for p in patterns))


def data_digest(plans: Sequence[DatasetPlan]) -> str:
    """Return the digest of all copies of a run."""
    lines = "\n".join(f"{plan.id}:{plan.dataset.sha256}" for plan in plans)
    return hashlib.sha256(lines.encode()).hexdigest()


def _in_words(notes: Notes) -> tuple[str, ...]:
    """Return what a reader should know about the pairs."""
    texts = []
    if notes.ambiguous:
        texts.append(f"words moved in {notes.ambiguous} pairs, so what they share is ambiguous")
    if notes.unknown:
        texts.append(f"{notes.unknown} pairs hold text outside the vocabulary")
    if notes.accuracy:
        share = 100 * float(np.mean(notes.accuracy))
        texts.append(f"of the tokens that it sees the model puts {share:.0f} % first")
    return tuple(texts)


def _hidden_characters(pairs: Sequence[SentencePair]) -> tuple[str, ...]:
    """Say how many pairs hold characters that nobody sees and models read."""
    found = [
        {text[place] for text in (pair.more, pair.less) for place in find_hidden(text)}
        for pair in pairs
    ]
    names = ", ".join(sorted(name_character(char) for char in set().union(*found)))
    count = sum(map(bool, found))
    return (f"{count} pairs hold invisible characters: {names}",) if count else ()


def _quotes(
    rows: Sequence[PairRow], pairs: Sequence[SentencePair], count: int
) -> tuple[Sentence, ...]:
    """Return the pairs whose scores differ most, the largest first; equal ones in file order."""
    scored = [
        (row.more, row.less, pair)
        for row, pair in zip(rows, pairs, strict=True)
        if row.more is not None and row.less is not None
    ]
    scored.sort(key=lambda entry: -abs(entry[0] - entry[1]))
    return tuple(
        Sentence(
            template=pair.id,
            target=pair.category,
            pole="",
            text_a=pair.more,
            text_b=pair.less,
            word="",
            log_prob_a=more,
            log_prob_b=less,
        )
        for more, less, pair in scored[:count]
    )


def _prefix(name: str, progress: Listener) -> Listener:
    return lambda title, done, total: progress(f"{name}: {title}", done, total)
