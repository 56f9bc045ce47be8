"""Readers of BBQ and of the SEAT tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from bias_audit.datasets._source import Source
from bias_audit.datasets.records import Question, TermSet

_ROLES = ("targ1", "targ2", "attr1", "attr2")
UNKNOWN = "unknown"


def seat(sources: Sequence[Source]) -> Iterator[TermSet]:
    """SEAT: one JSON object with four sets of sentences (``sent-weat6.jsonl``)."""
    for source in sources:
        whole = source.json()
        for role in _ROLES:
            block = source.field(whole, role, dict, line=1, of=source.path.name)
            line = source.line_of(f'"{role}"')
            category = source.field(block, "category", str, line=line, of=role)
            examples = source.field(block, "examples", list, line=line, of=role)
            if not examples or not all(isinstance(text, str) for text in examples):
                raise source.problem(line, f"{role}: expected a list of texts in 'examples'")
            yield TermSet(
                test=source.path.stem,
                role=cast(Any, role),
                category=category,
                examples=tuple(examples),
                line=line,
            )


def bbq(sources: Sequence[Source]) -> Iterator[Question]:
    """BBQ: one question on each line, three answers, one of them 'unknown'."""
    for source in sources:
        for line, item in source.objects():
            yield _question(source, line, item)


def _question(source: Source, line: int, item: dict[str, Any]) -> Question:
    def text(key: str) -> str:
        return str(source.field(item, key, str, line=line, of="BBQ"))

    names = ("ans0", "ans1", "ans2")
    about = source.field(item, "answer_info", dict, line=line, of="BBQ")
    tags = [source.field(about, name, list, line=line, of="answer_info") for name in names]
    if any(len(tag) < 2 for tag in tags):
        raise source.problem(line, "answer_info: expected a name and a group for each answer")
    more = source.field(item, "additional_metadata", dict, line=line, of="BBQ")
    stereotyped = source.field(
        more, "stereotyped_groups", list, line=line, of="additional_metadata"
    )
    label = source.field(item, "label", int, line=line, of="BBQ")
    if label not in range(3):
        raise source.problem(line, f"label: expected 0, 1 or 2, got {label}")
    conditions = ("ambig", "disambig")
    condition = source.one_of(
        text("context_condition"), conditions, line=line, of="context_condition"
    )
    polarity = source.one_of(
        text("question_polarity"), ("neg", "nonneg"), line=line, of="question_polarity"
    )
    category, number = text("category"), item.get("example_id", line)
    one, two, three = (text(name) for name in names)
    first, second, third = (str(tag[1]) for tag in tags)
    return Question(
        id=f"{category}.{number}",
        category=category,
        context=text("context"),
        condition=cast(Any, condition),
        question=text("question"),
        polarity=cast(Any, polarity),
        answers=(one, two, three),
        groups=(first, second, third),
        stereotyped=tuple(map(str, stereotyped)),
        label=label,
        cluster=f"{category}.{item.get('question_index', '')}",
        line=line,
    )
