"""What would decide a gate whose interval crosses its limit: how much of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bias_audit.results import Result
from bias_audit.stats.enough import Components, enough


class Needed(NamedTuple):
    """How many units of each source would decide, if only their number changed."""

    templates: int | None
    terms: int | None
    targets: int | None


_UNITS = {
    "templates": ("sentences", "n_templates"),
    "terms": ("group words", "n_terms"),
    "targets": ("words of the poles", "n_targets"),
}


def _random(result: Result) -> dict[str, int]:
    """The sources that count as random, and how many units there are of each."""
    fixed = {"terms": ["templates"], "templates": ["terms"]}
    used = fixed.get(result.scope, ["templates", "terms"])
    used += ["targets"] if result.target_scope == "construct" else []
    return {name: getattr(result, _UNITS[name][1]) for name in used}


def needed(
    result: Result, variance: Mapping[str, float], df: float, gap: float, tail: float
) -> Needed:
    """Ask for each source how many units would decide; the arguments are those of ``enough``."""
    units = _random(result)
    if not any(variance.get(name) for name in units):
        return Needed(None, None, None)
    known = Components(variance=variance, units=units, df=df)
    return Needed(
        templates=enough(known, "templates", gap=gap, tail=tail),
        terms=enough(known, "terms", gap=gap, tail=tail),
        targets=enough(known, "targets", gap=gap, tail=tail),
    )


def all_of(found: Sequence[Needed]) -> Needed:
    """Return what is enough for each of several claims, all of which have to be decided."""

    def most(values: Sequence[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return max(known) if known and len(known) == len(values) else None

    return Needed(*(most(values) for values in zip(*found, strict=True)))


def advice(result: Result, variance: Mapping[str, float], found: Needed) -> str:
    """What more would decide, in words; and what more of would not."""
    there = _random(result)
    if not any(variance.get(name) for name in there):
        return "what would decide is not known"
    asked = {name: count for name, count in found._asdict().items() if name in there}
    would = [
        f"about {count} {_UNITS[name][0]} ({there[name]} now)"
        for name, count in asked.items()
        if count is not None
    ]
    not_ = " or ".join(_UNITS[name][0] for name, count in asked.items() if count is None)
    if not would:
        return f"more {not_} alone would not decide"
    said = f"{' or '.join(would)} would decide if the estimate stayed"
    return f"{said}; more {not_} alone would not" if not_ else said
