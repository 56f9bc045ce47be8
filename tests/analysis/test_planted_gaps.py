"""What is planted is measured: oracle models, invariants, words and sentences that get lost."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_audit.probes.probe import Probe
from bias_audit.records import FillScore, Prompt
from tests.analysis.world import (
    Model,
    analyse,
    behave,
    controlled,
    job_sentences,
    make,
    noise,
    only,
    pairs,
    plant,
    primary,
    record,
    reordered,
    run,
    sentences,
    sign,
    terms,
    wobble,
)

EITHER = "group a and group b, gains rather than losses"
THREE = {"a": terms("ann", 4), "b": terms("bob", 4), "c": terms("cam", 4)}


@pytest.mark.parametrize("gap", [1.25, -0.8, 3.0])
def test_a_planted_gap_is_measured_to_the_last_digit(gap):
    done = run(controlled(), plant(gap))
    result = only(done)
    assert result.estimate == pytest.approx(gap, abs=1e-9)
    assert result.outcome == "association"
    assert record(done).outcomes == {"association": 1}
    assert [t.value for t in result.by_template] == pytest.approx(
        [gap + 0.04 * (-1) ** (j + 1) for j in range(8)], abs=1e-9
    )
    for target in result.by_target:
        own = 0.01 * (-1) ** int(target.id[-1]) if target.pole == "+" else 0.0
        half = gap / 2 if target.pole == "+" else -gap / 2
        assert target.value == pytest.approx(half + own, abs=1e-9)
    assert result.effect_size == pytest.approx(2.718281828459045**gap, rel=1e-7)
    assert (done.results.gates, done.results.outcomes["association"]) == ((), 1)


def test_headline_prints_the_planted_odds_ratio():
    up = run(controlled(), plant(1.25)).findings[0].headline
    down = run(controlled(), plant(-1.25)).findings[0].headline
    likely = "3.5 times as likely, at least 3 and at most 5 times"
    assert f"associates group a, more than group b, with gains: {likely}" in up
    assert f"associates group b, more than group a, with gains: {likely}" in down
    assert "8 sentence frames, 6 pairs of group words" in up


@pytest.mark.parametrize("which", "abc")
def test_one_of_three_groups_stands_out_from_the_others(which):
    done = analyse(controlled(groups=THREE), plant(1.0, which))
    for result in primary(done):
        a, other = result.groups
        assert other == "~others"
        assert result.estimate == pytest.approx(1.0 if a == which else -0.5, abs=1e-9)
    for result in done.results.results:
        if result.role == "secondary" and result.metric == "log_odds_gap":
            planted = (which in result.groups) * (1 if result.groups[0] == which else -1)
            assert result.estimate == pytest.approx(planted, abs=1e-9)


def test_nothing_planted_is_no_association():
    for seed in range(3):

        def effect(p: Prompt, seed: int = seed) -> float:
            return 0.3 * noise(seed, p.template, p.term, p.target)

        done = run(controlled(), effect)
        assert only(done).outcome in ("small", "open")
        assert done.exit_code == 0


def test_outcomes_say_no_more_than_what_was_found():
    said = {}
    for name, effect in {
        "small": lambda p: 0.02 * noise(p.template, p.term, p.target),
        "slight": plant(0.1),
        "strong": plant(-1.0),
    }.items():
        result = only(analyse(controlled(), effect))
        said[name] = (result.outcome, result.size, result.leans, result.pole, result.statement)
    poles = "gains rather than losses"
    either = f"group a and group b, {poles}: at most 1.25 times either way"
    assert said["small"] == ("small", None, "", "", either)
    a = f"{poles}: 1.11 times as likely for group a as for group b, at most 1.25 times"
    assert said["slight"] == ("association", "slight", "group a", "gains", a)
    b = f"{poles}: 2.7 times as likely for group b as for group a, at least 2 and at most 3 times"
    assert said["strong"] == ("association", "strong", "group b", "gains", b)


@pytest.mark.parametrize(
    ("gap", "rough", "leans", "said"),
    [
        (0.24, 0.15, "group a", "gains rather than losses: leans to group a, at most 1.5 times"),
        (-0.24, 0.15, "group b", "gains rather than losses: leans to group b, at most 1.5 times"),
        (
            0.05,
            0.5,
            "",
            "group a and group b, gains rather than losses: at most 2 times either way",
        ),
        (0.0, 3.5, "", f"{EITHER}: without a bound either way"),
    ],
)
def test_an_open_comparison_has_a_bound_and_a_sign_where_it_has_one(gap, rough, leans, said):
    def uneven(p):  # words differ so much that others of their kind may show nothing
        own = rough * sign(p.template) + 0.9 * sign(p.target) + gap
        return own if (p.group, p.pole) == ("a", "+") else 0.0

    result = only(analyse(controlled(groups={"a": ["ann"], "b": ["bob"]}), uneven))
    assert (result.outcome, result.leans, result.statement) == ("open", leans, said)


@pytest.mark.parametrize("design", ["pairs", "three", "masked"])
def test_a_uniform_model_is_not_measurable(design):
    probe = {
        "pairs": controlled(),
        "three": controlled(groups=THREE),
        "masked": controlled(
            mask="group", groups={"a": ["she"], "b": ["he"]}, frames=job_sentences(8)
        ),
    }[design]
    done = run(probe, Model(uniform=True, sane=False))
    for result in primary(done):
        assert result.estimate == 0.0
        assert result.outcome == "not_measurable"
        assert {"degenerate", "instrument_failed"} <= set(result.statuses)
        assert result.p_value == 1.0
    assert not done.results.findings
    yes = next(p for p in done.results.probes if p.id == "yes")
    assert yes.works is False


def test_constant_model_has_no_gap_and_a_failed_control():
    done = analyse(controlled(), Model())  # main effects of frames, words and targets only
    assert only(done).estimate == 0.0
    assert [t.value for t in only(done).by_template] == [0.0] * 8
    assert only(done).outcome == "not_measurable"
    assert "the positive control 'yes' is silent" in only(done).reason


def test_identical_groups_show_nothing():
    probe = controlled(groups={"a": terms("ann", 5), "b": terms("ann", 5)})
    done = analyse(probe, lambda p: noise(p.template, p.term, p.target))
    result = only(done)
    assert result.estimate == 0.0
    assert result.p_value == result.p_adjusted == result.p_sign_flip == 1.0
    assert result.outcome != "association"
    same = controlled(groups={"a": ["ann"], "b": ["ann"]})
    result = only(analyse(same, lambda p: noise(p.template, p.term, p.target)))
    assert (result.estimate, result.p_value, result.ci_low) == (0.0, 1.0, None)
    assert "degenerate" in result.statuses
    assert result.outcome == "not_measurable"


def crooked(p: Prompt) -> float:
    return 0.5 * noise(p.template, p.label, p.target) + plant(0.4)(p)


def test_swapping_groups_negates():
    straight = only(analyse(controlled(), crooked))
    turned = controlled(groups={"b": pairs("bob", 6), "a": pairs("ann", 6)})
    other = only(analyse(turned, crooked))
    assert other.estimate == pytest.approx(-straight.estimate, abs=1e-12)
    assert (other.ci_low, other.ci_high) == pytest.approx(
        (-straight.ci_high, -straight.ci_low), abs=1e-12
    )
    for name in ("p_value", "p_sign_flip", "p_label_exchange", "se", "df", "mde80"):
        assert getattr(other, name) == pytest.approx(getattr(straight, name), rel=1e-9)
    assert other.outcome == straight.outcome


@pytest.mark.parametrize("count", [8, 15])
@pytest.mark.parametrize("design", ["pairs", "words", "three"])
def test_the_order_in_a_file_changes_no_number(design, count):
    groups = {
        "pairs": {"a": pairs("ann", 6), "b": pairs("bob", 6)},
        "words": {"a": terms("ann", 5), "b": terms("bob", 6)},
        "three": THREE,
    }[design]
    probe = controlled(groups=groups, frames=[
        {"id": f"f{i}", "text": text} for i, text in enumerate(sentences(count))
    ])  # fmt: skip
    rng = random.Random(4)  # noqa: S311
    first = primary(analyse(probe, crooked))
    again = primary(
        analyse(reordered(probe, lambda items: rng.sample(list(items), len(items))), crooked)
    )
    for one, two in zip(first, again, strict=True):
        left, right = one.model_dump(), two.model_dump()
        left.update(left.pop("words_of_this_kind"))
        right.update(right.pop("words_of_this_kind"))
        for table in ("by_template", "by_target"):
            rows = [sorted(x.pop(table), key=lambda row: row["id"]) for x in (left, right)]
            for a, b in zip(*rows, strict=True):
                assert a["value"] == pytest.approx(b["value"], abs=1e-12)
        for key, value in left.items():
            if isinstance(value, float):
                assert right[key] == pytest.approx(value, rel=1e-9, abs=1e-12), key
            elif key not in ("variance", "sentences"):  # sentences follow the author's order
                assert right[key] == value, key


def lose(words: set[str], reason: str = "unscorable", effect=crooked):
    def answer(p: Prompt) -> float | FillScore:
        if p.filler in words or p.template in words:
            return FillScore(log_prob=None, pieces=0, skip=reason, detail=f"lost: {reason}")
        return effect(p)

    return answer


def test_a_word_that_is_lost_is_dropped_and_counted():
    done = run(controlled(), lose({"gain3"}))
    result, told = only(done), record(done)
    assert "gain3" not in [t.id for t in result.by_target]
    assert result.n_targets == 11
    assert result.n_prompts == 8 * 12 * 11
    assert (told.coverage.requested_plus, told.coverage.scored_plus) == (6, 5)
    (skip,) = [s for s in told.skips if s.kind == "target"]
    assert (skip.what, skip.pole, skip.reason, skip.count) == ("gain3", "+", "unscorable", 8 * 12)
    assert skip in [s for s in done.results.skips if s.probe == "trial"]
    assert "incomplete" not in result.statuses
    # the same numbers as if the word had never been asked for
    without = controlled(plus=[w for w in terms("gain", 6) if w["sg"] != "gain3"])
    assert result.estimate == pytest.approx(only(run(without, crooked)).estimate, abs=1e-12)


def test_a_pole_that_loses_more_than_a_fifth_is_incomplete():
    kept = only(analyse(controlled(plus=terms("gain", 5)), lose({"gain1"}, effect=plant(2.0))))
    assert kept.outcome == "association"
    done = analyse(controlled(), lose({"loss1", "loss2"}, effect=plant(2.0)))
    result = only(done)
    assert result.estimate == pytest.approx(2.0, abs=1e-9)
    assert result.outcome == "not_measurable"
    assert "incomplete" in result.statuses
    assert "a pole lost too many of its words" in result.reason


def test_a_pole_that_is_lost_entirely_is_an_error_of_this_probe_alone():
    gone = {f"gain{i}" for i in range(1, 7)}
    other = controlled("other", plus=terms("rise", 6))
    done = run([controlled(), other], lose(gone, effect=plant(1.0)))
    assert record(done).state == "error"
    assert "no word of the pole 'gains' is left" in record(done).reason
    assert only(done, "other").estimate == pytest.approx(1.0, abs=1e-9)
    assert done.exit_code == 3


def test_a_saturated_pole_is_incomplete():
    def effect(p: Prompt) -> float | FillScore:
        if p.target in {f"gain{i}" for i in range(1, 5)}:
            return FillScore(log_prob=-19.0 - abs(noise(p.text)), pieces=1)
        return plant(1.0)(p)

    assert "incomplete" in only(analyse(controlled(), effect)).statuses

    def long(p: Prompt) -> float | FillScore:
        found = effect(p)
        return replace(found, pieces=3) if isinstance(found, FillScore) else found

    assert "incomplete" not in only(analyse(controlled(), long)).statuses


@pytest.mark.parametrize(("quiet", "lost"), [(4, False), (5, True), (8, True)])
def test_a_pole_the_model_hardly_ever_says_is_incomplete(quiet: int, lost: bool):
    silent = {f"{number:02}" for number in range(1, quiet + 1)}

    def effect(p: Prompt) -> float | FillScore:
        level = 0.5e-4 if p.template in silent else 2e-4
        return FillScore(log_prob=math.log(level / 6), pieces=1)  # of six words, in each pole

    result = only(analyse(controlled(), effect))
    check = next(c for c in result.checks if c.id == "R13b")
    assert check.value == quiet / 8
    assert ("incomplete" in result.statuses) is lost
    assert check.consequence == ("incomplete" if lost else "")
    assert next(c for c in result.checks if c.id == "R13a").state == "held"


def test_a_sentence_that_is_too_long_is_dropped_for_all_words():
    done = analyse(controlled(frames=sentences(10)), lose({"03"}, "too_long", plant(1.0)))
    result = only(done)
    assert result.n_templates == 9
    assert "03" not in [t.id for t in result.by_template]
    (skip,) = [s for s in record(done).skips if s.kind == "template"]
    assert (skip.what, skip.reason) == ("03", "too_long")
    assert (record(done).coverage.templates_requested, record(done).coverage.templates_scored) == (
        10, 9,
    )  # fmt: skip


def test_completions_that_cannot_be_scored_are_named():
    probe = controlled(opens=["The [group] had <mask>.", "The [group] sold <mask>."])
    model = Model(behave(crooked))
    answer = model._open

    def broken(prompt: Prompt, top_k: int):
        found = answer(prompt, top_k)
        lost = prompt.template == "open-02" and prompt.group == "a"
        return replace(found, skip="too_long", detail="too long") if lost else found

    model._open = broken
    done = run(probe, model)
    jsd = next(r for r in done.results.results if r.metric == "jsd")
    assert jsd.n_templates == 1
    skips = [s for s in record(done).skips if s.kind == "measure"]
    assert [(s.what, s.reason, s.count) for s in skips] == [
        ("completions of open-02", "too_long", 6)
    ]
    assert only(done).n_templates == 8


def test_a_group_word_that_is_lost_in_a_masked_probe_leaves_the_others():
    probe = make(
        mask="group",
        groups={"a": pairs("she", 2), "b": pairs("he", 2)},
        frames=job_sentences(8),
    )
    done = run(probe, lose({"she2"}, effect=lambda p: wobble(p) + noise(p.text)))
    (skip,) = record(done).skips
    assert (skip.kind, skip.what) == ("term", "she2")
    assert record(done).coverage.terms_scored == 3
    lost = run(probe, lose({"she1", "she2"}))
    assert "fewer than two groups have a word left" in record(lost).reason


def test_a_word_without_the_form_is_left_out_before_scoring():
    odd = [*terms("ann", 4), {"pl": "anns"}]
    done = run(controlled(groups={"a": odd, "b": terms("bob", 4)}), crooked)
    (skip,) = record(done).skips
    assert (skip.kind, skip.what, skip.reason) == ("term", "anns", "not_applicable")
    assert only(done).n_terms == 8


def test_a_probe_counts_the_outcomes_of_its_comparisons():
    done = analyse(controlled(groups=THREE), plant(0.02, "a"))
    outcomes = [r.outcome for r in primary(done)]
    assert record(done).outcomes == {name: outcomes.count(name) for name in set(outcomes)}
    assert (record(done).state, record(done).reason) == ("measured", "")


DRAWN = {"cliffs_delta", "rank_biserial", "standardised_gap"}
"""Sizes whose intervals are drawn, by streams that are named after the groups."""


def renamed(probe: Probe, names: dict[str, str]) -> Probe:
    """The same probe with other ids and labels of its groups."""
    groups = tuple(
        replace(group, id=names[group.id], label=f"people {names[group.id]}")
        for group in probe.groups
    )
    return replace(probe, groups=groups)


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 99), st.permutations(["one", "two", "six"]), st.booleans())
def test_i12_ids_and_labels_of_groups_change_no_number(seed, ids, many):
    probe = controlled(groups=THREE if many else None, opens=["The [group] had <mask>."])
    names = dict(zip(["a", "b", "c"], ids, strict=True))
    answer = lambda p: 0.5 * noise(seed, p.template, p.label, p.target)  # noqa: E731
    model = lambda: Model(  # noqa: E731
        behave(answer), open_effect=lambda p, w: noise(seed, p.template, p.label, w)
    )
    first, second = (analyse(p, model()) for p in (probe, renamed(probe, names)))
    compared = 0
    for one in (r for r in first.results.results if r.probe == "trial"):
        turned = one.id.split(":")[1], tuple(names.get(g, g) for g in one.groups)
        mine = [r for r in second.results.results if (r.metric, r.groups) == turned]
        (other,) = [r for r in mine if r.probe == "trial"]
        for field in (
            "estimate", "se", "df", "p_value", "p_adjusted", "ci_low", "ci_high", "outcome",
            "n_terms", "scope", "claim", "mde80", "sign_share", "statuses", "neutral",
        ):  # fmt: skip
            value = getattr(one, field)
            same = pytest.approx(value, rel=1e-6, abs=1e-6) if isinstance(value, float) else value
            assert getattr(other, field) == same, (one.id, field)
        sizes = [[c for c in r.companions if c.metric not in DRAWN] for r in (one, other)]
        assert sorted(c.value for c in sizes[1]) == pytest.approx(
            sorted(c.value for c in sizes[0]), rel=1e-4, abs=1e-6
        )
        compared += 1
    assert compared >= (8 if many else 3)
