"""YAML 1.2 into pydantic models, with every mistake at once as file:line:column.

YAML 1.1 readers turn the word list ``[no, yes, on, he]`` into booleans; this one keeps the words.
Aliases, custom tags and oversized files are refused: data files are untrusted.
"""

from __future__ import annotations

import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bias_audit.errors import FileError, Problem, nearest

M = TypeVar("M", bound=BaseModel)
Path_ = tuple[str | int, ...]
Marks = dict[Path_, tuple[int, int]]

MAX_BYTES = 2_000_000
_TAG = "tag:yaml.org,2002:"


def read(path: Path, model: type[M]) -> M:
    """Read one YAML file into ``model``.

    Raises:
        FileError: everything that is wrong with the file, at once.
    """
    return parse(read_source(path), model, str(path))


def read_source(path: Path) -> str:
    """Return the text of a file that people write: UTF-8, a byte-order mark allowed.

    Raises:
        FileError: missing, too large, or not UTF-8.
    """
    name = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _problem(name, f"cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise _problem(name, f"is {len(data):,} bytes long; at most {MAX_BYTES:,} are read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileError(
            [
                Problem(
                    file=name,
                    line=line,
                    column=1,
                    message="expected UTF-8 text, found a byte that is not",
                    hint="save the file with the encoding UTF-8",
                )
            ]
        ) from error


def parse(text: str, model: type[M], file: str) -> M:
    """Parse YAML text into ``model``; ``file`` names it in messages.

    Raises:
        FileError: everything that is wrong with the text, at once.
    """
    data, values, keys, problems = _compose(text, file)
    if not isinstance(data, dict) and not problems:
        problems.append(
            Problem(file=file, line=1, column=1, message="expected 'key: value' lines at the top")
        )
    if problems:
        raise FileError(problems)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        items = error.errors()
        inner = {item["loc"][:n] for item in items for n in range(len(item["loc"]))}
        found = [
            _explain(item, model, file, values, keys)
            for item in items
            if not (item["type"] == "too_short" and item["loc"] in inner)
        ]
        raise FileError(dict.fromkeys(found)) from None


def places(text: str, file: str) -> Marks:
    """Return line and column of every value, by its path of keys and indices."""
    return _compose(text, file)[1]


def _problem(file: str, message: str) -> FileError:
    return FileError([Problem(file=file, line=0, column=0, message=message)])


def _compose(text: str, file: str) -> tuple[Any, Marks, Marks, list[Problem]]:
    """Build plain data and the place of every value and key."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise FileError([_syntax(error, text, file)]) from None
    except (YAMLError, RecursionError, ValueError) as error:
        raise _problem(file, f"is not YAML: {str(error).splitlines()[0]}") from None
    builder = _Builder(file)
    data = builder.build(root, ()) if root is not None else None
    return data, builder.values, builder.keys, builder.problems


def _syntax(error: MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    here = lines[line] if line < len(lines) else ""
    start = lines[error.context_mark.line] if error.context_mark and lines else here
    value = here.split(": ", 1)[-1].lstrip(" -")
    begun = start.split(": ", 1)[-1].lstrip(" -")
    if "\t" in here[: len(here) - len(here.lstrip())]:
        hint = "indent with spaces; YAML does not allow tabs"
    elif value.startswith("[") or begun.startswith("["):
        hint = 'a sentence that starts with a slot needs quotes: "[group] worked as a <mask>."'
    elif "mapping values" in str(error.problem):
        hint = "check the indentation, and put a sentence with a colon into quotes"
    else:
        hint = "check the indentation, the quotes and the brackets of this line and the one before"
    return Problem(
        file=file,
        line=line + 1,
        column=column + 1,
        message=f"not valid YAML: {error.problem or error.context}",
        hint=hint,
    )


class _Builder:
    """Turns nodes into plain data and remembers where each value and key stood."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values: Marks = {}
        self.keys: Marks = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def build(self, node: Node, path: Path_) -> Any:
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.values[path] = place
        if id(node) in self._seen:
            self._say(place, "an alias (*name) came", "write the value out; aliases are refused")
            return None
        self._seen.add(id(node))
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        self._say(place, f"unexpected {node.tag}", "use plain text, lists and 'key: value'")
        return None

    def _mapping(self, node: MappingNode, path: Path_) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode):
                self._say(place, "expected a name before the colon", "quote text with brackets")
                continue
            key = str(key_node.value)
            if key in built:
                first = self.keys[(*path, key)][0]
                self._say(
                    place, f"the key '{key}' is here twice", f"first on line {first}; keep one"
                )
                continue
            self.keys[(*path, key)] = place
            built[key] = self.build(value_node, (*path, key))
        return built

    def _scalar(self, node: ScalarNode, place: tuple[int, int]) -> Any:
        tag, text = str(node.tag).removeprefix(_TAG), str(node.value)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag in {"int", "float"}:
            return _number(text)
        if tag in {"str", "timestamp"}:
            return text
        self._say(place, f"the tag {node.tag} came", "remove it; only plain values are read")
        return None

    def _say(self, place: tuple[int, int], message: str, hint: str) -> None:
        self.problems.append(
            Problem(file=self.file, line=place[0], column=place[1], message=message, hint=hint)
        )


def _number(text: str) -> int | float | str:
    """Read a plain decimal number; anything fancier (0x1F, 1_000, .inf) stays text."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if "_" in text or not math.isfinite(value):
            break
        return value
    return text


def _explain(item: Any, model: type[BaseModel], file: str, values: Marks, keys: Marks) -> Problem:
    """Turn one pydantic error into a problem with a place and a hint."""
    loc = _known_path(item["loc"], values)
    kind, hint = item["type"], ""
    line, column = values.get(loc, (1, 1))
    if kind == "extra_forbidden":
        loc = (*loc, item["loc"][-1]) if loc[-1:] != (item["loc"][-1],) else loc
        line, column = keys.get(loc, (line, column))
        known = _field_names(model, loc[:-1])
        near = nearest(str(loc[-1]), known)
        message = f"unknown key '{loc[-1]}'"
        hint = f"did you mean '{near}'?" if near else f"known here: {', '.join(sorted(known))}"
    elif kind == "missing":
        message = f"the key '{item['loc'][-1]}' is missing" + (_inside(loc))
    elif kind == "value_error":
        message, _, hint = str(item["ctx"]["error"]).partition(" | ")
    elif kind == "string_type" or (kind == "model_type" and _is_scalar(item["input"])):
        message = f"expected text, got {_named(item['input'])}"
        hint = "put it into quotes" if _is_scalar(item["input"]) else ""
    elif kind == "too_short":
        message = f"expected at least {item['ctx']['min_length']} item"
        message += _inside(loc) + ", got none"
    else:
        message = f"{item['msg'].removeprefix('Input ')}".replace("should be", "expected", 1)
        message += f", got {_named(item['input'])}"
    return Problem(file=file, line=line, column=column, message=message, hint=hint)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _inside(loc: Path_) -> str:
    names = [part for part in loc if isinstance(part, str)]
    return f" under '{names[-1]}'" if names else ""


def _known_path(loc: tuple[Any, ...], values: Marks) -> Path_:
    """Drop the parts of a pydantic location that are names of union members, not keys."""
    path: Path_ = ()
    for part in loc:
        if (*path, part) in values:
            path = (*path, part)
    return path


def _named(value: Any) -> str:
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


def _field_names(model: type[BaseModel], path: Path_) -> set[str]:
    """Field names that are allowed at ``path`` below ``model``."""
    here: set[type[BaseModel]] = {model}
    for part in path:
        nested: set[type[BaseModel]] = set()
        for owner in here:
            field = owner.model_fields.get(part) if isinstance(part, str) else None
            nested |= _models_in(field.annotation) if field else {owner}
        here = nested
    return {name for owner in here for name in owner.model_fields}


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    """All pydantic models inside a type annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if isinstance(annotation, types.GenericAlias) or typing.get_args(annotation):
        return set().union(*(_models_in(part) for part in typing.get_args(annotation)))
    return set()
