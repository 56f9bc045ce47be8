from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from bias_audit.reports import render
from bias_audit.reports.formats.csv import GATE_COLUMNS
from bias_audit.results import Results

from .gated import MUSLIM, OCCUPATION, TRAIT

INTERFACE = Path(__file__).parents[2] / "docs" / "interface.md"


def rows(results: Results) -> dict[str, dict[str, str]]:
    found = list(csv.DictReader(io.StringIO(render(results, "gates-csv"))))
    assert tuple(found[0]) == GATE_COLUMNS
    assert all(None not in row and None not in row.values() for row in found)
    return {row["id"]: row for row in found}


def test_one_row_per_gate_in_the_order_of_the_audit(judged: Results) -> None:
    assert list(rows(judged)) == [one.id for one in judged.gates]


def test_numbers_and_names(judged: Results) -> None:
    found = rows(judged)
    failed = found[f"no-regression:{OCCUPATION}"]
    assert (failed["state"], failed["enforced"], failed["kind"]) == ("fail", "true", "regression")
    assert (failed["estimate"], failed["rise"], failed["rise_high"]) == ("1.13", "0.53", "0.75")
    assert (failed["group_a"], failed["group_b"], failed["axis"]) == ("women", "men", "gender")
    waived = found[f"religion:{MUSLIM}"]
    assert (waived["state"], waived["state_before_waiver"], waived["estimate"]) == (
        "waived",
        "fail",
        "-0.88",
    )
    assert (waived["waiver"], waived["waiver_status"]) == ("F-51aa02", "active")
    assert (waived["waiver_owner"], waived["waiver_expires"]) == ("nlp-platform", "2027-01-31")
    assert found["versus-old"]["estimate"] == ""
    assert found["versus-old"]["reason_code"] == "no_baseline"
    assert found[f"margin:{TRAIT}"]["file"] == ""


def test_what_did_not_run_is_a_row(audit: Results) -> None:
    kept = tuple(one for one in audit.gates if one.state != "error")
    crash = rows(audit.model_copy(update={"gates": kept}))["age-ability"]
    assert (crash["state"], crash["kind"]) == ("error", "run")
    assert "3 frames are longer" in crash["reason"]


def test_strangers_write_no_formulas(hostile_gates: Results) -> None:
    numbers = re.compile(r"-?\d[\d.e+-]*")
    for row in csv.DictReader(io.StringIO(render(hostile_gates, "gates-csv"))):
        for value in row.values():
            assert value[:1] not in tuple("=+@-") or numbers.fullmatch(value)


def test_columns_are_documented_in_order() -> None:
    text = INTERFACE.read_text(encoding="utf-8").split("Columns of `gates.csv`")[1].split("They")[0]
    named = re.findall(r"`(\w+)`", text)
    assert tuple(named) == GATE_COLUMNS
