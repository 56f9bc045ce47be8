"""Does a gap hang on full stops, capitals and small words (R9)? The cells, written otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bias_audit.archive import Check
from bias_audit.assess import Scored, Settings, scored_groups
from bias_audit.errors import ScoringError
from bias_audit.metrics.log_odds import cell_response
from bias_audit.probes import Probe
from bias_audit.records import FillRequest, FillScore, Floats, Prompt
from bias_audit.requested._base import (
    Asking,
    Found,
    Material,
    Request,
    design,
    lost,
    primaries,
)
from bias_audit.requested._sample import spread_targets
from bias_audit.specs import cut
from bias_audit.tables import Scores, cube

TARGETS = 6
"""Words of each pole that are asked again."""
MOST = 0.5
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
    begin = prompt.beside[0][0] if prompt.beside else 0
    after = len(prompt.left) + len(prompt.filler or "")
    inside = begin <= len(prompt.left)
    side, cut = (prompt.left, begin) if inside else (prompt.right, begin - after)
    head = _THE.sub(lambda found: found[1] + ("hese " if plural else "his "), side[:cut])
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


@dataclass(frozen=True, kw_only=True)
class Surfaces:
    """The chosen prompts and what came back for each way of writing them."""

    prompts: tuple[Prompt, ...]
    answers: Mapping[str, tuple[FillScore, ...]]


def _chosen(probe: Probe, prompts: Sequence[Prompt]) -> list[Prompt]:
    targets = spread_targets(probe, TARGETS)
    return [p for p in prompts if p.filler is not None and p.target in targets]


def _ask(scored: Scored, asking: Asking, _: Settings) -> Surfaces:
    prompts = _chosen(scored.probe, scored.word_prompts)
    plural = _plural(scored.probe)
    asked = [
        change(prompt, prompt.template in plural)
        for change in VARIANTS.values()
        for prompt in prompts
    ]
    words = asking.score([_request(prompt) for prompt in asked])
    size = len(prompts)
    parts = {name: tuple(words[i * size : (i + 1) * size]) for i, name in enumerate(VARIANTS)}
    return Surfaces(prompts=tuple(prompts), answers=parts)


def _request(prompt: Prompt) -> FillRequest:
    return FillRequest(
        left=prompt.left, filler=prompt.filler or "", right=prompt.right, prompt=prompt
    )


def _plural(probe: Probe) -> frozenset[str]:
    """Sentences in which the word that is not scored stands in the plural."""
    kind = "group" if probe.spec.mask == "target" else "target"
    found = set()
    for frame in probe.frames:
        pieces, _ = cut(frame.template.text)
        form = next((piece.form for piece in pieces if piece.name == kind), None)
        if (form if form in ("sg", "pl") else frame.number) == "pl":
            found.add(frame.id)
    return frozenset(found)


SURFACES = Material(
    id="surfaces",
    needs=FillRequest,
    count=lambda probe, prompts: len(VARIANTS) * len(_chosen(probe, prompts)),
    ask=_ask,
)


_Gone = frozenset[tuple[str, str]]
"""Sentences and words that are left out, each with its kind."""


def _block(
    scored: Scored, prompts: Sequence[Prompt], answers: Sequence[FillScore], gone: _Gone
) -> Scored:
    kept = [
        (prompt, answer)
        for prompt, answer in zip(prompts, answers, strict=True)
        if gone.isdisjoint(
            (("template", prompt.template), ("target", prompt.target), ("term", prompt.term))
        )
    ]
    targets = tuple(t for t in scored.probe.targets if t.word.id in {p.target for p, _ in kept})
    probe = replace(scored.probe, targets=targets)
    table = Scores.build(probe.spec.axis, [p for p, _ in kept], [a for _, a in kept])
    return replace(scored, probe=probe, cube=cube(probe, table))


def _blocks(
    scored: Scored, found: Surfaces, own: Sequence[FillScore]
) -> tuple[dict[str, Scored], list[str]]:
    """The cells in each way of writing, with the words that all of them have, and what was lost.

    So the gaps differ in the writing alone. A way that would cost a pole or a group all of its
    words is left out instead, and so is one that changes no score.
    """
    kept: dict[str, Sequence[FillScore]] = {}
    made: dict[str, Scored] = {}
    gone: _Gone = frozenset()
    told: list[str] = []
    for name, answers in {AS_WRITTEN: own, **found.answers}.items():
        if kept and _same(answers, own):
            continue
        every = {**kept, name: answers}
        try:
            alone = _block(scored, found.prompts, answers, gone).cube.skips
            without = gone | {(skip.kind, skip.what) for skip in alone}
            blocks = {n: _block(scored, found.prompts, a, without) for n, a in every.items()}
        except ScoringError as error:
            told.append(f"{name}: {error.message}")
            continue
        if scored_groups(blocks[name]) != scored_groups(scored):
            told.append(f"{name}: a group has no word left")
            continue
        told += [
            f"{name}: {kind} '{what}', left out of all" for kind, what in sorted(without - gone)
        ]
        kept, made, gone = every, blocks, without
    return made, told


def _same(answers: Sequence[FillScore], own: Sequence[FillScore]) -> bool:
    """Say whether a way of writing changes no score."""
    both = [(a.log_prob, b.log_prob) for a, b in zip(answers, own, strict=True)]
    return all(a == b or (a is not None and b is not None and abs(a - b) < SAME) for a, b in both)


def _gap(scored: Scored, pair: tuple[str, str]) -> float:
    """The gap of a block, nats."""
    block = scored.cube
    plus, minus = block.pole("+"), block.pole("-")
    if scored.probe.spec.mask == "group":
        y: Floats = design(scored, pair).difference(block.values)
        return float(y[:, plus].mean() - y[:, minus].mean())
    return float(design(scored, pair).difference(cell_response(block.values, plus, minus)).mean())


def _assess(scored: Scored, found: Surfaces, _: Settings) -> Found:
    asked = set(found.prompts)
    own = [a for p, a in zip(scored.word_prompts, scored.word_scores, strict=True) if p in asked]
    blocks, told = _blocks(scored, found, own)
    margin = scored.probe.spec.margin
    return Found(
        checks={name: _check(blocks, pair, margin) for name, (pair,) in primaries(scored).items()},
        skips=lost(scored, "R9", (("unscorable", text) for text in told)),
    )


def _check(blocks: Mapping[str, Scored], pair: tuple[str, str], margin: float) -> Check:
    gaps = {name: _gap(block, pair) for name, block in blocks.items()}
    if len(gaps) < 2 or AS_WRITTEN not in gaps:
        note = "no way of writing the sentences changes what this model reads"
        return Check(id="R9", threshold=MOST, state="not_possible", note=note)
    spread, size = float(np.std([*gaps.values()], ddof=1)), abs(gaps[AS_WRITTEN])
    value = spread / max(size, margin)
    over = value > MOST
    told = ", ".join(f"{name} {gap:+.2f}" for name, gap in gaps.items())
    return Check(
        id="R9",
        value=value,
        threshold=MOST,
        state="not_held" if over else "held",
        consequence=SURFACE if over else "",
        note=f"spread over the gap, or the margin where that is larger; in nats: {told}",
    )


SURFACE_FORM = Request(
    id="surface",
    material=SURFACES,
    assess=_assess,
)
