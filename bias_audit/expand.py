"""Templates x terms x targets -> prompts: pure, ordered, slots by position.

The article before a slot belongs to the word that fills it (a nurse, an engineer, Mary); a word
that opens a sentence is capitalised. A word is never searched in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from bias_audit._english import capitalised, starts_sentence, takes_an
from bias_audit.probes import Frame, Probe, Target, Word
from bias_audit.records import Pole, Prompt, Skip
from bias_audit.specs import ARTICLE, SLOT


@dataclass(frozen=True, kw_only=True, slots=True)
class Expansion:
    """All prompts of a probe, and the words that have no form for some sentence."""

    prompts: tuple[Prompt, ...]
    """Scored words first, then open completions; sorted by template, term and target as written."""
    skips: tuple[Skip, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A sentence cut at its masked place."""

    left: str
    filler: str | None
    right: str


def expand(probe: Probe) -> Expansion:
    """Render every sentence of a probe.

    A word without the form that a sentence needs is left out of the whole probe (the design stays
    complete: every word in every frame) and reported as ``not_applicable``.
    """
    skips: dict[str, Skip] = {}
    terms = [
        (group.id, word)
        for group in probe.groups
        for word in group.words
        if not _lacks(probe, word, "group", skips)
    ]
    targets = [t for t in probe.targets if not _lacks(probe, t.word, "target", skips)]
    scored = (
        _prompt(probe, frame, variant, group, term, target)
        for frame in probe.frames
        for variant in variants(frame)
        for group, term in terms
        for target in targets
    )
    prompts = (*scored, *_open(probe, terms, skips))
    return Expansion(prompts=prompts, skips=tuple(skips.values()))


def variants(frame: Frame) -> list[dict[str, str]]:
    """All fillings of a frame's further named slots; one empty filling when it has none."""
    names = [m[1] for m in SLOT.finditer(frame.template.text) if m[1] in frame.slots]
    return [
        dict(zip(names, words, strict=True))
        for words in product(*(frame.slots[name] for name in names))
    ]


def render(
    frame: Frame, words: dict[str, Word], fillers: dict[str, str], masked: Word | None
) -> Rendered:
    """Fill the slots of one frame.

    Args:
        frame: the template.
        words: the word of each of the slots ``group`` and ``target`` that the sentence has.
        fillers: text of further named slots.
        masked: the word at ``<mask>``; None leaves the place open.

    Raises:
        KeyError: a word lacks the form that the sentence asks for.
    """
    done, at, left, filler = "", 0, "", None
    text = frame.template.text
    for slot in SLOT.finditer(text):
        done += text[at : slot.start()]
        at = slot.end()
        name, form = slot[1], slot[2] or slot[3] or frame.number
        word = masked if name is None else words.get(name)
        surface = fillers[name] if word is None and name is not None else None
        if word is not None:
            surface = word.forms[form]
            done = _with_article(done, surface, word)
        elif surface is not None:
            done = _with_article(done, surface, None)
        if surface is not None and starts_sentence(done):
            surface = capitalised(surface)
        if name is None:
            left, filler, done = done, surface, ""
        else:
            done += surface or ""
    return Rendered(left=left, filler=filler, right=done + text[at:])


def _with_article(text: str, surface: str, word: Word | None) -> str:
    """Make the article at the end of ``text`` fit the word that follows."""
    found = ARTICLE.search(text)
    if found is None:
        return text
    if word is not None and not word.article:
        return text[: found.start(1)]
    if found[1].lower() == "the":
        return text
    an = word.an if word is not None and word.an is not None else takes_an(surface)
    article = "an" if an else "a"
    return f"{text[: found.start(1)]}{article.capitalize() if found[1][0] == 'A' else article} "


def _lacks(probe: Probe, word: Word, kind: str, skips: dict[str, Skip]) -> bool:
    masked = probe.spec.mask
    for frame in probe.frames:
        for slot in SLOT.finditer(frame.template.text):
            name = masked if slot[1] is None else slot[1]
            form = slot[2] or slot[3] or frame.number
            if name == kind and form not in word.forms:
                skips[f"{kind}:{word.id}"] = Skip(
                    probe=probe.spec.id,
                    kind="term" if kind == "group" else "target",
                    what=word.id,
                    reason="not_applicable",
                    detail=f"has no form '{form}', which the sentence '{frame.id}' needs",
                )
                return True
    return False


def _prompt(
    probe: Probe, frame: Frame, variant: dict[str, str], group: str, term: Word, target: Target
) -> Prompt:
    by_target = probe.spec.mask == "target"
    words = {"group": term} if by_target else {"target": target.word}
    text = render(frame, words, variant, target.word if by_target else term)
    return Prompt(
        probe=probe.spec.id,
        template=frame.id,
        variant=" ".join(variant.values()),
        group=group,
        term=term.id,
        label=term.label,
        target=target.word.id,
        pole=_sign(target.pole, group),
        left=text.left,
        filler=text.filler,
        right=text.right,
    )


def _sign(pole: str, group: str) -> Pole:
    """In diagonal controls a group's own word is its S+, the others' words its S-."""
    if pole.startswith("own:"):
        return "+" if pole == f"own:{group}" else "-"
    return "+" if pole == "+" else "-" if pole == "-" else "0"


def _open(probe: Probe, terms: list[tuple[str, Word]], skips: dict[str, Skip]) -> Iterator[Prompt]:
    """One open prompt per article-free sentence and term that has the form it needs."""
    for frame in probe.open_frames:
        for variant in variants(frame):
            for group, term in terms:
                try:
                    text = render(frame, {"group": term}, variant, None)
                except KeyError as missing:
                    skips.setdefault(
                        f"open:{term.id}",
                        Skip(
                            probe=probe.spec.id,
                            kind="term",
                            what=term.id,
                            reason="not_applicable",
                            detail=f"has no form {missing}, which open completions need",
                        ),
                    )
                    continue
                yield Prompt(
                    probe=probe.spec.id,
                    template=frame.id,
                    variant=" ".join(variant.values()),
                    group=group,
                    term=term.id,
                    label=term.label,
                    target="",
                    pole="",
                    left=text.left,
                    filler=None,
                    right=text.right,
                )
