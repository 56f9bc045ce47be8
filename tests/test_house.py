"""What CONTRIBUTING.md says about names and places, held."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bias_audit"
FILES = sorted(PACKAGE.rglob("*.py"))

IRREGULAR = frozenset(
    [
        "begun",
        "bound",
        "broken",
        "built",
        "chosen",
        "dealt",
        "drawn",
        "found",
        "given",
        "gone",
        "held",
        "hidden",
        "kept",
        "known",
        "learnt",
        "left",
        "lost",
        "made",
        "meant",
        "met",
        "paid",
        "said",
        "seen",
        "sent",
        "shown",
        "sold",
        "sought",
        "spent",
        "spoken",
        "stood",
        "struck",
        "taken",
        "taught",
        "thought",
        "told",
        "torn",
        "understood",
        "woken",
        "worn",
        "written",
    ]
)
NOUNS_AND_VERBS = frozenset(
    ["bed", "embed", "exceed", "feed", "hundred", "need", "proceed", "seed", "speed", "succeed"]
)


def _bare_participle(name: str) -> bool:
    """Say whether a name is one word, and that word a participle."""
    word = name.strip("_").lower()
    if not word.isalpha() or word in NOUNS_AND_VERBS:
        return False
    return word.endswith("ed") or word in IRREGULAR


def _definitions(path: Path) -> Iterator[str]:
    yield path.parent.name if path.stem == "__init__" else path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


@pytest.mark.parametrize("name", ["found", "_told", "Kept", "scored", "_LOST", "resolved"])
def test_a_bare_participle_is_recognised(name: str) -> None:
    assert _bare_participle(name)


@pytest.mark.parametrize("name", ["seed", "embed", "is_loaded", "read", "scored_probe", "speed"])
def test_nouns_verbs_and_phrases_are_not_refused(name: str) -> None:
    assert not _bare_participle(name)


def test_no_definition_is_named_by_a_bare_participle() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        for name in _definitions(path)
        if _bare_participle(name)
    ]
    assert wrong == []


def test_few_modules_lie_in_the_root() -> None:
    loose = sorted(path.name for path in PACKAGE.glob("*.py"))
    assert len(loose) <= 8, loose


def test_tests_go_through_public_doors() -> None:
    private = re.compile(
        r"^\s*(?:from|import) (bias_audit(?:\.\w+)*(?:\._\w+| import _\w+).*)", re.M
    )
    wrong = [
        f"{path.relative_to(ROOT)}: {match}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for match in private.findall(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_folders_of_tests_are_those_of_the_package() -> None:
    others = {"e2e", "golden", "reference", "docs", "training", "benchmarks", "models"}
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")}
    assert folders <= packages | others, folders - packages - others
