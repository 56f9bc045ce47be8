"""Does a gap hang on full stops, capitals and small words (R9)? The cells, written otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bias_audit.archive import Check
from bias_audit.assess import Scored, Settings
from bias_audit.errors import ScoringError
from bias_audit.metrics.log_odds import cell_response
from bias_audit.probes import Probe
from bias_audit.records import Floats, Prompt, SkipReason, WordScore
from bias_audit.requested._base import (
    Asking,
    Found,
    Material,
    Request,
    compared,
    design,
    lost,
    primary_id,
)
from bias_audit.requested._sample import spread_targets
from bias_audit.tables import Scores, cube

TARGETS = 6
"""Words of each pole that are asked again."""
MOST = 0.5
"""Share of a gap's size that the variants may spread (R9); of the margin, where the gap is smaller:
what is small beside the margin changes no verdict."""
SURFACE = "surface_dependent"
_THE = re.compile(r"\b([Tt])he $")


def _no_stop(prompt: Prompt) -> Prompt:
    return replace(prompt, right=prompt.right.rstrip(".!?"))


def _small(prompt: Prompt) -> Prompt:
    return replace(
        prompt,
        left=prompt.left.lower(),
        filler=(prompt.filler or "").lower(),
        right=prompt.right.lower(),
    )


def _this(prompt: Prompt) -> Prompt:
    """The article before the word that is not scored becomes "this"."""
    begin = prompt.beside[0][0] if prompt.beside else 0
    after = len(prompt.left) + len(prompt.filler or "")
    inside = begin <= len(prompt.left)
    side, cut = (prompt.left, begin) if inside else (prompt.right, begin - after)
    head = _THE.sub(lambda found: f"{found[1]}his ", side[:cut])
    text = head + side[cut:]
    return replace(prompt, left=text) if inside else replace(prompt, right=text)


def _space(prompt: Prompt) -> Prompt:
    return replace(prompt, right=f"{prompt.right} ")


VARIANTS: Mapping[str, Callable[[Prompt], Prompt]] = {
    "no final stop": _no_stop,
    "small letters": _small,
    '"this" for "the"': _this,
    "a space at the end": _space,
}


@dataclass(frozen=True, kw_only=True)
class Surfaces:
    """The chosen prompts and what came back for each way of writing them."""

    prompts: tuple[Prompt, ...]
    answers: Mapping[str, tuple[WordScore, ...]]


def _chosen(probe: Probe, prompts: Sequence[Prompt]) -> list[Prompt]:
    targets = spread_targets(probe, TARGETS)
    return [p for p in prompts if p.filler is not None and p.target in targets]


def _ask(scored: Scored, asking: Asking, _: Settings) -> Surfaces:
    prompts = _chosen(scored.probe, scored.word_prompts)
    asked = [change(prompt) for change in VARIANTS.values() for prompt in prompts]
    found = asking.backend.fill_mask(asked, progress=asking.progress)
    words = [answer for answer in found if isinstance(answer, WordScore)]
    size = len(prompts)
    parts = {name: tuple(words[i * size : (i + 1) * size]) for i, name in enumerate(VARIANTS)}
    return Surfaces(prompts=tuple(prompts), answers=parts)


SURFACES = Material(
    id="surfaces",
    needs="words",
    count=lambda probe, prompts: len(VARIANTS) * len(_chosen(probe, prompts)),
    ask=_ask,
)


def _block(scored: Scored, prompts: Sequence[Prompt], answers: Sequence[WordScore]) -> Scored:
    targets = tuple(t for t in scored.probe.targets if t.word.id in {p.target for p in prompts})
    probe = replace(scored.probe, targets=targets)
    table = Scores.build(probe.spec.axis, [*prompts], [*answers])
    return replace(scored, probe=probe, cube=cube(probe, table))


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
    blocks: dict[str, Scored] = {}
    lacking: list[tuple[SkipReason | None, str]] = []
    for name, answers in {"as written": own, **found.answers}.items():
        if name == "as written" or [a.log_prob for a in answers] != [a.log_prob for a in own]:
            try:
                blocks[name] = _block(scored, found.prompts, answers)
            except ScoringError as error:
                lacking.append(("unscorable", f"{name}: {error.message}"))
    margin = scored.probe.spec.margin
    return Found(
        checks={primary_id(scored, p): _check(blocks, p, margin) for p in compared(scored)},
        skips=lost(scored, "R9", lacking),
    )


def _check(blocks: Mapping[str, Scored], pair: tuple[str, str], margin: float) -> Check:
    gaps = {name: _gap(block, pair) for name, block in blocks.items()}
    if len(gaps) < 2 or "as written" not in gaps:
        note = "no way of writing the sentences changes what this model reads"
        return Check(id="R9", threshold=MOST, state="not_possible", note=note)
    spread, size = float(np.std([*gaps.values()], ddof=1)), abs(gaps["as written"])
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
