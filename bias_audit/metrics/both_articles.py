"""Completions after "a" and after "an" become one distribution.

A sentence whose mask stands after an article is asked with both. A word counts after the article
that it takes; what contradicts its article does not count. Both articles weigh the same, for all
groups alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bias_audit.probes.english import takes_an
from bias_audit.probes.expand import article_before
from bias_audit.records import CompletionScore, Prompt


def merge_articles(
    prompts: Sequence[Prompt], answers: Sequence[CompletionScore], words: Sequence[str]
) -> tuple[list[Prompt], list[CompletionScore]]:
    """Join the answers of sentences that were asked with both articles.

    Args:
        prompts: open prompts; those with an article come in pairs.
        answers: one for each.
        words: vocabulary of the answers.

    Returns:
        One prompt, with the article that came first, and one answer for each pair; all others as
        they are.
    """
    an: NDArray[np.bool_] | None = None
    joined: dict[tuple[str, str, str, str], tuple[Prompt, list[CompletionScore]]] = {}
    for prompt, answer in zip(prompts, answers, strict=True):
        key = prompt.template, prompt.variant, prompt.group, prompt.term
        joined.setdefault(key, (prompt, []))[1].append(answer)
        if an is None and article_before(prompt.left):
            an = np.array([takes_an(word) for word in words], dtype=bool)
    merged = [
        (prompt, each[0] if an is None or len(each) < 2 else _merge(prompt, each, an))
        for prompt, each in joined.values()
    ]
    return [prompt for prompt, _ in merged], [answer for _, answer in merged]


def _merge(
    prompt: Prompt, answers: Sequence[CompletionScore], an: NDArray[np.bool_]
) -> CompletionScore:
    lost = next((answer for answer in answers if answer.skip is not None), None)
    if lost is not None:
        return lost
    first_is_an = article_before(prompt.left) == "an"
    sides = [an if is_an else ~an for is_an in (first_is_an, not first_is_an)]
    whole = np.zeros(an.size)
    for answer, fits in zip(answers, sides, strict=True):
        whole += np.where(fits, answer.words * answer.word_mass, 0.0)
    others = sum(answer.others * answer.word_mass for answer in answers)
    if whole.sum() <= 0:
        detail = "no completion takes its article"
        return CompletionScore(skip="low_word_mass", detail=detail)
    top = [
        (word, p / 2)
        for answer, is_an in zip(answers, (first_is_an, not first_is_an), strict=True)
        for word, p in answer.top
        if takes_an(word.strip()) == is_an
    ]
    return replace(
        answers[0],
        top=tuple(sorted(top, key=lambda pair: -pair[1])),
        words=(whole / (whole.sum() + others)).astype(np.float32),
        others=others / (float(whole.sum()) + others),
        word_mass=float(np.mean([answer.word_mass for answer in answers])),
    )
