"""``extends``: a template set or lexicon that starts from another one.

What the file says wins over what it extends: its words and sentences are added, those with the id
of an older one replace it, and ``drop`` leaves old ones out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bias_audit.errors import UnknownNameError
from bias_audit.probes.schema.lexicon import Lexicon, Template, TemplateSet, WordSet
from bias_audit.probes.schema.text import primary_language
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.validation import KeyPath

L = TypeVar("L", Lexicon, TemplateSet)
T = TypeVar("T")
Get = Callable[[str], tuple[L, Path, str]]
"""Reads one file by its name: its content, its path, its text."""
Named = list[tuple[str, T]]


def apply_extends(get: Get[L], child: L, path: Path, text: str, seen: tuple[str, ...] = ()) -> L:
    """Return a lexicon or template set with everything that it extends.

    ``get`` reads the files that are extended, ``path`` and ``text`` are those of the file itself,
    and ``seen`` has the names on the way here.

    Raises:
        FileError: a circle, an unknown name, another language, or nothing left after ``drop``.
    """
    if child.extends is None:
        return child
    problems, way = ProblemCollector(path, text), (*seen, child.id)
    parent = _parent(get, child, problems, way)
    if not problems.items and parent is not None:
        own, other = (primary_language(file.language) for file in (child, parent))
        if "language" in child.model_fields_set and own != other:
            message = f"'{parent.id}' is in another language, {parent.language}"
            hint = f"this file is in {child.language}; write its own words"
            problems.add(("extends",), message, hint)
        elif isinstance(child, TemplateSet) and isinstance(parent, TemplateSet):
            child = child.model_copy(update=_sentences(problems, child, parent))
        elif isinstance(child, Lexicon) and isinstance(parent, Lexicon):
            child = child.model_copy(update=_words(problems, child, parent))
    problems.raise_any()
    return child


def _parent(get: Get[L], child: L, problems: ProblemCollector, way: tuple[str, ...]) -> L | None:
    name: str = child.extends or ""
    if name in way:
        circle = " -> ".join([*way[way.index(name) :], name])
        problems.add(("extends",), f"'extends' goes in a circle: {circle}", "break it at one place")
        return None
    try:
        parent, path, text = get(name)
        return apply_extends(get, parent, path, text, way)
    except UnknownNameError as error:
        problems.add(("extends",), error.message, error.hint)
        return None


def _sentences(
    problems: ProblemCollector, child: TemplateSet, parent: TemplateSet
) -> dict[str, Any]:
    """Sentences without an id are known by their number, counted on from the older ones."""
    old = _with_numbers(parent, 0, parent.number)
    number = child.number if "number" in child.model_fields_set else parent.number
    new = _with_numbers(child, len(old), number)
    templates = _merge(problems, ("drop",), child.drop, old, new)
    if not templates:
        problems.add(("drop",), "no sentence is left", "drop fewer, or add some")
    return {
        "templates": tuple(template for _, template in templates),
        "number": number,
        "language": parent.language,
        "slots": {**parent.slots, **child.slots},
        "provenance": child.provenance or parent.provenance,
    }


def _with_numbers(file: TemplateSet, start: int, number: str) -> Named[Template]:
    return [
        (name, t.model_copy(update={"id": name, "number": t.number or number}))
        for i, t in enumerate(file.templates)
        for name in [t.name(start + i)]
    ]


def _words(problems: ProblemCollector, child: Lexicon, parent: Lexicon) -> dict[str, Any]:
    sets = dict(parent.sets)
    for name in child.drop:
        if name not in parent.sets:
            message = f"'{parent.id}' has no set '{name}'"
            problems.add_unknown_name(("drop", name), message, name, parent.sets)
    for name in dict.fromkeys([*child.drop, *child.sets]):
        new = child.sets.get(name)
        if name in parent.sets:
            dropped = child.drop.get(name, ())
            sets[name] = _set(problems, name, dropped, parent.sets[name], new)
        elif new is not None:
            sets[name] = new
    return {
        "sets": sets,
        "heads": child.heads or parent.heads,
        "language": parent.language,
        "sensitive": child.sensitive or parent.sensitive,
        "provenance": child.provenance or parent.provenance,
    }


def _set(
    problems: ProblemCollector, name: str, dropped: Sequence[str], old: WordSet, new: WordSet | None
) -> WordSet:
    added = [] if new is None else [(entry.key, entry) for entry in new.entries]
    before = [(entry.key, entry) for entry in old.entries]
    entries = _merge(problems, ("drop", name), dropped, before, added)
    if not entries:
        problems.add(("drop", name), f"no word of '{name}' is left", "drop fewer, or add some")
    given = new.model_fields_set - {"entries"} if new is not None else set()
    changes = {key: getattr(new, key) for key in given}
    return old.model_copy(update={**changes, "entries": tuple(entry for _, entry in entries)})


def _merge(
    problems: ProblemCollector, where: KeyPath, dropped: Sequence[str], old: Named[T], new: Named[T]
) -> Named[T]:
    """Old ones without the dropped, replaced where a new one has the same name; then the new."""
    known = {name for name, _ in old}
    for index, name in enumerate(dropped):
        if name not in known:
            message = f"cannot drop '{name}': what is extended has none"
            problems.add_unknown_name((*where, index), message, name, known)
    fresh = dict(new)
    merged = [(name, fresh.pop(name, item)) for name, item in old if name not in dropped]
    return [*merged, *fresh.items()]
