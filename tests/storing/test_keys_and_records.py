"""What a key depends on, and that a record comes back as it went in."""

from __future__ import annotations

import zlib
from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pytest
from bias_audit.storing import keys
from hypothesis import given
from hypothesis import strategies as st

from bias_audit.backends import FakeBackend
from bias_audit.backends.cache.codec import DamagedError, decode, decoded, encode, keepable
from bias_audit.backends.cache.keys import Keys, identity
from bias_audit.pipeline.result_cache import CachedText
from bias_audit.records import (
    CompletionScore,
    FillScore,
    ModelInfo,
    ModifiedScore,
    PairScore,
    PieceScores,
    Prompt,
    SlotScore,
)

INFO = FakeBackend().info
VERSIONS = {"torch": "2.4", "transformers": "5.1", "tokenizers": "0.22", "numpy": "2.1"}
KEYS = Keys(identity(INFO, VERSIONS))
texts = st.text(max_size=12)


def prompt(left: str, filler: str | None, right: str, **names: str) -> Prompt:
    empty = dict.fromkeys(("probe", "template", "variant", "group", "term", "label", "target"), "")
    return Prompt(**(empty | names), pole="", left=left, filler=filler, right=right)


@given(texts, st.none() | texts, texts, texts, st.none() | texts, texts)
def test_any_change_of_text_slot_or_filler_is_another_key(left, word, right, left2, word2, right2):
    one, other = prompt(left, word, right), prompt(left2, word2, right2)
    same = (left, word, right) == (left2, word2, right2)
    assert (KEYS.prompt(one, 10) == KEYS.prompt(other, 10)) is same


@given(texts, texts)
def test_the_place_of_the_gap_counts(left, right):
    moved = prompt(left + "x", "a", right), prompt(left, "a", "x" + right)
    assert KEYS.prompt(moved[0], 10) != KEYS.prompt(moved[1], 10)


@given(texts, texts, texts)
def test_the_short_way_to_the_key_of_a_word_is_the_long_one(left, word, right):
    assert KEYS.prompt(prompt(left, word, right), 10) == KEYS.of("word", left, word, right)


def test_who_asks_does_not_count():
    plain = prompt("She is a ", "nurse", ".")
    named = prompt("She is a ", "nurse", ".", probe="p", group="women", term="she", label="she")
    assert KEYS.prompt(plain, 10) == KEYS.prompt(named, 10) == KEYS.prompt(plain, 99)
    assert KEYS.prompt(prompt("a", None, "b"), 10) != KEYS.prompt(prompt("a", None, "b"), 11)


QUESTIONS = [
    ("pair", "a", "bc"),
    ("pair", "ab", "c"),
    ("pair", "b", "a"),
    ("modified", "a", "bc"),
    ("pieces", "a", "original", False, False),
    ("pieces", "a", "word_l2r", False, False),
    ("pieces", "a", "word_l2r", True, False),
    ("pieces", "a", "word_l2r", False, True),
    ("unmasked", "a", False),
    ("unmasked", "a", True),
    ("unmasked", "a", "True"),
    ("unmasked", "a", 1),
    ("slot", "a", (0, 1), ()),
    ("slot", "a", (0, 1), ((2, 3),)),
    ("slot", "a", (0, 1), ((2, 3), (4, 5))),
    ("slot", "a", (0, 1), ((2,), (3, 4, 5))),
    ("fill", "", "a", "b"),
    ("fill", "a", "", "b"),
]


def test_every_question_has_a_key_of_its_own():
    assert len({KEYS.of(*question) for question in QUESTIONS}) == len(QUESTIONS)


CHANGES = {
    "fingerprint": "other",
    "tokenizer_digest": "other",
    "config_digest": "other",
    "dtype": "bfloat16",
    "device": "cuda",
    "kind": "masked",
    "architecture": "Other",
    "vocabulary_size": 7,
    "max_length": 7,
    "arithmetic": "high on a card",
}
NAMES = {"name": "other", "revision": "other", "notices": ("other",), "parameters": 7}


def test_every_property_of_a_model_counts_or_is_a_name():
    assert set(CHANGES) | set(NAMES) == {field.name for field in fields(ModelInfo)}
    found = [identity(replace(INFO, **{k: v}), VERSIONS) for k, v in CHANGES.items()]
    found.append(identity(INFO, VERSIONS))
    assert len(set(found)) == len(CHANGES) + 1
    assert identity(replace(INFO, **NAMES), VERSIONS) == identity(INFO, VERSIONS)
    cards = [identity(replace(INFO, device=f"cuda:{n}"), VERSIONS) for n in range(2)]
    assert cards[0] == cards[1]


def test_libraries_and_the_format_count(monkeypatch):
    before = identity(INFO, VERSIONS)
    for name in VERSIONS:
        changed = identity(INFO, VERSIONS | {name: "99"}) != before
        assert changed is (name in keys.LIBRARIES)
    monkeypatch.setattr(keys, "FORMAT", keys.FORMAT + 1)
    assert identity(INFO, VERSIONS) != before


WHOLE = np.array([-1.5, np.nan, -0.0, np.inf, 5e-324])
COUNTS = np.array([1, -7, 2**60], dtype=np.int64)
RECORDS = [
    FillScore(log_prob=-0.1 - 1e-17, pieces=2, rank=None),
    FillScore(log_prob=-0.0, pieces=1, rank=12),
    FillScore(log_prob=None, pieces=0, skip="unscorable", detail="no \ud800 'piece' é"),
    CompletionScore(
        top=((" nurse", 1 / 3), ("\ud83d", 1e-30)),
        words=np.array([0.1, 0.9, 1e-40], dtype=np.float32),
        word_mass=0.7,
    ),
    CompletionScore(
        top=(), words=np.zeros(0, dtype=np.float32), word_mass=0.0, skip="too_long", detail="9"
    ),
    PairScore(more=-1.1, less=-2.2, published_more=-3.3, shared=4, ambiguous=True, unknown=1),
    PairScore(skip="unscorable", detail="empty"),
    (ModifiedScore(together=-1.0, pieces=2), ModifiedScore(skip="too_long", detail="x")),
    PieceScores(
        log_probs=WHOLE,
        words=COUNTS,
        spans=np.arange(6, dtype=np.int64).reshape(3, 2),
        ranks=COUNTS,
        best=WHOLE,
        attention=WHOLE,
        unknown=3,
    ),
    PieceScores(skip="unscorable", detail="empty"),
    FillScore(log_prob=-2.5, pieces=3, published=0.25),
    SlotScore(log_prob=-2.5, outer=-2.0, pieces=3),
    CachedText(text="<text>\n½ \0"),
    CachedText(text=""),
]


def same(one, other) -> bool:
    """Whether two records are equal to the last bit and of the same types."""
    if isinstance(one, tuple):
        return all(map(same, one, other)) and len(one) == len(other)
    return type(one) is type(other) and all(
        _equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)
    )


def _equal(one, other) -> bool:
    if isinstance(one, np.ndarray):
        alike = (one.dtype, one.shape) == (other.dtype, other.shape)
        return alike and one.tobytes() == other.tobytes()
    return repr(one) == repr(other)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_records_come_back_exactly(record):
    back = decode(b"key", encode(b"key", record))
    assert same(record, back)
    for part in back if isinstance(back, tuple) else (back,):
        arrays = [getattr(part, field.name) for field in fields(part)]
        assert all(a.flags.writeable for a in arrays if isinstance(a, np.ndarray))


@given(st.floats(allow_nan=False), st.integers(0, 99), st.none() | st.integers(1, 10**6))
def test_every_number_comes_back(value, pieces, rank):
    record = FillScore(log_prob=value, pieces=pieces, rank=rank)
    assert same(record, decode(b"k", encode(b"k", record)))


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_damage_is_seen_wherever_it_is(record):
    value = encode(b"key", record)
    for place in range(len(value)):
        spoilt = bytearray(value)
        spoilt[place] ^= 16
        with pytest.raises(DamagedError):
            decode(b"key", bytes(spoilt))
    with pytest.raises(DamagedError):
        decode(b"another key", value)
    with pytest.raises(DamagedError):
        decode(b"key", value[:5])


def test_what_another_run_need_not_meet_is_not_kept():
    for reason in ("error", "limit", "excluded"):
        assert not keepable(FillScore(log_prob=None, pieces=0, skip=reason))
    assert all(map(keepable, RECORDS))


def test_equal_questions_in_another_shape_are_told_apart():
    shapes = [("a", ("b",)), ("a", "b"), (("a",), "b"), (("a", "b"),)]
    for one, other in combinations(shapes, 2):
        assert KEYS.of("x", *one) != KEYS.of("x", *other)


def test_many_rows_are_read_as_each_alone():
    rows = [(b"%d" % n, encode(b"%d" % n, record)) for n, record in enumerate(RECORDS * 2)]
    found = decoded(rows)
    assert list(found) != []
    assert all(same(found[key], decode(key, value)) for key, value in rows)
    assert len(found) == len(rows)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1],[2",
        b'["w",-1.0,1,null,null,""]],[["w",-9.0,1,null,null,""]',
        b"null",
        b"[]",
        b"[[]]",
        b'[["w"]]',
        b'[["w",-1.0,1,null,null,"",7]]',
        b'[["?",1]]',
        b"[[",
    ],
)
def test_a_damaged_row_harms_no_other(text):
    """Even one whose checksum fits: rows are read together, and each stands for itself."""
    body = len(text).to_bytes(4, "little") + text
    spoilt = zlib.crc32(body, zlib.crc32(b"b")).to_bytes(4, "little") + body
    words = {key: FillScore(log_prob=-ord(key) / 7, pieces=1) for key in (b"a", b"c")}
    rows = [(b"a", encode(b"a", words[b"a"])), (b"b", spoilt), (b"c", encode(b"c", words[b"c"]))]
    assert decoded(rows) == words
    assert decoded([rows[1]]) == {}
    assert decoded([]) == {}
