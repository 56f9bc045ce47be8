"""Properties of rendering that hold for every sentence and every word."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_audit.errors import FileError
from bias_audit.probes.expand import render
from bias_audit.probes.probe import Frame, words_of
from bias_audit.probes.schema.lexicon import Entry, Template, WordSet
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.probes.schema.text import SLOT
from bias_audit.utils.yaml import parse_yaml

LETTERS = st.text("abehiou", min_size=1, max_size=8)
WORDS = st.lists(LETTERS, min_size=1, max_size=3).map(" ".join)
JOINTS = st.sampled_from([" ", ", ", ". ", " a ", " an ", " the ", ' "', ": ", "? A "])


@st.composite
def templates(draw):
    """Sentences with one mask, one [group] and plain words that may equal the fillers."""
    slots = draw(st.permutations(["[group]", "<mask>"]))
    start, middle, end = draw(WORDS), draw(WORDS), draw(st.sampled_from(["", ".", " b.", " man."]))
    starts = draw(st.sampled_from(["", "A ", "The ", f"{start} ", f"{start}, the "]))
    text = f"{starts}{slots[0]}{draw(JOINTS)}{middle}{draw(JOINTS)}{slots[1]}{end}"
    return text + '"' * (text.count('"') % 2)


def one(text: str, **more):
    return words_of(WordSet(entries=(Entry(sg=text, **more),)))[0]


def rendered(template: str, group, target):
    frame = Frame(id="f", template=Template(text=template), number="sg", slots={})
    return render(frame, {"group": group}, {}, target)


@given(templates(), WORDS, WORDS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_parts_make_the_sentence(template, group, target, named):
    parts = rendered(template, one(group, article="none" if named else "the"), one(target))
    text = parts.left + parts.filler + parts.right
    assert "  " not in text
    assert text == text.strip()
    assert not SLOT.search(text)
    assert parts.filler.lower() == target
    open_place = rendered(template, one(group, article="none" if named else "the"), None)
    assert open_place.right == parts.right
    articles = r"(?i)\b(a|an)(\s\"?)$"
    assert re.sub(articles, r"a\2", open_place.left) == re.sub(articles, r"a\2", parts.left)


def unarticled(text: str) -> str:
    return re.sub(r"\b(an|a|An|A) ", lambda m: m[1][0] + " ", text)


@given(templates(), LETTERS, LETTERS, WORDS)
@settings(max_examples=200, deadline=None)
def test_swapping_groups_swaps_only_the_group_word(template, one_group, other, target):
    """Articles aside, what stands around the group word does not depend on it."""
    texts = []
    for group in (one_group, other):
        parts = rendered(template, one(group), one(target))
        before = template[: template.index("[group]")]
        mask_first = "<mask>" in before
        part = parts.right if mask_first else parts.left
        head = SLOT.sub("", before.partition("<mask>")[2] if mask_first else before)
        part, head = unarticled(part), unarticled(head)
        assert part.startswith(head)
        rest = part[len(head) :]
        assert rest.lower().startswith(group)
        texts.append((parts.left if mask_first else "", head, rest[len(group) :], parts.filler))
    assert texts[0] == texts[1]


PIECES = st.sampled_from(["a", ": ", "- ", "[", "]", "{", "}", "\n", "  ", "\t", "&a ", "*a", "!x ", "'", '"', "#", "|", ">", "? ", "%", "\\", ",", "---", "~", "kind: probe\n", "0", "<<: ", "\u2028", "\ufeff"])  # fmt: skip


@given(st.text(max_size=60) | st.lists(PIECES, max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused(text):
    """No text makes the reader crash."""
    with pytest.raises(FileError) as caught:  # a probe has keys that no short text has
        parse_yaml(text, ProbeSpec, "x.yaml")
    assert all(problem.message for problem in caught.value.problems)
    str(caught.value).encode("utf-8")


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abisut", max_size=4), inner, max_size=3), max_leaves=6)  # fmt: skip
KEYS = sorted([*ProbeSpec.model_fields, "titel"])


@given(st.dictionaries(st.sampled_from(KEYS), TREES, min_size=1))
@settings(max_examples=100, deadline=None)
def test_any_values_are_explained(data):
    """Every mistake that the model can find in any tree gets a sentence of ours and a place."""
    text = json.dumps(data, allow_nan=True)
    try:
        parse_yaml(text, ProbeSpec, "x.yaml")
    except FileError as error:
        for problem in error.problems:
            assert problem.line >= 1
            assert "Input should" not in problem.message
            assert "pydantic" not in problem.message
