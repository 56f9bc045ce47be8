"""Kept records of a model itself: what opening it tells, and its answers to the sanity check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from bias_audit.records import ModelInfo
from bias_audit.scoring.base import Backend
from bias_audit.scoring.files import Files
from bias_audit.storing.keys import versioned


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What opening a model tells beyond its files."""

    architecture: str
    vocabulary_size: int
    parameters: int
    max_length: int
    dtype: str
    arithmetic: str
    notices: tuple[str, ...]
    """Those that its folder alone gives no reason for."""
    words: tuple[str, ...]

    def info(self, files: Files) -> ModelInfo:
        """The model as it would describe itself if it was opened."""
        return ModelInfo(
            name=files.name,
            revision=files.revision,
            fingerprint=files.fingerprint,
            tokenizer_digest=files.tokenizer_digest,
            config_digest=files.config_digest,
            kind="masked",
            architecture=self.architecture,
            vocabulary_size=self.vocabulary_size,
            parameters=self.parameters,
            max_length=self.max_length,
            dtype=self.dtype,
            arithmetic=self.arithmetic,
            device=files.device,
            notices=(*files.notices, *self.notices),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """Log-probability of a sentence, and its pieces."""

    value: float
    pieces: int


def facts_key(files: Files, versions: Mapping[str, str]) -> bytes:
    """The key of a model's facts: all that they depend on, as far as it is known unopened."""
    named = (
        files.fingerprint,
        files.tokenizer_digest,
        files.config_digest,
        files.index_digest,
        files.pickled,
        files.dtype,
        files.device.partition(":")[0],
        files.arithmetic,
    )
    return blake2b(versioned(("facts", *named), versions), digest_size=20).digest()


def learnt(backend: Backend, files: Files) -> Facts | None:
    """The facts of an opened model; None where it is not what its files promised."""
    info = backend.info
    found = Facts(
        architecture=info.architecture,
        vocabulary_size=info.vocabulary_size,
        parameters=info.parameters,
        max_length=info.max_length,
        dtype=info.dtype,
        arithmetic=info.arithmetic,
        notices=info.notices[len(files.notices) :],
        words=backend.words,
    )
    return found if same(found.info(files), info) else None


def same(one: ModelInfo, other: ModelInfo) -> bool:
    """Whether two descriptions are of one model; its card's number does not count."""
    return replace(one, device=other.device) == other and (
        one.device.partition(":")[0] == other.device.partition(":")[0]
    )
