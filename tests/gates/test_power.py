"""``plan``: what is planned for, what a size can decide, and the cheapest that does."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from scipy import stats

from bias_audit.cli import app
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.gates.power import Size, default_design, plan_gate, planned_gates
from bias_audit.results.io import results_text
from tests.gates.cases import LIMIT, change, comparison, probe, result, run
from tests.gates.runs import audited, moved, store

LIST = {"scope": "terms", "claim": "words_of_this_kind"}
VARIANCE = {"templates": 0.002, "terms": 0.004, "targets": 0.003, "residual": 0.0005}


def measured(name="p", **more):
    """A result that can be planned from: 12 sentences, two groups of 6 words, 20 targets."""
    values = {
        "id": f"{name}:log_odds_gap:a-vs-b",
        "probe": name,
        "scope": "concept",
        "claim": "these_words",
        "variance": VARIANCE,
        "se": math.sqrt(0.006),
        "n_targets": 20,
        "n_prompts": 12 * 12 * 20,
    }
    half = math.sqrt(0.006) * stats.t.ppf(0.975, 20)
    return result(half=half, **(values | more))


def planned(stored, names=(), **more):
    return planned_gates(stored, names, **more)


@pytest.mark.parametrize(
    ("more", "mask", "random", "columns"),
    [
        ({}, "target", {"templates": 12, "terms": 12}, "terms"),
        ({"scope": "terms"}, "target", {"templates": 12}, "terms"),
        ({"scope": "templates"}, "target", {"terms": 12}, "terms"),
        (LIST, "target", {"templates": 12, "targets": 20}, "targets"),
        (LIST | {"n_terms": 2}, "group", {"templates": 12, "targets": 20}, "targets"),
    ],
)
def test_a_result_gives_its_units_and_size(more, mask, random, columns):
    stored = run(measured(**more), probes=(probe(mask=mask),))
    (found,), lost = planned(stored, ["p"])
    assert (dict(found.components.units), lost) == (random, [])
    assert found.size == Size(12, more.get("n_terms", 12), 20)
    assert found.components.scale({})[0] ** 2 == pytest.approx(sum(VARIANCE[n] for n in random))
    plan = plan_gate(found, templates=(12, 24))
    assert plan.columns == columns
    assert plan.own in plan.points
    assert plan.own.prompts == 12 * 12 * 20
    assert found.point(found.size._replace(templates=24)).prompts == 2 * 12 * 12 * 20


def test_limits_come_from_the_option_the_gate_or_the_margin():
    stored = run(measured(margin=0.3))
    assert planned(stored)[0][0].limit == 0.3
    assert planned(stored, limit=0.7)[0][0].limit == 0.7
    gate = {"id": "g:x", "gate": "g", "state": "pass", "probe": "p", "reason": ""}
    gate |= {"result": "p:log_odds_gap:a-vs-b", "limit": LIMIT}
    judged = stored.model_validate(stored.model_dump() | {"gates": [gate]})
    assert planned(judged)[0][0].limit == LIMIT


def test_without_a_name_the_widest_is_planned_for():
    wide = {name: 4 * value for name, value in VARIANCE.items()}
    stored = run(measured("q"), measured("r", variance=wide), measured("s", se=None, reason="few"))
    (found,), lost = planned(stored)
    assert found.name == "r:log_odds_gap:a-vs-b"
    assert "of 2 results" in found.notices[0]
    assert [tuple(one) for one in lost] == [("s:log_odds_gap:a-vs-b", "it has no interval: few")]
    named, _ = planned(stored, ["q", "r:*", "q:log_odds_gap:a-vs-b"])
    assert [gate.name[0] for gate in named] == ["q", "r"]


def test_what_cannot_be_planned_is_said():
    with pytest.raises(UnknownNameError, match="did you mean 'pets'"):
        planned(run(measured("pets")), ["pest"])
    with pytest.raises(UsageError, match="no result of this run"):
        planned(run(measured(se=None)))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"identical": True}, "same scores"),
        ({"se": None, "reason": "too few"}, "no interval: too few"),
        ({"result": "other"}, "no such result"),
    ],
)
def test_a_rise_that_cannot_be_planned_is_left_out_with_a_reason(more, said):
    known = {"variance": VARIANCE, "se": 0.1, "df": 10.0, "n_templates": 12}
    step = change().model_copy(update=known | more)
    found, lost = planned(run(measured()), comparison=comparison(step))
    assert [gate.kind for gate in found] == ["absolute"]
    assert said in lost[0].reason


def test_a_rise_is_planned_from_the_paired_differences():
    small = {name: value / 9 for name, value in VARIANCE.items()}
    more = {"variance": small, "se": 0.02, "df": 20.0, "n_templates": 12}
    sure, unsure = (
        planned(
            run(measured()),
            comparison=comparison(change(bound_level=level).model_copy(update=more)),
        )[0]
        for level in (0.95, 0.975)
    )
    single, rise = sure
    assert (single.kind, rise.kind, rise.baseline) == ("absolute", "regression", "main")
    assert plan_gate(rise).own.passing == pytest.approx(plan_gate(single).own.passing / 3)
    assert plan_gate(unsure[1]).own.passing > plan_gate(rise).own.passing


def test_the_cheapest_size_that_decides():
    (gate,), _ = planned(run(measured()), limit=0.2)
    found = plan_gate(gate, templates=(8, 16, 24), terms=(8, 16, 32))
    deciding = [point for point in found.points if point.passing < 0.2]
    assert found.cheapest in deciding
    assert found.cheapest.prompts == min(point.prompts for point in deciding)
    assert 0 < len(deciding) < len(found.points)
    assert (found.required, found.together) != ((None,) * 3, None)
    for name in ("templates", "terms"):
        count = getattr(found.required, name)
        if count is not None:
            assert gate.point(gate.size._replace(**{name: count})).decides
            assert not gate.point(gate.size._replace(**{name: count - 1})).decides
    assert found.together.decides
    assert found.together.size.templates == found.together.size.terms


def test_more_of_everything_decides_more():
    (gate,), _ = planned(run(measured()))
    points = {(p.size.templates, p.size.terms): p for p in plan_gate(gate, terms=(12, 48)).points}
    for name in ("passing", "failing"):
        value = {size: getattr(point, name) for size, point in points.items()}
        assert value[48, 48] < value[12, 48] < value[12, 12]
        assert value[48, 48] < value[48, 12] < value[12, 12]


def test_one_factor_alone_cannot_decide_where_another_stands_in_the_way():
    found = plan_gate(default_design(None))
    assert found.cheapest is None
    assert set(found.required) == {None}
    assert found.together.decides


def call(capfd, *arguments):
    code = app.run(["plan", *(str(argument) for argument in arguments)])
    out, err = capfd.readouterr()
    return code, out, err


def test_the_command_reads_a_stored_run(tmp_path, capfd):
    path = tmp_path / "results.json"
    path.write_text(results_text(run(measured())), encoding="utf-8")
    options = ("--templates", "8,12", "--words", "12", "--targets", "10,20", "--margin", "0.3")
    code, out, err = call(capfd, tmp_path, "p", *options, "--json")
    assert (code, err) == (0, "")
    (found,) = json.loads(out)["plans"]
    assert found["limit"] == 0.3
    sizes = [tuple(point["size"].values()) for point in found["points"]]
    assert sizes == [(8, 12, 10), (12, 12, 10), (8, 12, 20), (12, 12, 20)]
    assert found["own"] in found["points"]
    code, out, _ = call(capfd, tmp_path, "p", *options)
    assert code == 0
    assert "with 10 words of the poles" in out
    assert out.count("*") == 2, "once in the table, once in words"
    assert "this run: 12 sentences, 12 group words, 20 words of the poles (2,880 prompts)" in out
    assert call(capfd, tmp_path, "p", *options)[1] == out


def test_the_command_without_a_run_names_its_assumptions(capfd):
    code, out, _ = call(capfd, "--json", "--templates", "12", "--words", "16", "--targets", "8")
    assert code == 0
    (found,) = json.loads(out)["plans"]
    assert (found["assumed"], found["limit"]) == (True, math.log(1.25))
    assert found["points"][0]["prompts"] == 12 * 16 * 8
    code, out, _ = call(capfd)
    assert "up to 400 sentences or group words alone would not" in out
    assert "assumptions (nats: sentences 0.4, group words 0.55, cells 0.55)" in out


def test_the_command_plans_for_a_rise_over_another_run(tmp_path: Path, capfd):
    store(audited(), tmp_path / "before")
    store(audited(moved(0.05)), tmp_path / "after")
    code, out, err = call(capfd, tmp_path / "after", "--baseline", tmp_path / "before", "--json")
    assert (code, err) == (0, "")
    single, rise = json.loads(out)["plans"]
    assert (single["kind"], rise["kind"]) == ("absolute", "regression")
    assert rise["baseline"] == str(tmp_path / "before")
    assert rise["own"]["passing"] < single["own"]["passing"]
    code, _, err = call(capfd, tmp_path / "after", "--baseline", "nobody")
    assert code == 2
    assert "nobody" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--templates", "5"], "expected --templates as numbers from 6 to 400, got '5'"),
        (["--words", "4,x"], "expected --words as numbers from 2 to 400, got '4,x'"),
        (["--targets", "1"], "expected --targets as numbers from 2 to 400"),
        (["--margin", "0"], "0"),
        (["--baseline", "main"], "--baseline needs a RUN"),
        (["nowhere"], "nowhere"),
    ],
)
def test_wrong_use_is_told(arguments, said, capfd):
    code, out, err = call(capfd, *arguments)
    assert (code, out) == (2, "")
    assert said in err
