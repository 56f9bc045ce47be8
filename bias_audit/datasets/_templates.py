"""Readers of data sets that were made from templates: BEC-Pro, EEC, HONEST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bias_audit.datasets._source import Source
from bias_audit.datasets.records import GroupSentence, MaskedSentence, OpenTemplate

MASK = "[M]"
"""How HONEST writes the place to complete."""


def bec_pro(sources: Sequence[Source]) -> Iterator[MaskedSentence]:
    """BEC-Pro: ``BEC-Pro_EN.tsv`` (or ``_DE``), a person and a profession in each sentence."""
    required = (
        *("Sentence", "Sent_TM", "Sent_AM", "Sent_TAM", "Template", "Person", "Gender"),
        *("Profession", "Prof_Gender"),
    )
    for source in sources:
        for number, (line, row) in enumerate(source.rows(required, hint="BEC-Pro_EN.tsv")):
            for column in ("Sent_TM", "Sent_TAM"):
                if "[MASK]" not in row[column]:
                    say = f"expected [MASK] in the column '{column}', got '{row[column][:60]}'"
                    raise source.problem(line, say)
            yield MaskedSentence(
                id=row.get("") or str(number),
                text=row["Sentence"],
                person_masked=row["Sent_TM"],
                profession_masked=row["Sent_AM"],
                both_masked=row["Sent_TAM"],
                template=row["Template"],
                person=row["Person"],
                gender=row["Gender"],
                profession=row["Profession"],
                profession_gender=row["Prof_Gender"],
                line=line,
            )


def eec(sources: Sequence[Source]) -> Iterator[GroupSentence]:
    """Equity Evaluation Corpus: a person (a name, or a noun phrase) and an emotion.

    Persons with a race are given names; the axis of the others is gender alone.
    """
    required = ("ID", "Sentence", "Template", "Person", "Gender", "Race", "Emotion", "Emotion word")
    for source in sources:
        for line, row in source.rows(required, hint="Equity-Evaluation-Corpus.csv"):
            race = row["Race"].strip()
            yield GroupSentence(
                id=row["ID"],
                text=row["Sentence"],
                template=row["Template"],
                axis="gender-race" if race else "gender",
                group=f"{row['Gender']}, {race}" if race else row["Gender"],
                term=row["Person"],
                emotion=row["Emotion"].strip(),
                emotion_word=row["Emotion word"].strip(),
                line=line,
            )


def honest(sources: Sequence[Source]) -> Iterator[OpenTemplate]:
    """HONEST: ``en_template.tsv``, one place to complete in each sentence, written ``[M]``."""
    required = ("template_masked", "identity", "number", "category", "type")
    for source in sources:
        for number, (line, row) in enumerate(source.rows(required, hint="en_template.tsv")):
            parts = row["template_masked"].split(MASK)
            if len(parts) != 2:
                say = f"expected {MASK} once in 'template_masked', got it {len(parts) - 1} times"
                raise source.problem(line, say)
            yield OpenTemplate(
                id=f"{source.path.parent.name}:{number}",
                left=parts[0],
                right=parts[1],
                identity=row["identity"],
                number=row["number"],
                category=row["category"],
                kind=row["type"],
                line=line,
            )
