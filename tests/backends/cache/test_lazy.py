"""A model that is loaded on the first request that is not cached."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bias_audit.backends import LazyBackend, open_backend, score_all
from bias_audit.backends.cache import Cache, open_model
from bias_audit.errors import ModelLoadError
from bias_audit.records import CompletionRequest, FillRequest
from tests.backends import tiny_models

REQUESTS = [
    *(FillRequest(left="the man was a ", filler=word, right=".") for word in ("nurse", "doctor")),
    CompletionRequest(left="the man was a ", right="."),
]


@pytest.fixture
def folder(tmp_path):
    return tiny_models.build(tmp_path / "bert", "bert")


def test_a_known_model_is_loaded_for_what_is_new_only(folder, tmp_path):
    cache, name = Cache(folder=tmp_path / "cache"), str(folder)
    with open_model(name, cache, device="cpu") as opened:
        assert opened.is_loaded
        first = score_all(opened.backend, REQUESTS)
        described = opened.plain.info
    with open_model(name, cache, device="cpu") as opened:
        assert repr(score_all(opened.backend, REQUESTS)) == repr(first)
        assert not opened.is_loaded
        assert opened.backend.info == described
        assert opened.backend.supports == open_backend(name, device="cpu").supports
        score_all(opened.backend, [FillRequest(left="a ", filler="nurse", right=".")])
        assert opened.is_loaded
    with open_model(name, Cache(folder=tmp_path / "cache", fresh=True), device="cpu") as opened:
        assert opened.is_loaded, "everything is asked for"


def test_changed_files_are_another_model(folder, tmp_path):
    cache, name = Cache(folder=tmp_path / "cache"), str(folder)
    with open_model(name, cache, device="cpu") as opened:
        score_all(opened.backend, REQUESTS)
    with open_model(name, cache, device="cpu") as opened:
        assert isinstance(opened.plain, LazyBackend)
        tiny_models.build(folder, "roberta")
        with pytest.raises(ModelLoadError, match="changed while the run went on"):
            opened.plain.load()
    with open_model(name, cache, device="cpu") as opened:
        assert opened.is_loaded
        score_all(opened.backend, REQUESTS)
        assert opened.stats.found == 0


def test_torch_is_not_imported_when_all_is_cached(folder, tmp_path):
    with open_model(str(folder), tmp_path / "cache", device="cpu") as opened:
        score_all(opened.backend, REQUESTS)
    code = (
        "import sys; from bias_audit.backends.cache import open_model;"
        "from bias_audit.backends import score_all;"
        "from bias_audit.records import FillRequest;"
        f"opened = open_model({str(folder)!r}, {str(tmp_path / 'cache')!r}, device='cpu');"
        "model = opened.__enter__();"
        f"score_all(model.backend, [{REQUESTS[0]!r}]);"
        "print('torch' in sys.modules); opened.__exit__(None, None, None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
