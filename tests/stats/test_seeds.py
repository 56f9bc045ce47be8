"""Named random streams."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bias_audit.stats.seeds import stream

CODE = "from bias_audit.stats.seeds import stream; print(stream(1, 'a', 'ü').integers(1 << 60))"


def draw(*name):
    return stream(*name).integers(1 << 60)


def test_a_name_is_a_stream():
    assert draw(20240601, "gender", "jobs") == draw(20240601, "gender", "jobs")
    others = {
        draw(20240601, "gender", "jobs"),
        draw(20240602, "gender", "jobs"),
        draw(20240601, "jobs", "gender"),
        draw(20240601, "genderjobs"),
        draw(20240601, "genderj", "obs"),
        draw(20240601, "gender", "jobs", ""),
        draw(20240601),
    }
    assert len(others) == 7


def test_another_process_draws_the_same():
    shown = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    ).stdout
    assert int(shown) == draw(1, "a", "ü")


def test_the_stream_is_pinned():
    """A change here changes every archived Monte-Carlo number."""
    drawn = stream(20240601, "gender", "jobs", "sign_flip").integers(1000, size=4)
    assert drawn.tolist() == [712, 54, 580, 69]


def test_a_seed_is_not_negative():
    with pytest.raises(ValueError, match="0 or more"):
        stream(-1, "a")
