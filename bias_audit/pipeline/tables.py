"""Tables of an audit for pandas: comparisons, words, completions, evidence; findings as text.

Each has few columns, named and explained here; ``full`` adds the rest. Groups are ids, as in
``results.json``, so that tables can be joined.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, TypeVar

from bias_audit.errors import UsageError
from bias_audit.records import OTHERS
from bias_audit.reports.formats.csv import CLUSTERS, KIND, value_of
from bias_audit.reports.view.measures import AXIS as DATA_SETS
from bias_audit.results import Finding, ProbeRecord, Result, Results, TargetEffect
from bias_audit.results.evidence import COSINE, EVIDENCE_COLUMNS, Source
from bias_audit.results.schema import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

_PLACE = {"axis": "the axis of the probe", "probe": "id of the probe"}
_GAP = {
    "group_a": "first group",
    "group_b": "second group; `~others` is the mean of all others",
}
_INTERVAL = {
    "ci_low": "95 % interval of `estimate`, not adjusted for other comparisons",
    "ci_high": "its other end",
}
COLUMNS: dict[str, dict[str, str]] = {
    "comparisons": {
        "id": "the result",
        **_PLACE,
        **_GAP,
        "outcome": "`association`, `small`, `open` or `not_measurable`",
        "leans": "the group that the gap leans to; empty where the outcome has no sign",
        "pole": "the pole that is likelier for it",
        "times": "how many times as likely, 1 or more",
        "at_least": "shown to be at least so many times, for these words",
        "at_most": "shown to be at most so many times, either way, for these words",
        "estimate": "the gap, nats; positive towards group A and the first pole",
        "ci_low": "95 % interval about these words, not adjusted for other comparisons",
        "ci_high": "its other end",
        "kind_ci_low": "95 % interval about words of this kind, not adjusted either",
        "kind_ci_high": "its other end",
        "p_adjusted": "about words of this kind, against no gap; after Holm within the probe",
    },
    "words": {
        "id": "the comparison",
        **_PLACE,
        **_GAP,
        "word": "the scored word",
        "pole": "the pole that it belongs to",
        "leans": "the group that it is likelier with, beside all words of the probe",
        "times": "`estimate` as how many times as likely: of geometric means, 1 or more",
        "probability_a": "arithmetic mean of its probability in the sentences of group A",
        "probability_b": "the same of group B; the mean of the others for `~others`",
        "estimate": "its gap minus the mean gap over all words, nats",
        **_INTERVAL,
        "p_adjusted": "against no such difference; adjusted over the words of the comparison",
    },
    "completions": {
        **_PLACE,
        "group": "the group",
        "against": "the group that it is compared with; `~others` for all others",
        "outcome": "`completions_differ`, `no_difference_shown` or `not_measurable`",
        "word": "a word by which the completions differ",
        "probability": "its mean probability after `group`",
        "probability_against": "the same after `against`",
        "times": "`probability` over `probability_against`; missing where that is 0",
        "ci_low": "95 % interval of `times`, not adjusted for other words",
        "ci_high": "its other end",
        "harmful": "in the harmful lexicon",
    },
    "evidence": {
        "probe": "id of the probe",
        "axis": "the axis of the probe",
        "role": "of the probe: `probe`, `positive_control` or `negative_control` (placebos too)",
        "template": "the sentence frame",
        "group": "the group",
        "term": "the group's word in this sentence",
        "target": "the scored word's id",
        "pole": "the pole of the word: `+`, `-`, or `0` for neither",
        "text": "the sentence",
        "probability": "of the scored word in its place; missing for an encoder",
        "log_prob": "its logarithm, nats; of an encoder its `cosine` in standard deviations",
        "pieces": "pieces of the word in the model's vocabulary",
        "rank": "place among the likeliest words, where it is among them",
        "skip": "why there is no score; empty where there is one",
    },
    "benchmarks": {
        "id": "the result",
        "dataset": "the data set",
        "measure": "how its sentences are scored",
        "group": "`all`, or the part of the data set that it is about",
        "estimate": "in `unit`",
        "unit": "of `estimate`: a share in percent, nats, a rank",
        "neutral": "the value that means no preference; missing where there is none",
        "ci_low": "95 % interval over clusters, not adjusted for other results",
        "ci_high": "its other end",
        "p_value": "against `neutral`",
        "p_adjusted": "of a category: after Holm over the categories of the measure",
        "n_items": "pairs or items behind it",
        "n_clusters": "how many of them are independent: writers, terms or templates",
        "reason": "what was left out, or why there is no interval",
    },
    "pair_scores": {
        "dataset": "the data set",
        "pair": "id of the pair in the data set",
        "category": "its kind of bias",
        "direction": "`stereo` or `antistereo`, where the data set says so",
        "cluster": "pairs that share it count as one unit",
        "measure": "how its sentences are scored",
        "more": "score of the more stereotypical sentence; larger is preferred",
        "less": "score of the other one",
        "skip": "why there is no score; empty where there is one",
        "detail": "the same in words",
    },
}
"""Columns of each table with their meaning."""
_OF_DATA = ("benchmarks", "pair_scores")
"""Tables of published data sets; the others are of probes."""
_ITEMS = {"dataset": "probe", "n_items": "n_templates", "n_clusters": "n_terms"}
"""Columns of ``benchmarks`` that are fields of another name."""
_NESTED = (
    "groups", "group_labels", "pairs", "variance", "clusters", "words_of_this_kind", "checks",
    "by_template", "by_target", "companions", "sentences", "leans",
)  # fmt: skip
"""Fields of a result that are no plain value, or stand in a column of another name."""
F = TypeVar("F", bound=Callable[..., object])
SHOWN, _WIDTH = 8, 98


def explain_columns(table: str) -> Callable[[F], F]:
    """Return what adds a line for each column of a table to the help of a function."""

    def add(function: F) -> F:
        lines = (f"    {name}: {meaning}." for name, meaning in COLUMNS[table].items())
        function.__doc__ = "\n".join((cleandoc(function.__doc__ or ""), "", "Columns:", *lines))
        return function

    return add


class Findings(tuple[Finding, ...]):
    """Findings, strongest first; shown as a short table."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return a line for each of the first findings."""
        if not self:
            return "no finding: no association was shown, which is no evidence of absence"
        lines = [f"{'id':8}  {'size':11}  {'evidence':8}  finding"]
        for one in self[:SHOWN]:
            head = f"{one.id:8}  {one.size:11}  {one.evidence:8}  "
            lines.append(head + textwrap.shorten(one.headline, _WIDTH - len(head), placeholder="…"))
        if len(self) > SHOWN:
            lines.append(f"… and {len(self) - SHOWN} more")
        return "\n".join(lines)


def primary(results: Results) -> list[Result]:
    """Return the comparisons of a run: associations first, the largest gap first."""
    some = [r for r in results.results if r.role == "primary" and r.outcome in OUTCOMES]
    return sorted(
        some, key=lambda r: (OUTCOMES.index(r.outcome or "open"), -abs(r.estimate or 0.0), r.id)
    )


def names(results: Results) -> list[str]:
    """Return what shows the records of a run: of probes, of published data sets, or both."""
    axes = {probe.axis for probe in results.probes}
    of_data = [f".{table}()" for table in _OF_DATA if DATA_SETS in axes]
    if axes == {DATA_SETS}:
        return of_data
    return [".findings", *(f".{table}()" for table in COLUMNS if table not in _OF_DATA), *of_data]


def require_probes(results: Results, table: str) -> None:
    """Refuse a table of probes where only published data sets were measured.

    Raises:
        UsageError: there are no probes.
    """
    axes = {probe.axis for probe in results.probes}
    if axes == {DATA_SETS}:
        raise UsageError(
            f"this audit measured published data sets and no probes, so {table}() has no rows",
            hint="call benchmarks() for their results, pair_scores() for every pair",
        )


def benchmarks(results: Results, *, full: bool = False) -> pd.DataFrame:
    """One row for each number of a published data set.

    Raises:
        UsageError: no data set was measured.
    """
    mine = [result for result in results.results if result.axis == DATA_SETS]
    if not any(probe.axis == DATA_SETS for probe in results.probes):
        raise no_data_sets("benchmarks")
    plain = [name for name in Result.model_fields if name not in _NESTED]
    rows = [
        {name: getattr(one, _ITEMS.get(name, name), None) for name in COLUMNS["benchmarks"]}
        | {"group": one.groups[0]}
        | (_plain(one, plain) if full else {})
        for one in mine
    ]
    return _frame("benchmarks", rows, plain if full else ())


def no_data_sets(table: str) -> UsageError:
    """Return what to say where a table of data sets was asked for without one."""
    return UsageError(
        f"this audit measured no published data set, so {table}() has no rows",
        hint="call comparisons() for its probes, or audit(data={'crows-pairs': FILE}) for pairs",
    )


def pair_scores(source: Source) -> pd.DataFrame:
    """One row for each pair and measure, from ``benchmarks.csv.gz``.

    Raises:
        UsageError: it is no such file.
    """
    import pandas as pd

    from bias_audit.datasets.pair_scores import read_rows

    rows = [asdict(row) for row in read_rows(source)]
    return pd.DataFrame(rows, columns=[*COLUMNS["pair_scores"]])


def comparisons(results: Results, *, full: bool = False) -> pd.DataFrame:
    """One row for each comparison; in full, with every further plain field of its result."""
    plain = [name for name in Result.model_fields if name not in _NESTED]
    of_kind = (*KIND[:2], "p_value", *KIND[2:])  # which p belongs to, and not to se and df
    rest = [name for name in plain if name not in of_kind]
    rows = [_comparison(r) | (_plain(r, plain) if full else {}) for r in primary(results)]
    return _frame("comparisons", rows, (*rest, *CLUSTERS, *of_kind) if full else ())


def words(results: Results, *, full: bool = False) -> pd.DataFrame:
    """One row for each word of each comparison, the largest difference first."""
    probes = {probe.id: probe for probe in results.probes}
    rows, facts = [], set()
    for result in primary(results):
        for effect in sorted(result.by_target, key=lambda one: (-abs(one.value), one.id)):
            row = _word(result, effect, probes[result.probe])
            rows.append(row | dict(effect.facts))
            facts |= set(effect.facts)
    further = ["target", "p_value", *sorted(facts)] if full else []
    return _frame("words", rows, further)


def completions(results: Results, *, full: bool = False) -> pd.DataFrame:
    """One row for each word behind a difference; in full, the likeliest words of each group too."""
    rows = list(_words_behind(results))
    if full:
        known = {(row["probe"], row["group"], row["word"]) for row in rows}
        rows += [
            {"axis": probe.axis, "probe": probe.id, "group": group.id, "word": word.token,
             "probability": word.probability, "harmful": word.harmful}
            for probe in results.probes
            for group in probe.groups
            for word in group.completions
            if (probe.id, group.id, word.token) not in known
        ]  # fmt: skip
    return _frame("completions", rows)


def evidence(table: pd.DataFrame, *, full: bool = False) -> pd.DataFrame:
    """Every scored word of every sentence, from the table that a run keeps."""
    import numpy as np

    shown = [*COLUMNS["evidence"]]
    more = [name for name in EVIDENCE_COLUMNS if name not in shown] if full else []
    if COSINE in table:
        return table.assign(probability=np.nan)[[*shown, COSINE, *more]]
    return table.assign(probability=np.exp(table["log_prob"]))[[*shown, *more]]


def _frame(table: str, rows: list[dict[str, Any]], further: Any = ()) -> pd.DataFrame:
    import pandas as pd

    names = dict.fromkeys((*COLUMNS[table], *further))
    return pd.DataFrame(rows, columns=[*names])


def _comparison(result: Result) -> dict[str, Any]:
    labels = dict(zip(result.group_labels, result.groups, strict=False))
    return {
        **_plain(result, [name for name in COLUMNS["comparisons"] if name not in _NESTED]),
        "group_a": result.groups[0],
        "group_b": result.groups[1],
        "leans": labels.get(result.leans, result.leans),
        "times": _ratio(result.estimate),
        **{name: value_of(result, name) for name in (*CLUSTERS, *KIND)},
    }


def _word(result: Result, effect: TargetEffect, probe: ProbeRecord) -> dict[str, Any]:
    a, b = result.groups
    after = _probabilities(probe, effect.id)
    return {
        **{name: getattr(result, name) for name in ("id", "axis", "probe")},
        **{name: getattr(effect, name) for name in ("ci_low", "ci_high", "p_value", "p_adjusted")},
        "group_a": a,
        "group_b": b,
        "word": effect.text,
        "target": effect.id,
        "pole": effect.pole,
        "leans": (a if effect.value > 0 else b) if effect.value else "",
        "times": _ratio(effect.value),
        "probability_a": after.get(a),
        "probability_b": after.get(b) if b != OTHERS else _mean_without(after, a),
        "estimate": effect.value,
    }


def _probabilities(probe: ProbeRecord, target: str) -> Mapping[str, float]:
    """The mean probability of a word after each group, where it is known."""
    record = next((one for one in probe.targets if one.id == target), None)
    values = record.probability if record else ()
    pairs = zip((group.id for group in probe.groups), values, strict=False)
    return {group: value for group, value in pairs if value is not None}


def _mean_without(values: Mapping[str, float], left_out: str) -> float | None:
    others = [value for group, value in values.items() if group != left_out]
    return math.fsum(others) / len(others) if others else None


def _words_behind(results: Results) -> Iterator[dict[str, Any]]:
    for result in results.results:
        for companion in result.companions if result.metric == "completions" else ():
            if companion.metric != "completion_words":
                continue
            group = companion.groups[0]
            for word in companion.words:
                yield {
                    "axis": result.axis,
                    "probe": result.probe,
                    "group": group,
                    "against": next(name for name in result.groups if name != group),
                    "outcome": result.outcome,
                    "word": word.token,
                    "probability": word.value,
                    "probability_against": word.others,
                    "times": word.ratio,
                    "ci_low": word.ci_low,
                    "ci_high": word.ci_high,
                    "harmful": word.harmful,
                }


def _plain(result: Result, names: list[str]) -> dict[str, Any]:
    """Fields of a result by name; several codes are joined by spaces."""
    values = {name: getattr(result, name) for name in names if name in Result.model_fields}
    return {k: " ".join(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _ratio(estimate: float | None) -> float | None:
    """How many times as likely, in the direction in which something is likelier."""
    return None if estimate is None else math.exp(abs(estimate))
