"""What the docstring under each field of a record says, for JSON Schemas and pages made of them.

Read from the source when a schema is asked for, so that no start of the program pays for it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, get_args

from pydantic import BaseModel

Notes = Mapping[str, Mapping[str, str]]


def field_notes(model: type[BaseModel]) -> dict[str, dict[str, str]]:
    """Return the line under each field of a model and of all models in it, by model."""
    return {one.__name__: dict(_of_class(one)) for one in inner_models(model)}


def inner_models(kind: Any, seen: set[Any] | None = None) -> Iterator[type[BaseModel]]:
    """Yield the models that a type holds, itself first."""
    seen = set() if seen is None else seen
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind in seen:
            return
        seen.add(kind)
        yield kind
        inner: tuple[Any, ...] = tuple(one.annotation for one in kind.model_fields.values())
    else:
        inner = get_args(kind)
    for one in inner:
        yield from inner_models(one, seen)


def _of_class(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[model.__module__]))
    (body,) = (
        one.body
        for one in tree.body
        if isinstance(one, ast.ClassDef) and one.name == model.__name__
    )
    for field, text in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            yield field.target.id, " ".join(str(text.value.value).split())


def describe(schema: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """Put the notes into a JSON Schema that was made from the models, and return it."""
    for name, part in {schema.get("title"): schema, **schema.get("$defs", {})}.items():
        properties = part.get("properties", {})
        for key, text in notes.get(str(name), {}).items():
            if key in properties:
                properties[key]["description"] = text.replace("``", "'")
    return schema
