"""Batches of texts of one length, so that nothing is padded."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence


def split_by_length(
    texts: Sequence[tuple[int, ...]], rows: int, needed: Container[int]
) -> Iterator[list[int]]:
    """Yield the numbers of the texts of each batch, short ones first.

    Args:
        texts: in pieces.
        rows: most texts in a batch.
        needed: numbers of texts that are asked for; a batch without any is left out, and shapes no
            other.
    """
    by_length: dict[int, list[int]] = {}
    for number, ids in enumerate(texts):
        by_length.setdefault(len(ids), []).append(number)
    for length in sorted(by_length):
        members = by_length[length]
        for first in range(0, len(members), rows):
            batch = members[first : first + rows]
            if any(number in needed for number in batch):
                yield batch
