"""What holds for every metric of the registry: descriptions, ids, which probes they fit."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bias_audit.analysis.optional_metrics import plan_metrics
from bias_audit.cli.probe_description import describe
from bias_audit.errors import UnknownNameError
from bias_audit.metrics.base import Metric, MetricInfo
from bias_audit.metrics.pair_preference import PAIR_SHARES
from bias_audit.metrics.registry import (
    INFOS,
    METRICS,
    OPTIONAL,
    PRIMARY,
    choose,
    default_metrics,
    find_info,
    metric_records,
    names,
    register,
)
from bias_audit.metrics.scored_probe import ScoredProbe, WordLists
from tests.analysis.world import (
    FAST,
    job_sentences,
    make,
    noise,
    pairs,
    reordered,
    scored_by,
    sentences,
    terms,
)

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
UNITS = {
    "bits", "fills", "nats", "nats a word", "nats per nat", "nats per piece", "nats squared",
    "percent", "points", "probability", "r", "ratio", "share", "standard deviations", "sd",
    "cosine",
}  # fmt: skip
THREE = {name: pairs(name, 4) for name in ("ann", "bob", "cat")}
SQUARE = {f"{a}-{x}": terms(a + x, 2) for a in ("old", "new") for x in ("tall", "wide")}
PROBES = {
    "words of two groups": make(frames=sentences(3), opens=["The [group] had <mask>."]),
    "group words": make(mask="group", frames=job_sentences(3)),
    "three groups": make(groups=THREE, frames=sentences(3)),
    "two axes": make(groups=SQUARE, frames=sentences(3)),
    "own words": make(groups=THREE, own={"ann": "gold", "bob": "iron", "cat": "salt"}),
    "a control": make(role="positive_control", card=False, frames=sentences(3)),
}
FIT = {
    "words of two groups": ["log_odds_gap", "jsd", "four_fifths", "hurtful_completions",
                            "hurtful_rate", "completion_valence"],
    "group words": ["log_odds_gap", "skew"],
    "three groups": ["log_odds_gap", "four_fifths", "group_spread"],
    "two axes": ["log_odds_gap", "four_fifths", "interaction", "group_spread"],
    "own words": ["diagonal_log_odds"],
    "a control": ["log_odds_gap"],
}  # fmt: skip
MEASURED = [
    metric
    for metric in METRICS
    if metric.default and metric.measure and metric.id not in ("beside_share", "labour_correlation")
]
"""Measured on the probes above; the other two have tests of their own."""
ON_REQUEST = {
    "words of two groups": ["disco", "perplexity_gap", "weat", "seat", "ceat", "surface",
                            "naturalness"],
    "group words": ["lpbs", "cbs", "weat", "seat", "ceat", "surface"],
    "own words": ["perplexity_gap", "naturalness"],
}  # fmt: skip


@pytest.mark.parametrize("name", INFOS)
def test_every_description_is_complete(name: str) -> None:
    info = find_info(name)
    assert info.id == name
    assert info.unit in UNITS
    for field in ("name", "direction", "reference"):
        text = getattr(info, field)
        assert text.strip() == text
        assert len(text) > 4
    claims = f"{info.name} {info.direction} {info.help}".lower()
    assert not re.search(r"\b(unbiased|fair|safe|ethical|compliant|proves?)\b", claims)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_every_metric_measures_or_says_who_does(metric: Metric) -> None:
    asked_by_name = metric.default and metric.measure is None and metric.compare is None
    assert (
        not asked_by_name
        or metric.id in {*PRIMARY, "warmth_competence"}
        or all("data sets" in metric.unsupported(probe) for probe in PROBES.values())
    )
    if not metric.default:
        assert metric.measure
        assert len(metric.question) > 20
    assert metric.kind == "measure" or metric.id in names("check")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_what_does_not_fit_is_refused_with_a_sentence(metric: Metric) -> None:
    reasons = {metric.unsupported(probe) for probe in PROBES.values()} - {""}
    if metric.compare is None:
        assert reasons, "there is no probe that it does not fit"
    for reason in reasons:
        assert reason[0].islower()
        assert not reason.endswith(".")
        assert len(reason) > 15


@pytest.mark.parametrize("kind", PROBES)
def test_which_metrics_a_probe_gets(kind: str) -> None:
    probe = PROBES[kind]
    assert [metric.id for metric in default_metrics(probe)] == FIT[kind]
    assert default_metrics(probe)[0].id in PRIMARY
    text = "\n".join(describe(probe))
    assert all(f"{name} (" in text for name in FIT[kind])
    if kind in ON_REQUEST:
        fitting = [name for name, metric in OPTIONAL.items() if not metric.unsupported(probe)]
        assert fitting == ON_REQUEST[kind]


@pytest.mark.parametrize("metric", OPTIONAL.values(), ids=lambda metric: metric.id)
def test_order_and_names_of_groups_change_no_plan(metric: Metric) -> None:
    """What is asked depends on the words, not on their order in a file or the groups' names."""
    for probe in PROBES.values():
        turned = replace(
            probe,
            frames=probe.frames[::-1],
            targets=probe.targets[::-1],
            groups=tuple(replace(g, label=f"people {g.id}") for g in probe.groups[::-1]),
        )
        assert metric.unsupported(turned) == metric.unsupported(probe)
        if metric.extra and not metric.unsupported(probe):
            counts = [metric.extra.count(one, ()) for one in (probe, turned)]
            assert counts[0] == counts[1]


LISTS = WordLists(
    hurtful=frozenset({"moss", "salt"}), valence={"gold": 1.0, "wool": 1.0, "moss": -1.0}
)
SIGN = {"skew": -1, "hurtful_completions": -1, "hurtful_rate": -1, "completion_valence": -1}
"""What a swap of the two groups does to a number; where nothing stands, it stays as it is."""


def cells(prompt: Any) -> float:
    return 0.5 * noise(prompt.text, prompt.target, prompt.label)


@cache
def fitting(metric: str) -> list[ScoredProbe]:
    """In memory, the probes that a metric fits."""
    owner = next(one for one in METRICS if one.id == metric)
    probes = [p for p in PROBES.values() if p.spec.role == "probe" and not owner.unsupported(p)]
    return [scored_by(probe, cells, lists=LISTS) for probe in probes]


def numbers(metric: Metric, scored: ScoredProbe) -> list[tuple[float | None, float | None]]:
    assert metric.measure
    return [(r.estimate, r.p_value) for r in metric.measure(scored, FAST).results]


@pytest.mark.parametrize("metric", MEASURED, ids=lambda metric: metric.id)
def test_the_order_in_a_file_and_labels_change_no_number(metric: Metric) -> None:
    for scored in fitting(metric.id):
        probe = reordered(scored.probe, lambda some: list(some)[::-1])
        named = [replace(group, label=f"people {group.id}") for group in probe.groups]
        turned = scored_by(replace(probe, groups=tuple(named)), cells, lists=LISTS)
        for one, other in zip(numbers(metric, scored), numbers(metric, turned), strict=True):
            assert other == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize("metric", MEASURED, ids=lambda metric: metric.id)
def test_swapping_two_groups_turns_a_sign_or_changes_nothing(metric: Metric) -> None:
    for scored in fitting(metric.id):
        if len(scored.probe.groups) == 2:
            swapped = replace(scored.probe, groups=scored.probe.groups[::-1])
            other = numbers(metric, scored_by(swapped, cells, lists=LISTS))
            for (estimate, p), (again, q) in zip(numbers(metric, scored), other, strict=True):
                wanted = None if estimate is None else SIGN.get(metric.id, 1) * estimate
                assert again == pytest.approx(wanted, abs=1e-9)
                assert q == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("metric", MEASURED, ids=lambda metric: metric.id)
def test_every_result_names_itself(metric: Metric) -> None:
    known = {info.id: info for info in (metric.info, *metric.companions)}
    results = [
        result
        for scored in fitting(metric.id)
        if metric.measure
        for result in metric.measure(scored, FAST).results
    ]
    assert results
    for result in results:
        info = known[result.metric]
        assert result.id.startswith(f"{result.probe}:{info.id}")
        assert (result.metric_name, result.unit) == (info.name, info.unit)
        assert len(result.groups) == len(result.group_labels)
        assert result.role == "secondary"
    described = {record.id for record in metric_records(results, "mask")}
    used = {c.metric for r in results for c in r.companions} | {r.metric for r in results}
    assert described == used


def test_an_id_has_one_owner() -> None:
    with pytest.raises(ValueError, match="'jsd' belongs to 'jsd' already"):
        register([*METRICS, Metric(info=find_info("jsd"))])
    wrong: Any = INFOS
    with pytest.raises(TypeError):
        wrong["mine"] = MetricInfo


def test_names_and_globs_choose_in_a_fixed_order() -> None:
    assert [*names("measure"), *names("check")] == [*OPTIONAL]
    assert choose(["cbs", "lpbs"], []) == ("lpbs", "cbs")
    assert choose(["*eat"], ["*"]) == ("weat", "seat", "ceat", "surface", "naturalness")
    with pytest.raises(UnknownNameError, match="no measure on request named 'lbps'") as caught:
        choose(["lbps"], [])
    assert caught.value.hint == "did you mean 'lpbs'?"
    with pytest.raises(UnknownNameError, match="no check on request named 'lpbs'"):
        choose([], ["lpbs"])


def test_a_miss_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="there is no metric named 'log_odd_gap'") as caught:
        find_info("log_odd_gap")
    assert caught.value.hint == "did you mean 'log_odds_gap'?"


def test_a_plan_says_what_fits_and_what_it_costs() -> None:
    probes = {"one": make("one", frames=sentences(3)), "two": PROBES["group words"]}
    plan = plan_metrics(["lpbs", "weat"], probes, {"one": (), "two": ()})
    assert plan.by_probe == {"one": ("weat",), "two": ("lpbs", "weat")}
    (skip,) = plan.unsupported
    assert (skip.probe, skip.what, skip.reason) == ("one", "lpbs", "not_applicable")
    assert {extra.id for extra in plan.extra} == {"priors", "word-vectors"}
    assert plan.prompts["one", "word-vectors"] == 24


def test_every_measure_of_data_sets_is_documented_and_no_other() -> None:
    text = PAGE.read_text(encoding="utf-8").split("## Measures")[1].split("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    probe = PROBES["words of two groups"]
    assert listed == {m.id for m in METRICS if "data sets" in m.unsupported(probe)}
    assert listed >= PAIR_SHARES
