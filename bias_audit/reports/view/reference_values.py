"""Published numbers of known models, beside those of a run where they may be compared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

from bias_audit.reports.text import plain
from bias_audit.reports.view.index import Index
from bias_audit.results import ProbeRecord, Result
from bias_audit.utils.file_model import FileModel
from bias_audit.utils.resources import data_dir
from bias_audit.utils.yaml import read_yaml

FILE = "reference_values.yaml"
MOST_MISSING = 0.05
"""Share of the items of a published number that a run may lack and still be compared."""
_SHOWN = 6
"""Published numbers beside one data set."""


class ReferenceSource(FileModel):
    """Where a number was published, and was read."""

    title: str
    url: str
    where: str
    """The table, row or block."""


class ReferenceValue(FileModel):
    """One published number."""

    dataset: str
    measure: str
    group: str
    """As the first of a result's ``groups``: ``all``, ``published``, or a category."""
    model: str
    architecture: str
    value: float
    items: int | None = None
    """Pairs or items behind it, where the source says."""
    sources: tuple[str, ...]
    apart: str = ""
    """Why it may not be compared with a run's number; empty where it may."""


class ReferenceFile(FileModel):
    """The whole file."""

    version: Literal[1]
    sources: dict[str, ReferenceSource]
    values: tuple[ReferenceValue, ...]


class Neighbour(NamedTuple):
    """A number of a run and a published one of the same kind."""

    own: Result
    published: ReferenceValue


@cache
def reference_values() -> ReferenceFile:
    """Return the published numbers."""
    return read_yaml(data_dir("reports") / FILE, ReferenceFile)


def neighbours(index: Index, probe: ProbeRecord) -> Iterator[Neighbour]:
    """Yield published numbers that the numbers of one data set may be compared with.

    The same data set, measure and part of it, a model of the same architecture, and a whole run.
    """
    audit = index.audit
    if audit.run.partial:
        return
    own = {(r.metric, r.groups[0]): r for r in index.of(probe.id) if len(r.groups) == 1}
    for value in reference_values().values:
        result = own.get((value.measure, value.group))
        alike = value.dataset == probe.id and value.architecture == audit.model.architecture
        if result is None or result.estimate is None or value.apart or not alike:
            continue
        if value.items is None or result.n_templates >= (1 - MOST_MISSING) * value.items:
            yield Neighbour(result, value)


def beside_published(index: Index, probe: ProbeRecord) -> str:
    """Say what was published of models of the same family; empty where nothing fits."""
    pairs = list(neighbours(index, probe))
    if not pairs:
        return ""
    told = "; ".join(_sentence(index, pair) for pair in pairs[:_SHOWN])
    more = f" {len(pairs) - _SHOWN} more are in docs/reference-values.md." * (len(pairs) > _SHOWN)
    return (
        f"Published of models of the same family ({index.audit.model.architecture}): {told}.{more} "
        "They have no interval, and versions of the data and of tokenizers move them; sources are "
        "in docs/reference-values.md."
    )


def _sentence(index: Index, pair: Neighbour) -> str:
    own, other = pair
    part = "" if own.groups[0] in ("all", "published") else f" of {index.versus(own)}"
    return (
        f"{index.metric(own.metric)}{part}: {other.model} {plain(other.value)}, this model "
        f"{plain(own.estimate or 0.0)}"
    )
