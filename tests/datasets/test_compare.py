"""Two runs of the same data set: their files of scores, and the command that compares them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bias_audit import audit, compare
from bias_audit.backends import FakeBackend
from bias_audit.cli.app import run
from bias_audit.datasets.compare import compare_rows, read_shares
from bias_audit.datasets.pair_scores import PairRow, encode_rows
from bias_audit.errors import UsageError
from bias_audit.records import BlankScore, PairScore
from bias_audit.reports.comparison import render
from bias_audit.results import PAIR_SCORES_FILE, Comparison
from bias_audit.stats.multiplicity import holm
from tests.datasets import files

HEADER = "dataset,pair,category,direction,cluster,measure,more,less,skip,detail"
LINE = "crows-pairs,1,age,stereo,w1,crows_pairs,{},-1.0,,"
RNG = np.random.default_rng(1)
ONE = np.round(RNG.normal(size=80), 6)
OTHER = np.round(ONE + RNG.normal(0.4, 0.5, size=80), 6)


def scores(more, *, measure="crows_pairs", skipped=(), dataset="crows-pairs", names=None):
    """A file of scores: four pairs by each writer, a third of the pairs about size."""
    return encode_rows(
        PairRow(
            dataset=dataset,
            pair=str(n) if names is None else names[n],
            category="age" if n % 3 else "size",
            direction="stereo",
            cluster=f"w{n // 4}",
            measure=measure,
            more=None if n in skipped else float(value),
            less=None if n in skipped else 0.0,
            skip="too_long" if n in skipped else "",
            detail="",
        )
        for n, value in enumerate(more)
    )


def compared(base, candidate):
    return compare_rows(read_shares(base), read_shares(candidate))


def test_the_difference_is_that_of_the_pairs_both_have():
    overall, age, size = compared(scores(ONE, skipped=[3]), scores(OTHER, skipped=[5]))
    both = np.array([n for n in range(80) if n not in (3, 5)])
    before, after = ONE[both] > 0, OTHER[both] > 0
    assert overall.baseline == pytest.approx(100 * before.mean())
    assert overall.candidate == pytest.approx(100 * after.mean())
    assert overall.difference == pytest.approx(overall.candidate - overall.baseline)
    assert overall.difference > 0, "second minus first"
    only = int((before & ~after).sum()), int((after & ~before).sum())
    assert (overall.only_baseline, overall.only_candidate) == only
    assert overall.mcnemar_p == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
    off = (100.0 * after - 100.0 * before) - overall.difference
    sums, sizes = np.bincount(both // 4, weights=off), np.bincount(both // 4)
    se = math.sqrt((sums**2).sum() * sizes.size / (sizes.size - 1)) / len(both)
    df = len(both) ** 2 / float((sizes**2).sum()) - 1
    assert (overall.se, overall.df) == pytest.approx((se, df))
    assert overall.p_value == pytest.approx(2 * stats.t.sf(abs(overall.difference) / se, df))
    assert (overall.ci_low, overall.ci_high) == pytest.approx(
        stats.t.interval(0.95, df, overall.difference, se)
    )
    assert (overall.category, overall.pairs, overall.lost_pairs) == ("all", 78, 2)
    assert overall.clusters == sizes.size
    assert overall.p_adjusted is None
    assert overall.differs is (overall.p_value < 0.05)
    assert [age.category, size.category] == ["age", "size"]
    assert [age.p_adjusted, size.p_adjusted] == pytest.approx(
        holm([age.p_value, size.p_value]).tolist()
    )
    assert (overall.neutral, overall.unit) == (50.0, "percent")
    assert overall.direction.startswith("above 50")


def test_a_run_against_itself_does_not_differ():
    for change in compared(scores(ONE), scores(ONE)):
        assert (change.difference, change.p_value, change.mcnemar_p) == (0, 1, 1)
        assert change.identical
        assert not change.differs


def test_the_published_share_rounds_and_loses_ties():
    one, other = (
        scores([first, -1, 2, 3], measure="crows_pairs_published") for first in (0.0004, 0.0006)
    )
    overall = compared(one, other)[0]
    assert (overall.baseline, overall.candidate) == (50.0, 75.0)


def test_pairs_with_the_same_name_are_told_apart():
    same = ["same"] * 80
    assert compared(scores(ONE, names=same), scores(OTHER, names=same))[0].pairs == 80


def test_runs_without_a_common_share_have_nothing_to_compare():
    assert compared(scores(ONE), scores(OTHER, dataset="winoqueer")) == []
    means = scores(ONE, measure="crows_pairs_gap")
    assert compared(means, means) == []


@pytest.mark.parametrize(
    "text",
    [
        *(f"{HEADER}\n{LINE.format(bad)}\n" for bad in ("nan", "inf", "1e400", "9" * 300, "1e306")),
        f"{HEADER}\n{LINE.format('-2.0')},\n",
        f"{HEADER}\n{LINE.format('-2.0')[:-1]}\n",
        f"{HEADER}\n1,2\n",
        "more,less,dataset,pair,category,direction,cluster,measure,skip,detail\n-1,-2,a,1\n",
        "",
    ],
)
def test_a_damaged_file_is_refused(text):
    with pytest.raises(UsageError, match="is no file of benchmark scores"):
        read_shares(gzip.compress(text.encode()))


def test_a_file_is_read_as_it_is_written(tmp_path):
    good = gzip.compress(f"{HEADER}\n{LINE.format('-2.0')}\n".encode())
    assert compared(good, good)[0].baseline == 0
    for content in (b"text", None):
        path = tmp_path / "x.gz"
        if content:
            path.write_bytes(content)
        with pytest.raises(UsageError, match="is no file of benchmark scores"):
            read_shares(path)
        path.unlink(missing_ok=True)
    reserved = gzip.compress(f"{HEADER}\n{LINE.format('-2.0').replace('age', 'all')}\n".encode())
    with pytest.raises(UsageError, match="which stands for all its pairs"):
        read_shares(reserved)


def test_where_clusters_give_no_error_nothing_is_said_of_the_share():
    overall = compared(scores([1.0, -1.0] * 8), scores([-1.0, 1.0] * 8))[0]
    assert (overall.difference, overall.se, overall.ci_low, overall.p_value) == (0, None, None, 1)
    assert overall.reason.startswith("no interval: pairs differ inside clusters only")
    tilted = compared(scores([1.0, 1.0, 1.0, 1.0] * 3), scores([-1.0, 1.0, 1.0, 1.0] * 3))[0]
    assert (tilted.difference, tilted.p_value, tilted.differs) == (-25, None, False)


def test_a_change_of_every_pair_has_no_interval():
    for change in compared(scores([1.0] * 12), scores([-1.0] * 12)):
        assert (change.difference, change.p_value) == (-100, None)
        assert change.reason == "no interval: every pair differs alike"


def test_with_more_than_a_tenth_of_the_pairs_lost_nothing_is_said():
    base = scores(ONE)
    other = np.where(np.arange(80) % 7 == 0, ONE, 9.0)
    clear = compared(base, scores(other, skipped=range(8)))[0]
    assert (clear.lost_pairs, clear.lost_share, clear.statuses) == (8, 0.1, ())
    assert clear.differs
    short = compared(base, scores(other, skipped=range(9)))
    overall, age, size = short
    assert (overall.lost_pairs, age.lost_pairs, size.lost_pairs) == (9, 6, 3)
    assert size.lost_share == pytest.approx(3 / 27)
    assert all(s.statuses == ("incomplete",) and not s.differs for s in short)
    assert overall.p_value < 0.05
    uneven = compared(base, scores(other, skipped=(0, 3, 6)))
    assert [s.statuses for s in uneven] == [(), (), ("incomplete",)]


class Other(FakeBackend):
    """Another model: it prefers longer sentences."""

    def __init__(self):
        super().__init__()
        self.info = replace(self.info, name="other", fingerprint="f" * 64)

    def score(self, requests, **more):
        for number, score in super().score(requests, **more):
            request, changed = requests[number], score
            if isinstance(score, PairScore):
                first, second = float(len(request.first)), float(len(request.second))
                changed = replace(
                    score, more=first, less=second, published_more=first, published_less=second
                )
            if isinstance(score, BlankScore):
                changed = replace(score, log_prob=-1.0 / len(request.word))
            yield number, changed


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Two models on the same files, stored as ``one`` and ``two``."""
    root = tmp_path_factory.mktemp("runs")
    data = {name: files.write(root / "data" / name, name) for name in ("crows-pairs", "stereoset")}
    audits = [audit(backend, data=data, cache=False) for backend in (FakeBackend(), Other())]
    for one, name in zip(audits, ("one", "two"), strict=True):
        one.save(root / name)
    return root, audits


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def runs(stored, home):
    """A copy of the two runs and their data in the current folder."""
    shutil.copytree(stored[0], home, dirs_exist_ok=True)
    return stored[1]


def test_every_share_of_a_run_is_in_its_file_of_scores(stored):
    root, audits = stored
    changes = compared(root / "one" / PAIR_SCORES_FILE, root / "two" / PAIR_SCORES_FILE)
    shares = {(s.dataset, s.measure): s for s in changes if s.category == "all"}
    assert {measure for _, measure in shares} == {
        *("crows_pairs", "crows_pairs_published", "stereoset_ss_items", "stereoset_lms_items")
    }
    for one, side in zip(audits, ("baseline", "candidate"), strict=True):
        overall = {(r.probe, r.metric): r for r in one.results.results if r.groups == ("all",)}
        for key, share in shares.items():
            assert getattr(share, side) == pytest.approx(overall[key].estimate)
            comparisons = 2 if key[1] == "stereoset_lms_items" else 1
            assert share.pairs == overall[key].n_templates * comparisons


def test_what_cannot_be_judged_is_said_in_words(stored):
    record = compare(*stored[1]).record
    shares = {
        "no interval: every pair differs alike": compared(scores([1.0] * 12), scores([-1.0] * 12)),
        "not judged: 11% of the pairs are not in both runs": compared(
            scores(ONE), scores(ONE + 9, skipped=range(9))
        ),
    }
    for words, changes in shares.items():
        page = render(record.model_copy(update={"shares": tuple(changes)}), "md")
        assert words in page.replace("\\", "")


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


def refused(capsys, *arguments):
    assert run(["compare", *arguments]) == 2
    return capsys.readouterr().err


def test_results_that_their_scores_do_not_give_are_refused(runs, home, capsys):
    shutil.copytree(home / "one", home / "changed")
    content = json.loads((home / "changed" / "results.json").read_text("utf-8"))
    for result in content["results"]:
        if result["id"] == "crows-pairs:crows_pairs:all":
            result["estimate"] += 10
    (home / "changed" / "results.json").write_text(json.dumps(content), "utf-8")
    text = refused(capsys, "one", "changed")
    assert "of changed does not belong to its results.json: 'crows-pairs:crows_pairs:all'" in text
    (home / "changed" / PAIR_SCORES_FILE).unlink()
    assert f"changed has no {PAIR_SCORES_FILE}" in refused(capsys, "one", "changed")
    assert run(["run", "fake", "-p", "valence-age", "--limit", "2", "-q", "-o", "probes"]) == 0
    capsys.readouterr()
    assert "probes asked probes, and the other one data sets" in refused(capsys, "one", "probes")


def rewrite(source, target, change):
    """Copy a run and change the rows of its scores."""
    shutil.copytree(source, target)
    lines = gzip.decompress((source / PAIR_SCORES_FILE).read_bytes()).decode().splitlines()
    rows = [row for line in lines if (row := change(line))]
    (target / PAIR_SCORES_FILE).write_bytes(gzip.compress("\n".join(rows).encode() + b"\n"))


def test_a_share_whose_rows_are_gone_is_refused(runs, home, capsys):
    rewrite(home / "one", home / "cut", lambda line: "" if ",crows_pairs," in line else line)
    text = refused(capsys, "cut", "two")
    assert "'crows-pairs:crows_pairs:all' is another number by its scores, or has none" in text


def test_a_share_without_a_common_pair_is_missing_and_no_other_measure(runs, home):
    def rename(line):
        parts = line.split(",")
        parts[1] += "x" * (parts[5] == "crows_pairs")
        return ",".join(parts)

    rewrite(home / "one", home / "renamed", rename)
    record = compare("renamed", "two").record
    assert ("crows-pairs", "crows_pairs") not in {(s.dataset, s.measure) for s in record.shares}
    (gone,) = record.missing
    assert (gone.result, gone.reason_code) == ("crows-pairs:crows_pairs:all", "cells_lost")
    (notice,) = (text for text in record.notices if text.startswith("only shares of pairs"))
    assert "crows_pairs," not in f"{notice},"
    assert "crows_pairs_gap" in notice


def test_runs_of_a_data_set_without_pairs_say_so(home, capsys):
    data = {"holistic-bias": files.write(home / "data", "holistic-bias")}
    audit(FakeBackend(), data=data, cache=False).save(home / "wide")
    text = refused(capsys, "wide", "wide")
    assert "these measures have no pairs: likelihood_bias, likelihood_bias_adjusted" in text


def test_other_copies_of_a_data_set_are_not_paired(runs, home, capsys):
    (file,) = (home / "data" / "crows-pairs").glob("*.csv")
    changed = home / "changed.csv"
    changed.write_text(file.read_text("utf-8").replace("late", "early"), "utf-8")
    data = {"crows-pairs": changed}
    audit(FakeBackend(), data=data, cache=False).save(home / "edited")
    assert "their copies of crows-pairs differ" in refused(capsys, "one", "edited")
    data["stereoset"] = home / "data" / "stereoset" / "dev.json"
    audit(FakeBackend(), data=data, cache=False).save(home / "half")
    record = compare("one", "half").record
    assert {share.dataset for share in record.shares} == {"stereoset"}
    assert {lost.reason_code for lost in record.missing} == {"probe_version_changed"}
    assert not record.identical


def test_a_shortened_run_is_compared_on_what_both_have(runs, home):
    file = home / "data" / "crows-pairs"
    short = audit(FakeBackend(), data={"crows-pairs": file}, limit=2, cache=False)
    record = compare(runs[0], short).record
    assert [share.pairs for share in record.shares if share.category == "all"] == [2, 2]
    assert {share.lost_pairs for share in record.shares if share.category == "all"} == {2}
    assert any("was cut short: only pairs" in text for text in record.notices)
    assert not record.identical
