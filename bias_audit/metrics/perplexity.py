"""How surprising a sentence is for each word of it, with or without the group word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bias_audit.stats._arrays import finite

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


class Surprise(NamedTuple):
    """Log pseudo-perplexity of one sentence, nats a word."""

    shared: float
    """Over the words that the group word leaves: the same words for every group."""
    whole: float
    """Over all words, the group word included."""


def surprise(
    text: str, log_probs: ArrayLike, spans: ArrayLike, away: Sequence[tuple[int, int]]
) -> Surprise:
    """Return minus the log-probability a word, of the shared words and of the whole sentence.

    The group word's own pieces say how frequent and how fragmented it is, so they count in
    ``whole`` only.

    Args:
        text: the sentence.
        log_probs: (m,) log-probability of each piece, nats.
        spans: (m, 2) characters of each piece in ``text``.
        away: characters of the words that do not count as shared.

    Raises:
        ValueError: no word is left, or the pieces do not fit each other.

    Source: Salazar et al. (2020); pieces of a word, Kauf and Ivanova (2023).
    """
    values, places = finite(log_probs, ndim=1, name="log_probs"), np.asarray(spans)
    if places.shape != (values.size, 2):
        raise ValueError(f"expected a span for each of {values.size} pieces, got {places.shape}")
    kept = np.ones(values.size, dtype=bool)
    for begin, end in away:
        kept &= (places[:, 0] >= end) | (places[:, 1] <= begin)
    words = [found.span() for found in _WORD.finditer(text)]
    left = sum(all(s >= end or e <= begin for begin, end in away) for s, e in words)
    if not left:
        raise ValueError("no word is left beside the group word")
    return Surprise(-float(values[kept].sum()) / left, -float(values.sum()) / len(words))
