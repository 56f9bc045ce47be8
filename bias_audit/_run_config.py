"""Records of the configuration about the model and how a run goes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bias_audit.utils.file_model import FileModel, Text
from bias_audit.utils.validation import MistakesError


class ModelConfig(FileModel):
    """Which model, and how it is loaded."""

    name: str = "reference"
    """``reference``, a local folder or a hub id."""
    revision: str | None = None
    """Commit of the hub repository; recorded, and warned about when absent."""
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


class EngineConfig(FileModel):
    """Where the model's passes are computed; the numbers are the same."""

    name: Literal["local", "ray"] = "local"
    address: Text | None = None
    """Of a Ray cluster; one on this machine for the run when absent."""
    workers: int | None = Field(default=None, ge=1)
    """Replicas of the model; one for each GPU of the cluster, or each CPU, when absent."""

    @model_validator(mode="after")
    def _ray_only(self) -> EngineConfig:
        for key in ("address", "workers"):
            if self.name == "local" and getattr(self, key) is not None:
                raise MistakesError([((key,), f"'{key}' belongs to the engine ray | name: ray")])
        return self


class RunConfig(FileModel):
    """How the run goes."""

    seed: int = Field(default=20240601, ge=0)
    batch_size: int | Literal["auto"] = "auto"
    engine: EngineConfig = EngineConfig()
    measures: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    """Measures and checks on request, ids or globs."""
