"""The ML-BOM: valid by CycloneDX's own validator, and nothing of the audit is lost in it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from bias_audit.backends.fake import FakeBackend
from bias_audit.pipeline.run import audit as run_audit
from bias_audit.reports import render
from bias_audit.results import Results, load_results
from tests.reports.example import GOLDEN, frame
from tests.reports.gated import HINDU, MUSLIM, OCCUPATION

FRENCH = "nationality-valence:log_odds_gap:french-german"


@cache
def validator() -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.V1_7)


def bom(results: Results) -> dict[str, Any]:
    """The file as JSON, valid."""
    text = render(results, "cyclonedx")
    assert validator().validate_str(text) is None
    made: dict[str, Any] = json.loads(text)
    return made


def model(made: dict[str, Any]) -> dict[str, Any]:
    (found,) = (c for c in made["components"] if c["type"] == "machine-learning-model")
    assert isinstance(found, dict)
    return found


def properties(record: dict[str, Any]) -> dict[str, str]:
    values = [(p["name"].removeprefix("bias-audit:"), p["value"]) for p in record["properties"]]
    assert len(dict(values)) == len(values)
    return dict(values)


def metrics(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    every = model(made)["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    return {one["slice"]: one for one in every}


@pytest.fixture(scope="module")
def cut() -> Results:
    """A run of which a limit left sentences out."""
    return run_audit(FakeBackend(), probes="occupation-pronoun", limit=3).results


@pytest.mark.parametrize("name", ["judged", "hostile", "hostile_gates", "audit", "cut"])
def test_valid_by_the_strict_validator(name: str, request: pytest.FixtureRequest) -> None:
    made = bom(request.getfixturevalue(name))
    references = [component["bom-ref"] for component in made["components"]]
    assert len(set(references)) == len(references)


def test_the_validator_does_refuse() -> None:
    broken = json.loads(render(frame(), "cyclonedx"))
    broken["components"][0]["modelCard"]["considerations"]["fairness"] = []
    assert validator().validate_str(json.dumps(broken)) is not None


def test_a_comparison_has_its_number_its_interval_and_its_outcome(judged: Results) -> None:
    made = bom(judged)
    (occupation,) = (r for r in judged.results if r.id == OCCUPATION)
    metric = metrics(made)[OCCUPATION]
    interval = metric["confidenceInterval"]
    assert float(metric["value"]) == pytest.approx(occupation.estimate)
    assert float(interval["lowerBound"]) == pytest.approx(occupation.ci_low)
    assert float(interval["upperBound"]) == pytest.approx(occupation.ci_high)
    facts = properties(model(made)["modelCard"])
    assert facts[f"outcome:{OCCUPATION}"] == "association (at least 2, at most 5 times)"
    assert facts["metric:log_odds_gap"].startswith("log-odds gap, nats; no difference is 0; ")
    primary = [r for r in judged.results if r.role == "primary"]
    assert set(metrics(made)) >= {r.id for r in primary}
    assessed = model(made)["modelCard"]["considerations"]["fairnessAssessments"]
    assert len(assessed) == len(primary)
    assert assessed[0]["groupAtRisk"] == "women; men"


def test_what_is_not_measurable_is_no_number_and_has_its_reason(judged: Results) -> None:
    made = bom(judged)
    assert metrics(made)[FRENCH] == {
        "type": "log_odds_gap",
        "value": "not measurable: the control of this axis failed",
        "slice": FRENCH,
    }
    limits = model(made)["modelCard"]["considerations"]["technicalLimitations"]
    assert f"{FRENCH} is not measurable: the control of this axis failed" in limits


def test_gates_waivers_and_crashes_survive(judged: Results) -> None:
    made = bom(judged)
    card = model(made)["modelCard"]
    facts, risks = properties(card), card["considerations"]["ethicalConsiderations"]
    gates = {name.removeprefix("gate:"): text.partition(":")[0]
             for name, text in facts.items() if name.startswith("gate:")}  # fmt: skip
    assert gates == {gate.id: gate.state for gate in judged.gates}
    head = properties(made["metadata"])
    assert (head["gates:fail"], head["gates:waived"], head["run:exit_code"]) == ("2", "1", "1")
    failed = next(r for r in risks if r["name"].startswith(f"failed: occupations:{OCCUPATION}"))
    assert "void: expired: nlp-platform for any until 2026-11-01" in failed["mitigationStrategy"]
    waived = next(r for r in risks if r["name"].startswith(f"waived: religion:{MUSLIM}"))
    assert "in force: nlp-platform for any until 2027-01-31" in waived["mitigationStrategy"]
    assert not any(HINDU in risk["name"] for risk in risks), "a gate that passes is no risk"
    crash = "age-ability did not run: ScoringError: 3 frames are longer than the model can read"
    assert crash in card["considerations"]["technicalLimitations"]
    assert made["compositions"] == [{"aggregate": "incomplete", "assemblies": ["model"]}]


def test_a_run_that_was_cut_short_says_so_first_and_has_no_number(cut: Results) -> None:
    made = bom(cut)
    assert properties(made["metadata"])["run:partial"] == "true"
    assert made["compositions"][0]["aggregate"] == "incomplete"
    limits = model(made)["modelCard"]["considerations"]["technicalLimitations"]
    assert limits[0].startswith("The run was cut short")
    gaps = [one for key, one in metrics(made).items() if ":log_odds_gap:" in key]
    assert [one["value"] for one in gaps] == [
        "not measurable: the run was cut short, so nothing is decided"
    ]


def test_the_files_of_the_model_and_the_probes_have_their_digests(judged: Results) -> None:
    files = {"model.safetensors": "a" * 64, "config.json": "b" * 64, "odd": "no digest"}
    changed = judged.model.model_copy(update={"files": files})
    probe = judged.probes[0].model_copy(update={"digest": "c" * 64})
    made = bom(judged.model_copy(update={"model": changed, "probes": (probe,)}))
    parts = {part["name"]: part["hashes"] for part in model(made)["components"]}
    assert parts == {
        "config.json": [{"alg": "SHA-256", "content": "b" * 64}],
        "model.safetensors": [{"alg": "SHA-256", "content": "a" * 64}],
    }
    (data,) = (c for c in made["components"] if c["type"] == "data")
    assert properties(data)["probe:digest"] == "c" * 64
    assert model(made)["purl"] == "pkg:huggingface/example/tiny-masked-lm@4f2c9d1e7ab3"


def test_numbers_of_a_published_data_set_are_metrics() -> None:
    results = load_results(GOLDEN / "dataset")
    made = metrics(bom(results))
    whole = [r for r in results.results if r.groups == ("all",)]
    assert whole
    assert all(float(made[r.id]["value"]) == pytest.approx(r.estimate) for r in whole)


def test_the_serial_number_follows_the_results(judged: Results) -> None:
    first, again = (bom(judged)["serialNumber"] for _ in range(2))
    assert first == again
    other = judged.model_copy(update={"exit_code": 0})
    assert bom(other)["serialNumber"] != first


def test_a_path_of_a_machine_is_not_told(judged: Results) -> None:
    local = judged.model.model_copy(update={"name": "/home/me/models/mine", "revision": None})
    made = render(judged.model_copy(update={"model": local}), "cyclonedx")
    assert model(json.loads(made))["name"] == "mine"
    assert "/home/me" not in made
