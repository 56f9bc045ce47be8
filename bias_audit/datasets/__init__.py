"""Published data sets: readers for a user's own copies. No text of them is part of this program.

``readers`` holds one module for each kind of file, ``dataset`` lists them and opens a copy,
``run`` measures a model by it, ``compare`` compares two such runs.

>>> from bias_audit.datasets import open_dataset            # doctest: +SKIP
>>> pairs = open_dataset("crows-pairs", "crows_pairs_anonymized.csv")
>>> pairs.summary().rows
"""

from __future__ import annotations

from bias_audit.datasets.dataset import DATASETS, Dataset, DatasetSummary, get, open_dataset
from bias_audit.datasets.info import DatasetInfo
from bias_audit.datasets.pairs import sentence_pairs

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetInfo",
    "DatasetSummary",
    "get",
    "open_dataset",
    "sentence_pairs",
]
