"""The documentation in step with the program: keys, columns, codes, commands, links, examples."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import rich_click as click
from pydantic import BaseModel

from bias_audit import config, errors, results
from bias_audit.backends import cache
from bias_audit.cli.app import EPILOG, app, run
from bias_audit.gates.baselines import BaselineFile
from bias_audit.gates.waivers import WaiverFile
from bias_audit.metrics.log_odds import cell_response
from bias_audit.metrics.registry import INFOS
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.json_schema import FILES
from bias_audit.probes.schema.lexicon import Lexicon, TemplateSet
from bias_audit.records import SkipReason
from bias_audit.reports import render
from bias_audit.results import State
from bias_audit.results.codes import STATUSES
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.estimate import Status
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.permutation import sign_flip
from bias_audit.utils.field_notes import field_notes, inner_models
from bias_audit.utils.settings import declared_settings
from bias_audit.utils.yaml import parse_yaml

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md")}
CALL = (config.CallSettings, config.RunSettings)
"""Settings without a key in the file."""
PROSE = [README, ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]


def section(page: str, name: str) -> str:
    """The text from the first line that names ``name`` as a heading or in bold."""
    lines = PAGES[page].splitlines()
    mark = re.compile(rf"^(#+ {name}$|.*\*\*.*`{name}`.*\*\*|\*\*`{name}`\*\*)")
    start = next((i for i, line in enumerate(lines) if mark.search(line)), None)
    assert start is not None, f"docs/{page} does not explain {name}"
    stop = next(
        (
            i
            for i, line in enumerate(lines[start + 1 :], start + 1)
            if line.startswith("#") or re.search(r"\*\*.*`[A-Z]\w+`.*\*\*", line)
        ),
        len(lines),
    )
    return "\n".join(lines[start:stop])


def code(text: str) -> set[str]:
    """Everything set as code in a text."""
    return set(re.findall(r"`([^`\n]+)`", text))


def block(page: Path, marker: str) -> str:
    """The code block after a marker comment."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {marker} -->\n```\w*\n(.*?)```", text, re.DOTALL)
    assert found, f"{page.name} has no block '{marker}'"
    return found[1]


PLAIN = {"kind", "id", "version", "title", "language", "name", "provenance"}
"""Keys that say what they are."""


@pytest.mark.parametrize(
    "file", [*FILES.values(), config.Config, WaiverFile, BaselineFile], ids=lambda m: m.__name__
)
def test_every_key_that_people_write_is_explained(file: type[BaseModel]) -> None:
    notes = field_notes(file)
    for model in inner_models(file):
        holds = {n for n, f in model.model_fields.items() if [*inner_models(f.annotation)]}
        helped = {one.key[-1] for one in declared_settings(model)}
        missing = set(model.model_fields) - set(notes[model.__name__]) - PLAIN - holds - helped
        assert not missing, f"{model.__name__}: a docstring under {sorted(missing)}"


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    def walk(
        path: tuple[str, ...], command: click.Command
    ) -> Iterator[tuple[tuple[str, ...], click.Command]]:
        yield path, command
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=path[-1])
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from walk((*path, name), inner)

    yield from walk(("bias-audit",), app)


COMMANDS = dict(commands())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_in_the_reference(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    if isinstance(command, click.Group):
        return
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    text = f"{page}## ".split(f"\n## {' '.join(path[1:])}\n")[1].split("\n## ")[0]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            lacking = {name for name in parameter.opts if not re.search(rf"[`, ]{name}\b", text)}
            assert not lacking, f"{' '.join(path)}: {sorted(lacking)} not explained"


def test_every_exit_code_is_explained() -> None:
    chapter = section("interface.md", "Exit codes")
    explained = set(re.findall(r"^\| (\d+) \|", chapter, re.MULTILINE))
    said = set(re.findall(r"(?<!\w)(\d+)(?= \w)", EPILOG))
    raised = {
        str(e.exit_code)
        for e in vars(errors).values()
        if isinstance(e, type) and issubclass(e, errors.BiasAuditError)
    }
    assert explained == said
    assert raised <= explained


def test_every_variable_of_the_environment_is_real() -> None:
    real = {config.VARIABLES + one.parameter.upper() for one in config.settings().values()}
    real.add(cache.VARIABLE)
    for path, command in COMMANDS.items():
        for p in command.params:
            if isinstance(p, click.Option):
                (long,) = [name for name in p.opts if name.startswith("--")]
                assert p.name == long[2:].replace("-", "_"), "the variable is named as the option"
                real.add("_".join(("BIAS_AUDIT", *path[1:], str(p.name))).upper())
    chapter = PAGES["interface.md"].split("## Environment variables")[1].split("\n## ")[0]
    assert {name for name in re.findall(r"BIAS_AUDIT_\w+", chapter) if name[-1] != "_"} <= real


def assigned_statuses() -> set[str]:
    """Status codes that the assessment appends or passes on, found in its source."""
    found: set[str] = set()
    package = ROOT / "bias_audit"
    for path in (p for d in ("analysis", "metrics") for p in (package / d).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if called and node.func.attr == "append" and ast.unparse(node.func.value) == "statuses":
                found |= {a.value for a in node.args if isinstance(a, ast.Constant)}
            if isinstance(node, ast.keyword) and node.arg == "statuses":
                inside = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
                found |= {v for v in inside if isinstance(v, str) and re.fullmatch(r"[a-z_]+", v)}
    return found


def test_every_status_code_is_explained() -> None:
    assert {"fragile", "low_word_mass", "under_powered"} <= assigned_statuses()
    codes = {*STATUSES, *assigned_statuses()}
    codes |= {*get_args(SkipReason), *get_args(State), *get_args(Status)} - {"ok"}
    results = (ROOT / "docs" / "reference" / "results.md").read_text(encoding="utf-8")
    missing = codes - code(PAGES["method.md"]) - code(results)
    assert not missing, f"neither docs/method.md nor the codes explain {sorted(missing)}"


def test_the_waivers_of_the_page_can_be_read() -> None:
    file = block(ROOT / "docs" / "interface.md", "waivers")
    (waiver,) = parse_yaml(file, WaiverFile, "bias-audit-waivers.yaml").waivers
    assert waiver.up_to == "2.5x"


def test_every_metric_is_named() -> None:
    named = code(PAGES["method.md"]) | code(PAGES["benchmarks.md"])
    assert not set(INFOS) - named


def test_floors_are_those_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    page = block(ROOT / "docs" / "architecture.md", "layers")
    assert page.splitlines() == [floor.replace("bias_audit.", "") for floor in layers]


def test_every_file_that_the_map_names_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = {name for name in re.findall(r"`([\w./-]+)`", page) if re.search(r"/|\.\w+$", name)}
    generated = {"results.json", "evidence.csv.gz", "bias-audit.yaml", "bias_audit/_data/"}
    homes = [ROOT, *(ROOT / "bias_audit").glob("**/")]
    code = {name for name in names if re.search(r"\.(py|yml|md)$|/$", name)} - generated
    assert {name for name in code if not any((home / name).exists() for home in homes)} == set()


def slug(heading: str) -> str:
    """A heading as GitHub links to it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(path: Path) -> set[str]:
    found: dict[str, int] = {}
    names = set()
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        name = slug(heading)
        count = found[name] = found.get(name, -1) + 1
        names.add(f"{name}-{count}" if count else name)
    return names


@pytest.mark.parametrize("path", PROSE, ids=lambda p: p.name)
def test_every_relative_link_resolves(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{path.name}: {target}"
        assert not anchor or anchor in anchors(there), f"{path.name}: {target}"


@pytest.mark.parametrize("path", PROSE, ids=lambda p: p.name)
def test_no_path_of_a_machine_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w:/.)\]>*-])/[a-z]+/[\w.-]|shared/", text)


def test_the_files_in_the_documentation_are_right(tmp_path: Path) -> None:
    page = ROOT / "docs" / "probes.md"
    lexicon = parse_yaml(block(page, "lexicon"), Lexicon, "guests.yaml")
    assert set(lexicon.sets) == {"british", "italian", "hour"}
    breakfast = parse_yaml(block(page, "templates"), TemplateSet, "breakfast.yaml")
    assert breakfast.slots["place"] == ("hotel", "café")
    file = tmp_path / config.NAME
    file.write_text(block(ROOT / "docs" / "interface.md", "config"), encoding="utf-8")
    config.check_names(config.read(file).config, file, ProbeCatalogue())
    file.write_text(block(README, "config"), encoding="utf-8")
    config.check_names(config.read(file).config, file, ProbeCatalogue())
    assert config.read(file).config.gates[0].max == "2x"


def test_the_numbers_of_the_worked_examples() -> None:
    page = " ".join(PAGES["method.md"].split())
    woman, man = (-6.0, -5.0, -9.0, -10.0), (-7.5, -5.5, -8.5, -9.5)
    y = cell_response([[woman, man]], [0, 1], [2, 3])
    assert y.tolist() == [[4.0, 2.5]]
    assert f"**{y[0, 0] - y[0, 1]:.1f} nats**" in page
    assert f"exp(1.5) = **{np.exp(1.5):.1f}**" in page

    delta = np.array([0.4, 0.3, 0.5, 0.2, 0.6, -0.1, 0.3, 0.4])
    assert f"the mean {delta.mean():.3f}" in page
    flipped = sign_flip(delta, np.random.default_rng(0))
    assert flipped.p == 4 / 256
    limits = matched_pairs(delta[:, None], scope="terms").interval(0.95)
    assert limits is not None
    assert f"{limits[0]:.3f} to {limits[1]:.3f}" in page

    adjusted = holm([0.001, 0.01, 0.02, 0.04, 0.2])
    assert f"({', '.join(f'{p:g}' for p in adjusted.round(10))})" in page
    assert (
        f"df = 0.03^2 / (0.01^2/7 + 0.02^2/3) = {0.03**2 / (0.01**2 / 7 + 0.02**2 / 3):.1f}" in page
    )


def test_the_first_screen_in_the_readme_is_that_of_the_sample() -> None:
    text = render(results.load_results(ROOT / "reports" / "sample"), "terminal")
    shown = block(README, "first screen").rstrip("\n")
    assert shown in text, "copy the first lines of: bias-audit show reports/sample"


@pytest.mark.slow
def test_the_probe_of_the_readme_works(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tea-or-coffee.yaml"
    path.write_text(block(README, "probe"), encoding="utf-8")
    assert run(["probes", "check", str(path), "--model", "reference"]) == 0
    assert "tea-or-coffee: 2 sentences, 4 group words, 2 targets" in capfd.readouterr().out
    out = tmp_path / "run"
    assert run(["run", "-q", "-p", "tea-or-coffee", "--probe-path", str(path), "-o", str(out)]) == 0
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [probe["id"] for probe in results["probes"]] == ["tea-or-coffee"]
    assert results["states"]["unclear"] == 1


def test_the_answer_in_the_readme_is_what_fill_prints(capfd: pytest.CaptureFixture[str]) -> None:
    expected = block(README, "fill").splitlines()
    arguments = ["fill", "The [group] worked as a <mask>.", "--groups", "man,woman", "--top", "3"]
    assert run(arguments) == 0
    printed = capfd.readouterr().out.splitlines()
    assert [line.rstrip() for line in printed[: len(expected) - 1]] == [
        s.rstrip() for s in expected[1:]
    ]
