"""What is named on the command line, and what is refused before anything is served."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.explore.subject import read_subject
from tests.cli.conftest import Command


def test_a_model_with_the_audits_of_this_folder(tmp_path: Path, small_run: Path) -> None:
    shutil.copytree(small_run, tmp_path / "audit-runs" / "a")
    about = read_subject("reference", {}, here=tmp_path)
    assert (about.model, about.reading, about.begins_with_run) == ("reference", "mask", False)
    assert about.runs == (tmp_path / "audit-runs" / "a",)
    assert about.size.endswith(" MB")
    assert about.folder == tmp_path
    assert read_subject("fake", {}, here=tmp_path, is_public=True).folder is None


def test_an_audit_comes_first_and_brings_its_model(
    tmp_path: Path, small_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        shutil.copytree(small_run, tmp_path / "audit-runs" / name)
    about = read_subject(str(tmp_path / "audit-runs" / "a"), {}, here=tmp_path)
    assert (about.model, about.begins_with_run) == ("fake", True)
    assert [run.name for run in about.runs] == ["a", "b"]
    (tmp_path / "audit-runs" / "latest").write_text("b\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert [run.name for run in read_subject("latest", {}, here=tmp_path).runs] == ["b", "a"]


@pytest.mark.parametrize("name", ["./no-such-model", "quick", "notes.txt"])
def test_what_is_no_model_is_refused_before_the_page_is_served(
    name: str,
    cli: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises((UsageError, ModelLoadError)) as caught:
        read_subject(name, {}, here=tmp_path)
    code, out, err = cli("explore", name, "--port", "0")
    assert code == caught.value.exit_code
    assert caught.value.message in " ".join(err.split()) or caught.value.message in err
    assert (out, "http" in err) == ("", False)


def test_a_public_address_is_refused(cli: Command) -> None:
    code, _, err = cli("explore", "fake", "--host", "0.0.0.0")  # noqa: S104
    assert code == 2
    assert "no password" in err
    assert "--anyone-may-connect" in err


def test_without_the_extra_it_says_what_to_install(
    cli: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", None)
    code, _, err = cli("explore", "fake")
    assert code == 2
    assert "pip install 'bias-audit[explore]'" in err
