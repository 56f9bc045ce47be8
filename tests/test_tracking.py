"""What is logged to trackers; stand-ins take the calls of their public functions."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bias_audit.errors import UsageError
from bias_audit.pipeline.audit import Audit
from bias_audit.results import Gate, Results
from bias_audit.tracking import facts, numbers, to_mlflow, to_wandb
from tests.analysis.world import controlled, plant
from tests.analysis.world import run as audited
from tests.gates.cases import result, run

GAP = "p/log_odds_gap/a-vs-b"


def judge_run() -> Results:
    known, unknown = result(0.5), result(None, id="p:log_odds_gap:c-vs-d")
    other = result(9.0, id="p:jsd:a-vs-b", role="secondary")
    gate = Gate(id="g:p:log_odds_gap:a-vs-b", gate="g", state="fail", probe="p", reason="")
    states = {"pass": 0, "fail": 1, "unclear": 0, "error": 0, "waived": 0, "skipped": 0}
    return run(known, unknown, other, gates=(gate,), states=states, exit_code=1)


def test_numbers_are_named_by_ids_and_what_is_missing_is_left_out() -> None:
    found = numbers(judge_run())
    assert found.pop("exit_code") == 1
    states = {name: found.pop(name) for name in list(found) if name.startswith("states/")}
    assert states["states/fail"] == 1
    assert len(states) == 6
    assert found == {
        f"{GAP}/estimate": 0.5,
        f"{GAP}/ci_low": pytest.approx(0.4),
        f"{GAP}/ci_high": pytest.approx(0.6),
    }


def test_a_rise_is_logged_where_there_is_one() -> None:
    results = judge_run()
    gate = results.gates[0].model_copy(update={"rise": -0.25})
    found = numbers(results.model_copy(update={"gates": (gate,)}))
    assert found[f"g/{GAP}/rise"] == -0.25


def test_facts_name_model_and_states() -> None:
    found = facts(judge_run())
    assert found["model"] == "m"
    assert found["fingerprint"] == "f" * 64
    assert found[f"gate/g/{GAP}"] == "fail"
    assert all(isinstance(text, str) for text in found.values())


class Mlflow(ModuleType):
    """The three functions that are called, with their published signatures."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.metrics: dict[str, float] = {}
        self.tags: dict[str, Any] = {}
        self.files: dict[str | None, set[str]] = {}

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.metrics |= metrics

    def set_tags(self, tags: dict[str, Any], synchronous: bool | None = None) -> None:
        self.tags |= tags

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self.files[artifact_path] = {path.name for path in Path(local_dir).iterdir()}


class Artifact:
    def __init__(self, name: str, type: str, metadata: dict[str, Any] | None = None) -> None:
        self.name, self.type, self.metadata = name, type, metadata
        self.files: set[str] = set()

    def add_dir(self, local_path: str, name: str | None = None) -> None:
        self.files |= {path.name for path in Path(local_path).iterdir()}


class Run:
    def __init__(self) -> None:
        self.summary: dict[str, Any] = {}
        self.artifacts: list[Artifact] = []

    def log_artifact(self, artifact_or_path: Artifact) -> None:
        self.artifacts.append(artifact_or_path)


@pytest.fixture(scope="module")
def fresh() -> Audit:
    return audited(controlled(), plant(0.7))


FILES = {"results.json", "run.json", "evidence.csv.gz", "report.html", "summary.md"}


def test_mlflow_gets_numbers_tags_and_files(
    fresh: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.save(tmp_path / "run")
    for audit in (fresh, str(tmp_path / "run"), tmp_path / "run" / "results.json"):
        mlflow = Mlflow()
        monkeypatch.setitem(sys.modules, "mlflow", mlflow)
        to_mlflow(audit)
        name = "bias-audit/trial/log_odds_gap/a-vs-b/estimate"
        assert mlflow.metrics[name] == pytest.approx(0.7, abs=1e-5)
        assert mlflow.tags["bias-audit/fingerprint"] == fresh.results.model.fingerprint
        assert mlflow.files == {"bias-audit": FILES}


def test_wandb_gets_a_summary_and_an_artifact(
    fresh: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb, active, named = ModuleType("wandb"), Run(), Run()
    wandb.Artifact, wandb.run = Artifact, active  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    to_wandb(fresh)
    to_wandb(fresh, named)
    for run_ in (active, named):
        name = "bias-audit/trial/log_odds_gap/a-vs-b/estimate"
        assert run_.summary[name] == pytest.approx(0.7, abs=1e-5)
        (artifact,) = run_.artifacts
        assert artifact.files == FILES
        assert artifact.metadata == facts(fresh.results)
    wandb.run = None  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="no run of Weights & Biases is active"):
        to_wandb(fresh)


@pytest.mark.parametrize(("name", "call"), [("mlflow", to_mlflow), ("wandb", to_wandb)])
def test_a_missing_package_is_named_with_its_extra(
    fresh: Audit, monkeypatch: pytest.MonkeyPatch, name: str, call: Any
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=rf"(?s)'{name}' is not installed.*bias-audit\[{name}\]"):
        call(fresh)
