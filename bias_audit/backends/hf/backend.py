"""What all models from files share as backends: their options, and a first sentence as a trial."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

from bias_audit.backends.base import require_batch_size
from bias_audit.backends.hf.load import LoadedModel, load, quiet
from bias_audit.backends.hf.model_files import ModelOptions
from bias_audit.backends.hf.pooling import PoolingMode
from bias_audit.backends.hf.tokenization import refuse_panics
from bias_audit.errors import ModelLoadError, ScoringError
from bias_audit.records import ModelInfo, Request
from bias_audit.utils.readings import Reading


class FileBackend(ABC):
    """A model from files as a backend.

    Args:
        name: ``reference`` (the bundled model), a local folder or a hub id.
        revision: branch, tag or commit on the hub.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        dtype: ``float32``, ``bfloat16``, ``float16`` or ``auto``. Log-probabilities are computed in
            float32 from the logits whatever the dtype.
        offline: use no network.
        allow_pickle: accept pickled weights.
        pooling: ``mean``, ``cls`` or ``max``, for a sentence encoder that does not state it.
        batch_size: most rows in one pass, at least 1; ``auto`` chooses.

    Raises:
        ModelLoadError: the model cannot be loaded or its scores would mean nothing.
        UsageError: a device or dtype that does not exist, or a batch size below 1.
    """

    reading: Reading
    supports: frozenset[type[Request[Any]]]
    info: ModelInfo

    def __init__(
        self,
        name: str = "reference",
        *,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "float32",
        offline: bool = False,
        allow_pickle: bool = False,
        pooling: PoolingMode | None = None,
        batch_size: int | Literal["auto"] = "auto",
    ) -> None:
        require_batch_size(batch_size)
        options = ModelOptions(
            name=name,
            revision=revision,
            device=device,
            dtype=dtype,
            offline=offline,
            allow_pickle=allow_pickle,
            pooling=pooling,
        )
        loaded = load(options, self.reading)
        try:
            with quiet(), refuse_panics():
                self._start(loaded, batch_size)
        except ScoringError as error:
            raise ModelLoadError(
                f"'{name}' was loaded but cannot read a short sentence: {error.message}",
                hint="the config, the weights and the tokenizer may belong to different models",
            ) from error

    @abstractmethod
    def _start(self, loaded: LoadedModel, batch_size: int | Literal["auto"]) -> None:
        """Describe the model in ``info``, and have it read a short sentence.

        Raises:
            ScoringError: it cannot.
        """
