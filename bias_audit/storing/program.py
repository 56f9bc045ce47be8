"""What computes: digests of the program as it is on the disk, of its libraries, of the machine."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np

from bias_audit import _resources
from bias_audit.errors import BiasAuditError
from bias_audit.storing import structure
from bias_audit.utils.versions import versions

STARTED = time.time()
"""When this module was loaded: a file written later may not be the one that was loaded."""
STATISTICS = ("python", "numpy", "scipy", "pandas")
"""What computes results, besides this program."""
DRAWING = ("python", "numpy", "matplotlib")
"""What draws charts, besides this program."""
_DATA = ("templates", "probes", "reports")
_WEIGHTS = ".safetensors"
"""The bundled model is told by the digest of its weights, as every model is."""


def computing(libraries: tuple[str, ...]) -> bytes | None:
    """Digest of everything but its input that a result or a chart depends on.

    Args:
        libraries: names of packages, ``python`` among them.

    Returns:
        None where it cannot be told: a file of the program is unreadable or was changed since the
        program started.
    """
    source = _source()
    if source is None:
        return None
    return structure.digest("program", source, _chosen(versions(), libraries), machine())


def _chosen(found: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(found.get(name, "") for name in names)


@cache
def machine() -> tuple[object, ...]:
    """The kind of machine: what numpy computes the last digits with depends on it."""
    told = np.show_config(mode="dicts") or {}
    extensions = told.get("SIMD Extensions", {})
    return sys.platform, platform.machine(), sys.byteorder, extensions.get("found", [])


@cache
def _source() -> bytes | None:
    return source_digest(Path(_resources.__file__).parent, _folders(), STARTED)


def _folders() -> tuple[Path, ...]:
    """The data folders that this installation has."""
    found = []
    for name in _DATA:
        try:
            found.append(_resources.data_dir(name))
        except BiasAuditError:
            continue
    return tuple(found)


def source_digest(package: Path, data: tuple[Path, ...], before: float) -> bytes | None:
    """Digest of names and contents of all files of the package and of its data folders.

    Args:
        package: folder of the program.
        data: folders beside it.
        before: seconds since 1970.

    Returns:
        None where a file cannot be read, or was written after ``before``.
    """
    told = blake2b(digest_size=structure.SIZE)
    try:
        for folder in (package, *data):
            told.update(b"folder %s;" % folder.name.encode("utf-8", "surrogateescape"))
            for path in sorted(_files(folder)):
                if path.stat().st_mtime > before:
                    return None
                name = os.fsencode(path.relative_to(folder))
                content = path.read_bytes()
                told.update(b"%d:%s%d:%s" % (len(name), name, len(content), content))
    except OSError:
        return None
    return told.digest()


def _files(folder: Path) -> Iterator[Path]:
    for base, inside, names in os.walk(folder):
        inside[:] = [name for name in inside if name != "__pycache__"]
        yield from (Path(base) / name for name in names if not name.endswith((_WEIGHTS, ".pyc")))
