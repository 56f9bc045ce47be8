"""Resolve what a probe refers to: templates, groups, targets, controls; collect every mistake."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from bias_audit.errors import FileError, UnknownNameError, nearest
from bias_audit.probes import validate
from bias_audit.probes.copies import Places, check_copied_sentences
from bias_audit.probes.probe import Frame, Group, Probe, Target, Word, words_of
from bias_audit.probes.schema.lexicon import (
    Entry,
    HeadNoun,
    Lexicon,
    Template,
    TemplateSet,
    WordSet,
)
from bias_audit.probes.schema.probe import FEWEST_PLAIN, Groups, Pole, ProbeSpec
from bias_audit.records import OTHERS
from bias_audit.utils.file_model import FileModel
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.validation import KeyPath

S = TypeVar("S", Lexicon, TemplateSet, ProbeSpec)


class _Lookup(Protocol):
    """Where lexicons, template sets and controls come from (the catalogue)."""

    def lexicon(self, name: str) -> Lexicon: ...
    def template_set(self, name: str) -> TemplateSet: ...
    def probe_spec(self, name: str) -> ProbeSpec: ...


def resolve_probe(lookup: _Lookup, spec: ProbeSpec, path: Path, text: str) -> Probe:
    """Return a probe with everything that ``spec``, read from ``text``, refers to.

    Raises:
        FileError: all mistakes at once.
    """
    return _Resolver(lookup, spec, path, text).resolve()


class _Resolver:
    """Remembers the files of one probe, its mistakes, and where its words are written."""

    def __init__(self, lookup: _Lookup, spec: ProbeSpec, path: Path, text: str) -> None:
        self.lookup = lookup
        self.spec = spec
        self.problems = ProblemCollector(path, text)
        self.used: list[FileModel] = [spec]
        self.where: Places = {}

    def resolve(self) -> Probe:
        spec = self.spec
        frames = self._frames(spec.templates, "templates")
        further = self._frames(spec.completions, "completions")
        queries = self._frames(spec.queries, "queries")
        are_read = not self.problems.items
        if are_read:
            validate.check_sentences(self.problems, spec, [*frames, *further])
        in_sentences = len(self.problems.items)
        groups, extra = self._groups()
        targets, names = self._targets(groups, extra)
        placebo = self._controls()
        instrument = self._instrument()
        if are_read and len(self.problems.items) == in_sentences:
            words = (*groups, *extra, *placebo)
            validate.check_words(self.problems, spec, frames, words, targets, self.where)
            validate.check_completions(self.problems, further, groups, targets)
            validate.check_queries(self.problems, queries, targets)
        if not self.problems.items:
            for sentences in (frames, further):
                check_copied_sentences(self.problems, spec, sentences, groups, targets)
        self.problems.raise_any()
        return Probe(
            spec=spec,
            file=self.problems.file,
            frames=tuple(frame for frame, _ in frames),
            open_frames=validate.completion_frames(spec, frames, further),
            groups=groups,
            targets=targets,
            plus_name=names[0],
            minus_name=names[1],
            digest=_digest(self.used),
            instrument=instrument,
            queries=tuple(frame for frame, _ in queries),
            extra_groups=extra,
        )

    def _frames(self, refs: Sequence[str | Template], key: str) -> list[tuple[Frame, KeyPath]]:
        frames: list[tuple[Frame, KeyPath]] = []
        for index, ref in enumerate(refs):
            where: KeyPath = (key, index)
            if isinstance(ref, Template):
                frames.append((self._frame(ref, ref.name(index), self.spec), where))
                continue
            templates = self.find(self.lookup.template_set, ref, where)
            for number, template in enumerate(templates.templates if templates else ()):
                name = f"{ref}.{template.name(number)}"
                frames.append((self._frame(template, name, templates or self.spec), where))
        seen: set[str] = set()
        for frame, where in frames:
            if frame.id in seen:
                message = f"the template id '{frame.id}' is here twice"
                self.problems.add(where, message, "rename one")
            seen.add(frame.id)
        return frames

    def _frame(self, template: Template, name: str, source: TemplateSet | ProbeSpec) -> Frame:
        return Frame(
            id=name,
            template=template,
            number=template.number or source.number,
            slots={**source.slots, **self.spec.slots},
            language=source.language,
        )

    def _groups(self) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
        """Return the groups that are compared, and the extra ones that are only scored."""
        spec = self.spec.groups
        heads: tuple[HeadNoun, ...] = ()
        tags: tuple[str, ...] = ()
        compared: Collection[str] = ()
        if not isinstance(spec, Groups):
            wordsets = compared = dict(spec)
        else:
            lexicon = self.find(self.lookup.lexicon, spec.lexicon, ("groups", "lexicon"))
            if lexicon is None:
                return (), ()
            wordsets, heads, tags = {}, spec.heads or lexicon.heads, spec.tags
            compared = tuple(spec.use or lexicon.sets)
            for key, names in (("use", compared), ("beside", spec.beside)):
                for index, name in enumerate(names):
                    wordset = self.wordset(lexicon, name, ("groups", key, index))
                    if wordset is not None:
                        wordsets[name] = wordset
            if len(lexicon.sets) < 2:
                self.problems.add(("groups",), "a probe compares at least two groups")
        groups = tuple(self._group(name, wordsets[name], heads, tags) for name in wordsets)
        owners = [(w, group.id, ("groups", group.id)) for group in groups for w in group.words]
        self._refuse_shared(owners, "groups, '{}' and '{}'", "group")
        if (rest := OTHERS.lstrip("~")) in wordsets:
            hint = "it stands for all groups but one in results"
            self.problems.add(("groups", rest), f"a group cannot be called '{rest}'", hint)
        extra = tuple(group for group in groups if group.id not in compared)
        return tuple(group for group in groups if group.id in compared), extra

    def _group(
        self, name: str, wordset: WordSet, heads: tuple[HeadNoun, ...], tags: tuple[str, ...]
    ) -> Group:
        where = ("groups", name)
        self.note(wordset.entries, where, "entries")
        words = validate.filter_words(self.problems, where, name, words_of(wordset, heads), tags)
        label = wordset.label or name.replace("-", " ")
        return Group(id=name, label=label, role=wordset.role, words=words)

    def _refuse_shared(
        self, words: Sequence[tuple[Word, str, KeyPath]], message: str, kind: str
    ) -> None:
        """A word has one owner; ``words`` come with the owner and where it is written."""
        owner_of: dict[str, str] = {}
        for word, owner, where in words:
            first = owner_of.setdefault(word.id, owner)
            if first != owner:
                text = f"'{word.id}' is in two {message.format(first, owner)}"
                hint = f"a word can stand in one {kind} only"
                self.problems.add(self.where[where, id(word.entry)], text, hint)

    def _targets(
        self, groups: tuple[Group, ...], extra: tuple[Group, ...]
    ) -> tuple[tuple[Target, ...], tuple[str, str]]:
        spec = self.spec.targets
        if spec.own:
            return self._own_targets(groups), ("each group's own word", "the other groups' words")
        targets: list[Target] = []
        names: list[str] = []
        for pole, key, sign in (
            (spec.plus, "plus", "+"),
            (spec.minus, "minus", "-"),
            (spec.neither, "neither", "0"),
        ):
            if pole is None:
                continue
            words = self._pole_words(pole, ("targets", key))
            names.append(pole.name or pole.set or ", ".join(word.label for word in words[:3]))
            share = self._sampled_share(pole, key)
            targets += [
                Target(word=w, pole=sign, facts=w.entry.facts, sampled=share) for w in words
            ]
        owners = [(t.word, t.pole, ("targets", validate.POLES[t.pole])) for t in targets]
        self._refuse_shared(owners, "poles, {} and {}", "pole")
        self._check_share(groups, extra)
        return tuple(targets), (names[0], names[1])

    def _check_share(self, groups: tuple[Group, ...], extra: tuple[Group, ...]) -> None:
        """Facts can be the share of a group that is compared only."""
        name, ids = self.spec.targets.share_of, [group.id for group in groups]
        where: KeyPath = ("targets", "share_of")
        if not groups or name is None or name in ids:
            return
        if name in {group.id for group in extra}:
            message = f"'{name}' is scored beside the others and compared with nobody"
            hint = f"name the group whose share it is: {' or '.join(ids)}"
            self.problems.add(where, message, hint)
        else:
            self.problems.add_unknown_name(where, f"there is no group '{name}'", name, ids)

    def _own_targets(self, groups: tuple[Group, ...]) -> tuple[Target, ...]:
        own_words, ids = self.spec.targets.own, [group.id for group in groups]
        where: KeyPath = ("targets", "own")
        for name in own_words if groups else ():
            if name not in ids:
                message = f"there is no group '{name}'"
                self.problems.add_unknown_name((*where, name), message, name, ids)
        for name in (name for name in ids if name not in own_words):
            message = f"the group '{name}' has no word of its own"
            self.problems.add(where, message, f"{name}: ...")
        for name, entry in own_words.items():
            self.where[where, id(entry)] = (*where, name)
        words = words_of(WordSet(entries=tuple(own_words.values())))
        return tuple(
            Target(word=word, pole=f"own:{name}", facts={})
            for name, word in zip(own_words, words, strict=True)
        )

    def _pole_words(self, pole: Pole, where: tuple[str, str]) -> tuple[Word, ...]:
        entries = WordSet(entries=pole.words) if pole.words else self._pole_set(pole, where)
        if entries is None:
            return ()
        self.note(entries.entries, where, "words")
        words = words_of(entries)
        known = {word.id for word in words}
        for index, dropped in enumerate(pole.drop):
            if dropped not in known:
                near = nearest(dropped, known)
                hint = f"did you mean '{near}'?" if near else "it is not in this set"
                self.problems.add((*where, "drop", index), f"cannot drop '{dropped}'", hint)
        words_left = [word for word in words if word.id not in pole.drop]
        return validate.filter_words(
            self.problems, where, where[-1], words_left, pole.tags, pole.where
        )

    def _sampled_share(self, pole: Pole, key: str) -> float:
        """Share of all words of its kind that the set of a pole holds; 0 where it is not known."""
        wordset = self._pole_set(pole, ("targets", key)) if pole.set else None
        if wordset is None or wordset.population is None:
            return 0.0
        return min(len(wordset.entries) / wordset.population, 1.0)

    def _pole_set(self, pole: Pole, where: KeyPath) -> WordSet | None:
        name = pole.lexicon or self.spec.targets.lexicon
        if name is None:
            self.problems.add(where, "'set' needs a lexicon", "targets: {lexicon: traits}")
            return None
        named = (*where, "lexicon") if pole.lexicon else ("targets", "lexicon")
        lexicon = self.find(self.lookup.lexicon, name, named)
        return None if lexicon is None else self.wordset(lexicon, pole.set or "", (*where, "set"))

    def _instrument(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The plain sentences for each label: written in the probe, or in a lexicon of two sets."""
        spec = self.spec.instrument
        if not isinstance(spec, str):
            return (spec.plus, spec.minus) if spec is not None else ((), ())
        where: KeyPath = ("instrument",)
        lexicon = self.find(self.lookup.lexicon, spec, where)
        sides: list[tuple[str, ...]] = []
        for name in ("plus", "minus") if lexicon is not None else ():
            words = self.wordset(lexicon, name, where) if lexicon is not None else None
            texts = tuple(entry.sg or "" for entry in words.entries) if words else ()
            sides.append(texts)
            if words and (len(texts) < FEWEST_PLAIN or not all(texts)):
                message = f"the set '{name}' of '{spec}' has {len(list(filter(None, texts)))} plain"
                hint = f"write at least {FEWEST_PLAIN} sentences, each as a text"
                self.problems.add(where, f"{message} sentences", hint)
        return (sides[0], sides[1]) if len(sides) == 2 else ((), ())

    def _controls(self) -> tuple[Group, ...]:
        """Check that the controls exist; return the placebo groups."""
        controls = self.spec.controls
        for kind, names in (("positive", controls.positive), ("negative", controls.negative)):
            for index, name in enumerate(names):
                where = ("controls", kind, index)
                control = self.find(self.lookup.probe_spec, name, where)
                if control is not None and control.role != f"{kind}_control":
                    message = f"'{name}' is no {kind} control; its role is '{control.role}'"
                    self.problems.add(where, message, f"name a probe with 'role: {kind}_control'")
        return () if controls.placebo is None else self._placebo(controls.placebo)

    def _placebo(self, name: str) -> tuple[Group, ...]:
        where = ("controls", "placebo")
        if self.spec.mask == "group" or self.spec.targets.own:
            message = "placebo groups need 'mask: target' and the poles 'plus' and 'minus'"
            self.problems.add(where, message, "use a negative control instead")
            return ()
        lexicon = self.find(self.lookup.lexicon, name, where)
        if lexicon is None:
            return ()
        if len(lexicon.sets) != 2:
            sets = f"{len(lexicon.sets)}: {', '.join(lexicon.sets)}"
            self.problems.add(where, f"expected a lexicon of two sets, got {sets}")
        for wordset in lexicon.sets.values():
            for entry in wordset.entries:
                self.where[("groups", "~placebo"), id(entry)] = where
        return tuple(
            Group(id="~placebo", label=key, role="placebo", words=words_of(wordset, lexicon.heads))
            for key, wordset in lexicon.sets.items()
        )

    def find(self, get: Callable[[str], S], name: str, where: KeyPath) -> S | None:
        """Look a name up; add what is wrong with it, or with its file, to the problems."""
        try:
            result = get(name)
        except UnknownNameError as error:
            self.problems.add(where, error.message, error.hint)
            return None
        except FileError as error:
            self.problems.items += error.problems
            return None
        validate.check_language(self.problems, where, self.spec, result)
        if not isinstance(result, ProbeSpec):
            self.used.append(result)
        return result

    def wordset(self, lexicon: Lexicon, name: str, where: KeyPath) -> WordSet | None:
        if name not in lexicon.sets:
            message = f"the lexicon '{lexicon.id}' has no set '{name}'"
            self.problems.add_unknown_name(where, message, name, lexicon.sets)
        return lexicon.sets.get(name)

    def note(self, entries: Sequence[Entry], where: KeyPath, key: str) -> None:
        """Remember the paths of words in the file."""
        for index, entry in enumerate(entries):
            self.where[where, id(entry)] = (*where, key, index)


def _digest(used: Sequence[FileModel]) -> str:
    """SHA-256 of what files say, comments left out."""
    contents = (spec.model_dump_json(exclude_defaults=True) for spec in used)
    return hashlib.sha256("\0".join(contents).encode()).hexdigest()
