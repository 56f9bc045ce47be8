"""The placebo gaps that a probe's record keeps, for its chart."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from bias_audit.analysis.probe_record import placebo_gaps


def controls(*gaps: tuple[float, ...]) -> list[SimpleNamespace]:
    return [SimpleNamespace(placebo_gaps=values) for values in gaps]


def test_few_gaps_are_all_kept_in_order() -> None:
    assert placebo_gaps(controls((0.2, 0.5), (), (0.1,))) == (0.1, 0.2, 0.5)
    assert placebo_gaps(controls(())) == ()


def test_of_many_gaps_the_ends_and_the_shape_are_kept() -> None:
    many = np.random.default_rng(1).gamma(2.0, 0.1, 500)
    kept = placebo_gaps(controls(tuple(many)))
    assert len(kept) == 40
    assert list(kept) == sorted(kept)
    np.testing.assert_allclose((kept[0], kept[-1]), (many.min(), many.max()), rtol=1e-3)
    np.testing.assert_allclose(np.median(kept), np.median(many), rtol=0.1)
