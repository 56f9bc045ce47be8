"""The examples in the docstrings of the formulas."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import bias_audit.metrics

FILES = sorted(path.stem for path in Path(bias_audit.metrics.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", FILES)
def test_examples(name: str) -> None:
    module = import_module(f"bias_audit.metrics.{name}")
    assert doctest.testmod(module, extraglobs={"np": __import__("numpy")}).failed == 0
