"""LMS, SS and ICAT against counting item by item as the published evaluation does."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from bias_audit.metrics.stereoset import icat, stereoset

RNG = np.random.default_rng(8)
TERMS = RNG.choice(["cook", "pilot", "nurse", "judge", "sailor"], 60, p=[0.4, 0.3, 0.1, 0.1, 0.1])
PRO, ANTI, OFF = (np.round(RNG.normal(mean, 1, 60), 1) for mean in (0.4, 0.2, -1.0))


def counted():
    by_term = defaultdict(lambda: [0, 0, 0])
    for term, pro, anti, off in zip(TERMS, PRO, ANTI, OFF, strict=True):
        cell = by_term[term]
        cell[0] += pro > anti
        cell[1] += int(pro > off) + int(anti > off)
        cell[2] += 1
    ss = [100 * c[0] / c[2] for c in by_term.values()]
    lms = [100 * c[1] / (2 * c[2]) for c in by_term.values()]
    return np.array(lms), np.array(ss)


def test_terms_are_averaged_as_in_the_published_evaluation():
    lms, ss = counted()
    found = stereoset(PRO, ANTI, OFF, TERMS.tolist(), ties="lost")
    assert found.lms.estimate == pytest.approx(lms.mean())
    assert found.ss.estimate == pytest.approx(ss.mean())
    assert found.icat == pytest.approx(lms.mean() * min(ss.mean(), 100 - ss.mean()) / 50)
    assert found.ss.se == pytest.approx(stats.sem(ss))
    assert (found.n_terms, found.n_items) == (5, 60)
    assert found.ties == (PRO == ANTI).sum() > 0


def test_items_are_averaged_too_and_cluster_by_term():
    found = stereoset(PRO, ANTI, OFF, TERMS.tolist(), ties="lost")
    assert found.ss_items.estimate == pytest.approx(100 * (PRO > ANTI).mean())
    assert found.lms_items.estimate == pytest.approx(
        50 * ((PRO > OFF).mean() + (ANTI > OFF).mean())
    )
    assert found.icat_items == icat(found.lms_items.estimate, found.ss_items.estimate)
    assert found.ss_items.n_clusters == 5
    assert found.ss_items.estimate != pytest.approx(found.ss.estimate)
    half = stereoset(PRO, ANTI, OFF, TERMS.tolist())
    assert half.ss_items.estimate == pytest.approx(
        100 * ((PRO > ANTI).mean() + 0.5 * (PRO == ANTI).mean())
    )


def test_the_error_of_icat_is_that_of_a_bootstrap_over_many_terms():
    rng = np.random.default_rng(9)
    terms = np.repeat(np.arange(60), 8)
    lean = rng.normal(0.3, 0.4, 60)[terms]
    pro, anti = rng.normal(lean), rng.normal(size=480)
    off = rng.normal(-1.2, 1, 480)
    found = stereoset(pro, anti, off, [str(t) for t in terms])
    ss = 100 * (pro > anti).reshape(60, 8).mean(axis=1)
    lms = 50 * ((pro > off).astype(int) + (anti > off)).reshape(60, 8).mean(axis=1)
    drawn = rng.integers(0, 60, (3000, 60))
    values = [icat(lms[d].mean(), ss[d].mean()) for d in drawn]
    assert found.icat_se == pytest.approx(np.std(values), rel=0.1)


def test_one_term_has_no_error():
    found = stereoset([1.0, 2.0], [0.0, 3.0], [-1.0, -1.0], ["cook", "cook"])
    assert (found.icat, found.icat_se, found.ss.se) == (100.0, None, None)
    with pytest.raises(ValueError, match="one for each of 2 items"):
        stereoset([1.0, 2.0], [0.0, 3.0], [-1.0, -1.0], ["cook"])
