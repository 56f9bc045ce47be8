"""Refuses a loaded model whose scores would mean nothing."""

from __future__ import annotations

from typing import Any

from bias_audit.backends.hf.model_files import WANTED, ModelFolder
from bias_audit.errors import ModelLoadError

_NO_LIMIT = 1_000_000
"""A tokenizer that knows no limit reports a number far above this one."""


def check_complete(folder: ModelFolder, report: Any) -> None:
    """Refuse a model any part of which would have been filled with random numbers."""
    wrong = sorted(str(item[0]) for item in report["mismatched_keys"])
    if wrong:
        raise ModelLoadError(
            f"{len(wrong)} tensors of '{folder.name}' have another shape than its config.json "
            f"says (first: {wrong[0]})",
            hint="the config belongs to another checkpoint; save both again with save_pretrained",
        )
    missing = sorted(report["missing_keys"])
    if missing:
        made_as = ", ".join(map(str, folder.config.get("architectures") or ())) or "unknown"
        raise ModelLoadError(
            f"expected {WANTED}, but the weights of '{folder.name}' (saved as {made_as}) lack "
            f"{len(missing)} tensors (first: {missing[0]}), and random numbers in their place "
            "would be scored",
            hint="use the checkpoint with the masked language model's head, "
            "not one that was saved for classification or embeddings",
        )
    if report["error_msgs"]:
        raise ModelLoadError(
            f"the weights of '{folder.name}' could not be loaded: {report['error_msgs'][0]}",
            hint="fetch or save the model again",
        )


def check_finite(folder: ModelFolder, model: Any) -> None:
    """Refuse weights that are not numbers, or are none any more in the chosen dtype."""
    for key, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ModelLoadError(
                f"expected finite weights, but those of '{folder.name}' hold NaN or infinity "
                f"in {tensor.dtype} (first: {key})",
                hint="try --dtype float32; if that fails too the checkpoint is broken: "
                "train or fetch it again",
            )


def check_vocabulary(folder: ModelFolder, model: Any, tokenizer: Any) -> int:
    """Return the length of the output distribution; refuse ids that the model does not know."""
    known = int(model.get_input_embeddings().num_embeddings)
    head = model.get_output_embeddings()
    size = int(head.weight.shape[0]) if head is not None else known
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


def max_length(model: Any, tokenizer: Any) -> int:
    """Longest sequence in pieces that both the model and its tokenizer allow.

    The RoBERTa family numbers positions from padding_idx + 1, so its table of 514 holds 512.
    """
    limits: list[int] = []
    declared = getattr(model.config, "max_position_embeddings", None)
    if isinstance(declared, int) and declared > 0:
        limits = [declared]
    for name, module in model.base_model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            limits.append(module.num_embeddings - unused)
    if 0 < tokenizer.model_max_length < _NO_LIMIT:
        limits.append(int(tokenizer.model_max_length))
    return min(limits, default=512)
