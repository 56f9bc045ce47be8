"""The bundled model: which files they are, and a handful of its numbers."""

from __future__ import annotations

import hashlib

import pytest

from bias_audit._resources import model_dir
from bias_audit.filling import fill
from bias_audit.scoring import open_backend

WEIGHTS = "759e0f770e98dcd13ef7373899d1761d9338831145b0d5ffc55532d4b17baf3a"


def test_the_files_are_those_of_the_card() -> None:
    weights = (model_dir() / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == WEIGHTS
    assert WEIGHTS in (model_dir() / "card.md").read_text(encoding="utf-8")
    assert len(weights) < 30_000_000


def test_its_numbers_are_as_recorded() -> None:
    backend = open_backend("reference")
    assert backend.info.parameters == 6_343_392
    assert backend.info.vocabulary_size == 12_000
    answer = fill("The [group] worked as a <mask>.", {"m": ["man"], "w": ["woman"]}, backend)
    men, women = (dict(group.completions) for group in answer.groups)
    assert list(men)[:5] == ["man", "writer", "lawyer", "boy", "teacher"]
    assert list(women)[:5] == ["woman", "child", "teacher", "writer", "man"]
    assert men["man"] == pytest.approx(0.0854, abs=1e-4)
    assert women["woman"] == pytest.approx(0.1093, abs=1e-4)
    assert answer.distances[0].jsd == pytest.approx(0.1021, abs=1e-4)
