"""Readers of WinoBias and Winogender: sentences with a pronoun and an occupation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from bias_audit.datasets._source import Source
from bias_audit.datasets.records import PronounSentence

Gender = Literal["female", "male", "neutral"]
PRONOUNS: dict[str, Gender] = {
    **dict.fromkeys(("she", "her", "hers", "herself"), "female"),
    **dict.fromkeys(("he", "him", "his", "himself"), "male"),
    **dict.fromkeys(("they", "them", "their", "theirs", "themself", "themselves"), "neutral"),
}
_NAME = re.compile(r"(pro|anti)_stereotyped_(type[12])\.txt\.(\w+)")
_NUMBERED = re.compile(r"(\d+)\s+(.*\S)")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_SENTENCE_ID = re.compile(r"([^.]+)\.([^.]+)\.([01])\.(male|female|neutral)\.txt")
_ARTICLE = re.compile(r"(?:the|a|an) ", re.IGNORECASE)


def winobias(sources: Sequence[Source]) -> Iterator[PronounSentence]:
    """WinoBias: numbered lines with ``[the entity]`` and ``[pronoun]`` in brackets.

    A sentence may hold the pronoun twice; the first place is the one to mask, and the second keeps
    its text. Stance, type and split come from the file's name.
    """
    for source in sources:
        named = _NAME.fullmatch(source.path.name)
        if named is None:
            raise source.problem(
                0,
                f"expected a name such as pro_stereotyped_type1.txt.dev, got {source.path.name}",
                "the name says whether the sentences follow the stereotype; give the folder",
            )
        for line, text in source.lines():
            if text.strip():
                yield _marked(source, line, text, named)


def _marked(source: Source, line: int, text: str, named: re.Match[str]) -> PronounSentence:
    numbered = _NUMBERED.fullmatch(text.strip())
    if numbered is None:
        raise source.problem(line, f"expected a number and a sentence, got '{text[:60]}'")
    number, sentence = numbered[1], numbered[2]
    marks = list(_BRACKETS.finditer(sentence))
    spoken = [mark for mark in marks if mark[1].strip().lower() in PRONOUNS]
    people = [mark for mark in marks if mark not in spoken]
    if not spoken or not people:
        raise source.problem(
            line,
            f"expected one [entity] and a [pronoun] in brackets, got {len(people)} and "
            f"{len(spoken)}",
        )
    mark = spoken[0]
    entity = _ARTICLE.sub("", people[0][1].strip(), count=1)
    stance, kind, split = named.groups()
    return PronounSentence(
        id=f"{kind}.{split}.{number}.{stance}",
        left=_bare(sentence[: mark.start()]),
        pronoun=mark[1].strip(),
        right=_bare(sentence[mark.end() :]),
        gender=PRONOUNS[mark[1].strip().lower()],
        entity=entity,
        occupation=entity,
        stance=cast(Literal["pro", "anti"], stance),
        kind=kind,
        split=split,
        line=line,
    )


def winogender(sources: Sequence[Source]) -> Iterator[PronounSentence]:
    """Winogender: ``all_sentences.tsv`` with an id such as ``cook.guest.1.female.txt``.

    The number in the id says whom the pronoun refers to: 0 the occupation, 1 the other person.
    """
    hint = "expected all_sentences.tsv, not the templates"
    for source in sources:
        for line, row in source.rows(("sentid", "sentence"), hint=hint):
            found = _SENTENCE_ID.fullmatch(row["sentid"])
            if found is None:
                say = "expected an id such as cook.guest.1.female.txt"
                raise source.problem(line, f"{say}, got '{row['sentid']}'")
            occupation, other, answer, gender = found.groups()
            words = "|".join(word for word, of in PRONOUNS.items() if of == gender)
            spoken = re.search(rf"\b(?:{words})\b", row["sentence"], re.IGNORECASE)
            if spoken is None:
                raise source.problem(line, f"expected a {gender} pronoun in the sentence")
            yield PronounSentence(
                id=row["sentid"].removesuffix(".txt"),
                left=row["sentence"][: spoken.start()],
                pronoun=spoken[0],
                right=row["sentence"][spoken.end() :],
                gender=cast(Gender, gender),
                entity=other if answer == "1" else occupation,
                occupation=occupation,
                other=other,
                line=line,
            )


def _bare(text: str) -> str:
    return text.replace("[", "").replace("]", "")
