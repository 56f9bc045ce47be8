"""A gate as ``bias-audit.yaml`` declares it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from bias_audit.probes.schema.probe import MOST_MARGIN
from bias_audit.utils.file_model import FileModel, Id, Text
from bias_audit.utils.text import times
from bias_audit.utils.validation import MistakesError

BASELINE = "baseline:"
"""Prefix of a baseline's name, where a run could be meant."""
_AGAINST = re.compile(r"baseline:[a-z0-9][a-z0-9._-]{0,79}")
MOST_POINTS = 100.0
_TWO_GATES = "write two gates, one for the size and one for its rise"
_TIMES = r"(\d{1,3}(?:\.\d{1,6})?)x"


def _read_limit(value: Any) -> float | str:
    """A number in the unit of the measure, or times such as ``1.5x``."""
    if isinstance(value, str):
        match = re.fullmatch(_TIMES, value)
        if match and float(match[1]) > 1:
            return value
        if match:
            raise ValueError(f"expected more than 1x, which is no gap at all, got '{value}' | 1.5x")
        if re.fullmatch(r"\d{4,}(\.\d*)?x", value):
            most = f"at most {times(MOST_MARGIN)}x in a gate, and 999x in a waiver"
            raise ValueError(f"expected {most}, got '{value[:60]}' | 1.5x")
        bare = re.fullmatch(r"\d+(\.\d+)?", value)
        hint = f"remove the quotes: {value[:20]}" if bare else "1.5x"
        raise ValueError(
            f"expected a number or times such as 1.5x, got the text '{value[:60]}' | {hint}"
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        got = f"the yes/no value {str(value).lower()}" if isinstance(value, bool) else "no number"
        raise ValueError(f"expected a number or times such as 1.5x, got {got} | 1.5x")
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got the number {value}")
    if not 0 < value <= MOST_POINTS:
        bound = f"of at most {MOST_POINTS:g}" if value > 0 else "above 0"
        raise ValueError(f"expected a number {bound}, got the number {value}")
    return float(value)


Limit = Annotated[
    float | str,
    BeforeValidator(_read_limit),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_POINTS},
                {"type": "string", "pattern": f"^{_TIMES}$"},
            ]
        }
    ),
]
"""A size as people write it: ``1.5x``, or a number in the unit of the measure."""


def is_in_times(limit: float | str) -> bool:
    """Return whether a limit is written in times, as those on gaps should be."""
    return isinstance(limit, str)


def to_number(limit: float | str) -> float:
    """Return a limit in the unit of what it limits: times are the nats that they stand for.

    >>> round(to_number("2x"), 3), to_number(0.7)
    (0.693, 0.7)
    """
    return math.log(float(limit.removesuffix("x"))) if isinstance(limit, str) else limit


def describe_ambiguity(limit: float | str, unit: str) -> str:
    """Say both readings of nats that could be meant as times; nothing of any other limit."""
    if unit != "nats" or isinstance(limit, str) or limit < 1:
        return ""
    return (
        f"{limit:g} nats, which is {times(limit)} times as likely: write {limit:g}x if you meant"
        " times."
    )


GateUnit = Literal["nats", "sd", "points"]
Measure = Literal["log_odds_gap", "similarity_gap", "completions", "hurtful_completions"]
MEASURE_UNITS: Mapping[str, GateUnit] = {
    "log_odds_gap": "nats",
    "similarity_gap": "sd",
    "completions": "points",
    "hurtful_completions": "points",
}


class GateConfig(FileModel):
    """A limit that fails the build when a gap is shown to lie beyond it."""

    id: Id
    probe: Text
    """Id or glob."""
    measure: Measure = "log_odds_gap"
    """``similarity_gap``: of sentence encoders, in standard deviations within a sentence frame;
    ``completions``: how much of the completions differs; ``hurtful_completions``: how much more
    of the probability hurtful words take. Both in percentage points, between two groups or each of
    several and the others."""
    over: Literal["pairs", "groups"] | None = None
    """``pairs``: every pair of groups; ``groups``: each group with the others; the probe's own
    comparison when absent."""
    claim: Literal["these_words", "words_of_this_kind"] = "these_words"
    """``these_words``, or ``words_of_this_kind``: others like those of the list too; of limits on a
    size."""
    unit: GateUnit = "nats"
    """Unit of the limit, which is that of the measure: ``nats``, ``sd`` (standard deviations within
    a sentence frame) or ``points``. ``unit: sd`` alone means ``similarity_gap``. A model whose
    reading has another unit is refused."""
    max: Limit | None = None
    """Largest accepted gap, either direction: times such as ``1.5x``, or a bare number, which is
    nats up to 3; of completions percentage points up to 100; of encoders standard deviations up to
    3; either this or ``against`` and ``max_rise``."""
    against: str | None = None
    """``baseline:NAME``: judge the rise over this baseline."""
    max_rise: Limit | None = None
    """Largest rise over the baseline that is allowed: ``1.2x``, or a number in the unit of the
    measure."""
    when_unclear: Literal["warn", "fail", "pass"] = "warn"
    """What a gate that was measured and not decided means for the exit code: ``warn`` (0), ``fail``
    (3), ``pass`` (0)."""
    why: Text | None = None
    """Reason for the limit; printed in reports."""

    @property
    def baseline(self) -> str | None:
        """Name of the baseline of a regression gate; None for an absolute one."""
        return None if self.against is None else self.against.removeprefix(BASELINE)

    @property
    def kind(self) -> Literal["absolute", "regression"]:
        """``absolute``: the size of a gap; ``regression``: its rise over a baseline."""
        return "absolute" if self.against is None else "regression"

    @property
    def limit(self) -> float:
        """Largest gap, or largest rise, in the unit of the measure."""
        return to_number(self._raw_limit)

    @property
    def ambiguity(self) -> str:
        """Both readings of a limit in nats that could be meant as times; else nothing."""
        return describe_ambiguity(self._raw_limit, self.unit)

    @property
    def _raw_limit(self) -> float | str:
        return (self.max if self.against is None else self.max_rise) or 0.0

    @model_validator(mode="before")
    @classmethod
    def _one_tells_the_other(cls, value: Any) -> Any:
        """A measure has one unit, and a gap in standard deviations is that of encoders."""
        if not isinstance(value, dict):
            return value
        if "measure" not in value and value.get("unit") == "sd":
            return {**value, "measure": "similarity_gap"}
        unit = MEASURE_UNITS.get(str(value.get("measure", "log_odds_gap")), "nats")
        return {"unit": unit, **value}

    @model_validator(mode="after")
    def _fits_measure(self) -> GateConfig:
        key = "max" if self.against is None else "max_rise"
        if self.unit != (right := MEASURE_UNITS[self.measure]):
            say = f"'{self.measure}' is not measured in {self.unit}"
            raise MistakesError([(("unit",), f"{say} | unit: {right}")])
        if is_in_times(self._raw_limit) and self.unit != "nats":
            size = "5" if self.unit == "points" else "0.5"
            say = f"'{self.measure}' is measured in {self.unit}, not in times"
            raise MistakesError([((key,), f"{say} | write {key}: {size}")])
        if self.unit != "points" and self.limit > MOST_MARGIN:
            nats = self.unit == "nats"
            most = f"{MOST_MARGIN:g} {self.unit}"
            most += f", which is {times(MOST_MARGIN)}x" if nats else ""
            size = "1.5x" if nats else "0.5"
            raise MistakesError([((key,), f"a gap is at most {most} | write {key}: {size}")])
        for key in ("over", "claim"):
            if self.unit == "points" and key in self.model_fields_set:
                say = f"'{key}' is for gaps | leave it out: completions are"
                more = "compared between two groups, or each with the others, for these words"
                raise MistakesError([((key,), f"{say} {more}")])
        return self

    @model_validator(mode="after")
    def _one_limit(self) -> GateConfig:
        if self.max is not None and (self.against is not None or self.max_rise is not None):
            extra = "against" if self.against is not None else "max_rise"
            raise MistakesError([((extra,), f"'{extra}' cannot stand beside 'max' | {_TWO_GATES}")])
        if self.max is None and self.against is None and self.max_rise is None:
            raise ValueError("the limit is missing: 'max', or 'against' and 'max_rise' | max: 1.5x")
        if self.max is None and self.against is None:
            raise ValueError("'max_rise' needs 'against' | against: baseline:main")
        if self.against is not None and self.max_rise is None:
            raise ValueError("'against' needs 'max_rise' | max_rise: 1.2x")
        if self.against is not None and "claim" in self.model_fields_set:
            say = (
                "'claim' cannot stand beside 'against' | leave it out: a rise is that of the words"
            )
            raise MistakesError([(("claim",), f"{say} of both runs")])
        if self.against is not None and not _AGAINST.fullmatch(self.against):
            say = f"expected 'baseline:NAME', got '{self.against[:60]}' | against: baseline:main"
            raise MistakesError([(("against",), say)])
        return self
