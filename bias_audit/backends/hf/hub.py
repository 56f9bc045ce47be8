"""Fetch a model from the hub: the only use of the network that a model makes."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from bias_audit.backends.hf.pooling import MODULES
from bias_audit.errors import ModelLoadError


def fetch(name: str, revision: str | None, patterns: Iterable[str], *, offline: bool) -> Path:
    """Return the snapshot folder of a hub model, named by its commit.

    Args:
        name: of the model.
        revision: branch, tag or commit; the default branch when None.
        patterns: names of the files that are wanted, so that code is never fetched.
        offline: use the local cache only.

    Raises:
        ModelLoadError: there is no such model, or it cannot be reached.
    """
    from huggingface_hub import errors, snapshot_download

    try:
        with _quiet():
            folder = snapshot_download(
                name,
                revision=revision,
                allow_patterns=[*patterns],
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
    if Path(folder, MODULES).is_file():  # its pooling stands in a folder of its own
        with contextlib.suppress(Exception), _quiet():  # what is missing is said when it is read
            snapshot_download(
                name,
                revision=Path(folder).name,
                allow_patterns=["*Pooling/config.json"],
                local_files_only=offline,
            )
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
