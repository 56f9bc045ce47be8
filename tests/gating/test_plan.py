"""``plan``: what is planned for, the table, and the cheapest size that decides."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bias_audit import sizing
from bias_audit._subjects import MARGIN, assumed, subjects
from bias_audit.cli import _app
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.render import sizes
from bias_audit.results import GroupProfile, Result, StoredRun, results_text
from bias_audit.stats.draws import Size
from tests.gating.cases import LIMIT, change, comparison, probe, result, run
from tests.gating.runs import audited, moved, store

VARIANCE = {"templates": 0.002, "terms": 0.004, "targets": 0.003, "residual": 0.0005}
FEW = {"templates": (8, 16), "words": (4, 16)}


def measured(name: str = "p", **more: object) -> Result:
    """A result that can be planned from: 12 sentences, two groups of 6 words, 20 targets."""
    values = {
        "id": f"{name}:log_odds_gap:a-vs-b",
        "probe": name,
        "scope": "concept",
        "target_scope": "fixed",
        "variance": VARIANCE,
        "n_targets": 20,
        "n_prompts": 12 * 12 * 20,
    }
    return result(**(values | more))


@pytest.mark.parametrize(
    ("more", "mask", "groups", "size"),
    [
        ({}, "target", 2, Size(12, 6, 20)),
        ({"pairs": tuple((f"a{i}", f"b{i}") for i in range(7))}, "target", 1, Size(12, 7, 20)),
        ({"groups": ("a", "~others")}, "target", 3, Size(12, 4, 20)),
        ({"n_terms": 2, "target_scope": "construct"}, "group", 2, Size(12, 1, 20)),
        ({"scope": "terms", "n_terms": 2}, "target", 2, Size(12, 1, 20)),
    ],
)
def test_a_result_gives_its_design_and_size(
    more: dict[str, object], mask: str, groups: int, size: Size
) -> None:
    shown = tuple(GroupProfile(id=g, label=g, terms=()) for g in "abc")
    shown += (GroupProfile(id="z", label="z", terms=(), placebo=True),)
    stored = run(measured(**more), probes=(probe(mask=mask, groups=shown),))
    (found,), lost = subjects(stored, ["p"])
    assert (found.design.groups, found.size, lost) == (groups, size, [])
    assert found.design.by_target == (mask == "group")
    assert found.cost(size) == 12 * 12 * 20
    assert found.cost(size._replace(templates=24)) == 2 * 12 * 12 * 20
    expected = found.components.expected(size, found.design)
    assert expected == pytest.approx({name: VARIANCE[name] for name in expected})


def test_limits_come_from_the_option_the_gate_or_the_margin() -> None:
    stored = run(measured(margin=0.3))
    assert subjects(stored)[0][0].limit == 0.3
    assert subjects(stored, limit=0.7)[0][0].limit == 0.7
    gate = {"id": "g:x", "state": "pass", "enforced": True, "probe": "p", "reason": ""}
    gate |= {"result": "p:log_odds_gap:a-vs-b", "limit": LIMIT}
    judged = stored.model_validate(stored.model_dump() | {"gates": [gate]})
    assert subjects(judged)[0][0].limit == LIMIT


def test_without_a_name_the_widest_is_planned_for() -> None:
    wide = {name: 4 * value for name, value in VARIANCE.items()}
    stored = run(measured("q"), measured("r", variance=wide), measured("s", se=None, reason="few"))
    (found,), lost = subjects(stored)
    assert found.name == "r:log_odds_gap:a-vs-b"
    assert "of 2 results" in found.notices[0]
    assert [(name, reason) for name, reason in lost] == [
        ("s:log_odds_gap:a-vs-b", "it has no interval: few")
    ]
    named, _ = subjects(stored, ["q", "r:*", "q:log_odds_gap:a-vs-b"])
    assert [subject.name[0] for subject in named] == ["q", "r"]


def test_what_cannot_be_planned_is_said() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'pets'"):
        subjects(run(measured("pets")), ["pest"])
    with pytest.raises(UsageError, match="no result of this run"):
        subjects(run(measured(se=None)))
    with pytest.raises(UsageError, match="--words from 2"):
        sizing.plan(assumed(None, None), words=(1, 4))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"identical": True}, "same scores"),
        ({"se": None, "reason": "too few"}, "no interval: too few"),
        ({"result": "other"}, "no such result"),
    ],
)
def test_a_rise_that_cannot_be_planned_is_left_out_with_a_reason(
    more: dict[str, object], said: str
) -> None:
    step = change(variance=VARIANCE, se=0.1, df=10.0, n_templates=12)
    step = step.model_copy(update=more)
    found, lost = subjects(run(measured()), comparison=comparison(step))
    assert [subject.kind for subject in found] == ["absolute"]
    assert said in lost[0].reason


def test_a_rise_is_planned_from_the_paired_differences() -> None:
    small = {name: value / 9 for name, value in VARIANCE.items()}
    step = change(variance=small, se=0.02, df=10.0, n_templates=12)
    single, rise = subjects(run(measured()), comparison=comparison(step), limit=0.2)[0]
    assert (single.kind, rise.kind, rise.baseline) == ("absolute", "regression", "main")
    assert rise.change is not None
    assert rise.change.baseline == 1.0
    expected = rise.main.expected(rise.size, rise.design)
    assert expected == pytest.approx({name: small[name] for name in expected})
    plans = [sizing.plan(subject, **FEW) for subject in (single, rise)]
    assert plans[1].own.zero.passed > plans[0].own.zero.passed
    text = sizes.text(plans)
    assert "nats larger than in 'main'" in text
    assert "if the true rise is 0" in text


def test_the_cheapest_size_that_decides_is_marked() -> None:
    (subject,), _ = subjects(run(measured()), limit=0.3)
    found = sizing.plan(subject, templates=(8, 16, 24), words=(4, 8, 16))
    enough = [point for point in found.points if point.zero.passed >= 0.8]
    assert found.cheapest in enough
    assert found.cheapest is not None
    assert found.cheapest.prompts == min(point.prompts for point in enough)
    assert any(point.zero.passed < 0.8 for point in found.points)
    for point in found.points:
        assert point.prompts == point.size.templates * 2 * point.size.words * 20
    text = sizes.text([found])
    assert text.count("*\n") + text.count("* ") == 3, "once in each table, once in words"


def test_more_of_everything_passes_more_often() -> None:
    (subject,), _ = subjects(run(measured()))
    found = sizing.plan(subject, templates=(8, 32), words=(4, 32))
    passed = {(p.size.templates, p.size.words): p.zero.passed for p in found.points}
    failed = {(p.size.templates, p.size.words): p.double.failed for p in found.points}
    for shares in (passed, failed):
        assert shares[8, 4] < shares[8, 32] <= shares[32, 32] + 0.03
        assert shares[8, 4] <= shares[32, 4] + 0.03


def test_one_factor_alone_cannot_decide_where_another_stands_in_the_way() -> None:
    found = sizing.plan(assumed(None, None), **FEW)
    assert found.cheapest is None
    assert {one.source: one.hindrance for one in found.alone} == {
        "templates": "terms",
        "terms": "templates",
    }
    assert not any(one.decides for one in found.alone)
    assert all(0.5 < one.share <= 1 for one in found.alone)
    assert found.together is not None
    assert found.together.zero.passed >= 0.8
    text = sizes.text([found])
    assert "no size of one factor alone can decide" in text
    assert "in the way stands the difference between group words" in text
    assert "assumptions (nats: templates 0.4, terms 0.55, residual 0.55)" in text


def test_words_that_are_no_sample_are_no_column() -> None:
    more = {"scope": "terms", "n_terms": 2, "target_scope": "construct"}
    (subject,), _ = subjects(run(measured(**more)))
    found = sizing.plan(subject, templates=(8,))
    assert found.axis == "targets"
    assert [point.size.targets for point in found.points] == [8, 16, 32, 64]
    assert sizing.plan(subject, templates=(8,), words=(2, 3)).axis == "words"
    (fixed,), _ = subjects(run(measured(scope="terms", n_terms=2)))
    assert [point.size.words for point in sizing.plan(fixed, templates=(8, 9)).points] == [1, 1]


def test_the_same_question_gets_the_same_bytes_whatever_else_is_asked() -> None:
    (subject,), _ = subjects(run(measured()))
    wide = sizing.plan(subject, templates=(8, 12), words=(4, 8))
    narrow = sizing.plan(subject, templates=(12,), words=(8,))
    assert narrow.points[0] in wide.points
    assert sizes.as_json([wide]) == sizes.as_json(
        [sizing.plan(subject, templates=(8, 12), words=(4, 8))]
    )


def call(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = _app.run(["plan", *(str(argument) for argument in arguments)])
    out, err = capfd.readouterr()
    return code, out, err


def test_the_command_reads_a_stored_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.json"
    path.write_text(results_text(run(measured())), encoding="utf-8")
    options = ("--templates", "8,12", "--words", "6", "--targets", "10,20", "--margin", "0.4")
    code, out, err = call(capfd, tmp_path, "p", *options, "--json")
    assert (code, err) == (0, "")
    (found,) = json.loads(out)["plans"]
    assert found["limit"] == 0.4
    sizes_ = [(p["templates"], p["words"], p["targets"]) for p in found["points"]]
    assert sizes_ == [(8, 6, 10), (12, 6, 10), (8, 6, 20), (12, 6, 20)]
    assert found["own"] in found["points"]
    assert sum(found["own"]["zero"].values()) == pytest.approx(1)
    code, out, _ = call(capfd, tmp_path, "p", *options)
    assert code == 0
    assert "10 words in the poles" in out
    assert "this run: 12 sentences, 6 words in each group, 20 words of the poles" in out


def test_the_command_without_a_run_names_its_assumptions(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = call(capfd, "--json", "--templates", "12", "--words", "8", "--targets", "10")
    assert code == 0
    (found,) = json.loads(out)["plans"]
    assert found["assumed"]
    assert found["limit"] == MARGIN == math.log(1.25)
    assert found["components"] == {"templates": 0.4, "terms": 0.55, "targets": 0, "residual": 0.55}
    assert found["points"][0]["prompts"] == 12 * 16 * 10


def test_the_command_plans_for_a_rise_over_another_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base, after = audited(), audited(moved(0.05))
    store(base, tmp_path / "before")
    store(after, tmp_path / "after")
    code, out, err = call(
        capfd, tmp_path / "after", "--baseline", tmp_path / "before", "--json", "--words", "4,8"
    )
    assert (code, err) == (0, "")
    single, rise = json.loads(out)["plans"]
    assert (single["kind"], rise["kind"]) == ("absolute", "regression")
    assert rise["baseline"] == str(tmp_path / "before")
    assert rise["components"]["terms"] < single["components"]["terms"]
    assert rise["own"]["zero"]["passed"] > single["own"]["zero"]["passed"]
    stored = StoredRun.open(tmp_path / "after").results
    (mine,) = [r for r in stored.results if r.id == single["result"]]
    expected = subjects(stored, [mine.id])[0][0].components
    assert expected.terms**0.5 == pytest.approx(single["components"]["terms"], abs=1e-6)
    code, _, err = call(capfd, tmp_path / "after", "--baseline", "nobody")
    assert code == 2
    assert "nobody" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--templates", "5"], "expected --templates as numbers from 6 to 400, got '5'"),
        (["--words", "4,x"], "expected --words as numbers from 1 to 400, got '4,x'"),
        (["--targets", "1"], "expected --targets as numbers from 2 to 400"),
        (["--margin", "0"], "0"),
        (["--baseline", "main"], "--baseline needs a RUN"),
        (["nowhere"], "nowhere"),
    ],
)
def test_wrong_use_is_told(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capfd, *arguments)
    assert (code, out) == (2, "")
    assert said in err
