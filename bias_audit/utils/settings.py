"""Settings: fields of records with an option, an environment variable and a Python keyword each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.utils.validation import explain_errors

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Flag:
    """How a setting is called outside of its record; :func:`setting` explains the fields."""

    name: str
    help: str
    short: str
    keyword: str
    is_argument: bool
    of: str


def setting(
    default: Any,
    name: str,
    help: str = "",
    *,
    short: str = "",
    keyword: str = "",
    is_argument: bool = False,
    of: str = "",
    **constraints: Any,
) -> Any:
    """Declare a field that is a setting: ``seed: int = setting(1, "seed", "Root seed.", ge=0)``.

    Args:
        default: value where nothing else is said.
        name: long option without its dashes.
        help: one line for ``--help``.
        short: short option, with its dash.
        keyword: Python keyword, where it is not the option's name.
        is_argument: written without an option name.
        of: setting whose value this one describes: overriding that one resets this one.
        constraints: of :func:`pydantic.Field`.
    """
    flag = Flag(name, help, short, keyword or name.replace("-", "_"), is_argument, of)
    field = Field(default, **constraints)
    field.metadata.append(flag)
    return field


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One declared setting."""

    key: tuple[str, ...]
    """Names of the fields that lead to it."""
    flag: Flag
    field: FieldInfo

    @property
    def name(self) -> str:
        """Its Python keyword."""
        return self.flag.keyword

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return self.flag.name.upper() if self.flag.is_argument else f"--{self.flag.name}"

    @property
    def parameter(self) -> str:
        """Its name among the parameters of a command."""
        return self.flag.name.replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether its option takes no value."""
        return self.field.annotation is bool

    @property
    def is_repeatable(self) -> bool:
        """Whether it takes several values."""
        return get_origin(self.field.annotation) in (tuple, dict)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it may have, where they can be listed."""
        kind = self.field.annotation
        return get_args(kind) if get_origin(kind) is Literal else ()

    def validate(self, value: Any, label: str) -> Any:
        """Return a value, typed or as text, in the type of the field; messages call it ``label``.

        Raises:
            UsageError: the field does not take it.
        """
        strict = ConfigDict(extra="forbid", allow_inf_nan=False)
        field: Any = (self.field.annotation, self.field)
        model: Any = create_model("Setting", __config__=strict, value=field)
        try:
            return dict(model.model_validate({"value": value}))["value"]
        except ValidationError as error:
            problem = explain_errors(error, model, label, {}, {})[0]
            raise UsageError(f"{label}: {problem.message}", hint=problem.hint) from None


def declared_settings(model: type[BaseModel], key: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Yield the settings of a record and of the records below it, in their order."""
    for name, field in model.model_fields.items():
        flag = next((item for item in field.metadata if isinstance(item, Flag)), None)
        kind: Any = field.annotation
        if flag is not None:
            yield Setting(key=(*key, name), flag=flag, field=field)
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from declared_settings(kind, (*key, name))


@dataclass(frozen=True, slots=True)
class Override:
    """A value that takes the place of a record's own."""

    value: Any
    source: str
    """The option, keyword or variable that it is from."""


def collect_overrides(
    known: Mapping[str, Setting],
    given: Mapping[str, Any],
    *,
    prefix: str,
    label: Callable[[Setting], str],
) -> dict[str, Override]:
    """Return the overridden settings by name: from the call, else from the environment.

    ``given`` has values of the call, typed or as text; None, False and empty lists are unset.
    ``prefix`` begins the names of variables; ``label`` says how messages name a value of the call.

    Raises:
        UnknownNameError: no such setting.
        UsageError: a setting does not take its value, or got an empty text.
    """
    for name in given:
        if name not in known:
            raise UnknownNameError("setting", name, known)
    overrides = {}
    for name, one in known.items():
        value, source = given.get(name), label(one)
        if _is_unset(value):
            source = prefix + one.parameter.upper()
            text = os.environ.get(source)
            if text is None:
                continue
            require_text(text, source)
            value = text.split() if one.is_repeatable else text
        for item in value if isinstance(value, (list, tuple)) else (value,):
            require_text(item, source)
        overrides[name] = Override(one.validate(value, source), source)
    return overrides


def _is_unset(value: Any) -> bool:
    """Whether a value was left out; an empty text was not, it came from somewhere."""
    return value is None or value is False or value in ((), [], {})


def require_text(value: object, name: str) -> None:
    """Refuse an empty text, which an unset variable gives: it is not the same as no value.

    Raises:
        UsageError: it is one; ``name`` says of what.
    """
    if isinstance(value, str) and not value.strip():
        raise UsageError(
            f"{name} got an empty text",
            hint="an unset variable gives an empty text; write the value, or leave it out",
        )


def apply_overrides(model: M, known: Mapping[str, Setting], overrides: Mapping[str, Override]) -> M:
    """Return a copy of a record with overrides; what described an overridden value is reset."""
    result = model
    for one in known.values():
        subject = known.get(one.flag.of)
        if subject is None or subject.name not in overrides:
            continue
        if overrides[subject.name].value != reduce(getattr, subject.key, cast("Any", model)):
            result = _overlay(result, one.key, one.field.default)
    for name, override in overrides.items():
        result = _overlay(result, known[name].key, override.value)
    return result


def _overlay(model: M, key: tuple[str, ...], value: Any) -> M:
    name, *rest = key
    inner = _overlay(getattr(model, name), tuple(rest), value) if rest else value
    return model.model_copy(update={name: inner})
