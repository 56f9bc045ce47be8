"""What a model thinks of words where nothing is said about them: their own frequency to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from bias_audit.records import Prompt, WordPrior, WordScore
from bias_audit.scoring.base import Backend

FRAMES = (("", "."), ("(", ")"), ('"', '"'), ("- ", ""))
"""Text before and after the word: no word of any language, so that all languages can use them."""


def word_priors(backend: Backend, words: Sequence[str]) -> dict[str, WordPrior]:
    """Return the mean log-probability and the pieces of each word, nats, over a few bare frames.

    A word that cannot be scored in one of the frames has none. It costs four prompts a word.
    """
    prompts = [_prompt(word, *frame) for word in dict.fromkeys(words) for frame in FRAMES]
    found: defaultdict[str, list[WordScore]] = defaultdict(list)
    for prompt, answer in zip(prompts, backend.fill_mask(prompts), strict=True):
        if isinstance(answer, WordScore):
            found[prompt.term].append(answer)
    return {word: _prior(answers) for word, answers in found.items()}


def _prior(answers: Sequence[WordScore]) -> WordPrior:
    known = [answer.log_prob for answer in answers if answer.log_prob is not None]
    whole = len(known) == len(answers)
    return WordPrior(
        log_prob=float(np.mean(known)) if whole else None,
        pieces=max(answer.pieces for answer in answers) if whole else 0,
    )


def _prompt(word: str, left: str, right: str) -> Prompt:
    return Prompt(
        probe="~words",
        template=f"{left}…{right}",
        variant="",
        group="",
        term=word,
        label=word,
        target="",
        pole="",
        left=left,
        filler=word,
        right=right,
    )
