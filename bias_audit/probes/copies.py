"""Refuse sentences and words that are there twice: a copy is no further evidence.

What differs in its id, label, case, spacing, marks around a word or in forms that no sentence asks
for, is one thing.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence

from bias_audit.probes.expand import render
from bias_audit.probes.probe import Frame, Group, Target, Word
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.text import same_text
from bias_audit.utils.validation import KeyPath

Places = dict[tuple[KeyPath, int], KeyPath]
"""Path of each word in the file, by its group or pole and the identity of its entry."""
_MARKS = " .,;:!?\u2026-\u2010\u2013\u2014\"'\u2018\u2019\u201c\u201d()"
"""Marks around a word that make no other word of it."""


def check_copied_words(
    problems: ProblemCollector,
    words: Sequence[tuple[KeyPath, Word]],
    needed: Collection[str],
    where: Places,
) -> None:
    """Check that no two words read alike in every sentence; they come with their owners' paths."""
    first: dict[Hashable, tuple[KeyPath, Word]] = {}
    for owner, word in words:
        shown = tuple(sorted((n, _bare(f)) for n, f in word.forms.items() if n in needed))
        other, known = first.setdefault((shown, word.agree), (owner, word))
        if known is word or not shown:
            continue
        message = f"'{word.id}' reads like '{known.id}' in every sentence"
        if other != owner:
            message += f", which stands under '{other[-1]}'"
        problems.add(where[owner, id(word.entry)], message, "one word counts once: remove one")


def _bare(form: str) -> str:
    """A word as it reads, without the punctuation around it."""
    text = same_text(form)
    return text.strip(_MARKS) or text


def check_copied_sentences(
    problems: ProblemCollector,
    spec: ProbeSpec,
    frames: Sequence[tuple[Frame, KeyPath]],
    groups: Sequence[Group],
    targets: Sequence[Target],
) -> None:
    """Check that no two sentences are the same once words are in them."""
    first: dict[Hashable, str] = {}
    for frame, place in frames:
        texts = tuple(_fill(frame, spec.mask, groups, targets))
        name = first.setdefault(texts, frame.id)
        if name != frame.id and texts:
            message = f"the template '{frame.id}' gives the same sentences as '{name}'"
            problems.add(place, message, "one sentence counts once: remove one")


def _fill(
    frame: Frame, mask: str, groups: Sequence[Group], targets: Sequence[Target]
) -> Iterator[str]:
    """The sentence with a word of each group and pole, and all words of its further slots."""
    fillers = {name: "|".join(words) for name, words in frame.slots.items()}
    for pole in dict.fromkeys(target.pole for target in targets):
        target = next(target.word for target in targets if target.pole == pole)
        for term in (group.words[0] for group in groups):
            masked, word = (target, term) if mask == "target" else (term, target)
            name = "group" if mask == "target" else "target"
            try:
                text = render(frame, {name: word}, fillers, masked)
            except KeyError:  # a word without the form is left out of the probe, and reported
                continue
            yield same_text(f"{text.left}[{text.filler}]{text.right}")
