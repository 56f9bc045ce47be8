"""Reader of StereoSet's ``dev.json``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from bias_audit.datasets._source import Source
from bias_audit.datasets.records import Choice
from bias_audit.errors import FileError

Kind = Literal["intrasentence", "intersentence"]
BLANK = "BLANK"
_LABELS = ("stereotype", "anti-stereotype", "unrelated")
_SIGNS = " .!?"
_Fills = tuple[str, str, tuple[str, str, str]]
"""Text before the blank, after it, and the three words."""


def stereoset(sources: Sequence[Source]) -> Iterator[Choice]:
    """Items inside a sentence first, then those between sentences."""
    for source in sources:
        data = source.field(source.json(), "data", dict, line=1, of="StereoSet")
        kinds: list[Kind] = [kind for kind in get_args(Kind) if kind in data]
        if not kinds:
            said = ", ".join(map(str, data)) or "nothing"
            say = f"data: expected 'intrasentence' or 'intersentence', got {said}"
            raise source.problem(1, say)
        for kind in kinds:
            for number, item in enumerate(source.field(data, kind, list, line=1, of="data")):
                where = f"data.{kind}[{number}]"
                name = str(source.field(item, "id", (str, int), line=1, of=where))
                try:
                    yield _item(source, kind, name, item, where)
                except FileError as error:  # JSON has lost the places of its values
                    line = source.line_of(f'"{name}"')
                    raise source.problem(line, error.problems[0].message) from error


def _item(source: Source, kind: Kind, name: str, item: Any, where: str) -> Choice:
    values = {
        key: source.field(item, key, str, line=0, of=where).strip()
        for key in ("target", "bias_type", "context")
    }
    texts: dict[str, str] = {}
    for order, sentence in enumerate(source.field(item, "sentences", list, line=0, of=where)):
        of = f"{where}.sentences[{order}]"
        label = source.field(sentence, "gold_label", str, line=0, of=of)
        source.one_of(label, _LABELS, line=0, of=of)
        texts[label] = source.field(sentence, "sentence", str, line=0, of=of).strip()
    missing = [label for label in _LABELS if not texts.get(label)]
    if missing:
        raise source.problem(0, f"{where}: expected a sentence labelled '{missing[0]}'")
    sentences = tuple(texts[label] for label in _LABELS)
    found = fills(values["context"], sentences) if kind == "intrasentence" else None
    return Choice(
        id=name,
        kind=kind,
        category=values["bias_type"],
        target=values["target"],
        context=values["context"],
        stereotype=sentences[0],
        anti=sentences[1],
        unrelated=sentences[2],
        left=found[0] if found else "",
        right=found[1] if found else "",
        fills=found[2] if found else None,
    )


def fills(context: str, sentences: Sequence[str]) -> _Fills | None:
    """Return what stands in the blank of each sentence, with the text around it.

    The context has to be there in every sentence, give or take case, spaces and the sign at the
    end. None where it is not, or where the context has several blanks: such items are reported as
    lost, since scoring another word than the blank would be another question.
    """
    if context.count(BLANK) != 1:
        return None
    left, right = context.split(BLANK)
    words = [_between(sentence, left, right) for sentence in sentences]
    if not all(words):
        return None
    one, two, three = (word or "" for word in words)
    return left, right, (one, two, three)


def _between(sentence: str, left: str, right: str) -> str | None:
    """The text of ``sentence`` between both parts of its context."""
    last = not right.strip(_SIGNS)
    for end in dict.fromkeys((right, right.rstrip(_SIGNS), right + ".")):
        start, stop = len(left), len(sentence) - len(end)
        inside = sentence[start:stop].strip()
        same = sentence[:start].casefold() == left.casefold()
        if same and inside and sentence[stop:].casefold() == end.casefold():
            return inside.rstrip(_SIGNS) if last else inside
    return None
