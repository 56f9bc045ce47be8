"""The checks of results in the report: counted, those that did not hold, and pale tables."""

from __future__ import annotations

import re

import pytest

from bias_audit.reports import render
from bias_audit.reports import wording as _words
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.quality import checks_overview, failed_checks, unreliable
from bias_audit.results import Check, Results

from .example import example

CHECKS = (
    Check(id="R1a", value=0.9, threshold=0.75, state="held"),
    Check(id="R4", value=0.2, threshold=0.5, state="not_held", consequence="confounded",
          note="+0.012 nats at equal prior and pieces"),
    Check(id="R8b", value=0.4, threshold=0.8, state="not_held", consequence="under_powered"),
    Check(id="R1c", value=0.41, threshold=0.7, state="not_held", consequence="unrankable"),
    Check(id="R14", value=0.9, state="described", note="slope of 'twin' on the plain gaps"),
    Check(id="R5", state="not_possible", note="the probe has no placebo groups"),
)  # fmt: skip


@pytest.fixture(scope="module")
def examined() -> Results:
    """The example with checks on the first primary result of two groups with a word table."""
    audit = example()
    at = next(
        i
        for i, r in enumerate(audit.results)
        if r.role == "primary" and len(r.by_target) > 5 and r.groups[1] != "~others"
    )
    changed = audit.results[at].model_copy(update={"checks": CHECKS})
    return audit.model_copy(
        update={"results": (*audit.results[:at], changed, *audit.results[at + 1 :])}
    )


def test_every_check_has_a_name_and_is_counted(examined: Results) -> None:
    table = checks_overview([r for r in examined.results if r.role == "primary"])
    assert table is not None
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert set(rows) == {_words.check(check.id) for check in CHECKS}
    assert rows[_words.check("R4")] == ["0", "1", "0", "0", "confounded"]
    assert rows[_words.check("R5")] == ["0", "0", "0", "1", "nothing"]


def test_what_did_not_hold_is_listed_gravest_first_and_negation_last(examined: Results) -> None:
    table = failed_checks(Index(examined), [r for r in examined.results if r.role == "primary"])
    assert table is not None
    codes = [re.findall(r"\((R\d+[a-c]?)\)", row[1].text)[0] for row in table.rows]
    assert codes == ["R4", "R1c", "R8b", "R14"]
    assert "equal prior and pieces" in table.rows[0][-1].text


def test_an_audit_of_an_older_version_has_no_such_tables() -> None:
    assert checks_overview(list(example().results)) is None
    assert failed_checks(Index(example()), list(example().results)) is None


def test_a_table_whose_order_is_chance_is_pale_and_by_name(examined: Results) -> None:
    (result,) = [r for r in examined.results if r.checks]
    assert "reliability 0.41" in unreliable(result)
    html = render(examined, "html")
    (table,) = re.findall(r'<table class="pale".*?</table>', html, re.DOTALL)
    names = re.findall(r'<th scope="row">([^<]+)</th>', table)
    assert names == sorted(names)
    assert len(names) == len(result.by_target)
    assert 'class="pale"' not in render(example(), "html")


def test_checks_survive_the_file_and_say_nothing_twice(examined: Results) -> None:
    again = Results.model_validate(examined.model_dump(mode="json"))
    assert again == examined
    (result,) = [r for r in examined.results if r.checks]
    first = result.model_dump(mode="json")["checks"][0]
    assert first == {"id": "R1a", "value": 0.9, "threshold": 0.75, "state": "held"}
