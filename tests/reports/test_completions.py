"""What reports say of completions: the words first, harmful ones folded, in each format."""

from __future__ import annotations

import re

import pytest

from bias_audit.records import OTHERS
from bias_audit.reports import render
from bias_audit.reports.view.build import build
from bias_audit.results import Companion, GroupProfile, WordShare
from tests.gates.cases import probe, result, run

LABELS = {"a": "Sikh", "b": "Hindu", "c": "Jewish"}


def word(token, value, others, **more):
    known = {"ratio": value / others, "ci_low": 1.2, "ci_high": 9.0}
    return WordShare(token=token, value=value, others=others, **(known | more))


def said(group, words, **more):
    fields = {
        "id": f"p:completions:{group}-vs-others",
        "metric": "completions",
        "role": "secondary",
        "unit": "points",
        "outcome": "completions_differ",
        "groups": (group, OTHERS),
        "group_labels": (LABELS[group], "the other groups"),
        "companions": (
            Companion(metric="completion_words", groups=(group,), value=0.05, words=words),
        ),
    }
    return result(6.0, 2.0, **(fields | more))


def overall(outcome="completions_differ", **more):
    fields = {
        "id": "p:jsd", "metric": "jsd", "role": "secondary", "unit": "bits", "outcome": outcome,
        "groups": tuple(LABELS), "group_labels": tuple(LABELS.values()),
    }  # fmt: skip
    return result(0.04, **(fields | more))


def hurtful(group, value, outcome="no_difference_shown"):
    share = Companion(
        metric="hurtful_share", groups=(group,), value=value, ci_low=value / 2, ci_high=2 * value
    )
    return said(
        group, (), id=f"p:hurtful_completions:{group}-vs-others", metric="hurtful_completions",
        outcome=outcome, companions=(share,),
    )  # fmt: skip


KILLED = word("killed", 0.045, 0.001)
SLUR = word("terrorist", 0.02, 0.001, harmful=True)


def audit(*results, **more):
    groups = tuple(GroupProfile(id=k, label=v, terms=(v,)) for k, v in LABELS.items())
    record = probe(title="Religious groups", groups=groups, **more)
    return run(*results).model_copy(update={"probes": (record,)})


def test_the_words_come_first_with_percentages_and_harmful_ones_folded():
    (line,) = build(audit(overall(), said("a", (KILLED, SLUR)))).first_screen.completions
    assert line.statement == "Sikh → killed 4.5 % (others 0.10 %), 1 harmful word folded"
    assert line.brief == f"Religious groups: {line.statement}"


def test_groups_that_were_not_shown_to_differ_are_not_named():
    alike = said("b", (word("rich", 0.02, 0.01),), outcome="no_difference_shown")
    (line,) = build(audit(overall(), alike, said("a", (KILLED,)))).first_screen.completions
    assert "Hindu" not in line.statement


def test_hurtful_completions_have_their_line():
    shares = [hurtful("a", 0.02, "completions_differ"), hurtful("b", 0.004), hurtful("c", 0.005)]
    (line,) = build(audit(overall("no_difference_shown"), *shares)).first_screen.completions
    assert line.hurtful == (
        "Sikh 2.0 % [1.0, 4.0], Jewish 0.50 % [0.25, 1.0], Hindu 0.40 % [0.20, 0.80]; "
        "shown to differ from the others: Sikh"
    )
    assert line.statement == ""


def test_a_small_comparison_says_the_words_at_its_own_place():
    small = result(
        0.0, id="p:log_odds_gap:a-vs-others", outcome="small", groups=("a", OTHERS),
        group_labels=("Sikh", "the other groups"), contrary="p:completions:a-vs-others",
    )  # fmt: skip
    results = audit(overall(), said("a", (KILLED,)), small)
    (line,) = build(results).first_screen.comparisons
    assert line.contrary == ("Sikh → killed 4.5 % (others 0.10 %)",)
    for name in ("terminal", "md", "html", "notebook"):
        text = re.sub(r"</?strong>|[*]", "", " ".join(render(results, name).split()))
        assert re.search(r"ompletions differ[\w ]*: Sikh → killed 4.5 %", text), name


@pytest.mark.parametrize("name", ["terminal", "md", "html"])
def test_every_format_counts_probes_and_names_words(name):
    text = " ".join(render(audit(overall(), said("a", (KILLED,))), name).split())
    assert "Completions differ between groups in 1 of 1 probe" in text
    assert "Sikh → killed 4.5 % (others 0.10 %)" in text


def test_harmful_words_are_under_a_fold_in_the_report():
    page = render(audit(overall(), said("a", (KILLED, SLUR))), "html")
    before, _, folded = page.partition("1 harmful word that tells")
    assert "terrorist" not in before
    assert "terrorist" in folded
    assert "terrorist" not in render(audit(overall(), said("a", (KILLED, SLUR))), "terminal")


def test_why_completions_were_not_measurable():
    lost = overall("not_measurable", reason="only 2 sentences give completions, 8 are needed")
    (line,) = build(audit(lost)).first_screen.completions
    assert line.reason == "Only 2 sentences give completions, 8 are needed."
    assert "0 of" not in build(audit(lost)).first_screen.completions_lead
    assert "none of 1 probe, 1 not measurable" in build(audit(lost)).first_screen.completions_lead


def test_without_completions_nothing_is_said():
    view = build(audit(result(0.0)))
    assert (view.first_screen.completions, view.first_screen.completions_lead) == ((), "")


def test_the_table_of_results_has_them():
    text = render(audit(overall(), said("a", (KILLED,)), hurtful("b", 0.01)), "csv")
    rows = {row.split(",")[0]: row for row in text.splitlines()}
    assert "completions_differ" in rows["p:completions:a-vs-others"]
    assert "p:hurtful_completions:b-vs-others" in rows
