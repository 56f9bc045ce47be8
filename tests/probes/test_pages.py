"""What is made from the data files is current: pages, schemas, and the line for editors."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from bias_audit.config.schema import Config
from bias_audit.probes.json_schema import FILES, MODELINE, schema_of
from bias_audit.probes.probe import words_of
from tests.probes import pages
from tests.probes.shipped import CATALOGUE, IDS

ROOT = pages.ROOT
AGAIN = "write it again: python -m tests.probes.pages"


@cache
def wanted() -> dict[Path, str]:
    return pages.wanted()


@cache
def schema(kind: str) -> jsonschema.Draft202012Validator:
    made = schema_of(FILES[kind])
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_everything_that_is_made_is_current():
    changes, stale = pages.outdated(wanted())
    assert not changes, f"{AGAIN}: {[str(path.relative_to(ROOT)) for path in changes]}"
    assert not stale, AGAIN


def test_every_axis_and_probe_has_its_place():
    index = wanted()[ROOT / "docs" / "catalogue" / "README.md"]
    for name in IDS:
        spec = CATALOGUE.probe_spec(name)
        assert spec.role != "probe" or f"`{name}`" in index
        assert f"[`{name}`]" in wanted()[ROOT / "docs" / "axes" / f"{spec.axis}.md"]


def test_links_of_the_pages_lead_somewhere():
    for path, text in wanted().items():
        for target in re.findall(r"\]\(([^)\s#]+)", text) if path.suffix == ".md" else ():
            assert (path.parent / target).resolve().exists(), f"{path.name}: {target}"


def test_pages_repeat_no_word_of_a_lexicon_that_hurts():
    harmful = CATALOGUE.lexicon("harmful")
    worst = {w.label for s in harmful.sets.values() for w in words_of(s, harmful.heads)}
    words = wanted()[ROOT / "docs" / "catalogue" / "words.md"]
    part = words.split("## harmful\n")[1].split("\n## ")[0]
    assert worst
    assert not worst & set(re.findall(r"\w+", part))


@pytest.mark.parametrize("path", pages.data_files(), ids=lambda p: p.stem)
def test_editors_find_the_schema_which_accepts_every_shipped_file(path):
    text = path.read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    assert not [f"{e.json_path}: {e.message}" for e in schema(data["kind"]).iter_errors(data)]
    (line,) = [line for line in text.splitlines() if line.startswith(MODELINE)]
    target = (path.parent / line.removeprefix(MODELINE)).resolve()
    assert target == ROOT / "schemas" / f"{data['kind']}.json"
    assert text.startswith("# "), "the first line says what the file is"
    assert not text.startswith(MODELINE)


PLAIN = {"kind", "id", "version", "title", "language", "provenance"}
"""Keys of a whole file that say what they are."""


def test_the_schema_says_a_line_about_every_key():
    for kind, model in FILES.items():
        made = schema(kind).schema
        for name, owner in {model.__name__: made, **made.get("$defs", {})}.items():
            for form in owner.get("anyOf", [owner]):
                for key, value in form.get("properties", {}).items():
                    assert value.get("description") or key in PLAIN, f"{kind}: {name}.{key}"


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
    bare = {"version": 1, "model": "reference", "probes": ["occupation-gender"]}
    assert jsonschema.Draft202012Validator(schema_of(Config)).is_valid(bare)


@pytest.mark.parametrize(
    "change",
    [
        "titel: x",
        "axis: [gender]",
        "groups: {lexicon: gender, user: [women, men]}",
        "targets: {plus: tea, minus: [coffee]}",
        "targets: {plus: [tea, true], minus: [coffee]}",
        "mask: word",
        "margins: {nats: wide}",
        "card: {measures: x}",
    ],
)
def test_the_schema_shows_mistakes(change):
    data = PROBE | YAML(typ="safe", pure=True).load(change)
    assert not schema("probe").is_valid(data)
