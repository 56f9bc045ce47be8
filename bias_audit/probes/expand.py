"""Expand templates x terms x targets into prompts: pure, ordered, slots by position.

The English article before a slot belongs to the word that fills it (a nurse, an engineer, Mary);
in other languages it is part of the word's forms. A word that opens a sentence is capitalised. A
word is never searched for in a sentence.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Literal

from bias_audit.errors import FileError, Problem
from bias_audit.probes.english import capitalise, starts_sentence, takes_an
from bias_audit.probes.probe import Frame, Group, Probe, Target, Word, agrees, needs
from bias_audit.probes.schema.lexicon import Entry
from bias_audit.probes.schema.text import (
    AGREE,
    ARTICLE,
    is_article_free,
    parse_slots,
    primary_language,
)
from bias_audit.records import Pole, Prompt, Skip
from bias_audit.utils.readings import READINGS, USUAL, Reading

MOST_PROMPTS = 1_000_000
"""Prompts of one probe; the largest probe of the catalogue has 22,300."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expansion:
    """All prompts of a probe, and the words that have no form for some sentence."""

    prompts: tuple[Prompt, ...]
    """Scored words first, then open completions; sorted by template, term and target as written."""
    skips: tuple[Skip, ...]
    extra_prompts: tuple[Prompt, ...] = ()
    """Scored words of the extra groups, sorted likewise."""

    @property
    def all_prompts(self) -> tuple[Prompt, ...]:
        """Everything to be scored: ``prompts``, then ``extra_prompts``."""
        return (*self.prompts, *self.extra_prompts)


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitSentence:
    """A sentence split at its mask."""

    left: str
    filler: str | None
    right: str
    beside: tuple[tuple[int, int], ...] = ()
    """Character spans of the slots' words in the whole text."""


def expand(probe: Probe, reading: Reading = USUAL) -> Expansion:
    """Render every sentence of a probe.

    Where scores are cosines, the place of the target holds the probe's stand-in, and queries name
    the target. Where answers name their words, open prompts name those of the other group words.

    A word without the form that a sentence needs is left out of the whole probe (the design stays
    complete: every word in every frame) and reported as ``not_applicable``.

    Raises:
        FileError: it would have more than :data:`MOST_PROMPTS`; nothing was rendered yet.
    """
    _require_few(probe)
    skips: dict[str, Skip] = {}
    terms = _terms(probe, probe.groups, skips)
    extra_terms = _terms(probe, probe.extra_groups, skips)
    targets = [t for t in probe.targets if not _lacks(probe, t.word, "target", skips)]
    scored = _compared_texts if READINGS[reading].is_cosine else _scored_prompts
    prompts = (*scored(probe, terms, targets), *_open(probe, terms, skips))
    extra = tuple(scored(probe, extra_terms, targets))
    whole = Expansion(prompts=prompts, skips=tuple(skips.values()), extra_prompts=extra)
    return with_siblings(whole) if READINGS[reading].names_words else whole


def with_siblings(expansion: Expansion) -> Expansion:
    """Have each open prompt name the texts of its sentence, and article, with every group word."""

    def key(prompt: Prompt) -> tuple[str, str, str]:
        return prompt.template, prompt.variant, article_before(prompt.left)

    texts: dict[tuple[str, str, str], set[str]] = {}
    for prompt in expansion.prompts:
        if prompt.filler is None:
            texts.setdefault(key(prompt), set()).add(prompt.left)
    shared = {sentence: tuple(sorted(lefts)) for sentence, lefts in texts.items()}
    prompts = (
        replace(prompt, siblings=shared[key(prompt)]) if prompt.filler is None else prompt
        for prompt in expansion.prompts
    )
    return replace(expansion, prompts=tuple(prompts))


def _require_few(probe: Probe) -> None:
    groups = (*probe.groups, *probe.extra_groups)
    words, targets = sum(len(group.words) for group in groups), len(probe.targets)
    fillings = sum(map(_fillings, probe.frames))
    open_sentences = sum(_fillings(f) * _articles(f) for f in probe.open_frames)
    asked_open = open_sentences * sum(len(group.words) for group in probe.groups)
    prompts = fillings * words * targets + asked_open
    if prompts > MOST_PROMPTS:
        message = (
            f"would make {prompts:,} prompts, more than {MOST_PROMPTS:,}: {fillings:,} sentences"
            f" with all fillings of their slots, {words:,} group words, {targets:,} targets"
        )
        hint = "write fewer slots or fewer words for each; slots of one sentence multiply"
        raise FileError([Problem(str(probe.file), 1, 1, f"'{probe.spec.id}' {message}", hint)])


def _slots(frame: Frame) -> list[str]:
    """Names of a frame's further slots, in the order of the sentence."""
    pieces, _ = parse_slots(frame.template.text)
    return list(dict.fromkeys(p.name for p in pieces if p.name in frame.slots))


def _fillings(frame: Frame) -> int:
    """How many :func:`variants` a frame has."""
    return math.prod(len(frame.slots[name]) for name in _slots(frame))


def _articles(frame: Frame) -> int:
    """With how many articles an open sentence is asked, see :func:`_with_both_articles`."""
    return 1 if is_article_free(frame.template.text, frame.language) else 2


def _terms(probe: Probe, groups: Sequence[Group], skips: dict[str, Skip]) -> list[tuple[str, Word]]:
    """The words of some groups that have all forms, each with its group."""
    words = [(group.id, word) for group in groups for word in group.words]
    return [(group, word) for group, word in words if not _lacks(probe, word, "group", skips)]


def _scored_prompts(
    probe: Probe, terms: Sequence[tuple[str, Word]], targets: Sequence[Target]
) -> Iterator[Prompt]:
    """One prompt per sentence, term and target."""
    for frame in probe.frames:
        for variant in variants(frame):
            for group, term in terms:
                for target in targets:
                    yield _prompt(probe, frame, variant, group, term, target)


def _compared_texts(
    probe: Probe, terms: Sequence[tuple[str, Word]], targets: Sequence[Target]
) -> Iterator[Prompt]:
    """One prompt per sentence, term and target, for the cosine of a sentence and its queries."""
    asked = [(target, *_queries(probe, target)) for target in targets]
    for frame in probe.frames:
        for variant in variants(frame):
            for group, term in terms:
                text = _text_with_stand_in(probe, frame, variant, term)
                for target, name, queries in asked:
                    yield Prompt(
                        probe=probe.spec.id,
                        template=frame.id,
                        variant=" ".join(variant.values()),
                        group=group,
                        term=term.id,
                        label=term.label,
                        target=target.word.id,
                        pole=_sign(target.pole, group),
                        left=text,
                        filler=name,
                        right="",
                        queries=queries,
                    )


def _text_with_stand_in(probe: Probe, frame: Frame, variant: dict[str, str], term: Word) -> str:
    """A sentence that names the group and no target, whichever of the two is masked elsewhere."""
    text = probe.spec.stand_in
    entry = Entry(sg=text)
    stand_in = Word(
        id=text, label=text, forms=defaultdict(lambda: text), an=None, article=True, agree=None,
        pair=None, head="", entry=entry,
    )  # fmt: skip
    if probe.spec.mask == "group":
        parts = render(frame, {"target": stand_in}, variant, term)
    else:
        parts = render(frame, {"group": term}, variant, stand_in)
    return f"{parts.left}{parts.filler}{parts.right}"


def _queries(probe: Probe, target: Target) -> tuple[str, tuple[str, ...]]:
    """The name of a target, and the texts that it stands in."""
    forms = target.word.forms
    name = forms.get("sg") or next(iter(forms.values()))
    texts = []
    for frame in probe.queries:
        for variant in variants(frame):
            parts = render(frame, {"target": target.word}, variant, None)
            texts.append(f"{parts.left}{parts.right}")
    return name, tuple(texts) or (name,)


def variants(frame: Frame) -> list[dict[str, str]]:
    """All fillings of a frame's further named slots; one empty filling when it has none."""
    names = _slots(frame)
    return [
        dict(zip(names, words, strict=True))
        for words in product(*(frame.slots[name] for name in names))
    ]


def render(
    frame: Frame, words: dict[str, Word], fillers: dict[str, str], masked: Word | None
) -> SplitSentence:
    """Fill the slots of one frame.

    ``words`` are those at ``group`` and ``target``, ``fillers`` those of further slots, and
    ``masked`` goes to the mask; None leaves the place open.

    Raises:
        KeyError: a word lacks the form that the sentence asks for.
    """
    pieces, end = parse_slots(frame.template.text)
    text, filler, before = "", None, 0
    beside: list[tuple[int, int]] = []
    english = primary_language(frame.language) == "en"
    at_mask: str | None = None
    for piece in pieces:
        text += piece.before
        word = masked if piece.name is None else words.get(piece.name)
        surface: str | None = None
        if word is not None:
            surface = word.forms[_form(piece.form or frame.number, words)]
        elif piece.name is not None:
            surface = fillers[piece.name]
        if surface is not None:
            text = _with_article(text, surface, word) if english else text
            opens = starts_sentence(text if at_mask is None else f"{at_mask}x{text}")
            surface = capitalise(surface) if opens else surface
        if piece.name is None:
            at_mask, filler, text = text, surface, ""
            before = len(at_mask) + len(surface or "")
            continue
        if word is not None:
            beside.append((before + len(text), before + len(text) + len(surface or "")))
        text += surface or ""
    return SplitSentence(left=at_mask or "", filler=filler, right=text + end, beside=tuple(beside))


def _form(form: str, words: dict[str, Word]) -> str:
    """The name of a form; ``agree`` leaves it to the word in the sentence."""
    return next((w.agree for w in words.values() if w.agree), form) if form == AGREE else form


def _with_article(text: str, surface: str, word: Word | None) -> str:
    """Make the article at the end of ``text`` fit the word that follows."""
    parts = _article(text)
    if parts is None:
        return text
    before, article, after = parts
    if word is not None and not word.article:
        return before + after[1:]
    if article.lower() == "the":
        return text
    an = word.an if word is not None and word.an is not None else takes_an(surface)
    fitting = "an" if an else "a"
    return f"{before}{fitting.capitalize() if article[0] == 'A' else fitting}{after}"


@lru_cache(maxsize=4096)
def _article(text: str) -> tuple[str, str, str] | None:
    """Cut ``text`` before and after the article at its end; None when it has none."""
    match = ARTICLE.search(text)
    return match and (text[: match.start(1)], match[1], match[2])


def _lacks(probe: Probe, word: Word, kind: str, skips: dict[str, Skip]) -> bool:
    partners: list[Word] = []
    if any(agrees(frame) for frame in probe.frames):
        partners = [word for group in probe.groups for word in group.words]
        if probe.spec.mask == "group":
            partners = [target.word for target in probe.targets]
    for frame in probe.frames:
        for word_kind, form in needs(frame, probe.spec.mask, partners):
            if word_kind == kind and form not in word.forms:
                detail = f"has no form '{form}', which the sentence '{frame.id}' needs"
                what: Literal["term", "target"] = "term" if kind == "group" else "target"
                skips[f"{kind}:{word.id}"] = _skip(probe, what, word, detail)
                return True
    return False


def _prompt(
    probe: Probe,
    frame: Frame,
    variant: dict[str, str],
    group: str,
    term: Word,
    target: Target | None,
) -> Prompt:
    """One prompt; open where no target is given."""
    masked = None if target is None else target.word
    words = {"group": term}
    if target is not None and probe.spec.mask == "group":
        masked, words = term, {"target": target.word}
    if probe.spec.labels is not None and target is not None:
        return _label_prompt(probe, frame, variant, group, term, target)
    text = render(frame, words, variant, masked)
    return Prompt(
        probe=probe.spec.id,
        template=frame.id,
        variant=" ".join(variant.values()),
        group=group,
        term=term.id,
        label=term.label,
        target="" if target is None else target.word.id,
        pole="" if target is None else _sign(target.pole, group),
        left=text.left,
        filler=text.filler,
        right=text.right,
        context_spans=() if target is None else text.beside,
    )


def _label_prompt(
    probe: Probe, frame: Frame, variant: dict[str, str], group: str, term: Word, target: Target
) -> Prompt:
    """One prompt about a label of the whole sentence."""
    labels = probe.spec.labels
    if labels is None:
        raise ValueError("a probe without labels")
    label = labels.plus if target.pole == "+" else labels.minus
    text = render(frame, {"group": term}, variant, None)
    return Prompt(
        probe=probe.spec.id,
        template=frame.id,
        variant=" ".join(variant.values()),
        group=group,
        term=term.id,
        label=term.label,
        target=target.word.id,
        pole=_sign(target.pole, group),
        left=f"{text.left}{text.right}",
        filler=label.name,
        right="",
        label_names=label.any,
        instead_of=labels.plus.any if target.pole == "-" else (),
        context_spans=text.beside,
    )


def _sign(pole: str, group: str) -> Pole:
    """In diagonal controls a group's own word is its S+, the others' words its S-."""
    if pole.startswith("own:"):
        return "+" if pole == f"own:{group}" else "-"
    return "+" if pole == "+" else "-" if pole == "-" else "0"


def _open(probe: Probe, terms: list[tuple[str, Word]], skips: dict[str, Skip]) -> Iterator[Prompt]:
    """One open prompt per sentence and term that has the form it needs; two after an article."""
    for frame in probe.open_frames:
        for variant in variants(frame):
            for group, term in terms:
                try:
                    prompt = _prompt(probe, frame, variant, group, term, None)
                    yield from _with_both_articles(prompt, frame.language)
                except KeyError as missing:
                    detail = f"has no form {missing}, which open completions need"
                    skips.setdefault(f"open:{term.id}", _skip(probe, "term", term, detail))


def article_before(left: str) -> str:
    """Return ``a`` or ``an`` where one is at the end of a text; else nothing."""
    parts = _article(left)
    article = parts[1].lower() if parts else ""
    return article if article in ("a", "an") else ""


def _with_both_articles(prompt: Prompt, language: str) -> Iterator[Prompt]:
    """A sentence as it is; with "a" and with "an" where one of them is right before its mask."""
    yield prompt
    parts = _article(prompt.left) if primary_language(language) == "en" else None
    if parts is None or parts[1].lower() == "the":
        return
    before, article, after = parts
    other = "a" if article.lower() == "an" else "an"
    other = capitalise(other) if article[0] == "A" else other
    yield replace(prompt, left=f"{before}{other}{after}")


def _skip(probe: Probe, kind: Literal["term", "target"], word: Word, detail: str) -> Skip:
    return Skip(
        probe=probe.spec.id, kind=kind, what=word.id, reason="not_applicable", detail=detail
    )
