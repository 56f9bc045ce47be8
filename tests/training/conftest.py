"""A small text and a small recipe: a training run in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training import prepare, settings
from training.settings import Settings

PEOPLE = ("nurse", "farmer", "teacher", "soldier", "singer", "doctor")
PLACES = ("house", "garden", "church", "school", "river", "market")
DEEDS = ("went to", "looked at", "walked around", "stayed in", "left", "found")


@pytest.fixture(scope="session")
def small() -> Settings:
    full = settings.read()
    return full.model_copy(
        update={
            "text": settings.Text(held_out=0.05),
            "pieces": settings.Pieces(size=1000, whole_from=5, whole_weight=200),
            "network": settings.Network(layers=2, width=64, heads=2, positions=48),
            "sequences": settings.Sequences(single=0.4, short=0.3, short_pieces=24),
            "fall": full.fall.model_copy(
                update={"sequences": settings.Sequences(single=0.6, short=0.3, short_pieces=24)}
            ),
            "schedule": full.schedule.model_copy(
                update={"tokens": 12_000, "batch": 512, "warm_up": 2_000, "save_minutes": 60.0}
            ),
        }
    )


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences made by a rule, some with tabs between them and some without."""
    rng = np.random.default_rng(3)
    lines = []
    for number in range(900):
        words = [
            f'The {rng.choice(PEOPLE)} {rng.choice(DEEDS)} the {rng.choice(PLACES)}, "again".'
            for _ in range(int(rng.integers(1, 5)))
        ]
        lines.append(("\t" if number % 2 else " ").join(words))
    folder = tmp_path_factory.mktemp("text")
    (folder / "a.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def work(source: Path, small: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    prepare.run(source, folder, small)
    return folder
