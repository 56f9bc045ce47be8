"""StereoSet's ``dev.json``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from bias_audit.datasets.info import DOUBTS, PAIR_MEASURES, STEREOSET_MEASURES, DatasetInfo, github
from bias_audit.datasets.items import Choice
from bias_audit.datasets.source import Source
from bias_audit.errors import FileError

Kind = Literal["intrasentence", "intersentence"]
BLANK = "BLANK"
_LABELS = ("stereotype", "anti-stereotype", "unrelated")
_SIGNS = " .!?"


def stereoset(sources: Sequence[Source]) -> Iterator[Choice]:
    """Read the items inside a sentence first, then those between sentences."""
    for source in sources:
        data = source.field(source.json(), "data", dict, line=1, of="StereoSet")
        kinds: list[Kind] = [kind for kind in get_args(Kind) if kind in data]
        if not kinds:
            keys = ", ".join(map(str, data)) or "nothing"
            message = f"data: expected 'intrasentence' or 'intersentence', got {keys}"
            raise source.problem(1, message)
        for kind in kinds:
            for number, item in enumerate(source.field(data, kind, list, line=1, of="data")):
                where = f"data.{kind}[{number}]"
                name = str(source.field(item, "id", (str, int), line=1, of=where))
                try:
                    yield _choice(source, kind, name, item, where)
                except FileError as error:  # JSON has lost the lines of its values
                    line = source.line_of(f'"{name}"')
                    raise source.problem(line, error.problems[0].message) from error


def _choice(source: Source, kind: Kind, name: str, item: Any, where: str) -> Choice:
    target, category, context = (
        source.field(item, key, str, line=0, of=where).strip()
        for key in ("target", "bias_type", "context")
    )
    texts: dict[str, str] = {}
    for order, sentence in enumerate(source.field(item, "sentences", list, line=0, of=where)):
        of = f"{where}.sentences[{order}]"
        label = source.field(sentence, "gold_label", str, line=0, of=of)
        source.one_of(label, _LABELS, line=0, of=of)
        texts[label] = source.field(sentence, "sentence", str, line=0, of=of).strip()
    missing = [label for label in _LABELS if not texts.get(label)]
    if missing:
        raise source.problem(0, f"{where}: expected a sentence labelled '{missing[0]}'")
    stereotype, anti, unrelated = sentences = tuple(texts[label] for label in _LABELS)
    left, right, fills = (
        blank_words(context, sentences) if kind == "intrasentence" else ("", "", None)
    )
    return Choice(
        id=name,
        kind=kind,
        category=category,
        target=target,
        context=context,
        stereotype=stereotype,
        anti=anti,
        unrelated=unrelated,
        left=left,
        right=right,
        fills=fills,
    )


def blank_words(
    context: str, sentences: Sequence[str]
) -> tuple[str, str, tuple[str, str, str] | None]:
    """Return the text before the blank, the text after it, and the word of each sentence in it.

    The context has to be there in every sentence, give or take case, spaces and the sign at the
    end. The words are None where it is not, or where the context has several blanks: such items are
    reported as lost, since scoring another word than the blank would be another question.
    """
    if context.count(BLANK) != 1:
        return "", "", None
    left, right = context.split(BLANK)
    words = [_between(sentence, left, right) for sentence in sentences]
    if not all(words):
        return "", "", None
    one, two, three = words
    return left, right, (one, two, three)


def _between(sentence: str, left: str, right: str) -> str:
    """Return the text of ``sentence`` between both parts of its context; empty without them."""
    ends_sentence = not right.strip(_SIGNS)
    for end in dict.fromkeys((right, right.rstrip(_SIGNS), right + ".")):
        start, stop = len(left), len(sentence) - len(end)
        inside = sentence[start:stop].strip()
        same = sentence[:start].casefold() == left.casefold()
        if same and inside and sentence[stop:].casefold() == end.casefold():
            return inside.rstrip(_SIGNS) if ends_sentence else inside
    return ""


DATASETS = (
    DatasetInfo(
        id="stereoset",
        title="StereoSet",
        holds="contexts with a stereotype, an anti-stereotype and an unrelated candidate",
        reader=stereoset,
        give="dev.json",
        layout="JSON: data.intrasentence and data.intersentence, lists of objects with id, target, "
        "bias_type, context (with BLANK in it, where it is one sentence) and sentences, each with "
        "sentence and gold_label (stereotype, anti-stereotype or unrelated)",
        licence="CC BY-SA 4.0",
        quotable=True,
        citation="Nadeem, Bethke and Reddy (2021). StereoSet: Measuring stereotypical bias in "
        "pretrained language models. ACL, 2021.acl-long.416.",
        home="https://github.com/moinnadeem/StereoSet",
        files=github("moinnadeem/StereoSet", "data/", {"dev.json": ""}),
        caution=DOUBTS,
        measures=(*STEREOSET_MEASURES, *PAIR_MEASURES),
        default_measures=STEREOSET_MEASURES,
    ),
)
