"""Two runs of the same data set, from their files of scores."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pytest

from bias_audit.benchmarking import compare_benchmarks
from bias_audit.errors import UsageError
from bias_audit.metrics.pairs import compare_shares, outcomes
from bias_audit.stats.multiplicity import holm

COLUMNS = ("dataset", "pair", "category", "direction", "cluster", "measure", "more", "less")
COLUMNS = (*COLUMNS, "skip", "detail")


def scores(path, more, *, measure="crows_pairs", skipped=(), dataset="crows-pairs"):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for n, value in enumerate(more):
        kind, writer_of = ("age" if n % 3 else "size"), f"w{n // 4}"
        given = ("", "", "too_long") if n in skipped else (f"{value:.6f}", "0.000000", "")
        writer.writerow((dataset, n, kind, "stereo", writer_of, measure, *given, ""))
    path.write_bytes(gzip.compress(text.getvalue().encode()))
    return path


@pytest.fixture
def two(tmp_path):
    rng = np.random.default_rng(1)
    one = np.round(rng.normal(size=80), 6)
    other = np.round(one + rng.normal(0.4, 0.5, size=80), 6)
    return one, other, tmp_path


def test_the_difference_is_that_of_the_pairs_both_have(two):
    one, other, folder = two
    files = scores(folder / "a.gz", one, skipped=[3]), scores(folder / "b.gz", other, skipped=[5])
    whole, age, size = compare_benchmarks(*files)
    kept = [n for n in range(80) if n not in (3, 5)]
    zero = np.zeros(len(kept))
    expected = compare_shares(
        outcomes(one[kept], zero), outcomes(other[kept], zero), [n // 4 for n in kept]
    )
    # the file is read in the order of the names of its pairs
    assert whole.paired.difference.estimate == pytest.approx(expected.difference.estimate)
    assert whole.paired.difference.se == pytest.approx(expected.difference.se)
    assert whole.paired.mcnemar == expected.mcnemar
    assert (whole.category, whole.pairs, whole.lost) == ("all", 78, 2)
    assert whole.paired.difference.estimate > 0, "second minus first"
    assert whole.p_adjusted is None
    assert [age.category, size.category] == ["age", "size"]
    assert [age.p_adjusted, size.p_adjusted] == pytest.approx(
        holm([age.p_value, size.p_value]).tolist()
    )


def test_a_run_against_itself_does_not_differ(two):
    one, _, folder = two
    file = scores(folder / "a.gz", one)
    for row in compare_benchmarks(file, file):
        assert (row.paired.difference.estimate, row.p_value, row.paired.mcnemar) == (0, 1, 1)


def test_runs_without_a_common_pair_are_refused(two):
    one, other, folder = two
    a = scores(folder / "a.gz", one)
    with pytest.raises(UsageError, match="no scored pair in common"):
        compare_benchmarks(a, scores(folder / "b.gz", other, dataset="winoqueer"))
    gap = scores(folder / "g.gz", one, measure="crows_pairs_gap")
    with pytest.raises(UsageError, match="no scored pair in common"):
        compare_benchmarks(gap, gap)


def test_a_file_of_another_kind_is_refused(tmp_path):
    for content in (b"text", gzip.compress(b"a,b\n1,2\n")):
        file = tmp_path / "x.gz"
        file.write_bytes(content)
        with pytest.raises(UsageError, match="is no file of benchmark scores"):
            compare_benchmarks(file, file)
    with pytest.raises(UsageError, match="is no file of benchmark scores"):
        compare_benchmarks(tmp_path / "missing.gz", file)
