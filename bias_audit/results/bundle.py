"""A stored run as one file: a zip of the run folder and a list of the digest of everything.

The zip is written in one way only (names in order, nothing compressed, no clock), so that the same
run gives the same bytes, and a byte that is not one of ours is noticed wherever it stands. Nothing
is ever unpacked to a disk: names are compared, sizes are bounded before anything is read.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bias_audit.errors import UsageError, visible
from bias_audit.results.io import Results, dump_json
from bias_audit.utils.json_text import decode_text, parse_json

MANIFEST = "bundle.json"
KIND, VERSION = "bias-audit bundle", 1
MOST_BYTES = 2 << 30
"""Size of a bundle, and of what its scores unpack to."""
MOST_FILES = 100
MOST_RATIO = 200
"""Scores unpack to at most so many times their size; they reach about 30."""
_SMALL = 16 << 20
"""Bytes that scores may unpack to whatever their ratio is."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
_BROKEN = (zipfile.BadZipFile, OSError, EOFError, ValueError, OverflowError, NotImplementedError)
"""What zipfile raises for damaged archives."""
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """The content of a bundle, as far as its own list goes."""

    files: Mapping[str, bytes]
    """Every file of the run that could be read, by name."""
    manifest: Mapping[str, Any]
    faults: tuple[str, ...] = ()
    """What is not as its list says, in words."""
    sha256: str = ""
    """Digest of the whole file."""


def pack(files: Mapping[str, bytes], results: Results, program: str = "") -> bytes:
    """Return the bundle of a run: the same files give the same bytes.

    Args:
        files: of the run folder, by name.
        results: of the same run.
        program: digest of the program that renders the reports that are among the files; empty
            where that is another one.
    """
    manifest: dict[str, object] = {"format": KIND, "version": VERSION, "program": program}
    manifest |= _about(results) | {"files": _list_files(files)}
    return _zip({**files, MANIFEST: dump_json(manifest).encode()})


def _list_files(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    """Size and digest of every file."""
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    }


def _about(results: Results) -> dict[str, object]:
    """What the run was made of: program, model, probes."""
    model, run = results.model, results.run
    return {
        "tool": results.tool.model_dump(),
        "model": {
            "name": model.name,
            "revision": model.revision,
            "fingerprint": model.fingerprint,
            "tokenizer_digest": model.tokenizer_digest,
            "files": dict(sorted(model.files.items())),
        },
        "probes": {p.id: {"version": p.version, "sha256": p.digest} for p in results.probes},
        "run": {
            "created": run.created,
            "partial": run.partial,
            "catalogue_digest": run.catalogue_digest,
            "config_digest": run.config_digest,
        },
    }


def contradictions(bundle: Bundle, results: Results) -> Iterator[str]:
    """Yield what the list says of program, model, probes and run that the results do not say."""
    for name, own in json.loads(dump_json(_about(results))).items():
        if bundle.manifest.get(name) != own:
            yield f"{MANIFEST}: what it says of the {name} is not what results.json says"


def _zip(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return stream.getvalue()


def open_bundle(path: Path) -> Bundle:
    """Read a bundle; what does not agree with its list is among the faults.

    Raises:
        UsageError: it is no bundle, or could do harm: too large, packed, names that are paths,
            links, two files of one name.
    """
    data = _read(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            for why in _dangers(infos, len(data)):
                raise _refusal(path, why)
            files, faults = _contents(archive, infos)
    except (*_BROKEN, RecursionError) as error:
        raise _refusal(path, f"its archive is damaged: {error}") from error
    manifest = _manifest(path, files)
    faults |= _differences(files, manifest.get("files", {}), faults)
    if not faults and _zip(files) != data:
        faults["the archive"] = "it has bytes that belong to none of its files"
    return Bundle(
        files={name: content for name, content in files.items() if name != MANIFEST},
        manifest=manifest,
        faults=tuple(f"{name}: {what}" for name, what in sorted(faults.items())),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _refusal(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} is no bundle of bias-audit: {why}",
        hint="expected a file that 'bias-audit bundle RUN' wrote",
    )


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError(
            f"no bundle at {path}: expected a file",
            hint="write one with 'bias-audit bundle RUN'",
        )
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise _refusal(path, f"it has {size:,} bytes, {MOST_BYTES:,} are the most")
    return path.read_bytes()


def _dangers(infos: Sequence[zipfile.ZipInfo], size: int) -> Iterator[str]:
    """Yield why an archive must not be read; names and sizes are those that it states."""
    if len(infos) > MOST_FILES:
        yield f"it holds {len(infos):,} files, {MOST_FILES} are the most"
    names = Counter(info.filename for info in infos)
    for info in infos:
        name = visible(info.filename[:100])
        if not _NAME.fullmatch(info.filename) or "\0" in info.orig_filename:
            yield f"it holds the name '{name}', and bundles have no folders"
        if names[info.filename] > 1:
            yield f"it holds '{name}' twice"
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            yield f"'{name}' is a link or a device"
        if info.flag_bits & 1 or info.compress_type != zipfile.ZIP_STORED:
            yield f"'{name}' is compressed or encrypted, and bundles hold files as they are"
        if info.file_size != info.compress_size or info.file_size > size:
            yield f"'{name}' states another size than it has"
    if sum(info.file_size for info in infos) > size:
        yield "its files state more bytes than it has"
    if MANIFEST not in names:
        yield f"it holds no {MANIFEST}"


def _contents(
    archive: zipfile.ZipFile, infos: Iterable[zipfile.ZipInfo]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Files by name, and which could not be read."""
    files: dict[str, bytes] = {}
    faults: dict[str, str] = {}
    for info in infos:
        try:
            files[info.filename] = archive.read(info)
        except _BROKEN:
            faults[info.filename] = "its bytes were changed: its checksum is another one"
    return files, faults


def _manifest(path: Path, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The list of a bundle; empty where its own bytes were changed."""
    if MANIFEST not in files:
        return {}
    try:
        content = parse_json(decode_text(files[MANIFEST]))
    except ValueError as error:
        raise _refusal(path, f"its {MANIFEST} is not readable: {error}") from error
    if not isinstance(content, dict) or content.get("format") != KIND:
        raise _refusal(path, f"its {MANIFEST} is none of ours")
    if content.get("version") != VERSION:
        raise _refusal(path, f"it has version {str(content.get('version'))[:20]}, not {VERSION}")
    listed = content.get("files")
    if not isinstance(listed, dict) or not all(map(_is_entry, listed.values())):
        raise _refusal(path, f"its {MANIFEST} lists no files with sizes and digests")
    return content


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("bytes"), int):
        return False
    digest = entry.get("sha256")
    return isinstance(digest, str) and _DIGEST.fullmatch(digest) is not None


def _differences(
    files: Mapping[str, bytes], listed: Mapping[str, Any], known: Collection[str]
) -> dict[str, str]:
    """What is not as the list says: a file with another name, one more, one less, other bytes."""
    if not listed:
        return {}
    there = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    there.pop(MANIFEST, None)
    expected = {name: str(entry["sha256"]) for name, entry in listed.items()}
    lost = {expected[name]: name for name in expected if name not in there and name not in known}
    faults: dict[str, str] = {}
    for name, digest in there.items():
        if name not in expected and digest in lost:
            faults[name] = f"it was renamed: the list calls it {visible(lost.pop(digest)[:100])}"
        elif name not in expected:
            faults[name] = "it was added: the list does not name it"
        elif digest != expected[name]:
            faults[name] = f"its bytes were changed: SHA-256 {digest[:12]}, {expected[name][:12]}"
            faults[name] += " in the list"
        elif len(files[name]) != listed[name]["bytes"]:
            faults[name] = "the list states another size"
    return faults | {visible(name[:100]): "it is missing" for name in lost.values()}


def bomb(name: str, content: bytes) -> str:
    """Say why scores must not be unpacked; empty where they may.

    Args:
        name: of the file.
        content: its bytes.
    """
    limit = min(MOST_BYTES, max(_SMALL, MOST_RATIO * len(content)))
    size = 0
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            while block := stream.read(1 << 20):
                size += len(block)
                if size > limit:
                    return f"{name}: it unpacks to more than {limit:,} bytes"
    except (OSError, EOFError, zlib.error) as error:
        return f"{name}: it is not readable: {error}"
    return ""
