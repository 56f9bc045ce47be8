"""Loads a masked language model, or says in one message why it cannot be trusted with scores."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from bias_audit.backends.hf.model_checks import (
    check_complete,
    check_finite,
    check_vocabulary,
    max_length,
)
from bias_audit.backends.hf.model_files import WANTED, ModelFolder, digest, locate_model
from bias_audit.errors import ModelLoadError, UnknownNameError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_HARMLESS = ("pooler", "position_ids", "seq_relationship", "token_type_ids")


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A model in memory and what is known about it."""

    name: str
    model: Any
    tokenizer: Any
    device: torch.device
    dtype: str
    arithmetic: str
    """As in ``ModelInfo``."""
    revision: str | None
    fingerprint: str
    tokenizer_digest: str
    config_digest: str
    architecture: str
    vocabulary_size: int
    """Length of the model's output distribution."""
    parameters: int
    max_length: int
    """Longest sequence in pieces, special ones included."""
    notices: tuple[str, ...]


def load(
    name: str,
    *,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "float32",
    offline: bool = False,
    allow_pickle: bool = False,
) -> Loaded:
    """Load a masked language model and its tokenizer.

    Args:
        name: ``reference`` (the bundled model), a local folder or a hub id.
        revision: Branch, tag or commit on the hub.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        dtype: ``float32``, ``bfloat16``, ``float16``, or ``auto`` for that of the weight file.
        offline: Use no network.
        allow_pickle: Accept pickled weights (loaded without running code in them).

    Raises:
        UnknownNameError: For a device or dtype that does not exist.
        ModelLoadError: When the device is absent, or the model's scores would mean nothing: no
            vocabulary head, weights missing, mis-shaped or not finite, tokenizer unfit.
    """
    place = pick_device(device)
    if dtype != "auto" and dtype not in DTYPES:
        raise UnknownNameError("dtype", dtype, [*DTYPES, "auto"])
    folder = locate_model(name, revision=revision, offline=offline, allow_pickle=allow_pickle)
    with _quiet():
        tokenizer = _tokenizer(folder)
        model, unused = _model(folder, DTYPES.get(dtype, "auto"))
    check_finite(folder, model)
    size = check_vocabulary(folder, model, tokenizer)
    notices = folder.notices
    if unused:
        notices += (
            f"{len(unused)} tensors in the weight file have no place in {type(model).__name__} "
            f"and were not used (first: {unused[0]})",
        )
    model = _move(model, place)
    return Loaded(
        name=name,
        model=model,
        tokenizer=tokenizer,
        device=place,
        dtype=str(model.dtype).removeprefix("torch."),
        arithmetic=arithmetic(place, model.dtype),
        revision=folder.revision,
        fingerprint=digest(folder.weights),
        tokenizer_digest=digest(folder.tokenizer_files),
        config_digest=digest([folder.path / "config.json"]),
        architecture=type(model).__name__,
        vocabulary_size=size,
        parameters=sum(p.numel() for p in model.parameters()),
        max_length=max_length(model, tokenizer),
        notices=notices,
    )


def pick_device(name: str) -> torch.device:
    """Return the device of that name, or the fastest one there is for ``auto``."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdecimal()):
        raise UnknownNameError("device", name, ["auto", "cpu", "cuda", "cuda:0", "mps"])
    there = {"cpu": 1, "cuda": torch.cuda.device_count() if cuda else 0, "mps": int(mps)}[kind]
    if int(number or 0) >= there:
        count = f"{there} found" if there else "none found"
        raise ModelLoadError(
            f"the device '{name}' was asked for, but this machine or its torch has none such "
            f"({count})",
            hint="use --device auto or --device cpu, or install a torch built for the device",
        )
    return torch.device(name)


def arithmetic(device: torch.device, dtype: torch.dtype) -> str:
    """Return what products of matrices are rounded to.

    In full precision machines differ in the last digits only. In less they may differ by more than
    the rest of the arithmetic, so what they run on is named.
    """
    setting = _precision()
    if setting == "highest" and dtype == torch.float32:
        return setting
    if device.type == "cuda":
        return f"{setting} on {torch.cuda.get_device_name(device)}"
    return f"{setting} on {torch.backends.cpu.get_cpu_capability()}"


def _precision() -> str:
    """Torch's setting for products of float32, or its finer settings where those were used."""
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        cpu = getattr(torch.backends.mkldnn, "matmul", None)
        kinds = {"all": torch.backends, "cuda": torch.backends.cuda.matmul, "cpu": cpu}
        return " ".join(f"{k}={getattr(v, 'fp32_precision', '')}" for k, v in kinds.items())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers silent, and leave its settings as they were."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def _tokenizer(folder: ModelFolder) -> Any:
    """Load the tokenizer and refuse one that cannot say where a word's pieces are."""
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            str(folder.path), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # whatever a broken file makes the loader raise
        raise ModelLoadError(
            f"the tokenizer of '{folder.name}' could not be loaded: {_first_line(error)}",
            hint="save it again with save_pretrained as tokenizer.json; "
            "a SentencePiece file needs: pip install 'bias-audit[tokenizers]'",
        ) from error
    if not tokenizer.is_fast:
        raise ModelLoadError(
            f"expected a fast tokenizer, but '{folder.name}' has a slow one "
            f"({type(tokenizer).__name__}), which cannot tell which pieces belong to a word",
            hint="convert it to tokenizer.json",
        )
    if tokenizer.mask_token is None or tokenizer.mask_token_id is None:
        raise ModelLoadError(
            f"expected a tokenizer with a mask token, but that of '{folder.name}' has none",
            hint=f"use {WANTED}; if the token is only undeclared, set mask_token in "
            "tokenizer_config.json",
        )
    return tokenizer


def _model(folder: ModelFolder, dtype: Any) -> tuple[Any, list[str]]:
    """Load the model; return it with the names of unused tensors."""
    options: dict[str, Any] = {"use_safetensors": True}
    if folder.pickled:
        options = {"use_safetensors": False, "weights_only": True}
    try:
        model, report = transformers.AutoModelForMaskedLM.from_pretrained(
            str(folder.path),
            dtype=dtype,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            **options,
        )
    except Exception as error:  # whatever a broken or foreign checkpoint makes the loader raise
        raise _not_loadable(folder, error) from error
    check_complete(folder, report)
    unused = sorted(k for k in report["unexpected_keys"] if not any(h in k for h in _HARMLESS))
    return model.eval().requires_grad_(False), unused


def _not_loadable(folder: ModelFolder, error: Exception) -> ModelLoadError:
    kind = folder.config["model_type"]
    if "auto_map" in folder.config and kind not in transformers.CONFIG_MAPPING:
        return ModelLoadError(
            f"'{folder.name}' needs Python code from its own folder (auto_map, model_type "
            f"'{kind}'), which is never run",
            hint="use a model of a type that transformers itself knows",
        )
    if kind not in transformers.models.auto.modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return ModelLoadError(
            f"expected a masked language model, but '{folder.name}' is of type '{kind}', "
            "which transformers has no masked language model for",
            hint=f"use {WANTED}",
        )
    return ModelLoadError(
        f"the weights of '{folder.name}' could not be loaded: {_first_line(error)}",
        hint="fetch or save the model again; the file may be cut off or of another format",
    )


def _move(model: Any, place: torch.device) -> Any:
    try:
        return model.to(place)
    except RuntimeError as error:
        raise ModelLoadError(
            f"the model could not be put on '{place}': {_first_line(error)}",
            hint="use --device cpu",
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
