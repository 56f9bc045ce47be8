"""Completions over one list of words, where every answer names its own.

A model of single masked words answers over the words of its vocabulary. One that reads from left to
right follows the likeliest words of each sentence, the same after all group words: what it tells
apart differs between sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bias_audit.records import CompletionScore


def join_vocabularies(
    answers: Sequence[CompletionScore], words: Sequence[str]
) -> tuple[tuple[str, ...], list[CompletionScore]]:
    """Return the words of all answers, and the answers over them.

    A word that is not told apart in a sentence has no probability there: it is among the others.

    Args:
        answers: of one model.
        words: those of its answers that name none.
    """
    named = {word for answer in answers for word in answer.vocabulary}
    if not named:
        return tuple(words), list(answers)
    joined = tuple(sorted(named))
    places = {word: place for place, word in enumerate(joined)}
    spread = []
    for answer in answers:
        if answer.skip is None:
            row = np.zeros(len(joined), dtype=np.float32)
            row[[places[word] for word in answer.vocabulary]] = answer.words
            spread.append(replace(answer, words=row, vocabulary=joined))
        else:
            spread.append(answer)
    return joined, spread
