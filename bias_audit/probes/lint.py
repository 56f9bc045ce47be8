"""Lint probes: hints for authors, none of which is a mistake for sure.

Mistakes are refused when a file is read; these notes are for ``bias-audit probes check``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from string import ascii_lowercase

from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.clusters import template_clusters
from bias_audit.probes.expand import Expansion
from bias_audit.probes.probe import Frame, Probe, words_of
from bias_audit.probes.schema.text import SLOT, parse_slots, primary_language
from bias_audit.probes.validate import given_words
from bias_audit.records import Prompt
from bias_audit.utils.resources import model_dir

FEWEST_FRAMES = 8
"""Sentences that an outcome needs; see ``Settings.min_templates``."""
SHORTEST, LONGEST = 5, 14
"""Words of a sentence; shorter ones say little, longer ones hide the group word."""
_SPACE = "Ġ"
"""How the bundled vocabulary writes the space before a word."""
_LETTERS = 5
"""Shorter words are too often one letter off another one."""
_NEVER_SMALL = "its comparisons can never be called small"
_TWICE = re.compile(r"\b(\w+) \1\b", re.IGNORECASE)
_OWN_SUBJECT = r"^(?:(?:The|A|An) )?\[group(?::\w+)?\] (%s)\b"
_WRONG_NUMBER = {
    "sg": re.compile(_OWN_SUBJECT % "were|are|have|do"),
    "pl": re.compile(_OWN_SUBJECT % "was|is|has|does"),
}
_END = re.compile(r"[.?!][\"'\u201d\u2019)]*$")


def lint_probe(probe: Probe, expansion: Expansion) -> list[str]:
    """Return what an author should look at again, each in one line."""
    sentences = [f"'{frame.id}' {text}" for frame in probe.frames for text in _sentence(frame)]
    own = (*_for_an_outcome(probe), *_slots(probe), *_group_words(probe))
    notes = (*own, *sentences, *_lint_sentences(expansion))
    return list(dict.fromkeys(notes))


def _for_an_outcome(probe: Probe) -> Iterator[str]:
    spec = probe.spec
    if len(probe.frames) < FEWEST_FRAMES:
        yield (
            f"{len(probe.frames)} sentences: at least {FEWEST_FRAMES} are needed, else nothing is"
            " measurable"
        )
    clusters = set(template_clusters(probe.frames).values())
    if len(clusters) < FEWEST_FRAMES <= len(probe.frames):
        yield (
            f"{len(probe.frames)} sentences in {len(clusters)} clusters: intervals count the"
            f" clusters, so add other situations until there are {FEWEST_FRAMES}"
        )
    if spec.role != "probe":
        return
    if spec.card is None:
        yield "no measurement card: nobody wrote down what is wanted, and a notice says so"
    controls = spec.controls
    if spec.labels is not None:
        if not (controls.negative or controls.placebo):
            yield f"neither a negative control nor a placebo: {_NEVER_SMALL}"
    elif not controls.positive:
        yield f"no positive control: {_NEVER_SMALL}"
    elif not (controls.negative or controls.placebo) and spec.mask == "target":
        yield f"neither a negative control nor a placebo: {_NEVER_SMALL}"


def lint_spelling(probe: Probe, catalogue: ProbeCatalogue) -> Iterator[str]:
    """Yield targets that nobody knows and that are one letter off a word of the lexicons.

    Known are the words of the bundled model and of all English lexicons.
    """
    if primary_language(probe.spec.language) != "en":
        return
    forms = {form.lower() for target in probe.targets for form in target.word.forms.values()}
    written = {form for form in forms if form.isalpha() and len(form) >= _LETTERS}
    unknown = written - _vocabulary()
    listed = _lexicon_words(catalogue) if unknown else set()
    for word in sorted(unknown - listed):
        if near := min(_one_letter_off(word) & listed, default=""):
            yield f"the target '{word}' is no known word: is '{near}' meant?"


@cache
def _vocabulary() -> frozenset[str]:
    """Words of the bundled model in small letters."""
    text = (model_dir() / "tokenizer.json").read_text(encoding="utf-8")
    pieces = json.loads(text)["model"]["vocab"]
    return frozenset(piece[1:].lower() for piece in pieces if piece.startswith(_SPACE))


def _lexicon_words(catalogue: ProbeCatalogue) -> set[str]:
    lexicons = [catalogue.lexicon(name) for name in catalogue.names("lexicon")]
    return {
        form.lower()
        for lexicon in lexicons
        if primary_language(lexicon.language) == "en"
        for wordset in lexicon.sets.values()
        for word in words_of(wordset, lexicon.heads)
        for form in word.forms.values()
    }


def _one_letter_off(word: str) -> set[str]:
    """Return what a word becomes with one letter more, less or other, or two in the wrong order.

    Not what only has another end: that is another form.
    """
    halves = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    changed = {
        *(a + b[1:] for a, b in halves if b),
        *(a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1),
        *(a + c + b[1:] for a, b in halves if b for c in ascii_lowercase),
        *(a + c + b for a, b in halves for c in ascii_lowercase),
    }
    return {one for one in changed if not (one.startswith(word) or word.startswith(one))}


def _slots(probe: Probe) -> Iterator[str]:
    used = {p.name for frame in probe.frames for p in parse_slots(frame.template.text)[0]}
    for name in probe.spec.slots:
        if name not in used:
            yield f"the slot [{name}] is in no sentence"


def _group_words(probe: Probe) -> Iterator[str]:
    words = [word for group in (*probe.groups, *probe.extra_groups) for word in group.words]
    for frame in probe.frames:
        for form in given_words(frame, words):
            text = frame.template.text
            yield f"'{frame.id}' holds '{form}', a word of the groups, for every group: {text}"


def _sentence(frame: Frame) -> Iterator[str]:
    text = frame.template.text
    count = len(SLOT.sub("word", text).split())
    if not SHORTEST <= count <= LONGEST:
        yield f"has {count} words; {SHORTEST} to {LONGEST} read best: {text}"
    if not _END.search(text):
        yield f"does not end like a sentence: {text}"
    wrong = _WRONG_NUMBER.get(frame.number) if primary_language(frame.language) == "en" else None
    verb = wrong.search(text) if wrong else None
    if verb:
        other = "plural" if frame.number == "sg" else "singular"
        yield (f"has 'number: {frame.number}' and the {other} verb '{verb[1]}': {text}")


def _lint_sentences(expansion: Expansion) -> Iterator[str]:
    """Sentences in which a word comes twice: one example for each kind, and how many there are."""
    examples: dict[str, dict[str, str]] = {}
    for prompt in expansion.all_prompts:
        for kind in _repetitions(prompt):
            examples.setdefault(kind, {}).setdefault(prompt.template, prompt.text)
    for kind, sentences in examples.items():
        name, text = next(iter(sentences.items()))
        more = f" and in {len(sentences) - 1} more sentences" if len(sentences) > 1 else ""
        yield f"'{name}' {kind}{more}: {text}"


def _repetitions(prompt: Prompt) -> Iterator[str]:
    twice = _TWICE.search(prompt.text)
    if twice:
        yield f"has '{twice[0].lower()}'"
    word = (prompt.filler or "").lower()
    if word and word in re.findall(r"[\w'-]+", f"{prompt.left} {prompt.right}".lower()):
        yield "has the scored word a second time"
