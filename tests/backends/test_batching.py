"""Turning questions into distinct queries, and queries into batches."""

from __future__ import annotations

import numpy as np

from bias_audit.backends.mlm.batching import ForwardQuery, QueryTable, plan_batches


def rows_of(*lengths):
    return [
        ForwardQuery(tuple(range(100 + n, 100 + n + length)), (1,), ({},))
        for n, length in enumerate(lengths)
    ]


def test_plan_covers_every_row_once_longest_first():
    lengths = np.random.default_rng(3).integers(4, 31, size=300).tolist()
    rows = rows_of(*lengths)
    batches = plan_batches(rows, max_rows=16, max_tokens=200, overhead=0)
    assert sorted(n for batch in batches for n in batch) == list(range(300))
    longest = [max(lengths[n] for n in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    assert all(len({lengths[n] for n in batch}) == 1 for batch in batches), "no padding was allowed"
    assert all(len(batch) <= 16 and len(batch) * lengths[batch[0]] <= 200 for batch in batches)


def test_plan_pads_only_where_padding_is_cheaper_than_a_pass():
    rows = rows_of(10, 9, 9, 8, *[4] * 50)
    assert [len(b) for b in plan_batches(rows, max_rows=64, max_tokens=9999, overhead=4)] == [4, 50]
    assert [len(b) for b in plan_batches(rows, max_rows=64, max_tokens=9999, overhead=3)] == [
        3,
        1,
        50,
    ]


def test_plan_leaves_no_tiny_batch_over():
    assert [
        len(b) for b in plan_batches(rows_of(*[5] * 130), max_rows=128, max_tokens=9999, overhead=0)
    ] == [65, 65]


def test_plan_gives_a_sentence_beyond_the_budget_its_own_batch():
    assert plan_batches(rows_of(50, 50), max_rows=8, max_tokens=10, overhead=0) == [[0], [1]]


def test_a_query_remembers_all_questions():
    table = QueryTable()
    first = table.ask_masked((0, 7, 2), 1, 2, mask_id=9, ranks=True)
    again = table.ask_masked((0, 8, 2), 1, 2, mask_id=9)
    opened = table.ask_open((0, 9, 2), 1, 0)
    assert (first, again, opened) == (0, 0, 0)
    assert table.queries == [ForwardQuery((0, 9, 2), (1,), ({7: True, 8: False},), {0})]
    several = table.ask((0, 9, 2), (1, 2), ((7,), (8,)))
    assert several == 1, "other positions are another query"
