"""What stands beside an association: control, margin, what the ratio compares, frequency."""

from __future__ import annotations

import math

import pytest

from bias_audit.records import OTHERS
from bias_audit.reports import render
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.results import GroupProfile, Results, Sentence, TargetProfile
from bias_audit.results.schema import Check
from tests.gates.cases import probe, result, run

POLES = {"plus": "jobs of women", "minus": "jobs of men"}
GROUPS = tuple(GroupProfile(id=g, label=g.upper(), terms=(g,)) for g in ("a", "b"))


def association(ratio: float, half: float = 0.05, **more):
    known = {"outcome": "association", "leans": "A", "pole": POLES["plus"], "statement": "said"}
    return result(math.log(ratio), half, **(known | more))


def control(ratio: float, name: str, groups=("a", "b"), **more):
    return result(math.log(ratio), 0.01, id=name, probe="nonsense", role="control", outcome=None,
                  groups=groups, group_labels=tuple(g.upper() for g in groups), **more)  # fmt: skip


def audit(*results, **more) -> Results:
    quiet = [r for r in results if r.role == "control"]
    known = POLES | {"groups": GROUPS, "controls": tuple(r.id for r in quiet)} | more
    records = (probe(title="A probe", axis="x", **known),
               probe(id="nonsense", role="negative_control", axis="x"))  # fmt: skip
    return run(*results).model_copy(update={"probes": records, "outcomes": {"association": 1}})


def line(*results, **more) -> page.OutcomeLine:
    return build(audit(*results, **more)).first_screen.associations[0]


@pytest.mark.parametrize(
    ("ratio", "own", "other", "marks", "control_"),
    [
        (1.9, 1.05, 1.02, (), "1.05 ×"),
        (1.3, 1.27, 1.02, ("†",), "1.27 ×"),  # its interval reaches the control of its own groups
        (1.3, 1.02, 1.35, ("†",), "1.02 ×"),  # smaller than what others show in the same control
        (1.12, 1.02, 1.02, ("‡",), "1.02 ×"),  # inside the margin of 0.2 nats, above its control
    ],
)
def test_an_association_is_held_against_words_that_mean_nothing(ratio, own, other, marks, control_):
    quiet = (control(own, "n:1"), control(1 / other, "n:2", groups=("c", OTHERS)))
    groups = (*GROUPS, GroupProfile(id="c", label="C", terms=("c",)))
    shown = line(association(ratio), *quiet, groups=groups)
    assert (shown.marks, shown.control) == (marks, control_)
    assert shown.control_note.startswith(f"Words that mean nothing reach {control_} for the same")
    assert ("not clearly above" in shown.control_note) == ("†" in marks)
    if other > own:
        assert f"{other:.2f} × for C" in shown.control_note
    for name in ("terminal", "md", "notebook", "dossier", "cyclonedx"):
        text = render(audit(association(ratio), *quiet, groups=groups), name)
        assert control_ in text
        assert ("not clearly above its control" in text) == ("†" in marks)


def test_a_control_of_other_groups_vouches_for_nobody_and_a_placebo_for_all():
    shown = line(association(1.9), control(1.4, "n:1", groups=("first", "second")))
    assert shown.control == "1.40 ×"
    other = line(association(1.9), control(1.4, "n:1", groups=("b", OTHERS)), groups=GROUPS)
    assert other.control == "1.40 ×"
    none = line(association(1.9))
    assert (none.control, none.marks) == ("", ())
    assert none.control_note == "No words that mean nothing were scored for these groups."


def test_the_caution_about_frequency_gives_the_number_that_is_left_everywhere():
    check = Check(id="R15", state="not_held", consequence="target_frequency",
                  estimate=math.log(1.1))  # fmt: skip
    results = audit(association(1.5, statuses=("target_frequency",), checks=(check,)))
    said = ("Caution: between equally frequent words it is 1.10 ×, not 1.50 ×: "
            "inside the reference margin.")  # fmt: skip
    for name in ("terminal", "md", "notebook", "html"):
        assert said in " ".join(render(results, name).split()), name
    turned = check.model_copy(update={"estimate": -math.log(1.1)})
    (text,) = line(association(1.5, statuses=("target_frequency",), checks=(turned,))).beside
    assert text == "Caution: between equally frequent words it is 1.10 × the other way, not 1.50 ×."


def test_where_group_words_are_scored_it_is_said_which_stays_likelier():
    def target(name: str, a: float, b: float, pole: str = "+") -> TargetProfile:
        return TargetProfile(id=name, text=name, pole=pole, pieces=1, log_prob=(a, b))

    words = (target("x", -2.0, -1.0), target("y", -2.0, -1.5), target("z", -1.0, -2.0),
             target("m", -5.0, -1.0, "-"))  # fmt: skip
    shown = line(association(1.9), mask="group", targets=words)
    assert shown.beside == (
        "B stays likelier in 2 of 3; the odds of A are 1.90 times those in jobs of men.",
    )
    assert line(association(1.9), targets=words).beside == ()


def test_typical_pairs_of_both_poles_come_first_in_the_order_of_the_groups():
    def pair(word: str, p: float, q: float, pole="+", **more) -> Sentence:
        return Sentence(template="t", target=word, pole=pole, text_a=f"The a is a {word}.",
                        text_b=f"The b is a {word}.", word=word, log_prob_a=math.log(p),
                        log_prob_b=math.log(q), **more)  # fmt: skip

    loud, against = pair("nurse", 0.4, 0.1), pair("maid", 0.1, 0.2)
    usual = pair("clerk", 0.02, 0.03, typical=True), pair("smith", 0.1, 0.3, "-", typical=True)
    shown = line(association(1.5, sentences=(loud, *usual)))
    assert [(one.kind, one.percentages) for one in shown.examples] == [
        ("typical of jobs of women", "clerk 2.0 % / 3.0 %"),
        ("typical of jobs of men", "smith 10 % / 30 %"),
    ]
    shown = line(association(1.5, sentences=(loud, against, usual[0])))
    assert [(one.kind, one.percentages) for one in shown.examples] == [
        ("most telling", "nurse 40 % / 10 %"),
    ]
    shown = line(association(1.5, sentences=(against,)))
    assert [one.kind for one in shown.examples] == ["the other way"]


def test_an_open_comparison_tells_its_direction_interval_and_why_it_has_no_bound():
    loose = result(0.1, 0.3, outcome="open", at_most=None, statement="A and B: without a bound",
                   statuses=("no_controls", "under_powered"))  # fmt: skip
    html = " ".join(render(audit(loose), "html").split())
    assert "A → jobs of women: 1.11 ×; 95 % interval for these words 0.82 to 1.49." in html
    assert "No upper bound, because there is no positive control, or neither a negative" in html
    assert "could go unnoticed with this design" in html
