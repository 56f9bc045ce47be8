"""Which pieces two sentences share; no tensors here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from bias_audit.backends.hf.tokenization import Encoding

_Matched = tuple[tuple[int, int], ...]
"""Places of shared pieces: in the first sentence, in the second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """Shared pieces of two sentences, special ones left out."""

    words: _Matched
    """Words are aligned first, then pieces inside the words that changed."""
    published: _Matched
    """Pieces are aligned, special ones included, as the published CrowS-Pairs script does."""
    ambiguous: bool
    """Whether ``words`` would differ if the sentences came in the other order."""


def align(first: Encoding, second: Encoding) -> Alignment:
    """Align two sentences in both ways."""
    words = _by_words(first, second)
    swapped = tuple((a, b) for b, a in _by_words(second, first))
    matcher: SequenceMatcher[Hashable] = SequenceMatcher(None, first.ids, second.ids)
    published = [(a, b) for a, b in _equal(matcher) if not first.added[a] and not second.added[b]]
    return Alignment(words=words, published=tuple(published), ambiguous=words != swapped)


def modified_positions(sentence: Encoding, shared: Sequence[int]) -> tuple[int, ...]:
    """Return the places of ``sentence`` that are neither shared nor special."""
    known = frozenset(shared)
    return tuple(
        place for place, added in enumerate(sentence.added) if not added and place not in known
    )


def _by_words(first: Encoding, second: Encoding) -> _Matched:
    a, b = _spans(first), _spans(second)
    keys = [[first.ids[s:e] for s, e in a], [second.ids[s:e] for s, e in b]]
    matches: list[tuple[int, int]] = []
    for tag, i1, i2, j1, j2 in _matcher(*keys).get_opcodes():
        left = [place for s, e in a[i1:i2] for place in range(s, e)]
        right = [place for s, e in b[j1:j2] for place in range(s, e)]
        if tag == "equal":
            matches += zip(left, right, strict=True)
        elif tag == "replace":
            inner = _matcher([first.ids[p] for p in left], [second.ids[p] for p in right])
            matches += [(left[i], right[j]) for i, j in _equal(inner)]
    return tuple(matches)


def _matcher(a: Sequence[Hashable], b: Sequence[Hashable]) -> SequenceMatcher[Hashable]:
    """Without difflib's heuristic that takes frequent pieces of long texts for junk."""
    return SequenceMatcher(None, a, b, autojunk=False)


def _equal(matcher: SequenceMatcher[Hashable]) -> list[tuple[int, int]]:
    return [
        (block.a + step, block.b + step)
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    ]


def _spans(sentence: Encoding) -> list[tuple[int, int]]:
    """First and past-the-last place of each word; special pieces left out."""
    spans: list[tuple[int, int]] = []
    last: int | None = None
    for place, (word, added) in enumerate(zip(sentence.words, sentence.added, strict=True)):
        if added:
            last = None
            continue
        if spans and word is not None and word == last:
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
        last = word
    return spans
