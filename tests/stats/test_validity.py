"""The simulations behind docs/validity.md: they run, draw what they say, and see what is broken."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import bias_audit
from benchmarks.validity import __main__ as validity
from benchmarks.validity import (
    calibration,
    completions,
    margin,
    permutations,
    planned,
    random_twins,
)
from benchmarks.validity._drawn import SETTINGS, effects, many
from benchmarks.validity._table import Table, written
from benchmarks.validity.controls import controls
from benchmarks.validity.core_power import core_power, draw, stored_comparisons
from benchmarks.validity.null_audits import Null, Row, audits, null, read
from bias_audit.pipeline.run import audit
from bias_audit.stats.contrast import ContrastBatch
from bias_audit.stats.permutation import Permutation

PAGE = Path(__file__).parents[2] / "docs" / "validity.md"
CHECKS = {
    "intervals": calibration.intervals,
    "bounds": calibration.bounds,
    "all-groups": calibration.all_groups,
    "families": calibration.families,
    "gates": margin.sizes,
    "rises": margin.rises,
    "permutations": permutations.uniform,
    "completions": completions.completions,
    "completions-several": completions.several_groups,
    "completions-size": completions.difference_sizes,
    "power": planned.predicted,
}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_makes_its_table(name):
    sets = 2 if name.startswith("completions") else 12
    table = CHECKS[name](sets, 3)
    assert table.name == name
    assert len(table.rows) >= 2
    assert all(len(row) == len(table.head) for row in table.rows)
    assert list(CHECKS[name](sets, 3).lines()) == list(table.lines()), "same seed, same table"
    if name == "intervals":
        assert sum(setting.promised for setting in SETTINGS) >= 6


def test_the_page_has_a_place_for_each_table_and_no_other():
    found = re.findall(r"^<!-- (?!end)([\w-]+) -->$", PAGE.read_text(encoding="utf-8"), re.M)
    assert found == [*CHECKS, "core-power", "null-audits", "controls", "random-twins"]


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
    expected = planned.components(setting).scale({})[0] ** 2
    # The noise of cells is counted once for each source, so the estimate varies less than said.
    assert np.mean(drawn.se**2) == pytest.approx(expected, rel=0.06)
    assert drawn.estimate.var() <= expected * 1.08
    assert abs(drawn.estimate.mean()) < 4 * drawn.estimate.std() / np.sqrt(1500)


@pytest.mark.parametrize("shape", ["normal", "heavy", "skewed", "outliers"])
def test_effects_have_mean_0_and_the_standard_deviation_asked_for(shape):
    drawn = effects(np.random.default_rng(1), shape, 0.4, (400_000,))
    assert drawn.mean() == pytest.approx(0, abs=0.004)
    assert drawn.std() == pytest.approx(0.4, rel=0.15 if shape == "heavy" else 0.02)
    assert (abs(stats.skew(drawn)) > 1) == (shape == "skewed") or shape == "heavy"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    names = ("valence-religion", "occupation-pronoun", "trait-gender-warmth")
    done = audit("fake", probes=(*names, "occupation-nationality-de"))
    return done.save(tmp_path_factory.mktemp("null") / "run")


def test_null_audits_of_a_stored_run(stored):
    table = audits(stored, 30, 5, least=60)
    assert [row[0] for row in table.rows][-1] == "all"
    assert len(table.rows) >= 3
    assert "Left out: no probe." in table.note
    assert "`fake`" in table.note
    for scored in read(stored):
        deals = null(scored, 30, np.random.default_rng(1))
        assert len(deals) == (1 if scored.probe.spec.mask == "group" else len(deals))
        assert any("pole" in one.kind or "masked" in one.kind for one in deals)
        for found in deals:
            assert found.p.shape == (30,)
            assert ((found.p > 0) & (found.p <= 1)).all()
            spread = found.spread(np.random.default_rng(1)) if found.exact else np.zeros(1)
            assert ((spread >= 0) & (spread <= 1)).all()


def test_groups_whose_completions_differ_are_found_and_those_that_do_not_are_not():
    """The tests see what was planted; with labels that mean nothing p is below 0.05 as often."""
    pairs = next(setting for setting in completions.TWO if setting.pairs)
    rng = np.random.default_rng(4)
    assert completions.find(pairs, 2.0, 10, rng).together == 1.0
    wrong = completions.find(pairs, 0.0, 60, rng)
    assert wrong.together <= stats.binom.ppf(0.999, 60, 0.05) / 60
    assert wrong.hurtful <= stats.binom.ppf(0.999, 60, 0.05) / 60
    assert wrong.alone is None, "two groups have one comparison"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("12 sentences, 2 words in each of two groups", (True, True, True)),
        ("12 sentences, 7 groups of 2 words", (False, True, True)),
        ("12 sentences, 7 groups of 4 words", (False, False, False)),
    ],
)
def test_too_few_group_words_for_a_small_p_are_not_measurable(name, expected):
    every = (*completions.TWO, *completions.SEVERAL)
    (setting,) = (setting for setting in every if setting.name == name)
    found = completions.find(setting, 0.0, 1, np.random.default_rng(1))
    assert tuple(share is None for share in found) == expected


def test_core_audits_are_drawn_with_the_variances_that_the_run_shows(stored):
    seen = set()
    for scored in read(stored):
        for comparison in stored_comparisons(scored):
            used = [name for name in ("templates",) if name in comparison.crossed.parts]
            if comparison.scope == "concept":
                used.append("terms")
            drawn = draw(np.random.default_rng(3), comparison, 400).these
            whole = sum(
                variance
                for names, variance in comparison.variances.items()
                if set(names) & set(used)
            )
            assert drawn.estimate.std() == pytest.approx(whole**0.5, rel=0.15)
            assert abs(drawn.estimate.mean()) < 4 * drawn.estimate.std() / 20
            assert np.mean(drawn.se**2) == pytest.approx(whole, rel=0.35)
            seen.add(scored.probe.spec.id)
            break
    assert len(seen) == 4


def test_tables_of_a_stored_run(stored):
    power = core_power(stored, 20, 3)
    assert power.rows[-1][0] == "all"
    assert power.holds[:-1] == [None] * (len(power.rows) - 1), "the promise is about all together"
    assert "`fake`" in power.note
    told = json.loads((stored / "results.json").read_text())
    quiet = {probe["id"] for probe in told["probes"] if probe["role"] == "negative_control"}
    number = sum(
        r["role"] == "control" and (r["probe"] in quiet or "~split" in r["id"])
        for r in told["results"]
    )
    kinds = controls(stored)
    assert kinds.rows[-1][:2] == ("all", f"{number}")
    assert sum(int(row[1]) for row in kinds.rows[:-1]) == number
    assert all(int(row[1]) == sum(map(int, row[2:6])) for row in kinds.rows)


@pytest.mark.slow
def test_nothing_is_said_of_an_untrained_network(monkeypatch):
    monkeypatch.setattr(random_twins, "SIZES", {"small": random_twins.SMALL})
    table = random_twins.twins(1, 3, probes=["occupation-pronoun"])
    ((name, audited, comparisons, association, small, *_),) = table.rows
    assert (name, audited, comparisons, association, small) == ("small", "1", "1", "0", "0")
    gates = dict(zip(table.head, table.rows[0], strict=True))
    assert (gates["gates"], gates["pass"]) == (f"{len(random_twins.GATES)}", "0")
    assert table.broken == 0
    assert "occupation-pronoun" in table.note


def test_what_is_left_out_of_the_null_audits_is_named(stored, tmp_path):
    """Probes of another version were left out in silence, and a table could be about nothing."""
    folder = tmp_path / "run"
    shutil.copytree(stored, folder)
    told = json.loads((folder / "results.json").read_text())
    for probe in told["probes"]:
        if probe["id"] in ("valence-religion", "occupation-nationality-de"):
            probe["version"] = 99
        if probe["id"] == "occupation-pronoun":
            probe["id"] = "my-own"
    (folder / "results.json").write_text(json.dumps(told))
    table = audits(folder, 5, 3, least=20)
    assert "valence-religion: version 99 in the run" in table.note
    assert "my-own: not in the catalogue" in table.note
    assert table.rows[0][1] == "1 x 20", "few probes are dealt more often"


def nulls(p, exact):
    """A stand-in of one probe: primary p-values, and permutation p-values on a fine grid."""
    many = ContrastBatch(-stats.norm.ppf(p / 2), np.ones(p.size), np.full(p.size, 1e9))
    tests = [Permutation(p=x, method="", exact=False, draws=10**6) for x in exact]
    return Null("pairs", many, many, 9.0, tests)


def test_the_shown_uniformity_is_the_judged_one_and_the_worst_probe_counts():
    generator = np.random.default_rng(1)
    flat = generator.random((12, 500))
    row = Row.of([nulls(p, p) for p in flat], 500, generator)
    assert row.kept
    assert [*row.cells()][-1] == f"{row.ks:.2f}"
    small = Row.of([nulls(p, p**1.3) for p in flat], 500, generator)
    assert small.ks < 0.01
    assert not small.kept
    wild = np.where(generator.random(500) < 0.12, 0.01, flat[0])  # one of twelve at 16 %
    worst = Row.of([nulls(wild, flat[0]), *(nulls(p, p) for p in flat[1:])], 500, generator)
    assert worst.wrong.mean() <= 0.06, "the mean alone would not see it"
    assert worst.wrong.max() > worst.most
    assert not worst.kept


def test_tables_are_written_one_by_one_and_what_was_cut_is_named(tmp_path, monkeypatch, capsys):
    page = tmp_path / "validity.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(validity, "PAGE", page)

    def cut(sets, seed):
        raise KeyboardInterrupt

    monkeypatch.setattr(calibration, "families", cut)
    asked = ["--data-sets", "40", "--write", "--seed", "7"]
    code = validity.main([*asked, "--only", "all-groups", "families", "rises"])
    assert "not reached: families, rises" in capsys.readouterr().out
    assert code in (1, validity.CUT)
    text = page.read_text(encoding="utf-8")
    block = text.split("<!-- all-groups -->")[1].split("<!-- end of all-groups -->")[0]
    assert "| 40 |" in block
    assert f"bias-audit {bias_audit.__version__}, numpy" in block
    assert "seed 7." in block
    before = PAGE.read_text(encoding="utf-8")
    assert text.split("<!-- families -->")[1] == before.split("<!-- families -->")[1]
    assert validity.main([*asked, "--only", "rises", "--max-time", "-1"]) == validity.CUT
    with pytest.raises(SystemExit):
        validity.main(["--only", "null-audits"])


def test_labels_as_they_are_give_the_stored_p(stored):
    """One labelling that deals nothing anew: the vectorised analysis is that of the audit."""
    from bias_audit.results import load_results

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
        found = null(scored, 1, Still())[0]
        units = (first.n_templates, first.n_targets)
        if (first.clusters["templates"], first.clusters["targets"]) != units:  # dealt as one unit
            assert found.many.se[0] == pytest.approx(first.words_of_this_kind.se, rel=0.25)
            continue
        assert found.p[0] == pytest.approx(first.p_value, rel=1e-4, abs=1e-9)
        assert found.many.estimate[0] == pytest.approx(first.estimate, abs=1e-5)
        assert found.these.se[0] == pytest.approx(first.se, rel=1e-4)
        seen += 1
    assert seen == 1
