"""Gates on the stored cells of a real audit: they see what is planted, and they hold still."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.validity.stored_gates import (
    Stored,
    Table,
    powered,
    sensitivity,
    steadiness,
)

pytestmark = pytest.mark.slow
PROBES = ("occupation-gender", "occupation-pronoun", "trait-gender-*")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """The bundled model's run of the probes about gender."""
    from bias_audit import audit

    folder = tmp_path_factory.mktemp("stored")
    audit("reference", probes=PROBES, offline=True).save(folder / "run")
    return Stored.read(Path(folder / "run"))


def share(table: Table, gate: str, probe: str, state: str) -> float:
    states = next(
        found for (name, where), found in table.items() if name.startswith(gate) and where == probe
    )
    return states[state] / sum(states.values())


def test_what_is_planted_fails_and_what_is_not_does_not(stored: Stored) -> None:
    assert len(stored.probes) >= 3
    tables = sensitivity(stored, models=50)
    strong = powered(stored)
    assert strong
    for probe in stored.probes:
        assert share(tables["planted"], "rise", probe, "fail") >= 0.9, probe
        for gate in ("size", "rise"):
            assert share(tables["planted"], gate, probe, "pass") == 0, (gate, probe)
            assert share(tables["turned over"], gate, probe, "pass") == 0, (gate, probe)
            assert share(tables["nothing"], gate, probe, "fail") <= 0.05, (gate, probe)
    for probe in strong:
        for name in ("planted", "turned over"):
            assert share(tables[name], "size", probe, "fail") >= 0.9, (name, probe)


def test_no_gate_flips_between_pass_and_fail(stored: Stored) -> None:
    seen: set[str] = set()
    for name, table in steadiness(stored, times=30).items():
        assert table
        for gate, states in table.items():
            assert not (states["pass"] and states["fail"]), (name, gate, states)
            seen |= {state for state, times in states.items() if times}
    assert seen == {"pass", "fail", "unclear"}
