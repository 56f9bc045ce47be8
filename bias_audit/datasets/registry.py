"""The list of published data sets. Each module of ``readers`` states its own in ``DATASETS``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from bias_audit.datasets import readers
from bias_audit.datasets.info import DatasetInfo
from bias_audit.errors import UnknownNameError


def collect() -> dict[str, DatasetInfo]:
    """Import every reader and return what it describes, by id, in alphabetical order."""
    infos: dict[str, DatasetInfo] = {}
    for module in iter_modules(readers.__path__, f"{readers.__name__}."):
        for info in getattr(import_module(module.name), "DATASETS", ()):
            if info.id in infos:
                raise ValueError(f"two readers describe the data set '{info.id}'")
            infos[info.id] = info
    return dict(sorted(infos.items()))


DATASETS: Mapping[str, DatasetInfo] = MappingProxyType(collect())
"""All data sets by id."""


def get(name: str) -> DatasetInfo:
    """Return the description of one data set.

    Raises:
        UnknownNameError: there is none; the message carries the nearest spelling.
    """
    if name not in DATASETS:
        raise UnknownNameError("data set", name, DATASETS, hint="see 'bias-audit datasets list'")
    return DATASETS[name]
