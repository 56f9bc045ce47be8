"""A gate as ``bias-audit.yaml`` declares it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from bias_audit.probes.schema.probe import MOST_MARGIN
from bias_audit.utils.file_model import FileModel, Id, Text
from bias_audit.utils.validation import MistakesError

BASELINE = "baseline:"
"""Prefix of a baseline's name, where a run could be meant."""
_AGAINST = re.compile(r"baseline:[a-z0-9][a-z0-9._-]{0,79}")
MOST_POINTS = 100.0
_TWO_GATES = "write two gates, one for the size and one for its rise"


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
    probe: str
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
    """``these_words``: the words of the lists; ``words_of_this_kind``: others like them too."""
    unit: GateUnit = "nats"
    """Unit of the limit, which is that of the measure and has to be that of the model's reading."""
    max: float | None = Field(default=None, gt=0, le=MOST_POINTS, strict=True)
    """Largest gap that is allowed, in the unit of the gate, in either direction."""
    against: str | None = None
    """``baseline:NAME``: judge the rise over this baseline instead."""
    max_rise: float | None = Field(default=None, gt=0, le=MOST_POINTS, strict=True)
    """Largest rise over the baseline that is allowed, in the unit of the gate."""
    when_unclear: Literal["warn", "fail", "pass"] = "warn"
    """What an interval that crosses the limit means; a gate that could not be asked is incomplete
    in any case."""
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
        """Largest gap, or largest rise, in the unit of the gate."""
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
        if self.unit != (right := MEASURE_UNITS[self.measure]):
            say = f"'{self.measure}' is not measured in {self.unit}"
            raise MistakesError([(("unit",), f"{say} | unit: {right}")])
        if self.unit != "points" and self.limit > MOST_MARGIN:
            key = "max" if self.against is None else "max_rise"
            say = f"a gap in {self.unit} is at most {MOST_MARGIN:g} | write {key}: 0.7"
            raise MistakesError([((key,), say)])
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
            raise ValueError("the limit is missing: 'max', or 'against' and 'max_rise' | max: 0.7")
        if self.max is None and self.against is None:
            raise ValueError("'max_rise' needs 'against' | against: baseline:main")
        if self.against is not None and self.max_rise is None:
            raise ValueError("'against' needs 'max_rise' | max_rise: 0.15")
        if self.against is not None and "claim" in self.model_fields_set:
            say = (
                "'claim' cannot stand beside 'against' | leave it out: a rise is that of the words"
            )
            raise MistakesError([(("claim",), f"{say} of both runs")])
        if self.against is not None and not _AGAINST.fullmatch(self.against):
            say = f"expected 'baseline:NAME', got '{self.against[:60]}' | against: baseline:main"
            raise MistakesError([(("against",), say)])
        return self
