"""HolisticBias: makes the sentences from its descriptor, noun and template files.

The full data set is about 460,000 sentences, so they come one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bias_audit.datasets._source import Source
from bias_audit.datasets.records import GroupSentence

FILES = (
    "descriptors.json",
    "nouns.json",
    "sentence_templates.json",
    "standalone_noun_phrases.json",
)
NO_PREFERENCE = "no_data"
NO_GROUP = "(none)"
"""What stands for the descriptor of sentences that have none, and for the noun of those without."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Phrase:
    """A way to name somebody, singular and plural."""

    axis: str
    group: str
    descriptor: str
    one: str
    many: str
    noun: str = NO_GROUP
    noun_gender: str = ""
    preference: str = NO_PREFERENCE


_Nouns = list[tuple[str, str, str]]
"""Gender, singular, plural."""


def holistic_bias(sources: Sequence[Source]) -> Iterator[GroupSentence]:
    """Every descriptor with every noun in every template, and the nouns alone as a control.

    Templates that need a noun are left out for phrases without one, as the authors' generator does.
    """
    by_name = {source.path.name: source for source in sources}
    descriptors, nouns, templates, standalone = (by_name[name] for name in FILES)
    people = _nouns(nouns)
    frames = _frames(templates)
    count = 0
    for phrase in _phrases(descriptors, standalone, people):
        for text, must_be_noun in frames:
            if must_be_noun and phrase.noun == NO_GROUP:
                continue
            singular = "{noun_phrase}" in text
            named = phrase.one if singular else phrase.many
            yield GroupSentence(
                id=str(count),
                text=text.replace("{noun_phrase}", named).replace("{plural_noun_phrase}", named),
                template=text,
                axis=phrase.axis,
                group=phrase.group,
                term=phrase.descriptor,
                noun=phrase.noun,
                noun_gender=phrase.noun_gender,
                preference=phrase.preference,
            )
            count += 1


def _phrases(descriptors: Source, standalone: Source, people: _Nouns) -> Iterator[_Phrase]:
    for gender, noun, plural in people:
        yield _Phrase(
            axis="null",
            group=NO_GROUP,
            descriptor=NO_GROUP,
            one=f"{article(noun)} {noun}",
            many=plural,
            noun=noun,
            noun_gender=gender,
        )
    for axis, bucket, line, entry in _entries(descriptors):
        yield from _described(descriptors, axis, bucket, line, entry, people)
    for axis, _, line, entry in _entries(standalone):
        yield from _fixed(standalone, axis, line, entry, people)


def _described(
    source: Source, axis: str, bucket: str, line: int, entry: Mapping[str, Any], people: _Nouns
) -> Iterator[_Phrase]:
    """A descriptor alone, and before every noun that it may stand before."""
    word = source.field(entry, "descriptor", str, line=line, of=axis)
    preference = str(entry.get("preference", NO_PREFERENCE))
    shared: dict[str, Any] = {"axis": axis, "group": bucket, "descriptor": word}
    shared["preference"] = preference
    yield _Phrase(one=word, many=word, **shared)
    before = entry.get("article", article(word))
    for gender, noun, plural in people:
        if entry.get("gender") in (None, gender):
            yield _Phrase(
                one=f"{before} {word} {noun}",
                many=f"{word} {plural}",
                noun=noun,
                noun_gender=gender,
                **shared,
            )


def _fixed(
    source: Source, axis: str, line: int, entry: Mapping[str, Any], people: _Nouns
) -> Iterator[_Phrase]:
    """A phrase of its own, or one with a place for the noun."""
    text = source.field(entry, "noun_phrase", str, line=line, of=axis)
    plural_text = str(entry.get("plural_noun_phrase", text))
    shared: dict[str, Any] = {"axis": axis, "group": NO_GROUP}
    shared["preference"] = str(entry.get("preference", NO_PREFERENCE))
    if "{noun}" not in text:
        yield _Phrase(descriptor=text, one=text, many=plural_text, **shared)
        return
    name = text.replace("{article}", "").replace("{noun}", "").strip()
    for gender, noun, plural in people:
        yield _Phrase(
            descriptor=name,
            one=text.replace("{article}", article(noun)).replace("{noun}", noun),
            many=plural_text.replace("{article}", "").replace("{noun}", plural).lstrip(),
            noun=noun,
            noun_gender=gender,
            **shared,
        )


def _entries(source: Source) -> Iterator[tuple[str, str, int, Mapping[str, Any]]]:
    """Axis, bucket, line and entry; an entry that is only a text becomes an object."""
    key = "descriptor" if source.path.name == FILES[0] else "noun_phrase"
    whole = _object(source)
    for axis, inside in whole.items():
        line = source.line_of(f'"{axis}"')
        buckets = inside if isinstance(inside, dict) else {NO_GROUP: inside}
        for bucket, entries in buckets.items():
            if not isinstance(entries, list):
                raise source.problem(line, f"{axis}.{bucket}: expected a list of {key}s")
            for entry in entries:
                yield axis, bucket, line, {key: entry} if isinstance(entry, str) else entry


def _nouns(source: Source) -> _Nouns:
    found: _Nouns = []
    for gender, pairs in _object(source).items():
        line = source.line_of(f'"{gender}"')
        for pair in pairs if isinstance(pairs, list) else [None]:
            if not isinstance(pair, list) or len(pair) != 2:
                say = f"{gender}: expected pairs of a singular and a plural noun"
                raise source.problem(line, say)
            found.append((gender, str(pair[0]), str(pair[1])))
    return found


def _frames(source: Source) -> list[tuple[str, bool]]:
    frames = []
    for text, wanted in _object(source).items():
        if ("{noun_phrase}" in text) == ("{plural_noun_phrase}" in text):
            raise source.problem(
                source.line_of(text[:20]),
                f"expected {{noun_phrase}} or {{plural_noun_phrase}} in '{text}'",
            )
        frames.append((text, bool(wanted.get("must_be_noun")) if wanted else False))
    return frames


def _object(source: Source) -> dict[str, Any]:
    whole = source.json()
    if not isinstance(whole, dict):
        raise source.problem(1, "expected a JSON object with one key for each axis or group")
    return whole


def article(text: str) -> str:
    """The indefinite article as the authors' generator chooses it, by the first letter."""
    return "an" if text[:1].lower() in "aeiou" else "a"
