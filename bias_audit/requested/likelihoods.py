"""How surprising whole sentences are for each group: the perplexity gap, and naturalness (R12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bias_audit.archive import Check, Result
from bias_audit.assess import Design, Scored, Settings
from bias_audit.assess.checks import properties, weighted
from bias_audit.metrics.perplexity import surprise
from bias_audit.probes import Probe
from bias_audit.records import (
    OTHERS,
    Prompt,
    SentenceRequest,
    SentenceScore,
    Skip,
    SkipReason,
)
from bias_audit.requested._base import (
    Asking,
    Found,
    Material,
    Request,
    compared,
    design,
    lost,
    primaries,
    result,
)
from bias_audit.requested._sample import spread_targets
from bias_audit.stats.adjusted import adjusted

TARGETS = 2
"""Words of each pole that fill the sentences: enough for a mean, few enough to be affordable."""


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """Sentences with the scores of their pieces, within words from left to right."""

    prompts: tuple[Prompt, ...]
    scores: tuple[SentenceScore, ...]


def _chosen(probe: Probe, prompts: Sequence[Prompt]) -> list[Prompt]:
    targets = spread_targets(probe, TARGETS)
    return [p for p in prompts if p.filler is not None and p.target in targets]


def _ask(scored: Scored, asking: Asking, _: Settings) -> Sentences:
    prompts = _chosen(scored.probe, scored.word_prompts)
    scores = asking.score([SentenceRequest(text=prompt.text) for prompt in prompts])
    return Sentences(prompts=tuple(prompts), scores=tuple(scores))


PIECES = Material(
    id="sentences",
    needs=SentenceRequest,
    count=lambda probe, prompts: len(_chosen(probe, prompts)),
    ask=_ask,
)


def _blocks(scored: Scored, answers: Sentences) -> tuple[Scored, Scored] | None:
    """Surprise of the shared and of all words, templates by labels; complete cells only.

    A target that one word lacks in a sentence is left out of that sentence for all words: else
    the words would be compared over different targets.
    """
    shared: dict[tuple[str, str, str], list[float]] = {}
    whole: dict[tuple[str, str, str], list[float]] = {}
    gone = _incomplete(answers)
    for prompt, score in zip(answers.prompts, answers.scores, strict=True):
        key = (prompt.template, prompt.group, prompt.label)
        if score.skip is None and (prompt.template, prompt.target) not in gone:
            found = surprise(prompt.text, score.log_probs, score.spans, prompt.beside)
            shared.setdefault(key, []).append(found.shared)
            whole.setdefault(key, []).append(found.whole)
    block = scored.cube
    known = {key[1:] for key in shared}
    units = tuple(unit for unit in block.units if (unit.group, unit.label) in known)
    rows = [t for t in block.templates if all((t, u.group, u.label) in shared for u in units)]
    if not rows or len({unit.group for unit in units}) < 2:
        return None
    made = []
    for values in (shared, whole):
        table = [[[float(np.mean(values[t, u.group, u.label]))] for u in units] for t in rows]
        cells = replace(block, templates=tuple(rows), units=units, values=np.array(table))
        made.append(replace(scored, cube=cells))
    return made[0], made[1]


def _incomplete(answers: Sentences) -> set[tuple[str, str]]:
    """Sentences with a target that a word of the comparison lacks; lost words do not count."""
    both = list(zip(answers.prompts, answers.scores, strict=True))
    there = {(prompt.group, prompt.label) for prompt, score in both if score.skip is None}
    return {
        (prompt.template, prompt.target)
        for prompt, score in both
        if score.skip is not None and (prompt.group, prompt.label) in there
    }


def _lost(scored: Scored, name: str, answers: Sentences) -> tuple[Skip, ...]:
    """What could not be scored, and what was left out beside it."""
    gone = _incomplete(answers)
    reasons = {
        (prompt.template, prompt.target): score.skip
        for prompt, score in zip(answers.prompts, answers.scores, strict=True)
        if score.skip is not None
    }
    told: list[tuple[SkipReason | None, str]] = []
    for prompt, score in zip(answers.prompts, answers.scores, strict=True):
        place = (prompt.template, prompt.target)
        if score.skip is not None:
            told.append((score.skip, score.detail))
        elif place in gone:
            told.append((reasons[place], "left out beside one that could not be scored"))
    return lost(scored, name, told)


def _gap(scored: Scored, answers: Sentences, settings: Settings) -> Found:
    skips = _lost(scored, "perplexity_gap", answers)
    blocks = _blocks(scored, answers)
    if blocks is None:
        return Found(skips=skips)
    results = [
        _compare(made, metric, pair, len(answers.prompts), settings)
        for metric, made in zip(("perplexity_gap", "perplexity_gap_raw"), blocks, strict=True)
        for pair in compared(made)
    ]
    return Found(results=tuple(results), skips=skips)


def _compare(
    scored: Scored, metric: str, pair: tuple[str, str], prompts: int, settings: Settings
) -> Result:
    made = design(scored, pair)
    contrast = made.contrast(scored.cube.values[:, :, 0], None)
    told = contrast.status == "ok" and made.scope == "concept"
    return result(
        scored,
        metric,
        pair,
        contrast=contrast,
        level=settings.confidence,
        n_terms=made.n_terms,
        n_targets=2 * TARGETS,
        n_prompts=prompts,
        scope=made.scope,
        target_scope="fixed",
        **({"reason": _at_equal(scored, made)} if told else {}),
    )


def _at_equal(scored: Scored, made: Design) -> str:
    """The gap between words of equal frequency and length, as the check R4 has it, in words."""
    known = properties(scored)
    found = adjusted(weighted(made, scored.cube.values[:, :, 0].mean(axis=0), known.values))
    if found is None:
        return ""
    equal = " and ".join(known.names[number] for number in found.used)
    return f"{found.estimate:+.3f} nats a word at equal {equal}" if equal else ""


PERPLEXITY_GAP = Request(
    id="perplexity_gap",
    material=PIECES,
    assess=_gap,
)


MOST = 1.0
"""Nats a word by which one group's sentences may be less natural (R12)."""
LESS_NATURAL = "less_natural"


def _naturalness(scored: Scored, answers: Sentences, _: Settings) -> Found:
    """R12: are the sentences about one group much less likely as a whole?"""
    blocks = _blocks(scored, answers)
    checks = {
        name: _natural(scored, blocks and blocks[1], pairs)
        for name, pairs in primaries(scored).items()
    }
    return Found(checks=checks, skips=_lost(scored, "R12", answers))


def _natural(scored: Scored, block: Scored | None, pairs: Sequence[tuple[str, str]]) -> Check:
    """The comparison whose sentences differ most."""
    there = {OTHERS} | ({unit.group for unit in block.cube.units} if block else set())
    if block is None or not there.issuperset(group for pair in pairs for group in pair):
        return Check(id="R12", threshold=MOST, state="not_possible", note="no sentence scored")
    gaps = {p: float(design(block, p).difference(block.cube.values).mean()) for p in pairs}
    pair, gap = max(gaps.items(), key=lambda item: round(abs(item[1]), 12))
    over = abs(gap) > MOST
    labels = {group.id: group.label for group in scored.probe.groups}
    less = labels.get(pair[0] if gap > 0 else pair[1], "the other groups")
    return Check(
        id="R12",
        value=abs(gap),
        threshold=MOST,
        state="not_held" if over else "held",
        consequence=LESS_NATURAL if over else "",
        note=f"nats a word; the sentences about {less} are the less natural ones",
    )


NATURALNESS = Request(
    id="naturalness",
    material=PIECES,
    assess=_naturalness,
)
