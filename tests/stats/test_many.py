"""Many data sets at once, against the contrast of each of them."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit.stats._split import by_groups, by_pairs
from bias_audit.stats.contrast import matched_pairs, target_part, versus_rest
from bias_audit.stats.many import Design, Many, Responses

DESIGNS = {
    "pairs": Design(groups=1, scope="concept"),
    "pairs, these words": Design(groups=1, scope="terms"),
    "two groups": Design(groups=2, scope="concept"),
    "these sentences": Design(groups=2, scope="templates"),
    "four groups": Design(groups=4, scope="concept"),
    "targets too": Design(groups=2, scope="concept", construct=True),
    "pairs and targets": Design(groups=1, scope="terms", construct=True),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_many_data_sets_are_analysed_like_one(name):
    design, rng, each = DESIGNS[name], np.random.default_rng(3), 5
    y = rng.normal(size=(6, 8, each * design.groups)) ** 3
    groups = [list(range(g * each, (g + 1) * each)) for g in range(design.groups)]
    split = by_pairs(y) if design.groups == 1 else by_groups(y, groups, design.weights)
    poles = (rng.normal(size=(6, 4)), rng.normal(size=(6, 3))) if design.construct else None
    many = Many(design, Responses(split, poles))
    for i in range(6):
        part = target_part(poles[0][i], poles[1][i]) if poles else None
        if design.groups == 1:
            one = matched_pairs(y[i], scope=design.scope, target_part=part)
        else:
            one = versus_rest(y[i], groups, 0, scope=design.scope, target_part=part)
        assert many.estimate[i] == pytest.approx(one.estimate, rel=1e-12)
        assert (many.se[i], many.df[i]) == pytest.approx((one.se, one.df), rel=1e-12)
