"""Check that a probe's words and sentences fit each other."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from bias_audit.errors import nearest
from bias_audit.probes.copies import Places, check_copied_words
from bias_audit.probes.probe import Frame, Group, Target, Word, agrees, needs
from bias_audit.probes.schema.lexicon import Lexicon, Template, TemplateSet
from bias_audit.probes.schema.probe import ProbeSpec, Where
from bias_audit.probes.schema.text import (
    AGREE,
    ONE_MASK,
    SLOT,
    count_masks,
    parse_slots,
    primary_language,
)
from bias_audit.utils.problems import ProblemCollector
from bias_audit.utils.validation import KeyPath

POLES = {"+": "plus", "-": "minus", "0": "neither"}
"""Keys of the poles in a probe file."""


def filter_words(
    problems: ProblemCollector,
    where: KeyPath,
    name: str,
    words: Sequence[Word],
    tags: Sequence[str],
    limits: Where | None = None,
) -> tuple[Word, ...]:
    """Return the words with all ``tags`` and a fact inside ``limits``; none left is a mistake."""
    filtered = tuple(word for word in words if _matches(word, tags, limits))
    if filtered:
        return filtered
    facts = {fact for word in words for fact in word.entry.facts}
    if limits is not None and words and limits.fact not in facts:
        message = f"no word of '{name}' has the fact '{limits.fact}'"
        problems.add_unknown_name((*where, "where", "fact"), message, limits.fact, facts)
        return ()
    carried = {tag for word in words for tag in word.entry.tags}
    for tag in tags:
        if words and tag not in carried:
            message = f"no word of '{name}' has the tag '{tag}'"
            problems.add_unknown_name((*where, "tags"), message, tag, carried)
            return ()
    problems.add(where, f"'{name}' has no words left", "check 'tags', 'where' and 'drop'")
    return ()


def check_language(
    problems: ProblemCollector,
    where: KeyPath,
    spec: ProbeSpec,
    file: Lexicon | TemplateSet | ProbeSpec,
) -> None:
    """Check that a probe uses sentences, words and controls of its own language."""
    if primary_language(file.language) == primary_language(spec.language):
        return
    kind = "control" if isinstance(file, ProbeSpec) else "file"
    message = f"the {kind} '{file.id}' is in '{file.language}', the probe in '{spec.language}'"
    own = f"write 'language: {file.language}' in the probe"
    problems.add(where, message, f"use one in the language of the probe, or {own}")


def completion_frames(
    spec: ProbeSpec,
    frames: Sequence[tuple[Frame, KeyPath]],
    further: Sequence[tuple[Frame, KeyPath]],
) -> tuple[Frame, ...]:
    """Return the sentences for open completions: those that the probe names, or its English own.

    Which of their sentences any word may complete, authors in other languages have to say.
    """
    if spec.mask == "group" or spec.targets.own or spec.labels is not None:
        return ()
    own_frames = frames if primary_language(spec.language) == "en" else []
    candidates = [frame for frame, _ in further or own_frames]
    return tuple(candidates)


def check_sentences(
    problems: ProblemCollector, spec: ProbeSpec, frames: Sequence[tuple[Frame, KeyPath]]
) -> None:
    """Check the slots of every sentence; ``frames`` come with their places."""
    for frame, place in frames:
        _check_slots(problems, frame, place, spec.mask if spec.labels is None else "")
        _check_masks(problems, frame, place, spec)
        if place[0] == "completions":
            _check_completion(problems, place, spec)
    _check_clusters(problems, spec, [each for each in frames if each[1][0] == "templates"])


def check_completions(
    problems: ProblemCollector,
    frames: Sequence[tuple[Frame, KeyPath]],
    groups: Sequence[Group],
    targets: Sequence[Target],
) -> None:
    """Refuse sentences for completions that hold a word of a group or pole: it would come back."""
    group_words = [word for group in groups for word in group.words]
    pole_words = [target.word for target in targets]
    for frame, place in frames:
        for words, owner in ((group_words, "groups"), (pole_words, "poles")):
            for form in given_words(frame, words):
                message = f"the template '{frame.id}' gives the answer away: it holds '{form}'"
                message += f", a word of the {owner}"
                hint = "completions would repeat it; write the sentence without it"
                problems.add(place, message, hint)


def check_queries(
    problems: ProblemCollector,
    queries: Sequence[tuple[Frame, KeyPath]],
    targets: Sequence[Target],
) -> None:
    """Check that every query names the target and nothing else, in a form that all targets have."""
    for frame, place in queries:
        pieces, _ = parse_slots(frame.template.text)
        names = [piece.name or "mask" for piece in pieces]
        odd = [name for name in names if name != "target" and name not in frame.slots]
        message = f"the query '{frame.id}' {'{}'}: a query is a text that names the [target]"
        hint = 'for example "We are looking for a [target]."'
        if "target" not in names:
            problems.add(place, message.format("has no [target]"), hint)
        for name in odd:
            problems.add(place, message.format(f"has the slot '{name}'"), hint)
        forms = {piece.form or frame.number for piece in pieces if piece.name == "target"}
        for form in sorted(forms):
            lost = [target.word.id for target in targets if form not in target.word.forms]
            if lost and not odd:
                say = f"the query '{frame.id}' asks for the form '{form}', which '{lost[0]}' lacks"
                problems.add(place, say, "add it, or write [target:FORM] for one that all have")


def given_words(frame: Frame, words: Iterable[Word]) -> list[str]:
    """Return the forms and adjectives of ``words`` that a sentence holds outside of its slots.

    A form that is a part of another, as a relative pronoun is of "die Frau", says nothing alone.
    """
    forms: set[str] = set()
    for word in words:
        own = {form.lower() for form in word.forms.values()}
        forms |= {form for form in own if not any(form in other.split() for other in own - {form})}
        if word.entry.adjective:
            forms.add(word.entry.adjective.lower())
    text = SLOT.sub("|", frame.template.text).lower()
    return sorted(form for form in forms if re.search(rf"\b{re.escape(form)}\b", text))


def check_words(
    problems: ProblemCollector,
    spec: ProbeSpec,
    frames: Sequence[tuple[Frame, KeyPath]],
    groups: Sequence[Group],
    targets: Sequence[Target],
    where: Places,
) -> None:
    """Check that every word has a form that some sentence can use, and some word has all forms."""
    partners = _check_partners(problems, spec, frames, groups, targets, where)
    needed: dict[str, set[str]] = {"group": set(), "target": set()}
    for frame, _ in frames:
        for kind, form in needs(frame, spec.mask, partners):
            needed[kind].add(form)
    for group in groups:
        _check_forms(problems, needed["group"], group.words, where, ("groups", group.id))
    for pole in dict.fromkeys(target.pole for target in targets):
        words = [target.word for target in targets if target.pole == pole]
        _check_forms(problems, needed["target"], words, where, ("targets", POLES.get(pole, "own")))
    placed = [(("targets", POLES.get(target.pole, "own")), target.word) for target in targets]
    check_copied_words(problems, placed, needed["target"], where)
    own = [(("groups", g.id), word) for g in groups if g.role != "placebo" for word in g.words]
    check_copied_words(problems, own, needed["group"], where)
    placebo = [(("groups", g.id), word) for g in groups if g.role == "placebo" for word in g.words]
    check_copied_words(problems, placebo, needed["group"], where)


def _check_partners(
    problems: ProblemCollector,
    spec: ProbeSpec,
    frames: Sequence[tuple[Frame, KeyPath]],
    groups: Sequence[Group],
    targets: Sequence[Target],
    where: Places,
) -> list[Word]:
    """Return the words around the mask; each has to name a form where a sentence asks for it."""
    if spec.mask == "target":
        partners = [(("groups", group.id), word) for group in groups for word in group.words]
    else:
        partners = [(("targets", POLES.get(t.pole, "own")), t.word) for t in targets]
    asking = next((frame.id for frame, _ in frames if agrees(frame)), None)
    for place, word in partners if asking else ():
        if word.agree is None:
            owner = "head" if word.entry.adjective else "word"
            message = f"'{word.id}' does not say which form <mask:{AGREE}> takes beside it"
            hint = (
                f"write '{AGREE}: f', with the name of a form of the masked words, at the {owner}"
            )
            message += f" (in the template '{asking}')"
            problems.add(where[place, id(word.entry)], message, hint)
    return [word for _, word in partners]


def _matches(word: Word, tags: Sequence[str], limits: Where | None) -> bool:
    if not set(tags) <= set(word.entry.tags):
        return False
    if limits is None:
        return True
    value = word.entry.facts.get(limits.fact)
    low = -math.inf if limits.min is None else limits.min
    high = math.inf if limits.max is None else limits.max
    return value is not None and low <= value <= high


def _check_slots(problems: ProblemCollector, frame: Frame, place: KeyPath, masked: str) -> None:
    context, name = "target" if masked == "group" else "group", f"the template '{frame.id}'"
    slots, _ = parse_slots(frame.template.text)
    if all(slot.name != context for slot in slots):
        hint = f"this probe masks the {masked}: the sentence needs [{context}] and <mask>"
        hint = hint if masked else "a probe with labels needs [group] in each sentence"
        problems.add(place, f"{name} has no [{context}]", hint)
    known = {context, *frame.slots}
    for unknown in sorted({slot.name for slot in slots if slot.name} - known):
        near = nearest(unknown, known)
        hint = f"known: {', '.join(sorted(known))}; name its words under 'slots:'"
        hint = f"did you mean [{near}]?" if near else hint
        problems.add(place, f"{name} has the unknown slot [{unknown}]", hint)
    for slot in slots:
        if slot.form == AGREE and slot.name is not None:
            hint = f"only the masked word can agree: write <mask:{AGREE}>"
            problems.add(place, f"{name} has [{slot.name}:{AGREE}]", hint)
        elif slot.form and slot.name in frame.slots:
            hint = f"the words under 'slots:' have one form; write [{slot.name}]"
            problems.add(place, f"{name} asks for a form: [{slot.name}:{slot.form}]", hint)


def _check_masks(problems: ProblemCollector, frame: Frame, place: KeyPath, spec: ProbeSpec) -> None:
    """Words are scored at a mask, labels of a sentence without one."""
    text, masks = frame.template.text, count_masks(frame.template.text)
    if spec.labels is not None and masks:
        message = f"the template '{frame.id}' has a <mask>: a probe with labels reads whole"
        problems.add(place, f"{message} sentences", 'write it out: "The [group] was late."')
    elif spec.labels is None and not masks:
        message = f"'{text[:60]}' has no <mask>; a template has exactly one"
        problems.add(place, message, ONE_MASK)


def _check_clusters(
    problems: ProblemCollector, spec: ProbeSpec, frames: Sequence[tuple[Frame, KeyPath]]
) -> None:
    """A cluster counts as one sentence; one for all leaves no second, one for one says nothing."""
    counts = Counter(frame.template.cluster for frame, _ in frames)
    name = frames[0][0].template.cluster
    if name is not None and counts[name] == len(frames) > 1:
        message = f"all {len(frames)} sentences are in the cluster '{name}', and count as one"
        hint = "a cluster is one situation among several; sentences of others need no 'cluster'"
        problems.add(frames[0][1], message, hint)
    for frame, place in frames:
        name = frame.template.cluster
        if name and counts[name] == 1 and isinstance(spec.templates[int(place[1])], Template):
            hint = "name the same one at its other members"
            message = f"nothing else is in the cluster '{name}'"
            problems.add((*place, "cluster"), message, hint)


def _check_completion(problems: ProblemCollector, place: KeyPath, spec: ProbeSpec) -> None:
    if spec.mask == "group":
        problems.add(place, "open completions need 'mask: target'", "remove 'completions'")


def _check_forms(
    problems: ProblemCollector,
    needed: set[str],
    words: Sequence[Word],
    where: Places,
    owner: KeyPath,
) -> None:
    lacking = [word for word in words if needed and not needed & set(word.forms)]
    want = ", ".join(sorted(needed))
    for word in lacking:
        have = ", ".join(sorted(word.forms))
        message = f"'{word.id}' lacks the form that the sentences need: {want} (it has {have})"
        problems.add(where[owner, id(word.entry)], message, _form_hint(word, needed))
    if not lacking and all(needed - set(word.forms) for word in words):
        message = f"no word of '{owner[-1]}' has all forms that the sentences need: {want}"
        hint = "a word is scored in every sentence or in none; give it the forms, or drop sentences"
        problems.add(owner, message, hint)


def _form_hint(word: Word, needed: set[str]) -> str:
    if word.entry.adjective and needed <= {"sg", "pl"}:
        return f"give its head a plural: {{sg: {word.head}, pl: ...}}"
    if word.entry.adjective:
        forms = ", ".join(f"{form}: ..." for form in sorted(needed))
        return f"give the head '{word.head}' these forms: {{{forms}}}"
    plain = {form: word.forms.get(form, "...") for form in ("sg", "pl")}
    parts = [f"{form}: {text}" for form, text in plain.items() if text != "..." or form in needed]
    others = sorted((needed | set(word.forms)) - set(plain))
    if others:
        forms = ", ".join(f"{other}: {word.forms.get(other, '...')}" for other in others)
        parts.append(f"forms: {{{forms}}}")
    return f"write it as {{{', '.join(parts)}}}"
