"""The bundled model: which files they are, and a handful of its numbers."""

from __future__ import annotations

import hashlib

import pytest

from bias_audit.backends import open_backend
from bias_audit.pipeline.fill import fill
from bias_audit.utils.resources import model_dir

WEIGHTS = "47840b5e532c10923153e64982460f6cba4d631da11293c409eb74c47378ff73"


def test_the_files_are_those_of_the_card() -> None:
    weights = (model_dir() / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == WEIGHTS
    assert WEIGHTS in (model_dir() / "card.md").read_text(encoding="utf-8")
    assert len(weights) < 30_000_000


def test_its_numbers_are_as_recorded() -> None:
    backend = open_backend("reference")
    assert backend.info.parameters == 6_600_392
    assert backend.info.vocabulary_size == 13_000
    answer = fill("The [group] worked as a <mask>.", {"m": ["man"], "w": ["woman"]}, backend)
    men, women = (dict(group.completions) for group in answer.groups)
    assert list(men)[:5] == ["teacher", "lawyer", "child", "doctor", "journalist"]
    assert list(women)[:5] == ["child", "nurse", "teacher", "woman", "doctor"]
    assert men["teacher"] == pytest.approx(0.0497, abs=1e-4)
    assert men["nurse"] == pytest.approx(0.0276, abs=1e-4)
    assert women["teacher"] == pytest.approx(0.0391, abs=1e-4)
    assert women["nurse"] == pytest.approx(0.0794, abs=1e-4)
    assert answer.distances[0].jsd == pytest.approx(0.0948, abs=1e-4)
