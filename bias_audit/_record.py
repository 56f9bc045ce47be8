"""The base of all records of the results contract, and the small ones beside a number."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)


class Record(BaseModel):
    """Base: frozen; unknown fields of newer minor versions are ignored on reading."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*", mode="before")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        if isinstance(value, (dict, list, tuple)):
            many = value.values() if isinstance(value, dict) else value
            sound = all(math.isfinite(number) for number in many if isinstance(number, float))
        else:
            sound = not isinstance(value, float) or math.isfinite(value)
        if not sound:
            raise ValueError("numbers must be finite; use null beside a reason")
        return value


class Short(Record):
    """A record that is written without the fields that say nothing: there are many of them."""

    @model_serializer(mode="wrap")
    def _told(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        empty = {name: field.default for name, field in type(self).model_fields.items()}
        return {k: v for k, v in written.items() if getattr(self, k) != empty[k]}


class WordShare(Short):
    """A word with a number."""

    token: str
    value: float
    """What it counts is said by the measure that it belongs to."""
    harmful: bool = False
    """True for words of the harmful lexicon: reports fold them away."""


class Companion(Short):
    """A further measure of the same comparison, beside the number of a result. None is judged."""

    metric: str
    groups: tuple[str, ...] = ()
    """Ids of the groups that it is about; empty where they are those of the result."""
    at: int | None = None
    """How many of the most likely words it looks at."""
    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    """Of the rank test of the same question, as it is: adjusted for nothing, judged by nothing."""
    words: tuple[WordShare, ...] = ()
    """The words behind it, the largest number first."""


class Check(Short):
    """One check of how much a result can bear."""

    id: str
    """Its code, such as ``R1b``; ``explain`` knows it."""
    value: float | None = None
    """What it found; None where it could not be computed."""
    threshold: float | None = None
    """Where its consequence begins; None where it only describes."""
    state: Literal["held", "not_held", "described", "not_possible"]
    consequence: str = ""
    """Status or consequence of a check that did not hold; empty otherwise."""
    note: str = ""
    """Further numbers in words, or why there is none."""
