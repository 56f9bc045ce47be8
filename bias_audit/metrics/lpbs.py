"""Group words scored against their prior: what the sentence adds once the other word is shown.

Each takes natural logarithms. A score is the log-probability of a group word in its sentence, a
prior that of the same word while the sentence's other word is masked.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.metrics.base import (
    T_TEST,
    ExtraRequests,
    Metric,
    MetricInfo,
    MetricOutput,
    contrast_result,
    count_skips,
    target_effect,
    versus,
)
from bias_audit.metrics.design import (
    Design,
    sampled_shares,
    scored_comparisons,
    scored_groups,
    widest_claim,
)
from bias_audit.metrics.score_cube import ScoreCube, Scores, build_cube
from bias_audit.metrics.scored_probe import Responses, ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.records import FillScore, Prompt, Skip, Span, SpanRequest
from bias_audit.results import Result, TargetEffect
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.estimate import Contrast, Scope
from bias_audit.stats.layout import over_targets
from bias_audit.utils.arrays import Floats

LPBS = MetricInfo(
    id="lpbs",
    name="log-probability bias score (LPBS)",
    unit="nats",
    direction="positive: the shown words raise the first group's word more than the second's, each "
    "measured against its prior",
    reference="Kurita et al. (2019, W19-3823).",
)
_SPREAD = (
    "larger: the shown word raises some groups more than others; one outlying group can make all "
    "of it"
)
CBS = MetricInfo(
    id="cbs",
    name="categorical bias score (CBS)",
    unit="nats squared",
    direction=_SPREAD,
    reference="Ahn and Oh (2021, emnlp-main.42).",
)
CBS_OUTER = MetricInfo(
    id="cbs_outer",
    name="CBS as published code has it (compat)",
    unit="nats squared",
    direction=_SPREAD,
    reference="Code of Ahn and Oh (2021): every piece at every place of a word.",
)


def association(scores: ArrayLike, priors: ArrayLike) -> Floats:
    """Return ln(p / prior) of each cell, nats: by how much the shown word raises the group word.

    The difference of two groups is the log-probability bias score (LPBS).

    Args:
        scores: any shape, nats.
        priors: the same shape, nats.

    Source: Kurita et al. (2019).
    """
    values, base = np.asarray(scores, dtype=float), np.asarray(priors, dtype=float)
    if values.shape != base.shape or not (np.isfinite(values) & np.isfinite(base)).all():
        raise ValueError(
            f"expected finite scores and priors alike, got {values.shape}, {base.shape}"
        )
    return np.asarray(values - base)


class Spread(NamedTuple):
    """How unequally groups are associated."""

    cells: Floats
    """Variance over groups in each cell, nats squared, ddof 1."""
    value: float
    """Their mean: the categorical bias score."""
    shares: Floats
    """Share of each group in the squared deviations, summing to 1; equal where there are none."""


def cbs(associations: ArrayLike) -> Spread:
    """Return the categorical bias score: the variance of the associations over the groups.

    For two groups it is half the square of their difference. One outlying group can make all of
    it, so its share is returned too.

    Args:
        associations: (..., groups) log-ratios of score and prior, at least two groups, nats.

    Source: Ahn and Oh (2021), whose code divides by the number of groups less one.
    """
    values = np.asarray(associations, dtype=float)
    if values.ndim < 1 or values.shape[-1] < 2 or not np.isfinite(values).all():
        raise ValueError(f"expected finite values of two groups or more, got {values.shape}")
    cells = values.var(axis=-1, ddof=1)
    away = (values - values.mean(axis=-1, keepdims=True)) ** 2
    each = away.reshape(-1, values.shape[-1]).sum(axis=0)
    total = float(each.sum())
    equal = np.full(values.shape[-1], 1 / values.shape[-1])
    return Spread(np.asarray(cells), float(cells.mean()), each / total if total > 0 else equal)


def _prior_questions(scored: ScoredProbe, _: Settings) -> list[Any]:
    """Each group word while the target is hidden."""
    return [_question(prompt, prompt.context_spans) for prompt in scored.word_prompts]


def _shown_questions(scored: ScoredProbe, priors: Sequence[Any]) -> list[Any]:
    """Each group word while the target can be seen, for the score of published code."""
    if all(answer.pieces <= 1 for answer in priors):
        return []
    return [_question(prompt, ()) for prompt in scored.word_prompts]


def _question(prompt: Prompt, others: tuple[Span, ...]) -> SpanRequest:
    word = len(prompt.left), len(prompt.left) + len(prompt.filler or "")
    return SpanRequest(text=prompt.text, word=word, hidden=others)


PRIORS = ExtraRequests(
    id="priors",
    needs=SpanRequest,
    count=lambda _, prompts: sum(prompt.filler is not None for prompt in prompts),
    requests=_prior_questions,
    follow_up=_shown_questions,
)


def prior_column(responses: Responses) -> list[float]:
    """Return the priors as the evidence stores them; not a number where one is missing."""
    return [a.log_prob if a.skip is None else math.nan for a in responses.answers]


def _associations(
    scored: ScoredProbe, scores: Sequence[float | None], priors: Sequence[Any], *, outer: bool
) -> ScoredProbe:
    """The probe with ln(p / prior) in place of its scores."""
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
    lost = {prompts[n].target for n in places if priors[n].skip is not None or scores[n] is None}
    complete = [n for n in places if prompts[n].target not in lost]
    over = _block(scored, complete, scores)
    under = _block(scored, complete, [a.outer if outer else a.log_prob for a in priors])
    values = association(over.values, under.values)
    return replace(scored, cube=replace(over, values=values))


def _block(
    scored: ScoredProbe, numbers: Sequence[int], values: Sequence[float | None]
) -> ScoreCube:
    prompts = [scored.word_prompts[n] for n in numbers]
    answers = [FillScore(log_prob=values[n], pieces=scored.word_scores[n].pieces) for n in numbers]
    return build_cube(scored.probe, Scores.build(scored.probe, prompts, answers))


def log_probability_bias(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the contrast of the poles, and the level of each, for every comparison."""
    responses = scored.responses[PRIORS.id]
    scores = [score.log_prob for score in scored.word_scores]
    against = _associations(scored, scores, responses.answers, outer=False)
    results = [r for pair in scored_comparisons(against) for r in _compare(against, pair, settings)]
    return MetricOutput(results=tuple(results), skips=_skips(scored, LPBS, responses))


def _skips(scored: ScoredProbe, info: MetricInfo, responses: Responses) -> tuple[Skip, ...]:
    details = ((a.skip, f"no prior: {a.detail}") for a in responses.answers)
    return count_skips(scored, info.id, details)


def _compare(scored: ScoredProbe, pair: tuple[str, str], settings: Settings) -> list[Result]:
    """The contrast of the poles, and the level of each."""
    cube = scored.cube
    design = Design(scored, *pair)
    y = design.difference(cube.values)
    plus, minus = cube.pole("+"), cube.pole("-")
    scope: Scope = "concept" if widest_claim(cube) == "words_of_this_kind" else "terms"
    these, kind = design.pole_claims(y, (plus, minus), sampled_shares(scored))
    table = _by_target(scored, y, settings.confidence)
    results = [_contrast_result(scored, pair, kind or these, settings, by_target=table)]
    names = (scored.probe.plus_name, scored.probe.minus_name)
    for name, title, columns in zip(("plus", "minus"), names, (plus, minus), strict=True):
        one = over_targets(
            matched_pairs(y[:, columns], scope=scope, clusters=cube.target_columns(columns))
        )
        more: dict[str, Any] = {"name": name, "target": title, "n_targets": len(columns)}
        results.append(_contrast_result(scored, pair, one, settings, **more))
    return results


def _contrast_result(
    scored: ScoredProbe,
    pair: tuple[str, str],
    contrast: Contrast,
    settings: Settings,
    *,
    name: str = "",
    **more: Any,
) -> Result:
    about = ":".join(part for part in (versus(*pair), name) if part)
    more |= {"about": about, "p_value": contrast.p_value(), "p_method": T_TEST}
    return contrast_result(scored, LPBS, pair, contrast, settings, **more)


def _by_target(scored: ScoredProbe, y: Floats, level: float) -> tuple[TargetEffect, ...]:
    rows = scored.cube.row_clusters
    contrasts = (matched_pairs(y[:, [i]], scope="terms", clusters=rows) for i in range(y.shape[1]))
    return tuple(
        target_effect(scored, name, contrast, level, value=contrast.estimate)
        for name, contrast in zip(scored.cube.targets, contrasts, strict=True)
    )


def categorical_bias(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the spread of the associations over all groups, also as published code has it."""
    responses = scored.responses[PRIORS.id]
    scores = [score.log_prob for score in scored.word_scores]
    priors = responses.answers
    results = [_spread(_associations(scored, scores, priors, outer=False), CBS, settings)]
    if responses.follow_up:
        scores = [a.outer if a.skip is None else None for a in responses.follow_up]
        outer = _associations(scored, scores, priors, outer=True)
        results.append(_spread(outer, CBS_OUTER, settings))
    return MetricOutput(results=tuple(results), skips=_skips(scored, CBS, responses))


def _spread(scored: ScoredProbe, info: MetricInfo, settings: Settings) -> Result:
    cube, groups = scored.cube, scored_groups(scored)
    means = [cube.values[:, cube.columns(group)].mean(axis=1) for group in groups]
    spread = cbs(np.stack(means, axis=-1))
    contrast = over_targets(
        matched_pairs(spread.cells, scope="concept", clusters=cube.target_columns())
    )
    largest = int(np.argmax(spread.shares))
    labels = {group.id: group.label for group in scored.probe.groups}
    share = f"{labels[groups[largest]]} make {spread.shares[largest]:.0%} of it"
    return contrast_result(
        scored,
        info,
        groups,
        contrast,
        settings,
        note=share if len(groups) > 2 else "",
        least=0.0,
        about=versus(*groups) if len(groups) == 2 else "",
        effect_size=math.sqrt(spread.value),
    )


def _needs_masked_groups(probe: Probe) -> str:
    if probe.spec.mask == "group" and not probe.spec.targets.own:
        return ""
    return "it needs a probe that masks the group word, with two poles"


METRICS = (
    Metric(
        info=LPBS,
        question="group words against their prior (log-probability bias score)",
        measure=log_probability_bias,
        unsupported=_needs_masked_groups,
        default=False,
        extra=PRIORS,
    ),
    Metric(
        info=CBS,
        companions=(CBS_OUTER,),
        question="spread of these over all groups (categorical bias score)",
        measure=categorical_bias,
        unsupported=_needs_masked_groups,
        default=False,
        extra=PRIORS,
    ),
)
