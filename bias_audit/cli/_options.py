"""Options that several commands share, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from bias_audit.probes.catalogue import ProbeCatalogue

F = TypeVar("F", bound=Callable[..., Any])


class BatchSize(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """``auto`` or a number of at least 1."""

    name = "auto|N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["auto"]:
        """Read the value of a flag or of the configuration.

        Raises:
            UsageError: anything else.
        """
        from bias_audit.errors import UsageError

        if value == "auto":
            return "auto"
        try:
            size = int(value)
        except ValueError:
            size = 0
        if size < 1:
            raise UsageError(f"expected --batch-size auto or a number from 1, got '{value}'")
        return size


class Place(click.Path):
    """The path of a file or folder; an empty one is an unset variable, not the current folder."""

    def __init__(self, *, exists: bool = False) -> None:
        super().__init__(exists=exists, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a path.

        Raises:
            UsageError: it is empty.
        """
        from bias_audit.errors import UsageError

        if isinstance(value, str) and not value.strip():
            name = param.get_error_hint(ctx) if param is not None else "a path"
            raise UsageError(
                f"expected the path of a file or folder for {name}, got an empty text",
                hint="write . for the current folder; an unset variable gives an empty text",
            )
        return super().convert(value, param, ctx)


_MODEL = (
    click.option("--revision", help="Commit, tag or branch of a hub model; pin a commit."),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default=None,
        help="Where the model runs.  [default: auto]",
    ),
    click.option(
        "--dtype",
        type=click.Choice(["float32", "bfloat16", "float16", "auto"]),
        default=None,
        help="Arithmetic of the forward pass; float32 is exact.  [default: float32]",
    ),
    click.option(
        "--batch-size",
        type=BatchSize(),
        default=None,
        help="Sentences at once; does not change a score.  [default: auto]",
    ),
    click.option("--offline", is_flag=True, help="Refuse the network; use only local files."),
    click.option(
        "--allow-pickle",
        is_flag=True,
        help="Load pickled weights (they can run code); only for files you trust.",
    ),
)

_PROBE_PATH = click.option(
    "--probe-path",
    multiple=True,
    type=Place(exists=True),
    help="A folder with probes of your own, or one probe file; repeatable.",
)


def model_options(command: F) -> F:
    """Add the options that say how a model is loaded."""
    for option in reversed(_MODEL):
        command = option(command)
    return command


def probe_path(command: F) -> F:
    """Add ``--probe-path``."""
    return _PROBE_PATH(command)


def open_catalogue(paths: tuple[Path, ...]) -> ProbeCatalogue:
    """The shipped catalogue with the user's folders and files before it."""
    from bias_audit.probes.catalogue import ProbeCatalogue

    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if not path.is_dir()]
    return ProbeCatalogue(folders, files)
