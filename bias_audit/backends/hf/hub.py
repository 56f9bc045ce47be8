"""Brings a model's files from the hub into the local cache; nothing else uses the network."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from bias_audit.errors import ModelLoadError

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


def fetch(name: str, *, revision: str | None, offline: bool, allow_pickle: bool) -> Path:
    """Return the snapshot folder of a hub model; its name is the commit.

    Only the config, the tokenizer and the weights are fetched, never code.

    Raises:
        ModelLoadError: When there is no such model or revision, or the hub cannot be reached.
    """
    from huggingface_hub import errors, snapshot_download

    patterns = ["config.json", "model*.safetensors", INDEX, *TOKENIZER_FILES]
    if allow_pickle:
        patterns += [PICKLES, "pytorch_model.bin.index.json"]
    try:
        with _quiet():
            folder = snapshot_download(
                name,
                revision=revision,
                allow_patterns=patterns,
                ignore_patterns=["*/*"],
                local_files_only=offline,
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
        raise ModelLoadError(_unreachable(name, offline=offline)) from error
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
    hide = shown and not sys.stderr.isatty()
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
