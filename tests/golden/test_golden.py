"""Every format of three stored runs, compared with what a reader last approved."""

from __future__ import annotations

import pytest

from . import FOLDER, renderings


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return dict(renderings())


def test_no_rendering_is_missing_and_none_is_left_over(rendered: dict[str, str]) -> None:
    sources = {"audit/results.json", "dataset/results.json", "comparison/comparison.json"}
    stored = {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.*")}
    stored = {name for name in stored if "__pycache__" not in name}
    assert stored - sources == set(rendered), "run: python -m tests.golden"


def test_renderings_are_the_approved_ones(rendered: dict[str, str]) -> None:
    changed = [
        name for name, text in rendered.items() if (FOLDER / name).read_text("utf-8") != text
    ]
    assert not changed, "read the difference after: python -m tests.golden"
