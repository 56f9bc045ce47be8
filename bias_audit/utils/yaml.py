"""Read YAML 1.2 into pydantic models, with every mistake at once as file:line:column.

YAML 1.1 readers turn the word list ``[no, yes, on, he]`` into booleans; this one keeps the words.
Aliases, custom tags and oversized files are refused: data files are untrusted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bias_audit.errors import FileError, Problem, nearest
from bias_audit.utils.characters import find_controls, find_hidden, name_character
from bias_audit.utils.json_text import TextError, decode_text
from bias_audit.utils.validation import KeyPath, Positions, explain_errors

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 2_000_000
_TAG = "tag:yaml.org,2002:"
_ALIAS = "alias"
_UNREADABLE = re.compile(r"^(%| *\t)(?=\s*[^\s#])", re.MULTILINE)
"""What YAML readers accept and people do not mean: directives, and tabs that join two lines."""
_REFUSED = {
    "%": ("a directive (%...) came", "remove it; files are YAML 1.2"),
    "\t": ("a tab came at the start of the line", "indent with spaces; YAML does not allow tabs"),
}
_LANGUAGE = re.compile(r"""^language:\s*["']?([A-Za-z-]+)""", re.MULTILINE)
_KIND = re.compile("^kind:", re.MULTILINE)
_HIDDEN_HINT = "remove it, or type the text again; a model would read it"
_SLOT_LIKE = re.compile(r"(?:^|[-:,{])\s+\[[\w:-]+\]\s+[^\s,}\]]")


class Document(NamedTuple):
    """What a YAML text says, whatever a model will make of it."""

    data: Any
    values: Positions
    """Line and column of every value, by its path of keys and indices."""
    keys: Positions
    """The same of every key."""
    problems: list[Problem]
    """Repeated keys and other mistakes that hide nothing else."""


def read_yaml(path: Path, model: type[M]) -> M:
    """Read one YAML file into ``model``.

    Raises:
        FileError: everything that is wrong with the file, at once.
    """
    return parse_yaml(read_source(path), model, str(path))


def read_source(path: Path) -> str:
    """Return the text of a file that people write: UTF-8, a byte-order mark allowed.

    Raises:
        FileError: missing, too large, or not UTF-8.
    """
    name = str(path)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise _problem(name, "is not a regular file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _problem(name, f"cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        message = f"is longer than {MAX_BYTES:,} bytes, the most that is read"
        raise _problem(name, message, "split the file")
    try:
        return decode_text(data)
    except TextError as error:
        hint = "save the file with the encoding UTF-8"
        raise _problem(name, error.message, hint, error.line, error.column) from error


def parse_yaml(text: str, model: type[M], file: str) -> M:
    """Parse YAML text into ``model``; ``file`` names it in messages.

    Raises:
        FileError: everything that is wrong with the text, at once.
    """
    return validate(compose(text, file), model, file)


def validate(document: Document, model: type[M], file: str) -> M:
    """Read composed YAML into ``model``; ``file`` names it in messages.

    Raises:
        FileError: everything that is wrong with it, at once.
    """
    problems = list(document.problems)
    if not isinstance(document.data, dict) and not problems:
        problems.append(_not_keys(document.data, file, model))
    if problems:
        raise FileError(problems)
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = explain_errors(error, model, file, document.values, document.keys)
        raise FileError(problems) from None


def file_kind(text: str, file: str, known: Collection[str]) -> str:
    """Return the value of the key ``kind``.

    Raises:
        FileError: it is not YAML, or its kind is missing or unknown.
    """
    data, values, _, problems = compose(text, file)
    if not isinstance(data, dict):
        raise FileError(problems or [_not_keys(data, file)])
    kind = data.get("kind")
    if isinstance(kind, str) and kind in known:
        return kind
    names = ", ".join(sorted(known))
    if "kind" not in data:
        raise _problem(file, "the key 'kind' is missing", f"one of: {names}", 1, 1)
    near = nearest(str(kind), known)
    hint = f"did you mean '{near}'?" if near else f"one of: {names}"
    raise _problem(file, f"there is no kind of file named '{kind}'", hint, *values[("kind",)])


def positions(text: str, file: str) -> Positions:
    """Return line and column of every value, by its path of keys and indices."""
    return compose(text, file).values


def _problem(file: str, message: str, hint: str = "", line: int = 0, column: int = 0) -> FileError:
    return FileError([Problem(file, line, column, message, hint)])


def _not_keys(data: Any, file: str, model: type[BaseModel] | None = None) -> Problem:
    came = "nothing" if data is None else "a list" if isinstance(data, list) else "one value"
    message = f"expected 'key: value' lines at the top, got {came}"
    fields = () if model is None else model.model_fields
    plain = "version" in fields and "kind" not in fields
    first = (
        "this file begins with 'version: 1'" if plain else "a probe file begins with 'kind: probe'"
    )
    return Problem(file, 1, 1, message, first)


def _line_column(text: str, position: int) -> tuple[int, int]:
    lines = re.split(r"\r\n|\r|\n", text[:position])
    return len(lines), len(lines[-1]) + 1


def compose(text: str, file: str) -> Document:
    """Build plain data and the place of every value and key.

    Raises:
        FileError: it is not YAML.
    """
    refused = _UNREADABLE.search(text)
    if refused:
        what, hint = _REFUSED[refused[1][-1]]
        raise _problem(file, what, hint, *_line_column(text, refused.end(1) - 1))
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Composer = _Composer
        root = yaml.compose(text)
        builder = _Builder(file, text)
        builder.problems += _hidden_characters(text, file)
        data = builder.build(root, ()) if root is not None else None
    except MarkedYAMLError as error:
        raise FileError([_syntax(error, text, file)]) from None
    except ReaderError as error:
        message = f"the control character U+{error.character:04X} came"
        hint = "remove it, or write it as an escape inside double quotes"
        raise _problem(file, message, hint, *_line_column(text, int(error.position))) from None
    except RecursionError:
        raise _problem(file, "is nested too deeply", "a few levels are enough") from None
    except (YAMLError, ValueError, OverflowError) as error:
        raise _problem(file, f"is not YAML: {str(error).splitlines()[0]}") from None
    return Document(data, builder.values, builder.keys, builder.problems)


def _hidden_characters(text: str, file: str) -> list[Problem]:
    """One problem for each line with characters that nobody sees, comments included."""
    lines: dict[int, Problem] = {}
    for place in find_hidden(text, _language(text)):
        line, column = _line_column(text, place)
        message = f"the invisible character {name_character(text[place])} came"
        lines.setdefault(line, Problem(file, line, column, message, _HIDDEN_HINT))
    return list(lines.values())


def _language(text: str) -> str | None:
    """The language that a file of words or sentences names or stands in; None for others."""
    match = _LANGUAGE.search(text)
    if match:
        return match[1]
    return "en" if _KIND.search(text) else None


def _syntax(error: MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    start = error.context_mark.line if error.context_mark else line
    here, before = (lines[n] if n < len(lines) else "" for n in (line, start))
    if "'\\t'" in str(error.problem):
        hint = "use spaces; YAML does not allow tabs here"
    elif "\u201c" in here or "\u2018" in here:
        hint = "use straight quotes (\" or ') around text, not typographic ones"
    elif "single document" in str(error.context):
        hint = "write one document for each file; remove the line '---'"
    elif _SLOT_LIKE.search(here) or _SLOT_LIKE.search(before):
        hint = 'a sentence that starts with a slot needs quotes: "[group] worked as a <mask>."'
    elif "mapping values" in str(error.problem):
        hint = "check the indentation, and put a sentence with a colon into quotes"
    else:
        hint = "check the indentation, the quotes and the brackets of this line and the one before"
    message = f"not valid YAML: {error.problem or error.context}"
    return Problem(file, line + 1, column + 1, message, hint)


class _Composer(Composer):
    """Keep an alias as a node, so that it is refused with its position."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False  # anchors mean nothing here

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose the next node; an alias becomes a scalar with a tag of its own."""
        if not self.parser.check_event(AliasEvent):
            return super().compose_node(parent, index)
        event = self.parser.get_event()
        return ScalarNode(_ALIAS, event.anchor, event.start_mark, event.end_mark)


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Builder:
    """Turn nodes into plain data and remember the position of each value and key.

    Characters that the source shows are told by their own place, and not here.
    """

    def __init__(self, file: str, source: str) -> None:
        self.file = file
        self.source = source
        self.language = _language(source)
        self.values: Positions = {}
        self.keys: Positions = {}
        self.problems: list[Problem] = []

    def build(self, node: Node, path: KeyPath) -> Any:
        place = self.values[path] = _place(node)
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        self._refuse_tag(node, place)
        return None

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if not isinstance(key_node, ScalarNode):
                self._add(place, "expected a name before the colon", "quote text with brackets")
                continue
            key = str(key_node.value)
            if key_node.tag == _ALIAS:
                self._refuse_tag(key_node, place)
                continue
            if key in data:
                hint = f"first on line {self.keys[(*path, key)][0]}; keep one"
                self._add(place, f"the key '{key}' is here twice", hint)
                continue
            self.keys[(*path, key)] = place
            data[key] = self.build(value_node, (*path, key))
        return data

    def _scalar(self, node: ScalarNode, place: tuple[int, int]) -> Any:
        tag, text = str(node.tag).removeprefix(_TAG), str(node.value)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag in {"int", "float"}:
            return _number(text)
        if tag in {"str", "timestamp", "value", "merge"}:
            return self._text(text, place)
        self._refuse_tag(node, place)
        return None

    def _text(self, text: str, place: tuple[int, int]) -> str | None:
        """Join escapes of a surrogate pair, as JSON writes them; refuse half a pair."""
        try:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._add(place, "half of a surrogate pair came", "write the character itself")
            return None
        escaped = [i for i in find_hidden(text, self.language) if text[i] not in self.source]
        for index in (*escaped, *find_controls(text)):
            name = name_character(text[index])
            self._add(place, f"the invisible character {name} came", _HIDDEN_HINT)
            break
        return text

    def _refuse_tag(self, node: Node, place: tuple[int, int]) -> None:
        if node.tag == _ALIAS:
            self._add(place, "an alias (*name) came", "write the value out; aliases are refused")
            return
        tag = str(node.tag).replace(_TAG, "!!")
        self._add(place, f"the tag {tag} came", "remove it; only plain values are read")

    def _add(self, place: tuple[int, int], message: str, hint: str) -> None:
        self.problems.append(Problem(self.file, *place, message, hint))


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
