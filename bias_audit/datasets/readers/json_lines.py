"""Data sets in JSON: BBQ and the SEAT tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from bias_audit.datasets.info import PAIR_MEASURES, DatasetInfo, github
from bias_audit.datasets.items import Question, TermSet
from bias_audit.datasets.source import Source

_ROLES = ("targ1", "targ2", "attr1", "attr2")
_ANSWERS = ("ans0", "ans1", "ans2")
_BBQ_FILES = (
    *("Age", "Disability_status", "Gender_identity", "Nationality", "Physical_appearance"),
    *("Race_ethnicity", "Race_x_SES", "Race_x_gender", "Religion", "SES", "Sexual_orientation"),
)
_SEAT_TESTS = ("1", "2", "3", "3b", "4", "5", "5b", "6", "6b", "7", "7b", "8", "8b", "9", "10")


def seat(sources: Sequence[Source]) -> Iterator[TermSet]:
    """Read SEAT: one JSON object with four sets of sentences (``sent-weat6.jsonl``)."""
    for source in sources:
        test = source.json()
        for role in _ROLES:
            block = source.field(test, role, dict, line=1, of=source.path.name)
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
    """Read BBQ: one question on each line, three answers, one of them 'unknown'."""
    for source in sources:
        for line, item in source.objects():
            yield _question(source, line, item)


def _question(source: Source, line: int, item: dict[str, Any]) -> Question:
    def get(key: str, kind: type, *, of: str = "BBQ", inside: Any = item) -> Any:
        return source.field(inside, key, kind, line=line, of=of)

    info = get("answer_info", dict)
    tags = [get(name, list, of="answer_info", inside=info) for name in _ANSWERS]
    if any(len(tag) < 2 for tag in tags):
        raise source.problem(line, "answer_info: expected a name and a group for each answer")
    extra = get("additional_metadata", dict)
    stereotyped = get("stereotyped_groups", list, of="additional_metadata", inside=extra)
    if (label := get("label", int)) not in range(3):
        raise source.problem(line, f"label: expected 0, 1 or 2, got {label}")
    choices = {
        key: source.one_of(get(key, str), known, line=line, of=key)
        for key, known in (
            ("context_condition", ("ambig", "disambig")),
            ("question_polarity", ("neg", "nonneg")),
        )
    }
    category = get("category", str)
    return Question(
        id=f"{category}.{item.get('example_id', line)}",
        category=category,
        context=get("context", str),
        condition=cast(Any, choices["context_condition"]),
        question=get("question", str),
        polarity=cast(Any, choices["question_polarity"]),
        answers=cast(Any, tuple(get(name, str) for name in _ANSWERS)),
        names=cast(Any, tuple(str(tag[0]) for tag in tags)),
        groups=cast(Any, tuple(str(tag[1]) for tag in tags)),
        stereotyped=tuple(map(str, stereotyped)),
        label=label,
        cluster=f"{category}.{item.get('question_index', '')}",
        line=line,
    )


DATASETS = (
    DatasetInfo(
        id="bbq",
        title="BBQ",
        holds="contexts with a question and three answers",
        reader=bbq,
        give="a file such as Age.jsonl, or the folder of such files",
        layout="a JSON object in each line: category, context, context_condition (ambig or "
        "disambig), question, question_polarity (neg or nonneg), ans0, ans1, ans2, answer_info, "
        "label, additional_metadata.stereotyped_groups; if there, example_id, question_index",
        patterns=("*.jsonl",),
        licence="CC BY 4.0",
        quotable=True,
        citation="Parrish, Chen, Nangia, Padmakumar, Phang, Thompson, Htut and Bowman (2022). BBQ: "
        "A Hand-Built Bias Benchmark for Question Answering. Findings of ACL, "
        "2022.findings-acl.165.",
        home="https://github.com/nyu-mll/BBQ",
        files=github("nyu-mll/BBQ", "data/", {f"{name}.jsonl": "" for name in _BBQ_FILES}),
        caution="Made for models that answer questions. A masked language model can only say which "
        "answer it finds likelier after an ambiguous context: an adaptation, not the benchmark.",
        measures=PAIR_MEASURES,
        default_measures=("pll_word_l2r_mean", "aul"),
    ),
    DatasetInfo(
        id="seat",
        title="SEAT tests",
        holds="sets of sentences for association tests of embeddings",
        reader=seat,
        give="a test such as sent-weat6.jsonl, or the folder of tests",
        layout="JSON: targ1, targ2, attr1 and attr2, each with category and examples, a list of "
        "texts",
        patterns=("*.jsonl",),
        licence="CC BY-NC 4.0",
        quotable=False,
        citation="May, Wang, Bordia, Bowman and Rudinger (2019). On Measuring Social Biases in "
        "Sentence Encoders. NAACL, N19-1063.",
        home="https://github.com/W4ngatang/sent-bias",
        files=github(
            "W4ngatang/sent-bias", "tests/", {f"sent-weat{name}.jsonl": "" for name in _SEAT_TESTS}
        ),
        caution="Hard to interpret, as its authors say; results depend on choices such as pooling.",
    ),
)
