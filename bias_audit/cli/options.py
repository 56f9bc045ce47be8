"""Options that several commands share, and what they open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import rich_click as click

from bias_audit.cli import completion
from bias_audit.config import settings
from bias_audit.utils.settings import Setting

F = TypeVar("F", bound=Callable[..., Any])


class Place(click.Path):
    """The path of a file or folder."""

    def __init__(self, *, exists: bool = False) -> None:
        super().__init__(exists=exists, path_type=Path)


MODEL_SETTINGS = (
    *("revision", "device", "dtype", "batch_size", "offline", "allow_pickle"),
    *("reading", "pooling"),
)
"""How a model is loaded, for commands that audit nothing."""


def setting_options(*names: str) -> Callable[[F], F]:
    """Add the options of these settings of a run, by keyword; of all of them without a name."""

    def decorate(command: F) -> F:
        for setting in reversed([settings()[name] for name in names or settings()]):
            command = _option(setting)(command)
        return command

    return decorate


config_option = click.option("-c", "--config", type=Place(), help="Configuration file.")
baselines_option = click.option("--baselines", type=Place(), help="Folder of the baselines.")
json_option = click.option("--json", is_flag=True, help="Print JSON.")
model_options = setting_options(*MODEL_SETTINGS)
probe_path = setting_options("probe_paths")


def to_overrides(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their keyword, from the values of :func:`setting_options`."""
    names = {setting.parameter: setting.name for setting in settings().values()}
    return {names[parameter]: value for parameter, value in values.items()}


def to_backend_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a backend from the values of :func:`model_options`.

    Raises:
        UsageError: a value that its option does not take.
    """
    overrides = to_overrides(values)
    return {
        name: settings()[name].validate(value, settings()[name].option)
        for name, value in overrides.items()
        if value is not None
    }


def _option(setting: Setting) -> Callable[[F], F]:
    """Make the option of a setting; the configuration checks its value."""
    flag = setting.flag
    if flag.is_argument:
        return click.argument(flag.name, required=False)
    if setting.is_switch:
        return click.option(setting.option, is_flag=True, help=flag.help)
    default = setting.field.default
    has_default = default and not setting.is_repeatable and "[default" not in flag.help
    return click.option(
        *([flag.short] if flag.short else []),
        setting.option,
        multiple=setting.is_repeatable,
        metavar=_metavar(setting),
        shell_complete=completion.OF_SETTINGS.get(setting.name) or _complete_value(setting),
        help=f"{flag.help}  [default: {default}]" if has_default else flag.help,
    )


def _complete_value(setting: Setting) -> completion.Completer | None:
    """Complete what is one of a few values; None where it is not."""
    return completion.choices(setting.choices) if setting.choices else None


def _metavar(setting: Setting) -> str | None:
    kinds = get_args(setting.field.annotation) or (setting.field.annotation,)
    if setting.choices:
        return f"[{'|'.join(setting.choices)}]"
    number = "AUTO|N" if setting.field.default == "auto" else "N"
    return number if int in kinds else None
