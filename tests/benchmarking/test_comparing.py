"""Two runs of the same data set: their files of scores, and the command that compares them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bias_audit import compare
from bias_audit.backends import FakeBackend
from bias_audit.benchmark_audit import audit_datasets
from bias_audit.benchmarking import compare_benchmarks
from bias_audit.cli._app import run
from bias_audit.errors import UsageError
from bias_audit.records import BlankRequest, PairRequest
from bias_audit.reports.view.comparison import share_row as told
from bias_audit.reports.view.comparison import share_verdict
from bias_audit.results import PAIR_SCORES_FILE, Comparison
from bias_audit.stats.multiplicity import holm
from tests.datasets import files

COLUMNS = ("dataset", "pair", "category", "direction", "cluster", "measure", "more", "less")
COLUMNS = (*COLUMNS, "skip", "detail")


def scores(path, more, *, measure="crows_pairs", skipped=(), dataset="crows-pairs", names=None):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for n, value in enumerate(more):
        kind, writer_of = ("age" if n % 3 else "size"), f"w{n // 4}"
        given = ("", "", "too_long") if n in skipped else (f"{value:.6f}", "0.000000", "")
        name = n if names is None else names[n]
        writer.writerow((dataset, name, kind, "stereo", writer_of, measure, *given, ""))
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
    kept = np.array([n for n in range(80) if n not in (3, 5)])
    before, after = one[kept] > 0, other[kept] > 0
    assert whole.baseline == pytest.approx(100 * before.mean())
    assert whole.candidate == pytest.approx(100 * after.mean())
    assert whole.difference == pytest.approx(whole.candidate - whole.baseline)
    assert whole.difference > 0, "second minus first"
    only = int((before & ~after).sum()), int((after & ~before).sum())
    assert (whole.only_baseline, whole.only_candidate) == only
    assert whole.mcnemar_p == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
    off = (100.0 * after - 100.0 * before) - whole.difference
    sums = np.bincount(kept // 4, weights=off)
    groups = len(set((kept // 4).tolist()))
    se = math.sqrt((sums**2).sum() * groups / (groups - 1)) / len(kept)
    sizes = np.bincount(kept // 4)
    df = len(kept) ** 2 / float((sizes**2).sum()) - 1
    assert (whole.se, whole.df) == pytest.approx((se, df))
    assert whole.p_value == pytest.approx(2 * stats.t.sf(abs(whole.difference) / se, df))
    assert (whole.ci_low, whole.ci_high) == pytest.approx(
        stats.t.interval(0.95, df, whole.difference, se)
    )
    assert (whole.category, whole.pairs, whole.lost_pairs, whole.clusters) == ("all", 78, 2, groups)
    assert whole.p_adjusted is None
    assert whole.differs is (whole.p_value < 0.05)
    assert [age.category, size.category] == ["age", "size"]
    assert [age.p_adjusted, size.p_adjusted] == pytest.approx(
        holm([age.p_value, size.p_value]).tolist()
    )
    assert (whole.neutral, whole.unit) == (50.0, "percent")
    assert whole.direction.startswith("above 50")


def test_a_run_against_itself_does_not_differ(two):
    one, _, folder = two
    file = scores(folder / "a.gz", one)
    for row in compare_benchmarks(file, str(file)):
        assert (row.difference, row.p_value, row.mcnemar_p) == (0, 1, 1)
        assert row.identical
        assert not row.differs


def test_the_published_share_rounds_and_loses_ties(two):
    _, _, folder = two
    one = scores(folder / "a.gz", [0.0004, -1, 2, 3], measure="crows_pairs_published")
    other = scores(folder / "b.gz", [0.0006, -1, 2, 3], measure="crows_pairs_published")
    (whole, *_) = compare_benchmarks(one, other)
    assert (whole.baseline, whole.candidate) == (50.0, 75.0)


def test_pairs_with_the_same_name_are_told_apart(two):
    one, other, folder = two
    names = ["same"] * 80
    files = scores(folder / "a.gz", one, names=names), scores(folder / "b.gz", other, names=names)
    assert compare_benchmarks(*files)[0].pairs == 80


def test_runs_without_a_common_pair_are_refused(two):
    one, other, folder = two
    a = scores(folder / "a.gz", one)
    with pytest.raises(UsageError, match="no scored pair in common"):
        compare_benchmarks(a, scores(folder / "b.gz", other, dataset="winoqueer"))
    gap = scores(folder / "g.gz", one, measure="crows_pairs_gap")
    with pytest.raises(UsageError, match="no scored pair in common"):
        compare_benchmarks(gap, gap)


def test_a_file_of_another_kind_is_refused(tmp_path):
    header = ",".join(COLUMNS).encode()
    for content in (b"text", gzip.compress(b"a,b\n1,2\n"), gzip.compress(header + b"\n1,2\n")):
        file = tmp_path / "x.gz"
        file.write_bytes(content)
        with pytest.raises(UsageError, match="is no file of benchmark scores"):
            compare_benchmarks(file, file)
    with pytest.raises(UsageError, match="is no file of benchmark scores"):
        compare_benchmarks(tmp_path / "missing.gz", file)


HEADER = ",".join(COLUMNS)
LINE = "crows-pairs,1,age,stereo,w1,crows_pairs,{},-1.0,,"


@pytest.mark.parametrize(
    "text",
    [
        *(f"{HEADER}\n{LINE.format(bad)}\n" for bad in ("nan", "inf", "1e400", "9" * 300, "1e306")),
        f"{HEADER}\n{LINE.format('-2.0')},\n",
        f"{HEADER}\n{LINE.format('-2.0')[:-1]}\n",
        "more,less,dataset,pair,category,direction,cluster,measure,skip,detail\n-1,-2,a,1\n",
        "",
    ],
)
def test_a_damaged_line_is_refused(tmp_path, text):
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(UsageError, match="is no file of benchmark scores"):
        compare_benchmarks(file, file)


def test_a_line_as_it_is_written_is_read(tmp_path):
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(f"{HEADER}\n{LINE.format('-2.0')}\n".encode()))
    assert compare_benchmarks(file, file)[0].baseline == 0


def test_a_category_called_all_is_refused(tmp_path):
    line = LINE.format("-2.0").replace("age", "all")
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(f"{HEADER}\n{line}\n".encode()))
    with pytest.raises(UsageError, match="which stands for all its pairs"):
        compare_benchmarks(file, file)
    table = tmp_path / "crows.csv"
    table.write_text(files.CROWS.replace(",size,", ",all,"), "utf-8")
    with pytest.raises(UsageError, match="a category is called 'all'"):
        audit_datasets(FakeBackend(), {"crows-pairs": table})


def test_where_clusters_give_no_error_nothing_is_said_of_the_share(tmp_path):
    before = [1.0, -1.0] * 8
    after = [-1.0, 1.0] * 8
    balanced = scores(tmp_path / "a.gz", before), scores(tmp_path / "b.gz", after)
    whole = compare_benchmarks(*balanced)[0]
    assert (whole.difference, whole.se, whole.ci_low, whole.p_value) == (0, None, None, 1)
    assert whole.reason.startswith("no interval: pairs differ inside clusters only")
    one = [1.0, 1.0, 1.0, 1.0] * 3
    other = [-1.0, 1.0, 1.0, 1.0] * 3
    tilted = scores(tmp_path / "a.gz", one), scores(tmp_path / "b.gz", other)
    whole = compare_benchmarks(*tilted)[0]
    assert (whole.difference, whole.p_value, whole.differs) == (-25, None, False)
    assert share_verdict(whole) == "none"


def test_a_change_of_every_pair_is_not_called_none(tmp_path):
    files = scores(tmp_path / "a.gz", [1.0] * 12), scores(tmp_path / "b.gz", [-1.0] * 12)
    for share in compare_benchmarks(*files):
        assert (share.difference, share.p_value) == (-100, None)
        assert told(share)[-1] == "no interval: every pair differs alike"


def test_with_more_than_a_tenth_of_the_pairs_lost_nothing_is_said(two):
    one, _, folder = two
    a = scores(folder / "a.gz", one)
    other = np.where(np.arange(80) % 7 == 0, one, 9.0)
    clear = compare_benchmarks(a, scores(folder / "b.gz", other, skipped=range(8)))
    assert (clear[0].lost_pairs, clear[0].lost_share, clear[0].statuses) == (8, 0.1, ())
    assert clear[0].differs
    short = compare_benchmarks(a, scores(folder / "b.gz", other, skipped=range(9)))
    whole, age, size = short
    assert (whole.lost_pairs, age.lost_pairs, size.lost_pairs) == (9, 6, 3)
    assert size.lost_share == pytest.approx(3 / 27)
    assert all(s.statuses == ("incomplete",) and not s.differs for s in short)
    assert whole.p_value < 0.05
    assert told(whole)[-1] == "not judged: 11% of the pairs are not in both runs"
    uneven = compare_benchmarks(a, scores(folder / "b.gz", other, skipped=(0, 3, 6)))
    assert [s.statuses for s in uneven] == [(), (), ("incomplete",)]


class Other(FakeBackend):
    """Another model: it prefers longer sentences."""

    def __init__(self):
        super().__init__()
        self.info = replace(self.info, name="other", fingerprint="f" * 64)

    def score(self, requests, **more):
        for number, score in super().score(requests, **more):
            request = requests[number]
            if isinstance(request, PairRequest):
                longer, shorter = float(len(request.first)), float(len(request.second))
                yield (
                    number,
                    replace(
                        score,
                        more=longer,
                        less=shorter,
                        published_more=longer,
                        published_less=shorter,
                    ),
                )
            elif isinstance(request, BlankRequest):
                yield number, replace(score, log_prob=-1.0 / len(request.word))
            else:
                yield number, score


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def runs(home):
    """Two models on the same files, stored as ``one`` and ``two``."""
    data = {name: files.write(home / "data" / name, name) for name in ("crows-pairs", "stereoset")}
    made = [audit_datasets(backend, data) for backend in (FakeBackend(), Other())]
    for audit, name in zip(made, ("one", "two"), strict=True):
        audit.save(home / name)
    return made


def test_every_share_of_a_run_is_in_its_file_of_scores(runs, home):
    found = compare_benchmarks(home / "one" / PAIR_SCORES_FILE, home / "two" / PAIR_SCORES_FILE)
    shares = {(s.dataset, s.measure): s for s in found if s.category == "all"}
    assert {measure for _, measure in shares} == {
        *("crows_pairs", "crows_pairs_published", "stereoset_ss_items", "stereoset_lms_items")
    }
    for audit, side in zip(runs, ("baseline", "candidate"), strict=True):
        told = {
            (r.probe, r.metric): r.estimate
            for r in audit.results.results
            if r.groups == ("all",) and (r.probe, r.metric) in shares
        }
        for key, share in shares.items():
            assert getattr(share, side) == pytest.approx(told[key])
            (size,) = (
                r.n_templates
                for r in audit.results.results
                if r.groups == ("all",) and (r.probe, r.metric) == key
            )
            assert share.pairs == size * (2 if key[1] == "stereoset_lms_items" else 1)


def test_the_command_compares_runs_of_data_sets(runs, home, capsys):
    assert run(["compare", "one", "two"]) == 0
    text = capsys.readouterr().out
    assert "shares of pairs compared with one:" in text.splitlines()[0]
    assert "crows-pairs: crows_pairs, all pairs" in text, text
    assert "neutral 50; above 50: the more stereotypical sentence" in text
    assert "more of single categories: --all shows them." in text
    assert "only shares of pairs are compared, and these are none: crows_pairs_gap" in text
    for sentence in ("baker", "sailors", "boat"):
        assert sentence not in text
    assert run(["compare", "one", "two", "--json"]) == 0
    record = Comparison.model_validate_json(capsys.readouterr().out)
    assert record.shares
    assert not record.changes
    assert not record.identical
    assert record.candidate_model is not None
    assert record.candidate_model.name == "other"
    assert run(["compare", "one", "two", "--all", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(record.shares)
    assert {row["verdict"] for row in rows} <= {"higher", "lower", "open", "none", "same"}
    for name in ("md", "html"):
        assert run(["compare", "one", "two", "--format", name, "--all"]) == 0
        page = capsys.readouterr().out
        assert "crows-pairs: crows" in page.replace("\\", "")
        assert "baker" not in page
    again = compare(home / "one", home / "one")
    assert again.identical
    assert {row.identical for row in again.shares} == {True}
    assert len(again.to_frame()) == len(again.shares)
    assert compare(runs[0], runs[1]).record.shares == compare("one", "two").record.shares


def _refused(capsys, *arguments):
    assert run(["compare", *arguments]) == 2
    return capsys.readouterr().err


def test_what_cannot_be_compared_is_said(runs, home, capsys):
    copied = home / "changed"
    copied.mkdir()
    for name in ("results.json", PAIR_SCORES_FILE):
        (copied / name).write_bytes((home / "one" / name).read_bytes())
    content = json.loads((copied / "results.json").read_text("utf-8"))
    for result in content["results"]:
        if result["id"] == "crows-pairs:crows_pairs:all":
            result["estimate"] += 10
    (copied / "results.json").write_text(json.dumps(content), "utf-8")
    told = _refused(capsys, "one", "changed")
    assert "of changed does not belong to its results.json: 'crows-pairs:crows_pairs:all'" in told
    (copied / PAIR_SCORES_FILE).unlink()
    assert f"changed has no {PAIR_SCORES_FILE}" in _refused(capsys, "one", "changed")
    assert run(["run", "fake", "-p", "valence-age", "--limit", "2", "-q", "-o", "asked"]) == 0
    capsys.readouterr()
    assert "asked asked probes, and the other one data sets" in _refused(capsys, "one", "asked")


def _rewritten(source, target, change):
    """A copy of a run of which the rows of scores are changed."""
    target.mkdir()
    (target / "results.json").write_bytes((source / "results.json").read_bytes())
    lines = gzip.decompress((source / PAIR_SCORES_FILE).read_bytes()).decode().splitlines()
    kept = [found for line in lines if (found := change(line))]
    (target / PAIR_SCORES_FILE).write_bytes(gzip.compress("\n".join(kept).encode() + b"\n"))


def test_a_share_whose_rows_are_gone_is_refused(runs, home, capsys):
    _rewritten(home / "one", home / "cut", lambda line: "" if ",crows_pairs," in line else line)
    told = _refused(capsys, "cut", "two")
    assert "'crows-pairs:crows_pairs:all' is another number by its scores, or has none" in told


def test_a_share_without_a_common_pair_is_missing_and_no_other_measure(runs, home):
    def renamed(line):
        parts = line.split(",")
        parts[1] += "x" * (parts[5] == "crows_pairs")
        return ",".join(parts)

    _rewritten(home / "one", home / "renamed", renamed)
    record = compare("renamed", "two").record
    assert ("crows-pairs", "crows_pairs") not in {(s.dataset, s.measure) for s in record.shares}
    (gone,) = record.missing
    assert (gone.result, gone.reason_code) == ("crows-pairs:crows_pairs:all", "cells_lost")
    (notice,) = (text for text in record.notices if text.startswith("only shares of pairs"))
    assert "crows_pairs," not in f"{notice},"
    assert "crows_pairs_gap" in notice


def test_runs_of_a_data_set_without_pairs_say_so(home, capsys):
    data = {"holistic-bias": files.write(home / "data", "holistic-bias")}
    audit_datasets(FakeBackend(), data).save(home / "wide")
    told = _refused(capsys, "wide", "wide")
    assert "these measures have no pairs: likelihood_bias, likelihood_bias_adjusted" in told


def test_other_copies_of_a_data_set_are_not_paired(runs, home, capsys):
    text = (home / "data" / "crows-pairs").rglob("*.csv")
    (file,) = list(text)
    changed = home / "changed.csv"
    changed.write_text(file.read_text("utf-8").replace("late", "early"), "utf-8")
    audit_datasets(FakeBackend(), {"crows-pairs": changed}).save(home / "edited")
    assert "their copies of crows-pairs differ" in _refused(capsys, "one", "edited")
    both = {"crows-pairs": changed, "stereoset": home / "data" / "stereoset" / "dev.json"}
    audit_datasets(FakeBackend(), both).save(home / "half")
    record = compare("one", "half").record
    assert {share.dataset for share in record.shares} == {"stereoset"}
    assert {lost.reason_code for lost in record.missing} == {"probe_version_changed"}
    assert not record.identical


def test_a_shortened_run_is_compared_on_what_both_have(home):
    file = files.write(home / "data", "crows-pairs")
    audit_datasets(FakeBackend(), {"crows-pairs": file}).save(home / "whole")
    audit_datasets(FakeBackend(), {"crows-pairs": file}, limit=2).save(home / "short")
    record = compare("whole", "short").record
    assert [share.pairs for share in record.shares if share.category == "all"] == [2, 2]
    assert {share.lost_pairs for share in record.shares if share.category == "all"} == {2}
    assert any("was cut short: only pairs" in text for text in record.notices)
    assert not record.identical
