"""Tables of what was promised and what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MARK = "<!-- {} -->"


@dataclass
class Table:
    """The outcome of one kind of check."""

    name: str
    """Also the marker of its place on the page."""
    head: tuple[str, ...]
    """Names of the columns; the last one, "holds", is added."""
    rows: list[tuple[str, ...]] = field(default_factory=list)
    holds: list[bool | None] = field(default_factory=list)
    """Whether each row keeps its promise; None where none is made."""
    note: str = ""
    """What it was made with; stands under it on the page."""

    def add(self, *cells: str, holds: bool | None) -> None:
        """Add a row."""
        self.rows.append(cells)
        self.holds.append(None if holds is None else bool(holds))  # numpy has its own False

    def lines(self) -> Iterator[str]:
        """The table in Markdown."""
        yield f"| {' | '.join((*self.head, 'holds'))} |"
        yield f"|{' --- |' * (len(self.head) + 1)}"
        words = {True: "yes", False: "**no**", None: "no promise"}
        for row, held in zip(self.rows, self.holds, strict=True):
            yield f"| {' | '.join((*row, words[held]))} |"
        if self.note:
            yield from ("", f"*{self.note}*")

    @property
    def broken(self) -> int:
        """Number of promises that were not kept."""
        return sum(held is False for held in self.holds)


def percent(share: float) -> str:
    """A share as per cent with one decimal."""
    return f"{100 * share:.1f} %"


def written(page: str, table: Table) -> str:
    """The page with the table put behind its marker, in place of the one there.

    Raises:
        ValueError: the page has no such marker, or no line that ends the table.
    """
    start, end = MARK.format(table.name), MARK.format(f"end of {table.name}")
    if page.count(start) != 1 or page.count(end) != 1:
        raise ValueError(f"the page needs one line {start} and one line {end}")
    before, rest = page.split(start)
    after = rest.split(end)[1]
    return "\n".join([f"{before}{start}", *table.lines(), f"{end}{after}"])
