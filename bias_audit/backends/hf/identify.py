"""Identify a model without loading it: its files, and where it would run.

Nothing here imports torch where the answer is certain without it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bias_audit.backends.hf.model_files import ModelOptions, locate_model
from bias_audit.utils.readings import Reading

KNOWN_DTYPES = ("float32", "bfloat16", "float16")
_ON_CPU = "cpu", "highest"
"""Where float32 is computed, and how, in a torch whose settings are untouched."""
_OVERRIDE = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"
"""Environment variable that torch reads, which changes its precision."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFiles:
    """A model that is not loaded."""

    name: str
    revision: str | None
    notices: tuple[str, ...]
    """What its folder alone gives reason to say."""
    pickled: bool
    reading: Reading
    fingerprint: str
    tokenizer_digest: str
    config_digest: str
    files: tuple[tuple[str, str], ...]
    dtype: str
    device: str
    arithmetic: str
    """The last three as in ``ModelInfo``."""


def identify(options: ModelOptions) -> ModelFiles | None:
    """Digest a model's files without loading it; None where that does not say what it would be.

    Raises:
        ModelLoadError: there is no such model or device.
        UnknownNameError: no such device.
        OSError: a file cannot be read.
    """
    if options.dtype not in KNOWN_DTYPES:
        return None
    device, arithmetic = _device(options.device, options.dtype)
    folder = locate_model(options)
    return ModelFiles(
        name=options.name,
        revision=folder.revision,
        notices=folder.notices,
        pickled=folder.pickled,
        reading=folder.reading,
        **folder.digests(),
        dtype=options.dtype,
        device=device,
        arithmetic=arithmetic,
    )


def _device(device: str, dtype: str) -> tuple[str, str]:
    """The device and the arithmetic, without torch where there is no doubt."""
    untouched = "torch" not in sys.modules and _OVERRIDE not in os.environ and dtype == "float32"
    if untouched and (device == "cpu" or (device == "auto" and _only_cpu())):
        return _ON_CPU
    from bias_audit.backends.hf.load import DTYPES, arithmetic, pick_device

    torch_device = pick_device(device)
    return str(torch_device), arithmetic(torch_device, DTYPES[dtype])


def _only_cpu() -> bool:
    """Whether the installed torch would certainly find neither a GPU of CUDA nor one of Apple."""
    if sys.platform != "linux":
        return False
    build = _build()
    if build is None or build["hip"] != "None":
        return False
    return build["cuda"] == "None" or not _has_driver()


def _build() -> dict[str, Any] | None:
    """What torch says it was built for, read from its file of versions."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    versions = dict(re.findall(r"^(cuda|hip)\b[^=\n]*=[ \t]*(\S+)", text, re.MULTILINE))
    return versions if {"cuda", "hip"} <= versions.keys() else None


def _has_driver() -> bool:
    """Whether CUDA's driver is here, which torch loads by this name."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
