"""``datasets list`` and ``describe``, and ``run --data``."""

from __future__ import annotations

import json

import pytest

from bias_audit.cli.app import run
from bias_audit.datasets import DATASETS
from tests.datasets import files


def test_the_list_names_every_data_set_and_licence(capsys):
    assert run(["datasets", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(DATASETS)
    assert "CC BY-NC 4.0" in next(line for line in lines if line.startswith("seat"))
    assert run(["datasets", "list", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == list(DATASETS)


@pytest.mark.parametrize("name", list(DATASETS))
def test_a_description_has_licence_citation_and_home(name, capsys):
    assert run(["datasets", "describe", name]) == 0
    out = capsys.readouterr().out
    said = " ".join(out.split())
    info = DATASETS[name]
    for text in (info.licence, info.citation, info.home, info.layout):
        assert " ".join(text.split()) in said
    assert max(map(len, out.splitlines())) <= 100


def test_a_layout_names_the_columns_that_are_read():
    layout = DATASETS["crows-pairs"].layout
    assert "sent_more, sent_less, bias_type, stereo_antistereo (stereo or antistereo)" in layout
    assert "; if there, anon_writer" in layout


def test_a_copy_is_counted(capsys, tmp_path):
    path = files.write(tmp_path, "crows-pairs")
    assert run(["datasets", "describe", "crows-pairs", "--data", str(path)]) == 0
    out = capsys.readouterr().out
    assert "Your copy  1 file, 4 records" in out
    assert "Clusters   3: records of one are not independent" in out
    assert "Repeated   1 records repeat an earlier one" in out
    assert "not a file with a known digest" in out
    assert "baker" not in out, "no sentence is printed"
    assert run(["datasets", "describe", "crows-pairs", "--data", str(path), "--json"]) == 0
    copy = json.loads(capsys.readouterr().out)["copy"]
    assert (copy["rows"], copy["categories"]) == (4, {"age": 2, "size": 2})


def test_a_broken_copy_is_exit_code_2_with_its_line(capsys, tmp_path):
    path = files.write(tmp_path, "crows-pairs")
    path.write_text(path.read_text().replace("antistereo", "opposite"))
    assert run(["datasets", "describe", "crows-pairs", "--data", str(path)]) == 2
    err = capsys.readouterr().err
    assert f"{path}:1:1" in err
    assert "expected the column 'stereo_antistereo'" in err


def test_an_unknown_name_gets_the_nearest(capsys):
    assert run(["datasets", "describe", "crows-pair"]) == 2
    assert "did you mean 'crows-pairs'?" in capsys.readouterr().err
