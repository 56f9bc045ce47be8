"""Turning questions into distinct rows, and rows into batches."""

from __future__ import annotations

import numpy as np

from bias_audit.backends.masked.batching import Row, RowTable, plan


def rows_of(*lengths):
    return [Row(tuple(range(100 + n, 100 + n + length)), 1) for n, length in enumerate(lengths)]


def test_plan_covers_every_row_once_longest_first():
    lengths = np.random.default_rng(3).integers(4, 31, size=300).tolist()
    rows = rows_of(*lengths)
    batches = plan(rows, max_rows=16, max_tokens=200, overhead=0)
    assert sorted(n for batch in batches for n in batch) == list(range(300))
    longest = [max(lengths[n] for n in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    assert all(len({lengths[n] for n in batch}) == 1 for batch in batches), "no padding was allowed"
    assert all(len(batch) <= 16 and len(batch) * lengths[batch[0]] <= 200 for batch in batches)


def test_plan_pads_only_where_padding_is_cheaper_than_a_pass():
    rows = rows_of(10, 9, 9, 8, *[4] * 50)
    assert [len(b) for b in plan(rows, max_rows=64, max_tokens=9999, overhead=4)] == [4, 50]
    assert [len(b) for b in plan(rows, max_rows=64, max_tokens=9999, overhead=3)] == [3, 1, 50]


def test_plan_leaves_no_tiny_batch_over():
    assert [
        len(b) for b in plan(rows_of(*[5] * 130), max_rows=128, max_tokens=9999, overhead=0)
    ] == [65, 65]


def test_plan_gives_a_sentence_beyond_the_budget_its_own_batch():
    assert plan(rows_of(50, 50), max_rows=8, max_tokens=10, overhead=0) == [[0], [1]]


def test_a_row_remembers_all_questions():
    table = RowTable()
    first = table.ask_word((0, 7, 2), 1, 2, mask_id=9)
    again = table.ask_word((0, 8, 2), 1, 2, mask_id=9)
    opened = table.ask_open((0, 9, 2), 1)
    assert (first, again, opened) == ([(0, 7)], [(0, 8)], 0)
    assert table.rows == [Row((0, 9, 2), 1, {7: True, 8: True}, True)]


def test_word_rows_hide_later_pieces():
    table = RowTable()
    asked = table.ask_word((0, 5, 6, 7, 2), 1, 4, mask_id=9)
    assert asked == [(0, 5), (1, 6), (2, 7)]
    assert [row.ids for row in table.rows] == [(0, 9, 9, 9, 2), (0, 5, 9, 9, 2), (0, 5, 6, 9, 2)]
    assert [row.position for row in table.rows] == [1, 2, 3]
