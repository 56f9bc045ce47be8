"""Does a gap depend on full stops, capitals and small words (R9)? The cells, written otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bias_audit.errors import ScoringError
from bias_audit.metrics.base import (
    ExtraRequests,
    Metric,
    MetricInfo,
    MetricOutput,
    count_skips,
    needs_poles,
    spread_targets,
)
from bias_audit.metrics.design import Design, primary_results, scored_groups
from bias_audit.metrics.log_odds import pole_response
from bias_audit.metrics.score_cube import Scores, build_cube
from bias_audit.metrics.scored_probe import Responses, ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.text import parse_slots
from bias_audit.records import FillRequest, FillScore, Prompt
from bias_audit.results import Check

SURFACE_FORM = MetricInfo(
    id="surface",
    name="spread over surface forms",
    unit="share",
    direction="larger: the gap depends more on how its sentences are written",
)

TARGETS = 6
"""Words of each pole that are asked again."""
LIMIT = 0.5
"""Share of a gap's size that the variants may spread (R9); of the margin, where the gap is smaller:
what is small beside the margin changes no verdict."""
SURFACE = "surface_dependent"
AS_WRITTEN = "as written"
SAME = 1e-4
"""Scores closer than this, nats, are the same: what another batch can move."""
_THE = re.compile(r"\b([Tt])he $")


def _no_stop(prompt: Prompt, _: bool) -> Prompt:
    return replace(prompt, right=prompt.right.rstrip(".!?"))


def _small(prompt: Prompt, _: bool) -> Prompt:
    return replace(
        prompt,
        left=prompt.left.lower(),
        filler=(prompt.filler or "").lower(),
        right=prompt.right.lower(),
    )


def _this(prompt: Prompt, plural: bool) -> Prompt:
    """The article before the word that is not scored becomes "this", or "these"."""
    begin = prompt.context_spans[0][0] if prompt.context_spans else 0
    after = len(prompt.left) + len(prompt.filler or "")
    inside = begin <= len(prompt.left)
    side, cut = (prompt.left, begin) if inside else (prompt.right, begin - after)
    head = _THE.sub(lambda match: match[1] + ("hese " if plural else "his "), side[:cut])
    text = head + side[cut:]
    return replace(prompt, left=text) if inside else replace(prompt, right=text)


def _space(prompt: Prompt, _: bool) -> Prompt:
    return replace(prompt, right=f"{prompt.right} ")


VARIANTS: Mapping[str, Callable[[Prompt, bool], Prompt]] = {
    "no final stop": _no_stop,
    "small letters": _small,
    '"this" for "the"': _this,
    "a space at the end": _space,
}
"""Ways to write a sentence, from the sentence and whether its word that is not scored is plural."""


def _choose_prompts(probe: Probe, prompts: Sequence[Prompt]) -> list[Prompt]:
    targets = spread_targets(probe, TARGETS)
    return [p for p in prompts if p.filler is not None and p.target in targets]


def _variants(scored: ScoredProbe, _: Settings) -> list[Any]:
    """The chosen prompts, written in each way."""
    prompts = _choose_prompts(scored.probe, scored.word_prompts)
    plural = _plural(scored.probe)
    return [
        _fill(change(prompt, prompt.template in plural))
        for change in VARIANTS.values()
        for prompt in prompts
    ]


def _fill(prompt: Prompt) -> FillRequest:
    return FillRequest(
        left=prompt.left, filler=prompt.filler or "", right=prompt.right, prompt=prompt
    )


def _plural(probe: Probe) -> frozenset[str]:
    """Sentences in which the word that is not scored stands in the plural."""
    kind = "group" if probe.spec.mask == "target" else "target"
    plural = set()
    for frame in probe.frames:
        pieces, _ = parse_slots(frame.template.text)
        form = next((piece.form for piece in pieces if piece.name == kind), None)
        if (form if form in ("sg", "pl") else frame.number) == "pl":
            plural.add(frame.id)
    return frozenset(plural)


SURFACES = ExtraRequests(
    id="surfaces",
    needs=FillRequest,
    count=lambda probe, prompts: len(VARIANTS) * len(_choose_prompts(probe, prompts)),
    requests=_variants,
)

_Lost = frozenset[tuple[str, str]]
"""Sentences and words that are left out, each with its kind."""


def _block(
    scored: ScoredProbe, prompts: Sequence[Prompt], answers: Sequence[FillScore], lost: _Lost
) -> ScoredProbe:
    rows = [
        (prompt, answer)
        for prompt, answer in zip(prompts, answers, strict=True)
        if lost.isdisjoint(
            (("template", prompt.template), ("target", prompt.target), ("term", prompt.term))
        )
    ]
    targets = tuple(t for t in scored.probe.targets if t.word.id in {p.target for p, _ in rows})
    probe = replace(scored.probe, targets=targets)
    table = Scores.build(probe, [p for p, _ in rows], [a for _, a in rows])
    return replace(scored, probe=probe, cube=build_cube(probe, table))


def _blocks(
    scored: ScoredProbe,
    prompts: Sequence[Prompt],
    written: Mapping[str, Sequence[FillScore]],
    own: Sequence[FillScore],
) -> tuple[dict[str, ScoredProbe], list[str]]:
    """The cells in each way of writing, with the words that all of them have, and what was lost."""
    used: dict[str, Sequence[FillScore]] = {}
    blocks: dict[str, ScoredProbe] = {}
    lost: _Lost = frozenset()
    details: list[str] = []
    for name, answers in {AS_WRITTEN: own, **written}.items():
        if used and _same(answers, own):
            continue
        every = {**used, name: answers}
        try:
            alone = _block(scored, prompts, answers, lost).cube.skips
            without = lost | {(skip.kind, skip.what) for skip in alone}
            every_block = {n: _block(scored, prompts, a, without) for n, a in every.items()}
        except ScoringError as error:
            details.append(f"{name}: {error.message}")
            continue
        if scored_groups(every_block[name]) != scored_groups(scored):
            details.append(f"{name}: a group has no word left")
            continue
        details += [
            f"{name}: {kind} '{what}', left out of all" for kind, what in sorted(without - lost)
        ]
        used, blocks, lost = every, every_block, without
    return blocks, details


def _same(answers: Sequence[FillScore], own: Sequence[FillScore]) -> bool:
    """Say whether a way of writing changes no score."""
    both = [(a.log_prob, b.log_prob) for a, b in zip(answers, own, strict=True)]
    return all(a == b or (a is not None and b is not None and abs(a - b) < SAME) for a, b in both)


def _gap(scored: ScoredProbe, pair: tuple[str, str]) -> float:
    """The gap of a block, nats."""
    cube, design = scored.cube, Design(scored, *pair)
    if scored.probe.spec.mask == "group":
        y = design.difference(cube.values)
        return float(y[:, cube.pole("+")].mean() - y[:, cube.pole("-")].mean())
    return float(design.difference(pole_response(scored)).mean())


def surface_form(scored: ScoredProbe, _: Settings) -> MetricOutput:
    """Check how far the gap spreads over ways to write the same sentences (R9)."""
    prompts = _choose_prompts(scored.probe, scored.word_prompts)
    chosen = set(prompts)
    own = [a for p, a in zip(scored.word_prompts, scored.word_scores, strict=True) if p in chosen]
    written = _by_variant(scored.responses[SURFACES.id], len(prompts))
    blocks, details = _blocks(scored, prompts, written, own)
    margin = scored.margin
    comparisons = primary_results(scored).items()
    return MetricOutput(
        checks={name: _check(blocks, pair, margin) for name, (pair,) in comparisons},
        skips=count_skips(scored, "R9", (("unscorable", text) for text in details)),
    )


def _by_variant(responses: Responses, size: int) -> dict[str, tuple[FillScore, ...]]:
    answers = responses.answers
    return {name: answers[i * size : (i + 1) * size] for i, name in enumerate(VARIANTS)}


def _check(blocks: Mapping[str, ScoredProbe], pair: tuple[str, str], margin: float) -> Check:
    gaps = {name: _gap(block, pair) for name, block in blocks.items()}
    if len(gaps) < 2 or AS_WRITTEN not in gaps:
        note = "no way of writing the sentences changes what this model reads"
        return Check(id="R9", threshold=LIMIT, state="not_possible", note=note)
    spread, size = float(np.std([*gaps.values()], ddof=1)), abs(gaps[AS_WRITTEN])
    value = spread / max(size, margin)
    over = value > LIMIT
    listed = ", ".join(f"{name} {gap:+.2f}" for name, gap in gaps.items())
    return Check(
        id="R9",
        value=value,
        threshold=LIMIT,
        state="not_held" if over else "held",
        consequence=SURFACE if over else "",
        note=f"spread over the gap, or the margin where that is larger; in nats: {listed}",
    )


METRICS = (
    Metric(
        info=SURFACE_FORM,
        kind="check",
        question="does the gap hang on full stops, capitals or small words (R9)?",
        measure=surface_form,
        unsupported=needs_poles,
        default=False,
        extra=SURFACES,
    ),
)
