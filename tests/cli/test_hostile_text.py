"""Text of models, probes and data is shown and never obeyed: in every format, by every command."""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from safetensors.torch import load_file, save_file

from bias_audit import cli as commands
from bias_audit.errors import visible
from bias_audit.reports import comparison, formats, render, side_by_side
from bias_audit.results import Results, load_results
from bias_audit.results.evidence import read_cells, read_evidence
from bias_audit.results.io import dump_json
from bias_audit.results.schema import Record
from bias_audit.utils.text import csv_cell, read_csv_cell
from tests.backends import tiny_models
from tests.datasets import files

EVIL = "=1+1\n::error title=a::b\x1b[2J\x9b1m\u202e\u2028##[error]c <i>|*d* #1 @e"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|##\\w*\\[")
STORED = Path(__file__).parents[1] / "golden" / "audit" / "results.json"


def assert_tame(text: str, *, commands: int = 0) -> None:
    """No raw character, and no line that a build server takes for a command."""
    assert RAW.search(text) is None, repr(RAW.search(text))
    starts = [line for line in text.splitlines() if line.lstrip(" |>*-│┃").startswith("::")]
    assert len(starts) == commands, starts


def spoil(value: Any) -> Any:
    """The record with the hostile text before every free text in it."""
    if isinstance(value, Record):
        kinds = type(value).model_fields
        changes = {
            name: spoil(item)
            for name, item in value
            if name not in ("id", "result", "probe", "metric", "axis", "schema_version", "groups")
            and not any(isinstance(arg, str) for arg in get_args(kinds[name].annotation))
        }
        return value.model_copy(update=changes)
    if isinstance(value, str):
        return (
            f"{EVIL}{value}" if value and not re.fullmatch("[a-z_]+|[0-9T:.Z+-]+", value) else value
        )
    if isinstance(value, dict):
        return {name: spoil(item) for name, item in value.items()}
    return tuple(map(spoil, value)) if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def hostile() -> Results:
    results: Results = spoil(load_results(STORED))
    assert EVIL in results.model.name
    return results


@pytest.mark.parametrize("name", formats())
def test_no_format_lets_a_text_be_obeyed(name: str, hostile: Results) -> None:
    text = render(hostile, name)
    assert "error title=a" in text.replace("&#x3D;", "=") or name in ("gates-csv",)
    own = len(re.findall("^::(?:error|warning|notice) ", text, re.MULTILINE))
    assert_tame(text.replace("\t", " "), commands=own if name == "github" else 0)
    if name.endswith("csv"):
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [c for c in cells if c[:1] in tuple("=+@")]
    if name in ("md", "card"):
        body = text.partition("\n---\n")[2] if name == "card" else text
        assert re.search(r"(?<!\\)\*d\*|(?<!&)#1|<i>|@e", body) is None


def test_json_keeps_the_text_and_shows_none_of_it_raw(hostile: Results, tmp_path: Path) -> None:
    text = dump_json({"a": EVIL})
    assert_tame(text)
    assert json.loads(text) == {"a": EVIL}


@pytest.mark.parametrize("name", side_by_side.formats())
def test_several_runs_side_by_side(name: str, hostile: Results) -> None:
    text = side_by_side.render([(f"{EVIL}one", hostile), ("two", load_results(STORED))], name)
    assert_tame(text)


def test_numbers_side_by_side_stay_numbers() -> None:
    runs = [("one", load_results(STORED)), ("two", load_results(STORED))]
    rows = csv.DictReader(io.StringIO(side_by_side.render(runs, "csv")))
    gaps = [row["estimate"] for row in rows if row["estimate"]]
    assert any(float(gap) < 0 for gap in gaps), "and not texts that begin with an apostrophe"


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "a"),
        ("report", "a", "--format", "terminal"),
        ("plan", "a"),
        ("gate", "a"),
        ("baseline", "accept", "a", "--name", "n", "--reason", EVIL, "--who", EVIL),
        ("show", EVIL),
        ("show", "a", EVIL),
        ("plan", "a", EVIL),
        ("run", EVIL, "--offline"),
        ("run", "fake", "-p", EVIL),
        ("run", "fake", "--measure", EVIL),
        ("run", "fake", f"--{EVIL}"),
        ("run", "fake", "-c", EVIL),
        ("run", "fake", "--data", f"crows-pairs={EVIL}"),
        ("probes", "describe", EVIL),
        ("probes", "check", EVIL),
        ("explain", EVIL),
        ("fill", "The [group] was <mask>.", "--groups", f"man,{EVIL}", "--model", "fake"),
        ("fill", f"{EVIL} [group] <mask>.", "--groups", "man,woman", "--model", "fake"),
        ("datasets", "describe", EVIL),
        ("init", EVIL),
        ("waivers", "list", "-c", EVIL),
        ("compare", EVIL, EVIL),
        (EVIL,),
    ],
)  # fmt: skip
def test_no_command_lets_a_text_be_obeyed(arguments, cli, stored_small, hostile) -> None:
    name = Path("a", "results.json")
    stored = load_results(name)
    name.write_text(dump_json(spoil(stored).model_dump(mode="json")), encoding="utf-8")
    code, out, err = cli(*arguments)
    assert code != 70
    assert_tame(out + err)


def test_sentences_of_a_finding(cli, tmp_path, hostile: Results) -> None:
    (tmp_path / "results.json").write_text(dump_json(hostile.model_dump(mode="json")), "utf-8")
    code, out, err = cli("show", tmp_path, hostile.findings[0].id)
    assert code == 0
    assert "error title=a" in out
    assert_tame(out + err)


def test_a_model_with_a_hostile_vocabulary_and_hostile_tensors(cli, tmp_path) -> None:
    model = tiny_models.build(tmp_path / "model", "bert")
    text = (model / "tokenizer.json").read_text("utf-8")
    content = json.loads(text)
    pieces = content["model"]["vocab"]
    content["model"]["vocab"] = {
        f"{name}\x1b[2J\n::error::{name}" if name in tiny_models.LETTERS else name: number
        for name, number in pieces.items()
    }
    (model / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    tensors = load_file(model / "model.safetensors")
    tensors["evil\n::error::x\x1b[2J"] = torch.zeros(2)
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    for extra in ((), ("--json",)):
        code, out, err = cli(
            *("fill", "The [group] was <mask>.", "--groups", "man,woman", "--top", "60"),
            *("--model", model, *extra),
        )
        assert code == 0, err
        assert_tame(out + err)
        assert "[2J" in out, "the pieces are there"
    code, out, err = cli("run", model, "-p", "occupation-pronoun", "-o", tmp_path / "out")
    assert_tame(out + err)
    assert "evil" in out + err
    for file in (tmp_path / "out").glob("*.[jm]*"):
        assert_tame(file.read_text("utf-8"))


def test_hostile_data(cli, tmp_path) -> None:
    evil = EVIL.replace("\n", " ")
    path = tmp_path / "crows.csv"
    path.write_text(files.CROWS.replace("age", evil).replace("size", "+size"), "utf-8", newline="")
    arguments = ("--data", f"crows-pairs={path}", "-o", tmp_path / "out", "--examples", "2", "-v")
    code, out, err = cli("run", "fake", *arguments)
    assert code != 70
    assert_tame(out + err)
    rows = gzip.decompress((tmp_path / "out" / "benchmarks.csv.gz").read_bytes()).decode()
    assert_tame(rows)
    assert "'=1+1" in rows
    code, out, err = cli("compare", tmp_path / "out", tmp_path / "out", "--format", "csv")
    assert code == 0, err
    assert_tame(out + err)
    assert {c.category for c in comparison_of(cli, tmp_path)} >= {"+size"}


def comparison_of(cli, tmp_path):
    out = cli("compare", tmp_path / "out", tmp_path / "out", "--all", "--format", "json")[1]
    return comparison.Comparison.model_validate_json(out).shares


def test_formulas_in_the_evidence_are_texts_and_come_back(cli, home) -> None:
    probe = (home / "small.yaml").read_text().replace("[woman, lady]", '[woman, "@lady", "-she"]')
    (home / "small.yaml").write_text(probe.replace('"The [group]', '"=The [group]'))
    given = ("-p", "small", "--probe-path", "small.yaml", "-q", "-o")
    assert cli("run", "fake", *given, "a")[0] == 0
    place = home / "a" / "evidence.csv.gz"
    raw = list(csv.reader(io.StringIO(gzip.decompress(place.read_bytes()).decode())))
    assert not [cell for row in raw for cell in row if cell[:1] in tuple("=+@") and len(cell) > 1]
    frame = read_evidence(place)
    assert {"@lady", "-she"} <= set(frame["term"]) | set(frame["label"])
    assert any(text.startswith("=The") for text in frame["text"])
    cells = read_cells(place, ["small"])["small"]
    assert any(part.startswith("=The") for key in cells.scores for part in key)
    shutil.copytree(home / "a", home / "b")
    code, out, _ = cli("compare", "a", "b")
    assert (code, "no sentence" in out) == (0, False)


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", " =1", "'=1", "''@", "＝1", "a=1", "'t", ""]
)
def test_cells_come_back_as_they_were(text: str) -> None:
    cell = csv_cell(text)
    assert read_csv_cell(cell) == text
    assert cell.lstrip(" ")[:1] not in tuple("=+-@＝")


def test_what_is_written_with_joiners_and_marks_stays_as_it_is() -> None:
    for text in (
        "می\u200cخواهم",
        "naïve",
        "e\u0301",
        "co\u00adop",
        "日本語",
        "👩\u200d🔬",
        "a\u00a0b",
    ):
        assert visible(text) == text
    assert visible("a\u200bb\ufeff\u2060\U000e0041") == "a\\u200bb\\ufeff\\u2060\\U000e0041"
    assert visible("  ::error::x") == "  \\x3a:error\\x3a:x"


def test_commands_print_through_one_door() -> None:
    """No command calls print, click.echo or a console of Rich's with a text that is no markup."""
    for file in Path(commands.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert file.name == "output.py" or name not in ("print", "click.echo"), file.name
                assert name not in ("click.secho", "sys.stdout.write", "sys.stderr.write")
