"""Published data sets: readers for a user's own copies. No text of them is part of this program.

>>> from bias_audit.datasets import open_dataset            # doctest: +SKIP
>>> pairs = open_dataset("crows-pairs", "crows_pairs_anonymized.csv")
>>> pairs.facts().rows
"""

from __future__ import annotations

from bias_audit.datasets.info import DATASETS, DatasetInfo, get
from bias_audit.datasets.opening import Dataset, Facts, open_dataset
from bias_audit.datasets.pairs import sentence_pairs

__all__ = ["DATASETS", "Dataset", "DatasetInfo", "Facts", "get", "open_dataset", "sentence_pairs"]
