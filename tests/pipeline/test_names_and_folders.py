"""Names that could stand for two things, and folders that two runs write into."""

from __future__ import annotations

import fcntl
import os

import pytest

from bias_audit import audit, open_backend
from bias_audit.backends import built_in_notice
from bias_audit.cli.app import run
from bias_audit.config import resolve
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.pipeline.audit import Audit
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports import formats, render
from bias_audit.utils.files import sole_writer
from bias_audit.utils.resources import data_dir

PROBE = "occupation-pronoun"


@pytest.fixture(scope="module")
def replaced(tmp_path_factory):
    """A folder with a probe of its own under the name of a shipped one, and a run of it."""
    home = tmp_path_factory.mktemp("own")
    text = (data_dir("probes") / f"{PROBE}.yaml").read_text("utf-8")
    (home / f"{PROBE}.yaml").write_text(text, "utf-8")
    return home, audit("fake", probes=[PROBE], catalogue=ProbeCatalogue([home]), limit=2)


@pytest.mark.parametrize("name", ["reference", "fake"])
def test_a_folder_of_a_built_in_name_is_told_apart(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert built_in_notice(name) == ""
    (tmp_path / name).mkdir()
    assert built_in_notice(f"./{name}") == ""
    assert f"write ./{name} for the folder" in built_in_notice(name)
    assert audit("fake", probes=[PROBE], limit=2).results.run.notices == (
        (built_in_notice("fake"),) if name == "fake" else ()
    )
    given = ["fill", "The [group] was <mask>.", "--groups", "man,woman", "--model", name, "--json"]
    assert run(given) == 0
    assert f"write ./{name} for the folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["terminal", "html", "md", "json"])
def test_a_replaced_probe_is_said_in_reports(name, replaced):
    _, done = replaced
    text = render(done.results, name)
    assert f"of the user's own {PROBE}.yaml" in _plain(text)
    assert name in formats()


def _plain(text):
    return " ".join(text.replace("&#39;", "'").replace("\\_", "_").split())


def test_a_replaced_probe_is_said_in_the_list(replaced, capsys):
    home, done = replaced
    assert done.results.run.notices == (
        f"the probe '{PROBE}' is of the user's own {PROBE}.yaml, in place of the shipped one",
    )
    assert run(["probes", "list", "--probe-path", str(home)]) == 0
    (line,) = [row for row in capsys.readouterr().out.splitlines() if "in place of" in row]
    assert line.startswith(PROBE)
    assert ProbeCatalogue().notices == ()


def test_replaced_templates_and_lexicons_are_said_too(tmp_path):
    (tmp_path / "templates" / "lexicons").mkdir(parents=True)
    for inner, kind in (("templates", "template set"), ("templates/lexicons", "lexicon")):
        source = sorted((data_dir("templates") / inner.partition("/")[2]).glob("*.yaml"))[0]
        (tmp_path / inner / source.name).write_bytes(source.read_bytes())
        assert set(ProbeCatalogue([tmp_path]).replacements(kind)) == {source.stem}


def test_a_replaced_suite_is_said_too(tmp_path):
    (tmp_path / "suites.yaml").write_text(
        f"kind: suites\nsuites:\n  core: {{probes: [{PROBE}], title: Mine}}\n", "utf-8"
    )
    (notice,) = ProbeCatalogue([tmp_path]).notices
    assert notice.startswith("the suite 'core' is of the user's own suites.yaml")


@pytest.mark.parametrize("written", ["./model", "model", "sub/../model"])
def test_the_model_of_a_configuration_is_beside_it(written, tmp_path, monkeypatch):
    home, other = tmp_path / "home", tmp_path / "other"
    (home / "model").mkdir(parents=True)
    (home / "sub").mkdir()
    (other / "model").mkdir(parents=True)
    (home / "bias-audit.yaml").write_text(f"version: 1\nmodel: {{name: {written}}}\n")
    for folder in (home, other, tmp_path, home / "sub"):
        monkeypatch.chdir(folder)
        name = resolve(home / "bias-audit.yaml").settings.model.name
        assert os.path.realpath(name) == str((home / "model").resolve())
    monkeypatch.chdir(other)
    overridden = resolve(home / "bias-audit.yaml", {"model": "model"})
    assert overridden.settings.model.name == "model", "what is named in the command is here"


def test_other_names_of_models_stay_as_they_are(tmp_path, monkeypatch):
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    (other / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(home)
    file = home / "bias-audit.yaml"
    for name in ("reference", "fake", "org/hub-name", "/abs/model", "~/model"):
        file.write_text(f"version: 1\nmodel: {{name: {name}}}\n")
        monkeypatch.chdir(other)
        assert resolve(file).settings.model.name == name
    file.write_text("version: 1\nmodel: {name: org/name}\n")
    with pytest.raises(UsageError, match="is looked for beside the file, and there is none"):
        resolve(file)
    file.write_text("version: 1\nmodel: {name: ./gone}\n")
    assert resolve(file).settings.model.name == os.path.join("..", "home", "gone")


def test_two_runs_do_not_write_into_one_folder_at_once(tmp_path, replaced):
    _, done = replaced
    folder = tmp_path / "run"
    with (
        sole_writer(folder),
        pytest.raises(UsageError, match=r"another run is writing into .*run at this moment"),
    ):
        done.save(folder)
    assert list(folder.iterdir()) == []
    done.save(folder)
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)


def test_no_file_of_an_earlier_run_stays(tmp_path, replaced):
    _, done = replaced
    done.save(tmp_path, ("csv", "junit"))
    (tmp_path / "benchmarks.csv.gz").write_bytes(b"of another run")
    (tmp_path / "notes.txt").write_text("mine")
    done.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"results.json", "evidence.csv.gz", "report.html", "notes.txt"} <= names
    assert not names & {"benchmarks.csv.gz", "results.csv", "junit.xml"}
    Audit.load(tmp_path).save(tmp_path)
    assert (tmp_path / "evidence.csv.gz").is_file()


def test_the_home_of_nobody_is_no_folder(tmp_path):
    """Exit code 4 from loading, and not 70."""
    file = tmp_path / "bias-audit.yaml"
    file.write_text("version: 1\nmodel: {name: '~nobody-of-this-name/x'}\n", "utf-8")
    assert resolve(file).settings.model.name == "~nobody-of-this-name/x"


@pytest.mark.parametrize("name", ["refrence", "Reference", "refernce"])
def test_a_model_that_is_nearly_the_bundled_one_is_not_looked_for_elsewhere(name):
    with pytest.raises(UnknownNameError, match="no model named") as caught:
        audit(name, probes=[PROBE])
    assert caught.value.hint == "did you mean 'reference'?"


@pytest.mark.parametrize(
    ("name", "meant"), [("probe", "probes"), ("measure", "measures"), ("batchsize", "batch_size")]
)
def test_a_wrong_keyword_names_the_one_that_was_meant(name, meant):
    for call in (audit, open_backend):
        with pytest.raises(UnknownNameError, match=f"no keyword named '{name}'") as caught:
            call("fake", **{name: "x"})
        if call is audit:
            assert caught.value.hint == f"did you mean '{meant}'?"
