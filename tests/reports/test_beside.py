"""Measures beside a result: rows in tables, hurtful words behind a click."""

from __future__ import annotations

import csv
import io
import re

import pytest

from bias_audit import results as a
from bias_audit.metrics import info
from bias_audit.reports import render

PROBE = "occupation-gender"
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
    assert info.registry["hurtful_odds"].name in html
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
