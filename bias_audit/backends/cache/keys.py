"""Name what a response depends on: the digest under which it is cached."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import blake2b
from operator import attrgetter
from typing import Any, TypeAlias

from bias_audit.backends.hf.identify import ModelFiles
from bias_audit.records import (
    BlankRequest,
    CompletionRequest,
    FillRequest,
    LabelRequest,
    ModelInfo,
    ModifiedRequest,
    PairRequest,
    Request,
    SentenceRequest,
    SimilarityRequest,
    SpanRequest,
)

FORMAT = 7
"""Goes up with every change of ``backends`` that changes a number or a record: then nothing that
was cached before is read. A test compares answers of small models with those of this number."""
LIBRARIES = ("torch", "transformers", "tokenizers")
"""Packages whose version can change a score."""

Part: TypeAlias = "str | int | bool | tuple[Part, ...] | None"
"""What a key is made of."""
_FIELDS: Mapping[type[Request[Any]], tuple[str, ...]] = {
    FillRequest: ("left", "filler", "right"),
    LabelRequest: ("text", "names", "instead_of"),
    SimilarityRequest: ("text", "queries"),
    CompletionRequest: ("left", "right", "top_k", "siblings"),
    SentenceRequest: ("text", "variant", "ranks", "attention"),
    PairRequest: ("first", "second"),
    ModifiedRequest: ("first", "second"),
    BlankRequest: ("left", "word", "right"),
    SpanRequest: ("text", "word", "hidden"),
}
"""What requests that are cached consist of; vectors would take too much room."""
_GETTERS = {kind: (kind.__name__, attrgetter(*names)) for kind, names in _FIELDS.items()}


def identity(info: ModelInfo, versions: Mapping[str, str]) -> bytes:
    """Return the digest of everything but the request that a response depends on.

    Args:
        info: of the model: weights, tokenizer, config, arithmetic, kind of device. Its name, its
            revision and the number of its device do not count.
        versions: of installed packages.
    """
    parts = (
        info.kind,
        info.reading,
        info.architecture,
        info.fingerprint,
        info.tokenizer_digest,
        info.config_digest,
        info.vocabulary_size,
        info.max_length,
        info.dtype,
        info.arithmetic,
        info.device.partition(":")[0],
    )
    return blake2b(_with_versions(parts, versions), digest_size=32).digest()


def info_key(files: ModelFiles, versions: Mapping[str, str]) -> bytes:
    """Return the key of a model's description: all that it depends on, known without loading."""
    parts = (
        "info",
        files.fingerprint,
        files.tokenizer_digest,
        files.config_digest,
        files.pickled,
        files.reading,
        files.dtype,
        files.device.partition(":")[0],
        files.arithmetic,
    )
    return blake2b(_with_versions(parts, versions), digest_size=20).digest()


class Keys:
    """Keys of the requests to one model."""

    def __init__(self, identity: bytes) -> None:
        self._start = blake2b(key=identity, digest_size=20)

    def of(self, request: Request[Any]) -> bytes | None:
        """Return the key of a request: its kind and all that it says; None if it is not cached."""
        getter = _GETTERS.get(type(request))
        if getter is None:
            return None
        kind, values = getter
        return self.join(kind, *values(request))

    def join(self, *parts: Part) -> bytes:
        """Return the key of these parts."""
        digest = self._start.copy()
        digest.update(_bytes(parts))
        return digest.digest()


def _with_versions(parts: tuple[Part, ...], versions: Mapping[str, str]) -> bytes:
    """Bytes of parts, of the format and of the packages that can change a score."""
    libraries = (versions.get(name, "") for name in LIBRARIES)
    return _bytes((FORMAT, sys.byteorder, *parts, *libraries))


def _bytes(part: Part) -> bytes:
    """Bytes that no other part has: its type, its length, its content."""
    if isinstance(part, str):
        content = part.encode("utf-8", "surrogatepass")
        return b"s%d:%s" % (len(content), content)
    if isinstance(part, tuple):
        content = b"".join([_bytes(each) for each in part])
        return b"t%d:%s" % (len(content), content)
    return b"n%s;" % repr(part).encode()
