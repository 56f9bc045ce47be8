"""``gate``, ``waive``, ``waivers list``, ``config show --origin`` on stored runs."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bias_audit.results import finding_id
from bias_audit.utils import clock
from tests.analysis.world import controlled, plant, run
from tests.cli.conftest import Command
from tests.gates.cases import TODAY

RESULT = "trial:log_odds_gap:a-vs-b"
GIVE = ["--until", "2026-05-01", "--reason", "r", "--owner", "o", "--up-to", "9"]
SIZE = "version: 1\ngates:\n  - {id: size, probe: trial, max: 0.5}\n"
RISE = """\
version: 1
gates:
  - id: rise
    probe: trial
    against: baseline:main
    max_rise: 0.2
"""


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "today", lambda: TODAY)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one probe with gaps of 0, 0.7 and 2 nats."""
    folder = tmp_path_factory.mktemp("runs")
    for name, gap in (("none", 0.0), ("some", 0.7), ("large", 2.0)):
        run(controlled(), plant(gap)).save(folder / name)
    return folder


@pytest.fixture
def home(home: Path, stored: Path) -> Path:
    for folder in stored.iterdir():
        (home / folder.name).symlink_to(folder)
    return home


def config(home: Path, text: str) -> None:
    (home / "bias-audit.yaml").write_text(text, encoding="utf-8")


def judge_run(home: Path, cli: Command, *arguments: str | Path) -> dict[str, object]:
    cli("gate", *arguments, "--format", "json", "-o", home / "judged.json")
    found: dict[str, object] = json.loads((home / "judged.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize(("name", "code"), [("none", 0), ("some", 1), ("large", 1)])
def test_the_exit_code_follows_the_gate(cli: Command, home: Path, name: str, code: int) -> None:
    config(home, SIZE)
    before = {path: path.read_bytes() for path in (home / name).iterdir()}
    done, out, err = cli("gate", name)
    assert done == code
    assert f"; exit code {code}\n" in out
    assert err == ""
    assert {path: path.read_bytes() for path in (home / name).iterdir()} == before


def test_exit_zero_turns_1_and_3_into_0_and_says_so(cli: Command, home: Path) -> None:
    config(home, SIZE)
    code, out, err = cli("gate", "large", "--exit-zero", "-q")
    assert (code, out.split()[-1]) == (0, "1")
    assert err == "Note: --exit-zero turned exit code 1 into 0\n"
    config(home, RISE)
    assert cli("gate", "large", "--exit-zero")[0] == 0
    config(home, "version: 1\n")
    assert cli("gate", "large", "--exit-zero")[0] == 2


@pytest.mark.parametrize(
    ("when", "options", "code"),
    [
        ("warn", [], 0),
        ("fail", [], 3),
        ("warn", ["--strict"], 3),
        ("pass", ["--strict", "--exit-zero"], 0),
    ],
)
def test_unclear_and_strict(
    cli: Command, home: Path, when: str, options: list[str], code: int
) -> None:
    config(home, SIZE.replace("0.5", f"0.7, when_unclear: {when}"))  # measured, not decided
    done, out, _ = cli("gate", "some", "-q", *options)
    assert "1 unclear" in out
    assert done == code


def test_a_gate_stands_at_its_line(cli: Command, home: Path) -> None:
    config(home, "# first\n" + RISE)
    (gate,) = judge_run(home, cli, "large")["gates"]  # type: ignore[misc]
    assert (gate["file"], gate["line"], gate["column"]) == ("bias-audit.yaml", 4, 5)
    (home / "deep").mkdir()
    (home / "bias-audit.yaml").rename(home / "deep" / "policy.yaml")
    (gate,) = judge_run(home, cli, "large", "-c", "deep/policy.yaml")["gates"]  # type: ignore[misc]
    assert gate["file"] == "deep/policy.yaml"


def test_a_baseline_whose_gates_failed_is_accepted_aloud(cli: Command, home: Path) -> None:
    config(home, SIZE)
    shutil.copytree(home / "some", home / "red")
    judged = json.dumps(judge_run(home, cli, "some"))
    (home / "red" / "results.json").write_text(judged, encoding="utf-8")
    code, _, err = cli("baseline", "accept", "red", "--name", "b", "--reason", "x")
    assert code == 0
    assert "careful: 1 of this run's gates failed: size:trial:" in " ".join(err.split())


def test_a_baseline_whose_controls_failed_is_accepted_aloud(cli: Command, home: Path) -> None:
    assert "careful" not in cli("baseline", "accept", "some", "--name", "a", "--reason", "x")[2]
    file = home / "some" / "results.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    (judged_probe,) = [p for p in stored["probes"] if p["role"] == "probe"]
    judged_probe["statuses"] = ["instrument_failed"]
    file.write_text(json.dumps(stored), encoding="utf-8")
    code, _, err = cli("baseline", "accept", "some", "--name", "b", "--reason", "x")
    assert code == 0
    assert "for 1 of 1 probes in this run, so gates that compare them" in " ".join(err.split())
    assert judged_probe["id"] in err


def again(home: Path, name: str) -> None:
    """Another run of the same model, a day later, with the same numbers."""
    shutil.copytree(home / name, home / "again")
    file = home / "again" / "results.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    stored["run"]["created"] = "2026-01-02T00:00:00+00:00"
    file.write_text(json.dumps(stored), encoding="utf-8")


WIDE = dict.fromkeys(("ci_low", "ci90_low"), 1.9) | dict.fromkeys(("ci_high", "ci90_high"), 2.1)
WIDE |= {"se": 50.0, "df": 9.0, "p_value": 0.1}


def edited(home: Path, change: Callable[[dict[str, float]], dict[str, object]]) -> None:
    """A copy of the run that fails, with other numbers in its first result."""
    shutil.copytree(home / "large", home / "edited", dirs_exist_ok=True)
    content = json.loads((home / "large" / "results.json").read_text(encoding="utf-8"))
    one = next(r for r in content["results"] if r["id"] == RESULT)
    one |= change(one)
    (home / "edited" / "results.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"se": 50.0}, "where its standard error of 50 gives"),
        ({"df": 1.0}, "has a 90 % interval"),
        ({"ci90_low": -9.0}, "has a 90 % interval [-9"),
        ({"ci_low": -9.0}, "has a confidence interval [-9"),
        ({"confidence": 0.5}, "has a confidence interval"),
        ({"estimate": 1.99, "effect_size": 7.3155337}, "a 90 % interval"),
        ({"words_of_this_kind": WIDE}, "where its standard error of 50 gives"),
        ({"n_templates": 3}, "has 3 sentences and lists 8"),
        ({"by_template": [{"id": "a", "text": "b", "value": 0.0}]}, "and lists 1"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(
    cli: Command, home: Path, edit: dict[str, object], message: str
) -> None:
    config(home, SIZE)
    edited(home, lambda _: edit)
    for command in ("gate", "report", "show"):
        code, _, err = cli(command, "edited")
        assert code == 2
        assert "is damaged: the result 'trial:log_odds_gap:a-vs-b'" in err
        assert message in " ".join(err.split())


def shifted(one: dict[str, float]) -> dict[str, object]:
    """A gap of nothing, with everything that belongs to it."""
    ends = ("ci_low", "ci_high", "ci90_low", "ci90_high")
    return {name: one[name] - one["estimate"] for name in ends} | {
        "estimate": 0.0,
        "effect_size": 1.0,
        "words_of_this_kind": None,
    }


def widened(one: dict[str, float]) -> dict[str, object]:
    """A hundred times the error, with everything that belongs to it."""
    gap, ends = one["estimate"], ("ci_low", "ci_high", "ci90_low", "ci90_high")
    return {name: gap + 100 * (one[name] - gap) for name in ends} | {"se": 100 * one["se"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shifted, "is 0 there and is 2 by its scores"),
        (widened, "the se of 'trial:log_odds_gap:"),
        (lambda _: {"n_targets": 200}, "the n_targets of 'trial:log_odds_gap:a-vs-b' is 200"),
    ],
)
def test_numbers_that_the_evidence_does_not_give_are_refused(
    cli: Command, home: Path, change: Callable[[dict[str, float]], dict[str, object]], message: str
) -> None:
    config(home, SIZE)
    edited(home, change)
    code, out, err = cli("gate", "edited")
    assert (code, out) == (2, "")
    assert "evidence.csv.gz does not belong to its results.json" in err
    assert message in " ".join(err.split())


def test_baselines_from_missing_to_accepted_to_edited(cli: Command, home: Path) -> None:
    config(home, RISE)
    code, out, _ = cli("gate", "some")
    assert code == 3, "a missing baseline is incomplete whatever when_unclear says"
    assert "there is no baseline named 'main'" in " ".join(out.split()).lower()
    assert cli("baseline", "accept", "some", "--name", "main", "--reason", "first")[0] == 0
    (itself,) = judge_run(home, cli, "some")["gates"]  # type: ignore[misc]
    assert (itself["state"], cli("gate", "some", "-q")[0]) == ("unclear", 3)
    assert (
        itself["reason"] == "the baseline 'main' is this very run, so there is nothing to compare"
    )
    again(home, "some")
    for name, expected in (("again", 0), ("none", 0), ("large", 1)):
        found = judge_run(home, cli, name)
        (gate,) = found["gates"]  # type: ignore[misc]
        assert found["exit_code"] == expected, (name, gate)
        codes = {"again": "identical_outputs", "none": "inside_rise", "large": "outside_rise"}
        assert gate["reason_code"] == codes[name]
        assert gate["baseline"] == "main"
        assert gate["baseline_value"] == pytest.approx(0.7, abs=1e-5)
        assert found["comparison"]["baseline"] == "main"  # type: ignore[index]
    record = home / "bias-audit-baselines" / "main" / "results.json"
    record.write_bytes(record.read_bytes().replace(b'"bias-audit"', b'"other-tool"'))
    code, out, err = cli("gate", "some")
    assert code == 2
    assert "the baseline 'main' was changed after it was accepted" in err
    assert out == ""


def test_another_baseline_or_run_instead_of_the_named_one(cli: Command, home: Path) -> None:
    config(home, RISE)
    (gate,) = judge_run(home, cli, "large", "--baseline", "some")["gates"]  # type: ignore[misc]
    assert (gate["state"], gate["baseline"]) == ("fail", "some")
    assert "'some'" in gate["condition"]
    again(home, "large")
    assert cli("gate", "large", "--baseline", "again", "-q")[0] == 0
    shutil.copytree(home / "large", home / "copy")
    for name in ("large", "copy", str(home / "large" / "results.json")):
        code, _, err = cli("gate", "large", "--baseline", name)
        assert code == 2
        assert "is the run itself, so nothing would be compared" in err
    cli("baseline", "accept", "some", "--name", "spring", "--reason", "x")
    assert cli("gate", "large", "--baseline", "spring", "-q")[0] == 1
    assert cli("gate", "large", "--baseline", "baseline:spring", "-q")[0] == 1
    code, _, err = cli("gate", "large", "--baseline", "sprng")
    assert code == 2
    assert "there is no baseline or run named 'sprng'" in err
    assert "did you mean 'spring'?" in err
    config(home, SIZE)
    found = judge_run(home, cli, "large", "--baseline", "some")
    assert found["comparison"]["baseline"] == "some"  # type: ignore[index]


def test_run_and_gate_agree(cli: Command, home: Path) -> None:
    config(home, SIZE + RISE.split("gates:\n")[1])
    cli("baseline", "accept", "some", "--name", "main", "--reason", "x")
    from bias_audit.config import read, read_policy

    path = home / "bias-audit.yaml"
    policy = read_policy(read(path), today=TODAY)
    done = run(
        controlled(), plant(2.0), policy=policy, baselines=home / "bias-audit-baselines"
    ).results
    found = judge_run(home, cli, "large")
    mine = json.loads(done.model_dump_json())
    for key in ("gates", "states", "exit_code", "comparison", "waivers"):
        assert mine[key] == found[key], key
    assert done.run.config_digest == policy.digest != ""
    assert done.limits_digest == found["limits_digest"] == policy.digest
    assert found["run"]["config_digest"] == "", "the run was made without one"  # type: ignore[index]
    bare = cli("gate", "large", "--format", "dossier")[1]
    assert "Limits, from bias-audit.yaml, digest of its settings as read" in bare
    assert policy.digest in bare


RUN = """\
version: 1
model: {name: fake}
probes:
  - file: small.yaml
"""


def test_run_judges_with_baselines_and_waivers(cli: Command, home: Path) -> None:
    config(home, RUN + "gates:\n" + RISE.split("gates:\n")[1].replace("trial", "small"))
    assert cli("run", "-q", "-o", "first")[0] == 3
    assert cli("waive", "rise:*", *GIVE, "--run", "first")[0] == 0
    code, out, _ = cli("run", "-q", "-o", "second")
    results = json.loads((home / "second" / "results.json").read_text("utf-8"))
    assert (code, results["exit_code"]) == (3, 3)
    assert [g["reason_code"] for g in results["gates"]] == ["no_baseline"]
    assert [w["status"] for w in results["waivers"]] == ["active"]
    assert len(results["run"]["config_digest"]) == 64
    code, out, err = cli("run", "-q", "-o", "third", "--exit-zero")
    assert (code, out.split()[-2:]) == (0, ["3", "third/report.html"])
    assert "--exit-zero turned exit code 3 into 0" in err
    results = json.loads((home / "third" / "results.json").read_text("utf-8"))
    assert results["exit_code"] == 3, "what is stored is before --exit-zero"


TWO = (
    RUN
    + """\
  - occupation-pronoun
gates:
  - {id: all, probe: "*", max: 3}
"""
)


def test_a_pattern_counts_the_probes_that_a_run_left_out(cli: Command, home: Path) -> None:
    config(home, TWO)
    code, _, err = cli("run", "-q", "-p", "small", "-o", "cut")
    assert code == 3, err
    results = json.loads((home / "cut" / "results.json").read_text("utf-8"))
    missing = [g for g in results["gates"] if g["probe"] == "occupation-pronoun"]
    assert [(g["state"], g["reason_code"]) for g in missing] == [("unclear", "no_result")]
    assert cli("gate", "cut", "-q")[0] == 3


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("bias-audit-baselines/main/baseline.yaml", "version: 1\n", "the key 'name' is missing"),
        ("bias-audit-waivers.yaml", "version: 1\nwaivers: [{}]\n", "a waiver names the model"),
    ],
)
def test_a_run_reads_baselines_and_waivers_before_it_scores(
    cli: Command, home: Path, file: str, text: str, message: str
) -> None:
    config(home, RUN + "gates:\n" + RISE.split("gates:\n")[1].replace("trial", "small"))
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_text(text, encoding="utf-8")
    code, out, err = cli("run", "-o", "first")
    assert (code, out) == (2, "")
    assert message in err
    assert "scoring" not in err
    assert not (home / "first").exists()


def test_formats_and_places(cli: Command, home: Path) -> None:
    config(home, SIZE)
    code, out, err = cli(
        "gate", "large", "--format", "md,junit", "-o", "md=a/x.md", "-o", "junit=a/x.xml"
    )
    assert code == 1
    assert out.startswith("1 association, 0 small, 0 open, 0 not measurable; gates: 1 failed")
    assert len(out.splitlines()) == 1
    assert err.split() == ["a/x.md", "a/x.xml"]
    assert (home / "a" / "x.md").read_text("utf-8")
    assert json.loads(cli("gate", "large", "--format", "json")[1])["exit_code"] == 1
    assert cli("gate", "large", "--format", "md,junit")[0] == 2
    assert "did you mean 'junit'?" in cli("gate", "large", "--format", "junti")[2]


def test_wrong_use_wins_over_a_failed_gate(cli: Command, home: Path) -> None:
    config(home, SIZE)
    (home / "taken").write_text("x", encoding="utf-8")
    code, _, err = cli("gate", "large", "--format", "md", "-o", "taken/below.md")
    assert code == 2
    assert "cannot write taken/below.md" in err
    assert cli("gate", "large", "--format", "md", "-o", "x.md", "--exit-zero")[0] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no bias-audit.yaml here or in a parent folder: there is nothing to judge by"),
        ("version: 1\n", "bias-audit.yaml has no gates, so there is nothing to judge by"),
        (SIZE.replace("trial", "trail"), "bias-audit.yaml:3:23: there is no probe named 'trail'"),
        (SIZE + "waivers: nowhere.yaml\n", "nowhere.yaml: cannot be read: No such file"),
    ],
)
def test_nothing_to_judge_by_is_wrong_use(
    cli: Command, home: Path, text: str | None, message: str
) -> None:
    if text is not None:
        config(home, text)
    code, out, err = cli("gate", "large")
    assert code == 2
    assert message in err
    assert out == ""


@pytest.mark.parametrize(
    ("text", "where"),
    [(None, ""), ("version: 1\nprobes: [pronoun-nouns]\n", " in bias-audit.yaml")],
)
def test_a_strict_run_without_gates_is_refused_before_anything_is_scored(
    cli: Command, home: Path, text: str | None, where: str
) -> None:
    if text is not None:
        config(home, text)
    code, out, err = cli("run", "fake", "--strict", "--dry-run")
    assert (code, out) == (2, "")
    assert f"--strict, and no gates{where}: nothing could fail" in err
    assert "set limits under 'gates:'" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "is not a readable results.json"),
        (lambda text: text.replace('"3.0"', '"1.1"', 1), "has schema version 1.1, this program"),
        (lambda text: text.replace('"estimate": ', '"estimate": "x", "e": ', 1), "is damaged at"),
    ],
)
def test_broken_results_are_one_message(
    cli: Command, home: Path, change: Callable[[str], str], message: str
) -> None:
    config(home, SIZE)
    (home / "broken").mkdir()
    text = (home / "large" / "results.json").read_text("utf-8")
    (home / "broken" / "results.json").write_text(change(text), "utf-8")
    code, out, err = cli("gate", "broken")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("Error:") == 1
    assert cli("gate", "nowhere")[0] == 2


def test_a_waiver_from_command_to_gate(cli: Command, home: Path) -> None:
    config(home, SIZE)
    give = ["--until", "2026-05-01", "--reason", "known since spring", "--owner", "ana"]
    code, out, _ = cli("waive", finding_id(RESULT), *give, "--up-to", "3", "--run", "large")
    assert code == 0
    assert out.splitlines()[1] == f"  covers size:{RESULT}"
    code, out, _ = cli("gate", "large")
    assert code == 0
    assert "Gates: 1 waived (size); run of 20" in " ".join(out.split())
    assert "known since spring" in " ".join(out.split()).lower()
    text = (home / "bias-audit-waivers.yaml").read_text("utf-8")
    assert re.search(r"^    created: 2026-03-01\n", text, re.MULTILINE)
    _, out, _ = cli("waive", finding_id(RESULT), *give, "--up-to", "1.5", "--run", "large")
    assert out.startswith("replaced")
    assert "measures 7.4 times: a failure voids the waiver" in out
    found = judge_run(home, cli, "large")
    assert found["exit_code"] == 1
    assert [w["status"] for w in found["waivers"]] == ["exceeded"]  # type: ignore[attr-defined]
    more = ["--up-to", "3", "--model", "another", "--run", "large"]
    assert cli("waive", finding_id(RESULT), *give, *more)[0] == 0
    found = judge_run(home, cli, "large")
    assert found["exit_code"] == 1
    assert [w["status"] for w in found["waivers"]] == ["other_model"]  # type: ignore[attr-defined]
    code, _, err = cli("waive", finding_id(RESULT), *give, "--run", "large")
    assert (code, "--up-to" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["F-000000"], "there is no finding, result or gate named 'F-000000'"),
        ([RESULT.replace("trial", "trail")], f"did you mean '{RESULT}'?"),
        (["size"], "there is no finding, result or gate named 'size'"),
        (["size:*", "--until", "2027-01-01"], "--until: 'expires' is 306 days after 'created'"),
        (["size:*", "--until", "tomorrow"], "--until: expected a day such as 2026-01-31"),
        (["size:*", "--up-to", "0"], "--up-to: expected a number above 0"),
        (["size:*", "--run", "nowhere"], "no audit at nowhere"),
    ],
)
def test_what_cannot_be_waived(
    cli: Command, home: Path, arguments: list[str], message: str
) -> None:
    config(home, SIZE)
    code, out, err = cli("waive", *GIVE, "--run", "large", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert not (home / "bias-audit-waivers.yaml").exists()


def test_listing_waivers(cli: Command, home: Path) -> None:
    config(home, SIZE)
    assert cli("waivers", "list")[:2] == (0, "")
    give = ["--reason", "r", "--owner", "o", "--run", "large"]
    aloud = cli("waive", "size:*", "--until", "2026-05-01", "--up-to", "2.5", *give)[2]
    assert "careful: the ceiling is 2.5 nats, which is 12 times as likely" in aloud
    cli("waive", RESULT, "--until", "2026-03-11", "--up-to", "3", "--model", "any", *give)
    _, out, err = cli("waivers", "list")
    assert out.splitlines() == [
        "active      size:* of oracle  until 2026-05-01, up to 2.5  o: r",
        "            61 days left",
        f"active      {RESULT} of any  until 2026-03-11, up to 3  o: r",
        "            10 days left",
    ]
    assert err.startswith("2 waivers for ")
    assert len(cli("waivers", "list", "--expiring", "10")[1].splitlines()) == 2
    assert cli("waivers", "list", "--expiring", "9")[1] == ""
    found = json.loads(cli("waivers", "list", "--run", "none", "--json")[1])
    assert [w["detail"] for w in found] == ["waives 0 of 1 gate: none fails, it is not needed"] * 2
    assert [w["line"] for w in found] == [5, 12]


def test_checking_a_folder_checks_waivers_and_baselines_too(cli: Command, home: Path) -> None:
    config(home, SIZE)
    cli("baseline", "accept", "some", "--name", "main", "--reason", "x")
    cli("waive", "size:*", *GIVE, "--run", "some")
    paths = ["bias-audit-waivers.yaml", "bias-audit-baselines"]
    assert cli("probes", "check", *paths)[:2] == (0, "2 files without a mistake\n")
    for path in (home / paths[0], home / paths[1] / "main" / "baseline.yaml"):
        path.write_text(path.read_text("utf-8").replace("reason", "raison"), "utf-8")
    code, _, err = cli("probes", "check", *paths)
    assert code == 2
    assert err.count("unknown key 'raison'") == 2


def test_settings_and_where_they_come_from(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(home, "version: 1\nrun: {seed: 7}\nprobes: [valence-*]\n" + SIZE.split("1\n", 1)[1])
    monkeypatch.setenv("BIAS_AUDIT_RUN_DTYPE", "float16")
    monkeypatch.setenv("BIAS_AUDIT_RUN_BATCH_SIZE", "8")
    _, out, _ = cli("config", "show", "--origin")
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["run.seed"] == ["7", "bias-audit.yaml:2:13"]
    assert rows["model.dtype"] == ['"float16"', "BIAS_AUDIT_RUN_DTYPE"]
    assert rows["run.batch_size"] == ["8", "BIAS_AUDIT_RUN_BATCH_SIZE"]
    assert rows["model.name"] == ['"reference"', "default"]
    assert rows["probes.0.use"] == ['"valence-*"', "bias-audit.yaml:3:10"]
    assert rows["gates.0.max"] == ["0.5", "bias-audit.yaml:5:35"]
    assert rows["gates.0.max_rise"] == ["unset", "default"]
    shown = json.loads(cli("config", "show")[1])
    here = {"name": "local", "address": None, "workers": None}
    asked = {"seed": 7, "batch_size": 8, "engine": here, "measures": [], "checks": []}
    assert (shown["run"], shown["model"]["dtype"]) == (asked, "float16")
    monkeypatch.setenv("BIAS_AUDIT_RUN_PROBE", "a b")
    rows = {r.split()[0]: r.split()[1:] for r in cli("config", "show", "--origin")[1].splitlines()}
    assert rows["probes.1"] == ['"b"', "BIAS_AUDIT_RUN_PROBE"]
    monkeypatch.setenv("BIAS_AUDIT_RUN_SEED", "seven")
    code, out, err = cli("config", "show")
    assert (code, out) == (2, "")
    assert "BIAS_AUDIT_RUN_SEED: expected a whole number, got 'seven'" in err


def test_gate_starts_without_torch_pandas_or_scipy_stats(home: Path) -> None:
    config(home, SIZE + RISE.split("gates:\n")[1])
    script = (
        "import sys; from bias_audit.cli import app\n"
        "code = app.run(['gate', 'large', '--baseline', 'some', '-q'])\n"
        "heavy = {'torch', 'transformers', 'pandas', 'scipy.stats', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr


def test_two_places_for_one_format_or_one_file_are_refused(cli: Command, home: Path) -> None:
    config(home, SIZE)
    for places in (("csv=a", "csv=b"), ("csv=a", "json=a")):
        options = [part for place in places for part in ("-o", place)]
        code, _, err = cli("gate", "large", "--format", "csv,json", *options)
        assert code == 2
        assert "one would be lost" in err
        assert not (home / "a").exists()
    assert "no format was named" in cli("report", "large", "--format", ",")[2]


def test_numbers_too_large_for_a_chart_are_damage(cli: Command, home: Path) -> None:
    config(home, SIZE)
    content = json.loads((home / "large" / "results.json").read_text("utf-8"))
    content["results"][0] |= {"ci_low": -1e308, "ci_high": 1e308}
    (home / "edited.json").write_text(json.dumps(content), encoding="utf-8")
    for arguments in (("gate",), ("report", "--format", "html")):
        code, _, err = cli(arguments[0], "edited.json", *arguments[1:])
        assert code == 2
        assert "cannot have been measured" in err


def test_a_pipe_is_written_into_and_a_link_stays(cli: Command, home: Path) -> None:
    config(home, SIZE)
    (home / "link.csv").symlink_to("real.csv")
    assert cli("gate", "large", "--format", "csv", "-o", "link.csv")[0] == 1
    assert (home / "link.csv").is_symlink()
    assert (home / "real.csv").read_text("utf-8").startswith("id,axis,probe,")
    os.mkfifo(home / "pipe")
    reader = os.open(home / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert cli("gate", "large", "--format", "github", "-o", "pipe")[0] == 1
    assert b"::error file=" in os.read(reader, 4096)
    os.close(reader)
    assert stat.S_ISFIFO((home / "pipe").stat().st_mode)


def test_errors_show_control_characters_and_cut_long_names(cli: Command, home: Path) -> None:
    config(home, SIZE)
    code, _, err = cli("baseline", "accept", "none", "--name", "a\u202eb\x1b", "--reason", "x")
    assert code == 2
    assert "a\\u202eb\\x1b" in err
    assert len(cli("waive", "x" * 10_000, *GIVE, "--run", "large")[2]) < 1000


# A stored run is judged as what it is.


def test_a_run_of_another_model_is_refused(cli: Command, home: Path) -> None:
    config(home, "model: {name: distilroberta-base}\n" + SIZE)
    code, out, err = cli("gate", "none")
    assert (code, out) == (2, "")
    assert "names the model 'distilroberta-base', and this run is of 'oracle'" in err
    assert "--model oracle" in err
    assert cli("gate", "none", "-q", "--model", "oracle")[0] == 0
    assert (
        "--model is 'other', and this run is of 'oracle'"
        in cli("gate", "none", "--model", "other")[2]
    )
    pinned = "model: {name: oracle, revision: " + "a" * 40 + "}\n"
    config(home, pinned + SIZE)
    assert (
        "pins the revision aaaaaaaaaaaa, and this run is of an unknown revision"
        in (cli("gate", "none")[2])
    )


def test_what_the_configuration_asks_for_and_nobody_measured_is_incomplete(
    cli: Command, home: Path
) -> None:
    config(home, SIZE + "probes: [trial, occupation-pronoun]\n")
    code, out, _ = cli("gate", "none")
    assert code == 3
    assert "the configuration asks for occupation-pronoun, which this run left out" in (
        " ".join(out.split())
    )
    junit = cli("gate", "none", "--format", "junit")[1]
    assert "Pronouns" in junit or "occupation-pronoun" in junit
    config(home, SIZE.replace("trial", "'*'"))
    code, out, _ = cli("gate", "none", "-q")
    assert code == 3, "without probes, a pattern is about the core probes"
    assert "6 unclear (size 6 of 7), 1 passed (size 1 of 7)" in out


def test_numbers_without_evidence_are_said_to_be_so_everywhere(cli: Command, home: Path) -> None:
    config(home, SIZE)
    shutil.copytree(home / "none", home / "bare")
    (home / "bare" / "evidence.csv.gz").unlink()
    for format in ("terminal", "md", "html", "junit", "sarif", "github", "gates-csv"):
        code, out, _ = cli("gate", "bare", "--format", format)
        assert code == 0
        assert "evidence.csv.gz beside the results" in " ".join(out.split()), format
    code, _, err = cli("gate", "bare", "--strict", "-q")
    assert (code, "evidence.csv.gz beside the results" in err) == (3, True)
    assert cli("gate", "none", "--strict", "-q")[0] == 0


@pytest.mark.parametrize(
    "place",
    [
        "junit=none/results.json",
        "json=none/results.json",
        "md=none/evidence.csv.gz",
        "md=none/report.html",
        "md=bias-audit.yaml",
        "csv=bias-audit-waivers.yaml",
        "md=bias-audit-baselines/main/results.json",
        "md=bias-audit-baselines/new.md",
    ],
)
def test_no_output_takes_the_place_of_what_is_read(cli: Command, home: Path, place: str) -> None:
    (home / "none").unlink()
    shutil.copytree(home / "some", home / "none")
    config(home, SIZE)
    assert cli("baseline", "accept", "some", "--name", "main", "--reason", "x")[0] == 0
    assert cli("waive", "size:*", *GIVE, "--run", "large")[0] == 0
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    code, out, err = cli("gate", "none", "-o", "junit=j.xml", "-o", place)
    assert code == 2 or place.startswith("junit"), place
    code, out, err = cli("gate", "none", "-o", place)
    assert (code, out) == (2, ""), "nothing is printed but what is wrong"
    assert f"-o {place} would take the place of a file that this command reads" in err
    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert cli("gate", "none", "-o", "md=none/summary.md", "--exit-zero")[0] == 0


def test_the_head_says_which_run_is_judged_and_how_old_it_is(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(home, SIZE)
    made = json.loads((home / "none" / "results.json").read_text("utf-8"))["run"]["created"]
    later = datetime.fromisoformat(made) + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    (home / "below").mkdir()
    monkeypatch.chdir(home / "below")
    head = " ".join(cli("gate", "../none")[1].split("Gates:")[0].split())
    when = f"{made[:10]} {made[11:16]} UTC (3 days ago)"
    assert f"Run ../none of oracle, made {when}" in head
    assert "judged by ../bias-audit.yaml (found above this folder)" in head
    _, out, err = cli("gate", "../none", "-q")
    assert (out.count("\n"), err) == (1, "Note: the run is 3 days old\n")
    assert f"run of {made[:10]}" in cli("gate", "../none", "--format", "md")[1]


def test_gates_are_printed_as_everything_else_is(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = SIZE + "  - {id: wide, probe: trial, max: 2.5x, why: Agreed in March.}\n"
    config(home, two + "  - {id: gap, probe: trial, max: 1.9x, why: Agreed in May.}\n")
    out = cli("gate", "some")[1]
    assert "Gates: 2 failed (size, gap), 1 passed (wide); run of" in out
    (head,) = [line for line in out.splitlines() if "90 % interval" in line]
    assert head.split()[0] == "gate"
    assert "✓ passed   wide" in out
    assert "Why this limit: Agreed in May." in out
    assert "Agreed in March." not in out
    assert "Why this limit" not in cli("gate", "some", "-q")[1]
    assert (
        "gates: 2 failed (size, gap), 1 passed (wide)    exit 1\n" in cli("gate", "some", "-q")[1]
    )
    assert "passed" in cli("gate", "some", "-v")[1].split("90 % interval")[1]
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, cli("gate", "some")[1].splitlines())) <= 60
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in cli("gate", "some")[1]


def test_a_printed_interval_is_the_one_that_judges(cli: Command, home: Path) -> None:
    config(home, SIZE.replace("0.5", "2.01x"))
    stored = json.loads((home / "some" / "results.json").read_text("utf-8"))
    one = next(r for r in stored["results"] if r["id"] == RESULT)
    ends = " – ".join(f"{math.exp(one[name]):.2f}" for name in ("ci90_low", "ci90_high"))
    for format in ("terminal", "md", "junit", "sarif", "github"):
        out = " ".join(cli("gate", "some", "--format", format)[1].split())
        assert ends in out, format
        assert "90 % interval" in out or "90 %25 interval" in out, format
    (gate,) = judge_run(home, cli, "some")["gates"]  # type: ignore[misc]
    assert (gate["ci90_low"], gate["ci90_high"]) == (one["ci90_low"], one["ci90_high"])


def test_a_waiver_for_a_finding_of_another_run_says_where_it_looked(
    cli: Command, home: Path
) -> None:
    config(home, SIZE)
    code, _, err = cli("waive", "F-000000", *GIVE, "--run", "large")
    assert code == 2
    assert "looked for in the run large: --run RUN names another" in err
    code, _, err = cli("waive", "*", *GIVE, "--run", "large", "--up-to", "2x")
    assert (code, "'*' names every gate" in err) == (0, True)
    assert "up_to: 2x" in (home / "bias-audit-waivers.yaml").read_text("utf-8")
    out = " ".join(cli("gate", "large")[1].split())
    assert "The waiver '*' does not hold: Size:trial" in out or "does not hold: " in out
    assert "measures 7.4 times, more than the 2.0 times allowed" in out


def test_a_baseline_is_replaced_only_when_asked(cli: Command, home: Path) -> None:
    accept = ["baseline", "accept", "some", "--name", "main", "--reason", "x"]
    assert cli(*accept)[0] == 0
    code, _, err = cli(*accept)
    assert code == 2
    assert "there is a baseline 'main' already" in err
    assert "--replace puts this run in its place" in err
    assert cli(*accept, "--replace")[1].startswith("replaced main")


def test_mistakes_in_a_configuration_above_name_it(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(home, RUN + "gatez: []\n")
    (home / "below").mkdir()
    monkeypatch.chdir(home / "below")
    where = "../bias-audit.yaml (found above this folder): -c FILE names another"
    for command in (("gate", "../none"), ("run", "-q")):
        code, _, err = cli(*command)
        assert (code, where in err) == (2, True), err
    config(home, RUN)
    (home / "bias-audit-waivers.yaml").write_text("version: 1\nwaivers: 3\n", encoding="utf-8")
    assert where in cli("run", "-q")[2]
    assert cli("run", "--no-config", "--dry-run", "-p", "occupation-pronoun")[0] == 0
    assert "contradict each other" in cli("run", "--no-config", "-c", "../bias-audit.yaml")[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this file begins with 'version: 1'"),
        (SIZE.replace("0.5", "'0.7'"), "remove the quotes: 0.7"),
        (SIZE.replace("trial", "''"), "expected text, got nothing"),
        (SIZE + "exclude: [trial]\n", "bias-audit run -x"),
        (SIZE + "strict: true\n", "bias-audit run --strict"),
        (SIZE + "probes: [occupatoin-gender]\n", "bias-audit.yaml:4:10: there is no probe"),
        (SIZE + "probes: [occupatoin-*]\n", "did you mean 'occupation-*'?"),
    ],
)
def test_messages_say_what_to_do(cli: Command, home: Path, text: str, message: str) -> None:
    config(home, text)
    code, _, err = cli("run", "-q")
    assert code == 2
    assert message in err
    assert "bug" not in err


def test_a_package_that_cannot_be_imported_is_no_bug_of_ours(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ImportError("libtorch.so: cannot open shared object file", name="torch")

    monkeypatch.setattr("bias_audit.pipeline.from_config.gate", fail)
    config(home, SIZE)
    code, _, err = cli("gate", "none")
    assert code == 4
    assert "torch cannot be imported: libtorch.so" in err
    assert "bug" not in err


def test_a_run_that_fails_says_which_run_latest_still_is(cli: Command, home: Path) -> None:
    assert "still the run" not in cli("run", "./no-such-model", "--offline")[2]
    shutil.copytree(home / "none", home / "audit-runs" / "old")
    (home / "audit-runs" / "latest").write_text("old\n", encoding="utf-8")
    made = json.loads((home / "none" / "results.json").read_text("utf-8"))["run"]["created"]
    (home / "model").mkdir()
    code, _, err = cli("run", "./model", "--offline")
    assert code == 4
    assert f"audit-runs/latest is still the run of {made[:10]} {made[11:16]}" in err
