"""The table of codes: one row says all that gates, reports and ``explain`` need."""

from __future__ import annotations

import pytest

from bias_audit.reports.glossary import find
from bias_audit.results.codes import BLOCKING, CODES, REASONS, STATUSES, as_clause, describe


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_a_code_is_a_sentence_a_clause_and_a_page(code):
    assert code.text[0].isupper()
    assert code.text.endswith(".")
    clause = as_clause(code.id, n=7)
    assert clause[0].islower()
    assert not clause.endswith(".")
    assert "{" not in describe(code.id) + clause
    assert find(code.id).title
    assert code.status or code.reason


def test_blocking_statuses_come_most_important_first_and_are_reasons():
    assert BLOCKING[0] == "instrument_failed"
    assert set(BLOCKING) <= set(REASONS) & set(STATUSES)


def test_texts_take_the_number_and_the_word():
    assert as_clause("descriptive_only", n=5).startswith("only 5 sentences")
    assert describe("one_target_dominates", word='"nurse"').startswith('One word, "nurse", carries')
    assert describe("of_tomorrow") == "of tomorrow"
    assert describe("A sentence stays.") == "A sentence stays."
