"""Random streams that depend on a name and on nothing else."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def stream(root_seed: int, *keys: str) -> np.random.Generator:
    """Return the random stream named by ``keys``, such as axis, probe, metric, contrast, test.

    Adding a probe or changing the order of work leaves every other stream as it was. The keys are
    hashed with SHA-256 (Python's own hash differs between runs) as a JSON list, so that
    ("ab", "c") and ("a", "bc") are different names.

    Raises:
        ValueError: ``root_seed`` is negative.
    """
    if root_seed < 0:
        raise ValueError(f"the root seed must be 0 or more, got {root_seed}")
    digest = hashlib.sha256(json.dumps(keys).encode("utf-8")).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, len(digest), 4)]
    return np.random.default_rng(np.random.SeedSequence(entropy=root_seed, spawn_key=words))
