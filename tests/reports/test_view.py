"""One number, one wording: sentences that a reader could take for a contradiction."""

from __future__ import annotations

import html
import re

from bias_audit.reports import render
from bias_audit.reports.view import verdict
from bias_audit.reports.view.build import build
from bias_audit.results import Result, Results
from bias_audit.results.codes import describe
from bias_audit.results.schema import Claim

from .page import Page


def _found(audit: Results, name: str) -> Result:
    return next(result for result in audit.results if result.id == name)


def test_each_claim_has_its_own_interval_and_the_p_stands_with_the_second(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result)
    kind = Claim(se=0.1, df=9.0, ci_low=0.1, ci_high=0.5, ci90_low=0.2, ci90_high=0.4, p_value=0.01)
    known = {"estimate": 0.3, "ci_low": 0.2, "ci_high": 0.4, "words_of_this_kind": kind}
    result = result.model_copy(update=known | {"p_adjusted": 0.005})
    said = "for these words 1.22 to 1.49; for words of this kind 1.11 to 1.65 with adjusted p 0.005"
    assert f"95 % interval {said}" in verdict.finding_facts(result, finding)
    turned = {"estimate": -0.3, "ci_low": -0.4, "ci_high": -0.2, "words_of_this_kind": None}
    facts = verdict.finding_facts(result.model_copy(update=turned), finding)
    assert "95 % interval for these words 1.22 to 1.49" in facts


def test_agreement_of_the_sentences_is_told_once(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result).model_copy(update={"sign_share": 1.0})
    told_there = finding.model_copy(
        update={"detail": "100% of the sentence frames agree in direction."}
    )
    assert any("paraphrase" in fact for fact in verdict.finding_facts(result, finding))
    assert not any("paraphrase" in fact for fact in verdict.finding_facts(result, told_there))


def test_comparisons_come_by_outcome_and_the_strongest_first(audit: Results) -> None:
    lines = build(audit).first_screen.comparisons
    order = ["association"] * 4 + ["small"] * 2 + ["open"] * 3 + ["not_measurable"]
    assert [line.outcome for line in lines] == order
    assert [line.title for line in lines][:2] == ["women vs men", "Muslim vs the other groups"]
    assert (lines[0].number, lines[0].value, lines[0].bounds) == (1, "3.1 ×", "2 – 5")
    assert lines[0].name == "women → jobs held mostly by women"
    assert all(line.statement for line in lines)


def test_without_gates_no_format_says_unclear(audit: Results) -> None:
    for name in ("terminal", "md", "csv", "junit", "sarif", "github", "gitlab", "card", "notebook"):
        text = render(audit, name)
        assert not re.search(r"\bunclear\b", text), name
    said = Page(render(audit, "html")).text
    assert "unclear" not in said[: said.rindex("Quality of the evidence")]


def test_notices_stand_beside_a_gate(judged: Results) -> None:
    one = next(gate for gate in judged.gates if gate.notices)
    (said,) = [describe(code) for code in one.notices]
    for name in ("terminal", "md", "html"):
        text = " ".join(html.unescape(render(judged, name)).split())
        assert said in text, name
