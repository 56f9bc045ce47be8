"""The run folder: written whole, read back equal, and refused with one message when damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.pipeline.audit import Audit, choose_folder
from bias_audit.results import default_folder, load_results, results_text
from bias_audit.results.evidence import DESIGN_COLUMNS, EVIDENCE_COLUMNS
from bias_audit.utils.files import require_writable
from bias_audit.utils.versions import package_versions
from tests.analysis.world import Model, behave, controlled, noise, plant, run, terms

ROOT = Path(__file__).parents[2]
FILES = {"evidence.csv.gz", "report.html", "results.json", "run.json", "summary.md"}


@pytest.fixture(scope="module")
def done():
    odd = controlled(plus=[*terms("gain", 5), {"sg": "lost"}])

    def effect(p):
        from bias_audit.records import FillScore

        if p.filler == "lost":
            return FillScore(log_prob=None, pieces=0, skip="unscorable", detail='no "piece", none')
        return plant(1.0)(p) + 0.1 * noise(p.text, p.target)

    return run(odd, effect)


@pytest.fixture(scope="module")
def saved(done, tmp_path_factory):
    return done.save(tmp_path_factory.mktemp("saved") / "out")


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the stored run, to spoil."""
    return shutil.copytree(saved, tmp_path / "out")


def test_results_round_trip(done, folder):
    text = (folder / "results.json").read_text()
    assert text == results_text(done.results)
    again = load_results(folder)
    assert again == done.results
    assert results_text(again) == text
    assert {p.name for p in folder.iterdir()} == FILES


def test_a_loaded_audit_is_the_audit(done, folder):
    loaded = Audit.load(folder)
    assert loaded.results == done.results
    assert loaded.manifest == json.loads((folder / "run.json").read_text())
    assert loaded.exit_code == done.exit_code
    assert [f.id for f in loaded.findings] == [f.id for f in done.findings]
    assert loaded.gates.keys() == done.gates.keys()
    assert Audit.load(folder / "results.json").results == done.results
    for table in ("results", "probes", "findings", "gates", "skips", "errors"):
        frame = loaded.to_frame(table)
        assert isinstance(frame, pd.DataFrame)
        assert len(frame) == len(getattr(done.results, table))
        pd.testing.assert_frame_equal(frame, done.to_frame(table))
    with pytest.raises(UnknownNameError, match="resultz"):
        loaded.to_frame("resultz")


def test_evidence_comes_back_with_its_types(done, folder):
    fresh, stored = done.evidence(full=True), Audit.load(folder).evidence(full=True)
    assert set(stored.columns) == {*EVIDENCE_COLUMNS, "probability"}
    assert stored["template"].iloc[0] == "01"  # an id, not the number 1
    assert stored["rank"].dtype == "Int64"
    assert stored["prior_log_prob"].isna().all()
    assert stored.loc[stored["skip"] != "", "log_prob"].isna().all()
    assert stored["detail"].str.contains('no "piece", none').any()
    np.testing.assert_allclose(stored["log_prob"], fresh["log_prob"], atol=5e-7)
    rest = [name for name in EVIDENCE_COLUMNS if name not in ("log_prob", "prior_log_prob")]
    for name in rest:
        assert list(stored[name].fillna(0)) == list(fresh[name].fillna(0)), name


def test_evidence_of_earlier_versions_is_read_without_its_design(done, folder):
    path = folder / "evidence.csv.gz"
    fresh = done.evidence(full=True)
    assert set(fresh["role"]) <= {"probe", "positive_control", "negative_control"}
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.drop(columns=[*DESIGN_COLUMNS]).to_csv(path, index=False)
    old = Audit.load(folder).evidence(full=True)
    assert list(old["text"]) == list(fresh["text"])
    assert (old[[*DESIGN_COLUMNS]] == "").all(axis=None)
    table.drop(columns=["pole"]).to_csv(path, index=False)
    with pytest.raises(UsageError, match="it lacks the columns pole"):
        Audit.load(folder).evidence()


def test_missing_or_damaged_evidence_is_one_message(done, folder):
    path = folder / "evidence.csv.gz"
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"no gzip", b""):
        path.write_bytes(broken)
        with pytest.raises(UsageError, match="is not readable evidence"):
            Audit.load(folder).evidence(full=True)
    path.unlink()
    with pytest.raises(UsageError, match="no evidence at"):
        Audit.load(folder).evidence(full=True)
    with pytest.raises(UsageError, match="has no evidence"):
        Audit(results=done.results).evidence(full=True)


def test_saving_a_loaded_audit_keeps_manifest_and_evidence(done, folder, tmp_path):
    before = {name: (folder / name).read_bytes() for name in FILES}
    copy = Audit.load(folder).save(tmp_path / "copy")
    assert {name: (copy / name).read_bytes() for name in FILES} == before
    Audit.load(folder).save(folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def rewrite(folder, change):
    path = folder / "results.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_a_newer_minor_version_with_unknown_fields_is_read(done, folder):
    def change(content):
        content["schema_version"] = "3.7"
        content["novelty"] = {"x": 1}
        content["results"][0]["novelty"] = [1, 2]
        content["model"]["novelty"] = None

    rewrite(folder, change)
    assert load_results(folder).results == done.results.results


@pytest.mark.parametrize("version", ["1.1", "2.0", "0.9", "10.1", "two", ""])
def test_another_major_version_is_refused(folder, version):
    rewrite(folder, lambda content: content.update(schema_version=version))
    with pytest.raises(UsageError, match=r"schema version .* this program reads 3\.") as caught:
        load_results(folder)
    assert caught.value.exit_code == 2


def truncated(text):
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        lambda text: "",
        lambda text: "\0" * 40,
        lambda text: "[]",
        lambda text: "null",
        lambda text: '"text"',
        lambda text: "{}",
        lambda text: '{"schema_version": 1}',
        lambda text: '{"schema_version": "3.0"}',
        lambda text: text.replace('"seed": 20240601', '"seed": "soon"'),
        lambda text: text.replace('"seed": 20240601', f'"seed": {"9" * 5000}'),
        lambda text: text.replace('"duration_s":', '"duration_s": NaN, "was":'),
        lambda text: text.replace('"templates": 0.', '"templates": NaN, "was": 0.', 1),
        lambda text: text.replace('"estimate": ', '"estimate": 1e999, "was": ', 1),
        lambda text: text.replace('"log_prob": [', '"log_prob": [Infinity, ', 1),
        lambda text: text.replace('"results": [', '"results": {}, "was": [', 1),
        lambda text: text.replace('"state": "measured"', '"state": "passed"', 1),
        lambda text: "[" * 100_000,
    ],
)
def test_a_damaged_file_is_one_message(folder, damage):
    path = folder / "results.json"
    text = path.read_text()
    assert damage(text) != text
    path.write_text(damage(text))
    with pytest.raises(UsageError) as caught:
        Audit.load(folder)
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: {"estimate": r["ci_high"] + 0.01}, "outside of its confidence interval"),
        (lambda r: {"estimate": r["ci90_high"] + 1e-4}, "outside of its 90 % interval"),
        (lambda r: {"estimate": None}, "is missing, outside of its confidence interval"),
        (lambda r: {"estimate": r["estimate"] + 1e-3}, "which is not an odds ratio of"),
        (lambda r: {"effect_size": 1.0}, "which is not an odds ratio of 1"),
        (lambda r: {"ci_low": r["ci_high"], "ci_high": r["ci_low"]}, "before it begins"),
        (lambda r: {"ci90_low": r["ci90_high"], "ci90_high": r["ci90_low"]}, "before it begins"),
        (lambda r: {"ci_low": None}, "one end of its confidence interval only"),
        (lambda r: {"ci90_high": None}, "one end of its 90 % interval only"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused_with_the_result(folder, change, said):
    path = folder / "results.json"
    content = json.loads(path.read_text())
    found = next(r for r in content["results"] if r["ci90_low"] is not None)
    found.update(change(found))
    path.write_text(json.dumps(content))
    for read in (load_results, Audit.load):
        with pytest.raises(UsageError, match=said) as caught:
            read(folder)
        assert caught.value.exit_code == 2
        assert f"the result '{found['id']}'" in str(caught.value)


def test_intervals_from_draws_need_not_hold_their_estimate(folder):
    path = folder / "results.json"
    content = json.loads(path.read_text())
    found = next(r for r in content["results"] if r["ci_low"] is not None)
    moved = found["ci_high"] + 0.01
    found.update(metric="four_fifths", estimate=moved, ci90_low=None, ci90_high=None)
    path.write_text(json.dumps(content))
    assert moved in [r.estimate for r in load_results(folder).results]
    found.update(ci_low=moved, ci_high=found["ci_low"])
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="before it begins"):
        load_results(folder)


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "results.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(UsageError, match=r"not a readable results\.json"):
        load_results(folder)


@pytest.mark.parametrize("name", ["nothing", "results.json", "a/b/c"])
def test_nothing_there(tmp_path, name):
    with pytest.raises(UsageError, match="no audit at"):
        Audit.load(tmp_path / name)


def test_a_manifest_that_cannot_be_read_does_not_stop_a_report(done, folder):
    for text in ("", "[]", "{"):
        (folder / "run.json").write_text(text)
        assert Audit.load(folder).manifest == {}
    assert Audit.load(folder).results == done.results


def test_latest_names_the_newest_run(done, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = done.save(choose_folder(None, done))
    second = done.save(choose_folder(None, done))
    assert first != second
    assert second.name == first.name + "-2"
    assert first.parent == tmp_path / "audit-runs"
    assert Audit.load("audit-runs/latest").folder.name == second.name
    (tmp_path / "audit-runs" / "latest").write_text("gone\n")
    with pytest.raises(UsageError, match="no audit at"):
        Audit.load("audit-runs/latest")
    (tmp_path / "audit-runs" / "latest").write_bytes(b"\xff\0" * 300)
    with pytest.raises(UsageError, match="no audit at"):
        Audit.load("audit-runs/latest")
    assert choose_folder("elsewhere", done) == Path("elsewhere")


def test_default_folder_takes_the_next_free_number(tmp_path):
    stem = tmp_path / "audit-runs" / "2026-01-02-abcdef"
    assert default_folder(tmp_path, "2026-01-02", "abcdef99") == stem
    stem.mkdir(parents=True)
    (stem.parent / f"{stem.name}-2").mkdir()
    assert default_folder(tmp_path, "2026-01-02", "abcdef99").name == f"{stem.name}-3"


def test_a_folder_that_is_a_file_is_one_message(done, tmp_path):
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        with pytest.raises(UsageError, match="is a file, not a folder"):
            require_writable(target)
        with pytest.raises(UsageError, match=r"cannot (write|replace)"):
            done.save(target)
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_one_message(done, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot write into"):
        require_writable(tmp_path / "out")
    with pytest.raises(UsageError, match="cannot"):
        done.save(tmp_path / "out")


def test_require_writable_leaves_nothing_behind(tmp_path):
    require_writable(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["results.json", "run.json", "report.html", "evidence.csv.gz"])
def test_a_folder_where_a_file_should_be(done, tmp_path, name):
    (tmp_path / "out" / name).mkdir(parents=True)
    with pytest.raises(UsageError, match=r"cannot (write|replace)"):
        done.save(tmp_path / "out")
    left = {p.name for p in (tmp_path / "out").iterdir()}
    assert not [n for n in left if n.startswith(".")]
    assert name == "results.json" or "results.json" not in left


@pytest.mark.parametrize("last", ["run.json", "report.html", "summary.md", "evidence.csv.gz"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_run_that_is_cut_off_between_files_is_no_run(done, folder, monkeypatch, last, error):
    real = os.replace

    def replace(source, target):
        if Path(target).name == last:
            raise error
        real(source, target)

    monkeypatch.setattr("os.replace", replace)
    with pytest.raises((KeyboardInterrupt, UsageError)):
        done.save(folder)
    left = {p.name for p in folder.iterdir()}
    assert "results.json" not in left  # the one of the earlier run does not pose as this run's
    assert not [name for name in left if name.startswith(".")]
    monkeypatch.undo()
    with pytest.raises(UsageError, match="no audit at"):
        Audit.load(folder)


@pytest.mark.slow
def test_killed_while_writing_leaves_no_half_results(tmp_path):
    program = textwrap.dedent(
        f"""
        from pathlib import Path
        from bias_audit.utils.files import write_atomic
        print("ready", flush=True)
        while True:
            write_atomic(Path({str(tmp_path / "results.json")!r}), "x" * 5_000_000)
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as job:
        assert job.stdout is not None
        job.stdout.readline()
        try:
            job.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            job.send_signal(signal.SIGKILL)
    assert (tmp_path / "results.json").read_text() == "x" * 5_000_000


def test_reports_are_written_by_ending(done, tmp_path):
    for name, start in (("a.html", "<!doctype html"), ("b.json", "{"), ("c.csv", "id")):
        path = done.report(tmp_path / name)
        assert path.read_text().lower().startswith(start), name
    with pytest.raises(UnknownNameError):
        done.report(tmp_path / "d.docx")
    assert not (tmp_path / "d.docx").exists()


def test_an_audit_shows_itself(done):
    assert "oracle" in str(done)
    assert "<" in done._repr_html_()


def test_a_model_whose_path_is_no_text_can_be_stored(tmp_path):
    model = Model(behave(plant(1.0)), name=os.fsdecode(b"models/b\xe9b\xe9"))
    odd = run(controlled(), model)
    folder = odd.save(tmp_path / "out")
    assert Audit.load(folder).results == odd.results
    assert "b\\udce9b" in (folder / "report.html").read_text()


def test_a_manifest_lists_versions_and_never_paths(done):
    assert {"python", "numpy", "scipy"} <= set(package_versions())
    assert "/" not in json.dumps(done.manifest["probes"])
