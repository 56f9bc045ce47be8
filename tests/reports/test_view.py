"""One number, one wording: sentences that a reader could take for a contradiction."""

from __future__ import annotations

import html
import re

import pytest

from bias_audit.reports import render, wording
from bias_audit.reports.view import charts as _pictures
from bias_audit.reports.view import verdict
from bias_audit.reports.view.build import build
from bias_audit.reports.view.index import Index
from bias_audit.results import Gate, Result, Results

from .gated import BUDDHIST, HINDU, gate


def _found(audit: Results, name: str) -> Result:
    return next(result for result in audit.results if result.id == name)


def test_a_p_says_that_it_tests_against_no_gap(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result)
    facts = verdict.finding_facts(result.model_copy(update={"p_adjusted": 0.005}), finding)
    assert "adjusted p against no gap at all 0.005" in facts
    raw = result.model_copy(update={"p_adjusted": None, "p_value": 0.02})
    assert "p against no gap at all 0.020 (raw)" in verdict.finding_facts(raw, finding)
    table = _pictures.interval_table(Index(audit), result.axis, [result])
    assert table.head[-1] == "p against 0"


def test_a_finding_has_odds_above_one_as_its_headline(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result)
    down = result.model_copy(update={"estimate": -0.25, "ci_low": -0.4, "ci_high": -0.1})
    size = verdict.finding_facts(down, finding)[0]
    assert re.match(r"odds 1\.28 times \(95 % interval 1\.1\d? to 1\.4\d?\); in the tables", size)
    assert "−0.25 nats [−0.40, −0.10]" in size
    assert "0.78" not in size


def test_agreement_of_the_sentences_is_told_once(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result).model_copy(update={"sign_share": 1.0})
    told_there = finding.model_copy(
        update={"detail": "100% of the sentence frames agree in direction."}
    )
    assert any("paraphrase" in fact for fact in verdict.finding_facts(result, finding))
    assert not any("paraphrase" in fact for fact in verdict.finding_facts(result, told_there))


@pytest.mark.parametrize(
    ("low", "high", "said"), [(-0.2, 0.16, False), (-0.75, 0.16, True), (-0.2, 0.71, True)]
)
def test_a_pass_whose_wide_interval_reaches_out_is_explained(
    audit: Results, low: float, high: float, said: bool
) -> None:
    one = gate("g", HINDU, "pass", 1, ci_low=low, ci_high=high)
    assert ("A pass needs the 90 % interval inside the limit" in _line(audit, one)) is said
    unclear = one.model_copy(update={"state": "unclear"})
    assert "90 %" not in _line(audit, unclear)


def _line(audit: Results, one: Gate) -> str:
    return verdict.gate_line(Index(audit), one).limits


def test_a_limit_beside_the_margin_of_the_catalogue_is_named(audit: Results) -> None:
    result = _found(audit, BUDDHIST)
    assert result.margin is not None
    assert result.outcome == "unclear"
    passed = gate("g", BUDDHIST, "pass", 1, limit=0.7)
    said = f"The catalogue's margin is another, {result.margin:.2f}: by that the gap is unclear."
    assert said in _line(audit, passed)
    for name in ("html", "md"):
        text = html.unescape(render(audit.model_copy(update={"gates": (passed,)}), name))
        assert said in text
    for other_one in (
        gate("g", BUDDHIST, "pass", 1, limit=result.margin),
        gate("g", BUDDHIST, "unclear", 1, limit=0.7),
    ):
        assert "catalogue" not in _line(audit, other_one)


def test_a_reason_of_one_comparison_names_it(audit: Results) -> None:
    index = Index(audit)
    probe = next(p for p in audit.probes if len(index.of(p.id, "primary")) > 1)
    first, *rest = index.of(probe.id, "primary")

    def shown(*reasons: str) -> str:
        results = tuple(
            result.model_copy(update={"reason": reason})
            for result, reason in zip((first, *rest), reasons, strict=True)
        )
        wide = probe.model_copy(update={"reason": reasons[0]})
        view = build(audit.model_copy(update={"probes": (wide,), "results": results}))
        return view.chapters[0].probes[0].reason

    mine = "no practical design would decide"
    text = shown(mine, *["1.3 times as many"] * len(rest))
    assert text.startswith(f"For {index.versus(first)}: ")
    assert text.endswith("The other comparisons have reasons of their own.")
    assert shown(*[mine] * (len(rest) + 1)) == wording.sentence(mine)
