"""Loads a masked language model, or says in one message why it cannot be trusted with scores."""

from __future__ import annotations

import contextlib
import io
import math
import os
import platform
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from bias_audit.backends.hf.gguf import describe_weights, require_packages
from bias_audit.backends.hf.model_config import WANTED
from bias_audit.backends.hf.model_files import (
    ModelFolder,
    ModelOptions,
    locate_model,
    require_reading,
)
from bias_audit.backends.hf.pooling import Pooling
from bias_audit.backends.hf.tokenization import refuse_panics
from bias_audit.errors import ModelLoadError, UnknownNameError
from bias_audit.records import ModelInfo
from bias_audit.utils.readings import READINGS, USUAL, Reading

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_NO_LIMIT = 1_000_000
"""A tokenizer that knows no limit reports a number far above this one."""
_SLOW = (
    "this processor has no instructions for bfloat16, which takes about three times as long as"
    " float32 here"
)
_IN_FLOAT32 = (
    "the weights are in bfloat16, for which this processor has no instructions: computed in float32"
)
_HARMLESS = ("pooler", "position_ids", "seq_relationship", "token_type_ids")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A model in memory."""

    model: Any
    tokenizer: Any
    info: ModelInfo
    """Without its words."""
    pooling: Pooling | None = None
    """Of a sentence encoder."""


def load(options: ModelOptions, reading: Reading = USUAL) -> LoadedModel:
    """Load a model and its tokenizer: a masked or causal language model, or a text classifier.

    Raises:
        UnknownNameError: For a device or dtype that does not exist.
        ModelLoadError: When the device is absent, or the model's scores would mean nothing: no
            vocabulary head, weights missing, mis-shaped or not finite, tokenizer unfit.
    """
    device, dtype = pick_device(options.device), options.dtype
    if dtype != "auto" and dtype not in DTYPES:
        raise UnknownNameError("dtype", dtype, [*DTYPES, "auto"])
    folder = locate_model(options)
    require_reading(folder, reading)
    folder = replace(folder, chosen=reading)
    notices = (*folder.notices, *_file_notice(folder))
    with quiet(), folder.expose() as place:
        tokenizer = _tokenizer(folder, place)
        model, unused = _model(folder, place, DTYPES.get(dtype, "auto"))
        digests = folder.digests()
    _check_finite(folder, model)
    size = _check_vocabulary(folder, model, tokenizer)
    if device.type == "cpu" and model.dtype == torch.bfloat16 and not has_bfloat16():
        if dtype == "auto":
            model = model.float()
        notices += (_IN_FLOAT32 if dtype == "auto" else _SLOW,)
    if unused:
        notices += (
            f"{len(unused)} tensors in the weight file have no place in {type(model).__name__} "
            f"and were not used (first: {unused[0]})",
        )
    model = _move(model, device)
    facts = READINGS[reading]
    info = ModelInfo(
        name=options.name,
        revision=folder.revision,
        **digests,
        kind=facts.kind,
        reading=reading,
        architecture=type(model).__name__,
        vocabulary_size=size,
        parameters=sum(p.numel() for p in model.parameters()),
        max_length=_max_length(model, tokenizer),
        dtype=str(model.dtype).removeprefix("torch."),
        arithmetic=arithmetic(device, model.dtype),
        device=str(device),
        notices=(*notices, facts.notice) if facts.notice else notices,
    )
    return LoadedModel(model=model, tokenizer=tokenizer, info=info, pooling=folder.pooling)


def pick_device(name: str) -> torch.device:
    """Return the device of that name, or the fastest one there is for ``auto``."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or not re.fullmatch("[0-9]{0,4}", number):
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


def has_bfloat16() -> bool:
    """Say whether the processor has instructions for bfloat16, and does not imitate them."""
    if platform.machine() in ("x86_64", "AMD64"):
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, bool)() for name in names)
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


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
def quiet() -> Iterator[None]:
    """Keep transformers silent, and leave its settings as they were."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    hide = contextlib.redirect_stderr(io.StringIO())  # some bars cannot be switched off
    try:
        with warnings.catch_warnings(), hide:
            warnings.simplefilter("ignore")
            yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def _file_notice(folder: ModelFolder) -> Iterator[str]:
    """Say of a GGUF file how its weights are quantised, after it was found to be whole."""
    if folder.gguf is None:
        return
    require_packages(folder.name)
    yield (
        f"the weights are those of {folder.gguf.name}, quantised ({describe_weights(folder.gguf)})"
        " and unpacked when they were loaded"
    )


def _file_options(folder: ModelFolder) -> dict[str, Any]:
    return {} if folder.gguf is None else {"gguf_file": folder.gguf.name}


def _tokenizer(folder: ModelFolder, place: Path) -> Any:
    """Load the tokenizer and refuse one that cannot say where a word's pieces are."""
    try:
        with refuse_panics():
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                str(place),
                local_files_only=True,
                trust_remote_code=False,
                **_file_options(folder),
            )
    except ModelLoadError:
        raise
    except Exception as error:  # whatever a broken file makes the loader raise
        raise ModelLoadError(
            f"the tokenizer of '{folder.name}' could not be loaded: {_first_line(error, place)}",
            hint="save it again with save_pretrained as tokenizer.json; "
            "a SentencePiece file needs: pip install 'bias-audit[tokenizers]'",
        ) from error
    if not tokenizer.is_fast:
        raise ModelLoadError(
            f"expected a fast tokenizer, but '{folder.name}' has a slow one "
            f"({type(tokenizer).__name__}), which cannot tell which pieces belong to a word",
            hint="convert it to tokenizer.json",
        )
    has_mask = tokenizer.mask_token is not None and tokenizer.mask_token_id is not None
    if folder.reading == "mask" and not has_mask:
        raise ModelLoadError(
            f"expected a tokenizer with a mask token, but that of '{folder.name}' has none",
            hint=f"use {WANTED}; if the token is only undeclared, set mask_token in "
            "tokenizer_config.json",
        )
    return tokenizer


def _model(folder: ModelFolder, place: Path, dtype: Any) -> tuple[Any, list[str]]:
    """Load the model; return it with the names of unused tensors."""
    options: dict[str, Any] = {"use_safetensors": True}
    if folder.pickled:
        options = {"use_safetensors": False, "weights_only": True}
    options |= _file_options(folder)
    if folder.gguf is not None and hasattr(transformers, "GgufConfig"):
        # left packed, the weights would be multiplied by code that is fetched from the hub
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    kind = getattr(transformers, READINGS[folder.reading].auto_class)
    try:
        model, report = kind.from_pretrained(
            str(place),
            dtype=dtype,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            **options,
        )
    except Exception as error:  # whatever a broken or foreign checkpoint makes the loader raise
        raise _not_loadable(folder, error, place) from error
    _check_complete(folder, report)
    unused = sorted(k for k in report["unexpected_keys"] if not any(h in k for h in _HARMLESS))
    return model.eval().requires_grad_(False), unused


def _not_loadable(folder: ModelFolder, error: Exception, place: Path) -> ModelLoadError:
    kind = folder.config["model_type"]
    if "auto_map" in folder.config and kind not in transformers.CONFIG_MAPPING:
        return ModelLoadError(
            f"'{folder.name}' needs Python code from its own folder (auto_map, model_type "
            f"'{kind}'), which is never run",
            hint="use a model of a type that transformers itself knows",
        )
    known = transformers.models.auto.modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if folder.reading == "mask" and kind not in known:
        return ModelLoadError(
            f"expected a masked language model, but '{folder.name}' is of type '{kind}', "
            "which transformers has no masked language model for",
            hint=f"use {WANTED}",
        )
    return ModelLoadError(
        f"the weights of '{folder.name}' could not be loaded: {_first_line(error, place)}",
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


def _first_line(error: Exception, place: Path | None = None) -> str:
    """The first line of a message; ``place`` is gone when somebody reads it."""
    text = str(error) if place is None else str(error).replace(f"{place}{os.sep}", "")
    lines = text.strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _check_complete(folder: ModelFolder, report: Any) -> None:
    """Refuse a model any part of which would have been filled with random numbers."""
    wrong = sorted(str(item[0]) for item in report["mismatched_keys"])
    if wrong:
        raise ModelLoadError(
            f"{len(wrong)} tensors of '{folder.name}' have another shape than its config.json "
            f"says (first: {wrong[0]})",
            hint="the config belongs to another checkpoint; save both again with save_pretrained",
        )
    missing = sorted(report["missing_keys"])
    if folder.pooling is not None:  # the states are pooled here, not by the model's own layer
        missing = [name for name in missing if "pooler" not in name]
    if missing:
        facts = READINGS[folder.reading]
        raise ModelLoadError(
            f"expected {facts.wanted}, but the weights of '{folder.name}' (saved as"
            f" {folder.made_as or 'unknown'}) lack {len(missing)} tensors (first: {missing[0]}),"
            " and random numbers in their place would be scored",
            hint="use the checkpoint with its head"
            if facts.of == "label"
            else "use the checkpoint with the language model's head, "
            "not one that was saved for classification or embeddings",
        )
    if report["error_msgs"]:
        raise ModelLoadError(
            f"the weights of '{folder.name}' could not be loaded: {report['error_msgs'][0]}",
            hint="fetch or save the model again",
        )


def _check_finite(folder: ModelFolder, model: Any) -> None:
    """Refuse weights that are not numbers, or are none any more in the chosen dtype."""
    for key, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ModelLoadError(
                f"expected finite weights, but those of '{folder.name}' hold NaN or infinity "
                f"in {tensor.dtype} (first: {key})",
                hint="try --dtype float32; if that fails too the checkpoint is broken: "
                "train or fetch it again",
            )


def _check_vocabulary(folder: ModelFolder, model: Any, tokenizer: Any) -> int:
    """Return the length of the output distribution; refuse ids that the model does not know."""
    embeddings = model.get_input_embeddings()
    declared = getattr(model.config.get_text_config(), "vocab_size", None)
    table = embeddings.weight if hasattr(embeddings, "weight") else None
    if isinstance(table, torch.Tensor):
        known = int(table.shape[0])  # a quantised table has no num_embeddings
    elif isinstance(declared, int):  # Perceiver gives its latent array for the table
        known = declared
    else:
        raise ModelLoadError(
            f"'{folder.name}' ({type(model).__name__}) does not say how many pieces it knows",
            hint=f"use {WANTED}",
        )
    head = model.get_output_embeddings()
    size = int(head.weight.shape[0]) if hasattr(head, "weight") else known
    vocabulary = tokenizer.get_vocab()
    top = max(vocabulary.values(), default=-1)
    if top >= min(known, size):
        raise ModelLoadError(
            f"the tokenizer of '{folder.name}' knows ids up to {top}, but the model only "
            f"{min(known, size)} ids (0 to {min(known, size) - 1})",
            hint="the tokenizer belongs to another model, or tokens were added to it without "
            "resizing the model",
        )
    if len(set(vocabulary) - set(tokenizer.all_special_tokens)) < 2:
        raise ModelLoadError(
            f"the tokenizer of '{folder.name}' has no pieces besides its special tokens",
            hint="save the model's own tokenizer into the folder with save_pretrained",
        )
    return size


def _max_length(model: Any, tokenizer: Any) -> int:
    """Longest sequence in pieces that both the model and its tokenizer allow."""
    limits: list[int] = []
    declared = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(declared, int) and declared > 0:
        limits = [declared]
    for name, module in model.base_model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            limits.append(module.num_embeddings - unused)
    most = tokenizer.model_max_length
    if not isinstance(most, (int, float)) or math.isnan(most):
        raise ModelLoadError(
            f"the tokenizer's model_max_length is {str(most)[:60]!r}, expected a number",
            hint="correct it in tokenizer_config.json",
        )
    if 0 < most < _NO_LIMIT:
        limits.append(int(most))
    return min(limits, default=512)
