"""Read config.json: what a model is, how it can be read, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast, get_args

from bias_audit.backends.hf.pooling import MODULES, Pooling
from bias_audit.errors import ModelLoadError
from bias_audit.utils.json_text import TextError, read_json
from bias_audit.utils.readings import READINGS, USUAL, Reading

_WRONG_HEADS = {
    "ForConditionalGeneration": "an encoder-decoder",
    "ForTokenClassification": "a token classifier",
    "ForQuestionAnswering": "a question answerer",
    "ForMultipleChoice": "a multiple-choice model",
    "ForObjectDetection": "an object detector",
    "ForImageClassification": "an image classifier",
    "ForAudioClassification": "a classifier of sounds",
    "ForCTC": "a speech recogniser",
}
_BARE = re.compile(r"[A-Za-z0-9]+(?<!LMHead)Model")
"""An architecture without a head."""
_MASKED_ANYWAY = ("XLMWithLMHeadModel", "FlaubertWithLMHeadModel")
_MOST = {"layers": 10_000, "num_labels": 1_000_000}
"""Largest counts, by what the key holds; building more would not end."""
WANTED = READINGS[USUAL].wanted


def read_config(name: str, path: Path) -> dict[str, Any]:
    """Read config.json and refuse what no model is read from."""
    file = path / "config.json"
    if not file.is_file():
        raise ModelLoadError(
            f"'{name}' holds no config.json", hint=f"name a folder or hub id of {WANTED}"
        )
    try:
        config = read_json(file)
    except (OSError, TextError) as error:
        raise ModelLoadError(
            f"config.json of '{name}' is not valid JSON: {error}", hint="save the model again"
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelLoadError(
            f"config.json of '{name}' does not name its model_type",
            hint="save the model again with save_pretrained",
        )
    if not isinstance(config.get("architectures"), list | None):
        raise ModelLoadError(
            f"config.json of '{name}' holds no usable architectures:"
            f" {str(config['architectures'])[:60]!r}",
            hint="save the model again with save_pretrained",
        )
    for key, value in config.items():
        most = next((size for part, size in _MOST.items() if part in key), None)
        if most is not None and isinstance(value, (int, float)) and value > most:
            raise ModelLoadError(
                f"config.json of '{name}' has a {key} of more than {most:,}, as no model has",
                hint="save the model again with save_pretrained",
            )
    if "configuration_files" in config:
        raise ModelLoadError(
            f"config.json of '{name}' names other files to be read in its place"
            " (configuration_files)",
            hint="save the model again with save_pretrained",
        )
    if any("/" in str(config.get(key)) for key in ("attn_implementation", "_attn_implementation")):
        raise ModelLoadError(
            f"config.json of '{name}' asks for code of the hub (attn_implementation), which is"
            " never run",
            hint="remove the key",
        )
    what = _other_kind(config)
    if what:
        raise ModelLoadError(
            f"there is no way to read '{name}': it is {what}",
            hint="name a masked or causal language model, a text classifier or a sentence encoder",
        )
    return config


def _other_kind(config: dict[str, Any]) -> str:
    """What the config says the model is, if that is neither a masked nor a causal one."""
    if config.get("is_encoder_decoder"):
        return "an encoder-decoder (sequence to sequence)"
    if read_by_head(config) not in (None, "mask"):
        return ""
    if config.get("is_decoder"):
        return "a decoder (is_decoder is true): it does not see the words on the right"
    for architecture in config.get("architectures") or ():
        for ending, what in _WRONG_HEADS.items():
            if str(architecture).endswith(ending):
                return f"{what} ({architecture})"
    return ""


def require_head(name: str, config: dict[str, Any], pooling: Pooling | None) -> None:
    """Refuse an encoder that is alone and says nothing of its pooling, and a head beside one."""
    architectures = [str(one) for one in config.get("architectures") or ()]
    bare = bool(architectures) and all(_BARE.fullmatch(one) for one in architectures)
    if pooling is None and bare:
        raise ModelLoadError(
            f"'{name}' is an encoder without a head ({architectures[0]}), and no {MODULES} says how"
            " it makes a vector of a text",
            hint="state its pooling to have it read as a sentence encoder, such as --pooling mean;"
            f" for words at a mask use {WANTED}",
        )
    if pooling is not None and read_by_head(config) == "label":
        raise ModelLoadError(
            f"'{name}' is a text classifier ({', '.join(architectures)}), which is read as label",
            hint="leave --pooling out",
        )


def read_by_head(config: dict[str, Any]) -> Reading | None:
    """How a model is read by a head that its architectures name; None for another, or no head."""
    named = [str(name) for name in config.get("architectures") or () if name not in _MASKED_ANYWAY]
    for reading in reversed(get_args(Reading)):
        if any(name.endswith(READINGS[reading].heads) for name in named):
            return cast(Reading, reading)
    return None
