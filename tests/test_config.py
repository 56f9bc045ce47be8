"""The configuration: its mistakes, where it is found, and the names in it."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

from pathlib import Path

import pytest

from bias_audit import config
from bias_audit.cli.app import run
from bias_audit.errors import FileError, UsageError
from bias_audit.probes.catalogue import ProbeCatalogue
from tests.probes.helpers import TEA, edited, save, unmarked

FULL = """\
version: 1
model: {name: reference, dtype: float32}
run: {seed: 7, batch_size: auto}
probes:
  - use: occupation-gender
  - use: valence-religion
    groups: [christian, muslim, jewish]
analysis: {confidence: 0.9, resamples: 999, minimum: {templates: 9, coverage: 0.7}}
gates:
  - id: jobs
    probe: occupation-gender
    max: 0.7
  - {id: all, probe: "*", max: 2, when_unclear: fail, why: Agreed in March.}
"""


def read(folder, text):
    path = save(folder, text, config.NAME)
    content = config.read(path).config
    config.check_names(content, path, ProbeCatalogue())
    return content


def test_a_full_configuration(tmp_path):
    found = read(tmp_path, FULL)
    assert found.run.seed == 7
    assert found.probes[1].groups == ("christian", "muslim", "jewish")
    assert found.analysis.minimum.templates == 9
    assert [(gate.id, gate.max, gate.when_unclear) for gate in found.gates] == [
        ("jobs", 0.7, "warn"), ("all", 2.0, "fail"),
    ]  # fmt: skip


def test_a_model_may_be_its_bare_name(tmp_path, monkeypatch, capfd):
    whole, bare = ("version: 1\nmodel: " + model for model in ("{name: fake}", "fake"))
    assert read(tmp_path, whole).model == read(tmp_path, bare).model
    assert "name" in read(tmp_path, bare).model.model_fields_set, "stored runs are held to it"
    monkeypatch.chdir(tmp_path)
    assert run(["config", "show", "--origin"]) == 0
    shown = capfd.readouterr().out
    assert '"fake"' in shown
    assert "bias-audit.yaml:2:8" in shown


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("dtype: float32", "dtype: §float23", "expected 'float32', 'bfloat16', 'float16' or 'auto', got 'float23'", "did you mean 'float32'?"),
        ("seed: 7", "seed: §-1", "expected a number of at least 0, got the number -1", ""),
        ("confidence: 0.9", "confidence: §95", "expected a number below 1, got the number 95", ""),
        ("templates: 9", "templates: §3", "expected a number of at least 6, got the number 3", ""),
        ("version: 1", "version: §2", "expected version 1, got the number 2", "version: 1"),
        ("- use: occupation-gender", "- §{groups: [men, women]}", "expected either 'use' or 'file'", "- use: occupation-gender"),
        ("{name: reference, dtype: float32}", "§7", "expected text, got the number 7", "put it into quotes"),
        ("name: reference", "name: §''", "expected a name, got an empty text", ""),
        ("[christian, muslim, jewish]", "§[]", "a probe compares at least two groups", ""),
        ("[christian, muslim, jewish]", "§[christian]", "a probe compares at least two groups", ""),
        ("[christian, muslim, jewish]", "[muslim, §muslim]", "the group 'muslim' is here twice", "rename one"),
        ("[christian, muslim, jewish]", "[christian, §muslin]", "the probe 'valence-religion' has no group 'muslin'", "did you mean 'muslim'?"),
        ("- use: valence-religion", "- §file: x.yaml", "'groups' needs 'use'", "choose the groups in the file itself"),
        ("use: valence-religion", "use: §valance-religion", "there is no probe named 'valance-religion'", "did you mean 'valence-religion'?"),
        ("- use: valence-religion", "- §use: occupation-gender", "the probe 'occupation-gender' is here twice", "keep one of them"),
        ("    probe: occupation-gender", "    probe: §ocupation-gender", "there is no probe named 'ocupation-gender'", "did you mean 'occupation-gender'?"),
        ("{id: all,", "{id: §jobs,", "the gate id 'jobs' is here twice", "rename one of them"),
        ("max: 0.7", "max: §0", "expected a number above 0, got the number 0", ""),
        ("max: 0.7", "max: §1000x", "expected at most 20x in a gate, and 999x in a waiver, got '1000x'", "1.5x"),
        ("max: 0.7", "max: §a lot", "expected a number or times such as 1.5x, got the text 'a lot'", "1.5x"),
        ("    max: 0.7", "    against: §main\n    max_rise: 0.1", "expected 'baseline:NAME', got 'main'", "against: baseline:main"),
        ("    max: 0.7", "    max: 0.7\n    against: §baseline:main", "'against' cannot stand beside 'max'", "write two gates"),
        ("- id: jobs\n    probe: occupation-gender\n    max: 0.7", "- §id: jobs\n    probe: occupation-gender", "the limit is missing: 'max', or 'against' and 'max_rise'", "max: 1.5x"),
        ("- id: jobs\n    probe: occupation-gender\n    max: 0.7", "- §id: jobs\n    probe: occupation-gender\n    max_rise: 0.1", "'max_rise' needs 'against'", "against: baseline:main"),
        ("- id: jobs\n    probe: occupation-gender\n    max: 0.7", "- §id: jobs\n    probe: occupation-gender\n    against: baseline:main", "'against' needs 'max_rise'", "max_rise: 1.2x"),
        ("gates:", "waivers: §[a.yaml]\ngates:", "expected text, got a list", ""),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path, old, new, message, hint):
    text, place = unmarked(edited(FULL, (old, new)))
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    (found,) = caught.value.problems
    assert (found.line, found.column) == place, str(found)
    assert message in found.message
    assert hint in found.hint
    assert found.file == str(tmp_path / config.NAME)


def test_no_probes_are_not_the_core_probes(tmp_path):
    with pytest.raises(FileError, match="1 item under 'probes', got none\n    leave it out for"):
        read(tmp_path, "version: 1\nprobes: []\n")


def test_all_unknown_names_at_once(tmp_path):
    text = edited(
        FULL, ("use: valence-religion", "use: valence-religon"), ('"*"', "'trate-*'"), ("use: occupation-gender", "use: occupation-gendr")
    )  # fmt: skip
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    assert [(p.line, p.column) for p in caught.value.problems] == [(5, 10), (6, 10), (13, 22)]


TWO_KINDS = (
    ("max: 0.7", "max: -0.7"),
    ("use: valence-religion", "use: valence-religon"),
    ('"*"', "'trate-*'"),
    ("seed: 7", "seed: 7, measures: [jds]"),
)


def mistakes(path):
    with pytest.raises(FileError) as caught:
        config.read(path, config.name_check(path, ProbeCatalogue()))
    return [(p.line, p.column) for p in caught.value.problems]


def test_mistakes_of_form_and_in_names_at_once(tmp_path):
    path = save(tmp_path, edited(FULL, *TWO_KINDS), config.NAME)
    assert mistakes(path) == [(3, 27), (6, 10), (12, 10), (13, 22)]


@pytest.mark.parametrize("command", [("probes", "check"), ("run", "fake", "--dry-run", "-c")])
def test_commands_tell_both_kinds(tmp_path, command, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path, edited(FULL, *TWO_KINDS), config.NAME)
    assert run([*command, str(path)]) == 2
    said = capfd.readouterr().err
    assert "4 mistakes" in said
    assert "did you mean 'valence-religion'?" in said
    assert "-0.7" in said


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\nprobes: {}\ngates: 3\nrun: []\n",
        "version: 2\nprobes: [3, {use: 4}, [a]]\ngates: [7, {probe: 8}]\nprobe_paths: [1]\n",
        "[1]\n",
        "a: [\n",
        "",
    ],
)
def test_names_that_are_no_names_do_not_hide_the_mistakes(tmp_path, text):
    path = save(tmp_path, text, config.NAME)
    with pytest.raises(FileError) as caught:
        config.read(path)
    assert mistakes(path) == [(p.line, p.column) for p in caught.value.problems]


def test_found_in_a_parent_up_to_the_root_of_the_repository(tmp_path, monkeypatch):
    deep = tmp_path / "repository" / "a" / "b"
    deep.mkdir(parents=True)
    outside = save(tmp_path, FULL, config.NAME)
    assert config.find(deep) == outside, "no repository: every parent is searched"
    (tmp_path / "repository" / ".git").mkdir()
    assert config.find(deep) is None, "never outside of the repository"
    root = save(tmp_path / "repository", FULL, config.NAME)
    assert config.find(deep) == root
    near = save(deep.parent, FULL, config.NAME)
    assert config.find(deep) == near
    monkeypatch.chdir(deep)
    assert config.find(Path()) == near, "a relative start has parents too"
    (deep / config.NAME).mkdir()
    assert config.find(deep) == near, "a folder of that name is no configuration"


@pytest.mark.parametrize(
    "name",
    ["bias-audit.yml", ".bias-audit.yaml", "bias-audit.json", "bias_audit.yaml", "Bias-Audit.YAML"],
)
@pytest.mark.parametrize("beside", [False, True])
def test_a_file_that_looks_like_ours_is_no_silence(tmp_path, name, beside):
    (tmp_path / "a" / ".git").mkdir(parents=True)
    save(tmp_path / "a", FULL, name)
    if beside:
        save(tmp_path / "a", FULL, config.NAME)
    (tmp_path / "a" / "b").mkdir()
    with pytest.raises(UsageError, match=f"{name} is not read: only the name bias-audit.yaml is"):
        config.find(tmp_path / "a" / "b")


def test_other_files_and_links_to_ours_are_no_mistake(tmp_path):
    (tmp_path / ".git").mkdir()
    for name in ("bias-audit.yaml.orig", "bias-audit.md", "bias-audits.yaml", "bias-audit-old.yml"):
        save(tmp_path, FULL, name)
    (tmp_path / "bias-audit.toml").mkdir()
    assert config.find(tmp_path) is None
    ours = save(tmp_path, FULL, config.NAME)
    (tmp_path / "bias-audit.yml").symlink_to(ours)
    assert config.find(tmp_path) == ours
    ours.unlink()
    ours.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is a link to nothing"):
        config.find(tmp_path)


def test_a_waiver_file_that_is_called_nearly_so(tmp_path):
    file = config.read(save(tmp_path, FULL, config.NAME))
    save(tmp_path, "version: 1\n", "bias-audit-waivers.yml")
    with pytest.raises(UsageError, match=r"only the name bias-audit-waivers\.yaml is"):
        file.waiver_file  # noqa: B018


def test_a_probe_of_a_file_is_known_by_its_name(tmp_path):
    probe = save(tmp_path, TEA, "probes/tea.yaml")
    path = save(
        tmp_path,
        "version: 1\nprobes: [{file: probes/tea.yaml}]\ngates: [{id: g, probe: tea, max: 1}]\n",
        config.NAME,
    )
    found = config.read(path).config
    config.check_names(found, path, ProbeCatalogue().with_files([probe]))
    with pytest.raises(FileError):
        config.check_names(found, path, ProbeCatalogue())


def test_where_every_gate_stands(tmp_path):
    path = save(tmp_path, "\ufeff# top\r\n" + FULL.replace("\n", "\r\n"), config.NAME)
    assert config.read(path).gate_places == {"jobs": (11, 5), "all": (14, 5)}
    lines = path.read_text("utf-8-sig").splitlines()
    assert lines[10][4:] == "id: jobs"
    assert lines[13][4:].startswith("{id: all")


def test_reports_name_a_file_from_the_root_of_its_repository(tmp_path):
    path = save(tmp_path / "work" / "audit", FULL, config.NAME)
    assert config.report_path(path) == config.NAME, "no repository: the name alone"
    (tmp_path / "work" / ".git").mkdir()
    assert config.report_path(path) == f"audit/{config.NAME}"


def test_the_waiver_file_is_the_named_one_or_the_usual_one(tmp_path):
    path = save(tmp_path, FULL, config.NAME)
    assert config.read(path).waiver_file is None
    usual = save(tmp_path, "version: 1\n", config.WAIVERS)
    assert config.read(path).waiver_file == usual
    named = config.read(save(tmp_path, FULL + "waivers: policy/known.yaml\n", config.NAME))
    assert named.waiver_file == tmp_path / "policy" / "known.yaml"


def test_the_digest_is_of_what_the_file_says(tmp_path):
    def digest(text):
        return config.read(save(tmp_path, text, config.NAME)).digest

    assert digest(FULL) == digest("# why\n" + FULL.replace("run: {seed: 7,", "run: {  seed: 7,"))
    assert digest(FULL) != digest(FULL.replace("max: 0.7", "max: 0.71"))


def test_gates_are_checked_against_the_probes_of_a_run(tmp_path):
    path = save(tmp_path, FULL.replace("probe: occupation-gender\n", "probe: tee\n"), config.NAME)
    found = config.read(path).config
    config.check_gates(found, path, ["tee"])
    with pytest.raises(FileError) as caught:
        config.check_gates(found, path, ["tea"])
    (problem,) = caught.value.problems
    assert (problem.line, problem.hint) == (11, "did you mean 'tea'?")


BOMB = "".join(
    f"{name}: &{name} [{', '.join(['*' + above] * 9) if above else 'lol'}]\n"
    for above, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\n" + BOMB, "an alias (*name) came"),
        ("version: 1\ngates: &g [*g]\n", "an alias (*name) came"),
        ("version: 1\ngates: " + "[" * 900 + "]" * 900, "is nested too deeply"),
        ("version: 1\nwaivers: " + "a" * 3_000_000, "the most that is read"),
        ("version: 1\ngates: !!python/object/apply:os.system [id]\n", "the tag !!python/object/apply:os.system came"),
        ("version: 1\ngates: [{id: g, probe: p, <<: {max: 1}}]\n", "unknown key '<<'"),
    ],
)  # fmt: skip
def test_hostile_files_are_one_message_and_soon(tmp_path, text, message):
    path = save(tmp_path, text, config.NAME)
    with pytest.raises(FileError) as caught:
        config.read(path)
    assert any(message in problem.message for problem in caught.value.problems)


def test_folders_of_probes_in_the_configuration(tmp_path, capsys):
    save(tmp_path, TEA, "mine/probes/tea.yaml")
    text = "version: 1\nprobe_paths: [mine/probes]\nprobes: [tea]\n"
    path = save(tmp_path, text, config.NAME)
    assert run(["run", "-c", str(path), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert ["tea", "40", "prompts"] in [line.split() for line in out.splitlines()]
    assert run(["probes", "check", str(path)]) == 0
    save(tmp_path, text.replace("mine/probes", "yours"), config.NAME)
    for command in (["run", "-c", str(path), "--dry-run"], ["probes", "check", str(path)]):
        assert run(command) == 2
        err = capsys.readouterr().err
        assert f"{path}:2:15: there is no folder 'yours'" in err


def test_a_gate_names_probes_and_no_suite(tmp_path):
    text = "version: 1\nprobes: [core]\ngates: [{id: g, probe: 'axis:gender', max: 1}]\n"
    path = save(tmp_path, text, config.NAME)
    with pytest.raises(FileError) as caught:
        config.check_names(config.read(path).config, path, ProbeCatalogue())
    (found,) = caught.value.problems
    assert (found.line, found.column) == (3, 24)
    assert found.message == "a gate names a probe or a glob of probes, not 'axis:gender'"
