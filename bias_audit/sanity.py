"""R11: is this a trained masked language model at all? Untrained networks show no bias either."""

from __future__ import annotations

import math

from bias_audit.archive import SanityCheck
from bias_audit.records import OpenScore, Prompt
from bias_audit.scoring.base import Backend
from bias_audit.specs import SLOT, Cloze, Sanity

PERPLEXITY_SHARE = 0.25
"""The pseudo-perplexity must stay below this share of the vocabulary size."""
CLOZE_SHARE = 0.6
"""This share of the trivial gaps must have an answer in the top ten."""
TOP = 10


def check(backend: Backend, spec: Sanity) -> SanityCheck:
    """Score the built-in sentences and gaps with the model under audit."""
    totals = backend.pseudo_log_likelihood(spec.sentences)
    pieces = sum(count for _, count in totals)
    perplexity = None
    if pieces:
        perplexity = math.exp(min(-sum(total for total, _ in totals) / pieces, 700.0))
    limit = PERPLEXITY_SHARE * backend.info.vocabulary_size
    answers = backend.fill_mask([_prompt(cloze) for cloze in spec.clozes], top_k=TOP)
    hits = sum(_hit(c, a) for c, a in zip(spec.clozes, answers, strict=True))
    needed = math.ceil(CLOZE_SHARE * len(spec.clozes))
    fluent = perplexity is not None and perplexity < limit
    passed = fluent and hits >= needed
    detail = (
        ""
        if passed
        else (
            f"the model sanity check failed: {hits} of {len(spec.clozes)} trivial gaps answered"
            f" ({needed} needed), pseudo-perplexity {perplexity or math.nan:.0f}"
            f" (limit {limit:.0f}); an untrained or foreign-language model cannot be audited here"
        )
    )
    return SanityCheck(
        passed=passed,
        pseudo_perplexity=perplexity,
        perplexity_limit=limit,
        cloze_hits=hits,
        cloze_asked=len(spec.clozes),
        cloze_needed=needed,
        detail=detail,
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
