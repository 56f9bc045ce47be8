"""Runs one data set through a model and returns the records of an audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from bias_audit.backends import Backend
from bias_audit.benchmarking.choices import choice_results
from bias_audit.benchmarking.first import First
from bias_audit.benchmarking.passes import Column, Notes, score_pairs
from bias_audit.benchmarking.rows import PairRow, pair_rows
from bias_audit.benchmarking.tables import ALL, left_out, pair_results, skip_records
from bias_audit.benchmarking.wide import likelihood_results
from bias_audit.datasets import Dataset, sentence_pairs
from bias_audit.datasets.info import DatasetInfo
from bias_audit.datasets.records import Record, SentencePair
from bias_audit.errors import NothingToAuditError, UnknownNameError, UsageError
from bias_audit.results import Card, ProbeRecord, Result, Sentence, SkipRecord

Listener = Callable[[str, int, int], None]
"""Called with (what is scored, sentences done, sentences in all)."""
DEFAULT = {
    "stereoset": ("stereoset_*",),
    "holistic_bias": ("likelihood_*",),
    "bbq": ("pll_word_l2r_mean", "aul"),
}
"""Measures by reader, where they are not those of CrowS-Pairs."""
_CROWS = ("crows_pairs", "crows_pairs_published", "crows_pairs_gap")
_NEVER = "a published benchmark is measured, for comparison with the literature, and never judged"


@dataclass(kw_only=True)
class Benchmark:
    """One data set, measured."""

    record: ProbeRecord
    results: list[Result] = field(default_factory=list)
    skips: list[SkipRecord] = field(default_factory=list)
    rows: list[PairRow] = field(default_factory=list)
    cut: bool = False
    """A limit left records out."""


def chosen_measures(info: DatasetInfo, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the measures to take: those asked for (ids or globs), else the data set's own.

    Raises:
        UnknownNameError: one that does not exist, or does not take this data set.
    """
    if not info.measures:
        raise UsageError(
            f"no measure takes {info.title} yet",
            hint="its records can be read in Python: bias_audit.datasets.open_dataset",
        )
    patterns = tuple(asked) or DEFAULT.get(info.reader, _CROWS)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in info.measures):
            raise UnknownNameError(f"measure for {info.title}", pattern, info.measures)
    return tuple(n for n in info.measures if any(fnmatchcase(n, p) for p in patterns))


def benchmark(
    backend: Backend,
    dataset: Dataset,
    *,
    measures: Sequence[str] = (),
    confidence: float = 0.95,
    examples: int = 0,
    limit: int | None = None,
    seed: int = 20240601,
    progress: Listener | None = None,
) -> Benchmark:
    """Measure one data set.

    Args:
        backend: the model.
        dataset: the user's copy.
        measures: ids or globs; the data set's own when empty.
        confidence: level of the intervals.
        examples: how many pairs of the overall result to quote, those with the largest difference.
        limit: only the first so many records.
        seed: root seed of the relabellings.
        progress: called while scoring.

    Raises:
        UsageError: no measure takes the data set, or a category is called ``all``.
        FileError: a file does not have the format of the data set.
        ScoringError: the model cannot give what a measure needs.
        NothingToAuditError: the data set is empty.
    """
    wanted = chosen_measures(dataset.info, measures)
    done = Benchmark(record=_record(dataset, wanted))
    listen = None if progress is None else _named(dataset.info.id, progress)
    if dataset.info.reader == "holistic_bias":
        records: First[Record] = First(dataset, limit)
        done.results, done.skips, sentences = likelihood_results(
            backend, dataset.info.id, records, wanted, seed=seed, progress=listen
        )
        done.cut = records.cut
        return _counted(done, sentences, len(done.results))
    for_choices = [name for name in wanted if name.startswith("stereoset_")]
    if for_choices:
        items: First[Record] = First(dataset, limit)
        found = choice_results(
            backend, dataset.info.id, items, for_choices, confidence=confidence, progress=listen
        )
        done.results += found.results
        done.skips += found.skips
        done.rows += found.rows
        done.cut = items.cut
    for_pairs = [name for name in wanted if name not in for_choices]
    if for_pairs:
        _pairs(backend, dataset, for_pairs, done, confidence, examples, limit, listen)
    return _counted(done, sum(r.n_prompts for r in done.results[:1]), len(done.results))


def _pairs(
    backend: Backend,
    dataset: Dataset,
    measures: Sequence[str],
    done: Benchmark,
    confidence: float,
    examples: int,
    limit: int | None,
    progress: Listener | None,
) -> None:
    source = sentence_pairs(dataset)
    first = First(source, limit)
    pairs = list(first)
    if not pairs:
        raise NothingToAuditError(f"{dataset.path} holds no pair of {dataset.info.title}")
    _refuse_all(pairs, dataset)
    texts = [(pair.more, pair.less) for pair in pairs]
    columns, notes = score_pairs(backend, texts, measures, progress=progress)
    name = dataset.info.id
    for measure in measures:
        results = pair_results(name, measure, columns[measure], pairs, confidence)
        if examples and results and results[0].estimate is not None:
            shown = _quoted(columns[measure], pairs, examples)
            results[0] = results[0].model_copy(update={"sentences": shown})
        done.results += results
    done.skips += [*skip_records(name, columns), *left_out(name, source.left_out)]
    done.rows += pair_rows(name, columns, pairs)
    done.cut |= first.cut
    done.record = done.record.model_copy(update={"reason": "; ".join((_NEVER, *_noted(notes)))})


def _refuse_all(pairs: Sequence[SentencePair], dataset: Dataset) -> None:
    """A category called ``all`` would have the name of the overall result."""
    if any(pair.category == ALL for pair in pairs):
        raise UsageError(
            f"{dataset.path}: a category is called '{ALL}', which stands for all pairs in results",
            hint="rename the category",
        )


def _record(dataset: Dataset, measures: Sequence[str]) -> ProbeRecord:
    info = dataset.info
    known = all(file.known for file in dataset.files)
    copy = f"SHA-256 of the copy: {dataset.sha256}{', the published file' if known else ''}."
    return ProbeRecord(
        id=info.id,
        version=1,
        axis="benchmark",
        title=info.title,
        question=f"Published benchmark: {info.holds}.",
        state="unclear",
        reason=_NEVER,
        card=Card(
            measures=", ".join(measures),
            harm="as its authors describe it",
            expected="unspecified",
            source=f"{info.citation} {info.home} Licence: {info.licence}. {copy}",
            power="",
            limits=info.caution or "none that its authors state",
        ),
        sensitive=True,
    )


def _counted(done: Benchmark, sentences: int, results: int) -> Benchmark:
    if not results:
        reason = "nothing in it could be scored: see what was left out"
        done.record = done.record.model_copy(update={"state": "error", "reason": reason})
    largest = max((r.n_templates for r in done.results), default=0)
    done.record = done.record.model_copy(
        update={"prompts": sentences, "templates": largest, "skips": tuple(done.skips)}
    )
    return done


def _noted(notes: Notes) -> list[str]:
    """What a reader should know about the pairs, in words."""
    said = []
    if notes.ambiguous:
        said.append(f"words moved in {notes.ambiguous} pairs, so what they share is ambiguous")
    if notes.unknown:
        said.append(f"{notes.unknown} pairs hold text outside the vocabulary")
    if notes.accuracy:
        share = 100 * float(np.mean(notes.accuracy))
        said.append(f"of the pieces that it sees the model puts {share:.0f} % first")
    return said


def _quoted(column: Column, pairs: Sequence[SentencePair], count: int) -> tuple[Sentence, ...]:
    """The pairs whose scores differ most, the largest first; equal ones in the file's order."""
    kept = [n for n, skip in enumerate(column.skips) if skip is None]
    kept.sort(key=lambda n: (-abs(column.more[n] - column.less[n]), n))
    return tuple(
        Sentence(
            template=pairs[n].id,
            target=pairs[n].category,
            pole="",
            text_a=pairs[n].more,
            text_b=pairs[n].less,
            word="",
            log_prob_a=column.more[n],
            log_prob_b=column.less[n],
        )
        for n in kept[:count]
    )


def _named(name: str, progress: Listener) -> Listener:
    return lambda what, done, total: progress(f"{name}: {what}", done, total)


__all__ = ["DEFAULT", "Benchmark", "benchmark", "chosen_measures"]
