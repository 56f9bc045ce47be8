"""Brings a data set from its authors' page, when asked; the only module here that may go out."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bias_audit.datasets._homes import Remote
from bias_audit.datasets.info import DatasetInfo
from bias_audit.errors import UsageError
from bias_audit.utils.files import write_atomic

MOST = 200 << 20
"""Largest file that is taken, in bytes."""
SECONDS = 60
"""Longest silence of a server."""
_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
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
    say: Callable[[str], None] = lambda _: None,
) -> list[Fetched]:
    """Bring the files of a data set into a folder.

    Args:
        info: the data set.
        folder: where to put them.
        offline: refuse the network.
        replace: overwrite files that differ.
        say: told what is being fetched.

    Raises:
        UsageError: ``offline``, no public file, an answer that is no file, another digest than the
            known one, or a file in the way.
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
    return [_one(remote, folder, replace=replace, say=say) for remote in info.files]


def _one(remote: Remote, folder: Path, *, replace: bool, say: Callable[[str], None]) -> Fetched:
    path = folder / remote.name
    have = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    if have and have == remote.sha256:
        return _done(path, have, path.stat().st_size, checked=True, new=False)
    say(remote.url)
    data = _download(remote.url)
    digest = hashlib.sha256(data).hexdigest()
    if remote.sha256 and digest != remote.sha256:
        raise UsageError(
            f"{remote.url} has the SHA-256 {digest}, expected {remote.sha256}: nothing was kept",
            hint="the authors may have changed the file; get it by hand if you trust it",
        )
    if have == digest:
        return _done(path, digest, len(data), checked=bool(remote.sha256), new=False)
    if have and not replace:
        raise UsageError(
            f"{path} is there already and differs from the file at its home",
            hint="use --replace to overwrite it, or --to for another folder",
        )
    write_atomic(path, data)
    return _done(path, digest, len(data), checked=bool(remote.sha256), new=True)


def _done(path: Path, digest: str, size: int, *, checked: bool, new: bool) -> Fetched:
    return Fetched(path=path, sha256=digest, bytes=size, checked=checked, new=new)


def _download(url: str) -> bytes:
    """The bytes at an address, at most ``MOST`` of them."""
    if not url.startswith(("https://", "http://127.0.0.1")):
        raise UsageError(f"expected an https address, got {url}")
    request = urllib.request.Request(url, headers={"User-Agent": "bias-audit"})  # noqa: S310
    parts, size = [], 0
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            while chunk := answer.read(_CHUNK):
                size += len(chunk)
                if size > MOST:
                    raise UsageError(f"{url} is larger than {MOST >> 20} MiB: it was not kept")
                parts.append(chunk)
            wanted = answer.headers.get("Content-Length")
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise UsageError(
            f"{url} could not be fetched: {reason}",
            hint="check the connection, or get the file by hand from its home",
        ) from error
    if wanted is not None and int(wanted) != size:
        raise UsageError(f"{url} broke off after {size} of {wanted} bytes: nothing was kept")
    return b"".join(parts)
