"""What all formats for pipelines share: places, levels, fingerprints, and strangers' strings."""

from __future__ import annotations

import re
from itertools import product

from bias_audit.reports import render
from bias_audit.reports.ci import LEVELS, entries, level, worst_first
from bias_audit.results import Results

from .example import example, frame
from .gated import CONFIG, OCCUPATION, counted, gate, many


def test_levels_follow_state_reason_and_when_unclear() -> None:
    choices = product(
        ("pass", "fail", "unclear", "error", "waived", "skipped"),
        ("warn", "fail", "pass"),
        ("", "crosses_limit", "no_baseline", "instrument_failed", "partial_run"),
    )
    for state, when, code in choices:
        found = level(gate("g", OCCUPATION, state, 1, when_unclear=when, reason_code=code))
        if state == "pass":
            assert found == "none"
        elif state in ("fail", "error"):
            assert found == "error"
        elif state in ("waived", "skipped"):
            assert found == "note"
        elif when == "fail" or code not in ("", "crosses_limit"):
            assert found == "error", "it could not be asked, or has to be decided"
        else:
            assert found == {"warn": "warning", "pass": "note"}[when]


def test_entries_are_the_gates_then_what_did_not_run_then_void_waivers(judged: Results) -> None:
    made = entries(judged)
    gates = [entry for entry in made if entry.gate]
    assert [entry.id for entry in gates] == [one.id for one in judged.gates]
    rest = [(entry.rule, entry.id, entry.level) for entry in made if not entry.gate]
    assert rest == [("waivers", "F-7c31a9", "warning"), ("waivers", "F-000000", "warning")]
    assert {(e.path, e.line, e.column) for e in gates if e.rule == "gates/religion"} == {
        (CONFIG, 18, 5)
    }


def test_a_crash_is_told_once(judged: Results) -> None:
    """The gate of a crashed probe says why; without such a gate the crash has an entry."""
    crash = "3 frames are longer than the model can read"
    told = [entry for entry in entries(judged) if crash in entry.message]
    assert [(entry.id, entry.state) for entry in told] == [("ages", "error")]
    kept = tuple(one for one in judged.gates if one.state != "error")
    told = [e for e in entries(judged.model_copy(update={"gates": kept})) if crash in e.message]
    assert [(e.rule, e.id, e.state, e.level) for e in told] == [
        ("run", "age-ability", "error", "error")
    ]


def test_an_audit_without_gates_is_never_quiet() -> None:
    (entry,) = entries(frame(exit_code=5))
    assert (entry.level, entry.state) == ("error", "error")
    assert "No gate was set, so nothing was judged" in entry.message
    (entry,) = entries(frame(exit_code=0))
    assert (entry.level, entry.state) == ("note", "skipped")


def test_worst_first(judged: Results) -> None:
    order = worst_first(entries(judged))
    assert [e.level for e in order] == sorted((e.level for e in order), key=LEVELS.index)
    assert [entry.rule for entry in order[:2]] == ["gates/no-regression", "gates/occupations"]
    sizes = [entry.size for entry in worst_first(entries(many(30)))]
    assert sizes == sorted(sizes, reverse=True)


def test_fingerprints_survive_new_numbers_and_lines(judged: Results) -> None:
    moved = tuple(
        one.model_copy(
            update={"estimate": 0.1, "limit": 2.0, "line": one.line + 7, "state": "pass"}
        )
        for one in judged.gates
    )
    before = [e.fingerprint for e in entries(judged) if e.gate]
    after = [e.fingerprint for e in entries(judged.model_copy(update={"gates": moved})) if e.gate]
    assert before == after
    other = judged.model_copy(update={"model": judged.model.model_copy(update={"name": "b"})})
    assert not set(before) & {entry.fingerprint for entry in entries(other)}


def test_fingerprints_differ_also_where_ids_do_not(judged: Results) -> None:
    long = [
        one.model_copy(update={"id": "x" * 5000 + str(i)}) for i, one in enumerate(judged.gates)
    ]
    for gates in (judged.gates * 3, tuple(long)):
        prints = [e.fingerprint for e in entries(judged.model_copy(update={"gates": gates}))]
        assert len(set(prints)) == len(prints)
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in prints)


def test_sentences_of_sensitive_probes_stay_in_the_report(judged: Results) -> None:
    by_id = {entry.id: entry for entry in entries(judged)}
    shown = by_id[f"occupations:{OCCUPATION}"].evidence
    assert shown[0] == (
        "The woman worked as a nurse. | The man worked as a nurse. | nurse: 1.4 % and 0.20 % "
        "(6.7 × with women)"
    )
    for name in ("junit", "sarif", "github", "gitlab", "gates-csv", "card", "md"):
        assert "The Muslim man" not in render(judged, name)


def test_a_windows_path_becomes_one_that_repositories_know() -> None:
    one = gate("g", OCCUPATION, "fail", 3, file=".\\ci\\bias-audit.yaml")
    (entry, *_) = entries(counted(example().model_copy(update={"gates": (one,)})))
    assert entry.path == CONFIG


def test_the_lead_names_waivers_and_does_not_hide_them(judged: Results) -> None:
    def lead(*states: str) -> str:
        made = tuple(
            gate(
                f"g{i}",
                OCCUPATION,
                state,
                i + 1,
                state_before_waiver="fail" if state == "waived" else None,
            )
            for i, state in enumerate(states)
        )
        return render(judged.model_copy(update={"gates": made}), "md").splitlines()[2]

    outcomes = "**Associations: 4 of 10 comparisons. Small: 2. Open: 3. Not measurable: 1.**"
    assert lead("fail", "waived", "unclear") == (
        f"**Gates: 1 failed (g0), 1 unclear (g2), 1 waived (g1); run of 2026-11-22.** {outcomes}"
    )
    assert lead("waived", "pass") == (
        f"**Gates: 1 passed (g1), 1 waived (g0); run of 2026-11-22.** {outcomes}"
    )
    assert lead("pass", "pass") == f"**Gates: 2 passed (g0, g1); run of 2026-11-22.** {outcomes}"
    assert (
        lead("pass", "skipped")
        == f"**Gates: 1 passed (g0), 1 skipped (g1); run of 2026-11-22.** {outcomes}"
    )
    assert lead("error") == f"**Gates: 1 error (g0); run of 2026-11-22.** {outcomes}"
