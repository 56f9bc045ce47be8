"""Write records as bytes and read them back, exact to the last bit; damaged bytes are not read.

A value is a checksum, the length of its JSON part, the JSON part, and the bytes of its arrays,
compressed with equal bytes of all numbers side by side. Nothing in it can run code.
"""

from __future__ import annotations

import contextlib
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from bias_audit.records import (
    BlankScore,
    CompletionScore,
    FillScore,
    ModelInfo,
    ModifiedPair,
    ModifiedScore,
    PairScore,
    SentenceScore,
    SpanScore,
)

Record = Any
"""A dataclass of :data:`_KINDS`."""
_KINDS: dict[str, type[Any]] = {}
_FIELDS: dict[type[Any], tuple[str, ...]] = {}
_HEAD = struct.Struct("<II")
_START = _HEAD.size
"""Where the JSON part begins: after the checksum and the length."""
_ARRAYS = frozenset({"float32", "float64", "int64", "uint8"})
_UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError, zlib.error)


def register(kind: type[Any]) -> type[Any]:
    """Let records of a dataclass be stored, under the name of the class."""
    _KINDS[kind.__name__] = kind
    _FIELDS[kind] = tuple(field.name for field in fields(kind))
    return kind


_ANSWERS: tuple[type[Any], ...] = (FillScore, CompletionScore, SentenceScore, PairScore)
_ANSWERS += (ModifiedScore, ModifiedPair, BlankScore, SpanScore)
for _kind in (*_ANSWERS, ModelInfo):
    register(_kind)


def encode(key: bytes, record: Record) -> bytes:
    """Return the bytes of a record that is stored under a key."""
    arrays: list[bytes] = []
    plain = _plain(record, arrays)
    text = json.dumps(plain, separators=(",", ":"), default=lambda value: value.item()).encode()
    packed = zlib.compress(b"".join(arrays), 1) if arrays else b""
    body = struct.pack("<I", len(text)) + text + packed
    return struct.pack("<I", _checksum(key, body)) + body


def decode_rows(rows: Sequence[tuple[bytes, bytes]]) -> dict[bytes, Record]:
    """Return the records of many rows of key and value; damaged ones are left out."""
    short: list[tuple[bytes, bytes]] = []
    records: dict[bytes, Record] = {}
    for key, value in rows:
        with contextlib.suppress(*_UNREADABLE):
            stop = _check(key, value)
            if stop == len(value):
                short.append((key, value[_START:]))
            else:
                arrays = memoryview(zlib.decompress(value[stop:]))
                records[key] = _record(json.loads(value[_START:stop]), arrays)
    try:
        plain = json.loads(b"[%s]" % b",".join(text for _, text in short))  # far faster than each
    except ValueError:
        return records
    if len(plain) == len(short):
        for (key, _), parts in zip(short, plain, strict=True):
            with contextlib.suppress(*_UNREADABLE):
                records[key] = _record(parts, memoryview(b""))
    return records


def _check(key: bytes, value: bytes) -> int:
    """Where the JSON part of a value ends; ValueError if it is not what was written under a key."""
    if len(value) < _START:
        raise ValueError("too short")
    checksum, size = _HEAD.unpack_from(value)
    if checksum != _checksum(key, value[4:]):
        raise ValueError("the checksum differs")
    return _START + int(size)


def _checksum(key: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(key))


def _plain(value: Any, arrays: list[bytes]) -> Any:
    """A record as a list of its name and its values; arrays are described and set aside."""
    if is_dataclass(value):
        kind = type(value)
        return [kind.__name__, *(_plain(getattr(value, name), arrays) for name in _FIELDS[kind])]
    if isinstance(value, np.ndarray):
        start = sum(map(len, arrays))
        flat = np.ascontiguousarray(value).reshape(-1)
        arrays.append(flat.view(np.uint8).reshape(-1, value.itemsize).T.tobytes())
        return {"dtype": str(value.dtype), "shape": value.shape, "at": start}
    return {"tuple": value} if isinstance(value, tuple) else value


def _record(plain: Any, arrays: memoryview) -> Record:
    kind = _KINDS[plain[0]]
    names = _FIELDS[kind]
    if len(plain) != len(names) + 1:
        raise ValueError("other fields")
    values = (v if type(v) not in (list, dict) else _value(v, arrays) for v in plain[1:])
    return kind(**dict(zip(names, values, strict=True)))


def _value(value: Any, arrays: memoryview) -> Any:
    if isinstance(value, list):
        return _record(value, arrays)
    if "tuple" in value:
        return _tuples(value["tuple"])
    if value["dtype"] not in _ARRAYS:
        raise ValueError(f"no such array: {value['dtype']}")
    kind, shape = np.dtype(value["dtype"]), tuple(value["shape"])
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    part = np.frombuffer(arrays[value["at"] : value["at"] + size], dtype=np.uint8)
    rows = part.reshape(kind.itemsize, -1).T.copy(order="C")
    return rows.reshape(-1).view(kind).reshape(shape)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
