"""Write files and folders whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bias_audit.errors import UsageError


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write to a temporary file and rename it, so that a reader never sees half a file.

    Text that is not valid Unicode (a folder's name of odd bytes) is written as escapes, which JSON
    reads. A pipe or a device (``/dev/stdout``) is written into, not replaced by a file; a link
    keeps pointing where it does.

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
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}",
            hint="choose a folder you may write to with -o DIR",
        ) from error


def _is_stream(path: Path) -> bool:
    """Whether a file would take the place of a pipe, a device or an open stream."""
    special = path.exists() and not (path.is_file() or path.is_dir())
    return special or path.absolute().is_relative_to("/dev")


def replace_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Replace a folder of files at once: a reader finds the old one or the new.

    Raises:
        UsageError: it cannot be written; what was there is still there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            new.chmod(0o755)
            for name, content in files.items():
                write_atomic(new / name, content)
            _swap(new, folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {folder}: {error.strerror or error}",
            hint="choose a folder you may write to",
        ) from error


def _swap(new: Path, folder: Path) -> None:
    """Rename ``made`` to ``folder``; what was there is put back if that fails."""
    if not folder.exists():
        new.rename(folder)
        return
    aside = new.with_name(f"{new.name}.old")
    folder.rename(aside)
    try:
        new.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def require_writable(folder: Path) -> None:
    """Check that a folder can be written, before a long run.

    Raises:
        UsageError: the folder cannot be made or written.
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
        raise UsageError(
            f"cannot write into {folder}: {existing}: {error.strerror or error}",
            hint="choose a folder you may write to with -o DIR",
        ) from error
