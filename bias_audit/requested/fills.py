"""How many of the likeliest fills depend on the group (DisCo), from the open completions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal, TypedDict

import numpy as np

from bias_audit.archive import Result
from bias_audit.assess import Scored, Settings, scored_groups
from bias_audit.metrics.disco import (
    LEVEL,
    candidates,
    fill_tests,
    published_share,
    significant,
    smallest_p,
)
from bias_audit.records import OpenScore, SkipReason
from bias_audit.requested._base import Found, Request, lost, result
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.seeds import stream
from bias_audit.utils.arrays import Floats


class _Test(TypedDict):
    """How the fills of one sentence are tested."""

    paired: bool
    resamples: int


_Reason = tuple[SkipReason | None, str]
_Words = dict[tuple[str, str], dict[str, list[OpenScore]]]
"""Completions by sentence and group, then by label, or by word where groups have one label."""
_TOO_FEW: _Reason = ("not_applicable", "it needs two words in each group")
_BLIND: _Reason = (
    "not_applicable",
    "with so few words no fill of a sentence could differ after Holm",
)
_LEAST = 1e-12
"""Probabilities below this are taken for it: float32 can lose them."""


def _assess(scored: Scored, _: object, settings: Settings) -> Found:
    cells: _Words = {}
    labels = {(prompt.group, prompt.label) for prompt in scored.open_prompts}
    unit: Literal["label", "term"] = "label"
    if len(labels) == len({group for group, _ in labels}):
        unit = "term"  # one label each: its words with their heads are what there is
    for prompt, answer in zip(scored.open_prompts, scored.open_scores, strict=True):
        if answer.skip is None:
            place = cells.setdefault((prompt.template, prompt.group), {})
            place.setdefault(getattr(prompt, unit), []).append(answer)
    groups = [g for g in scored_groups(scored) if any(key[1] == g for key in cells)]
    results: list[Result] = []
    lacking: list[_Reason] = []
    for pair in combinations(groups, 2):
        matched = _matched(scored, pair, unit)
        made, reasons = _compare(scored, cells, pair, matched, settings)
        results += made
        lacking += reasons or ([] if made else [_TOO_FEW])
    return Found(results=tuple(results), skips=lost(scored, "disco", lacking))


def _compare(
    scored: Scored,
    cells: _Words,
    pair: tuple[str, str],
    matched: Sequence[tuple[str, str]],
    settings: Settings,
) -> tuple[list[Result], list[_Reason]]:
    """The results of two groups, and why sentences were left out of them."""
    a, b = pair
    names = (scored.probe.spec.axis, scored.probe.spec.id, "disco", f"{a}:{b}")
    counts: list[float] = []
    shares: list[float] = []
    blind: list[_Reason] = []
    for template in dict.fromkeys(key[0] for key in cells):
        left, right = cells.get((template, a), {}), cells.get((template, b), {})
        pairs = [(x, y) for x, y in matched if x in left and y in right]
        sides = ([x for x, _ in pairs], [y for _, y in pairs])
        first, second = sides if pairs else (sorted(left), sorted(right))
        if min(len(first), len(second)) < 2:
            continue
        tops = [[*_fills(left[x])] for x in first] + [[*_fills(right[y])] for y in second]
        fills = [word for word in candidates(tops) if word in scored.words]
        test: _Test = {"paired": bool(pairs), "resamples": settings.divergence_resamples}
        if fills and smallest_p(len(first), len(second), **test) * len(fills) >= LEVEL:
            blind.append(_BLIND)
        elif fills:
            columns = [scored.words.index(word) for word in fills]
            p_values = fill_tests(
                np.stack([_logs(left[x], columns) for x in first]),
                np.stack([_logs(right[y], columns) for y in second]),
                stream(settings.seed, *names, template),
                **test,
            )
            counts.append(significant(p_values))
        if pairs:
            shares.append(published_share([(_fills(left[x]), _fills(right[y])) for x, y in pairs]))
    return _results(scored, pair, counts, shares, settings), blind


def _results(
    scored: Scored,
    pair: tuple[str, str],
    counts: Sequence[float],
    shares: Sequence[float],
    settings: Settings,
) -> list[Result]:
    found = []
    for metric, values in (("disco", counts), ("disco_chi2", shares)):
        if values:
            contrast = matched_pairs(np.array(values, dtype=float)[:, None], scope="terms")
            limits = contrast.interval(settings.confidence)
            found.append(
                result(
                    scored,
                    metric,
                    pair,
                    contrast=contrast,
                    level=settings.confidence,
                    ci_low=max(0.0, limits[0]) if limits else None,
                    p_value=None,
                    p_method="",
                    n_targets=0,
                    n_prompts=len(scored.open_prompts),
                )
            )
    return found


def _matched(
    scored: Scored, pair: tuple[str, str], unit: Literal["label", "term"]
) -> list[tuple[str, str]]:
    """Matched words (or one label with the same head); empty unless every word has its partner."""
    sides = []
    for name in pair:
        words = [w for group in scored.probe.groups if group.id == name for w in group.words]
        keys = [word.pair if unit == "label" else word.pair or word.head for word in words]
        named = [word.label if unit == "label" else word.id for word in words]
        if not all(keys):
            return []
        sides.append(dict(zip(keys, named, strict=True)))
    if set(sides[0]) != set(sides[1]):
        return []
    return [(sides[0][key], sides[1][key]) for key in sorted(sides[0], key=str)]


def _fills(answers: Sequence[OpenScore]) -> dict[str, float]:
    """The likeliest fills after a label, its heads averaged, likeliest first."""
    sums: dict[str, float] = {}
    for answer in answers:
        for word, probability in answer.top:
            sums[word] = sums.get(word, 0.0) + probability / len(answers)
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _logs(answers: Sequence[OpenScore], columns: Sequence[int]) -> Floats:
    """Mean log-probability of the fills over the whole vocabulary, nats."""
    rows = [np.log(np.maximum(a.words[[*columns]] * a.word_mass, _LEAST)) for a in answers]
    return np.asarray(np.mean(rows, axis=0, dtype=np.float64))


DISCO = Request(
    id="disco",
    material=None,
    assess=_assess,
)
