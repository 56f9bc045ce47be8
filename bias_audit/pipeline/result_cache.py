"""Cache of analysis results: equal scores, analysed in the same way, are not analysed again.

Results are JSON text in the store of scores. Their key is a SHA-256 of everything that they are
computed from, so an entry is never outdated: whatever changes makes another key.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from pydantic import BaseModel

import bias_audit
from bias_audit.backends.cache import ScoreStore
from bias_audit.backends.cache.codec import register
from bias_audit.records import CompletionScore, FillScore, Prompt
from bias_audit.utils.versions import package_versions

R = TypeVar("R", bound=BaseModel)
_STARTED = time.time()
"""A file of the program that is newer may not be the one that runs."""
RESULTS = b"results"
"""The name under which the store counts them."""
_DIGEST_SIZE = 20
"""Bytes of a key, as of all keys of the store."""
_ROWS = {
    record: attrgetter(*(field.name for field in fields(record)))
    for record in (Prompt, FillScore, CompletionScore)
}
"""Records that come in thousands; none of their fields is a dict."""


@register
@dataclass(frozen=True, kw_only=True, slots=True)
class CachedText:
    """A text that can be computed again."""

    text: str


class ResultCache(Generic[R]):
    """Analyses of earlier runs, in the store of their scores.

    Args:
        store: where they are.
        record: what they are read as.
        fresh: write only, never read.
    """

    def __init__(self, store: ScoreStore, record: type[R], *, fresh: bool = False) -> None:
        self._store, self._record, self._fresh = store, record, fresh
        self.hit = False
        """Whether an entry was read."""

    def get(self, key: bytes) -> R | None:
        """Return the record under a key; None where there is none, or the entry is damaged."""
        entry = None if self._fresh else self._store.get([key]).get(key)
        if not isinstance(entry, CachedText):
            return None
        try:
            record = self._record.model_validate_json(entry.text)
        except ValueError:
            return None
        self.hit = True
        return record

    def put(self, key: bytes, record: R) -> None:
        """Write a record, unless it would not be read back equal."""
        try:
            text = record.model_dump_json()
            equal = self._record.model_validate_json(text) == record
        except ValueError:  # half a Unicode character, or a number that JSON does not have
            return
        if equal:
            number = self._store.model(RESULTS, "results of audits")
            self._store.put(number, {key: CachedText(text=text)})


def result_key(*inputs: object) -> bytes | None:
    """Return the key of the results of these inputs, computed by this program on this machine.

    Args:
        inputs: all that the results depend on: records, arrays, numbers, texts, collections.

    Returns:
        None where the results must not be stored: an input is of a type that is not known here, or
        a file of the program was changed while it ran.
    """
    program = program_files()
    if program is None:
        return None
    try:
        text = json.dumps([program, package_versions(), sys.platform, platform.machine(), inputs],
                          default=_plain, separators=(",", ":"))  # fmt: skip
    except (TypeError, ValueError, RecursionError):
        return None
    return hashlib.sha256(text.encode()).digest()[:_DIGEST_SIZE]


def _plain(value: Any) -> Any:
    """Return what JSON has no word for as lists; floats stay exact to the last bit.

    Raises:
        TypeError: a type that is not known here.
    """
    kind = type(value)
    if kind in _ROWS:
        return _ROWS[kind](value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return [value.dtype.str, value.shape, digest]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(map(_dump, value))]
    if isinstance(value, Mapping):
        return list(value.items())
    if is_dataclass(kind):
        content = [getattr(value, field.name) for field in fields(kind)]
    elif isinstance(value, BaseModel):
        content = [item for _, item in value]
    else:
        raise TypeError(f"no rule for {kind.__qualname__}")
    # a dict may have keys that JSON takes for equal, or refuses: its items are a list
    return [kind.__qualname__, *(list(x.items()) if isinstance(x, dict) else x for x in content)]


def _dump(value: object) -> str:
    return json.dumps(value, default=_plain)


@cache
def program_files() -> tuple[str, ...] | None:
    """Return the version, and the names, sizes and times of change of the package's files."""
    root = Path(bias_audit.__file__).parent
    states = [(path, path.stat()) for path in sorted(root.rglob("*.py"))]
    if any(state.st_mtime > _STARTED for _, state in states):
        return None
    lines = (f"{path.relative_to(root)} {s.st_size} {s.st_mtime_ns}" for path, s in states)
    return bias_audit.__version__, *lines
