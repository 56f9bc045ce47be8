"""Tables for pandas and what an audit shows of itself: named columns, right values, few lines."""

from __future__ import annotations

import csv
import io
import math
import re

import numpy as np
import pandas as pd
import pytest

from bias_audit.errors import UsageError
from bias_audit.pipeline import tables
from bias_audit.pipeline.audit import Audit
from bias_audit.reports import render
from bias_audit.reports.formats.csv import CLUSTERS, KIND
from bias_audit.results import Finding
from tests.analysis.world import controlled, noise, plant, record, run, terms


@pytest.fixture(scope="module")
def done():
    return run(
        controlled(plus=terms("gain", 5), minus=terms("loss", 5)),
        lambda p: plant(-1.0)(p) + 0.05 * noise(p.text, p.target),
    )


OF_PROBES = ("comparisons", "words", "completions", "evidence")


@pytest.mark.parametrize("table", OF_PROBES)
def test_columns_are_the_documented_ones_and_few(done, table):
    frame = getattr(done, table)()
    assert list(frame.columns) == list(tables.COLUMNS[table])
    assert len(frame.columns) <= 17
    for column, meaning in tables.COLUMNS[table].items():
        assert f"{column}: {meaning}." in getattr(Audit, table).__doc__
    full = getattr(done, table)(full=True)
    assert list(full.columns)[: len(frame.columns)] == list(frame.columns)
    assert len(full.columns) == len(set(full.columns)) >= len(frame.columns)


def test_a_comparison_is_told_in_the_direction_in_which_something_is_likelier(done):
    (row,) = done.comparisons().to_dict("records")
    (result,) = [r for r in done.results.results if r.role == "primary"]
    assert result.estimate < 0
    assert row["times"] == pytest.approx(math.exp(-result.estimate))
    assert (row["group_a"], row["group_b"]) == result.groups
    assert row["leans"] == result.groups[1]
    assert (row["outcome"], row["at_least"], row["estimate"]) == (
        "association", result.at_least, result.estimate,
    )  # fmt: skip
    full = done.comparisons(full=True).iloc[0]
    assert full["n_templates"] == result.n_templates
    assert full["statement"] == result.statement
    assert not any(isinstance(value, (list, dict, tuple)) for value in full)
    kind = result.words_of_this_kind
    assert (row["kind_ci_low"], row["kind_ci_high"]) == (kind.ci_low, kind.ci_high)
    assert (full["kind_se"], full["kind_df"], full["p_value"]) == (kind.se, kind.df, kind.p_value)
    names = list(done.comparisons(full=True).columns)
    assert names[names.index("kind_se") :][:3] == ["kind_se", "kind_df", "p_value"]
    assert full["n_template_clusters"] == result.clusters["templates"] == 8
    cells = next(csv.DictReader(io.StringIO(render(done.results, "csv"))))
    assert cells["id"] == full["id"]
    for name in (*KIND, *CLUSTERS, "se", "p_value", "p_adjusted"):
        assert float(cells[name]) == pytest.approx(full[name], rel=1e-6), name


def test_words_have_the_probabilities_and_differences_of_the_result(done):
    frame, probe = done.words(full=True), record(done)
    (result,) = [r for r in done.results.results if r.role == "primary"]
    assert len(frame) == len(result.by_target) > 0
    assert list(frame["estimate"].abs()) == sorted(frame["estimate"].abs(), reverse=True)
    evidence = done.evidence()
    for row in frame.to_dict("records"):
        profile = next(one for one in probe.targets if one.id == row["target"])
        assert row["times"] == pytest.approx(math.exp(abs(row["estimate"])))
        assert row["leans"] == (row["group_a"] if row["estimate"] > 0 else row["group_b"])
        if profile.probability:
            mine = evidence[(evidence["probe"] == "trial") & (evidence["target"] == row["target"])]
            means = mine.groupby("group")["probability"].mean()
            assert row["probability_a"] == pytest.approx(means[row["group_a"]], rel=1e-3)


def test_evidence_has_probabilities_and_is_the_same_from_a_folder(done, tmp_path):
    fresh, stored = done.evidence(), Audit.load(done.save(tmp_path / "run")).evidence()
    np.testing.assert_allclose(stored["probability"], np.exp(fresh["log_prob"]), atol=1e-6)
    assert list(stored["text"]) == list(fresh["text"])


def test_completions_in_full_hold_every_groups_likeliest_words(done):
    frame = done.completions(full=True)
    for group in record(done).groups:
        mine = frame[frame["group"] == group.id].set_index("word")["probability"]
        for word in group.completions:
            assert mine[word.token] == pytest.approx(word.probability)


def test_an_audit_shows_itself_in_ten_lines(done):
    lines = repr(done).splitlines()
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 110
    assert lines[0].startswith(f"Audit of {done.results.model.name!r}: 1 probe, ")
    assert "1 association" in lines[1]
    assert re.search(r"times as likely", repr(done))
    for name in re.findall(r"\.(\w+)", lines[-1]):
        assert hasattr(done, name)


def test_findings_are_a_tuple_and_a_short_table(done):
    assert isinstance(done.findings, tuple)
    (finding,) = done.findings
    assert isinstance(finding, Finding)
    head, line = repr(done.findings).splitlines()
    assert head.split() == ["id", "size", "evidence", "finding"]
    assert line.startswith(finding.id)
    many = tables.Findings([finding] * 30)
    assert len(repr(many).splitlines()) == tables.SHOWN + 2
    assert repr(many).endswith("… and 22 more")
    assert "no evidence of absence" in repr(tables.Findings())


@pytest.mark.parametrize("table", ["benchmarks", "pair_scores"])
def test_a_table_of_data_sets_says_what_to_call_where_there_are_probes_only(done, table):
    with pytest.raises(UsageError, match="no published data set") as caught:
        getattr(done, table)()
    assert "comparisons()" in caught.value.hint


def test_an_audit_without_anything_has_empty_tables(done):
    bare = done.results.model_copy(
        update={"results": (), "findings": (), "probes": (), "outcomes": {}}
    )
    empty = Audit(results=bare)
    for table in ("comparisons", "words", "completions"):
        frame = getattr(empty, table)()
        assert isinstance(frame, pd.DataFrame)
        assert (len(frame), list(frame.columns)) == (0, list(tables.COLUMNS[table]))
    assert len(repr(empty).splitlines()) <= 10
