"""Findings: associations in plain words, strongest first, with the sentences behind them.

Size says how large, evidence says how sure; the two never mix.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bias_audit.analysis.statements import as_likely, odds_between, size_word
from bias_audit.metrics.design import DIAGONALS
from bias_audit.records import OTHERS, Prompt
from bias_audit.reports.wording import intervals
from bias_audit.results import (
    Evidence,
    Finding,
    ProbeRecord,
    Result,
    Sentence,
    TargetEffect,
    finding_id,
)
from bias_audit.results.codes import STATUSES, describe
from bias_audit.utils.scales import gap_scale
from bias_audit.utils.text import quote

if TYPE_CHECKING:
    from bias_audit.metrics.score_cube import Unit
    from bias_audit.metrics.scored_probe import ScoredProbe


SENTENCES = 6
SHOWN = 4
"""Group words that a headline quotes."""


def findings(
    model: str,
    results: Sequence[Result],
    probes: Mapping[str, ProbeRecord],
    scored: Mapping[str, ScoredProbe],
) -> list[Finding]:
    """Return the associations of a run, the largest gap first."""
    sizes = {r.id: abs(r.estimate or 0.0) for r in results if r.outcome == "association"}
    unsorted = [
        _finding(model, result, probes[result.probe], scored[result.probe])
        for result in results
        if result.id in sizes
    ]
    return sorted(unsorted, key=lambda finding: (-sizes[finding.result], finding.id))


def evidence(result: Result) -> Evidence:
    """``strong``: adjusted p below 0.01; ``moderate``: below 0.05; else these words only."""
    p = 1.0 if result.p_adjusted is None else result.p_adjusted
    return "strong" if p < 0.01 else "moderate" if p < 0.05 else "weak"


def _finding(model: str, result: Result, probe: ProbeRecord, scored: ScoredProbe) -> Finding:
    return Finding(
        id=finding_id(result.id, scored.reading),
        result=result.id,
        probe=result.probe,
        axis=result.axis,
        size=size_word(result.estimate or 0.0, gap_scale(result.unit)),
        evidence=evidence(result),
        headline=headline(model, result, probe, scored.reading),
        detail=detail_of(result),
        notices=notices_of(result),
        sentences=result.sentences or tuple(sentences(scored, result)),
    )


def notices_of(result: Result) -> tuple[str, ...]:
    """Return what is to be known beside a finding, in the words of its statuses."""
    word = _loudest(result)
    return tuple(describe(status, word=word) for status in result.statuses if status in STATUSES)


def detail_of(result: Result) -> str:
    """Return both claims, each with its own interval, and how many sentence frames agree."""
    said = intervals(result)
    if result.sign_share is not None:
        agree = round(result.sign_share * result.n_templates)
        said += f" {agree} of {result.n_templates} sentence frames agree in direction."
    return said.strip()


def name_model(name: str, revision: str | None) -> str:
    """Return a model as findings call it."""
    return f"{quote(name)} (revision {revision[:7]})" if revision else quote(name)


def headline(model: str, result: Result, probe: ProbeRecord, reading: str) -> str:
    """Say who is tied to what, by how much, with bounds and counts: one sentence."""
    a, b = result.group_labels
    other = a if result.leans == b else b
    counts = f"{result.n_templates} sentence frames, {_count(result, probe)}"
    size = f"{size_of(result, probe, reading)} ({counts})."
    if result.metric in DIAGONALS:
        return f"{model} associates each group with {result.pole}: {size}"
    who = result.leans if probe.mask == "group" else _words(result, probe)
    return f"{model} associates {who}, more than {other}, with {result.pole}: {size}"


def size_of(result: Result, probe: ProbeRecord, reading: str) -> str:
    """Return the size of an association in words, with its bounds, as its finding has it."""
    if probe.mask != "group":
        return as_likely(result, reading=reading)
    return odds_between(result, probe.minus if result.pole == probe.plus else probe.plus)


def _words(result: Result, probe: ProbeRecord) -> str:
    """The group's name, or its words where the claim is about these words only."""
    group = next((g for g in probe.groups if g.label == result.leans), None)
    terms = group.terms if group and result.scope != "concept" else ()
    if not terms:
        return result.leans
    quoted = ", ".join(f'"{term}"' for term in terms[:SHOWN])
    more = f" and {len(terms) - SHOWN} more" if len(terms) > SHOWN else ""
    noun = "word" if len(terms) == 1 else "words"
    return f"{result.leans} (the {noun} {quoted}{more})"


def _count(result: Result, probe: ProbeRecord) -> str:
    if probe.mask == "group":
        return f"{result.n_targets} words in the two poles"
    units = sum(len(group.terms) for group in probe.groups if group.id in result.groups)
    paired = OTHERS not in result.groups and result.n_terms < units
    return f"{result.n_terms} {'pairs of group words' if paired else 'group words'}"


def _loudest(result: Result) -> str:
    """The word that carries most of a gap: effects weigh by the size of their pole."""
    poles = [target.pole for target in result.by_target]
    loudest = max(
        (target for target in result.by_target if target.pole in ("+", "-")),
        key=lambda target: abs(target.value) / poles.count(target.pole),
        default=None,
    )
    return f'"{loudest.text}"' if loudest else ""


def sentences(
    scored: ScoredProbe,
    result: Result,
    harmful: frozenset[str] = frozenset(),
    limit: int = SENTENCES,
) -> list[Sentence]:
    """Sentence pairs: the words with the largest gaps, and one from the middle of each pole.

    Each word comes in its most typical frame. The sentences are prompts as they were scored, with
    the scores that the evidence holds; those with one of the lower-case ``harmful`` words are
    marked.
    """
    if scored.probe.spec.targets.own:
        return []
    a, b = result.groups
    pair = _unit_pair(scored, a, _telling_other(scored, result) if b == OTHERS else b)
    if pair is None:
        return []
    sign = 1 if (result.estimate or 0.0) > 0 else -1
    by_size = sorted(
        (t for t in result.by_target if t.pole in ("+", "-")),
        key=lambda t: (-sign * t.value * (1 if t.pole == "+" else -1), t.id),
    )
    largest = by_size[:limit]
    middle = [_middle([t for t in by_size if t.pole == pole], harmful) for pole in ("+", "-")]
    prompts = _prompts_of(scored, {t.id for some in (largest, *middle) for t in some}, pair)

    def pairs_of(some: Sequence[TargetEffect]) -> list[Sentence]:
        made = (_sentence(t, prompts[t.id]) for t in some if t.id in prompts)
        return [_mark(sentence, harmful) for sentence in made if sentence]

    typical = [max(made, key=_likelihood) for some in middle if (made := pairs_of(some))]
    return [*pairs_of(largest), *(one.model_copy(update={"typical": True}) for one in typical)]


def _middle(pole: Sequence[TargetEffect], harmful: frozenset[str]) -> Sequence[TargetEffect]:
    """The middle third of a pole by the size of their gaps; none where that says nothing."""
    shown = [target for target in pole if target.text.lower() not in harmful]
    third = len(shown) // 3
    return shown[third : len(shown) - third] if third else ()


def _likelihood(sentence: Sentence) -> float:
    """How likely its words are: of typical pairs the one that people can imagine is quoted."""
    return sentence.log_prob_a + sentence.log_prob_b


def _telling_other(scored: ScoredProbe, result: Result) -> str:
    """Return the group whose difference from the first comes nearest to that from all others."""
    cube, first = scored.cube, result.groups[0]
    sides = [cube.values[..., [pole == sign for pole in cube.poles]] for sign in "+-"]
    gaps = (sides[0].mean(axis=-1) - sides[1].mean(axis=-1)).mean(axis=0)
    by_group: dict[str, list[float]] = {}
    for unit, gap in zip(cube.units, gaps, strict=True):
        by_group.setdefault(unit.group, []).append(float(gap))
    means = {group: math.fsum(values) / len(values) for group, values in by_group.items()}
    others = [group.id for group in scored.probe.groups if group.id in means and group.id != first]
    own, estimate = means.get(first, 0.0), result.estimate or 0.0
    return min(others, key=lambda group: abs(own - means[group] - estimate), default="")


def _mark(sentence: Sentence, harmful: frozenset[str]) -> Sentence:
    texts = f"{sentence.text_a} {sentence.text_b}".lower()
    hurts = sentence.word.lower() in harmful or bool(harmful & set(re.findall(r"[\w'-]+", texts)))
    return sentence.model_copy(update={"harmful": True}) if hurts else sentence


def _unit_pair(scored: ScoredProbe, a: str, b: str) -> tuple[Unit, Unit] | None:
    """One unit of each group: the first matched pair, or the first word of each."""
    units = scored.cube.units
    left = [unit for unit in units if unit.group == a]
    right = [unit for unit in units if unit.group == b]
    if not left or not right:
        return None
    matched = ((x, y) for x in left for y in right if x.pair and x.pair == y.pair)
    return next(matched, (left[0], right[0]))


class _ScoredPrompt(NamedTuple):
    """A prompt as it was scored."""

    prompt: Prompt
    score: float


_Places = dict[tuple[str, str, str], _ScoredPrompt]
"""By frame, fillers of further slots, and head of the group word."""


def _prompts_of(
    scored: ScoredProbe, targets: set[str], pair: tuple[Unit, Unit]
) -> dict[str, tuple[_Places, _Places]]:
    """Scored prompts of each target after the two units."""
    blocks = {(g.id, word.id): word.head for g in scored.probe.groups for word in g.words}
    sides = {(unit.group, unit.label): side for side, unit in enumerate(pair)}
    frames = set(scored.cube.templates)
    by_target: dict[str, tuple[_Places, _Places]] = {}
    for prompt, answer in zip(scored.word_prompts, scored.word_scores, strict=True):
        side = sides.get((prompt.group, prompt.label))
        if side is None or prompt.target not in targets or prompt.template not in frames:
            continue
        if answer.log_prob is not None:
            place = prompt.template, prompt.variant, blocks[prompt.group, prompt.term]
            places = by_target.setdefault(prompt.target, ({}, {}))[side]
            places.setdefault(place, _ScoredPrompt(prompt, answer.log_prob))
    return by_target


def _sentence(target: TargetEffect, sides: tuple[_Places, _Places]) -> Sentence | None:
    """The two prompts that differ in the group only, with the gap nearest to the mean gap."""
    left, right = sides
    pairs = [(left[place], right[place]) for place in left if place in right]
    if not pairs:
        return None
    gaps = [a.score - b.score for a, b in pairs]
    middle = math.fsum(gaps) / len(gaps)
    a, b = pairs[min(range(len(gaps)), key=lambda i: abs(gaps[i] - middle))]
    return Sentence(
        template=a.prompt.template,
        target=target.id,
        pole=target.pole,
        text_a=a.prompt.text,
        text_b=b.prompt.text,
        word=" / ".join(dict.fromkeys((a.prompt.filler or "", b.prompt.filler or ""))),
        log_prob_a=a.score,
        log_prob_b=b.score,
    )
