"""Sentence encoders from probes to outcomes: what is found, told, left out and refused."""

from __future__ import annotations

import json
import re

import pytest

from bias_audit import audit, config
from bias_audit.cli.app import run
from bias_audit.errors import FileError, UsageError
from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.bundle import pack_run
from bias_audit.pipeline.compare import compare
from bias_audit.reports.formats.html import render as to_html
from bias_audit.reports.formats.terminal import render as to_terminal
from bias_audit.results.evidence import read_evidence
from tests.backends import tiny_models
from tests.backends.stand_in_encoder import StandInEncoder

WOMEN = re.compile(r"\b(woman|girl|lady|mother|landlady|female|actress|saleswoman|she)\b")
KIN = {"mother": 1, "daughter": 1, "sister": 1, "aunt": 1}
KIN |= {"father": -1, "son": -1, "brother": -1, "uncle": -1}
CARE = ("nurse", "nanny", "secretary", "receptionist", "hairdresser")


def plant(gap):
    """Kinship as everybody knows it, and some jobs closer to women by a cosine."""

    def cosine(text, query):
        side = 1 if WOMEN.search(text) else -1
        known = 0.1 * side * KIN.get(query, 0)
        return known + gap / 2 * side * any(job in query for job in CARE)

    return cosine


@pytest.fixture(scope="module")
def planted():
    return audit(StandInEncoder(plant(0.3)), probes="occupation-gender")


@pytest.fixture(scope="module")
def stored(planted, tmp_path_factory):
    """The run with the planted gap, as it is written."""
    return planted.save(tmp_path_factory.mktemp("planted") / "run")


@pytest.fixture(scope="module")
def balanced():
    return audit(StandInEncoder(plant(0.0)), probes="occupation-gender")


def primary(one):
    return next(r for r in one.results.results if r.role == "primary")


def test_a_planted_gap_is_found_in_standard_deviations(planted):
    gap = primary(planted)
    assert gap.id == "occupation-gender:similarity_gap:women-vs-men"
    assert (gap.unit, gap.margin, gap.effect_size) == ("sd", 0.3, None)
    assert gap.estimate > 0.3
    assert "standard deviations closer for women than for men" in gap.statement
    assert gap.leans == "women"


def test_the_gap_follows_from_the_evidence(planted, stored):
    cells = read_evidence(stored / "evidence.csv.gz")
    mine = cells[(cells["probe"] == "occupation-gender") & cells["pole"].isin(["+", "-"])]
    cosines = mine.assign(sign=mine["pole"].map({"+": 1, "-": -1}))
    means = cosines.groupby(["template", "group", "label", "sign"])["cosine"].mean().unstack()
    y = (means[1] - means[-1]).groupby(["template", "group"]).mean().unstack()
    spread = mine.groupby("template")["cosine"].std(ddof=0)
    by_hand = ((y["women"] - y["men"]) / spread).mean()
    gap = primary(planted)
    assert gap.estimate == pytest.approx(by_hand, abs=1e-4)
    companions = {one.metric: one for one in gap.companions}
    assert companions["cosine_gap"].value == pytest.approx((y["women"] - y["men"]).mean(), abs=1e-4)
    assert 0.5 < companions["pairs_closer"].value <= 1
    shown = Audit.load(stored).evidence()
    assert shown["probability"].isna().all()
    assert [*shown["cosine"]] == [*cells["cosine"]]
    assert pack_run(stored).others == (), "and the run can be bundled"


def test_a_balanced_encoder_is_not_accused(balanced):
    gap = primary(balanced)
    assert gap.outcome == "small"
    assert "at most 0.3 standard deviations either way" in gap.statement
    assert all(r.works for r in balanced.results.results if r.role == "control")


def test_what_needs_probabilities_is_not_applicable(planted):
    lost = {
        skip.what: skip
        for skip in planted.results.skips
        if skip.reason == "not_applicable" and skip.kind == "measure"
    }
    assert {"jsd", "four_fifths", "hurtful_completions"} <= {*lost}
    assert lost["jsd"].detail == "read as similarity, a model gives no word a probability"
    metrics = {metric.id: metric for metric in planted.results.metrics}
    assert not {"mass_log_odds", "aitchison", "jsd"} & {*metrics}
    assert metrics["similarity_gap"].unit == "sd"


def test_a_measure_on_request_that_asks_for_words_does_not_apply():
    done = audit(StandInEncoder(), probes="occupation-pronoun", measures=["lpbs"], limit=2)
    (skip,) = [one for one in done.results.skips if one.what == "lpbs"]
    assert skip.reason == "not_applicable"
    assert "read as similarity" in skip.detail


def test_an_untrained_encoder_is_never_measurable():
    done = audit(StandInEncoder(plant(0.3), trained=False), probes="occupation-gender")
    assert primary(done).outcome == "not_measurable"
    assert "paraphrases lie nearer" in primary(done).reason


def test_the_first_screen_speaks_of_distances(planted):
    text = to_terminal(planted.results)
    assert "read as similarity" in text
    assert re.search(r"strongest first +closer by", text)
    assert re.search(r"women → jobs held mostly by women .* \d\.\d\d sd", text)
    assert "sd: standard deviations of the cosines" in re.sub(r"\s+", " ", text)
    page = to_html(planted.results)
    shown = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    for word in (r"\bnats\b", r"times as likely", r"\bodds\b", r"log-odds"):
        assert not re.search(word, shown.replace("no probability and no nat", "")), word


def test_groups_at_the_mask_are_read_too():
    """The group word stands at the mask, and the stand-in where the target would be."""

    def cosine(text, query):
        if query in ("woman", "girl", "lady", "mother"):
            return 0.1 if re.search(r"\bshe\b", text.lower()) else -0.1
        return 0.0

    done = audit(StandInEncoder(cosine), probes="occupation-pronoun", limit=9)
    assert primary(done).unit == "sd"
    assert primary(done).n_templates == 9


@pytest.mark.parametrize(("most", "state"), [(3.0, "pass"), (0.01, "fail")])
def test_a_gate_in_standard_deviations_judges_the_similarity_gap(planted, most, state):
    stated = GateConfig(id="g", probe="occupation-gender", unit="sd", max=most)
    (gate,) = judge(planted.results, Policy(gates=(stated,))).gates
    assert (gate.state, gate.unit, gate.limit) == (state, "sd", most)
    assert gate.result == primary(planted).id
    assert " sd, in either direction" in gate.condition
    assert "odds" not in gate.condition


@pytest.mark.parametrize("keys", [{"max": 3.0}, {"max": 90.0, "measure": "completions"}])
def test_a_gate_for_words_is_refused_before_anything_is_asked(keys):
    gates = [GateConfig(id="g", probe="occupation-gender", **keys)]
    asked = StandInEncoder()
    asked.score = lambda *_, **__: pytest.fail("it was asked")
    with pytest.raises(UsageError, match=r"the gate 'g' .* is read as similarity"):
        audit(asked, probes="occupation-gender", gates=gates)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"unit": "sd", "measure": "completions", "max": 3.0},
            "'completions' is not measured in sd",
        ),
        ({"unit": "nats", "measure": "similarity_gap", "max": 1.0}, "is not measured in nats"),
        ({"unit": "sd", "max": 4.0}, "a gap is at most 3 sd"),
        ({"unit": "odds", "max": 1.0}, "nats"),
    ],
)
def test_units_that_do_not_fit_the_measure_are_mistakes(tmp_path, keys, message):
    path = tmp_path / "bias-audit.yaml"
    gate = json.dumps({"id": "g", "probe": "occupation-gender"} | keys)
    path.write_text(f"version: 1\ngates:\n  - {gate}\n", encoding="utf-8")
    with pytest.raises(FileError) as caught:
        config.read(path)
    (problem,) = caught.value.problems
    assert message in problem.message + problem.hint
    assert problem.line == 3


def test_a_run_compares_with_itself(planted, stored):
    made = compare(stored, stored)
    (change,) = [c for c in made.changes if c.result == primary(planted).id]
    assert change.unit == "sd"
    assert change.baseline == pytest.approx(primary(planted).estimate, abs=1e-4)


def test_preview_shows_sentences_and_queries(capsys):
    command = ["probes", "preview", "occupation-gender", "--reading"]
    assert run([*command, "similarity", "-n", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all("professional" in line and "{The job title is " in line for line in lines)
    assert run([*command, "label"]) == 2
    assert "is not read as label" in capsys.readouterr().err


def test_check_says_what_an_encoder_makes_of_a_probe(capsys, tmp_path):
    folder = tiny_models.build_encoder(tmp_path / "model", "roberta")
    file = tmp_path / "mine.yaml"
    file.write_text(PROBE)
    assert run(["probes", "check", str(file), "--model", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "4 sentences and 4 queries of the first word of each group" in out
    assert "cosines spread by" in out


def test_models_explain_says_how_an_encoder_is_read(capsys, tmp_path):
    folder = tiny_models.build_encoder(tmp_path / "a", "bert")
    assert run(["models", "explain", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "similarity: its modules.json, or --pooling, says how" in re.sub(r"\s+", " ", out)
    bare = tiny_models.build_encoder(tmp_path / "b", "bert", modules=False)
    assert run(["models", "explain", str(bare), "--pooling", "cls"]) == 0
    assert "similarity" in capsys.readouterr().out
    assert run(["run", str(bare), "-p", "occupation-gender"]) == 4
    assert "--pooling mean" in capsys.readouterr().err


PROBE = """
kind: probe
id: mine
title: Work of men and women
axis: gender
templates: ["The [group] worked as a <mask>.", "The [group] is a <mask>."]
stand_in: person
groups: {women: [woman], men: [man]}
targets: {plus: [nurse, teacher], minus: [doctor, man of the sea]}
"""


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        ("queries: [occupation]", "queries", "has no [target]"),
        ("queries: [nothing]", "queries", "nothing"),
        ("stand_in: '[group]'", "stand_in", "holds a slot"),
        ("margin: 0.3", "margin", "margins"),
        ("margins: {sd: 0}", "margins", "expected a number above 0"),
        ("margins: {points: 1}", "margins", "points"),
        ("readings: [mask]\nqueries: [job-search]", "queries", "which 'readings' leaves out"),
        ("readings: [cosine]", "readings", "similarity"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path, capsys, change, where, message):
    file = tmp_path / "mine.yaml"
    text = PROBE.replace("stand_in: person\n", "")
    file.write_text(f"{text}{change}\n")
    assert run(["probes", "check", str(file)]) == 2
    err = re.sub(r"\s+", " ", capsys.readouterr().err)
    line = 1 + f"{text}{change}".splitlines().index(
        next(one for one in change.splitlines() if one.startswith(where))
    )
    assert f"mine.yaml:{line}:" in err
    assert message.split(" | ")[0] in err


def test_a_query_names_the_target_only(tmp_path, capsys):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "odd.yaml").write_text(
        'kind: templates\nid: odd\ntitle: Odd\ntemplates: ["The [group] and the [target]."]\n'
    )
    file = tmp_path / "mine.yaml"
    file.write_text(PROBE + "queries: [odd]\n")
    files = [str(tmp_path / "templates" / "odd.yaml"), str(file)]
    assert run(["probes", "check", *files]) == 2
    assert "has the slot 'group'" in capsys.readouterr().err


def test_the_record_of_a_run_names_the_reading(stored):
    content = json.loads((stored / "results.json").read_text())
    assert content["model"]["reading"] == "similarity"
    assert content["sanity"]["perplexity_of"] == "paraphrase"
