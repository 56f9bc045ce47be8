"""What computes is told by its files, libraries and machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bias_audit.storing import program
from bias_audit.storing.program import DRAWING, STATISTICS, computing, source_digest
from bias_audit.utils import resources


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "inside" / "__pycache__").mkdir(parents=True)
    (folder / "one.py").write_text("one = 1\n")
    (folder / "inside" / "two.py").write_text("two = 2\n")
    (folder / "words.yaml").write_text("a")
    (folder / "model.safetensors").write_text("weights")
    (folder / "inside" / "__pycache__" / "two.pyc").write_text("compiled")
    return folder


def told(folder: Path, *data: Path) -> bytes | None:
    return source_digest(folder, data, time.time() + 60)


CHANGES: dict[str, Callable[[Path], object]] = {
    "source": lambda p: (p / "one.py").write_text("one = 2\n"),
    "deep": lambda p: (p / "inside" / "two.py").write_text("two = 3\n"),
    "data": lambda p: (p / "words.yaml").write_text("b"),
    "new": lambda p: (p / "three.py").write_text(""),
    "gone": lambda p: (p / "words.yaml").unlink(),
    "renamed": lambda p: (p / "one.py").rename(p / "eins.py"),
    "moved": lambda p: (p / "one.py").rename(p / "inside" / "one.py"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_file_counts(name: str, package: Path) -> None:
    before = told(package)
    assert before is not None
    CHANGES[name](package)
    assert told(package) not in (None, before)


def test_data_beside_the_package_counts(package: Path, tmp_path: Path) -> None:
    data = tmp_path / "templates"
    data.mkdir()
    (data / "a.yaml").write_text("a")
    before = told(package, data)
    assert before != told(package)
    (data / "a.yaml").write_text("b")
    assert told(package, data) != before


def test_weights_and_compiled_files_do_not_count(package: Path) -> None:
    before = told(package)
    (package / "model.safetensors").write_text("other")
    (package / "inside" / "__pycache__" / "two.pyc").write_text("other")
    assert told(package) == before


def test_a_file_that_changed_after_the_start_leaves_it_unknown(package: Path) -> None:
    """What was loaded may be another text than what is on the disk now."""
    assert source_digest(package, (), time.time() + 60) is not None
    later = time.time() + 120
    os.utime(package / "inside" / "two.py", (later, later))
    assert source_digest(package, (), time.time() + 60) is None


def test_a_file_that_cannot_be_read_leaves_it_unknown(package: Path) -> None:
    (package / "broken.py").symlink_to(package / "nowhere.py")
    assert told(package) is None


def test_this_installation_can_be_told() -> None:
    folders = program._folders()
    assert {folder.name for folder in folders} == {"templates", "probes", "reports"}
    assert told(Path(resources.__file__).parent, *folders) is not None


@pytest.mark.parametrize("library", sorted({*STATISTICS, *DRAWING}))
def test_another_version_of_a_library_is_another_program(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_source", lambda: b"source")
    known = {"python": "3.13.1", "numpy": "2.1", "scipy": "1.15", "pandas": "2.2", "torch": "2.5"}
    monkeypatch.setattr(program, "versions", lambda: known | {"matplotlib": "3.9"})
    before = [computing(names) for names in (STATISTICS, DRAWING)]
    monkeypatch.setattr(program, "versions", lambda: known | {"matplotlib": "3.9", library: "9"})
    after = [computing(names) for names in (STATISTICS, DRAWING)]
    for names, one, other in zip((STATISTICS, DRAWING), before, after, strict=True):
        assert (one != other) is (library in names)


def test_another_machine_or_source_is_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for source in (b"source", b"other"):
        for machine in (("linux", "x86_64"), ("linux", "arm64")):
            monkeypatch.setattr(program, "_source", lambda source=source: source)
            monkeypatch.setattr(program, "machine", lambda machine=machine: machine)
            found.add(computing(STATISTICS))
    assert len(found) == 4
    assert None not in found
    monkeypatch.setattr(program, "_source", lambda: None)
    assert computing(STATISTICS) is None
