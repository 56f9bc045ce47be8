"""The first records of a data set, and whether there were more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class First(Generic[Item]):
    """At most ``limit`` items, one at a time; all of them without a limit.

    ``cut`` is true once an item was left out.
    """

    def __init__(self, items: Iterable[Item], limit: int | None) -> None:
        self._items = items
        self._limit = limit
        self.cut = False

    def __iter__(self) -> Iterator[Item]:
        for number, item in enumerate(self._items):
            if number == self._limit:
                self.cut = True
                return
            yield item
