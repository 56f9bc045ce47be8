"""One number, one wording: sentences that a reader could take for a contradiction."""

from __future__ import annotations

import html
import re

import pytest

from bias_audit import findings
from bias_audit.archive import Gate, MissingChange, ProbeRecord, Result, Results
from bias_audit.render import _axes, _judged, _lines, _models, _words, render
from bias_audit.render import comparison as told
from bias_audit.render._compared import build
from bias_audit.render._index import Index
from bias_audit.reports.view import charts

from .gated import BUDDHIST, HINDU, OCCUPATION, gate
from .others import change, comparison, other


def _found(audit: Results, name: str) -> Result:
    return next(result for result in audit.results if result.id == name)


def test_what_is_open_is_not_called_within_its_margin(audit: Results) -> None:
    """A gap beyond its margin that is not so after adjusting leaves the lead open, too."""
    margins = tuple(
        gate(f"g{i}", OCCUPATION, state, i + 1, enforced=False)
        for i, state in enumerate(("unclear", "unclear", "pass"))
    )
    lead = render(audit.model_copy(update={"gates": margins}), "md").splitlines()[0]
    assert lead == "**No catalogue margin was shown to be exceeded; 2 of 3 are open.**"


def test_a_p_says_that_it_tests_against_no_gap(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result)
    facts = _judged.measured(result.model_copy(update={"p_adjusted": 0.005}), finding)
    assert "adjusted p against no gap at all 0.005" in facts
    raw = result.model_copy(update={"p_adjusted": None, "p_value": 0.02})
    assert "p against no gap at all 0.020 (raw)" in _judged.measured(raw, finding)
    table = charts.interval_table(Index(audit), result.axis, [result])
    assert table.head[-1] == "p against 0"


def test_a_finding_has_odds_above_one_as_its_headline(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result)
    down = result.model_copy(update={"estimate": -0.25, "ci_low": -0.4, "ci_high": -0.1})
    size = _judged.measured(down, finding)[0]
    assert re.match(r"odds 1\.28 times \(95 % interval 1\.1\d? to 1\.4\d?\); in the tables", size)
    assert "−0.25 nats [−0.40, −0.10]" in size
    assert "0.78" not in size


def test_agreement_of_the_sentences_is_told_once(audit: Results) -> None:
    finding = audit.findings[0]
    result = _found(audit, finding.result).model_copy(update={"sign_share": 1.0})
    told_there = finding.model_copy(
        update={"detail": "100% of the sentence frames agree in direction."}
    )
    assert any("paraphrase" in fact for fact in _judged.measured(result, finding))
    assert not any("paraphrase" in fact for fact in _judged.measured(result, told_there))
    for code in ("under_powered", "surface_dependent", "less_natural", "p_withheld"):
        assert findings.NOTICES[code] == _words.STATUSES[code], "one warning has one wording"


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
    return _lines.gate_line(Index(audit), one).limits


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
    mine = first.model_copy(update={"reason": "no practical design would decide"})
    others = [r.model_copy(update={"reason": "1.3 times as many"}) for r in rest]
    wide = probe.model_copy(update={"reason": mine.reason})
    text = _reason(index, wide, [mine, *others])
    assert text.startswith(f"For {index.versus(mine)}: ")
    assert text.endswith("The other comparisons have reasons of their own.")
    alike = [r.model_copy(update={"reason": mine.reason}) for r in (mine, *others)]
    assert _reason(index, wide, alike) == _words.sentence(mine.reason)


def _reason(index: Index, probe: ProbeRecord, results: list[Result]) -> str:
    return _axes._reason(index, probe, results)


def test_probes_and_comparisons_are_counted_apart(audit: Results) -> None:
    chapter = next(c for c in _axes.chapters(Index(audit)) if c.title == "Religion")
    assert re.fullmatch(
        r"\d+ probes? \(.+\), \d+ primary comparisons? \(\d+ [a-z]+(, \d+ [a-z]+)*\)\.",
        chapter.lead,
    )


def test_a_chart_of_all_words_does_not_speak_of_the_widest() -> None:
    assert charts._word_count(24, 24) == "All 24 words are drawn."
    assert charts._word_count(24, 130) == "The 24 words with the widest gaps, of 130, are drawn."


def test_same_scores_where_there_was_a_partner() -> None:
    alone = (MissingChange(probe="p", result="r", reason_code="no_result", reason="gone"),)
    made = comparison(change(identical=True), missing=alone, baseline="/home/me/runs/old")
    facts = dict(build(made, secondary=True).facts)
    assert facts["Same scores"] == (
        "in every paired sentence that both runs have; 1 more has no partner"
    )
    assert facts["Baseline"] == "runs/old"
    assert told.headline(made) == (
        "1 gap compared with runs/old: 1 with the same scores; 1 more has no partner"
    )
    assert dict(build(comparison(change()), secondary=True).facts)["Same scores"] == "no"
    whole = comparison(change(identical=True), identical=True)
    facts = dict(build(whole, secondary=True).facts)
    assert facts["Same scores"] == "yes, in every paired sentence"
    none = dict(build(comparison(), secondary=True).facts)
    assert none["Same scores"] == "nothing could be paired"


@pytest.mark.parametrize(
    ("given", "shown"),
    [("main", "main"), ("runs/new", "runs/new"), ("/a/b/c/results.json", "b/c"), ("/c", "c")],
)
def test_a_whole_path_is_no_name(given: str, shown: str) -> None:
    assert told.called(given) == shown


def test_runs_without_a_comparison_in_common_have_no_noughts(audit: Results) -> None:
    small = other(audit.model_copy(update={"results": (), "findings": ()}), "m/s", 0.0)
    shown = _models.build([("a", audit), ("b", other(audit, "m/b", 0.1)), ("c", small)])
    assert shown.lead.startswith("These runs have no comparison in common")
    for row in shown.models.rows:
        assert [cell.text for cell in row[2:9]] == ["–"] * 6 + ["not compared"]
    asked = sum(r.role == "primary" for r in audit.results)
    assert (
        f"C was not asked {asked} of the comparisons that all the other runs share: leave C out to "
        "see them side by side."
    ) in shown.notices


def test_runs_of_the_same_weights_are_told(audit: Results) -> None:
    same = _models.build([("a", audit), ("b", audit)]).notices
    assert same == (
        "All of these runs have the same weights: what differs between them is not the model.",
    )
    third = _models.build([("a", audit), ("b", audit), ("c", other(audit, "m/c", 0.1))]).notices
    assert third[0].startswith("A, B have the same weights")
    apart = [("a", audit), ("c", other(audit, "m/c", 0.1))]
    assert _models.build(apart).notices == ()
