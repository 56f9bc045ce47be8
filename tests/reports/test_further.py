"""Measures beside the judged ones: statuses and reasons are printed, and what to beware of."""

from __future__ import annotations

import csv
import io

from bias_audit import results as a
from bias_audit.reports import render
from bias_audit.reports.view import page as _shapes
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import table

from .example import example

PROBE = "occupation-gender"


def result(metric: str, **more: object) -> a.Result:
    values: dict[str, object] = {
        "id": f"{PROBE}:{metric}", "probe": PROBE, "axis": "gender", "metric": metric,
        "role": "secondary", "groups": ("women", "men"), "group_labels": ("women", "men"),
        "estimate": 0.5, "unit": "ratio", "direction": "d", "n_templates": 7, "n_terms": 8,
        "n_prompts": 112,
    }  # fmt: skip
    return a.Result.model_validate(values | more)


def shown(*results: a.Result) -> _shapes.Table:
    base = example()
    kept = tuple(r for r in base.results if r.role == "primary")
    audit = base.model_copy(update={"results": (*kept, *results)})
    found = table(Index(audit), next(p for p in audit.probes if p.id == PROBE))
    assert found is not None
    return found


def test_a_status_stands_in_its_row_and_is_told_once_below() -> None:
    found = shown(
        result("aitchison", statuses=("mixed_length",)),
        result("skew", statuses=("mixed_length", "degenerate"), reason="one word only"),
        result("jsd"),
    )
    at = found.head.index("Remarks")
    assert [row[at].text for row in found.rows] == [
        "mixed length", "mixed length, degenerate. One word only.", "",
    ]  # fmt: skip
    assert found.note.count("mixed length: The words have different numbers of pieces") == 1
    assert found.note.count("There was no variation to compute an interval from.") == 1


def test_a_status_of_every_row_is_said_for_all_of_them() -> None:
    found = shown(*(result(m, statuses=("instrument_failed",)) for m in ("aitchison", "skew")))
    assert "Remarks" not in found.head, "a column without a word is left out"
    assert found.note.startswith("All rows: A control measurement failed")


def test_a_missing_number_has_its_reason_and_no_second_time() -> None:
    found = shown(
        result("jsd", estimate=None, reason="no word in both", statuses=("degenerate",)),
        result("skew"),
    )
    assert found.rows[0][2].text == "not available: no word in both"
    assert found.rows[0][-1].text == "degenerate"


def test_four_fifths_is_a_screening_rule_and_no_test_of_a_model() -> None:
    found = shown(result("four_fifths"), result("jsd"))
    assert "a screening rule from US employment selection" in found.note
    assert "not a legal test of a language model" in found.note
    assert "employment" not in shown(result("jsd")).note


def test_what_stands_against_a_result_stands_against_the_numbers_beside_it() -> None:
    """A companion is made of the same scores: it has the statuses of its result."""
    beside = a.Companion(metric="closed_share", groups=("women",), value=0.3)
    failed = result("four_fifths", statuses=("instrument_failed",), companions=(beside,))
    base = example()
    text = render(base.model_copy(update={"results": (*base.results, failed)}), "csv")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows[f"{failed.id}:closed_share:women"]["statuses"] == "instrument_failed"
    found = shown(failed, result("jsd"))
    assert [row[-1].text for row in found.rows] == ["instrument failed", "instrument failed", ""]


def test_numbers_have_the_unit_that_people_read() -> None:
    found = shown(
        result("closed_share", unit="probability", estimate=0.27, ci_low=0.2, ci_high=0.31),
        result("hurtful_rate", unit="probability", estimate=0.0),
        result("jsd", unit="bits", estimate=0.0123, null_mean=0.01, null_p95=0.02, p_adjusted=0.2),
    )
    assert [row[2].text for row in found.rows] == ["27.00 %", "0.00 %", "0.012 bits"]
    assert found.rows[0][3].text == "[20.00, 31.00]"
    assert found.rows[2][4].text == "0.010 by chance (95 % below 0.020), p 0.20"
    assert found.rows[0][1].text == "share of the first pole", "a measure has its name"


def test_a_share_of_a_word_beside_names_the_word_and_what_it_stands_beside() -> None:
    more = {
        "groups": ("they",), "group_labels": ("they",), "unit": "probability", "estimate": 0.175,
        "ci_low": 0.109, "ci_high": 0.269, "neutral": None, "reason": "'they': may be plural",
    }  # fmt: skip
    found = shown(result("beside_share", **more), result("jsd"))
    row = dict(zip(found.head, (cell.text for cell in found.rows[0]), strict=True))
    assert row == {
        "Comparison": "they beside women, men, left-handed", "Measure": "share of 'they'",
        "Value": "17.50 %", "Interval": "[10.90, 26.90]", "Remarks": "'they': may be plural.",
    }  # fmt: skip
    assert "No value of it is right" in found.note
    assert "No value" not in shown(result("jsd")).note


def test_the_card_names_what_is_scored_beside() -> None:
    base = example()
    beside = (a.GroupProfile(id="they", label="they", terms=("they", "them")),)
    probes = tuple(p.model_copy(update={"beside": beside}) for p in base.probes)
    assert "Scored beside them" in render(base.model_copy(update={"probes": probes}), "html")
    assert "Scored beside them" not in render(base, "html")
