"""R11: is this a trained masked language model at all? Untrained networks show no bias either."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bias_audit.errors import ScoringError
from bias_audit.records import OpenScore, Prompt
from bias_audit.results import SanityCheck
from bias_audit.scoring.base import Backend
from bias_audit.specs import SLOT, Cloze, Sanity, tongue

PERPLEXITY_SHARE = 0.05
"""The pseudo-perplexity must stay below this share of the vocabulary size."""
MOST_PERPLEXITY = 500.0
"""And below this: a model that knows how frequent words are and nothing else has over 1,000."""
CLOZE_SHARE = 0.6
"""This share of the trivial gaps must have an answer in the top ten."""
TOP = 10


def check_all(backend: Backend, specs: Mapping[str, Sanity | None]) -> tuple[SanityCheck, ...]:
    """Check each language that probes are asked in; one without sentences has not passed."""
    return tuple(
        _unasked(backend, language) if spec is None else check(backend, spec)
        for language, spec in specs.items()
    )


def _unasked(backend: Backend, language: str) -> SanityCheck:
    return SanityCheck(
        language=language,
        passed=False,
        pseudo_perplexity=None,
        perplexity_limit=_limit(backend),
        cloze_hits=0,
        cloze_asked=0,
        cloze_needed=0,
        detail=f"there is no model sanity check in '{language}': write sanity-{language}.yaml",
    )


def _limit(backend: Backend) -> float:
    return min(PERPLEXITY_SHARE * backend.info.vocabulary_size, MOST_PERPLEXITY)


def check(backend: Backend, spec: Sanity) -> SanityCheck:
    """Score the built-in sentences and gaps with the model under audit.

    A model that breaks on them has not passed; the audit goes on and decides nothing.
    """
    limit = _limit(backend)
    needed = math.ceil(CLOZE_SHARE * len(spec.clozes))
    perplexity, hits = None, 0
    try:
        perplexity = _perplexity(backend, spec)
        answers = backend.fill_mask([_prompt(cloze) for cloze in spec.clozes], top_k=TOP)
        hits = sum(_hit(c, a) for c, a in zip(spec.clozes, answers, strict=True))
    except (ScoringError, RuntimeError, ValueError, MemoryError) as error:
        detail = f"the model sanity check could not be run: {error}"
        passed = False
    else:
        passed = perplexity is not None and perplexity < limit and hits >= needed
        detail = "" if passed else _detail(spec, perplexity, limit, hits, needed)
    return SanityCheck(
        language=tongue(spec.language),
        passed=passed,
        pseudo_perplexity=perplexity,
        perplexity_limit=limit,
        cloze_hits=hits,
        cloze_asked=len(spec.clozes),
        cloze_needed=needed,
        detail=detail,
    )


def _perplexity(backend: Backend, spec: Sanity) -> float | None:
    """Pseudo-perplexity over the sentences that could be scored; None when none could."""
    scored = [(t, n) for t, n in backend.pseudo_log_likelihood(spec.sentences) if n > 0]
    pieces = sum(count for _, count in scored)
    total = math.fsum(value for value, _ in scored)
    if not pieces or not math.isfinite(total):
        return None
    return math.exp(min(-total / pieces, 700.0))


def _detail(spec: Sanity, perplexity: float | None, limit: float, hits: int, needed: int) -> str:
    found = "could not be measured" if perplexity is None else f"{perplexity:.3g}"
    language = tongue(spec.language)
    where = "" if language == "en" else f" in '{language}'"
    return (
        f"the model sanity check failed{where}: {hits} of {len(spec.clozes)} trivial gaps answered"
        f" ({needed} needed), pseudo-perplexity {found} (limit {limit:.3g}); an untrained or"
        " foreign-language model cannot be audited here"
    )


def _prompt(cloze: Cloze) -> Prompt:
    mask = next(found for found in SLOT.finditer(cloze.text) if found[1] is None)
    return Prompt(
        probe="sanity",
        template=cloze.text,
        variant="",
        group="",
        term="",
        label="",
        target="",
        pole="",
        left=cloze.text[: mask.start()],
        filler=None,
        right=cloze.text[mask.end() :],
    )


def _hit(cloze: Cloze, answer: object) -> bool:
    if not isinstance(answer, OpenScore) or answer.skip is not None:
        return False
    wanted = {word.casefold() for word in cloze.answers}
    return any(token.strip().casefold() in wanted for token, _ in answer.top[:TOP])
