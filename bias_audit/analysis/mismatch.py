"""A stored number that its scores do not give, and how near one must come to be the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

Value = float | str | None
CLOSE, NEAR = 2e-5, 3e-6
"""A stored number may miss the one from the evidence by this share or by so many nats: a score
there has six decimals."""
CLOSE_QUOTE = 1e-7
"""The same of a quoted score: of a whole sentence it has eight digits, and few of them decimals."""
CLOSE_P = 1e-3
CLOSE_DF = 3e-4
"""The same of p-values and of degrees of freedom, which move more."""


class Mismatch(NamedTuple):
    """A number that the scores do not give."""

    where: str
    """Id of the result or the probe."""
    number: str
    """Which of its numbers."""
    stored: Value
    own: Value
    """What the scores give; None where they give nothing."""

    def __str__(self) -> str:
        """Say what is stored and what the scores give."""
        stored, own = (
            "missing" if x is None else f"{x:.8g}" if isinstance(x, float | int) else repr(x)
            for x in (self.stored, self.own)
        )
        return f"{self.where}: {self.number} is {stored} in results.json, by the scores {own}"


def differ(stored: Value, own: Value, close: float = CLOSE, near: float = NEAR) -> bool:
    """Return whether two values are more apart than the decimals of the scores allow."""
    if stored is None or own is None or isinstance(stored, str) or isinstance(own, str):
        return stored != own
    return not math.isclose(stored, own, rel_tol=close, abs_tol=near)


def unequal(
    where: str, name: str, stored: Value, own: Value, close: float = CLOSE
) -> Iterator[Mismatch]:
    """Yield a number that is another than the scores give."""
    if differ(stored, own, close):
        yield Mismatch(where, name, stored, own)
