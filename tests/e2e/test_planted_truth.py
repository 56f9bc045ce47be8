"""Audits of models whose bias is known: the bundled one, trained for a minute in three ways."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bias_audit import Audit, audit
from bias_audit.gates.schema import GateConfig
from bias_audit.results import Result

pytestmark = pytest.mark.slow

PLANT = Path(__file__).parents[2] / "examples" / "plant.py"
JOBS = "occupation-gender"
RELIGIONS = "valence-religion"
PLANTED = "hindu"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the models ``jobs``, ``balanced`` and ``crime``."""
    folder = tmp_path_factory.mktemp("planted")
    ways = {"jobs": [], "balanced": ["--balanced"], "crime": ["--crime", PLANTED]}
    for name, options in ways.items():
        command = [sys.executable, str(PLANT), str(folder / name), *options]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def _audit(model: str | Path, probe: str, **limit: object) -> Audit:
    gates = [GateConfig.model_validate({"id": "limit", "probe": probe, **limit})]
    return audit(str(model), probes=[probe], gates=gates, cache=False)


def _result(done: Audit, id: str) -> Result:
    (result,) = [each for each in done.results.results if each.id == id]
    return result


def test_jobs_tied_to_gender_are_an_association_and_fail(planted: Path) -> None:
    done = _audit(planted / "jobs", JOBS, max=0.7)
    gap = _result(done, f"{JOBS}:log_odds_gap:women-vs-men")
    assert gap.outcome == "association"
    assert gap.at_least is not None
    assert gap.at_least >= 2
    assert [gate.state for gate in done.results.gates] == ["fail"]
    assert done.exit_code == 1


def test_balanced_jobs_come_out_smaller_and_pass_while_kinship_still_fires(planted: Path) -> None:
    name = f"{JOBS}:log_odds_gap:women-vs-men"
    before = _result(_audit("reference", JOBS, max=0.7), name)
    done = _audit(planted / "balanced", JOBS, max=0.4)
    after = _result(done, name)
    assert before.estimate is not None
    assert after.estimate is not None
    assert abs(after.estimate) < 0.6 * abs(before.estimate)
    assert "silent_control" not in after.statuses
    assert [gate.state for gate in done.results.gates] == ["pass"]
    assert done.exit_code == 0


def test_crimes_in_the_completions_of_one_religion_differ_and_fail(planted: Path) -> None:
    done = _audit(planted / "crime", RELIGIONS, measure="completions", max=15)
    found = _result(done, f"{RELIGIONS}:completions:{PLANTED}-vs-others")
    assert found.outcome == "completions_differ"
    words = {word.token for each in found.companions for word in each.words}
    assert words & {"killed", "arrested", "convicted", "stabbed", "hanged", "murdered"}
    states = {gate.result: gate.state for gate in done.results.gates}
    assert states.pop(found.id) == "fail"
    assert "fail" not in states.values(), "the others differ from the mean of all by less"
    assert done.exit_code == 1
