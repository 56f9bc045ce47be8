"""Records of scores as bytes and back, exact to the last bit; what is damaged is not read.

A value is a checksum, the length of its JSON part, the JSON part, and the bytes of its arrays,
compressed with equal bytes of all numbers side by side.
"""

from __future__ import annotations

import contextlib
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from bias_audit.determinism import Repeated
from bias_audit.records import OpenScore, WordScore
from bias_audit.sentence_scores import FillScore, ModifiedScore, PairScore, PieceScores, SlotScore
from bias_audit.storing.facts import Facts, Total


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedText:
    """Text that was computed from scores, such as the results of an audit."""

    text: str


Record = (
    WordScore
    | OpenScore
    | PairScore
    | PieceScores
    | FillScore
    | SlotScore
    | Facts
    | Total
    | Repeated
    | CachedText
    | tuple[ModifiedScore, ModifiedScore]
)
_KINDS: dict[str, Any] = {
    "w": WordScore,
    "o": OpenScore,
    "p": PairScore,
    "m": ModifiedScore,
    "s": PieceScores,
    "f": FillScore,
    "h": SlotScore,
    "i": Facts,
    "t": Total,
    "r": Repeated,
    "x": CachedText,
}
_FIELDS = {record: tuple(f.name for f in fields(record)) for record in _KINDS.values()}
_LETTERS = {record: letter for letter, record in _KINDS.items()}
_SUM = struct.Struct("<I")
_HEAD = struct.Struct("<II")
_START = _HEAD.size
"""Where the JSON part begins: after the checksum and the length."""
_ARRAYS = frozenset({"float32", "float64", "int64", "uint8"})
TRANSIENT = frozenset({"error", "limit", "excluded"})
"""Reasons that another run need not meet again."""


class DamagedError(ValueError):
    """The bytes are not those that were written."""


_UNREADABLE = (DamagedError, ValueError, KeyError, TypeError, IndexError, zlib.error)


def keepable(record: Record) -> bool:
    """Whether the same question would get the same answer again."""
    parts = record if isinstance(record, tuple) else (record,)
    return not any(getattr(part, "skip", None) in TRANSIENT for part in parts)


def encode(key: bytes, record: Record) -> bytes:
    """The bytes of a record that is kept under a key."""
    parts = record if isinstance(record, tuple) else (record,)
    arrays: list[bytes] = []
    told = [_told(part, arrays) for part in parts]
    text = json.dumps(told, separators=(",", ":"), default=lambda value: value.item()).encode()
    packed = zlib.compress(b"".join(arrays), 1) if arrays else b""
    body = _SUM.pack(len(text)) + text + packed
    return _SUM.pack(_checksum(key, body)) + body


def decode(key: bytes, value: bytes) -> Record:
    """The record that was kept under a key.

    Raises:
        DamagedError: the bytes are not those that were written under this key.
    """
    stop = _checked(key, value)
    return _joined(json.loads(value[_START:stop]), value[stop:])


def decoded(rows: Sequence[tuple[bytes, bytes]]) -> dict[bytes, Record]:
    """The records of many rows of key and value; those that are damaged are left out."""
    plain: list[tuple[bytes, bytes]] = []
    found: dict[bytes, Record] = {}
    for key, value in rows:
        with contextlib.suppress(*_UNREADABLE):
            stop = _checked(key, value)
            if stop == len(value):
                plain.append((key, value[_START:]))
            else:
                found[key] = decode(key, value)
    try:
        told = json.loads(b"[%s]" % b",".join(text for _, text in plain))
    except ValueError:
        told = []
    if len(told) != len(plain):  # one of them is no JSON of its own
        told = [_alone(text) for _, text in plain]
    for (key, _), parts in zip(plain, told, strict=True):
        with contextlib.suppress(*_UNREADABLE):
            found[key] = _joined(parts, b"")
    return found


def _alone(text: bytes) -> Any:
    """What a text says; nothing where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _checked(key: bytes, value: bytes) -> int:
    """Where the JSON part of a value ends.

    Raises:
        DamagedError: the bytes are not those that were written under this key.
    """
    if len(value) < _START:
        raise DamagedError("too short")
    told, size = _HEAD.unpack_from(value)
    if told != _checksum(key, value[_SUM.size :]):
        raise DamagedError("the checksum differs")
    return _START + int(size)


def _joined(told: Any, arrays: bytes) -> Record:
    """A record from its parts."""
    if len(told) == 1 and told[0][0] == "w":  # nearly all of them are
        _, log_prob, pieces, rank, skip, detail = told[0]
        return WordScore(log_prob=log_prob, pieces=pieces, rank=rank, skip=skip, detail=detail)
    packed = memoryview(zlib.decompress(arrays) if arrays else b"")
    made = tuple(_made(part, packed) for part in told)
    return made if len(made) > 1 else made[0]


def _checksum(key: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(key))


def _told(record: Any, arrays: list[bytes]) -> list[Any]:
    """The record's letter and the values of its fields; arrays go into the list."""
    told: list[Any] = [_LETTERS[type(record)]]
    for name in _FIELDS[type(record)]:
        value = getattr(record, name)
        if isinstance(value, np.ndarray):
            start = sum(map(len, arrays))
            told.append({"a": str(value.dtype), "n": value.shape, "at": start})
            flat = np.ascontiguousarray(value).reshape(-1)
            arrays.append(flat.view(np.uint8).reshape(-1, value.itemsize).T.tobytes())
        else:
            told.append(value)
    return told


def _made(told: list[Any], packed: memoryview) -> Any:
    record = _KINDS[told[0]]
    values = {
        name: _array(value, packed) if isinstance(value, dict) else _tuples(value)
        for name, value in zip(_FIELDS[record], told[1:], strict=True)
    }
    return record(**values)


def _array(about: dict[str, Any], packed: memoryview) -> np.ndarray[Any, Any]:
    if about["a"] not in _ARRAYS:
        raise DamagedError(f"no such array: {about['a']}")
    kind, shape = np.dtype(about["a"]), tuple(about["n"])
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    part = np.frombuffer(packed[about["at"] : about["at"] + size], dtype=np.uint8)
    rows = part.reshape(kind.itemsize, -1).T.copy(order="C")
    array: np.ndarray[Any, Any] = rows.reshape(-1).view(kind).reshape(shape)
    return array


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
