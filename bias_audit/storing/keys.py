"""Names what a score depends on: the digest under which it is kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeAlias

from bias_audit.records import ModelInfo, Prompt

FORMAT = 4
"""Goes up with every change of ``scoring`` that changes a number or a record: then nothing that was
kept before is found. A test compares answers of small models with those of this number."""
LIBRARIES = ("torch", "transformers", "tokenizers")
"""Packages whose version can change a score."""

Part: TypeAlias = "str | int | bool | tuple[Part, ...] | None"
"""What a question consists of."""


def identity(info: ModelInfo, versions: Mapping[str, str]) -> bytes:
    """Digest of everything but the question that a score depends on.

    Args:
        info: of the model: weights, tokenizer, config, arithmetic, kind of device. Its name, its
            revision and the number of its device do not count.
        versions: of installed packages.
    """
    parts = (
        info.kind,
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
    return blake2b(versioned(parts, versions), digest_size=32).digest()


def versioned(parts: tuple[Part, ...], versions: Mapping[str, str]) -> bytes:
    """Bytes of parts, of the way of scoring and of the packages that can change a score."""
    libraries = (versions.get(name, "") for name in LIBRARIES)
    return _bytes((FORMAT, sys.byteorder, *parts, *libraries))


class Keys:
    """Keys of the questions to one model."""

    def __init__(self, identity: bytes) -> None:
        self._start = blake2b(key=identity, digest_size=20)

    def of(self, kind: str, *parts: Part) -> bytes:
        """The key of a question: its kind and everything that it says."""
        digest = self._start.copy()
        digest.update(_bytes((kind, *parts)))
        return digest.digest()

    def prompt(self, prompt: Prompt, top_k: int) -> bytes:
        """The key of a prompt: text, slot and filler; who asks is left out."""
        if prompt.filler is None:
            return self.of("open", prompt.left, prompt.right, top_k)
        digest = self._start.copy()
        digest.update(_texts("word", prompt.left, prompt.filler, prompt.right))
        return digest.digest()


def _bytes(part: Part) -> bytes:
    """Bytes that no other part has: its type, its length, its content."""
    if isinstance(part, tuple):
        content = b"".join(map(_bytes, part))
        return b"t%d:%s" % (len(content), content)
    if isinstance(part, str):
        content = part.encode("utf-8", "surrogatepass")
        return b"s%d:%s" % (len(content), content)
    return b"n%s;" % repr(part).encode()


def _texts(*texts: str) -> bytes:
    """:func:`_bytes` of texts: most keys are of nothing else."""
    found = [text.encode("utf-8", "surrogatepass") for text in texts]
    content = b"".join([b"s%d:%s" % (len(text), text) for text in found])
    return b"t%d:%s" % (len(content), content)
