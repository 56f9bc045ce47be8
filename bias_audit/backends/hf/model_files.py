"""From a model's name to a local folder whose files are fit to load; no weights are read here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bias_audit.backends.hf.hub import INDEX, PICKLES, TOKENIZER_FILES, fetch
from bias_audit.errors import ModelLoadError

REFERENCE = Path(__file__).parents[2] / "models" / "reference"
"""The model that ships with the package."""

_VOCABULARIES = tuple(
    name
    for name in TOKENIZER_FILES
    if name
    not in ("added_tokens.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json")
)
_WRONG_HEADS = {
    "ForCausalLM": "a causal language model",
    "LMHeadModel": "a causal language model",
    "ForConditionalGeneration": "an encoder-decoder",
    "ForSequenceClassification": "a sequence classifier",
    "ForTokenClassification": "a token classifier",
    "ForQuestionAnswering": "a question answerer",
    "ForMultipleChoice": "a multiple-choice model",
}
_MASKED_ANYWAY = ("XLMWithLMHeadModel", "FlaubertWithLMHeadModel")
WANTED = "a masked language model with its vocabulary head, such as distilroberta-base"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFolder:
    """A local folder with a model's files."""

    name: str
    """As the user named the model."""
    path: Path
    revision: str | None = None
    """Commit of the hub repository, if the files came from there."""
    config: dict[str, Any]
    """The folder's config.json."""
    pickled: bool = False
    """Whether the weights are pickles, which the user has allowed."""
    notices: tuple[str, ...] = ()

    @property
    def weights(self) -> list[Path]:
        """The weight files, sorted by name."""
        if self.pickled:
            return sorted(self.path.glob(PICKLES))
        single = self.path / "model.safetensors"
        if single.is_file():
            return [single]
        index = json.loads((self.path / INDEX).read_text(encoding="utf-8"))
        return [self.path / name for name in sorted(set(index["weight_map"].values()))]

    @property
    def tokenizer_files(self) -> list[Path]:
        """The tokenizer's files, sorted by name."""
        return [self.path / name for name in TOKENIZER_FILES if (self.path / name).is_file()]


def locate_model(
    name: str, *, revision: str | None = None, offline: bool = False, allow_pickle: bool = False
) -> ModelFolder:
    """Find the folder of a model and check the files in it.

    Args:
        name: ``reference``, a local folder or a hub id.
        revision: Branch, tag or commit on the hub; the default branch if None.
        offline: Take a hub model from the local cache only.
        allow_pickle: Accept pickled weights where there are no safetensors.

    Raises:
        ModelLoadError: When there is no such model, it cannot be fetched, or its files do not hold
            a masked language model that is safe to load.
    """
    commit: str | None = None
    notices: list[str] = []
    if name == "reference":
        path = REFERENCE
    elif name and (path := Path(name).expanduser()).is_dir():
        if revision is not None:
            raise ModelLoadError(
                f"a revision ('{revision}') belongs to a hub model, but '{name}' is a local folder",
                hint="leave the revision out",
            )
    elif not name or _looks_like_path(name):
        raise ModelLoadError(
            f"no such folder: '{name}'", hint="name a folder with a model's files, or a hub id"
        )
    else:
        path = fetch(name, revision=revision, offline=offline, allow_pickle=allow_pickle)
        commit = path.name
        if revision is None:
            notices.append(f"revision not pinned; resolved to {commit}")
    config = _config(name, path)
    pickled = _check_weights(name, path, allow_pickle=allow_pickle)
    _check_tokenizer(name, path)
    if "auto_map" in config:
        notices.append(
            "the model's own Python code (auto_map) was not run; transformers' class was used"
        )
    return ModelFolder(
        name=name,
        path=path,
        revision=commit,
        config=config,
        pickled=pickled,
        notices=tuple(notices),
    )


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over names, sizes and contents of the files, in the order given."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def _looks_like_path(name: str) -> bool:
    return (
        name.startswith(("./", "../", "/", "~", ".\\", "..\\"))
        or name in (".", "..")
        or (name.count("/") > 1 or "\\" in name)
    )


def _config(name: str, path: Path) -> dict[str, Any]:
    """Read config.json and refuse what cannot be a masked language model."""
    file = path / "config.json"
    if not file.is_file():
        raise ModelLoadError(
            f"'{name}' holds no config.json", hint=f"name a folder or hub id of {WANTED}"
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelLoadError(
            f"config.json of '{name}' is not valid JSON: {error}", hint="save the model again"
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelLoadError(
            f"config.json of '{name}' does not name its model_type",
            hint="save the model again with save_pretrained",
        )
    what = _other_kind(config)
    if what:
        raise ModelLoadError(
            f"expected a masked language model, but '{name}' is {what}", hint=f"use {WANTED}"
        )
    return config


def _other_kind(config: dict[str, Any]) -> str:
    """What the config says the model is, if that is not a masked language model."""
    if config.get("is_encoder_decoder"):
        return "an encoder-decoder"
    if config.get("is_decoder"):
        return "a decoder (is_decoder is true): it does not see the words on the right"
    for architecture in config.get("architectures") or ():
        for ending, what in _WRONG_HEADS.items():
            if str(architecture).endswith(ending) and architecture not in _MASKED_ANYWAY:
                return f"{what} ({architecture})"
    return ""


def _check_weights(name: str, path: Path, *, allow_pickle: bool) -> bool:
    """Return whether the weights are pickles; refuse them unless allowed."""
    if (path / "adapter_config.json").is_file():
        raise ModelLoadError(
            f"'{name}' holds an adapter (adapter_config.json), not a whole model",
            hint="merge the adapter into its model, save that with save_pretrained, "
            "and name the new folder",
        )
    if (path / "model.safetensors").is_file() or (path / INDEX).is_file():
        return False
    pickles = sorted(path.glob(PICKLES))
    if pickles and allow_pickle:
        return True
    if pickles:
        raise ModelLoadError(
            f"expected weights as model.safetensors, but '{name}' holds only pickled ones "
            f"({pickles[0].name}), and loading a pickle can run any code",
            hint="convert it: AutoModelForMaskedLM.from_pretrained(FOLDER)"
            ".save_pretrained(NEW_FOLDER); or, if you trust its maker, use --allow-pickle",
        )
    raise ModelLoadError(
        f"'{name}' holds no weights: expected model.safetensors",
        hint="save the model with save_pretrained; a hub model that has only pytorch_model.bin "
        "needs --allow-pickle",
    )


def _check_tokenizer(name: str, path: Path) -> None:
    if not any((path / vocabulary).is_file() for vocabulary in _VOCABULARIES):
        raise ModelLoadError(
            f"'{name}' holds no tokenizer: expected tokenizer.json",
            hint="save the model's tokenizer into the same folder with save_pretrained",
        )
