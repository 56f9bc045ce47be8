"""The simulations behind docs/validity.md: they run, draw what they say, and see what is broken."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.validity import calibration, margin, permutations, planned
from benchmarks.validity._drawn import SETTINGS, Setting, effects, many
from benchmarks.validity._table import Table, written
from benchmarks.validity.null_audits import audits, null, read
from bias_audit.auditing import audit
from bias_audit.stats.many import Design

PAGE = Path(__file__).parents[2] / "docs" / "validity.md"
CHECKS = {
    "intervals": calibration.intervals,
    "all-groups": calibration.all_groups,
    "families": calibration.families,
    "gates": margin.sizes,
    "rises": margin.rises,
    "permutations": permutations.uniform,
    "power": planned.predicted,
}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_makes_its_table(name):
    table = CHECKS[name](12, 3)
    assert table.name == name
    assert len(table.rows) >= 2
    assert all(len(row) == len(table.head) for row in table.rows)
    assert list(CHECKS[name](12, 3).lines()) == list(table.lines()), "same seed, same table"
    if name == "intervals":
        assert sum(setting.promised for setting in SETTINGS) >= 6


def test_the_page_has_a_place_for_each_table_and_no_other():
    found = re.findall(r"^<!-- (?!end)([\w-]+) -->$", PAGE.read_text(encoding="utf-8"), re.M)
    assert found == [*CHECKS, "null-audits", "random-twins"]


def test_a_table_takes_the_place_of_the_old_one():
    table = Table("t", ("what",))
    table.add("first", holds=True)
    page = "Before.\n<!-- t -->\n| old |\n<!-- end of t -->\nAfter."
    once = written(page, table)
    assert once == (
        "Before.\n<!-- t -->\n| what | holds |\n| --- | --- |\n| first | yes |\n"
        "<!-- end of t -->\nAfter."
    )
    assert written(once, table) == once
    with pytest.raises(ValueError, match="end of t"):
        written("no place", table)


def test_a_broken_promise_is_seen(monkeypatch):
    monkeypatch.setattr(calibration, "p_values", lambda found: np.full(found.estimate.size, 0.01))
    table = calibration.intervals(10, 1)
    assert table.broken == sum(setting.promised for setting in SETTINGS)
    assert any("**no**" in line for line in table.lines())


@pytest.mark.parametrize("setting", planned.PLANNED, ids=lambda s: s.name)
def test_cells_have_the_variances_that_the_plan_is_told(setting):
    drawn = many(np.random.default_rng(2), setting, 1500)
    expected = planned.components(setting).expected(planned.size(setting), setting.design)
    # The noise of cells is counted once for each source, so the estimate varies less than said.
    assert np.mean(drawn.se**2) == pytest.approx(sum(expected.values()), rel=0.06)
    assert drawn.estimate.var() <= sum(expected.values()) * 1.08
    assert abs(drawn.estimate.mean()) < 4 * drawn.estimate.std() / np.sqrt(1500)


@pytest.mark.parametrize("shape", ["normal", "heavy", "skewed"])
def test_effects_have_mean_0_and_the_standard_deviation_asked_for(shape):
    setting = Setting(name="", design=Design(groups=2, scope="concept"), shape=shape)
    drawn = effects(np.random.default_rng(1), setting, 0.4, (400_000,))
    assert drawn.mean() == pytest.approx(0, abs=0.004)
    assert drawn.std() == pytest.approx(0.4, rel=0.15 if shape == "heavy" else 0.02)
    assert (abs(stats.skew(drawn)) > 1) == (shape == "skewed") or shape == "heavy"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    done = audit("fake", probes=("valence-religion", "occupation-pronoun", "trait-gender-warmth"))
    return done.save(tmp_path_factory.mktemp("null") / "run")


def test_null_audits_of_a_stored_run(stored):
    table = audits(stored, 30, 5)
    assert [row[0] for row in table.rows][-1] == "all"
    assert len(table.rows) >= 3
    for scored in read(stored):
        found = null(scored, 30, np.random.default_rng(1))
        assert found.p.shape == (30,)
        assert ((found.p > 0) & (found.p <= 1)).all()
        assert found.failed.mean() <= np.mean(found.p <= 0.05)
        spread = found.spread(np.random.default_rng(1))
        assert ((spread >= 0) & (spread <= 1)).all()


def test_labels_as_they_are_give_the_stored_p(stored):
    """One labelling that deals nothing anew: the vectorised analysis is that of the audit."""
    from bias_audit.archive import load_results

    class Still:
        def permuted(self, values, axis):
            return np.array(values)

        def choice(self, values, size):
            return np.ones(size)

        def __getattr__(self, name):
            return getattr(np.random.default_rng(1), name)

    results = load_results(stored).results
    seen = 0
    for scored in read(stored):
        first = next(r for r in results if r.probe == scored.probe.spec.id and r.role == "primary")
        found = null(scored, 1, Still())
        assert found.p[0] == pytest.approx(first.p_value, rel=1e-4, abs=1e-9)
        assert found.many.estimate[0] == pytest.approx(first.estimate, abs=1e-5)
        seen += 1
    assert seen == 3
