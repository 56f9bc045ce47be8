"""Looks up what a probe names; what is not there is noted, with its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from bias_audit import _fit
from bias_audit._book import Book
from bias_audit._explain import Path_
from bias_audit.errors import FileError, UnknownNameError
from bias_audit.specs import Entry, Lexicon, ProbeSpec, Spec, TemplateSet, WordSet

S = TypeVar("S", Lexicon, TemplateSet, ProbeSpec)


class Lookup(Protocol):
    """Where lexicons, template sets and controls come from (the catalogue)."""

    def lexicon(self, name: str) -> Lexicon:
        """Return a lexicon or raise UnknownNameError."""
        ...

    def template_set(self, name: str) -> TemplateSet:
        """Return a template set or raise UnknownNameError."""
        ...

    def probe_spec(self, name: str) -> ProbeSpec:
        """Return a probe as written or raise UnknownNameError."""
        ...


class Finder:
    """Finds files for one probe, and remembers which, and where its words are written."""

    def __init__(self, lookup: Lookup, spec: ProbeSpec, path: Path, text: str) -> None:
        self.lookup = lookup
        self.spec = spec
        self.book = Book(path, text)
        self.used: list[Spec] = [spec]
        """The probe and the files that it is made of."""
        self.where: _fit.Places = {}
        """Where each word of the probe is written."""

    def find(self, get: Callable[[str], S], name: str, where: Path_) -> S | None:
        """Look a name up; what is wrong with it, or with its file, is noted."""
        try:
            found = get(name)
        except UnknownNameError as error:
            self.book.say(where, error.message, error.hint)
        except FileError as error:
            self.book.problems += error.problems
        else:
            _fit.check_language(self.book, where, self.spec, found)
            return found
        return None

    def lexicon(self, name: str, where: Path_) -> Lexicon | None:
        """Look a lexicon up."""
        found = self.find(self.lookup.lexicon, name, where)
        if found is not None:
            self.used.append(found)
        return found

    def wordset(self, lexicon: Lexicon, name: str, where: Path_) -> WordSet | None:
        """Look a set of words up."""
        if name not in lexicon.sets:
            message = f"the lexicon '{lexicon.id}' has no set '{name}'"
            self.book.say_unknown(where, message, name, lexicon.sets)
        return lexicon.sets.get(name)

    def note(self, entries: Sequence[Entry], where: Path_, key: str) -> None:
        """Remember where words are written."""
        for index, entry in enumerate(entries):
            self.where[where, id(entry)] = (*where, key, index)
