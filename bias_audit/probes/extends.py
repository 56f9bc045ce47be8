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
"""Reads one file by its name: what it says, where it lies, its text."""
Named = list[tuple[str, T]]


def apply_extends(get: Get[L], found: L, path: Path, text: str, seen: tuple[str, ...] = ()) -> L:
    """Return a lexicon or template set with everything that it extends.

    Args:
        get: reads the files that are extended.
        found: what the file says by itself.
        path: the file, for messages.
        text: its text, for the places in messages.
        seen: names on the way here.

    Raises:
        FileError: a circle, an unknown name, another language, or nothing left after ``drop``.
    """
    if found.extends is None:
        return found
    problems, way = ProblemCollector(path, text), (*seen, found.id)
    parent = _parent(get, found, problems, way)
    if not problems.items and parent is not None:
        if "language" in found.model_fields_set and primary_language(
            found.language
        ) != primary_language(parent.language):
            message = f"'{parent.id}' is in another language, {parent.language}"
            problems.add(
                ("extends",), message, f"this file is in {found.language}; write its own words"
            )
        elif isinstance(found, TemplateSet) and isinstance(parent, TemplateSet):
            found = found.model_copy(update=_sentences(problems, found, parent))
        elif isinstance(found, Lexicon) and isinstance(parent, Lexicon):
            found = found.model_copy(update=_words(problems, found, parent))
    problems.raise_any()
    return found


def _parent(get: Get[L], found: L, problems: ProblemCollector, way: tuple[str, ...]) -> L | None:
    name: str = found.extends or ""
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
    problems: ProblemCollector, found: TemplateSet, parent: TemplateSet
) -> dict[str, Any]:
    """Sentences without an id are known by their number, counted on from the older ones."""
    old = _numbered(parent, 0, parent.number)
    number = found.number if "number" in found.model_fields_set else parent.number
    new = _numbered(found, len(old), number)
    kept = _merged(problems, ("drop",), found.drop, old, new)
    if not kept:
        problems.add(("drop",), "no sentence is left", "drop fewer, or add some")
    return {
        "templates": tuple(template for _, template in kept),
        "number": number,
        "language": parent.language,
        "slots": {**parent.slots, **found.slots},
        "provenance": found.provenance or parent.provenance,
    }


def _numbered(found: TemplateSet, start: int, number: str) -> Named[Template]:
    return [
        (name, t.model_copy(update={"id": name, "number": t.number or number}))
        for i, t in enumerate(found.templates)
        for name in [t.name(start + i)]
    ]


def _words(problems: ProblemCollector, found: Lexicon, parent: Lexicon) -> dict[str, Any]:
    sets = dict(parent.sets)
    for name in found.drop:
        if name not in parent.sets:
            message = f"'{parent.id}' has no set '{name}'"
            problems.add_unknown_name(("drop", name), message, name, parent.sets)
    for name in dict.fromkeys([*found.drop, *found.sets]):
        new = found.sets.get(name)
        if name in parent.sets:
            dropped = found.drop.get(name, ())
            sets[name] = _set(problems, name, dropped, parent.sets[name], new)
        elif new is not None:
            sets[name] = new
    return {
        "sets": sets,
        "heads": found.heads or parent.heads,
        "language": parent.language,
        "sensitive": found.sensitive or parent.sensitive,
        "provenance": found.provenance or parent.provenance,
    }


def _set(
    problems: ProblemCollector, name: str, dropped: Sequence[str], old: WordSet, new: WordSet | None
) -> WordSet:
    added = [] if new is None else [(entry.key, entry) for entry in new.entries]
    before = [(entry.key, entry) for entry in old.entries]
    entries = _merged(problems, ("drop", name), dropped, before, added)
    if not entries:
        problems.add(("drop", name), f"no word of '{name}' is left", "drop fewer, or add some")
    given = new.model_fields_set - {"entries"} if new is not None else set()
    said = {key: getattr(new, key) for key in given}
    return old.model_copy(update={**said, "entries": tuple(entry for _, entry in entries)})


def _merged(
    problems: ProblemCollector, where: KeyPath, dropped: Sequence[str], old: Named[T], new: Named[T]
) -> Named[T]:
    """Old ones without the dropped, replaced where a new one has the same name; then the new."""
    known = {name for name, _ in old}
    for index, name in enumerate(dropped):
        if name not in known:
            message = f"cannot drop '{name}': what is extended has none"
            problems.add_unknown_name((*where, index), message, name, known)
    fresh = dict(new)
    kept = [(name, fresh.pop(name, item)) for name, item in old if name not in dropped]
    return [*kept, *fresh.items()]
