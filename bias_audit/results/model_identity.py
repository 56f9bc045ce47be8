"""Are the models of two runs the same, of one family, and calculated alike?"""

from __future__ import annotations

from collections.abc import Iterator

from bias_audit.archive import Model, Results

HALF_NOISE, FULL_NOISE = 2e-2, 1e-4
"""Nats below which a difference may be rounding of the arithmetic: half precision, and full."""


def noise_floor(old: Model, new: Model) -> float:
    """Return the size of differences that may come from the order of sums alone, nats."""
    half = {"bfloat16", "float16"} & {old.dtype, new.dtype}
    return HALF_NOISE if half else FULL_NOISE


def other_family(old: Model, new: Model) -> bool:
    """Return whether two models differ in architecture or vocabulary."""
    return (old.architecture, old.vocabulary_size) != (new.architecture, new.vocabulary_size)


def same_model(old: Results, new: Results) -> Iterator[str]:
    """Yield a notice if the weights are the same, and one if the arithmetic is not."""
    a, b = old.model, new.model
    if a.fingerprint and a.fingerprint == b.fingerprint and not other_family(a, b):
        yield "both runs audited the same weights"
    if a.dtype != b.dtype:
        yield f"other arithmetic: {a.dtype} in the baseline, {b.dtype} here"
