"""JSON Schemas of the files that people write, for editors.

A schema says less than the program: it knows keys, kinds of values and short forms, and nothing of
names, sentences and what fits what. What it refuses, the program refuses too, but for a key without
a value, which the program takes as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from bias_audit.probes.schema.lexicon import Lexicon, Sanity, TemplateSet
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.probes.suites import Suites
from bias_audit.utils.field_notes import describe, field_notes
from bias_audit.utils.file_model import FileModel

FILES: Mapping[str, type[FileModel]] = {
    "probe": ProbeSpec,
    "templates": TemplateSet,
    "lexicon": Lexicon,
    "suites": Suites,
    "sanity": Sanity,
}
"""Kinds of data files; ``schemas/<kind>.json`` is shipped for each."""
MODELINE = "# yaml-language-server: $schema="
"""The line by which editors find the schema of a file."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMMENT = "Made by bias-audit from the formats of its files; it is written again, do not edit it."
_TEXT = {
    "Entry": "sg",
    "HeadNoun": "sg",
    "Template": "text",
    "ProbeUse": "use",
    "ModelConfig": "name",
}
"""Models that may be written as a text, which then is this key."""
_LIST = {"WordSet": "entries", "Pole": "words", "Suite": "probes"}
"""Models that may be written as a list, which then is this key."""


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a file, with a line on every key, which editors show."""
    schema = describe(model.model_json_schema(), field_notes(model))
    definitions = schema.pop("$defs", {})
    short = {name: _with_short_form(name, definition) for name, definition in definitions.items()}
    plain: dict[str, Any] = _plain({**schema, "$defs": short} if short else schema)
    return {"$schema": DIALECT, "$comment": COMMENT, **plain}


def _with_short_form(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    if name in _TEXT and _TEXT[name] in properties:
        short: dict[str, Any] = {"type": "string", "minLength": 1}
    elif name in _LIST and _LIST[name] in properties:
        items = properties[_LIST[name]]["items"]
        short = {"type": "array", "items": items, "minItems": 1}
    else:
        return schema
    return {"anyOf": [short, schema]}


def _plain(value: Any) -> Any:
    """Leave out generated titles, defaults and nulls, which say nothing to an author.

    ``oneOf`` becomes ``anyOf``: the name of a template set is also a text.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for key, item in value.items():
        if key in ("default", "title") and not isinstance(item, dict):
            continue
        if key in ("anyOf", "oneOf") and isinstance(item, list):
            options = [_plain(one) for one in item if one != {"type": "null"}]
            out |= options[0] if len(options) == 1 else {"anyOf": options}
        else:
            out[key] = _plain(item)
    return out
