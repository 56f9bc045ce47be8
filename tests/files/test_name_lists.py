"""Lists of names from counts: ``bias-audit probes names``."""

from __future__ import annotations

from pathlib import Path

import pytest

from bias_audit import naming
from bias_audit.catalogue import Catalogue
from bias_audit.cli._app import run
from bias_audit.errors import FileError, UsageError
from bias_audit.probes import words_of

TABLE = """\
name,group,count
Mary,F,11000
Anna,F,5000
Kelly,F,900
Susan,F,4000
Kelly,M,700
John,M,10500
Paul,M,5200
George,M,4100
Ann,F,4900
"""


def save(folder: Path, text: str = TABLE) -> Path:
    path = folder / "births.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def matched(folder: Path, text: str = TABLE, **more) -> naming.Matched:
    return naming.match(naming.read_counts(save(folder, text)), ["F", "M"], **{"most": 25, **more})


def test_rows_match_the_nearest_count_the_most_frequent_first(tmp_path):
    found = matched(tmp_path)
    assert found.rows == (("Mary", "John"), ("Anna", "Paul"), ("Ann", "George"))
    assert found.ambiguous == 1, "Kelly"
    assert found.alone == 1, "Susan comes too late"
    assert matched(tmp_path, most=2).rows == found.rows[:2]


def test_counts_far_apart_do_not_match(tmp_path):
    with pytest.raises(UsageError, match="no names of F, M match"):
        matched(tmp_path, "Mary,F,1000\nJohn,M,1501\n")
    assert matched(tmp_path, "Mary,F,1000\nJohn,M,1499\n").rows == (("Mary", "John"),)


def test_names_of_other_lengths_do_not_match(tmp_path):
    found = matched(tmp_path, pieces=lambda names: [1 + (n in ("Mary", "Paul")) for n in names])
    assert found.rows == (("Anna", "George"),)
    assert found.alone == 3
    lost = matched(tmp_path, pieces=lambda names: [int(n != "John") for n in names])
    assert lost.unscorable == 1
    assert "John" not in {name for row in lost.rows for name in row}


def test_the_share_decides_what_is_ambiguous(tmp_path):
    text = "Robin,F,96\nRobin,M,4\nSasha,F,94\nSasha,M,6\nJohn,M,90\nPaul,M,90\n"
    assert matched(tmp_path, text).rows == (("Robin", "John"),)
    assert len(matched(tmp_path, text, share=0.9).rows) == 2


def test_years_are_added_up_and_capitals_are_mended(tmp_path):
    text = "count,group,name\n10,F,MARY\n5,F,Mary\n"
    assert naming.read_counts(save(tmp_path, text)) == {"Mary": {"F": 15}}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name,group,count\nMary,F,many\n", 2, "'many' is no whole number"),
        ("name,group,count\nMary,F\n", 2, "the row has 2 cells"),
        ("name,group,count\n,F,3\n", 2, "the row lacks a name or a group"),
        ("Mary,F,3\n<b>,F,3\n", 2, "'<b>' is no name"),
        ("Mary;F;3\n", 1, "expected the columns name, group and count, got Mary;F;3"),
        ("first,sex,births\n", 1, "expected the columns name, group and count, got first, sex"),
    ],
)
def test_mistakes_have_a_place(tmp_path, text, line, message):
    with pytest.raises(FileError) as caught:
        naming.read_counts(save(tmp_path, text))
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (line, 1)
    assert problem.message.startswith(message)
    assert problem.hint


def test_all_mistakes_come_at_once(tmp_path):
    with pytest.raises(FileError, match="2 mistakes"):
        naming.read_counts(save(tmp_path, "John,M,1\n\nMary,F,x\nPaul,M,\n"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "births.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="expected a CSV file in UTF-8"):
        naming.read_counts(path)


def test_a_cell_without_end_is_refused(tmp_path):
    with pytest.raises(FileError, match="no table of comma-separated values"):
        naming.read_counts(save(tmp_path, TABLE + '"' + "x" * 200_000))


def test_an_unknown_group_is_refused(tmp_path):
    with pytest.raises(UsageError, match="its groups are F, M"):
        naming.match(naming.read_counts(save(tmp_path)), ["F", "X"], most=5)


def test_the_command_writes_a_lexicon_that_the_shipped_probes_use(tmp_path, capsys):
    home = tmp_path / "mine" / "templates" / "lexicons"
    args = ["probes", "names", str(save(tmp_path)), "--groups", "women=F,men=M"]
    assert run([*args, "-o", str(home / "names.yaml"), "--source", "a register, 1960"]) == 0
    said = capsys.readouterr().err
    assert "3 matched names" in said
    assert "left out: 1 (bearers in several groups)" in said
    probe = Catalogue([tmp_path / "mine"]).probe("family-career-names")
    assert [w.id for w in probe.groups[0].words] == ["mary", "anna", "ann"]
    assert [w.pair for g in probe.groups for w in g.words] == ["row-01", "row-02", "row-03"] * 2
    assert "a register, 1960" in Catalogue([tmp_path / "mine"]).lexicon("names").provenance
    assert run([*args, "-o", str(home / "names.yaml")]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_without_a_file_the_lexicon_is_printed(tmp_path, capsys):
    args = ["probes", "names", str(save(tmp_path)), "--groups", "women=F,men=M", "--model", "fake"]
    assert run(args) == 0
    assert "sg: Mary, article: none" in capsys.readouterr().out


@pytest.mark.parametrize("groups", ["women=F", "women=F,women=M", "Women=F,men=M", "a=F,b=F"])
def test_sets_that_cannot_be(tmp_path, capsys, groups):
    assert run(["probes", "names", str(save(tmp_path)), "--groups", groups]) == 2
    assert "--groups" in capsys.readouterr().err


def test_odd_names_survive_the_file(tmp_path):
    table = "Null,F,9\nO'Neil,M,9\nJosé,F,8\nNo,M,8\n"
    found = naming.match(naming.read_counts(save(tmp_path, table)), ["F", "M"], most=5)
    home = tmp_path / "templates" / "lexicons"
    home.mkdir(parents=True)
    text = naming.lexicon_text(found, name="names", sets=["women", "men"], source="x")
    (home / "names.yaml").write_text(text, encoding="utf-8")
    sets = Catalogue([tmp_path]).lexicon("names").sets
    assert [w.forms["sg"] for w in words_of(sets["women"])] == ["Null", "José"]
    assert [w.forms["sg"] for w in words_of(sets["men"])] == ["O'Neil", "No"]
