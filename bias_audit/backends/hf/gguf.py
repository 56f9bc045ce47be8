"""Find a model that is one GGUF file, and read from its header whether it is whole.

The file is unpacked by transformers; the header is read here because the readers at hand follow
the counts of a damaged file without end.
"""

from __future__ import annotations

import importlib.util
import mmap
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from bias_audit.errors import ModelLoadError

SUFFIX = ".gguf"
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NEEDS = ("gguf", "accelerate")
"""Packages by which transformers reads the format."""
_SCALARS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_AGAIN = "fetch the file again"


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What a header says of a tensor."""

    elements: int
    kind: int
    offset: int


@dataclass(slots=True)
class Header:
    """What stands before the weights."""

    values: dict[str, Any] = field(default_factory=dict)
    """Values that are one number or one text."""
    tensors: list[TensorEntry] = field(default_factory=list)
    end: int = 0


def find_gguf(name: str, folder: Path | None) -> Path | None:
    """Return the file that a name means: itself, or the only one of a folder without other weights.

    Raises:
        ModelLoadError: it is no such file, or the folder holds several.
    """
    if folder is None:
        try:
            file = Path(name).expanduser()
            if file.suffix.lower() != SUFFIX or not file.is_file():
                return None
        except (OSError, ValueError, RuntimeError):
            return None
    else:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == SUFFIX)
        others = (*folder.glob("model*.safetensors*"), *folder.glob("pytorch_model*"))
        if not files or others:
            return None
        if len(files) > 1:
            names = ", ".join(path.name for path in files[:4])
            raise ModelLoadError(
                f"'{name}' holds {len(files)} GGUF files ({names}), and one is a model",
                hint=f"name the file: {Path(name) / files[0].name}",
            )
        file = files[0]
    with file.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise ModelLoadError(f"'{file.name}' does not begin as a GGUF file does", hint=_AGAIN)
    return file


def require_packages(name: str) -> None:
    """Refuse a GGUF file where what reads it is not installed.

    Raises:
        ModelLoadError: a package is missing.
    """
    missing = [package for package in _NEEDS if importlib.util.find_spec(package) is None]
    if missing:
        raise ModelLoadError(
            f"'{name}' is a GGUF file, and to read it {' and '.join(missing)} must be installed",
            hint="pip install 'bias-audit[gguf]'",
        )


def describe_weights(file: Path) -> str:
    """Say how the weights of a file are quantised, each kind with its share of them.

    Raises:
        ModelLoadError: the file is damaged or cut off.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    header, size = read_header(file), file.stat().st_size
    weights: Counter[str] = Counter()
    step = header.values.get("general.alignment", 32)
    if not isinstance(step, int) or step < 1:
        _refuse(file, f"an alignment of {step}")
    start = -(-header.end // step) * step
    for tensor in header.tensors:
        try:
            kind = GGMLQuantizationType(tensor.kind)
        except ValueError:
            _refuse(file, f"weights of an unknown kind ({tensor.kind})")
        block, length = GGML_QUANT_SIZES[kind]
        end = start + tensor.offset + -(-tensor.elements // block) * length
        if end > size:
            _refuse(file, f"{size:,} bytes, where its header speaks of {end:,} or more")
        weights[kind.name] += tensor.elements
    total = weights.total()
    return ", ".join(
        f"{count / total:.0%} {name}"
        for name, count in weights.most_common()
        if count >= total / 99
    )


def read_header(file: Path) -> Header:
    """Read what stands before the weights.

    Raises:
        ModelLoadError: it is damaged or cut off.
    """
    try:
        with (
            file.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return _Walk(data).header()
    except (struct.error, ValueError, OverflowError) as error:
        _refuse(file, f"a header that cannot be read ({error})")


def _refuse(file: Path, what: str) -> NoReturn:
    raise ModelLoadError(f"'{file.name}' is damaged or cut off: it has {what}", hint=_AGAIN)


class _Walk:
    """One walk through a header; what lies behind the end of the file is an error."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = len(_MAGIC)

    def header(self) -> Header:
        (version,) = self._take("I")
        if version not in _VERSIONS:
            raise ValueError(f"version {version}, expected 2 or 3")
        tensors, values = self._take("QQ")
        header = Header()
        for _ in range(values):
            key = self._text()
            value = self._value(*self._take("I"))
            if value is not None:
                header.values[key] = value
        for _ in range(tensors):
            self._text()
            (dimensions,) = self._take("I")
            sizes = self._take("Q" * min(dimensions, 8))
            kind, offset = self._take("IQ")
            elements = 1
            for size in sizes:
                elements *= size
            header.tensors.append(TensorEntry(elements, kind, offset))
        header.end = self._at
        return header

    def _take(self, kinds: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{kinds}", self._data, self._at)
        self._at += struct.calcsize(f"<{kinds}")
        return values

    def _bytes(self, size: int) -> int:
        """Step over so many bytes, and return where they began."""
        begin = self._at
        if size > len(self._data) - begin:
            raise ValueError("its end is missing")
        self._at += size
        return begin

    def _text(self) -> str:
        (size,) = self._take("Q")
        begin = self._bytes(size)
        return self._data[begin : begin + size].decode(errors="replace")

    def _value(self, kind: int) -> Any:
        """A number or a text; None for a list, which is stepped over."""
        if kind in _SCALARS:
            return self._take(_SCALARS[kind])[0]
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            raise ValueError(f"a value of kind {kind}")
        inner, count = self._take("IQ")
        if inner in _SCALARS:
            self._bytes(count * struct.calcsize(f"<{_SCALARS[inner]}"))
        elif inner == _STRING:
            for _ in range(count):
                self._bytes(*self._take("Q"))
        else:
            raise ValueError("lists in lists")
        return None
