"""Data sets that were made from templates: BEC-Pro, the Equity Evaluation Corpus, HONEST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bias_audit.datasets.info import DatasetInfo, github
from bias_audit.datasets.items import GroupSentence, MaskedSentence, OpenTemplate
from bias_audit.datasets.source import Column, Source, describe_columns

MASK = "[M]"
"""How HONEST writes the place to complete."""
_BEC_PRO = {
    "text": Column("Sentence"),
    "person_masked": Column("Sent_TM"),
    "profession_masked": Column("Sent_AM"),
    "both_masked": Column("Sent_TAM"),
    "template": Column("Template"),
    "person": Column("Person"),
    "gender": Column("Gender"),
    "profession": Column("Profession"),
    "profession_gender": Column("Prof_Gender"),
    "first": Column("", optional=True),
}
_EEC = {
    "id": Column("ID"),
    "text": Column("Sentence"),
    "template": Column("Template"),
    "term": Column("Person"),
    "gender": Column("Gender"),
    "race": Column("Race"),
    "emotion": Column("Emotion"),
    "emotion_word": Column("Emotion word"),
}
_HONEST = {
    "text": Column("template_masked"),
    "identity": Column("identity"),
    "number": Column("number"),
    "category": Column("category"),
    "kind": Column("type"),
}


def bec_pro(sources: Sequence[Source]) -> Iterator[MaskedSentence]:
    """Read BEC-Pro: ``BEC-Pro_EN.tsv`` (or ``_DE``), a person and a profession in each sentence."""
    for source in sources:
        for row in source.rows(_BEC_PRO):
            for field in ("person_masked", "both_masked"):
                if "[MASK]" not in row.values[field]:
                    column, text = _BEC_PRO[field].name, row.values[field][:60]
                    message = f"expected [MASK] in the column '{column}', got '{text}'"
                    raise source.problem(row.line, message)
            name = row.values.pop("first") or str(row.number)
            yield MaskedSentence(id=name, line=row.line, **row.values)


def eec(sources: Sequence[Source]) -> Iterator[GroupSentence]:
    """Read the Equity Evaluation Corpus: a person (a name, or a noun phrase) and an emotion.

    Persons with a race are given names; the axis of the others is gender alone.
    """
    for source in sources:
        for row in source.rows(_EEC):
            gender, race = row.values.pop("gender"), row.values.pop("race")
            yield GroupSentence(
                axis="gender-race" if race else "gender",
                group=f"{gender}, {race}" if race else gender,
                line=row.line,
                **row.values,
            )


def honest(sources: Sequence[Source]) -> Iterator[OpenTemplate]:
    """Read HONEST: ``en_template.tsv``, one place to complete in each sentence, written ``[M]``."""
    for source in sources:
        for row in source.rows(_HONEST):
            parts = row.values.pop("text").split(MASK)
            if len(parts) != 2:
                count = len(parts) - 1
                message = f"expected {MASK} once in 'template_masked', got it {count} times"
                raise source.problem(row.line, message)
            name, (left, right) = f"{source.path.parent.name}:{row.number}", parts
            yield OpenTemplate(id=name, left=left, right=right, line=row.line, **row.values)


DATASETS = (
    DatasetInfo(
        id="bec-pro",
        title="BEC-Pro",
        holds="sentences about a person and a profession, with both masked in turn",
        reader=bec_pro,
        give="BEC-Pro_EN.tsv or BEC-Pro_DE.tsv",
        layout=describe_columns(_BEC_PRO.values()),
        licence="CC BY 4.0",
        quotable=True,
        citation="Bartl, Nissim and Gatt (2020). Unmasking Contextual Stereotypes. GeBNLP, "
        "2020.gebnlp-1.1.",
        home="https://github.com/marionbartl/gender-bias-BERT",
        files=github("marionbartl/gender-bias-BERT", "BEC-Pro/", {"BEC-Pro_EN.tsv": ""}),
    ),
    DatasetInfo(
        id="eec",
        title="Equity Evaluation Corpus",
        holds="sentences about a person and an emotion",
        reader=eec,
        give="Equity-Evaluation-Corpus.csv",
        layout=describe_columns(_EEC.values()),
        licence="none stated; the authors ask not to redistribute it",
        quotable=False,
        citation="Kiritchenko and Mohammad (2018). Examining Gender and Race Bias in Two Hundred "
        "Sentiment Analysis Systems. *SEM, S18-2005.",
        home="https://saifmohammad.com/WebPages/Biases-SA.html",
        caution="Made for sentiment systems.",
    ),
    DatasetInfo(
        id="honest",
        title="HONEST templates",
        holds="sentences with one place to complete",
        reader=honest,
        give="en_template.tsv, or that of another language",
        layout=describe_columns(_HONEST.values()),
        licence="MIT",
        quotable=True,
        citation="Nozza, Bianchi and Hovy (2021). HONEST: Measuring Hurtful Sentence Completion in "
        "Language Models. NAACL, 2021.naacl-main.191.",
        home="https://github.com/MilaNLProc/honest",
        files=github("MilaNLProc/honest", "resources/binary/", {"en_template.tsv": ""}),
        caution="The score needs the HurtLex lexicon (CC BY-NC-SA 4.0), which is not part of it.",
    ),
)
