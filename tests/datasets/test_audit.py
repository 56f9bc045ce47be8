"""``run -p crows-pairs --data crows-pairs=FILE``, from the file to every report."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json

import pytest
from huggingface_hub import ModelCard

from bias_audit import Audit, audit, reports
from bias_audit.backends import FakeBackend
from bias_audit.cli.app import run
from bias_audit.errors import UsageError
from bias_audit.metrics.pair_preference import preference
from bias_audit.pipeline.tables import COLUMNS
from bias_audit.records import BlankRequest, FillRequest, PairRequest, PairScore
from bias_audit.results import EVIDENCE_FILE, PAIR_SCORES_FILE
from tests.datasets import files

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
SENTENCES = ("baker", "sailor", "boat", "gardener")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return files.write(tmp_path_factory.mktemp("data"), "crows-pairs")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def measure(copy, **options):
    return audit(FakeBackend(), data={"crows-pairs": copy}, now=lambda: NOON, **options)


@pytest.fixture(scope="module")
def everything(copy):
    """All measures of CrowS-Pairs, with an example of each."""
    return measure(copy, measures=["*"], examples=1, cache=False)


@pytest.fixture(scope="module")
def plain(copy):
    """What a run without options measures."""
    return measure(copy, cache=False)


def test_every_estimate_can_be_recomputed_from_the_scores(everything):
    text = gzip.decompress(everything.further[PAIR_SCORES_FILE]).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    results = {r.id: r for r in everything.results.results}
    for measure in ("crows_pairs", "aul", "dp"):
        own = [row for row in rows if row["measure"] == measure and not row["skip"]]
        more, less = ([float(row[side]) for row in own] for side in ("more", "less"))
        share = preference(more, less, clusters=[row["cluster"] for row in own]).share
        result = results[f"crows-pairs:{measure}:all"]
        assert (result.estimate, result.se) == pytest.approx((share.estimate, share.se))


def test_shares_and_pairs_are_tables(everything, tmp_path):
    shares, pairs = everything.benchmarks(), everything.pair_scores()
    for name, frame in (("benchmarks", shares), ("pair_scores", pairs)):
        assert list(frame.columns) == list(COLUMNS[name])
        assert f"{frame.columns[0]}: the " in getattr(Audit, name).__doc__
    results = {r.id: r for r in everything.results.results}
    assert list(shares["id"]) == list(results)
    for row in shares.to_dict("records"):
        result = results[row["id"]]
        assert (row["dataset"], row["group"]) == ("crows-pairs", *result.groups)
        assert (row["estimate"], row["n_items"]) == (result.estimate, result.n_templates)
    full = everything.benchmarks(full=True)
    assert list(full["se"].dropna()) == [r.se for r in results.values() if r.se is not None]
    mine = pairs[(pairs["measure"] == "crows_pairs") & (pairs["skip"] == "")]
    share = preference(mine["more"], mine["less"], clusters=list(mine["cluster"])).share
    row = shares.set_index("id").loc["crows-pairs:crows_pairs:all"]
    assert row["estimate"] == pytest.approx(share.estimate)
    shown = repr(everything).splitlines()[-1]
    assert shown == "See .benchmarks(), .pair_scores(), .report(path)"
    again = Audit.load(everything.save(tmp_path / "run"))
    assert again.pair_scores().equals(pairs)
    assert again.benchmarks().equals(shares)


@pytest.mark.parametrize("table", ["comparisons", "words", "completions", "evidence"])
def test_a_table_of_probes_says_what_to_call_where_there_are_none(plain, table):
    with pytest.raises(UsageError, match=rf"no probes, so {table}\(\)") as caught:
        getattr(plain, table)()
    assert "benchmarks()" in caught.value.hint


def test_nothing_is_judged_and_nothing_found(plain):
    results = plain.results
    assert (results.findings, results.gates, results.exit_code) == ((), (), 0)
    (probe,) = results.probes
    assert (probe.state, probe.axis, probe.sensitive) == ("measured", "benchmark", True)
    assert "never judged" in probe.reason
    assert "CC BY-SA 4.0" in probe.card.source
    assert "Blodgett" in probe.card.limits
    assert {result.role for result in results.results} == {"secondary"}
    assert not any(result.sentences for result in results.results)


@pytest.mark.parametrize("name", reports.formats())
def test_no_sentence_of_the_data_set_is_in_any_report(name, plain):
    page = reports.render(plain.results, name)
    assert not any(word in page for word in SENTENCES)
    assert b"baker" not in gzip.decompress(plain.further[PAIR_SCORES_FILE])


def test_examples_are_kept_with_the_overall_result(everything):
    quoted = [r for r in everything.results.results if r.sentences]
    assert {r.groups for r in quoted} == {("all",)}
    assert {len(r.sentences) for r in quoted} == {1}


def test_the_same_input_gives_the_same_bytes(copy, plain, tmp_path):
    again = measure(copy, cache=False)
    assert again.further == plain.further
    one, two = (
        a.results.model_copy(update={"run": a.results.run.model_copy(update={"duration_s": 0.0})})
        for a in (plain, again)
    )
    for name in ("json", "html", "md"):
        assert reports.render(one, name) == reports.render(two, name)
    folder = plain.save(tmp_path / "run")
    loaded = Audit.load(folder)
    assert loaded.results == plain.results
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again" / PAIR_SCORES_FILE).read_bytes() == plain.further[PAIR_SCORES_FILE]
    manifest = json.loads((folder / "run.json").read_text())
    assert manifest["datasets"]["crows-pairs"]["licence"] == "CC BY-SA 4.0"


def test_a_data_set_that_fails_does_not_stop_the_others(copy, tmp_path):
    class Broken(FakeBackend):
        def score(self, requests, **more):
            if isinstance(requests[0], BlankRequest):
                raise RuntimeError("no room")
            return super().score(requests, **more)

    data = {"crows-pairs": copy, "stereoset": files.write(tmp_path, "stereoset")}
    results = audit(Broken(), data=data, now=lambda: NOON).results
    (error,) = results.errors
    assert (error.probe, error.message) == ("stereoset", "no room")
    assert (results.exit_code, results.states["error"]) == (3, 1)
    assert {r.probe for r in results.results} == {"crows-pairs"}


class Deaf(FakeBackend):
    """Scores words, and no sentence of a data set."""

    def score(self, requests, **more):
        if isinstance(requests[0], PairRequest):
            lost = PairScore(skip="too_long", detail="600 tokens, the model takes 512")
            return enumerate([lost] * len(requests))
        return super().score(requests, **more)


def test_a_data_set_of_which_nothing_could_be_scored_is_no_success(copy):
    alone = audit(Deaf(), data={"crows-pairs": copy}, cache=False).results
    assert (alone.exit_code, alone.states["error"]) == (5, 1)
    beside = {"probes": ["occupation-gender"], "data": {"crows-pairs": copy}, "limit": 4}
    assert audit(FakeBackend(), **beside, cache=False).exit_code == 0
    assert audit(Deaf(), **beside, cache=False).exit_code == 3


def test_one_run_holds_probes_and_data_sets(copy, plain, tmp_path):
    done = audit(
        FakeBackend(),
        probes=["occupation-gender"],
        data={"crows-pairs": copy},
        limit=4,
        cache=False,
    )
    assert {probe.axis for probe in done.results.probes} >= {"gender", "benchmark"}
    own = [result for result in done.results.results if result.probe == "crows-pairs"]
    assert own == list(plain.results.results)
    names = {path.name for path in done.save(tmp_path / "run").iterdir()}
    assert {EVIDENCE_FILE, PAIR_SCORES_FILE} <= names


def test_a_backend_of_words_only_says_so(copy):
    class Words(FakeBackend):
        supports = frozenset({FillRequest})

    with pytest.raises(UsageError, match="Words does not answer PairRequest"):
        audit(Words(), data={"crows-pairs": copy})


def assert_shows_numbers(text):
    """Look for the value, what it is neutral at and what it means; no word of the data set."""
    text = " ".join(text.replace("\\", "").split())
    assert "CrowS-Pairs: a published benchmark, measured and never judged" in text
    for part in ("Neutral", "Clusters", "CrowS-Pairs score", "all pairs", " 50 "):
        assert part in text, part
    assert "CrowS-Pairs score: above 50: the more stereotypical sentence of a pair" in text
    assert "No finding was recorded" not in text
    assert not any(word in text for word in SENTENCES)


def assert_first_screen(text):
    """Look for the value and what it is neutral at; no word of the data set."""
    assert "CrowS-Pairs: measured and never judged" in text
    assert "CrowS-Pairs score: 50.0 % (0.0 – 100.0 %), neutral 50 %, 4 items" in text
    assert not any(word in text for word in SENTENCES)


def test_the_command_shows_every_number_with_its_direction(copy, home, capsys):
    code = run(["run", "fake", "-p", "crows-pairs", "--data", f"crows-pairs={copy}", "-o", "out"])
    assert code == 0
    assert_first_screen(capsys.readouterr().out)
    names = {path.name for path in (home / "out").iterdir()}
    assert {"results.json", "run.json", "report.html", "summary.md", PAIR_SCORES_FILE} <= names
    assert run(["report", "out", "--format", "terminal"]) == 0
    assert_first_screen(capsys.readouterr().out)
    for name in ("md", "card"):
        assert run(["report", "out", "--format", name]) == 0
        assert_shows_numbers(capsys.readouterr().out)
    assert run(["report", "out", "--format", "csv"]) == 0
    assert "crows-pairs:crows_pairs:all" in capsys.readouterr().out
    results = Audit.load("out").results
    share = next(r for r in results.results if r.id == "crows-pairs:crows_pairs:all")
    for name in ("html", "md"):
        assert f"{share.estimate:.2f} %" in reports.render(results, name)


def test_the_card_of_a_data_set_has_its_overall_numbers_as_metadata(copy, plain):
    assert "eval_results" not in reports.render(plain.results, "card"), "the fake looks untrained"
    results = plain.results.model_copy(update={"sanity": None})
    card = ModelCard(reports.render(results, "card"))
    metrics = {one.metric_type: one for one in card.data.eval_results}
    assert set(metrics) == {"crows_pairs", "crows_pairs_published", "crows_pairs_gap"}
    one = metrics["crows_pairs"]
    assert one.task_name == "Published benchmark of sentence pairs"
    assert (one.metric_args["neutral"], one.metric_args["unit"]) == (50.0, "percent")
    assert one.metric_args["direction"].startswith("above 50")
    short = measure(copy, limit=2).results.model_copy(update={"sanity": None})
    assert short.run.partial
    assert "model-index" not in reports.render(short, "card"), "cut short"


def test_a_dry_run_reads_the_file_and_no_model(copy, home, capsys):
    command = ["run", "-p", "crows-pairs", "--data", f"crows-pairs={copy}", "--dry-run"]
    assert run([*command, "--measure", "aul"]) == 0
    assert "4 records; aul" in capsys.readouterr().out
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "crows-pairs"], "name your own copy of it\n  --data crows-pairs=FILE"),
        (["--data", "crows-pairs"], "--data: expected NAME=FILE, got 'crows-pairs'"),
        (["--data", "crows=x.csv"], "there is no data set named 'crows'"),
        (["--data", "crows-pairs=x.csv"], "there is nothing at x.csv"),
        (
            ["-p", "crows-pairs", "--data", "crows-pairs=a", "--data", "bbq=b"],
            "--data names 'bbq', which --probe does not",
        ),
        (
            ["--data", "crows-pairs=a", "--data", "crows-pairs=b"],
            "the data set 'crows-pairs' was given twice",
        ),
        (
            ["--data", "crows-pairs={copy}", "--measure", "stereoset_ss"],
            "no measure for CrowS-Pairs named 'stereoset_ss'",
        ),
    ],
)
def test_wrong_use_is_exit_code_2(arguments, message, copy, home, capsys):
    assert run(["run", "fake", *(text.replace("{copy}", str(copy)) for text in arguments)]) == 2
    assert message in capsys.readouterr().err
    assert list(home.iterdir()) == []
