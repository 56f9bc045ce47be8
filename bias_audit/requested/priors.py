"""Group words against their prior, for probes that score them: LPBS and the categorical score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bias_audit.archive import Result, TargetEffect
from bias_audit.assess import Scored, Settings, scored_groups, target_scope
from bias_audit.metrics import prior
from bias_audit.records import FillScore, Floats, Prompt, Skip, SpanRequest, SpanScore
from bias_audit.requested._base import (
    Asking,
    Found,
    Material,
    Request,
    compared,
    design,
    lost,
    result,
)
from bias_audit.stats.contrast import matched_pairs, two_groups
from bias_audit.stats.estimate import Scope
from bias_audit.stats.layout import over_targets
from bias_audit.tables import Cube, Scores, cube


@dataclass(frozen=True, kw_only=True)
class Priors:
    """Answers in the order of the scored prompts."""

    priors: tuple[SpanScore, ...]
    """Each group word while the target is hidden."""
    shown: tuple[SpanScore, ...] = ()
    """Each group word while it can be seen; asked only where a group word has several pieces, for
    the score of published code."""


def _ask(scored: Scored, asking: Asking, _: Settings) -> Priors:
    prompts = scored.word_prompts
    hidden = [_request(prompt, prompt.beside) for prompt in prompts]
    priors = tuple(asking.score(hidden))
    shown: tuple[SpanScore, ...] = ()
    if any(answer.pieces > 1 for answer in priors):
        shown = tuple(asking.score([_request(p, ()) for p in prompts]))
    return Priors(priors=priors, shown=shown)


def _request(prompt: Prompt, hidden: tuple[tuple[int, int], ...]) -> SpanRequest:
    start = len(prompt.left)
    word = (start, start + len(prompt.filler or ""))
    return SpanRequest(text=prompt.text, word=word, hidden=hidden)


PRIORS = Material(
    id="priors",
    needs=SpanRequest,
    count=lambda _, prompts: sum(prompt.filler is not None for prompt in prompts),
    ask=_ask,
)


def prior_column(answers: Priors) -> list[float]:
    """The priors as the evidence stores them; not a number where one is missing."""
    return [a.log_prob if a.skip is None else math.nan for a in answers.priors]


def _associations(
    scored: Scored, scores: Sequence[float | None], priors: Sequence[SpanScore], *, outer: bool
) -> Scored:
    """The probe with ln(p / prior) in place of its scores.

    A target without a prior in one place is left out of all of them: the design stays complete.
    """
    block = scored.cube
    units = {(unit.group, unit.label) for unit in block.units}
    places = [
        number
        for number, prompt in enumerate(scored.word_prompts)
        if prompt.template in block.templates
        and prompt.target in block.targets
        and (prompt.group, prompt.label) in units
    ]
    prompts = scored.word_prompts
    gone = {prompts[n].target for n in places if priors[n].skip is not None or scores[n] is None}
    kept = [n for n in places if prompts[n].target not in gone]
    over = _block(scored, kept, scores)
    under = _block(scored, kept, [a.outer if outer else a.log_prob for a in priors])
    values = prior.association(over.values, under.values)
    return replace(scored, cube=replace(over, values=values))


def _block(scored: Scored, kept: Sequence[int], values: Sequence[float | None]) -> Cube:
    prompts = [scored.word_prompts[n] for n in kept]
    answers = [FillScore(log_prob=values[n], pieces=scored.word_scores[n].pieces) for n in kept]
    return cube(scored.probe, Scores.build(scored.probe.spec.axis, prompts, answers))


def _lpbs(scored: Scored, answers: Priors, settings: Settings) -> Found:
    scores = [score.log_prob for score in scored.word_scores]
    made = _associations(scored, scores, answers.priors, outer=False)
    results = [r for pair in compared(made) for r in _compare(made, pair, settings)]
    return Found(results=tuple(results), skips=_skips(scored, "lpbs", answers))


def _skips(scored: Scored, name: str, answers: Priors) -> tuple[Skip, ...]:
    return lost(scored, name, ((a.skip, f"no prior: {a.detail}") for a in answers.priors))


def _compare(scored: Scored, pair: tuple[str, str], settings: Settings) -> list[Result]:
    """The contrast of the poles, and the level of each."""
    block, level = scored.cube, settings.confidence
    y = design(scored, pair).difference(block.values)
    plus, minus = block.pole("+"), block.pole("-")
    scope: Scope = "concept" if target_scope(scored.probe, block) == "construct" else "terms"
    both = over_targets(two_groups(y, plus, minus, scope=scope))
    table = _by_target(scored, y, level)
    found = [result(scored, "lpbs", pair, contrast=both, level=level, by_target=table)]
    names = (scored.probe.plus_name, scored.probe.minus_name)
    for name, title, columns in zip(("plus", "minus"), names, (plus, minus), strict=True):
        one = over_targets(matched_pairs(y[:, columns], scope=scope))
        more: dict[str, Any] = {"name": name, "target": title, "n_targets": len(columns)}
        found.append(result(scored, "lpbs", pair, contrast=one, level=level, **more))
    return found


def _by_target(scored: Scored, y: Floats, level: float) -> tuple[TargetEffect, ...]:
    words = {target.word.id: target for target in scored.probe.targets}
    found = []
    for index, name in enumerate(scored.cube.targets):
        contrast = matched_pairs(y[:, [index]], scope="terms")
        limits = contrast.interval(level) or (None, None)
        word = words[name].word
        found.append(
            TargetEffect(
                id=name,
                text=word.forms.get("sg") or word.label,
                pole=words[name].pole,
                value=contrast.estimate,
                ci_low=limits[0],
                ci_high=limits[1],
                facts=dict(words[name].facts),
            )
        )
    return tuple(found)


def _cbs(scored: Scored, answers: Priors, settings: Settings) -> Found:
    scores = [score.log_prob for score in scored.word_scores]
    made = _associations(scored, scores, answers.priors, outer=False)
    results = [_spread(made, "cbs", settings)]
    if answers.shown:
        scores = [a.outer if a.skip is None else None for a in answers.shown]
        outer = _associations(scored, scores, answers.priors, outer=True)
        results.append(_spread(outer, "cbs_outer", settings))
    return Found(results=tuple(results), skips=_skips(scored, "cbs", answers))


def _spread(scored: Scored, metric: str, settings: Settings) -> Result:
    block, groups = scored.cube, scored_groups(scored)
    means = [block.values[:, block.columns(group)].mean(axis=1) for group in groups]
    found = prior.cbs(np.stack(means, axis=-1))
    contrast = over_targets(matched_pairs(found.cells, scope="concept"))
    limits = contrast.interval(settings.confidence)
    largest = int(np.argmax(found.shares))
    labels = {group.id: group.label for group in scored.probe.groups}
    said = f"{labels[groups[largest]]} make {found.shares[largest]:.0%} of it"
    said = said if len(groups) > 2 else ""
    low = max(0.0, limits[0]) if limits else None
    return result(
        scored,
        metric,
        groups,
        contrast=contrast,
        level=settings.confidence,
        ci_low=low,
        p_value=None,
        p_method="",
        effect_size=math.sqrt(found.value),
        reason=said,
    )


LPBS = Request(
    id="lpbs",
    material=PRIORS,
    assess=_lpbs,
)
CBS = Request(
    id="cbs",
    material=PRIORS,
    assess=_cbs,
)
