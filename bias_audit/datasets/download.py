"""Downloads a data set from its authors' page; the only module here that uses the network."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bias_audit.datasets.info import DatasetInfo, Remote
from bias_audit.errors import UsageError
from bias_audit.utils.files import write_atomic

MAX_BYTES = 200 << 20
"""Size of the largest file that is accepted."""
TIMEOUT_S = 60
"""Longest silence of a server, in seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """One file on disk."""

    path: Path
    sha256: str
    bytes: int
    checked: bool
    """Whether a digest was known, and the file has it."""
    new: bool
    """False when the same file was already there."""


def fetch(
    info: DatasetInfo,
    folder: Path,
    *,
    offline: bool = False,
    replace: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Download]:
    """Download the files of a data set into a folder; ``announce`` gets each address before.

    Raises:
        UsageError: ``offline``, no public file, an answer that is not a file, another digest than
            the known one, or a file in the way that differs, without ``replace``.
    """
    if not info.files:
        raise UsageError(
            f"{info.title} is not fetched: its authors want you to take it from their page",
            hint=info.home,
        )
    if offline:
        raise UsageError(
            f"{info.title} would come from {info.home}, and --offline forbids it",
            hint=f"get {info.give} by hand and name it with --data {info.id}=FILE",
        )
    return [
        _fetch_file(remote, folder, replace=replace, announce=announce) for remote in info.files
    ]


def _fetch_file(
    remote: Remote, folder: Path, *, replace: bool, announce: Callable[[str], None]
) -> Download:
    path = folder / remote.name
    present = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    if present and present == remote.sha256:
        size = path.stat().st_size
        return Download(path=path, sha256=present, bytes=size, checked=True, new=False)
    announce(remote.url)
    data = _download(remote.url)
    digest = hashlib.sha256(data).hexdigest()
    if remote.sha256 and digest != remote.sha256:
        raise UsageError(
            f"{remote.url} has the SHA-256 {digest}, expected {remote.sha256}: nothing was kept",
            hint="the authors may have changed the file; get it by hand if you trust it",
        )
    new = present != digest
    if new and present and not replace:
        raise UsageError(
            f"{path} is there already and differs from the file at its home",
            hint="use --replace to overwrite it, or --to for another folder",
        )
    if new:
        write_atomic(path, data)
    checked = bool(remote.sha256)
    return Download(path=path, sha256=digest, bytes=len(data), checked=checked, new=new)


def _download(url: str) -> bytes:
    """Return the bytes at an address, at most ``MAX_BYTES`` of them."""
    if not url.startswith(("https://", "http://127.0.0.1")):
        raise UsageError(f"expected an https address, got {url}")
    request = urllib.request.Request(url, headers={"User-Agent": "bias-audit"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            content: bytes = answer.read(MAX_BYTES + 1)
            length = answer.headers.get("Content-Length")
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise UsageError(
            f"{url} could not be fetched: {getattr(error, 'reason', None) or error}",
            hint="check the connection, or get the file by hand from its home",
        ) from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{url} is larger than {MAX_BYTES >> 20} MiB: it was not kept")
    if length is not None and int(length) != len(content):
        raise UsageError(
            f"{url} broke off after {len(content)} of {length} bytes: nothing was kept"
        )
    return content
