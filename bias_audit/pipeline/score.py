"""Scores a plan with a backend: one call for everything, probe by probe where that fails."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bias_audit.analysis.optional_metrics import ask_extra
from bias_audit.backends import Backend, score_all
from bias_audit.errors import ScoringError
from bias_audit.metrics.lpbs import PRIORS, prior_column
from bias_audit.metrics.scored_probe import (
    ScoredProbe,
    Scores,
    Settings,
    build_cube,
    build_extra_groups,
    split_answers,
    with_priors,
)
from bias_audit.metrics.word_properties import prior_words
from bias_audit.pipeline.plan import Plan
from bias_audit.records import (
    CompletionScore,
    FillRequest,
    FillScore,
    ProgressCallback,
    Prompt,
    Skip,
    WordPrior,
)

Answer = FillScore | CompletionScore
FRAMES = (("", "."), ("(", ")"), ('"', '"'), ("- ", ""))
"""Text before and after a word alone: no word of any language, so that all can use them."""
SUM_TOLERANCE = 1e-3
"""How far a distribution's sum may be from 1."""
ProgressListener = Callable[[str, int, int], None]
"""Called with (what is scored, rows done, rows in all)."""


@dataclass
class Measured:
    """Scores of all runs of a plan, and what could not be scored."""

    scored: dict[str, ScoredProbe] = field(default_factory=dict)
    tables: dict[str, Scores] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Why a run has no scores, by id."""
    error_types: dict[str, str] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    """Runs that were left out because the time was up."""
    metric_skips: list[Skip] = field(default_factory=list)
    """What optional metrics could not ask."""

    def answers(self) -> Iterator[tuple[Prompt, Answer]]:
        """Every prompt of what is compared, with its answer."""
        for _, scored in sorted(self.scored.items()):
            yield from zip(scored.word_prompts, scored.word_scores, strict=True)
            yield from zip(scored.open_prompts, scored.open_scores, strict=True)


def measure(
    plan: Plan,
    backend: Backend,
    *,
    progress: ProgressListener | None = None,
    max_seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    settings: Settings | None = None,
) -> Measured:
    """Score every run of the plan; what fails is recorded and the rest goes on.

    What was requested in addition comes last: verdicts need it least.
    """
    measured = Measured()
    names = list(plan.expansions)
    answers = None if max_seconds is not None else _together(plan, backend, names, progress)
    start = clock()
    for name in names:
        if max_seconds is not None and clock() - start > max_seconds:
            measured.late.append(name)
            continue
        try:
            mine = answers[name] if answers is not None else _ask(plan, backend, name, progress)
            _store(plan, backend, name, mine, measured)
        except (ScoringError, RuntimeError, ValueError, MemoryError) as error:
            measured.failures[name] = str(getattr(error, "message", error)) or repr(error)
            measured.error_types[name] = type(error).__name__
    if max_seconds is None or clock() - start <= max_seconds:
        _add_word_priors(plan, backend, measured)
    for name in plan.metrics.by_probe:
        if name in measured.scored:
            late = max_seconds is not None and clock() - start > max_seconds
            _further(plan, backend, name, measured, settings or Settings(), progress, late=late)
    return measured


def _add_word_priors(plan: Plan, backend: Backend, measured: Measured) -> None:
    """Ask how frequent and how long the group words are to the model, each of them once.

    Nothing hangs on it but one check, which then knows the words' lengths in letters only.
    """
    wanted = {
        name: words
        for task in plan.tasks
        if (name := task.probe.spec.id) in measured.scored and (words := prior_words(task.probe))
    }
    try:
        found = word_priors(backend, [word for words in wanted.values() for word in words])
    except (ScoringError, RuntimeError, ValueError, MemoryError):
        return
    for name, words in wanted.items():
        priors = {word: found[word] for word in words if word in found}
        measured.scored[name] = replace(measured.scored[name], priors=priors)


def _further(
    plan: Plan,
    backend: Backend,
    name: str,
    measured: Measured,
    settings: Settings,
    progress: ProgressListener | None,
    *,
    late: bool,
) -> None:
    """Ask what was requested about one probe; priors go into its evidence."""
    scored, skips = ask_extra(
        plan.metrics, measured.scored[name], backend, settings, progress=progress, late=late
    )
    measured.scored[name] = scored
    measured.metric_skips += skips
    if PRIORS.id in scored.responses:
        column = prior_column(scored.responses[PRIORS.id])
        table = measured.tables[name]
        column += [math.nan] * (len(table.frame) - len(column))  # of groups beside: not asked
        measured.tables[name] = with_priors(table, column)


def _together(
    plan: Plan, backend: Backend, names: Sequence[str], progress: ProgressListener | None
) -> dict[str, list[Answer]] | None:
    """Score all runs in one call, so that shared sentences are scored once; None if it fails."""
    prompts = [prompt for name in names for prompt in plan.expansions[name].all_prompts]
    try:
        answers = _score(backend, prompts, _listener("all probes", progress))
    except (RuntimeError, ValueError, MemoryError, ScoringError):
        return None
    found, at = {}, 0
    for name in names:
        size = len(plan.expansions[name].all_prompts)
        found[name] = answers[at : at + size]
        at += size
    return found


def _ask(
    plan: Plan, backend: Backend, name: str, progress: ProgressListener | None
) -> list[Answer]:
    return _score(backend, plan.expansions[name].all_prompts, _listener(name, progress))


def _score(
    backend: Backend, prompts: Sequence[Prompt], listen: ProgressCallback | None
) -> list[Answer]:
    return score_all(backend, [prompt.request for prompt in prompts], progress=listen)


def word_priors(backend: Backend, words: Sequence[str]) -> dict[str, WordPrior]:
    """Return the context-free log-probability of each word, nats, and its tokens.

    The mean over a few bare frames; a word that cannot be scored in one of them has none. It costs
    four requests a word.
    """
    requests = [
        FillRequest(left=left, filler=word, right=right)
        for word in dict.fromkeys(words)
        for left, right in FRAMES
    ]
    answers: defaultdict[str, list[FillScore]] = defaultdict(list)
    for request, answer in zip(requests, score_all(backend, requests), strict=True):
        answers[request.filler].append(answer)
    return {word: _prior(scores) for word, scores in answers.items()}


def _prior(scores: Sequence[FillScore]) -> WordPrior:
    known = [score.log_prob for score in scores if score.log_prob is not None]
    complete = len(known) == len(scores)
    return WordPrior(
        log_prob=float(np.mean(known)) if complete else None,
        pieces=max(score.pieces for score in scores) if complete else 0,
    )


def _listener(name: str, progress: ProgressListener | None) -> ProgressCallback | None:
    if progress is None:
        return None
    listen = progress
    return lambda done, total: listen(name, done, total)


def _store(
    plan: Plan, backend: Backend, name: str, answers: Sequence[Answer], measured: Measured
) -> None:
    probe, expansion = plan.probes[name], plan.expansions[name]
    many = len(expansion.prompts)
    (prompts, words), (open_prompts, opens) = split_answers(expansion.prompts, answers[:many])
    (further, scores), _ = split_answers(expansion.extra_prompts, answers[many:])
    table = Scores.build(probe.spec.axis, [*prompts, *further], [*words, *scores], run=name)
    measured.tables[name] = table
    block = build_cube(probe, table)
    extra, lost = build_extra_groups(probe, block, table)
    _check_open(opens, len(backend.info.words))
    measured.scored[name] = ScoredProbe(
        probe=probe,
        cube=block,
        word_prompts=tuple(prompts),
        word_scores=tuple(words),
        open_prompts=tuple(open_prompts),
        open_scores=tuple(opens),
        words=backend.info.words if opens else (),
        skips=(*expansion.skips, *_open_skips(open_prompts, opens), *lost),
        extra_groups=tuple(extra),
        prompts=many,
        prompts_extra=len(expansion.extra_prompts),
    )


def _check_open(answers: Sequence[CompletionScore], size: int) -> None:
    """Refuse what is no distribution over the words.

    Raises:
        ScoringError: a probability is not a number, is negative, or they do not sum to 1.
    """
    for answer in answers:
        values = answer.words
        if answer.skip is None and not (
            values.shape == (size,)
            and bool((values >= 0).all())
            and abs(float(np.sum(values, dtype=np.float64)) - 1) < SUM_TOLERANCE
        ):
            raise ScoringError(
                "the model returned completions whose probabilities do not sum to 1",
                hint="its weights or its half-precision arithmetic are broken; try --dtype float32",
            )


def _open_skips(prompts: Sequence[Prompt], answers: Sequence[CompletionScore]) -> list[Skip]:
    """Sentences left out of the completions, one record for each and its reason."""
    lost = [(p, a) for p, a in zip(prompts, answers, strict=True) if a.skip is not None]
    counts = Counter(prompt.template for prompt, _ in lost)
    first = {prompt.template: (prompt, answer) for prompt, answer in reversed(lost)}
    return [
        Skip(
            probe=first[name][0].probe,
            kind="measure",
            what=f"completions of {name}",
            reason=first[name][1].skip or "error",
            detail=first[name][1].detail,
            count=count,
        )
        for name, count in counts.items()
    ]
