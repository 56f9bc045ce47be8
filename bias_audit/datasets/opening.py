"""Opens a user's copy of a data set: checks it, names its digest, yields its records."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

from bias_audit.datasets._source import Source
from bias_audit.datasets.info import DatasetInfo, get
from bias_audit.datasets.records import (
    Choice,
    GroupSentence,
    PronounSentence,
    Question,
    Record,
    SentencePair,
    TermSet,
)
from bias_audit.errors import UsageError

_HOMES = {
    "crows_pairs": "_pair_files",
    "redditbias": "_pair_files",
    "winoqueer": "_pair_files",
    "stereoset": "_stereoset",
    "winobias": "_pronouns",
    "winogender": "_pronouns",
    "bec_pro": "_templates",
    "eec": "_templates",
    "honest": "_templates",
    "holistic_bias": "_holistic",
    "seat": "_json_files",
    "bbq": "_json_files",
}
_Read = Callable[[Sequence[Source]], Iterator[Record]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """One file of a data set."""

    name: str
    path: Path
    sha256: str
    bytes: int
    known: bool
    """Whether it is byte for byte the file that this program was tried on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is in a user's copy."""

    files: tuple[FileFacts, ...]
    sha256: str
    """Of the file; of all names and digests where there are several."""
    rows: int
    """Records."""
    categories: Mapping[str, int]
    """Records by kind of bias, axis or role."""
    clusters: int
    """Groups of records that are no independent observations; 0 where the data set names none."""
    duplicates: int
    """Records whose text is that of an earlier one."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A user's copy of a published data set.

    Iterating reads the files anew, one record at a time.
    """

    info: DatasetInfo
    path: Path
    sources: tuple[Source, ...] = field(repr=False)

    def __iter__(self) -> Iterator[Record]:
        return _reader(self.info.reader)(self.sources)

    @property
    def files(self) -> tuple[FileFacts, ...]:
        """The files with their digests."""
        return _files(self)

    @property
    def sha256(self) -> str:
        """Digest of the file; of all names and digests where there are several."""
        return _whole(self.files)

    def facts(self) -> Facts:
        """Read everything once and count.

        Raises:
            FileError: a file does not have the format of this data set.
        """
        categories: Counter[str] = Counter()
        clusters: set[str] = set()
        seen: set[bytes] = set()
        rows = duplicates = 0
        for record in self:
            rows += 1
            categories[_category(record)] += 1
            if cluster := _cluster(record):
                clusters.add(cluster)
            digest = hashlib.blake2b(repr(_texts(record)).encode(), digest_size=12).digest()
            duplicates += digest in seen
            seen.add(digest)
        if not rows:
            raise UsageError(
                f"{self.path} holds no record of {self.info.title}",
                hint=f"expected {self.info.give}; get it anew: {self.info.home}",
            )
        return Facts(
            files=self.files,
            sha256=self.sha256,
            rows=rows,
            categories=dict(sorted(categories.items())),
            clusters=len(clusters),
            duplicates=duplicates,
        )


def open_dataset(name: str, path: str | Path) -> Dataset:
    """Open a user's copy of the data set ``name``.

    Args:
        name: id of the data set.
        path: the file, or the folder where there are several.

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
    files = [place]
    if place.is_dir():
        files = sorted(place.glob(info.pattern)) if info.many else _single(info, place)
        if not files:
            raise UsageError(f"{place} holds no file of {info.title}: expected {info.give}")
    if info.reader == "holistic_bias":
        files = _parts(info, place)
    sources = tuple(Source(path=file, title=info.title) for file in files)
    return Dataset(info=info, path=place, sources=sources)


def _single(info: DatasetInfo, folder: Path) -> list[Path]:
    """The one file of a folder that ``fetch`` wrote."""
    return [folder / remote.name for remote in info.files if (folder / remote.name).is_file()]


def _parts(info: DatasetInfo, place: Path) -> list[Path]:
    from bias_audit.datasets._holistic import FILES

    folder = place if place.is_dir() else place.parent
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UsageError(
            f"{folder} lacks {', '.join(missing)} of {info.title}", hint=f"expected {info.give}"
        )
    return [folder / name for name in FILES]


@cache
def _reader(name: str) -> _Read:
    module = import_module(f"bias_audit.datasets.{_HOMES[name]}")
    read: _Read = getattr(module, name)
    return read


def _files(dataset: Dataset) -> tuple[FileFacts, ...]:
    known = {remote.name: remote.sha256 for remote in dataset.info.files}
    found = []
    for source in dataset.sources:
        digest = source.sha256()
        found.append(
            FileFacts(
                name=source.path.name,
                path=source.path,
                sha256=digest,
                bytes=source.path.stat().st_size,
                known=known.get(source.path.name) == digest,
            )
        )
    return tuple(found)


def _whole(files: Sequence[FileFacts]) -> str:
    if len(files) == 1:
        return files[0].sha256
    listed = "\n".join(f"{file.sha256}  {file.name}" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()


def _category(record: Record) -> str:
    match record:
        case SentencePair() | Question():
            return record.category
        case Choice():
            return f"{record.kind}: {record.category}"
        case PronounSentence():
            return " ".join(
                part for part in (record.stance, record.kind, record.split) if part
            ) or (record.gender)
        case GroupSentence():
            return record.axis
        case TermSet():
            return record.test
        case _:
            return getattr(record, "category", "") or getattr(record, "gender", "")


def _cluster(record: Record) -> str:
    match record:
        case SentencePair() | Question():
            return record.cluster
        case Choice():
            return record.target
        case PronounSentence():
            return record.occupation
        case TermSet():
            return ""
        case _:
            return getattr(record, "template", "") or getattr(record, "identity", "")


def _texts(record: Record) -> tuple[str, ...]:
    match record:
        case SentencePair():
            return record.more, record.less
        case Choice():
            return record.context, record.stereotype, record.anti, record.unrelated
        case PronounSentence():
            return (record.text, record.entity)
        case Question():
            return record.context, record.question, *record.answers
        case TermSet():
            return record.test, record.role
        case _:
            return (getattr(record, "text", ""), getattr(record, "left", ""), record.id[:0])
