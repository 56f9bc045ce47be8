"""Digests of contents: equal only where the contents are, and never guessed."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, PrivateAttr

from bias_audit.records import CompletionScore, FillScore, Prompt
from bias_audit.storing.structure import UnknownTypeError, digest


@dataclass(frozen=True)
class One:
    a: Any
    b: Any = 1


@dataclass(frozen=True)
class Two:
    a: Any
    b: Any = 1


class Filed(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: Any = 1
    _hidden: int = PrivateAttr(default=0)


class Pair(NamedTuple):
    a: Any
    b: Any


class Words(str):
    pass


def hidden(value: int) -> Filed:
    made = Filed()
    made._hidden = value
    return made


WORD = FillScore(log_prob=-1.5, pieces=1, rank=3)
OPEN = CompletionScore(top=(("a", 0.5),), words=np.array([0.5, 0.5], np.float32), word_mass=0.9)
PROMPT = Prompt(
    probe="p", template="t", variant="", group="g", term="w", label="l", target="x", pole="+",
    left="a ", filler="b", right=" c", beside=((0, 1),),
)  # fmt: skip
CONTENTS = [
    1, True, 1.0, "1", b"1", None, -0.0, 0.0, 0, 1e-300, float("inf"),
    (), [], {}, set(), frozenset(), "", b"",
    (1,), [1], {1}, frozenset({1}), {1: 1}, {1: 2}, OrderedDict({1: 1}), MappingProxyType({1: 1}),
    ("a", "b"), ("ab",), ("a", ("b",)), (("a",), "b"), (("a", "b"),), ("a,b",), ("a', 'b",),
    {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": ("b", 1)}, {"ab": 1},
    np.int64(1), np.float64(1.0), np.float32(1.0), np.bool_(True), np.str_("1"),
    np.array(1), np.array([1]), np.array([[1]]), np.array([1], np.int32), np.array([1.0]),
    np.array([1, 2, 3, 4]), np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]]).T,
    np.array([1], ">i8"), np.array(["1"]), np.array([True]), np.array([]),
    One(1), One(2), Two(1), One(1, 2), One(One(1)), One((1,)), [One(1)] * 2, [One(1), Two(1)],
    Filed(), Filed(a=2), Filed(b=1), hidden(1), Pair(1, 1), (1, 1), Pair(1, 2),
    datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2), "2026-01-02",
    (WORD,), (WORD, WORD), [WORD], WORD, (OPEN,), OPEN, (PROMPT,), PROMPT, (PROMPT, WORD),
    (replace(OPEN, words=np.array([0.5, 0.25], np.float32)),), (replace(OPEN, top=()),),
    (replace(OPEN, top=(("a", 1),)),), (replace(OPEN, words=np.array([0.5, 0.5])),),
    tuple(range(200)), list(range(200)), tuple(map(float, range(200))), tuple(map(str, range(200))),
    "\ud800", "\\ud800", (1, 2, (3,)), (1, (2, 3)), ((1, 2), 3), (float("nan"),), ("nan",),
]  # fmt: skip


def test_different_contents_have_different_digests() -> None:
    digests = [digest("x", content) for content in CONTENTS]
    first: dict[bytes, Any] = {}
    for content, found in zip(CONTENTS, digests, strict=True):
        assert found not in first, (first[found], content)
        first[found] = content
    assert digests == [digest("x", content) for content in CONTENTS]
    assert digest("x", 1) != digest("y", 1)
    assert digest("x", 1, 2) != digest("x", (1, 2))
    assert digest("x", "y", 1) != digest("x", ("y", 1))


def changed(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return f"{value}!"
    if isinstance(value, tuple):
        return ((0, 2), *value)
    return value + 1


@pytest.mark.parametrize("many", [1, 3])
@pytest.mark.parametrize("record", [PROMPT, WORD])
def test_every_field_of_a_score_counts_wherever_it_stands(record: Any, many: int) -> None:
    rows = tuple(replace(record) for _ in range(many))
    known = {digest("x", rows)}
    for field in fields(record):
        for place in range(many):
            other = replace(record, **{field.name: changed(getattr(record, field.name))})
            known.add(digest("x", (*rows[:place], other, *rows[place + 1 :])))
    assert len(known) == 1 + many * len(fields(record))


def test_numbers_of_numpy_among_scores_are_told_apart() -> None:
    plain, wide = replace(WORD, log_prob=-1.5), replace(WORD, log_prob=np.float64(-1.5))
    assert digest("x", (plain, WORD)) == digest("x", (WORD, WORD))
    assert digest("x", (wide, WORD)) != digest("x", (WORD, WORD))
    near = np.nextafter(np.float64(-1.5), 0)
    assert digest("x", (replace(WORD, log_prob=float(near)),)) != digest("x", (WORD,))


Content = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | inner.map(One),
    max_leaves=6,
)


@given(Content, Content)
def test_equal_digests_mean_equal_texts(one: Any, other: Any) -> None:
    assert (digest("x", one) == digest("x", other)) is (repr(one) == repr(other))


def test_the_order_of_sets_and_the_identity_of_things_do_not_count() -> None:
    names = [f"name {n}" for n in range(50)]
    assert digest("x", frozenset(names)) == digest("x", frozenset(reversed(names)))
    shared, long = One("a"), tuple(names * 4)
    assert digest("x", (shared, shared)) == digest("x", (One("a"), One("a")))
    assert digest("x", (long, long)) == digest("x", (long, tuple(n for n in long)))
    strided = np.arange(12).reshape(3, 4)[:, ::2]
    assert digest("x", strided) == digest("x", strided.copy())


def looped() -> list[Any]:
    inside: list[Any] = []
    inside.append((inside,))
    return inside


@pytest.mark.parametrize(
    "make",
    [
        object,
        lambda: len,
        lambda: One,
        lambda: Path("x"),
        lambda: pd.DataFrame({"a": [1]}),
        lambda: np.array([object()]),
        lambda: np.zeros(1, dtype=[("a", int)]),
        lambda: Words("x"),
        lambda: iter([1]),
        lambda: replace(WORD, log_prob=object()),
        looped,
    ],
)
def test_what_is_not_known_is_refused_wherever_it_stands(make: Callable[[], Any]) -> None:
    value = make()
    for content in (value, (value,), {"a": value}, One(value), (WORD, replace(WORD, rank=value))):
        with pytest.raises(UnknownTypeError):
            digest("x", content)
