"""The published data sets, and a user's copy of one: its files, its items, what is counted in it.

Each module of ``readers`` states its own data sets in ``DATASETS``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from bias_audit.datasets import readers
from bias_audit.datasets.info import DatasetInfo
from bias_audit.datasets.items import Item, labels
from bias_audit.datasets.source import Source
from bias_audit.errors import UnknownNameError, UsageError


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
    """Return the description of a data set; ``UnknownNameError`` has the nearest spelling."""
    if name not in DATASETS:
        raise UnknownNameError("data set", name, DATASETS, hint="see 'bias-audit datasets list'")
    return DATASETS[name]


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetFile:
    """One file of a data set."""

    name: str
    path: Path
    sha256: str
    bytes: int
    known: bool
    """Whether it is byte for byte the file that this program was tried on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSummary:
    """What is in a user's copy."""

    files: tuple[DatasetFile, ...]
    sha256: str
    """Of the file; of all names and digests where there are several."""
    rows: int
    """Items."""
    categories: Mapping[str, int]
    """Items by kind of bias, axis or role."""
    clusters: int
    """Groups of dependent items; 0 where the data set names none."""
    duplicates: int
    """Items whose text is that of an earlier one."""
    left_out: Mapping[str, int]
    """Rows of its files that could not be used, by reason."""
    notes: tuple[str, ...]
    """What a reader should know about the files."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A user's copy of a published data set.

    Each iteration reads the files again, one item at a time.
    """

    info: DatasetInfo
    path: Path
    sources: tuple[Source, ...] = field(repr=False)
    unfit: Mapping[Path, str] = field(default_factory=dict, repr=False)
    """Why files of its folder are not read."""

    def __iter__(self) -> Iterator[Item]:
        for source in self.sources:
            source.left_out.clear()
        return self.info.reader(self.sources)

    @property
    def left_out(self) -> Counter[str]:
        """How many rows could not be used, by reason; complete after a whole pass."""
        return sum((source.left_out for source in self.sources), Counter[str]())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about the files."""
        why = Counter(reason.partition(" | ")[0] for reason in self.unfit.values())
        return tuple(f"{n} file{'s'[: n != 1]} not read: {reason}" for reason, n in why.items())

    @cached_property
    def files(self) -> tuple[DatasetFile, ...]:
        """The files with their digests."""
        known = {remote.name: remote.sha256 for remote in self.info.files}
        return tuple(
            DatasetFile(
                name=source.path.name,
                path=source.path,
                sha256=(digest := hashlib.sha256(source.read()).hexdigest()),
                bytes=source.path.stat().st_size,
                known=known.get(source.path.name) == digest,
            )
            for source in self.sources
        )

    @property
    def sha256(self) -> str:
        """Digest of the file; of all names and digests where there are several."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = "\n".join(f"{file.sha256}  {file.name}" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()

    def summary(self) -> DatasetSummary:
        """Read everything once and count.

        Raises:
            FileError: a file does not have the format of this data set.
            UsageError: the files hold no item.
        """
        categories: Counter[str] = Counter()
        clusters: set[str] = set()
        texts: set[bytes] = set()
        for item in self:
            category, cluster, text = labels(item)
            categories[category] += 1
            clusters.add(cluster)
            texts.add(hashlib.blake2b(repr(text).encode(), digest_size=12).digest())
        if not categories:
            raise UsageError(
                f"{self.path} holds no record of {self.info.title}{self._why_none()}",
                hint=f"expected {self.info.give}; get it again: {self.info.home}",
            )
        rows = categories.total()
        return DatasetSummary(
            files=self.files,
            sha256=self.sha256,
            rows=rows,
            categories=dict(sorted(categories.items())),
            clusters=len(clusters - {""}),
            duplicates=rows - len(texts),
            left_out=dict(sorted(self.left_out.items())),
            notes=self.notes,
        )

    def _why_none(self) -> str:
        lost = [f"{count:,} left out ({reason})" for reason, count in self.left_out.items()]
        return f": {'; '.join(lost)}" if lost else ""


def open_dataset(name: str, path: str | Path) -> Dataset:
    """Open a user's copy of a data set: its file, or the folder where there are several.

    Raises:
        UnknownNameError: no such data set.
        UsageError: nothing fitting is at ``path``.
    """
    info, place = get(name), Path(path)
    if not place.exists():
        raise UsageError(
            f"there is nothing at {place}",
            hint=f"expected {info.give}; 'bias-audit datasets fetch {name}' brings it"
            if info.files
            else f"expected {info.give}, from {info.home}",
        )
    sources = [Source(path=file, title=info.title, give=info.give) for file in _files(info, place)]
    reasons = {source.path: info.unfit(source) for source in sources}
    fit = tuple(source for source in sources if not reasons[source.path])
    if not fit:
        message, _, hint = reasons[sources[0].path].partition(" | ")
        raise sources[0].problem(1, message, hint)
    unfit = {path: reason for path, reason in reasons.items() if reason}
    return Dataset(info=info, path=place, sources=fit, unfit=unfit)


def _files(info: DatasetInfo, place: Path) -> list[Path]:
    """Return the files of a data set at a path."""
    folder = place if place.is_dir() else place.parent
    if info.parts:
        missing = [name for name in info.parts if not (folder / name).is_file()]
        if missing:
            raise UsageError(
                f"{folder} lacks {', '.join(missing)} of {info.title}", hint=f"expected {info.give}"
            )
        return [folder / name for name in info.parts]
    if place.is_file():
        return [place]
    globs = (prefix + pattern for pattern in info.patterns for prefix in ("", "*/"))
    files = next((files for glob in globs if (files := sorted(place.glob(glob)))), [])
    files = files or [place / f.name for f in info.files if (place / f.name).is_file()]
    if not files:
        raise UsageError(f"{place} holds no file of {info.title}: expected {info.give}")
    return files
