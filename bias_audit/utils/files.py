"""Write files and folders whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bias_audit.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""What a file system without locks answers."""


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write beside ``path`` and rename, so that a reader never sees half a file.

    Text that is no Unicode (a folder's name of odd bytes) is written as escapes, which JSON reads.
    A pipe or a device (``/dev/stdout``) is written into, not replaced by a file; a link keeps
    pointing where it does.

    Raises:
        UsageError: the folder cannot be written.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        if _is_stream(path):
            path.write_bytes(data)
            return
        path = Path(os.path.realpath(path)) if path.is_symlink() else path
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _cannot_write(f"{path}", error) from error


def _cannot_write(where: str, error: OSError) -> UsageError:
    message = f"cannot write {where}: {error.strerror or error}"
    return UsageError(message, hint="choose a folder you may write to with -o DIR")


def _is_stream(path: Path) -> bool:
    """Whether a file would take the place of a pipe, a device or an open stream."""
    special = path.exists() and not (path.is_file() or path.is_dir())
    return special or path.absolute().is_relative_to("/dev")


def require_writable(folder: Path) -> None:
    """Fail before a long run, not after it.

    Raises:
        UsageError: the folder cannot be fresh or written.
    """
    existing = folder
    try:
        while not existing.exists():
            existing = existing.parent
        if not existing.is_dir():
            raise NotADirectoryError(20, "is a file, not a folder")
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise _cannot_write(f"into {folder}: {existing}", error) from error


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Make a folder and hold it while its files are written, so that two runs do not mix theirs.

    Who is killed lets it go. Where the system has no such locks, nothing is held.

    Raises:
        UsageError: it cannot be made, or another process is writing into it at this moment.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if fcntl is not None:
                handle = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another run is writing into {folder} at this moment",
                hint="give each run a folder of its own with -o DIR",
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise _cannot_write(f"into {folder}", error) from error
        yield


def replace_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write a folder of files where an older one may be; a reader finds the old one or the new.

    Raises:
        UsageError: it cannot be written; what was there is still there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            fresh.chmod(0o755)
            for name, content in files.items():
                write_atomic(fresh / name, content)
            _swap(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise _cannot_write(f"{folder}", error) from error


def _swap(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` to ``folder``; what was there is put back if that fails."""
    if not folder.exists():
        fresh.rename(folder)
        return
    aside = fresh.with_name(f"{fresh.name}.old")
    folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
