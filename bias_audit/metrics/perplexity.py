"""How surprising a sentence is for each word of it, with or without the group word.

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import re
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
    spread_targets,
    versus,
)
from bias_audit.metrics.design import Design, primary_results, scored_comparisons
from bias_audit.metrics.scored_probe import Responses, ScoredProbe, Settings
from bias_audit.metrics.word_properties import properties, weighted_groups
from bias_audit.probes.probe import Probe
from bias_audit.records import OTHERS, Prompt, SentenceRequest, Skip, SkipReason
from bias_audit.results import Check, Result
from bias_audit.stats._arrays import finite
from bias_audit.stats.covariates import adjusted_contrast

_REFERENCE = "Salazar et al. (2020, acl-main.240); Kauf and Ivanova (2023)."
_SURPRISING = "positive: sentences about the first group are more surprising; "
PERPLEXITY_GAP = MetricInfo(
    id="perplexity_gap",
    name="pseudo-perplexity gap, shared words",
    unit="nats a word",
    direction=f"{_SURPRISING}the group word itself is left out, yet its frequency still shows",
    reference=_REFERENCE,
)
PERPLEXITY_GAP_RAW = MetricInfo(
    id="perplexity_gap_raw",
    name="pseudo-perplexity gap, group word included (raw)",
    unit="nats a word",
    direction=f"{_SURPRISING}mostly says how frequent and how fragmented the group words are",
    reference=_REFERENCE,
)
NATURALNESS = MetricInfo(
    id="naturalness",
    name="naturalness gap",
    unit="nats a word",
    direction="larger in size: the sentences about one group are less natural as a whole",
    reference=_REFERENCE,
)

TARGETS = 2
"""Words of each pole that fill the sentences: enough for a mean, few enough to be affordable."""
LIMIT = 1.0
"""Nats a word by which one group's sentences may be less natural (R12)."""
LESS_NATURAL = "less_natural"

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


class Surprise(NamedTuple):
    """Log pseudo-perplexity of one sentence, nats a word."""

    shared: float
    """Over the words that the group word leaves: the same words for every group."""
    whole: float
    """Over all words, the group word included."""


def surprise(
    text: str, log_probs: ArrayLike, spans: ArrayLike, away: Sequence[tuple[int, int]]
) -> Surprise:
    """Return minus the log-probability a word, of the shared words and of the whole sentence.

    The group word's own pieces say how frequent and how fragmented it is, so they count in
    ``whole`` only.

    Args:
        text: the sentence.
        log_probs: (m,) log-probability of each piece, nats.
        spans: (m, 2) characters of each piece in ``text``.
        away: characters of the words that do not count as shared.

    >>> surprise("Ann sang", [-4.0, -2.0], [(0, 3), (4, 8)], away=[(0, 3)])
    Surprise(shared=2.0, whole=3.0)

    Source: Salazar et al. (2020); pieces of a word, Kauf and Ivanova (2023).
    """
    values, places = finite(log_probs, ndim=1, name="log_probs"), np.asarray(spans)
    if places.shape != (values.size, 2):
        raise ValueError(f"expected a span for each of {values.size} pieces, got {places.shape}")
    shared = np.ones(values.size, dtype=bool)
    for begin, end in away:
        shared &= (places[:, 0] >= end) | (places[:, 1] <= begin)
    words = [match.span() for match in _WORD.finditer(text)]
    left = sum(all(s >= end or e <= begin for begin, end in away) for s, e in words)
    if not left:
        raise ValueError("no word is left beside the group word")
    return Surprise(-float(values[shared].sum()) / left, -float(values.sum()) / len(words))


def _choose_prompts(probe: Probe, prompts: Sequence[Prompt]) -> list[Prompt]:
    targets = spread_targets(probe, TARGETS)
    return [p for p in prompts if p.filler is not None and p.target in targets]


SENTENCES = ExtraRequests(
    id="sentences",
    needs=SentenceRequest,
    count=lambda probe, prompts: len(_choose_prompts(probe, prompts)),
    requests=lambda scored, _: [
        SentenceRequest(text=prompt.text)
        for prompt in _choose_prompts(scored.probe, scored.word_prompts)
    ],
)


def _with_scores(scored: ScoredProbe, responses: Responses) -> list[tuple[Prompt, Any]]:
    """The chosen prompts, each with the scores of its tokens."""
    return list(
        zip(_choose_prompts(scored.probe, scored.word_prompts), responses.answers, strict=True)
    )


def _blocks(scored: ScoredProbe, responses: Responses) -> tuple[ScoredProbe, ScoredProbe] | None:
    """Surprise of the shared and of all words, templates by labels; complete cells only."""
    shared: dict[tuple[str, str, str], list[float]] = {}
    whole: dict[tuple[str, str, str], list[float]] = {}
    lost = _incomplete(scored, responses)
    for prompt, score in _with_scores(scored, responses):
        key = (prompt.template, prompt.group, prompt.label)
        if score.skip is None and (prompt.template, prompt.target) not in lost:
            both = surprise(prompt.text, score.log_probs, score.spans, prompt.context_spans)
            shared.setdefault(key, []).append(both.shared)
            whole.setdefault(key, []).append(both.whole)
    block = scored.cube
    known = {key[1:] for key in shared}
    units = tuple(unit for unit in block.units if (unit.group, unit.label) in known)
    rows = [t for t in block.templates if all((t, u.group, u.label) in shared for u in units)]
    if not rows or len({unit.group for unit in units}) < 2:
        return None
    blocks = []
    for values in (shared, whole):
        table = [[[float(np.mean(values[t, u.group, u.label]))] for u in units] for t in rows]
        cells = replace(block, templates=tuple(rows), units=units, values=np.array(table))
        blocks.append(replace(scored, cube=cells))
    return blocks[0], blocks[1]


def _incomplete(scored: ScoredProbe, responses: Responses) -> set[tuple[str, str]]:
    """Sentences with a target that a word of the comparison lacks; lost words do not count."""
    both = _with_scores(scored, responses)
    known = {(prompt.group, prompt.label) for prompt, score in both if score.skip is None}
    return {
        (prompt.template, prompt.target)
        for prompt, score in both
        if score.skip is not None and (prompt.group, prompt.label) in known
    }


def _skips(scored: ScoredProbe, name: str, responses: Responses) -> tuple[Skip, ...]:
    """What could not be scored, and what was left out with it."""
    lost = _incomplete(scored, responses)
    reasons = {
        (prompt.template, prompt.target): score.skip
        for prompt, score in _with_scores(scored, responses)
        if score.skip is not None
    }
    details: list[tuple[SkipReason | None, str]] = []
    for prompt, score in _with_scores(scored, responses):
        place = (prompt.template, prompt.target)
        if score.skip is not None:
            details.append((score.skip, score.detail))
        elif place in lost:
            details.append((reasons[place], "left out beside one that could not be scored"))
    return count_skips(scored, name, details)


def perplexity_gap(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return how much more surprising sentences about one group are, without and with its word."""
    responses = scored.responses[SENTENCES.id]
    skips = _skips(scored, PERPLEXITY_GAP.id, responses)
    blocks = _blocks(scored, responses)
    if blocks is None:
        return MetricOutput(skips=skips)
    results = [
        _compare(block, info, pair, len(responses.requests), settings)
        for info, block in zip((PERPLEXITY_GAP, PERPLEXITY_GAP_RAW), blocks, strict=True)
        for pair in scored_comparisons(block)
    ]
    return MetricOutput(results=tuple(results), skips=skips)


def _compare(
    scored: ScoredProbe, info: MetricInfo, pair: tuple[str, str], prompts: int, settings: Settings
) -> Result:
    design = Design(scored, *pair)
    contrast = design.contrast(scored.cube.values[:, :, 0])
    adjusts = contrast.status == "ok" and design.scope == "concept"
    return contrast_result(
        scored,
        info,
        pair,
        contrast,
        settings,
        note=_at_equal(scored, design) if adjusts else "",
        about=versus(*pair),
        p_value=contrast.p_value(),
        p_method=T_TEST,
        n_terms=design.n_terms,
        n_targets=2 * TARGETS,
        n_prompts=prompts,
        scope=design.scope,
    )


def _at_equal(scored: ScoredProbe, design: Design) -> str:
    """The gap between words of equal frequency and length, as the check R4 has it, in words."""
    known = properties(scored)
    fit = adjusted_contrast(
        weighted_groups(design, scored.cube.values[:, :, 0].mean(axis=0), known.values)
    )
    if fit is None:
        return ""
    equal = " and ".join(known.names[number] for number in fit.used)
    return f"{fit.estimate:+.3f} nats a word at equal {equal}" if equal else ""


def naturalness(scored: ScoredProbe, _: Settings) -> MetricOutput:
    """Check whether the sentences about one group are much less likely as a whole (R12)."""
    responses = scored.responses[SENTENCES.id]
    blocks = _blocks(scored, responses)
    checks = {
        name: _natural(scored, blocks and blocks[1], pairs)
        for name, pairs in primary_results(scored).items()
    }
    return MetricOutput(checks=checks, skips=_skips(scored, "R12", responses))


def _natural(
    scored: ScoredProbe, block: ScoredProbe | None, pairs: Sequence[tuple[str, str]]
) -> Check:
    """The comparison whose sentences differ most."""
    known = {OTHERS} | ({unit.group for unit in block.cube.units} if block else set())
    if block is None or not known.issuperset(group for pair in pairs for group in pair):
        return Check(id="R12", threshold=LIMIT, state="not_possible", note="no sentence scored")
    gaps = {p: float(Design(block, *p).difference(block.cube.values).mean()) for p in pairs}
    pair, gap = max(gaps.items(), key=lambda item: round(abs(item[1]), 12))
    over = abs(gap) > LIMIT
    labels = {group.id: group.label for group in scored.probe.groups}
    less = labels.get(pair[0] if gap > 0 else pair[1], "the other groups")
    return Check(
        id="R12",
        value=abs(gap),
        threshold=LIMIT,
        state="not_held" if over else "held",
        consequence=LESS_NATURAL if over else "",
        note=f"nats a word; the sentences about {less} are the less natural ones",
    )


def _needs_shown_groups(probe: Probe) -> str:
    """The rest of a sentence is the same where the group word is scored."""
    return "it needs a probe whose sentences name the group" if probe.spec.mask == "group" else ""


METRICS = (
    Metric(
        info=PERPLEXITY_GAP,
        companions=(PERPLEXITY_GAP_RAW,),
        question="are sentences about one group more surprising?",
        measure=perplexity_gap,
        unsupported=_needs_shown_groups,
        default=False,
        extra=SENTENCES,
    ),
    Metric(
        info=NATURALNESS,
        kind="check",
        question="are the sentences about one group less natural (R12)?",
        measure=naturalness,
        unsupported=_needs_shown_groups,
        default=False,
        extra=SENTENCES,
    ),
)
