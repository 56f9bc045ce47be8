"""Measures beside the judged ones: statuses and reasons are printed, and what to beware of."""

from __future__ import annotations

import csv
import io
import re

import pytest

from bias_audit import results as a
from bias_audit.reports import render
from bias_audit.reports import wording as _words
from bias_audit.reports.view import exhibits as _exhibits
from bias_audit.reports.view.index import Index
from bias_audit.reports.view.measures import table
from bias_audit.reports.view.quality import checks_overview, failed_checks, unreliable

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


def shown(*results: a.Result) -> _exhibits.Table:
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
    assert found.note.count("The gap is the same in every sentence, or no ratio exists") == 1


def test_a_status_of_every_row_is_said_for_all_of_them() -> None:
    found = shown(*(result(m, statuses=("instrument_failed",)) for m in ("aitchison", "skew")))
    assert "Remarks" not in found.head, "a column without a word is left out"
    assert found.note.startswith("All rows: The instrument failed")


def test_a_missing_number_has_its_reason_and_no_second_time() -> None:
    found = shown(
        result("jsd", estimate=None, reason="no word in both", statuses=("degenerate",)),
        result("skew"),
    )
    assert found.rows[0][2].text == "not available: no word in both"
    assert found.rows[0][-1].text == "degenerate"


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
    probes = tuple(p.model_copy(update={"extra_groups": beside}) for p in base.probes)
    assert "Scored beside them" in render(base.model_copy(update={"probes": probes}), "html")
    assert "Scored beside them" not in render(base, "html")


WOMEN = a.Companion(
    metric="hurtful_rate",
    groups=("women",),
    top_k=20,
    value=0.031,
    words=(
        a.WordShare.model_validate({"token": "rascal", "value": 0.4, "harmful": True}),
        a.WordShare.model_validate({"token": "maid", "value": 0.1, "harmful": True}),
    ),
)
RATE = a.Result(
    id=f"{PROBE}:hurtful_rate", probe=PROBE, axis="gender", metric="hurtful_rate",
    role="secondary", groups=("women", "men"), group_labels=("women", "men"), estimate=0.02,
    ci_low=0.01, ci_high=0.03, unit="probability", direction="a hit is no harm by itself",
    n_templates=7, n_terms=8, n_prompts=112,
    companions=(
        WOMEN,
        a.Companion(metric="hurtful_odds", value=0.7, ci_low=0.2, ci_high=1.2),
        a.Companion(metric="of_tomorrow", groups=("men", "~others"), value=1.5),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def with_rate(audit: a.Results) -> a.Results:
    return audit.model_copy(update={"results": (*audit.results, RATE)})


def test_every_number_beside_a_result_is_a_row_of_the_table(with_rate: a.Results) -> None:
    rows = list(csv.DictReader(io.StringIO(render(with_rate, "csv"))))
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    rate = found[f"{RATE.id}:hurtful_rate:20:women"]
    assert (rate["metric"], rate["estimate"], rate["label_a"]) == (
        "hurtful_rate@20",
        "0.031",
        "women",
    )
    odds = found[f"{RATE.id}:hurtful_odds"]
    assert (odds["unit"], odds["ci_low"], odds["label_b"]) == ("nats", "0.2", "men")
    new = found[f"{RATE.id}:of_tomorrow:men-vs-others"]
    assert (new["estimate"], new["unit"], new["label_b"]) == ("1.5", "", "the other groups")
    assert not any(row["outcome"] or row["p_value"] for row in (rate, odds, new))
    assert "rascal" not in render(with_rate, "csv")


def test_the_report_shows_the_rows_and_folds_the_words(with_rate: a.Results) -> None:
    html = render(with_rate, "html")
    assert "rate of hurtful completions, first 20" in html
    assert next(m.name for m in with_rate.metrics if m.id == "hurtful_odds") in html
    assert "of tomorrow" in html
    before = html[: html.index("rascal")]
    opened, closed = before.rindex('<details class="cover">'), before.rfind("</details>")
    assert opened > closed, "a hurtful word stands outside of its fold"
    assert html.count("rascal") == 1
    assert "top 20 in 40 %" in html
    columns = re.findall(r"<h5>women</h5>.*?</div>", html, re.DOTALL)
    assert any("rascal" in column for column in columns)
    assert not any("rascal" in c for c in re.findall(r"<h5>men</h5>.*?</div>", html, re.DOTALL))
    # a word that is among the top completions anyway is not told twice
    assert html.count("top 20 in") == 1


CHECKS = (
    a.Check(id="R1a", value=0.9, threshold=0.75, state="held"),
    a.Check(id="R4", value=0.2, threshold=0.5, state="not_held", consequence="confounded",
          note="+0.012 nats at equal prior and pieces"),
    a.Check(id="R8b", value=0.4, threshold=0.8, state="not_held", consequence="under_powered"),
    a.Check(id="R1c", value=0.41, threshold=0.7, state="not_held", consequence="unrankable"),
    a.Check(id="R14", value=0.9, state="described", note="slope of 'twin' on the plain gaps"),
    a.Check(id="R5", state="not_possible", note="the probe has no placebo groups"),
)  # fmt: skip


@pytest.fixture(scope="module")
def examined() -> a.Results:
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


def test_every_check_has_a_name_and_is_counted(examined: a.Results) -> None:
    table = checks_overview(Index(examined), [r for r in examined.results if r.role == "primary"])
    assert table is not None
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert set(rows) == {_words.check(check.id) for check in CHECKS}
    assert rows[_words.check("R4")] == ["0", "1", "0", "0", "confounded"]
    assert rows[_words.check("R5")] == ["0", "0", "0", "1", "nothing"]


def test_what_did_not_hold_is_listed_gravest_first_and_negation_last(examined: a.Results) -> None:
    table = failed_checks(Index(examined), [r for r in examined.results if r.role == "primary"])
    assert table is not None
    codes = [re.findall(r"\((R\d+[a-c]?)\)", row[1].text)[0] for row in table.rows]
    assert codes == ["R4", "R1c", "R8b", "R14"]
    assert "equal prior and pieces" in table.rows[0][-1].text


def test_a_table_whose_order_is_chance_is_pale_and_by_name(examined: a.Results) -> None:
    (result,) = [r for r in examined.results if r.checks]
    assert "reliability 0.41" in unreliable(result)
    html = render(examined, "html")
    (table,) = re.findall(r'<table class="pale".*?</table>', html, re.DOTALL)
    names = re.findall(r"<tr><th>([^<]+)</th>", table)[1:]
    assert names == sorted(names)
    assert len(names) == 12
    assert 'class="pale"' not in render(example(), "html")


def test_checks_survive_the_file_and_say_nothing_twice(examined: a.Results) -> None:
    again = a.Results.model_validate(examined.model_dump(mode="json"))
    assert again == examined
    (result,) = [r for r in examined.results if r.checks]
    first = result.model_dump(mode="json")["checks"][0]
    assert first == {"id": "R1a", "value": 0.9, "threshold": 0.75, "state": "held"}
