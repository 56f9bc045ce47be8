"""Scores a plan with a backend: one call for everything, probe by probe where that fails."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import numpy as np

from bias_audit.analysis.optional_metrics import ask_extra
from bias_audit.backends import Backend, score_all
from bias_audit.errors import ScoringError
from bias_audit.metrics.both_articles import merge_articles
from bias_audit.metrics.completion_vocabulary import join_vocabularies
from bias_audit.metrics.lpbs import PRIORS, prior_column
from bias_audit.metrics.score_cube import Scores, build_cube, build_extra_groups, with_priors
from bias_audit.metrics.scored_probe import ScoredProbe, Settings, split_answers
from bias_audit.metrics.word_properties import prior_words
from bias_audit.pipeline.plan import Plan
from bias_audit.probes.expand import article_before
from bias_audit.records import CompletionScore, FillRequest, FillScore, Prompt, Skip, WordPrior

Answer = FillScore | CompletionScore
FRAMES = (("", "."), ("(", ")"), ('"', '"'), ("- ", ""))
"""Text before and after a word alone: no word of any language, so that all can use them."""
_FAILURES = (ScoringError, RuntimeError, ValueError, MemoryError)
SUM_TOLERANCE = 1e-3
"""How far a distribution's sum may be from 1."""
ProgressListener = Callable[[str, int, int], None]
"""Called with (what is scored, rows done, rows in all)."""


@dataclass
class ScoredPlan:
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
            for prompt, answer in zip(scored.open_prompts, scored.open_scores, strict=True):
                if not article_before(prompt.left):  # else two answers were joined
                    yield prompt, answer


def score_plan(
    plan: Plan,
    backend: Backend,
    settings: Settings,
    progress: ProgressListener | None = None,
    *,
    max_seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ScoredPlan:
    """Score every run of the plan; what fails is recorded and the rest goes on.

    What was requested in addition comes last: verdicts need it least.
    """
    scores = ScoredPlan()
    answers = None if max_seconds is not None else _score_together(plan, backend, progress)
    start = clock()
    for name, expansion in plan.expansions.items():
        if max_seconds is not None and clock() - start > max_seconds:
            scores.late.append(name)
            continue
        try:
            prompts = expansion.all_prompts
            own = answers[name] if answers else _score(backend, prompts, name, progress)
            _store(plan, backend, name, own, scores)
        except _FAILURES as error:
            scores.failures[name] = str(getattr(error, "message", error)) or repr(error)
            scores.error_types[name] = type(error).__name__
    if max_seconds is None or clock() - start <= max_seconds:
        _add_word_priors(plan, backend, scores)
    for name in plan.metrics.by_probe:
        if name in scores.scored:
            late = max_seconds is not None and clock() - start > max_seconds
            _add_optional(plan, backend, name, scores, settings, progress, late=late)
    return scores


def _add_word_priors(plan: Plan, backend: Backend, scores: ScoredPlan) -> None:
    """Ask how frequent and how long the group words are to the model, each of them once.

    Nothing hangs on it but one check, which then knows the words' lengths in letters only.
    """
    wanted = {
        name: words
        for task in plan.tasks
        if (name := task.probe.spec.id) in scores.scored and (words := prior_words(task.probe))
    }
    if FillRequest not in backend.supports:  # a classifier gives no probability of words
        return
    try:
        known = word_priors(backend, [word for words in wanted.values() for word in words])
    except _FAILURES:
        return
    for name, words in wanted.items():
        priors = {word: known[word] for word in words if word in known}
        scores.scored[name] = replace(scores.scored[name], priors=priors)


def _add_optional(
    plan: Plan,
    backend: Backend,
    name: str,
    scores: ScoredPlan,
    settings: Settings,
    progress: ProgressListener | None,
    *,
    late: bool,
) -> None:
    """Ask what was requested about one probe; priors go into its evidence."""
    scored, skips = ask_extra(
        plan.metrics, scores.scored[name], backend, settings, progress=progress, late=late
    )
    scores.scored[name] = scored
    scores.metric_skips += skips
    if PRIORS.id in scored.responses:
        column = prior_column(scored.responses[PRIORS.id])
        table = scores.tables[name]
        column += [math.nan] * (len(table.frame) - len(column))  # extra groups have none
        scores.tables[name] = with_priors(table, column)


def _score_together(
    plan: Plan, backend: Backend, progress: ProgressListener | None
) -> dict[str, list[Answer]] | None:
    """Score all runs in one call, so that shared sentences are scored once; None if it fails."""
    prompts = [prompt for one in plan.expansions.values() for prompt in one.all_prompts]
    try:
        answers = iter(_score(backend, prompts, "all probes", progress))
    except _FAILURES:
        return None
    return {
        name: list(islice(answers, len(expansion.all_prompts)))
        for name, expansion in plan.expansions.items()
    }


def _score(
    backend: Backend, prompts: Sequence[Prompt], name: str, progress: ProgressListener | None
) -> list[Answer]:
    listener = None if progress is None else partial(progress, name)
    return score_all(backend, [prompt.request for prompt in prompts], progress=listener)


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
    return {word: _mean_prior(scores) for word, scores in answers.items()}


def _mean_prior(scores: Sequence[FillScore]) -> WordPrior:
    known = [score.log_prob for score in scores if score.log_prob is not None]
    complete = len(known) == len(scores)
    return WordPrior(
        log_prob=float(np.mean(known)) if complete else None,
        pieces=max(score.pieces for score in scores) if complete else 0,
    )


def _store(
    plan: Plan, backend: Backend, name: str, answers: Sequence[Answer], scored_plan: ScoredPlan
) -> None:
    probe, expansion = plan.probes[name], plan.expansions[name]
    many = len(expansion.prompts)
    (prompts, words), (open_prompts, opens) = split_answers(expansion.prompts, answers[:many])
    (further, scores), _ = split_answers(expansion.extra_prompts, answers[many:])
    texts = [prompt.text for prompt in prompts]  # both labels are asked of one sentence
    table = Scores.build(
        probe, [*prompts, *further], [*words, *scores], run=name, reading=backend.info.reading
    )
    scored_plan.tables[name] = table
    block = build_cube(probe, table)
    extra, lost = build_extra_groups(probe, block, table)
    vocabulary = backend.info.words
    _check_open(opens, len(vocabulary))
    lost_open = _open_skips(open_prompts, opens)
    vocabulary, opens = join_vocabularies(opens, vocabulary)
    open_prompts, opens = merge_articles(open_prompts, opens, vocabulary)
    scored_plan.scored[name] = ScoredProbe(
        probe=probe,
        cube=block,
        word_prompts=tuple(prompts),
        word_scores=tuple(words),
        open_prompts=tuple(open_prompts),
        open_scores=tuple(opens),
        words=vocabulary if opens else (),
        skips=(*expansion.skips, *lost_open, *lost),
        extra_groups=tuple(extra),
        prompts=len(set(texts)) if probe.spec.labels else many,
        prompts_extra=len(expansion.extra_prompts),
        reading=backend.info.reading,
    )


def _check_open(answers: Sequence[CompletionScore], size: int) -> None:
    """Refuse what is no distribution over the words.

    Raises:
        ScoringError: a probability is not a number, is negative, or they do not sum to 1.
    """
    for answer in answers:
        values = answer.words
        if answer.skip is None and not (
            values.shape == (len(answer.vocabulary) or size,)
            and bool((values >= 0).all())
            and answer.others >= 0
            and abs(float(np.sum(values, dtype=np.float64)) + answer.others - 1) < SUM_TOLERANCE
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
