"""What ``bias-audit probes check --model`` adds: what a model's vocabulary makes of the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import TYPE_CHECKING, Any

import rich_click as click

from bias_audit.errors import visible
from bias_audit.probes.expand import expand
from bias_audit.probes.probe import Probe, Word
from bias_audit.records import CompletionRequest, FillScore, Prompt

if TYPE_CHECKING:
    from bias_audit.backends import Backend


LEAST_COVERAGE = 0.8
"""Share of each pole's words that has to be scored; see ``Settings.min_coverage``."""
LEAST_WORD_MASS = 0.8
"""Share of the probability that should fall on whole words in an open completion."""
MOST_UNEVEN = 0.5
"""Difference of mean pieces between two poles, or two groups, that is worth a remark."""

BESIDE = "beside:"
"""Stands before groups that are compared with nobody, so that nothing is judged by them."""

Sides = dict[str, list[Prompt]]


def look(probes: Sequence[Probe], model: str, options: dict[str, Any]) -> None:
    """Print, for every probe, pieces per word, what is lost, uneven lengths and low word mass."""
    from bias_audit.backends import open_backend

    backend = open_backend(model, **options)
    for probe in probes:
        click.echo(visible(f"{probe.spec.id} with {backend.info.name}:"))
        for line in lines(probe, backend):
            click.echo(visible(f"  {line}"))


def lines(probe: Probe, backend: Backend) -> Iterator[str]:
    """What a model's vocabulary makes of the words of a probe, a line for each remark."""
    from bias_audit.backends import score_all

    masked, opened = _masked(probe)
    for sides, lost_matters in ((masked, True), (_beside(probe), False)):
        asked = [prompt for prompts in sides.values() for prompt in prompts]
        answers = iter(score_all(backend, [prompt.request for prompt in asked]))
        scores = {
            side: [(prompt, answer) for prompt, answer in zip(prompts, answers, strict=False)]
            for side, prompts in sides.items()
        }
        yield from _describe(scores, lost_matters)
    completions = [CompletionRequest(left=prompt.left, right=prompt.right) for prompt in opened]
    for prompt, answer in zip(opened, score_all(backend, completions), strict=True):
        if answer.word_mass < LEAST_WORD_MASS:
            yield f"low word mass, {answer.word_mass:.0%} on whole words: {prompt.text}"


def _describe(scores: dict[str, list[tuple[Prompt, Any]]], lost_matters: bool) -> Iterator[str]:
    means: dict[str, float] = {}
    for side, pairs in scores.items():
        known = [a for _, a in pairs if isinstance(a, FillScore) and not a.skip]
        counts = Counter(answer.pieces for answer in known)
        sizes = [f"{n} of {size} piece{'s'[: size > 1]}" for size, n in sorted(counts.items())]
        yield f"{side}: {', '.join(sizes) or 'no word is scored'}"
        if known:
            means[side] = mean(answer.pieces for answer in known)
        if lost_matters:
            yield from _lost(side, pairs, len(known))
    if means and max(means.values()) - min(means.values()) > MOST_UNEVEN:
        lengths = ", ".join(f"{side} {value:.1f}" for side, value in means.items())
        yield f"uneven length, mean pieces: {lengths}; longer words are rarer"


def _lost(side: str, pairs: list[tuple[Prompt, Any]], known: int) -> Iterator[str]:
    for prompt, answer in pairs:
        if answer.skip:
            yield f"{side}: '{prompt.filler}' is lost: {answer.detail}"
    if known < LEAST_COVERAGE * len(pairs) and not side.startswith(BESIDE):
        least = f"{LEAST_COVERAGE:.0%}"
        yield f"{side}: {known} of {len(pairs)} words are scored; below {least} nothing is judged"


def _masked(probe: Probe) -> tuple[Sides, list[Prompt]]:
    """A prompt for each form of each masked word, by pole or group; an open one a sentence."""
    poles = {target.word.id: target.pole for target in probe.targets}
    seen: set[tuple[str, str]] = set()
    sides: Sides = {}
    opened: dict[str, Prompt] = {}
    apart = {group.id for group in probe.extra_groups}
    for prompt in expand(probe).all_prompts:
        if prompt.filler is None:
            opened.setdefault(prompt.template, prompt)
            continue
        group = probe.spec.mask == "group"
        side = f"group {prompt.group}" if group else f"pole {poles[prompt.target]}"
        side = f"{BESIDE} {prompt.group}" if prompt.group in apart else side
        if (side, prompt.filler.lower()) not in seen:
            seen.add((side, prompt.filler.lower()))
            sides.setdefault(side, []).append(prompt)
    return sides, list(opened.values())


def _beside(probe: Probe) -> Sides:
    """The words that stand in the sentences, as if they were scored: only their pieces count."""
    if probe.spec.mask == "target":
        words = [(f"group {group.id}", word) for group in probe.groups for word in group.words]
    else:
        words = [(f"pole {target.pole}", target.word) for target in probe.targets]
    sides: Sides = {}
    for side, word in words:
        sides.setdefault(side, []).append(_bare_prompt(probe, word))
    return sides


def _bare_prompt(probe: Probe, word: Word) -> Prompt:
    form = next(word.forms[name] for name in ("sg", "pl", *word.forms) if name in word.forms)
    return Prompt(
        probe=probe.spec.id,
        template="",
        variant="",
        group="",
        term=word.id,
        label=word.label,
        target="",
        pole="0",
        left="There is ",
        filler=form,
        right=" here.",
    )
