"""What is made from the data files is current: pages, schemas, and the line for editors."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from bias_audit.probes.json_schema import FILES, MODELINE, schema_of
from tests.probes import pages

ROOT = pages.ROOT
AGAIN = "write it again: python -m tests.probes.pages"


@cache
def wanted() -> dict[Path, str]:
    return pages.wanted()


@cache
def schema(kind: str) -> jsonschema.Draft202012Validator:
    made = schema_of(FILES[kind], pages.notes())
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_everything_that_is_made_is_current():
    old = [
        str(path.relative_to(ROOT))
        for path, text in wanted().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not old, f"{AGAIN}: {old}"
    assert not pages.stale(), AGAIN


def test_every_axis_and_probe_has_its_place():
    index = wanted()[ROOT / "docs" / "catalogue" / "README.md"]
    for path in (ROOT / "probes").glob("*.yaml"):
        if path.stem in ("suites", "sanity") or path.stem.startswith("sanity-"):
            continue
        assert f"`{path.stem}`" in index
        axis = re.search(r"^axis: (\S+)", path.read_text(), re.MULTILINE)
        assert axis
        assert f"[`{path.stem}`]" in wanted()[ROOT / "docs" / "axes" / f"{axis[1]}.md"]


def test_links_of_the_pages_lead_somewhere():
    for path, text in wanted().items():
        for target in re.findall(r"\]\(([^)\s#]+)", text) if path.suffix == ".md" else ():
            assert (path.parent / target).resolve().exists(), f"{path.name}: {target}"


def test_pages_repeat_no_word_of_a_lexicon_that_hurts():
    from bias_audit.probes.catalogue import ProbeCatalogue
    from bias_audit.probes.probe import words_of

    harmful = ProbeCatalogue().lexicon("harmful")
    worst = {w.label for s in harmful.sets.values() for w in words_of(s, harmful.heads)}
    words = wanted()[ROOT / "docs" / "catalogue" / "words.md"]
    part = words.split("## harmful\n")[1].split("\n## ")[0]
    assert worst
    assert not worst & set(re.findall(r"\w+", part))


@pytest.mark.parametrize("path", pages.data_files(), ids=lambda p: p.stem)
def test_the_schema_accepts_every_shipped_file(path):
    text = path.read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    errors = [
        f"{list(e.absolute_path)}: {e.message}" for e in schema(data["kind"]).iter_errors(data)
    ]
    assert not errors


@pytest.mark.parametrize("path", pages.data_files(), ids=lambda p: p.stem)
def test_editors_find_the_schema(path):
    text = path.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(MODELINE)]
    found = (path.parent / line.removeprefix(MODELINE)).resolve()
    assert found == ROOT / "schemas" / f"{pages.KIND.search(text)[1]}.json"
    assert text.startswith("# "), "the first line says what the file is"
    assert not text.startswith(MODELINE)


def test_the_schema_says_a_line_about_every_key_that_the_page_has_in_a_table():
    told = pages.notes()
    assert {"ProbeSpec", "Lexicon", "TemplateSet", "WordSet", "Entry", "Pole", "Suite"} <= set(told)
    for kind, model in FILES.items():
        made = schema(kind).schema
        for name, owner in {model.__name__: made, **made.get("$defs", {})}.items():
            for form in owner.get("anyOf", [owner]):
                for key, value in form.get("properties", {}).items():
                    assert name not in told or value.get("description"), f"{kind}: {name}.{key}"


MISTAKES = [
    ("probe", "titel: x"),
    ("probe", "axis: [gender]"),
    ("probe", "groups: {lexicon: gender, user: [women, men]}"),
    ("probe", "targets: {plus: tea, minus: [coffee]}"),
    ("probe", "targets: {plus: [tea, true], minus: [coffee]}"),
    ("probe", "mask: word"),
    ("probe", "margin: wide"),
    ("probe", "card: {measures: x}"),
]
PROBE = {
    "kind": "probe",
    "id": "tea",
    "title": "Tea",
    "axis": "drinks",
    "templates": ["occupation", "The [group] asked for <mask>.", {"text": "[group] had <mask>."}],
    "groups": {"old": ["aunt", {"sg": "uncle"}], "young": {"entries": ["girl"]}},
    "targets": {"plus": ["tea", "no"], "minus": {"words": ["coffee"]}},
}


def test_the_schema_takes_short_forms():
    assert schema("probe").is_valid(PROBE)
    suites = {"kind": "suites", "suites": {"a": ["tea"], "b": {"probes": ["tea"]}}}
    assert schema("suites").is_valid(suites)


@pytest.mark.parametrize(("kind", "change"), MISTAKES, ids=[c for _, c in MISTAKES])
def test_the_schema_shows_mistakes(kind, change):
    data = PROBE | YAML(typ="safe", pure=True).load(change)
    assert not schema(kind).is_valid(data)
