"""Find a model's files, here or on the hub, and check them; no weights are read here.

Fetching from the hub is the only use of the network.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from bias_audit.errors import ModelLoadError

REFERENCE = Path(__file__).parents[2] / "models" / "reference"
"""The model that ships with the package."""
INDEX = "model.safetensors.index.json"
PICKLES = "pytorch_model*.bin"
TOKENIZER_FILES = (
    "added_tokens.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "spm.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
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
class ModelOptions:
    """Say which model to load, and how."""

    name: str = "reference"
    """``reference`` (the bundled model), a local folder or a hub id."""
    revision: str | None = None
    """Branch, tag or commit on the hub; the default branch if None."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    dtype: str = "float32"
    """``float32``, ``bfloat16``, ``float16``, or ``auto`` for that of the weight file."""
    offline: bool = False
    """Use no network."""
    allow_pickle: bool = False
    """Accept pickled weights where there are no safetensors; no code in them is run."""


class Digests(TypedDict):
    """SHA-256 of a model's files, as in :class:`~bias_audit.records.ModelInfo`."""

    fingerprint: str
    tokenizer_digest: str
    config_digest: str


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

    def digests(self) -> Digests:
        """Return the digests of the files."""
        return {
            "fingerprint": digest(self.weights),
            "tokenizer_digest": digest(self.tokenizer_files),
            "config_digest": digest([self.path / "config.json"]),
        }


def locate_model(options: ModelOptions) -> ModelFolder:
    """Find the folder of a model and check the files in it.

    Raises:
        ModelLoadError: When there is no such model, it cannot be fetched, or its files do not hold
            a masked language model that is safe to load.
    """
    name, revision = options.name, options.revision
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
        path = _fetch(options)
        commit = path.name
        if revision is None:
            notices.append(f"revision not pinned; resolved to {commit}")
    config = _config(name, path)
    pickled = _check_weights(name, path, allow_pickle=options.allow_pickle)
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


def _fetch(options: ModelOptions) -> Path:
    """The snapshot folder of a hub model, named by its commit; code is never fetched."""
    from huggingface_hub import errors, snapshot_download

    patterns = ["config.json", "model*.safetensors", INDEX, *TOKENIZER_FILES]
    name, revision = options.name, options.revision
    if options.allow_pickle:
        patterns += [PICKLES, "pytorch_model.bin.index.json"]
    try:
        with _quiet():
            folder = snapshot_download(
                name,
                revision=revision,
                allow_patterns=patterns,
                ignore_patterns=["*/*"],
                local_files_only=options.offline,
            )
    except errors.RevisionNotFoundError as error:
        raise ModelLoadError(
            f"the hub model '{name}' has no revision '{revision}'",
            hint="name a branch, a tag or a full commit sha",
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelLoadError(
            f"no model named '{name}': it is neither a folder here nor a public model on the hub",
            hint="check the spelling; for a private model set HF_TOKEN",
        ) from error
    except Exception as error:  # the hub client lets errors of several HTTP libraries through
        raise ModelLoadError(_unreachable(name, offline=options.offline)) from error
    return Path(str(folder))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the hub's client silent, except for the bar of a download that somebody watches."""
    from huggingface_hub import logging as log
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    level, shown = log.get_verbosity(), not are_progress_bars_disabled()
    hide = shown and not (sys.stderr and sys.stderr.isatty())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.set_verbosity(logging.ERROR)
        if hide:
            disable_progress_bars()
        try:
            yield
        finally:
            log.set_verbosity(level)
            if hide:
                enable_progress_bars()


def _unreachable(name: str, *, offline: bool) -> str:
    if offline:
        return (
            f"'{name}' is not in the local cache and --offline forbids fetching it: "
            "run once without --offline, or name a local folder or 'reference'"
        )
    return (
        f"the hub could not be reached to fetch '{name}': check the connection, name a local "
        "folder or 'reference', or use --offline if the model was fetched before"
    )
