"""Turn pydantic errors into problems with a position, plain words and a hint."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bias_audit.errors import Problem, nearest

KeyPath = tuple[str | int, ...]
Positions = dict[KeyPath, tuple[int, int]]

_EXPECTED = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a group of keys",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_pattern_mismatch": "a name of lower-case letters, digits, '-', '_' and '.'",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "literal_error": "{expected}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} character",
}


class MistakesError(ValueError):
    """Several mistakes below one value, each with its own path; raised by validators."""

    def __init__(self, items: list[tuple[KeyPath, str]]) -> None:
        super().__init__("; ".join(message for _, message in items))
        self.items = items
        """Paths below the value, and messages (a hint after " | ")."""


def explain_errors(
    error: ValidationError, model: type[BaseModel], file: str, values: Positions, keys: Positions
) -> list[Problem]:
    """Return one problem for every mistake of ``file`` that ``error`` holds.

    ``values`` and ``keys`` have the places of all values and keys, by path.
    """
    items = error.errors()
    inner = {item["loc"][:n] for item in items for n in range(len(item["loc"]))}
    problems: list[Problem] = []
    for item in items:
        if item["type"] == "too_short" and item["loc"] in inner:
            continue  # the list is short because its items were refused
        loc = item["loc"]
        for below, message, hint in _messages(item, model, values):
            line, column = _place((*loc, *below), item["type"], values, keys)
            problems.append(Problem(file, line, column, message, hint))
    return list(dict.fromkeys(problems))


def _messages(
    item: Any, model: type[BaseModel], values: Positions
) -> Iterator[tuple[KeyPath, str, str]]:
    """Yield path below the value, message and hint of one pydantic error."""
    reason = item.get("ctx", {}).get("error")
    if isinstance(reason, MistakesError):
        for below, text in reason.items:
            message, _, hint = text.partition(" | ")
            yield below, message, hint
    elif item["type"] == "value_error":
        message, _, hint = str(reason).partition(" | ")
        yield (), message, hint
    else:
        yield (), *_message(item, model, nearest_path(item["loc"], values))


def _message(item: Any, model: type[BaseModel], path: KeyPath) -> tuple[str, str]:
    """Message and hint; ``path`` is the location without what the file does not have."""
    kind, loc, value = item["type"], item["loc"], item["input"]
    if kind == "extra_forbidden":
        known = {key for one in _models_at(model, loc[:-1]) for key in one.model_fields}
        owners = _models_at(model, loc[:-1])
        near = nearest(str(loc[-1]), known)
        hint = f"did you mean '{near}'?" if near else f"known here: {', '.join(sorted(known))}"
        told = (getattr(one, "elsewhere", {}).get(loc[-1]) for one in owners)
        hint = next(filter(None, told), hint)
        return f"unknown key '{loc[-1]}'", hint
    if kind == "missing":
        return f"the key '{loc[-1]}' is missing{_inside(path)}", ""
    if kind == "too_short":
        count = item["ctx"]["min_length"]
        return f"expected at least {count} item{'s'[: count > 1]}{_inside(path)}, got none", ""
    if kind == "string_type":
        return f"expected text, got {_describe_value(value)}", _quotes(value)
    if kind in {"model_type", "dataclass_type"}:
        expected, hint = _forms(model, loc, item["ctx"]["class_name"]), ""
        if expected.startswith("text"):
            expected, hint = "text" if _is_scalar(value) else expected, _quotes(value)
        elif expected.startswith("a list"):
            hint = _brackets(value)
        return f"expected {expected}, got {_describe_value(value)}", hint
    if kind == "literal_error" and loc[-1:] == ("version",):
        return f"expected version 1, got {_describe_value(value)}", "version: 1"
    if kind in _EXPECTED:
        expected = _EXPECTED[kind].format(**item.get("ctx", {}))
        return f"expected {expected}, got {_describe_value(value)}", _hint(kind, value, expected)
    message = f"{item['msg'].removeprefix('Input ')}".replace("should be", "expected", 1)
    return f"{message}, got {_describe_value(value)}", ""


def _hint(kind: str, value: Any, expected: str) -> str:
    if kind == "literal_error" and isinstance(value, str):
        near = nearest(value, re.findall(r"'([^']*)'", expected))
        return f"did you mean '{near}'?" if near else ""
    if kind == "string_pattern_mismatch":
        name = re.sub(r"[^a-z0-9._-]+", "-", str(value).lower()).strip("-._")
        return f"for example {name[:80]}" if name else ""
    return _brackets(value) if expected == "a list" else ""


def _brackets(value: Any) -> str:
    """How a list of these words is written; empty for all but plain words."""
    is_plain = isinstance(value, str) and re.fullmatch(r"\w[\w ,'-]*", value)
    return f"write [{value}]" if is_plain else ""


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _quotes(value: Any) -> str:
    if value is None:
        return "write it after the colon or the dash; the word null needs quotes"
    return "put it into quotes" if _is_scalar(value) else ""


def _inside(loc: KeyPath) -> str:
    names = [part for part in loc if isinstance(part, str)]
    return f" under '{names[-1]}'" if names else ""


def nearest_path(loc: KeyPath, values: Positions) -> KeyPath:
    """Return the longest path that the file has, when parts of ``loc`` may be left out.

    A location also holds names of union members and keys that a short form saves; of two paths
    of one length the one that keeps the later part wins.
    """
    paths: list[KeyPath] = [()]
    for part in loc:
        paths += [(*path, part) for path in paths if (*path, part) in values]
    return max(enumerate(paths), key=lambda pair: (len(pair[1]), pair[0]))[1]


def _place(loc: KeyPath, kind: str, values: Positions, keys: Positions) -> tuple[int, int]:
    """Return the position of the value at ``loc``, or of the key if the key is unknown."""
    is_key = loc[-1:] == ("[key]",)
    path = nearest_path(loc[:-1] if is_key or kind == "missing" else loc, values)
    if is_key or kind == "extra_forbidden":
        return keys.get(path) or values.get(path, (1, 1))
    return values.get(path, (1, 1))


def _describe_value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the yes/no value {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a group of keys"
    return f"'{str(value)[:60]}'"


def _forms(model: type[BaseModel], loc: KeyPath, name: str) -> str:
    """The forms that the model called ``name`` may have in a file, in words."""
    owner = next((one for one in _models_at(model, loc) if one.__name__ == name), None)
    expects = getattr(owner, "expects", None)
    return str(expects()) if expects else "a group of keys"


def _models_at(model: type[BaseModel], loc: KeyPath) -> list[type[BaseModel]]:
    here: list[Any] = [model]
    for part in loc:
        here = [below for annotation in here for below in _below(annotation, part)] or here
    return [owner for annotation in here for owner in _models_in(annotation)]


def _below(annotation: Any, part: str | int) -> list[Any]:
    """Return the annotations one step below ``annotation``; a union's tag chooses a member."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return [field.annotation] if field else []
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _below(members[0], part)
    if origin in (Union, types.UnionType):
        tagged = [one for one in members if Tag(str(part)) in get_args(one)[1:]]
        return tagged or [below for member in members for below in _below(member, part)]
    if origin is dict and isinstance(part, str):
        return [members[1]]
    if origin in (tuple, list) and isinstance(part, int):
        return [members[0]]
    return []


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    """Return all pydantic models inside a type annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) is Literal:
        return set()
    return set().union(*(_models_in(part) for part in get_args(annotation)))


def validate_partially(
    expected: Any, value: Any, defaults: Mapping[type, Mapping[str, Any]] = MappingProxyType({})
) -> Any:
    """Return what is valid of a value; None for the rest, and all items of a list or none.

    Args:
        expected: a record or the type of a field.
        value: plain data.
        defaults: values of fields that are missing or wrong, by record.
    """
    if isinstance(expected, type) and issubclass(expected, BaseModel):
        keys = value if isinstance(value, dict) else {}
        valid = {
            name: validate_partially(_field_type(one), keys[name], defaults)
            for name, one in expected.model_fields.items()
            if name in keys
        }
        known = {name: one for name, one in valid.items() if one is not None}
        return expected.model_construct(**{**defaults.get(expected, {}), **known})
    if get_origin(expected) is tuple:
        item = get_args(expected)[0]
        values = value if isinstance(value, list) else []
        items = [validate_partially(item, one, defaults) for one in values]
        return None if None in items else tuple(items)
    try:
        return TypeAdapter(expected).validate_python(value)
    except ValidationError:
        return None


def _field_type(one: FieldInfo) -> Any:
    """The type of a field with its constraints; of a section or a list, the type alone."""
    kind: Any = one.annotation
    if get_origin(kind) is tuple or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return kind
    return Annotated[kind, one]
