"""Digests of what records say: equal digests mean equal contents, of equal types.

Everything is written out with its type and its length, so that no two contents give the same bytes.
What is not known here is refused, never guessed at.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from pydantic import BaseModel

from bias_audit.records import CompletionScore, FillScore, Prompt

SIZE = 20
"""Bytes of a digest: as many as the keys of the store have."""
_PLAIN = (str, int, float, bool, type(None), bytes)
_EXACT = frozenset({str, int, float, bool, type(None)})
"""Types whose ``repr`` says everything, inside tuples too."""
_FLAT = {
    record: tuple(f.name for f in fields(record)) for record in (Prompt, FillScore, CompletionScore)
}
"""Records that come in thousands; they are written column by column."""
_LONG = 100
"""Items of a sequence that is worth to be remembered: vocabularies occur again."""


class UnknownTypeError(TypeError):
    """Something whose contents cannot be told from outside."""


def digest(kind: str, *parts: object) -> bytes:
    """The digest of what all parts say.

    Args:
        kind: what the digest is for: another kind has other digests of the same parts.
        parts: records, texts, numbers, arrays, and collections of them. The order of mappings
            counts, that of sets does not.

    Raises:
        UnknownTypeError: a part holds something else, or holds itself.
    """
    writer = _Writer()
    try:
        written = writer.of((kind, *parts))
    except RecursionError as error:
        raise UnknownTypeError("it is nested too deeply") from error
    return blake2b(written, digest_size=SIZE).digest()


class _Writer:
    """Writes contents as bytes; what is long and occurs again is not read again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}
        """By identity, with the thing itself, so that nothing else can take its place."""

    def of(self, value: Any) -> bytes:
        """The bytes of one value; no value's bytes are the beginning of another's."""
        kind = type(value)
        if kind in _PLAIN:
            return _plain(value)
        if kind in (tuple, list):
            return self._sequence(value)
        if isinstance(value, (tuple, list)):
            return _framed(b"q", _name(kind) + self._all(value))
        if isinstance(value, Mapping):
            return _framed(b"m", _name(kind) + self._all(_flat(value)))
        if isinstance(value, (set, frozenset)):
            return _framed(b"z", _name(kind) + b"".join(sorted(map(self.of, value))))
        if isinstance(value, (np.ndarray, np.generic)):
            return _array(np.asarray(value), kind)
        if kind in (datetime.date, datetime.datetime):
            return _framed(b"c", _name(kind) + value.isoformat().encode())
        return self._record(value, kind)

    def _all(self, values: Iterable[Any]) -> bytes:
        return b"".join(map(self.of, values))

    def _sequence(self, values: Sequence[Any]) -> bytes:
        """A tuple or a list."""
        known = self._known.get(id(values))
        if known is not None:
            return known[1]
        tag = b"t" if isinstance(values, tuple) else b"l"
        first = type(values[0]) if values else None
        if first in _FLAT and set(map(type, values)) == {first}:
            columns = [list(map(attrgetter(name), values)) for name in _FLAT[first]]
            content = _name(first) + b"".join(map(self._column, columns))
            written = _framed(tag, b"%d;%s" % (len(values), content))
        else:
            written = _framed(tag, self._column(values))
        if len(values) > _LONG:
            written = _framed(b"h", blake2b(written, digest_size=SIZE).digest())
            self._known[id(values)] = values, written
        return written

    def _column(self, values: Sequence[Any]) -> bytes:
        """Values one after the other."""
        if _exact(values):
            return _framed(b"e", repr(values).encode())
        return _framed(b"v", self._all(values))

    def _record(self, value: Any, kind: type) -> bytes:
        """A data class or a pydantic model: its type, and the names and values of its fields.

        Raises:
            UnknownTypeError: it is neither.
        """
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        if is_dataclass(kind):
            held = {f.name: getattr(value, f.name) for f in fields(value)}
        elif isinstance(value, BaseModel):
            held = {name: getattr(value, name) for name in kind.model_fields}  # type: ignore[attr-defined]
            held["+"] = value.__pydantic_extra__, value.__pydantic_private__
        else:
            raise UnknownTypeError(f"{kind.__module__}.{kind.__qualname__}")
        content = _name(kind) + self._all(_flat(held))
        written = _framed(b"r", blake2b(content, digest_size=SIZE).digest())
        self._known[id(value)] = value, written
        return written


def _exact(values: Sequence[Any]) -> bool:
    """Whether all values are of types whose ``repr`` says everything, or tuples of such."""
    level: Iterable[Any] = values
    while kinds := set(map(type, level := list(level))) - _EXACT:
        if kinds != {tuple}:
            return False
        level = chain.from_iterable(value for value in level if type(value) is tuple)
    return True


def _flat(mapping: Mapping[Any, Any]) -> Iterable[Any]:
    """Keys and values in turn."""
    return (part for pair in mapping.items() for part in pair)


def _framed(tag: bytes, content: bytes) -> bytes:
    return b"%s%d:%s" % (tag, len(content), content)


def _name(kind: type) -> bytes:
    return _framed(b"n", f"{kind.__module__}.{kind.__qualname__}".encode())


def _plain(value: Any) -> bytes:
    if isinstance(value, str):
        return _framed(b"s", value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return _framed(b"b", value)
    return _framed(b"p", repr(value).encode())


def _array(array: np.ndarray[Any, Any], kind: type) -> bytes:
    """An array or a number of numpy.

    Raises:
        UnknownTypeError: it holds objects, or fields with names.
    """
    if array.dtype.kind not in "biufcSU":
        raise UnknownTypeError(f"an array of {array.dtype}")
    about = f"{array.dtype.str}{array.shape}".encode()
    bits = blake2b(np.ascontiguousarray(array).tobytes(), digest_size=SIZE).digest()
    return _framed(b"a", _name(kind) + _framed(b"d", about) + bits)
