"""How a sentence encoder makes one vector of a text, as its folder states it; no weights here.

A folder of sentence-transformers says so in ``modules.json`` and in the files that this names. Of
any other encoder the user states the pooling. What is not known is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from bias_audit.errors import ModelLoadError
from bias_audit.utils.json_text import TextError, read_json

PoolingMode = Literal["mean", "cls", "max"]
POOLINGS: tuple[PoolingMode, ...] = get_args(PoolingMode)
MODULES = "modules.json"
_TEXTS, _PROMPTS = "sentence_bert_config.json", "config_sentence_transformers.json"
ENCODER_FILES = (MODULES, _TEXTS, _PROMPTS)
"""What a folder says of its pooling, but for the folder of that module."""
_ORDER = (("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize"))
_MODES = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
}
_PREFIX = "pooling_mode_"
_HINT = f"the poolings that are read: {', '.join(POOLINGS)}; modules: {', '.join(_ORDER[1])}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pooling:
    """How the states of the pieces of a text become its vector."""

    mode: PoolingMode
    """``mean`` over all pieces, special ones included; ``cls``: the first; ``max``: the largest
    value of each number over all pieces."""
    max_length: int | None = None
    """Longest text in pieces; None where the folder says nothing."""
    lowers: bool = False
    """Whether texts are made lower case first."""
    prefix: str = ""
    """What stands before every text."""
    files: tuple[str, ...] = ()
    """The files that say so, relative to the folder."""


def read_pooling(name: str, folder: Path, stated: PoolingMode | None) -> Pooling | None:
    """Return how an encoder pools; None for a model that is none.

    Args:
        name: of the model, as the user wrote it.
        folder: with its files.
        stated: by the user, for a folder that says nothing.

    Raises:
        ModelLoadError: the folder asks for what is not read here, or contradicts the user.
    """
    if not (folder / MODULES).is_file():
        return None if stated is None else Pooling(mode=stated)
    paths = _module_paths(name, _read(name, folder, MODULES, list))
    home = paths["Pooling"]
    file = f"{home}/config.json"
    mode = _mode(name, file, _read(name, folder, file, dict))
    if stated not in (None, mode):
        raise ModelLoadError(
            f"'{name}' states its pooling itself: {mode} ({file}), not {stated}",
            hint="leave --pooling out",
        )
    texts = _read(name, folder, _TEXTS, dict) if (folder / _TEXTS).is_file() else {}
    length = texts.get("max_seq_length")
    return Pooling(
        mode=mode,
        max_length=length if isinstance(length, int) and length > 0 else None,
        lowers=texts.get("do_lower_case") is True,
        prefix=_prefix(name, folder, _read(name, folder, file, dict)),
        files=tuple(one for one in (MODULES, file, _TEXTS, _PROMPTS) if (folder / one).is_file()),
    )


def _module_paths(name: str, modules: list[Any]) -> dict[str, str]:
    """The folder of each module, by its kind; refuses a kind or an order that is not read."""
    paths: dict[str, str] = {}
    for module in modules:
        if not isinstance(module, dict) or not isinstance(module.get("type"), str):
            raise ModelLoadError(f"'{name}': {MODULES} is no list of modules", hint="save it again")
        kind = module["type"].rpartition(".")[2]
        path = module.get("path") or ""
        if not isinstance(path, str) or path != Path(path).name.replace("..", ""):
            raise ModelLoadError(
                f"'{name}': {MODULES} names the folder '{path}', expected one inside",
                hint="save the model again",
            )
        if kind not in _ORDER[1] or kind in paths:
            raise ModelLoadError(
                f"'{name}' has a module that is not read here: {module['type']}", hint=_HINT
            )
        paths[kind] = path
    if tuple(paths) not in _ORDER:
        raise ModelLoadError(
            f"'{name}' puts its modules in an order that is not read here: {', '.join(paths)}",
            hint=_HINT,
        )
    if paths["Transformer"]:
        raise ModelLoadError(
            f"'{name}' keeps its transformer in a folder of its own: {paths['Transformer']}",
            hint=f"name that folder, and state the pooling: {name}/{paths['Transformer']}"
            " --pooling mean",
        )
    return paths


def _mode(name: str, file: str, config: dict[str, Any]) -> PoolingMode:
    """The one way of pooling that a configuration turns on."""
    chosen = [key for key, value in config.items() if key.startswith(_PREFIX) and value is True]
    named = (
        [config["pooling_mode"]] if "pooling_mode" in config else [_MODES.get(k) for k in chosen]
    )
    modes = [mode for mode in POOLINGS if mode in named]
    if len(named) == 1 and modes:
        return modes[0]
    found = config.get("pooling_mode") or ", ".join(key.removeprefix(_PREFIX) for key in chosen)
    raise ModelLoadError(
        f"'{name}' asks for a pooling that is not read here: {found or 'none'} ({file})",
        hint=_HINT,
    )


def _prefix(name: str, folder: Path, pooling: dict[str, Any]) -> str:
    """The text that the model puts before every other."""
    config = _read(name, folder, _PROMPTS, dict) if (folder / _PROMPTS).is_file() else {}
    prompts, chosen = config.get("prompts"), config.get("default_prompt_name")
    if chosen is None:
        return ""
    text = prompts.get(chosen) if isinstance(prompts, dict) else None
    if not isinstance(text, str) or pooling.get("include_prompt") is False:
        raise ModelLoadError(
            f"'{name}' puts a prompt before each text that is not read here: {chosen} ({_PROMPTS})",
            hint="prompts have to be listed there, and be pooled with the text",
        )
    return text


def _read(name: str, folder: Path, file: str, kind: type) -> Any:
    try:
        content = read_json(folder / file)
    except (OSError, TextError) as error:
        raise ModelLoadError(
            f"'{name}': {file} cannot be read: {error}", hint="save it again"
        ) from error
    if not isinstance(content, kind):
        raise ModelLoadError(
            f"'{name}': expected {'a list' if kind is list else 'keys and values'} in {file}",
            hint="save the model again",
        )
    return content
