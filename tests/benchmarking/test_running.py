"""``run -p crows-pairs --data crows-pairs=FILE``, from the file to every report."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json

import pytest
from huggingface_hub import ModelCard

from bias_audit import reports as render
from bias_audit.auditing import Audit
from bias_audit.backends import FakeBackend
from bias_audit.benchmark_audit import audit_datasets
from bias_audit.cli._app import run
from bias_audit.datasets import open_dataset
from bias_audit.errors import NothingToAuditError, UsageError
from bias_audit.metrics.pair_preference import preference
from bias_audit.records import BlankRequest, FillRequest
from bias_audit.results import PAIR_SCORES_FILE
from tests.datasets import files

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture
def copy(tmp_path):
    return files.write(tmp_path / "data", "crows-pairs")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def measured(copy, **options):
    return audit_datasets(FakeBackend(), {"crows-pairs": copy}, now=lambda: NOON, **options)


def rows(audit):
    text = gzip.decompress(audit.further[PAIR_SCORES_FILE]).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_every_estimate_can_be_recomputed_from_the_scores(copy):
    audit = measured(copy, measures=["crows_pairs", "aul"])
    for measure in ("crows_pairs", "aul"):
        kept = [row for row in rows(audit) if row["measure"] == measure and not row["skip"]]
        found = preference(
            [float(row["more"]) for row in kept],
            [float(row["less"]) for row in kept],
            clusters=[row["cluster"] for row in kept],
        )
        (result,) = [r for r in audit.results.results if r.id == f"crows-pairs:{measure}:all"]
        assert result.estimate == pytest.approx(found.share.estimate, rel=1e-6)
        assert result.se == pytest.approx(found.share.se, rel=1e-6)


def test_nothing_is_judged_and_nothing_found(copy):
    results = measured(copy).results
    assert (results.findings, results.gates, results.exit_code) == ((), (), 0)
    (probe,) = results.probes
    assert (probe.state, probe.axis, probe.sensitive) == ("unclear", "benchmark", True)
    assert "never judged" in probe.reason
    assert "CC BY-SA 4.0" in probe.card.source
    assert "Blodgett" in probe.card.limits
    assert not any(result.role == "primary" for result in results.results)


@pytest.mark.parametrize("name", render.formats())
def test_no_sentence_of_the_data_set_is_in_any_report(name, copy):
    audit = measured(copy, measures=["*"])
    said = render.render(audit.results, name)
    assert "gardener" not in said
    assert "baker" not in said
    assert b"baker" not in gzip.decompress(audit.further[PAIR_SCORES_FILE])


def test_asked_for_examples_are_kept_with_the_overall_result(copy):
    audit = measured(copy, examples=1)
    quoted = {r.id: r.sentences for r in audit.results.results if r.sentences}
    assert set(quoted) == {
        f"crows-pairs:{m}:all" for m in ("crows_pairs", "crows_pairs_published", "crows_pairs_gap")
    }
    assert all(len(sentences) == 1 for sentences in quoted.values())


def test_the_same_input_gives_the_same_bytes(copy, tmp_path):
    one, two = measured(copy), measured(copy)
    assert one.further == two.further
    same = {"duration_s": 0.0}
    texts = [
        render.render(
            a.results.model_copy(update={"run": a.results.run.model_copy(update=same)}), f
        )
        for f in ("json", "html", "md")
        for a in (one, two)
    ]
    assert texts[::2] == texts[1::2]
    folder = one.save(tmp_path / "run")
    loaded = Audit.load(folder)
    assert loaded.results == one.results
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again" / PAIR_SCORES_FILE).read_bytes() == one.further[PAIR_SCORES_FILE]
    manifest = json.loads((folder / "run.json").read_text())
    assert manifest["datasets"]["crows-pairs"]["licence"] == "CC BY-SA 4.0"


def test_a_data_set_that_fails_does_not_stop_the_others(copy, tmp_path):
    class Broken(FakeBackend):
        def score(self, requests, **more):
            if isinstance(requests[0], BlankRequest):
                raise RuntimeError("no room")
            return super().score(requests, **more)

    data = {"crows-pairs": copy, "stereoset": files.write(tmp_path, "stereoset")}
    audit = audit_datasets(Broken(), data, now=lambda: NOON)
    (error,) = audit.results.errors
    assert (error.probe, error.message) == ("stereoset", "no room")
    assert (audit.results.exit_code, audit.results.states["error"]) == (3, 1)
    assert {r.probe for r in audit.results.results} == {"crows-pairs"}


def test_a_backend_of_words_only_says_so(copy):
    class Words(FakeBackend):
        supports = frozenset({FillRequest})

    with pytest.raises(UsageError, match="Words does not answer SentenceRequest"):
        audit_datasets(Words(), {"crows-pairs": copy})
    with pytest.raises(NothingToAuditError):
        audit_datasets(Words(), {})


def test_the_command_prints_every_number_with_its_direction(copy, home, capsys):
    code = run(["run", "fake", "-p", "crows-pairs", "--data", f"crows-pairs={copy}", "-o", "out"])
    assert code == 0
    out = capsys.readouterr().out
    _has_the_numbers(out)
    names = {path.name for path in (home / "out").iterdir()}
    assert {"results.json", "run.json", "report.html", "summary.md", PAIR_SCORES_FILE} <= names
    assert run(["report", "out", "--format", "csv"]) == 0
    assert "crows-pairs:crows_pairs:all" in capsys.readouterr().out


def _has_the_numbers(out):
    """The value, what it is neutral at and what it means; no word of the data set."""
    told = " ".join(out.replace("\\", "").split())
    assert "CrowS-Pairs: a published benchmark, measured and never judged" in told
    for text in ("Neutral", "Clusters", "CrowS-Pairs score", "all pairs", " 50 "):
        assert text in told, text
    assert "CrowS-Pairs score: above 50: the more stereotypical sentence of a pair" in told
    assert "No finding was recorded" not in told
    for word in ("baker", "sailor", "boat", "gardener"):
        assert word not in told


def test_every_rendering_shows_the_numbers_of_a_data_set(copy, home, capsys):
    asked = ["run", "fake", "--data", f"crows-pairs={copy}", "-o", "out", "-q", "--format", "card"]
    assert run([*asked, "--examples", "1"]) == 0
    assert capsys.readouterr().out.count("\n") == 1, "quiet"
    assert run(["show", "out"]) == 0
    _has_the_numbers(capsys.readouterr().out)
    for name in ("md", "card", "terminal"):
        assert run(["report", "out", "--format", name]) == 0
        _has_the_numbers(capsys.readouterr().out)
    results = Audit.load("out").results
    share = next(r for r in results.results if r.id == "crows-pairs:crows_pairs:all")
    page = render.render(results, "html")
    assert f"{share.estimate:.2f} %" in page
    assert f"{share.estimate:.2f} %" in render.render(results, "md")


def test_the_card_of_a_data_set_has_its_overall_numbers_as_metadata(copy):
    results = measured(copy).results
    assert "eval_results" not in render.render(results, "card"), "the stand-in looks untrained"
    results = results.model_copy(update={"sanity": None})
    card = ModelCard(render.render(results, "card"))
    found = {one.metric_type: one for one in card.data.eval_results}
    assert set(found) == {"crows_pairs", "crows_pairs_published", "crows_pairs_gap"}
    one = found["crows_pairs"]
    assert one.task_name == "Published benchmark of sentence pairs"
    assert (one.metric_args["neutral"], one.metric_args["unit"]) == (50.0, "percent")
    assert one.metric_args["direction"].startswith("above 50")
    short = measured(copy, limit=2).results.model_copy(update={"sanity": None})
    assert "model-index" not in render.render(short, "card"), "cut short"


def test_limit_makes_the_run_partial(copy, home):
    asked = ["run", "fake", "--data", f"crows-pairs={copy}", "--limit", "2", "-o", "out", "-q"]
    assert run(asked) == 0
    assert Audit.load("out").results.run.partial


@pytest.mark.parametrize("name", ["crows-pairs", "stereoset", "holistic-bias"])
def test_a_limit_that_leaves_nothing_out_does_not(name, tmp_path):
    data = {name: files.write(tmp_path, name)}
    many = len(list(open_dataset(name, data[name])))
    whole = audit_datasets(FakeBackend(), data, now=lambda: NOON).results
    for limit, partial in ((many - 1, True), (many, False), (999_999_999, False)):
        done = audit_datasets(FakeBackend(), data, limit=limit, now=lambda: NOON).results
        assert done.run.partial is partial
        assert partial or done.results == whole.results


def test_a_dry_run_reads_the_file_and_no_model(copy, home, capsys):
    asked = ["run", "-p", "crows-pairs", "--data", f"crows-pairs={copy}", "--dry-run"]
    assert run([*asked, "--measure", "aul"]) == 0
    assert "4 records; aul" in capsys.readouterr().out
    assert [path.name for path in home.iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["-p", "crows-pairs"], "name your own copy of it\n  --data crows-pairs=FILE"),
        (["--data", "crows-pairs"], "expected --data NAME=FILE, got 'crows-pairs'"),
        (["--data", "crows=x.csv"], "there is no data set named 'crows'"),
        (["--data", "crows-pairs=x.csv"], "there is nothing at x.csv"),
        (
            ["-p", "occupation-gender", "--data", "crows-pairs=x.csv"],
            "data sets run without probes: leave out --probe occupation-gender",
        ),
        (
            ["-p", "crows-pairs", "--data", "crows-pairs=a", "--data", "bbq=b"],
            "--data names 'bbq', which --probe does not",
        ),
        (
            ["--data", "crows-pairs=a", "--data", "crows-pairs=b"],
            "the data set 'crows-pairs' was given twice",
        ),
    ],
)
def test_wrong_use_is_exit_code_2(asked, said, home, capsys):
    assert run(["run", "fake", *asked]) == 2
    assert said in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_a_measure_that_does_not_fit_is_named(copy, home, capsys):
    asked = ["run", "fake", "--data", f"crows-pairs={copy}", "--measure", "stereoset_ss"]
    assert run(asked) == 2
    assert "no measure for CrowS-Pairs named 'stereoset_ss'" in capsys.readouterr().err
