"""The script that makes a lexicon of given names from a table of counts."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from bias_audit.probes.catalogue import ProbeCatalogue

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "make_name_lexicon.py"))
TABLE = """\
Mary,F,11000
Anna,F,5000
KELLY,F,900
Susan,F,4000
Kelly,M,700
John,M,10500
O'Neil,M,5200
Null,M,4100
Ann,F,4900
"""


def sets(tmp_path, text=TABLE, *options):
    """The sets of the lexicon that the script makes, read as an author's own."""
    (tmp_path / "births.csv").write_text(text, encoding="utf-8")
    SCRIPT["main"]([str(tmp_path / "births.csv"), "--groups", "women=F,men=M", *options])


@pytest.mark.parametrize("head", ["", "name,group,count\n"])
def test_rows_match_the_nearest_count_and_shipped_probes_use_them(tmp_path, capsys, head):
    sets(tmp_path, head + TABLE, "--source", "a register, 1960")
    printed = capsys.readouterr()
    home = tmp_path / "templates" / "lexicons"
    home.mkdir(parents=True)
    (home / "names.yaml").write_text(printed.out, encoding="utf-8")
    probe = ProbeCatalogue([tmp_path]).probe("family-career-names")
    words = [[word.forms["sg"] for word in group.words] for group in probe.groups]
    assert words == [["Mary", "Anna", "Ann"], ["John", "O'Neil", "Null"]], "Kelly has two groups"
    assert [w.pair for g in probe.groups for w in g.words] == ["row-01", "row-02", "row-03"] * 2
    assert "3 matched rows" in printed.err
    assert "weak" in printed.err


def test_names_match_by_length_where_a_model_is_given():
    groups = [SCRIPT["pd"].Series({"Mary": 9, "Anna": 8}), SCRIPT["pd"].Series({"John": 9})]
    lengths = {"Mary": 2, "Anna": 1, "John": 1}
    assert SCRIPT["match"](groups, lengths, 5) == [["Anna", "John"]]
    assert SCRIPT["match"](groups, lengths | {"John": 0}, 5) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Mary,F,many\n", "expected a name, a group and a count"),
        ("Mary,X,3\nJohn,M,3\n", "no group 'F'"),
        ("Mary,F,1000\nJohn,M,1501\n", "no names match"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    with pytest.raises(SystemExit, match=message):
        sets(tmp_path, text)
