"""The command line: exit codes, messages, what is written, what is not."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

import bias_audit
from bias_audit.cli import app
from bias_audit.errors import BiasAuditError, ModelLoadError, NothingToAuditError, UsageError
from tests.cli.conftest import PROBE, Command

GROUPS = ("baseline", "waivers", "probes", "datasets", "cache", "config")


def small(*more: str | Path) -> list[str | Path]:
    return ["run", "fake", "-p", "small", "--probe-path", "small.yaml", *more]


def test_version_and_help(cli: Command) -> None:
    assert cli("--version")[1].strip().endswith(bias_audit.__version__)
    code, out, _ = cli("--help")
    assert code == 0
    assert "Exit codes" in out
    for name in app.COMMANDS:
        assert name in out
        code, text, err = cli(name, "--help")
        assert (code, err) == (0, "")
        assert "Usage" in text
        assert f"bias-audit {name}" in text or name in GROUPS


def test_unknown_command_gets_the_nearest_spelling(cli: Command) -> None:
    code, _, err = cli("raport", "x")
    assert code == 2
    assert "there is no command named 'raport'" in err
    assert "did you mean 'report'?" in err


def test_run_writes_the_whole_folder(cli: Command, home: Path) -> None:
    code, out, err = cli(*small("-o", "audit"))
    assert code == 0, err
    names = {path.name for path in (home / "audit").iterdir()}
    assert names == {
        "results.json",
        "run.json",
        "evidence.csv.gz",
        "report.html",
        "summary.md",
    }
    assert out.startswith('bias-audit · "fake" · 1 probe, 1 comparison, 48 sentences · ')
    assert "Associations: 0 of 1 comparison. Small: 0. Open: 0. Not measurable: 1." in out
    assert "Report  audit/report.html\nNext    bias-audit show audit 1 · set limits: " in out
    run = json.loads((home / "audit" / "run.json").read_text(encoding="utf-8"))
    assert run["state"] == "complete"


def test_the_default_folder_and_latest(cli: Command, home: Path) -> None:
    assert cli(*small("-q"))[0] == 0
    code, out, _ = cli(*small())
    assert re.search(
        r"\nReport  (audit-runs/[\w-]+)/report\.html\nNext    bias-audit show 1 · set limits: ", out
    )
    latest = (home / "audit-runs" / "latest").read_text(encoding="utf-8").strip()
    folders = sorted(p.name for p in (home / "audit-runs").iterdir() if p.is_dir())
    assert len(folders) == 2
    assert latest in folders
    assert latest.endswith("-2")
    code, out, _ = cli("show", "audit-runs/latest")
    assert code == 0
    assert out == cli("show")[1]
    assert "Associations: 0 of 1 comparison." in out
    code, out, _ = cli("show", "1")
    assert (code, out.split()[0]) == (0, "1")
    assert out == cli("show", "audit-runs/latest", "1")[1]
    for line in ("report latest --format md", "bundle latest", "plan latest"):
        done = cli(*line.split())
        assert done == cli(*line.replace("latest", "audit-runs/latest").split())
        assert done[0] == 0, line
    gate = "version: 1\ngates:\n  - {id: a, probe: '*', max: 2x}\n"
    (home / "bias-audit.yaml").write_text(gate, encoding="utf-8")
    for line in ("compare latest latest", "trace latest latest"):
        code, out, err = cli(*line.split())
        assert (code, "latest" in out) == (0, True), err
    err = cli("gate", "--baseline", "latest", "--model", "fake")[2]
    assert "the baseline 'latest' is the run itself" in err
    (home / "latest").mkdir()
    assert "no audit at latest" in cli("show", "latest")[2], "what has this name is meant"


def test_talk_is_on_stderr_and_quiet_prints_one_line(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, err = cli(*small("--progress", "plain", "-o", "a"))
    assert "scoring" in err
    assert "scoring" not in out
    monkeypatch.setenv("BIAS_AUDIT_RUN_SEED", "7")
    code, out, err = cli(*small("-q", "--limit", "1", "-o", "b"))
    assert (code, len(out.splitlines())) == (0, 1)
    assert out.endswith("1 not measurable    exit 0    b/report.html\n")
    assert err == "Note: scores come from a stand-in, not from a language model\n"
    results = json.loads((home / "b" / "results.json").read_text(encoding="utf-8"))
    assert (results["run"]["partial"], results["run"]["seed"]) == (True, 7)
    assert (results["gates"], results["outcomes"]["not_measurable"]) == ([], 1)


def test_dry_run_loads_and_writes_nothing(cli: Command, home: Path) -> None:
    code, out, _ = cli("run", "no/such-model", "-p", "small", "--probe-path", ".", "--dry-run")
    assert code == 0
    assert "no model was loaded" in out
    assert "1 comparisons, one family (holm)" in out
    assert not (home / "audit-runs").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", ""],
        ["run", "fake", "-p", " "],
        ["run", "fake", "--format="],
        ["gate", "run", "--baseline", ""],
        ["fill", "The [group] worked as a <mask>.", "--groups", "man,woman", "--model", ""],
        ["baseline", "accept", "run", "--name", "main", "--reason", ""],
        ["explain", ""],
    ],
)
def test_an_empty_text_is_no_missing_value(cli: Command, home: Path, arguments: list[str]) -> None:
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert "got an empty text\n  an unset variable gives an empty text" in err


def test_variables_that_are_empty_or_unknown(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, message in (("OUTPUT", "got an empty text"), ("MODLE", "BIAS_AUDIT_RUN_MODEL'?")):
        with monkeypatch.context() as patch:
            patch.setenv(f"BIAS_AUDIT_RUN_{name}", "" if name == "OUTPUT" else "x")
            code, out, err = cli("run", "fake", "-p", "small", "--probe-path", ".")
            assert (code, out) == (2, "")
            assert message in err


@pytest.mark.parametrize("name", ["STRICT", "CONFIG", "MODEL"])
def test_a_variable_without_its_command_is_not_ignored(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"BIAS_AUDIT_{name}", "1")
    code, out, err = cli("run", "fake", "-p", "small", "--probe-path", ".")
    assert (code, out) == (2, "")
    assert f"'BIAS_AUDIT_{name}' is read by no command\n  write BIAS_AUDIT_RUN_{name}" in err
    assert cli("explain", "unclear")[0] == 0, "no option of this command"


@pytest.mark.parametrize("margin", ["nan", "inf"])
def test_a_margin_is_a_number(cli: Command, margin: str) -> None:
    code, out, _ = cli("plan", "--margin", margin)
    assert (code, out) == (2, "")


def test_words_of_a_group_may_not_be_left_out(cli: Command) -> None:
    for groups in ("women=,man", "women=woman|,man", "man,,woman", "=man,woman"):
        code, _, err = cli("fill", "The [group] worked as a <mask>.", "--groups", groups)
        assert code == 2
        assert "expected words of groups" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", ","], "no format was named"),
        (["-p", "occupation-gendre"], "did you mean 'occupation-gender'?"),
        (["-x", "nothing-*"], "there is no probe named 'nothing-*'"),
        (["--batch-size", "0"], "--batch-size: expected auto or a number from 1, got '0'"),
        (["--batch-size", "many"], "--batch-size: expected auto or a number from 1, got 'many'"),
        (["--max-time", "soon"], "expected a time such as 90s, 20m or 2h, got 'soon'"),
        (["--format", "pdf"], "there is no format for a file named 'pdf'"),
        (["--limit", "0"], "--limit"),
        (["--devise", "cpu"], "--devise"),
        (["-c", "missing.yaml"], "missing.yaml"),
        (["--probe-path", "missing"], "missing"),
    ],
)
def test_wrong_use_exits_with_2(
    cli: Command, home: Path, arguments: list[str], message: str
) -> None:
    code, out, err = cli("run", "fake", *arguments)
    assert code == 2
    assert message in err.replace("\n", " ")
    assert out == ""
    assert not (home / "audit-runs").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["fake", "-p", "valence-religion", "-x", "valence-*"], NothingToAuditError, "no probe is"),
        (["./no-such-model", "-p", "occupation-gender"], ModelLoadError, "no-such-model"),
        (["a/nobody-has", "--offline", "-p", "occupation-gender"], ModelLoadError, "a/nobody-has"),
    ],
)
def test_exit_codes_of_what_cannot_be_audited(
    cli: Command, home: Path, arguments: list[str], error: type[BiasAuditError], message: str
) -> None:
    code, _, err = cli("run", *arguments)
    assert code == error.exit_code
    assert message in err
    assert not (home / "audit-runs").exists()


def test_an_output_that_is_a_file_is_refused_before_scoring(cli: Command, home: Path) -> None:
    (home / "taken").write_text("x", encoding="utf-8")
    code, _, err = cli(*small("-o", "taken"))
    assert code == UsageError.exit_code == 2
    assert "cannot write into taken" in err
    assert "scoring" not in err
    code, _, err = cli(*small("-o", "taken/below"))
    assert code == 2
    assert (home / "taken").read_text(encoding="utf-8") == "x"
    assert cli(*small("-o", "a" * 300))[0] == 2
    code, _, err = cli(*small("-o", "/proc/bias-audit"))
    assert code == 2
    assert "cannot write into /proc/bias-audit" in err
    assert "choose a folder you may write to with -o DIR" in err


CONFIG = """\
version: 1
model: {{name: fake}}
probes:
  - file: small.yaml
gates:
  - id: gap
    probe: small
    max: {limit}
    when_unclear: {when}
"""


@pytest.mark.parametrize("when", ["warn", "fail", "pass"])
@pytest.mark.parametrize(("options", "code"), [([], 3), (["--exit-zero"], 0)])
def test_a_gate_that_could_not_be_asked_is_incomplete(
    cli: Command, home: Path, when: str, options: list[str], code: int
) -> None:
    """The stand-in is no trained model, so that nothing is measurable."""
    text = CONFIG.format(limit=0.5, when=when)
    (home / "bias-audit.yaml").write_text(text, encoding="utf-8")
    assert cli("run", "-q", "-o", "a", *options)[0] == code
    results = json.loads((home / "a" / "results.json").read_text(encoding="utf-8"))
    (gate,) = results["gates"]
    assert (gate["state"], gate["reason_code"]) == ("unclear", "instrument_failed")
    assert results["model"]["name"] == "fake"


def test_a_gated_probe_that_is_left_out_is_incomplete(cli: Command, home: Path) -> None:
    (home / "bias-audit.yaml").write_text(CONFIG.format(limit=0.5, when="pass"), "utf-8")
    given = ["-p", "tea", "--probe-path", ".", "-q", "-o", "a"]
    (home / "tea.yaml").write_text(
        (home / "small.yaml").read_text("utf-8").replace("id: small", "id: tea"), "utf-8"
    )
    assert cli("run", *given)[0] == 3
    results = json.loads((home / "a" / "results.json").read_text(encoding="utf-8"))
    assert [g["reason_code"] for g in results["gates"]] == ["no_result"]


OLD = "version: 1\nmodel: {name: fake}\nprobes: [{file: small.yaml}]\n"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "gates:\n  - {id: g, probe: small, max: 1.0, claim: concept}\n",
            "'these_words' or 'words_of_this_kind'",
            "",
        ),
        (
            "gates:\n  - {id: g, probe: small, against: baseline:m, max_rise: 1.0,"
            " claim: these_words}\n",
            "'claim' cannot stand beside 'against'",
            "leave it out: a rise is that of the words",
        ),
        (
            "gates:\n  - {id: g, probe: small, max: 1.0, claim: words_of_this_kind}\n",
            "",
            "",
        ),
    ],
)
def test_a_configuration_of_the_old_rules_gets_a_sentence(
    cli: Command, home: Path, text: str, message: str, hint: str
) -> None:
    (home / "bias-audit.yaml").write_text(OLD + text, encoding="utf-8")
    code, _, err = cli("run", "-q", "-o", "a")
    assert code == (2 if message else 3)
    assert message in err
    assert hint in err


def test_a_gate_that_can_never_be_judged_is_wrong_use(cli: Command, home: Path) -> None:
    text = CONFIG.format(limit=0.5, when="warn").replace("probe: small", "probe: valence-religion")
    (home / "bias-audit.yaml").write_text(text, encoding="utf-8")
    code, _, err = cli("run", "-q", "-o", "a")
    assert code == 2
    assert "the gate 'gap' judges 'valence-religion', which this configuration does not run" in err


def test_a_mask_inside_a_word_and_a_pipe_are_refused(cli: Command, home: Path) -> None:
    (home / "small.yaml").write_text(
        PROBE.replace('a <mask>."\n  - ', 'a pre<mask>."\n  - '), "utf-8"
    )
    code, _, err = cli("probes", "check", "small.yaml")
    assert code == 2
    assert "letters right beside <mask>" in err
    os.mkfifo(home / "pipe.yaml")
    code, _, err = cli("probes", "check", "pipe.yaml")
    assert code == 2
    assert "is not a regular file" in err


def test_report_renders_a_stored_run(cli: Command, stored_small: Path) -> None:
    code, out, _ = cli("report", "a", "--format", "md")
    assert code == 0
    assert out.startswith('### bias-audit · "fake" · 1 probe, 1 comparison, 48 sentences · ')
    code, _, _ = cli("report", "a", "--format", "html,csv", "-o", "html=x.html", "-o", "csv=x.csv")
    assert code == 0
    assert (stored_small / "x.html").read_bytes() == (
        stored_small / "a" / "report.html"
    ).read_bytes()
    assert (stored_small / "x.csv").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--format", "htm"], "did you mean 'html'?"),
        (["a", "--format", "html,md"], "several formats need a file each"),
        (["a", "--format", "html,md", "-o", "x"], "expected -o FORMAT=PATH"),
        (["nothing-here"], "no audit at nothing-here"),
        (["small.yaml"], "small.yaml"),
    ],
)
def test_report_refuses_wrong_use(
    cli: Command, stored_small: Path, arguments: list[str], message: str
) -> None:
    code, _, err = cli("report", *arguments)
    assert code == 2
    assert message in err


def test_show_refuses_an_unknown_comparison(cli: Command, stored_small: Path) -> None:
    code, _, err = cli("show", "a", "F-000000")
    assert code == 2
    assert "there is no comparison named 'F-000000'" in err
    assert "a number from 1 to 1" in err


def test_fill_in_json(cli: Command) -> None:
    code, out, _ = cli(
        "fill", "The [group] worked as a <mask>.", "--groups", "man,woman", "--json", "--top", "4"
    )
    assert code == 0
    answer = json.loads(out)
    assert [g["name"] for g in answer["groups"]] == ["man", "woman"]
    assert answer["groups"][1]["sentences"] == ["The woman worked as a <mask>."]
    assert len(answer["groups"][0]["completions"]) == 4
    assert 0 < answer["distances"][0]["jsd"] < 1


@pytest.mark.parametrize(
    ("template", "groups", "message"),
    [
        ("The [group] worked.", "man,woman", "expected one <mask>, got 0"),
        ("<mask> and <mask> [group]", "man,woman", "expected one <mask>, got 2"),
        ("The man was a <mask>.", "man,woman", "no [group]"),
        ("The [grup] was a <mask>.", "man,woman", "the unknown slot [grup]"),
        ("The [group] was a <mask>.", "man,,woman", "expected words of groups"),
        ("The [group] was a <mask>.", "man,man", "twice"),
        ("The [group] was a <mask>.", "<mask>,man", "expected a word"),
    ],
)
def test_fill_refuses_wrong_use(cli: Command, template: str, groups: str, message: str) -> None:
    code, _, err = cli("fill", template, "--groups", groups, "--model", "fake")
    assert code == 2
    assert message in err


def test_many_groups_share_the_words_of_one_table(cli: Command) -> None:
    groups = "young,old,rich,poor,tall"
    code, out, _ = cli("fill", "The [group] one is <mask>.", "--groups", groups, "--model", "fake")
    assert code == 0
    head = next(line for line in out.splitlines() if "word" in line)
    assert re.findall(r"\w+", head) == ["word", *groups.split(","), "ratio"]
    rows = [line for line in out.splitlines() if line.count(" % ") == 5]
    assert len(rows) == 10
    assert "7 more pairs of groups" in out


def test_words_that_were_asked_for_have_a_row_each(cli: Command) -> None:
    arguments = ["fill", "The [group] was a [MASK].", "--groups", "man,woman", "--model", "fake"]
    code, out, _ = cli(*arguments, "--targets", "nurse,doctor")
    assert code == 0
    rows = [line.split()[1] for line in out.splitlines() if line.startswith("│")]
    assert rows == ["nurse", "doctor"]
    assert re.search(r"│ nurse +│ +[\d.]+ % │ +[\d.]+ % │ (wo)?man [\d.]+ × (wo)?man +│", out)
    assert out.count("How far apart") == 1
    assert "towards" not in out
    code, out, _ = cli(*arguments, "--targets", "nurse,doctor", "--json")
    words = {one["word"]: one["probabilities"] for one in json.loads(out)["words"]}
    assert list(words) == ["nurse", "doctor"]
    assert all(0 < p < 1 for pair in words.values() for p in pair)


def test_doctor_is_well(cli: Command) -> None:
    code, out, _ = cli("doctor")
    assert code == 0
    assert "all well" in out


@pytest.mark.parametrize("which", ["config", "probe", "templates", "lexicon", "results"])
def test_schemas_are_json(cli: Command, which: str) -> None:
    code, out, _ = cli("config", "schema", which)
    assert code == 0
    assert json.loads(out)["type"] == "object"


def test_our_own_bug_leaves_a_crash_file(
    cli: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("bias_audit.results.load_results", broken)
    code, _, err = cli("show", "anything")
    assert code == 70
    assert "This is a bug in bias-audit" in err
    (crash,) = home.glob("bias-audit-crash-*.txt")
    assert "planted" in crash.read_text(encoding="utf-8")


def test_hostile_names_stay_text(cli: Command, home: Path) -> None:
    text = PROBE.replace(
        "title: A small probe", "title: '<script>alert(1)</script> \"[red]x[/red]'"
    )
    text = text.replace("[woman, lady]", '["<b>woman</b>", "lady & evil"]')
    (home / "small.yaml").write_text(text, encoding="utf-8")
    code, out, err = cli(*small("-o", "a"))
    assert code == 0, err
    html = (home / "a" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<b>woman" not in html
    assert "[red]x[/red]" in out
