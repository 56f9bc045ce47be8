"""Models that are one GGUF file: which is meant, whether it is whole, and what reads it."""

from __future__ import annotations

import hashlib
import struct

import pytest

from bias_audit.backends import open_backend
from bias_audit.backends.hf import gguf
from bias_audit.backends.hf.model_files import ModelOptions, locate_model
from bias_audit.errors import ModelLoadError, UsageError


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def header(*entries: bytes, version: int = 3, tensors: tuple[bytes, ...] = (), count: int = -1):
    """The bytes of a header as the format's description has them."""
    counts = struct.pack("<QQ", len(tensors), len(entries) if count < 0 else count)
    return b"GGUF" + struct.pack("<I", version) + counts + b"".join((*entries, *tensors))


def words(*values: str) -> bytes:
    return struct.pack("<IQ", 8, len(values)) + b"".join(map(text, values))


ENTRIES = (
    entry("general.architecture", 8, text("llama")),
    entry("general.alignment", 4, struct.pack("<I", 64)),
    entry("scores", 9, struct.pack("<IQ3f", 6, 3, 0.5, 1.5, 2.5)),
    entry("tokens", 9, words("a", "the", "man")),
    entry("tied", 7, b"\1"),
    entry("base", 12, struct.pack("<d", 1e5)),
)
TENSOR = text("output.weight") + struct.pack("<IQQIQ", 2, 32, 3, 2, 128)
WHOLE = header(*ENTRIES, tensors=(TENSOR,))


@pytest.fixture
def write(tmp_path):
    def write(data=WHOLE, name="model.gguf"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def test_a_header_is_read_past_its_lists(write):
    found = gguf.read_header(write())
    assert found.values == {
        "general.architecture": "llama",
        "general.alignment": 64,
        "tied": True,
        "base": 1e5,
    }
    assert found.tensors == [gguf.TensorEntry(elements=96, kind=2, offset=128)]
    assert found.end == len(WHOLE)


@pytest.mark.parametrize("size", range(4, len(WHOLE), 5))
def test_a_header_that_is_cut_off_is_refused(size, write):
    with pytest.raises(ModelLoadError, match=r"'model.gguf' is damaged or cut off"):
        gguf.read_header(write(WHOLE[:size]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (header(version=1), "version 1, expected 2 or 3"),
        (header(count=2**60), "cannot be read"),
        (header(entry("many", 9, struct.pack("<IQ", 0, 2**63))), "its end is missing"),
        (header(entry("many", 9, struct.pack("<IQ", 8, 2**63))), "cannot be read"),
        (header(entry("long", 8, struct.pack("<Q", 2**63))), "its end is missing"),
        (header(entry("lists", 9, struct.pack("<IQ", 9, 2))), "lists in lists"),
        (header(entry("odd", 99, b"")), "a value of kind 99"),
    ],
)
def test_a_header_that_promises_too_much_is_refused_at_once(data, message, write):
    with pytest.raises(ModelLoadError, match=message) as caught:
        gguf.read_header(write(data))
    assert caught.value.hint == "fetch the file again"


def test_a_file_and_its_folder_are_the_same_model(write):
    file = write()
    by_file, by_folder = (locate_model(ModelOptions(name=str(p))) for p in (file, file.parent))
    assert by_file.gguf == by_folder.gguf == file
    assert by_file.reading == "continuation"
    assert by_file.files == [file]
    digests = by_file.digests()
    assert digests == by_folder.digests()
    assert digests.pop("files") == (("model.gguf", hashlib.sha256(WHOLE).hexdigest()),)
    assert len(set(digests.values())) == 1


def test_other_weights_in_the_folder_come_first(write):
    folder = write().parent
    (folder / "model.safetensors").touch()
    with pytest.raises(ModelLoadError, match=r"holds no config.json"):
        locate_model(ModelOptions(name=str(folder)))


def test_several_files_in_a_folder_are_told(write):
    folder = write().parent
    write(name="model-q8.gguf")
    with pytest.raises(ModelLoadError, match=r"holds 2 GGUF files \(model-q8.gguf, model.gguf\)"):
        locate_model(ModelOptions(name=str(folder)))


def test_a_file_that_is_none_and_one_that_is_absent_are_told(write):
    with pytest.raises(ModelLoadError, match=r"'model\.gguf' does not begin as a GGUF file does"):
        locate_model(ModelOptions(name=str(write(b"PK\3\4"))))
    with pytest.raises(ModelLoadError, match=r"no such folder or GGUF file: 'absent\.gguf'"):
        locate_model(ModelOptions(name="absent.gguf"))


def test_a_revision_is_refused(write):
    with pytest.raises(ModelLoadError, match="is a local file"):
        locate_model(ModelOptions(name=str(write()), revision="main"))


@pytest.mark.parametrize("options", [{"reading": "mask"}, {"pooling": "mean"}])
def test_another_reading_is_refused(options, write):
    with pytest.raises(UsageError, match="can be read as continuation, not as"):
        locate_model(ModelOptions(name=str(write()), **options))


def test_what_has_to_be_installed_is_told(write, monkeypatch):
    monkeypatch.setattr(gguf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelLoadError, match="gguf and accelerate must be installed") as caught:
        open_backend(str(write()), device="cpu")
    assert caught.value.hint == "pip install 'bias-audit[gguf]'"
    assert caught.value.exit_code == 4
