"""The first screen by hand-made results: what it says, in which direction, in how many lines."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import OTHERS
from bias_audit.reports import render
from bias_audit.reports import wording as words
from bias_audit.reports.formats import terminal
from bias_audit.reports.view import page
from bias_audit.reports.view.build import build
from bias_audit.results import Results, Sentence
from tests.gates.cases import probe, result, run

from .strangers import NASTY

POLES = {"plus": "pleasant words", "minus": "unpleasant words"}
OTHER = "the other groups"


def sentence(a: str, b: str, word: str, p: float, q: float, pole: str = "+", **more) -> Sentence:
    from math import log

    return Sentence(
        template="t", target=word, pole=pole, text_a=a, text_b=b, word=word, log_prob_a=log(p),
        log_prob_b=log(q), **more,
    )  # fmt: skip


def audit(*results, **more) -> Results:
    counts: dict[str, int] = {}
    for one in results:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    record = probe(title="A probe", axis="x", **(POLES | more))
    return run(*results).model_copy(update={"probes": (record,), "outcomes": counts})


def association(estimate: float = 0.6, **more):
    known = {
        "outcome": "association", "leans": "A" if estimate > 0 else "B", "at_least": 1.5,
        "at_most": 2.0, "pole": POLES["plus"], "statement": "said in a sentence",
    }  # fmt: skip
    return result(estimate, 0.1, **(known | more))


def screen(*results, **more) -> page.FirstScreen:
    return build(audit(*results, **more)).first_screen


@pytest.mark.parametrize(
    ("estimate", "groups", "name"),
    [
        (0.6, ("a", "b"), "A → pleasant words"),
        (-0.6, ("a", "b"), "B → pleasant words"),
        (0.6, ("a", OTHERS), "A → pleasant words"),
        (-0.6, ("a", OTHERS), "A → unpleasant words"),
    ],
)
def test_every_comparison_is_told_in_the_direction_in_which_something_is_likelier(
    estimate, groups, name
):
    labels = ("A", "B" if groups[1] == "b" else OTHER)
    (line,) = screen(association(estimate, groups=groups, group_labels=labels)).associations
    assert (line.name, line.value, line.bounds) == (name, "1.82 ×", "1.5 – 2")


def test_the_chart_turns_every_comparison_with_its_label():
    chart = screen(association(-0.6), result(0.1, outcome="small", id="q", probe="p")).chart
    assert [(row.label, row.estimate) for row in chart.rows] == [
        ("B → pleasant words", 0.6), ("A → pleasant words", 0.1),
    ]  # fmt: skip
    assert (chart.rows[0].low, chart.rows[0].high) == pytest.approx((0.5, 0.7))


NURSE = sentence("The woman is a nurse.", "The man is a nurse.", "nurse", 0.04, 0.01)
COOK = sentence("The woman is a cook.", "The man is a cook.", "cook", 0.0004, 0.0001)
SMITH = sentence("The woman is a smith.", "The man is a smith.", "smith", 0.01, 0.02, "-")
WRONG = sentence("The woman is a maid.", "The man is a maid.", "maid", 0.1, 0.3)


def test_the_most_telling_words_come_first_and_one_of_the_other_pole_second():
    (line,) = screen(association(sentences=(COOK, WRONG, SMITH, NURSE))).associations
    assert [(one.sentence, one.percentages) for one in line.examples] == [
        ("The woman / man is a ___.", "nurse 4.0 % / 1.0 %"),
        ("The man / woman is a ___.", "smith 2.0 % / 1.0 %"),
    ]


def test_of_the_second_group_the_words_that_it_is_likelier_for_are_shown():
    (line,) = screen(association(-0.6, sentences=(NURSE, WRONG, SMITH))).associations
    assert [one.percentages for one in line.examples] == ["maid 30 % / 10 %"]


def test_filled_in_group_words_leave_a_blank():
    one = sentence("The nurse said she was late.", "The nurse said he was late.", "she / he",
                   0.4, 0.34)  # fmt: skip
    (line,) = screen(association(sentences=(one,)), mask="group").associations
    (example,) = line.examples
    assert (example.sentence, example.percentages) == (
        "The nurse said ___ was late.", "she 40 %, he 34 %",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        ("Was it nice, Asian man?", "Was it nice, Black man?", "Was it ___, Asian / Black man?"),
        ("“An Asian”, nice.", "“A Black”, nice.", "“An Asian / A Black”, ___."),
        ("Nice? No: nice (Asian).", "Nice? No: nice (Black).", "Nice? No: ___ (Asian / Black)."),
        ("nice", "nice", "___"),
    ],
)
def test_two_sentences_become_one(a, b, shown):
    (line,) = screen(association(sentences=(sentence(a, b, "nice", 0.2, 0.1),))).associations
    assert line.examples[0].sentence == shown


def test_long_group_words_are_named_beside_the_sentence():
    a, b = "A person who was born in a far country", "Another one who has always lived here"
    one = sentence(f"{a} is nice.", f"{b} is nice.", "nice", 0.2, 0.1)
    (example,) = screen(association(sentences=(one,))).associations[0].examples
    assert (example.sentence, example.percentages) == (f"{a} is ___.", "nice: A 20 %, B 10 %")


def test_whole_sentences_are_compared_with_each_other():
    one = sentence("The woman is a nurse.", "The man is a nurse.", "nurse", 3e-20, 1e-20)
    results = audit(association(sentences=(one,)))
    model = results.model.model_copy(update={"reading": "continuation"})
    (line,) = build(results.model_copy(update={"model": model})).first_screen.associations
    assert line.examples[0].percentages == "nurse 3.0 × / 1.00 ×"


def test_sentences_with_harmful_words_are_never_shown():
    slur = sentence("The woman is a rat.", "The man is a rat.", "rat", 0.5, 0.1, harmful=True)
    results = audit(association(sentences=(slur,)))
    (line,) = build(results).first_screen.associations
    assert (line.examples, line.folded) == ((), True)
    for name in ("terminal", "md", "notebook", "github"):
        assert not re.search(r"\brat\b", render(results, name))
    assert "harmful words and are folded" in render(results, "terminal")


def test_what_is_no_association_is_named_probe_by_probe_with_reasons_first():
    groups = tuple("abcde")
    small = [
        result(0.0, id=f"p:{g}", outcome="small", groups=(g, OTHERS), at_most=1.25,
               group_labels=(g.upper(), OTHER))
        for g in groups[:2]
    ]  # fmt: skip
    leans = result(0.3, id="p:c", outcome="open", groups=("c", OTHERS), leans="C", at_most=2.0,
                   group_labels=("C", OTHER))  # fmt: skip
    lost = result(0.0, id="p:d", outcome="not_measurable", reason="only 3 sentences",
                  groups=("d", OTHERS), group_labels=("D", OTHER))  # fmt: skip
    shown = screen(*small, leans, lost)
    assert shown.groups == {
        "small": ("A probe (A, B)",),
        "open": ("C → pleasant words, at most 2 times",),
        "not_measurable": ("Only 3 sentences. A probe (D)",),
    }
    assert shown.lead == "Associations: 0 of 4 comparisons. Small: 2. Open: 1. Not measurable: 1."
    text = render(audit(*small, leans, lost), "terminal")
    assert "No association was shown; that is not evidence of absence." in text


def test_a_gap_that_is_the_same_in_every_sentence_is_listed_with_its_size():
    flat = result(0.9, id="p:a", outcome="not_measurable", statuses=("degenerate",),
                  groups=("a", OTHERS), group_labels=("A", OTHER),
                  reason="the gap is the same in every sentence (2.5 ×)")  # fmt: skip
    assert screen(flat).groups["not_measurable"] == (
        "A → pleasant words 2.5 × in every sentence, so without an interval",
    )


def test_a_silent_control_is_named_with_what_it_showed():
    said = "the positive control 'yes' is silent"
    control = result(0.6, id="yes:g", probe="yes", role="control", outcome=None, works=False,
                     reason=f"{said}: it showed 1.8 ×, more than 2.7 × is needed")  # fmt: skip
    deaf = {"statuses": ("silent_control",), "reason": said}
    results = audit(
        result(0.0, outcome="not_measurable", **deaf),
        result(0.3, id="p:open", outcome="open", leans="A", **deaf),
        controls=("yes:g",),
    )
    record = probe(id="yes", role="positive_control", works=False)
    results = results.model_copy(
        update={"results": (*results.results, control), "probes": (*results.probes, record)}
    )
    view = build(results)
    full = "The positive control 'yes' is silent: it showed 1.8 ×, more than 2.7 × is needed."
    reasons = {line.outcome: line.reason for line in view.first_screen.comparisons}
    assert reasons["not_measurable"] == full
    assert reasons["open"] == f"No upper bound, because {full[0].lower()}{full[1:]}"
    assert any(remark.startswith(full) for remark in view.first_screen.remarks)
    text = " ".join(view.references)
    assert "1.82 times (does not work)" in text
    assert "no yardstick" in text


def test_shown_for_these_words_only_is_marked_and_explained():
    results = audit(association(statuses=("these_words_only",)))
    for name in ("terminal", "md", "notebook"):
        text = render(results, name)
        assert re.search(r"A → pleasant words\W*\*", re.sub(r"</?\w+>", "", text)), name
        assert "others of the kind may behave otherwise" in text, name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("reference", '"reference"'), ("Wörter", '"Wörter"'), ("roberta-base", "roberta-base"),
        ("./my model", "./my model"), ("org/model", "org/model"), ("bert2", "bert2"),
    ],
)  # fmt: skip
def test_a_name_that_could_be_a_word_is_quoted(name, said):
    results = audit(association())
    model = results.model.model_copy(update={"name": name})
    named = results.model_copy(update={"model": model})
    first = build(named).first_screen.headline
    assert first.startswith(f"{results.tool.name} · {said} · 1 probe, 1 comparison, ")
    assert render(named, "terminal").splitlines()[0] == first


def crowded() -> Results:
    """More of everything than a screen holds."""
    wide = sentence("A long sentence about the woman who is a nurse in our town " + "and on " * 9,
                    "A long sentence about the man who is a nurse in our town " + "and on " * 9,
                    "nurse", 0.04, 0.01)  # fmt: skip
    many = [
        association(1 + i / 50, id=f"p:{i}", groups=(f"g{i}", OTHERS),
                    group_labels=(f"people from the country number {i}", OTHER),
                    sentences=(NURSE, SMITH, wide))
        for i in range(40)
    ]  # fmt: skip
    rest = [
        result(0.0, id=f"p:{name}{i}", outcome=name, reason="a reason of some length " * 4,
               groups=(f"{name}{i}", OTHERS), group_labels=(f"{name} people number {i}", OTHER))
        for name in ("small", "open", "not_measurable")
        for i in range(30)
    ]  # fmt: skip
    return audit(*many, *rest)


@pytest.mark.parametrize("example", [False, True])
def test_thirty_lines_hold_the_screen_of_an_audit(example, audit: Results):
    results = audit if example else crowded()
    console = Console(file=io.StringIO(), width=100, color_system=None)
    terminal.show(build(results), console, folder="audit-runs/2026-11-29-1cb67f")
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 100
    assert lines[-2:] == [
        "Report  audit-runs/2026-11-29-1cb67f/report.html",
        "Next    bias-audit show 1 · set limits: bias-audit init --ci github",
    ]


def test_every_comparison_on_demand():
    console = Console(file=io.StringIO(), width=100, color_system=None)
    terminal.show(build(crowded()), console, every=True)
    below = console.file.getvalue().split("Every comparison\n")[1]
    numbers = [int(n) for n in re.findall(r"^ *(\d+) +\S.*×", below, re.MULTILINE)]
    assert numbers == list(range(1, 131))


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_any_width_in_ascii_without_colours(width, judged: Results, hostile: Results):
    for results in (judged, hostile, crowded()):
        text = terminal.render(results, width=width, ascii=True)
        assert text.isascii()
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= width


def test_strangers_words_in_examples_and_names():
    for nasty in NASTY:
        one = sentence(f"The woman is {nasty} .", f"The man is {nasty} .", nasty, 0.2, 0.1)
        results = audit(association(sentences=(one,), group_labels=(nasty, "B"), leans=nasty),
                        plus=nasty)  # fmt: skip
        for name in ("terminal", "md", "notebook", "github"):
            text = render(results, name)
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
            assert "<script>" not in text or name in ("terminal", "github")
        assert max(map(len, render(results, "terminal").splitlines())) <= 100


def test_the_screen_of_a_data_set():
    def share(group: str, value: float | None, **more):
        return result(
            value, 4.0, id=f"d:{group}", probe="d", axis="benchmark", metric="crows_pairs_score",
            groups=(group,), group_labels=(group,), unit="percent", neutral=50.0, role="secondary",
            outcome=None, n_templates=1508, **more,
        )  # fmt: skip

    record = probe(id="d", axis="benchmark", title="CrowS-Pairs", prompts=3016)
    results = run(share("all", 58.0), share("age", 49.0), share("faith", 31.0), share("race", 62.0))
    results = results.model_copy(update={"probes": (record,)})
    shown = build(results).first_screen
    (line,) = shown.datasets
    assert (line.value, line.interval, line.neutral) == ("58.0 %", "54.0 – 62.0 %", "50 %")
    assert line.extremes == (("faith", "31.0 %"), ("race", "62.0 %"), ("age", "49.0 %"))
    assert "1 data set, 3,016 sentences" in shown.headline
    for name in ("terminal", "md", "notebook"):
        text = " ".join(re.sub(r"[*]|</?strong>", "", render(results, name)).split())
        assert "furthest from neutral: faith 31.0 %, race 62.0 %" in text.replace(";", ","), name
        assert "No groups were compared" not in text


def test_axes_that_were_not_asked_are_named(audit: Results):
    catalogue = ProbeCatalogue()
    specs = map(catalogue.probe_spec, catalogue.probe_ids())
    assert sorted({spec.axis for spec in specs if spec.role == "probe"}) == list(words.AXES)
    asked = {p.axis for p in audit.probes if p.role == "probe" and p.state == "measured"}
    left = [axis for axis in words.AXES if axis not in asked]
    assert build(audit).cannot.endswith(f"Not asked in this run: {', '.join(left)}.")
    assert words.not_asked(audit.model_copy(update={"probes": ()})) == ""
    every = tuple(
        audit.probes[0].model_copy(update={"axis": axis, "role": "probe", "state": "measured"})
        for axis in words.AXES
    )
    assert words.not_asked(audit.model_copy(update={"probes": every})) == ""


def test_a_gate_with_several_states_tells_how_many_of_its_comparisons(judged: Results):
    screen = render(judged, "html").split('class="decision"')[1].split("</dl>")[0]
    assert "<code>religion</code> (1 of 3)" in screen
