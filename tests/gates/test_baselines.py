"""Baselines: kept byte for byte, replaced whole, refused when anybody touched them."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import date
from pathlib import Path

import pytest

from bias_audit.analysis.compare_runs import compare_runs
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.gates.baselines import Baseline, baseline_folder, find_baseline, list_baselines
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.judge import accept_baseline
from bias_audit.utils import files as utils_files
from tests.analysis.world import controlled, run
from tests.gates.runs import audited, edit_results, moved, rewrite, soften
from tests.gates.runs import store as keep

TODAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def done() -> Audit:
    return audited()


@pytest.fixture
def home(done: Audit, tmp_path: Path) -> Path:
    keep(done, tmp_path / "run")
    return tmp_path


def accept(home: Path, run: str = "run", **more: str) -> Baseline:
    given = {"name": "main", "reason": "First release."} | more
    return accept_baseline(home / run, today=TODAY, place=home / "kept", **given)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_baseline_is_the_run_byte_for_byte(home: Path) -> None:
    made = accept(home, who="The board")
    kept = files(home / "kept" / "main")
    assert sorted(kept) == ["baseline.yaml", "evidence.csv.gz", "results.json"]
    for name in ("evidence.csv.gz", "results.json"):
        assert kept[name] == (home / "run" / name).read_bytes()
    found = find_baseline(home / "kept", "main")
    assert found == made
    record = found.record
    assert (record.name, record.reason, record.who) == ("main", "First release.", "The board")
    assert record.accepted == TODAY
    assert (record.model.name, record.model.fingerprint) == ("oracle", "f" * 64)
    assert compare_runs(found.run, found.run, name="main").identical


def test_the_same_run_accepted_twice_gives_the_same_bytes(home: Path) -> None:
    accept(home)
    before = files(home / "kept" / "main")
    accept(home)
    assert files(home / "kept" / "main") == before
    assert sorted(path.name for path in (home / "kept").iterdir()) == [".gitattributes", "main"]
    assert "* -text" in (home / "kept" / ".gitattributes").read_text()


def test_words_of_any_kind_survive_the_record(home: Path) -> None:
    reason = 'She said: "#1 — yes", {no}: [x] & *y \\ 100 % é 🙂'
    accept(home, reason=reason, who="- Zoë: @board")
    record = find_baseline(home / "kept", "main").record
    assert (record.reason, record.who) == (reason, "- Zoë: @board")


def test_a_name_nobody_accepted_is_none(home: Path) -> None:
    assert find_baseline(home / "kept", "main") is None
    accept(home)
    assert find_baseline(home / "kept", "other") is None


@pytest.mark.parametrize("name", ["", "../up", "a/b", "Main", ".hidden", "a b", "x" * 81])
def test_a_name_that_would_leave_the_folder_is_refused(home: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a baseline"):
        accept(home, name=name)
    with pytest.raises(UsageError, match="cannot be the name of a baseline"):
        find_baseline(home / "kept", name)
    assert not (home / "kept").exists()


@pytest.mark.parametrize("field", ["reason", "who"])
@pytest.mark.parametrize("text", ["two\nlines", " spaces "])
def test_words_that_cannot_be_kept_name_their_option(home: Path, field: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"--{field}: "):
        accept(home, **{field: text})
    assert not (home / "kept").exists()


def test_an_empty_reason_is_refused(home: Path) -> None:
    with pytest.raises(UsageError, match="--reason: expected text"):
        accept(home, reason="")


# What can be no baseline.


def test_a_run_without_evidence_is_refused(home: Path) -> None:
    (home / "run" / "evidence.csv.gz").unlink()
    with pytest.raises(UsageError, match="has no evidence"):
        accept(home)


def test_a_partial_run_is_refused(home: Path) -> None:
    keep(run(controlled(), limit=7), home / "short")
    with pytest.raises(UsageError, match="partial run"):
        accept(home, "short")


def test_a_run_whose_evidence_does_not_fit_is_refused(home: Path) -> None:
    rewrite(home / "run", lambda rows: [r for r in rows if r[rows[0].index("template")] != "02"])
    with pytest.raises(UsageError, match="does not belong"):
        accept(home)
    assert not (home / "kept").exists()


def test_a_run_without_a_gap_is_refused(home: Path) -> None:
    def empty(content: dict) -> None:
        content.update(results=[], findings=[])

    edit_results(home / "run", empty)
    with pytest.raises(UsageError, match="no result that could be compared"):
        accept(home)


def test_a_newer_schema_is_refused(home: Path) -> None:
    path = home / "run" / "results.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"schema_version": "4.0"}))
    with pytest.raises(UsageError, match=r"schema version 4\.0"):
        accept(home)


# What somebody touched.


@pytest.mark.parametrize("name", ["results.json", "evidence.csv.gz"])
def test_an_edited_file_is_refused(home: Path, name: str) -> None:
    accept(home)
    path = home / "kept" / "main" / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(UsageError, match="was changed after it was accepted") as caught:
        find_baseline(home / "kept", "main")
    assert str(path) in str(caught.value)
    assert "accept a run again" in str(caught.value)
    (entry,) = list_baselines(home / "kept")
    assert (entry.name, entry.baseline) == ("main", None)
    assert "was changed" in entry.problem


@pytest.mark.parametrize("name", ["results.json", "evidence.csv.gz", "baseline.yaml"])
def test_a_missing_file_is_refused(home: Path, name: str) -> None:
    accept(home)
    (home / "kept" / "main" / name).unlink()
    with pytest.raises(BiasAuditError, match="main"):
        find_baseline(home / "kept", "main")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("reason:", "raeson:"), "reason"),
        (lambda text: text.replace('name: "main"', 'name: "other"', 1), "record of 'other'"),
        (lambda text: text + "more: 1\n", r"baseline\.yaml:\d+:1"),
        (lambda text: text.replace("2026-03-01", "last year"), "expected a day"),
        (lambda text: text[: len(text) // 2], r"baseline\.yaml"),
        (lambda _: "a: &x [1]\nb: *x\n", r"baseline\.yaml"),
    ],
)
def test_an_edited_record_is_refused(home: Path, change, said: str) -> None:
    accept(home)
    path = home / "kept" / "main" / "baseline.yaml"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(BiasAuditError, match=said):
        find_baseline(home / "kept", "main")


def test_edited_results_with_their_digest_are_still_caught_by_the_evidence(home: Path) -> None:
    accept(home)
    folder = home / "kept" / "main"
    old = find_baseline(home / "kept", "main").record.sha256.results

    edit_results(folder, lambda content: soften(content["results"][0], 3.0))
    new = hashlib.sha256((folder / "results.json").read_bytes()).hexdigest()
    record = folder / "baseline.yaml"
    record.write_text(record.read_text().replace(old, new))
    found = find_baseline(home / "kept", "main")
    with pytest.raises(UsageError, match="does not belong"):
        compare_runs(found.run, found.run, name="main")


# Replacing one.


def test_accepting_again_replaces_the_baseline(home: Path) -> None:
    accept(home)
    keep(audited(moved(0.3)), home / "later")
    accept(home, "later", reason="Second release.")
    found = find_baseline(home / "kept", "main")
    assert found.record.reason == "Second release."
    assert (found.folder / "results.json").read_bytes() == (
        home / "later" / "results.json"
    ).read_bytes()
    assert [path.name for path in (home / "kept").iterdir() if path.is_dir()] == ["main"]


@pytest.mark.parametrize("which", [1, 2])
def test_a_broken_disk_leaves_the_old_baseline(
    home: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    accept(home)
    before = files(home / "kept" / "main")
    keep(audited(moved(0.3)), home / "later")
    real, calls = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == which:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(utils_files.Path, "rename", rename)
    with pytest.raises(UsageError, match="No space left"):
        accept(home, "later")
    assert files(home / "kept" / "main") == before
    assert sorted(os.listdir(home / "kept")) == [".gitattributes", "main"]


def test_a_folder_that_cannot_be_written(home: Path) -> None:
    (home / "kept").write_text("a file")
    with pytest.raises(UsageError, match="cannot write"):
        accept(home)


def test_where_baselines_are_kept(tmp_path: Path) -> None:
    config = tmp_path / "bias-audit.yaml"
    assert baseline_folder(config) == tmp_path / "bias-audit-baselines"
    assert baseline_folder(None) == Path("bias-audit-baselines")
    assert baseline_folder(config, tmp_path / "x") == tmp_path / "x"
    assert list_baselines(tmp_path / "nowhere") == []
