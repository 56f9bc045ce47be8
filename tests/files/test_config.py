"""The configuration: its mistakes, where it is found, and the names in it."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

import pytest

from bias_audit import config
from bias_audit.catalogue import Catalogue
from bias_audit.errors import FileError
from tests.files.helpers import TEA, edited, save, unmarked

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
    found = config.read(path)
    config.check_names(found, path, Catalogue())
    return found


def test_a_full_configuration(tmp_path):
    found = read(tmp_path, FULL)
    assert found.run.seed == 7
    assert found.probes[1].groups == ("christian", "muslim", "jewish")
    assert found.analysis.minimum.templates == 9
    assert [(gate.id, gate.max, gate.when_unclear) for gate in found.gates] == [
        ("jobs", 0.7, "warn"), ("all", 2.0, "fail"),
    ]  # fmt: skip


def test_short_probes_and_defaults(tmp_path):
    found = read(tmp_path, "version: 1\nprobes: [occupation-gender, 'trait-*']\n")
    assert [p.use for p in found.probes] == ["occupation-gender", "trait-*"]
    assert (found.analysis.confidence, found.analysis.minimum.templates) == (0.95, 8)


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("model:", "§modle: {}\nmodel:", "unknown key 'modle'", "did you mean 'model'?"),
        ("dtype: float32", "§dype: float32", "unknown key 'dype'", "did you mean 'dtype'?"),
        ("dtype: float32", "dtype: §float23", "expected 'float32', 'bfloat16', 'float16' or 'auto', got 'float23'", "did you mean 'float32'?"),
        ("run: {", "run: §{seed: 8}\nrun: {", "", ""),
        ("seed: 7", "seed: §-1", "expected a number of at least 0, got the number -1", ""),
        ("seed: 7", "seed: §1.5", "expected a whole number, got the number 1.5", ""),
        ("confidence: 0.9", "confidence: §95", "expected a number below 1, got the number 95", ""),
        ("templates: 9", "templates: §3", "expected a number of at least 6, got the number 3", ""),
        ("coverage: 0.7", "§covrage: 0.7", "unknown key 'covrage'", "did you mean 'coverage'?"),
        ("version: 1", "version: §2", "expected 1, got the number 2", ""),
        ("- use: occupation-gender", "- §{groups: [men, women]}", "expected either 'use' or 'file'", "- use: occupation-gender"),
        ("- use: occupation-gender", "- §uses: occupation-gender", "", ""),
        ("[christian, muslim, jewish]", "§[christian]", "a probe compares at least two groups", ""),
        ("[christian, muslim, jewish]", "[muslim, §muslim]", "the group 'muslim' is here twice", "rename one"),
        ("[christian, muslim, jewish]", "[christian, §muslin]", "the probe 'valence-religion' has no group 'muslin'", "did you mean 'muslim'?"),
        ("- use: valence-religion", "- §file: x.yaml", "'groups' needs 'use'", "choose the groups in the file itself"),
        ("use: valence-religion", "use: §valance-religion", "there is no probe named 'valance-religion'", "did you mean 'valence-religion'?"),
        ("- use: valence-religion", "- §use: occupation-gender", "the probe 'occupation-gender' is here twice", "keep one of them"),
        ("    probe: occupation-gender", "    probe: §ocupation-gender", "there is no probe named 'ocupation-gender'", "did you mean 'occupation-gender'?"),
        ("{id: all,", "{id: §jobs,", "the gate id 'jobs' is here twice", "rename one of them"),
        ("max: 0.7", "max: §0", "expected a number above 0, got the number 0", ""),
        ("max: 0.7", "max: §a lot", "expected a number, got 'a lot'", ""),
        ("max: 2", "§mx: 2, max: 2", "unknown key 'mx'", "did you mean 'max'?"),
        ("when_unclear: fail", "when_unclear: §fails", "expected 'warn', 'fail' or 'pass', got 'fails'", "did you mean 'fail'?"),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path, old, new, message, hint):
    text, place = unmarked(edited(FULL, (old, new)))
    if not message:
        with pytest.raises(FileError):
            read(tmp_path, text)
        return
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    (found,) = caught.value.problems
    assert (found.line, found.column) == place, str(found)
    assert message in found.message
    assert hint in found.hint
    assert found.file == str(tmp_path / config.NAME)


def test_all_unknown_names_at_once(tmp_path):
    text = edited(
        FULL, ("use: valence-religion", "use: valence-religon"), ('"*"', "'trate-*'"), ("use: occupation-gender", "use: occupation-gendr")
    )  # fmt: skip
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    assert [(p.line, p.column) for p in caught.value.problems] == [(5, 10), (6, 10), (13, 22)]


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
    from pathlib import Path

    assert config.find(Path()) == near, "a relative start has parents too"
    (deep / config.NAME).mkdir()
    assert config.find(deep) == near, "a folder of that name is no configuration"


def test_a_probe_of_a_file_is_known_by_its_name(tmp_path):
    probe = save(tmp_path, TEA, "probes/tea.yaml")
    path = save(
        tmp_path,
        "version: 1\nprobes: [{file: probes/tea.yaml}]\ngates: [{id: g, probe: tea, max: 1}]\n",
        config.NAME,
    )
    found = config.read(path)
    config.check_names(found, path, Catalogue().with_files([probe]))
    with pytest.raises(FileError):
        config.check_names(found, path, Catalogue())
