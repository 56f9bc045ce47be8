"""HolisticBias: makes the sentences from its descriptor, noun and template files.

The full data set is 472,991 sentences (v1.0) or 566,625 (v1.1), so they come one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bias_audit.datasets.info import LIKELIHOOD_MEASURES, DatasetInfo, github
from bias_audit.datasets.items import GroupSentence
from bias_audit.datasets.source import Source

FILES = (
    *("descriptors.json", "nouns.json", "sentence_templates.json"),
    "standalone_noun_phrases.json",
)
NO_PREFERENCE = "no_data"
NO_GROUP = "(none)"
"""The descriptor of sentences that have none, and the noun of those without."""
_Nouns = list[tuple[str, str, str]]
"""Gender, singular, plural."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Phrase:
    """A way to name a person, singular and plural."""

    axis: str
    group: str
    descriptor: str
    one: str
    many: str
    noun: str = NO_GROUP
    noun_gender: str = ""
    preference: str = NO_PREFERENCE


def holistic_bias(sources: Sequence[Source]) -> Iterator[GroupSentence]:
    """Make every descriptor with every noun in every template, and the nouns alone as a control.

    Templates that need a noun are left out for phrases without one, as the authors' generator does.
    """
    by_name = {source.path.name: source for source in sources}
    descriptors, nouns, templates, standalone = (by_name[name] for name in FILES)
    people, frames = _read_nouns(nouns), _read_templates(templates)
    count = 0
    for phrase in _phrases(descriptors, standalone, people):
        for text, must_be_noun in frames:
            if must_be_noun and phrase.noun == NO_GROUP:
                continue
            name = phrase.one if "{noun_phrase}" in text else phrase.many
            yield GroupSentence(
                id=str(count),
                text=text.replace("{noun_phrase}", name).replace("{plural_noun_phrase}", name),
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
    for axis, bucket, line, entry in _entries(descriptors, "descriptor"):
        word = descriptors.field(entry, "descriptor", str, line=line, of=axis)
        yield from _with_nouns(axis, bucket, word, entry, people)
    for axis, _, line, entry in _entries(standalone, "noun_phrase"):
        text = standalone.field(entry, "noun_phrase", str, line=line, of=axis)
        yield from _standalone(axis, text, entry, people)


def _with_nouns(
    axis: str, bucket: str, word: str, entry: Mapping[str, Any], people: _Nouns
) -> Iterator[_Phrase]:
    """Yield a descriptor alone, and before every noun that it fits."""
    shared: dict[str, Any] = {"axis": axis, "group": bucket, "descriptor": word}
    shared["preference"] = str(entry.get("preference", NO_PREFERENCE))
    yield _Phrase(one=word, many=word, **shared)
    before = entry.get("article", article(word))
    for gender, noun, plural in people:
        if entry.get("gender") in (None, gender):
            one, many = f"{before} {word} {noun}", f"{word} {plural}"
            yield _Phrase(one=one, many=many, noun=noun, noun_gender=gender, **shared)


def _standalone(
    axis: str, text: str, entry: Mapping[str, Any], people: _Nouns
) -> Iterator[_Phrase]:
    """Yield a phrase of its own, or one with a slot for the noun."""
    plural_text = str(entry.get("plural_noun_phrase", text))
    shared: dict[str, Any] = {"axis": axis, "group": NO_GROUP}
    shared["preference"] = str(entry.get("preference", NO_PREFERENCE))
    if "{noun}" not in text:
        yield _Phrase(descriptor=text, one=text, many=plural_text, **shared)
        return
    shared["descriptor"] = text.replace("{article}", "").replace("{noun}", "").strip()
    for gender, noun, plural in people:
        one = text.replace("{article}", article(noun)).replace("{noun}", noun)
        many = plural_text.replace("{article}", "").replace("{noun}", plural).lstrip()
        yield _Phrase(one=one, many=many, noun=noun, noun_gender=gender, **shared)


def _entries(source: Source, key: str) -> Iterator[tuple[str, str, int, Mapping[str, Any]]]:
    """Yield axis, bucket, line and entry; an entry that is only a text becomes an object."""
    for axis, content in _object(source).items():
        line = source.line_of(f'"{axis}"')
        buckets = content if isinstance(content, dict) else {NO_GROUP: content}
        for bucket, entries in buckets.items():
            if not isinstance(entries, list):
                raise source.problem(line, f"{axis}.{bucket}: expected a list of {key}s")
            for entry in entries:
                yield axis, bucket, line, {key: entry} if isinstance(entry, str) else entry


def _read_nouns(source: Source) -> _Nouns:
    nouns: _Nouns = []
    for gender, pairs in _object(source).items():
        for pair in pairs if isinstance(pairs, list) else [None]:
            if not isinstance(pair, list) or len(pair) != 2:
                message = f"{gender}: expected pairs of a singular and a plural noun"
                raise source.problem(source.line_of(f'"{gender}"'), message)
            nouns.append((gender, str(pair[0]), str(pair[1])))
    return nouns


def _read_templates(source: Source) -> list[tuple[str, bool]]:
    """Return the templates, and whether each needs a noun."""
    templates = []
    for text, options in _object(source).items():
        if ("{noun_phrase}" in text) == ("{plural_noun_phrase}" in text):
            message = f"expected {{noun_phrase}} or {{plural_noun_phrase}} in '{text}'"
            raise source.problem(source.line_of(text[:20]), message)
        must = isinstance(options, dict) and bool(options.get("must_be_noun"))
        templates.append((text, must))
    return templates


def _object(source: Source) -> dict[str, Any]:
    content = source.json()
    if not isinstance(content, dict):
        raise source.problem(1, "expected a JSON object with one key for each axis or group")
    return content


def article(text: str) -> str:
    """Return the indefinite article as the authors' generator chooses it, by the first letter."""
    return "an" if text[:1].lower() in "aeiou" else "a"


DATASETS = (
    DatasetInfo(
        id="holistic-bias",
        title="HolisticBias",
        holds="sentences, made from descriptors, nouns and templates",
        reader=holistic_bias,
        give="the folder with descriptors.json, nouns.json, sentence_templates.json and "
        "standalone_noun_phrases.json",
        layout="JSON: descriptors by axis and bucket, pairs of nouns by gender, sentence templates "
        "with {noun_phrase} or {plural_noun_phrase}, and noun phrases by axis",
        parts=FILES,
        licence="CC BY-SA 4.0 (data), MIT (code)",
        quotable=True,
        citation="Smith, Hall, Kambadur, Presani and Williams (2022). I'm sorry to hear that: "
        "Finding New Biases in Language Models with a Holistic Descriptor Dataset. EMNLP, "
        "2022.emnlp-main.625.",
        home="https://github.com/facebookresearch/ResponsibleNLP/tree/main/holistic_bias",
        files=github(
            "facebookresearch/ResponsibleNLP",
            "holistic_bias/dataset/v1.0/",
            dict.fromkeys(FILES, ""),
        ),
        caution="Some descriptors are marked as dispreferred or polarizing; the mark is kept.",
        measures=LIKELIHOOD_MEASURES,
        default_measures=LIKELIHOOD_MEASURES,
    ),
)
