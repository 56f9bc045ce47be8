"""Probes joined with the templates, groups and targets they refer to.

A joined probe is complete: every mistake in its references has been found, and every word carries
the forms that its sentences ask for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bias_audit import _yaml
from bias_audit.errors import FileError, Problem, UnknownNameError, nearest
from bias_audit.specs import (
    SLOT,
    Entry,
    Groups,
    Head,
    Lexicon,
    Pole,
    ProbeSpec,
    Template,
    TemplateSet,
    WordSet,
    is_article_free,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word ready for sentences: an entry, combined with a head where it is an adjective."""

    id: str
    label: str
    """The identity word; words that share it count as one unit of inference."""
    forms: dict[str, str]
    """``sg``, ``pl`` and further forms."""
    an: bool | None
    article: bool
    """False: the template's article is left out."""
    pair: str | None
    block: str
    """The head it was combined with; exchange tests relabel inside a block."""
    entry: Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group of a probe with its words."""

    id: str
    label: str
    role: str
    words: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A target of a probe: a word and its pole (``own:<group>`` in diagonal controls)."""

    word: Word
    pole: str
    facts: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A template of a probe."""

    id: str
    template: Template
    number: str
    slots: dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A probe with everything it refers to, ready to be expanded."""

    spec: ProbeSpec
    file: str
    frames: tuple[Frame, ...]
    open_frames: tuple[Frame, ...]
    """Frames for open completions; empty when none is article-free."""
    groups: tuple[Group, ...]
    targets: tuple[Target, ...]
    plus_name: str
    minus_name: str
    digest: str
    """SHA-256 over the probe and all files it uses."""


class Lookup(Protocol):
    """Where lexicons and template sets come from (the catalogue)."""

    def lexicon(self, name: str) -> Lexicon:
        """Return a lexicon or raise UnknownNameError."""
        ...

    def template_set(self, name: str) -> TemplateSet:
        """Return a template set or raise UnknownNameError."""
        ...

    def text_of(self, kind: str, name: str) -> str:
        """Return the source text behind a lexicon or template set."""
        ...


def join(lookup: Lookup, spec: ProbeSpec, path: Path) -> Probe:
    """Resolve everything that ``spec`` refers to.

    Raises:
        FileError: all mistakes at once.
    """
    return _Joiner(lookup, spec, path).join()


def words_of(wordset: WordSet, heads: Sequence[Head] = ()) -> tuple[Word, ...]:
    """Turn the entries of a set into words, adjectives combined with each head."""
    words: list[Word] = []
    for entry in wordset.entries:
        if entry.adjective is None:
            words.append(_word(entry, entry.key, _plain_forms(entry), ""))
            continue
        for head in wordset.heads or heads or (Head(sg="person", pl="people"),):
            forms = {"sg": f"{entry.adjective} {head.sg}"}
            if head.pl:
                forms["pl"] = f"{entry.adjective} {head.pl}"
            key = f"{entry.key}.{head.sg.replace(' ', '-').lower()}"
            words.append(_word(entry, key, forms, head.sg))
    return tuple(words)


def _plain_forms(entry: Entry) -> dict[str, str]:
    forms = dict(entry.forms)
    forms.update({name: form for name, form in (("sg", entry.sg), ("pl", entry.pl)) if form})
    return forms


def _word(entry: Entry, key: str, forms: dict[str, str], block: str) -> Word:
    label = entry.label or entry.adjective or entry.sg or entry.pl or key
    return Word(
        id=key,
        label=label,
        forms=forms,
        an=entry.an,
        article=entry.article == "the",
        pair=entry.pair,
        block=block,
        entry=entry,
    )


class _Joiner:
    """Resolves what one probe refers to and collects every mistake on the way."""

    def __init__(self, lookup: Lookup, spec: ProbeSpec, path: Path) -> None:
        self.lookup = lookup
        self.spec = spec
        self.path = path
        self.problems: list[Problem] = []
        self.used = [_yaml.read_source(path)]
        self.marks = _yaml.places(self.used[0], str(path))

    def join(self) -> Probe:
        spec = self.spec
        frames = self._frames(spec.templates, "templates")
        open_frames = self._frames(spec.completions, "completions") if spec.completions else frames
        groups = self._groups()
        targets, names = self._targets(groups)
        if not self.problems:
            self._check_sentences(frames, groups, targets)
        if self.problems:
            raise FileError(self.problems)
        free = spec.mask == "target" and not spec.targets.own
        return Probe(
            spec=spec,
            file=str(self.path),
            frames=frames,
            open_frames=tuple(f for f in open_frames if free and is_article_free(f.template.text)),
            groups=groups,
            targets=targets,
            plus_name=names[0],
            minus_name=names[1],
            digest=hashlib.sha256("\0".join(self.used).encode()).hexdigest(),
        )

    def _say(self, where: tuple[str | int, ...], message: str, hint: str = "") -> None:
        line, column = self.marks.get(where, self.marks.get(where[:1], (1, 1)))
        self.problems.append(
            Problem(file=str(self.path), line=line, column=column, message=message, hint=hint)
        )

    def _lexicon(self, name: str, where: tuple[str | int, ...]) -> Lexicon | None:
        try:
            lexicon = self.lookup.lexicon(name)
        except UnknownNameError as error:
            self._say(where, error.message, error.hint)
            return None
        self.used.append(self.lookup.text_of("lexicon", name))
        return lexicon

    def _frames(self, refs: Iterable[str | Template], where: str) -> tuple[Frame, ...]:
        frames: list[Frame] = []
        for index, ref in enumerate(refs):
            if isinstance(ref, Template):
                frames.append(self._frame(ref, f"{index + 1:02d}", self.spec.number, {}))
                continue
            try:
                found = self.lookup.template_set(ref)
            except UnknownNameError as error:
                self._say((where, index), error.message, error.hint)
                continue
            self.used.append(self.lookup.text_of("templates", ref))
            for place, template in enumerate(found.templates):
                name = f"{ref}.{template.id or f'{place + 1:02d}'}"
                frames.append(self._frame(template, name, found.number, found.slots))
        seen: set[str] = set()
        for frame in frames:
            if frame.id in seen:
                self._say((where,), f"the template id '{frame.id}' is here twice", "rename one")
            seen.add(frame.id)
        return tuple(frames)

    def _frame(
        self, template: Template, name: str, number: str, slots: dict[str, tuple[str, ...]]
    ) -> Frame:
        return Frame(
            id=template.id if name.isdigit() and template.id else name,
            template=template,
            number=template.number or number,
            slots={**slots, **self.spec.slots},
        )

    def _groups(self) -> tuple[Group, ...]:
        spec = self.spec.groups
        heads: tuple[Head, ...] = ()
        tags: tuple[str, ...] = ()
        if not isinstance(spec, Groups):
            found = dict(spec)
        else:
            lexicon = self._lexicon(spec.lexicon, ("groups", "lexicon"))
            if lexicon is None:
                return ()
            found, heads, tags = {}, spec.heads or lexicon.heads, spec.tags
            for index, name in enumerate(spec.use or lexicon.sets):
                wordset = self._set(lexicon, name, ("groups", "use", index))
                if wordset is not None:
                    found[name] = wordset
        groups = []
        for name, wordset in found.items():
            words = [w for w in words_of(wordset, heads) if set(tags) <= set(w.entry.tags)]
            self._check_words(name, words, ("groups", name))
            groups.append(
                Group(
                    id=name,
                    label=wordset.label or name.replace("-", " "),
                    role=wordset.role,
                    words=tuple(words),
                )
            )
        return tuple(groups)

    def _set(self, lexicon: Lexicon, name: str, where: tuple[str | int, ...]) -> WordSet | None:
        if name in lexicon.sets:
            return lexicon.sets[name]
        near = nearest(name, lexicon.sets)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(sorted(lexicon.sets))}"
        self._say(where, f"the lexicon '{lexicon.id}' has no set '{name}'", hint)
        return None

    def _check_words(self, name: str, words: list[Word], where: tuple[str | int, ...]) -> None:
        if not words:
            self._say(where, f"'{name}' has no words left", "check 'tags', 'where' and 'drop'")
        seen: set[str] = set()
        for word in words:
            if word.id in seen:
                self._say(where, f"the word id '{word.id}' is twice in '{name}'", "give one an id")
            seen.add(word.id)

    def _targets(self, groups: tuple[Group, ...]) -> tuple[tuple[Target, ...], tuple[str, str]]:
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
            words = self._pole_words(pole, key)
            self._check_words(key, words, ("targets", key))
            names.append(pole.name or pole.set or ", ".join(word.label for word in words[:3]))
            targets += [Target(word=w, pole=sign, facts=w.entry.facts) for w in words]
        seen: dict[str, str] = {}
        for target in targets:
            if target.word.id in seen:
                self._say(
                    ("targets",),
                    f"'{target.word.id}' is in two poles, {seen[target.word.id]} and {target.pole}",
                    "a word can stand in one pole only",
                )
            seen[target.word.id] = target.pole
        return tuple(targets), (names[0], names[1])

    def _own_targets(self, groups: tuple[Group, ...]) -> tuple[Target, ...]:
        own, ids = self.spec.targets.own, {group.id for group in groups}
        for name in own:
            if name not in ids:
                near = nearest(name, ids)
                self._say(
                    ("targets", "own", name),
                    f"there is no group '{name}'",
                    f"did you mean '{near}'?" if near else f"known: {', '.join(sorted(ids))}",
                )
        for name in sorted(ids - set(own)):
            self._say(("targets", "own"), f"the group '{name}' has no word of its own")
        words = words_of(WordSet(entries=tuple(own.values())))
        return tuple(
            Target(word=word, pole=f"own:{name}", facts={})
            for name, word in zip(own, words, strict=True)
        )

    def _pole_words(self, pole: Pole, key: str) -> list[Word]:
        if pole.words:
            entries = WordSet(entries=pole.words)
        else:
            name = pole.lexicon or self.spec.targets.lexicon
            if name is None:
                self._say(("targets", key), "'set' needs a lexicon", "targets: {lexicon: traits}")
                return []
            lexicon = self._lexicon(name, ("targets", "lexicon"))
            found = lexicon and self._set(lexicon, pole.set or "", ("targets", key, "set"))
            if not found:
                return []
            entries = found
        words = list(words_of(entries))
        known = {word.id for word in words}
        for dropped in pole.drop:
            if dropped not in known:
                near = nearest(dropped, known)
                hint = f"did you mean '{near}'?" if near else "it is not in this set"
                self._say(("targets", key, "drop"), f"cannot drop '{dropped}'", hint)
        return [word for word in words if word.id not in pole.drop and _wanted(word, pole)]

    def _check_sentences(
        self, frames: tuple[Frame, ...], groups: tuple[Group, ...], targets: tuple[Target, ...]
    ) -> None:
        """Check slots, and that each word has a form that at least one sentence can use."""
        context, masked = ("group", "target") if self.spec.mask == "target" else ("target", "group")
        needed: dict[str, set[str]] = {"group": set(), "target": set()}
        for index, frame in enumerate(frames):
            where = (
                ("templates", index) if len(frames) == len(self.spec.templates) else ("templates",)
            )
            slots = {m[1]: m for m in SLOT.finditer(frame.template.text) if m[1]}
            if context not in slots:
                self._say(
                    where,
                    f"the template '{frame.id}' has no [{context}]",
                    f"this probe masks the {masked}: the sentence needs [{context}] and <mask>",
                )
            known = {context, *frame.slots}
            for name in sorted(set(slots) - known):
                near = nearest(name, known)
                self._say(
                    where,
                    f"the template '{frame.id}' has the unknown slot [{name}]",
                    f"did you mean [{near}]?"
                    if near
                    else f"known: {', '.join(sorted(known))}; name its words under 'slots:'",
                )
            for found in SLOT.finditer(frame.template.text):
                kind = masked if found[1] is None else found[1]
                if kind in needed:
                    needed[kind].add(found[2] or found[3] or frame.number)
        self._check_forms(needed["group"], [w for g in groups for w in g.words], "groups")
        self._check_forms(needed["target"], [t.word for t in targets], "targets")

    def _check_forms(self, needed: set[str], words: list[Word], where: str) -> None:
        for word in words:
            if needed and not needed & set(word.forms):
                want, have = ", ".join(sorted(needed)), ", ".join(sorted(word.forms))
                self._say(
                    (where,),
                    f"'{word.id}' lacks the form that the sentences need: {want} (it has {have})",
                    f"write it as {{{have}: {next(iter(word.forms.values()))}, {want}: ...}}",
                )


def _wanted(word: Word, pole: Pole) -> bool:
    if not set(pole.tags) <= set(word.entry.tags):
        return False
    if pole.where is None:
        return True
    value = word.entry.facts.get(pole.where.fact)
    if value is None:
        return False
    low, high = pole.where.min, pole.where.max
    return (low is None or value >= low) and (high is None or value <= high)
