"""Sentences with a pronoun and an occupation: WinoBias and Winogender."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from bias_audit.datasets.info import CROWS_MEASURES, PAIR_MEASURES, DatasetInfo, github
from bias_audit.datasets.items import PronounSentence
from bias_audit.datasets.source import Column, Source, describe_columns

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
_WINOGENDER = {"id": Column("sentid"), "text": Column("sentence")}


def winobias(sources: Sequence[Source]) -> Iterator[PronounSentence]:
    """Read WinoBias: numbered lines with ``[the entity]`` and ``[pronoun]`` in brackets.

    A sentence may hold the pronoun twice; the first place is the one to mask, and the second keeps
    its text. Stance, type and split come from the file's name.
    """
    for source in sources:
        name = _NAME.fullmatch(source.path.name)
        if name is None:
            raise source.problem(
                0,
                f"expected a name such as pro_stereotyped_type1.txt.dev, got {source.path.name}",
                "the name says whether the sentences follow the stereotype; give the folder",
            )
        for line, text in source.lines():
            if text.strip():
                yield _marked_sentence(source, line, text, name)


def _marked_sentence(source: Source, line: int, text: str, name: re.Match[str]) -> PronounSentence:
    numbered = _NUMBERED.fullmatch(text.strip())
    if numbered is None:
        raise source.problem(line, f"expected a number and a sentence, got '{text[:60]}'")
    number, sentence = numbered.groups()
    marks = list(_BRACKETS.finditer(sentence))
    pronouns = [mark for mark in marks if mark[1].strip().lower() in PRONOUNS]
    people = [mark for mark in marks if mark not in pronouns]
    if not pronouns or not people:
        counts = f"{len(people)} and {len(pronouns)}"
        message = f"expected one [entity] and a [pronoun] in brackets, got {counts}"
        raise source.problem(line, message)
    mark, pronoun = pronouns[0], pronouns[0][1].strip()
    entity = _ARTICLE.sub("", people[0][1].strip(), count=1)
    stance, kind, split = name.groups()
    return PronounSentence(
        id=f"{kind}.{split}.{number}.{stance}",
        left=re.sub(r"[\[\]]", "", sentence[: mark.start()]),
        pronoun=pronoun,
        right=re.sub(r"[\[\]]", "", sentence[mark.end() :]),
        gender=PRONOUNS[pronoun.lower()],
        entity=entity,
        occupation=entity,
        stance=cast(Literal["pro", "anti"], stance),
        kind=kind,
        split=split,
        line=line,
    )


def winogender(sources: Sequence[Source]) -> Iterator[PronounSentence]:
    """Read Winogender: ``all_sentences.tsv`` with an id such as ``cook.guest.1.female.txt``.

    The number in the id says whom the pronoun refers to: 0 the occupation, 1 the other person.
    """
    for source in sources:
        for row in source.rows(_WINOGENDER):
            name, text = row.values["id"], row.values["text"]
            parts = _SENTENCE_ID.fullmatch(name)
            if parts is None:
                message = f"expected an id such as cook.guest.1.female.txt, got '{name}'"
                raise source.problem(row.line, message)
            occupation, other, answer, gender = parts.groups()
            words = "|".join(word for word, of in PRONOUNS.items() if of == gender)
            pronoun = re.search(rf"\b(?:{words})\b", text, re.IGNORECASE)
            if pronoun is None:
                raise source.problem(row.line, f"expected a {gender} pronoun in the sentence")
            yield PronounSentence(
                id=name.removesuffix(".txt"),
                left=text[: pronoun.start()],
                pronoun=pronoun[0],
                right=text[pronoun.end() :],
                gender=cast(Gender, gender),
                entity=other if answer == "1" else occupation,
                occupation=occupation,
                other=other,
                line=row.line,
            )


_WINOBIAS_DIGESTS = {
    ("pro", "type1.txt.dev"): "dd55a0d220fe4c0ceb63dd4648223fb4fe1a58d5ad95c116a002ad24b0e292a5",
    ("anti", "type1.txt.dev"): "a4e0ebae344e78b56f657a42e8ae684b9db7747d177c5e7149c0907ebb7f3bf6",
    ("pro", "type2.txt.dev"): "8f0250de723cea9328e3eaf7169e07936f01aa5909ce7aa580db66eb803f4e86",
    ("anti", "type2.txt.dev"): "763ad829ad724f9a85ead689ba8ca69072020cb1238def6210f0fc6a47b97e59",
    ("pro", "type1.txt.test"): "db7838907238a758eeb5779e48f38c013b892910d6fe864456c59f04245c6689",
    ("anti", "type1.txt.test"): "331db5bd74bfefebf146a60b67645152a4a1991570d2a56f57154103ac361dd2",
    ("pro", "type2.txt.test"): "ea1c1fd94fa612e3cc44d7fa3cc4cb76021bb63fdf94f9826f430051e9052438",
    ("anti", "type2.txt.test"): "336571ac1ea8c06cd2aba8e5dd2bd98e00acc0c48da3e4ec5ec7e54eb2633a8f",
}
"""Digests by stance, and type and split."""
DATASETS = (
    DatasetInfo(
        id="winobias",
        title="WinoBias",
        holds="sentences with a pronoun and two occupations, for and against the stereotype",
        reader=winobias,
        give="the folder with {pro,anti}_stereotyped_type{1,2}.txt.{dev,test}, or one such file",
        layout="a number and a sentence in each line, with [the person] and the [pronoun] in "
        "brackets",
        patterns=("*_stereotyped_type[12].txt.*",),
        licence="MIT",
        quotable=True,
        citation="Zhao, Wang, Yatskar, Ordonez and Chang (2018). Gender Bias in Coreference "
        "Resolution. NAACL, N18-2003.",
        home="https://github.com/uclanlp/corefBias",
        files=github(
            "uclanlp/corefBias",
            "WinoBias/wino/data/",
            {f"{way}_stereotyped_{rest}": sha for (way, rest), sha in _WINOBIAS_DIGESTS.items()},
        ),
        caution="Made for coreference systems; sentences of type 2 can be resolved by syntax.",
        measures=PAIR_MEASURES,
        default_measures=CROWS_MEASURES,
    ),
    DatasetInfo(
        id="winogender",
        title="Winogender schemas",
        holds="sentences with a pronoun, an occupation and another person",
        reader=winogender,
        give="all_sentences.tsv",
        layout=describe_columns(_WINOGENDER.values()),
        licence="MIT",
        quotable=True,
        citation="Rudinger, Naradowsky, Leonard and Van Durme (2018). Gender Bias in Coreference "
        "Resolution. NAACL, N18-2002.",
        home="https://github.com/rudinger/winogender-schemas",
        files=github(
            "rudinger/winogender-schemas",
            "data/",
            {
                "all_sentences.tsv": (
                    "bd69da16bf228cb8df63fd0843aec2d8b5c36a7f21bf8c7b168bcc83932556c8"
                )
            },
        ),
        caution="Made for coreference systems. It may show a bias; it cannot show that there is "
        "none, as its authors say.",
    ),
)
