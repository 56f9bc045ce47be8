"""Docstrings under fields reach the schemas that the program prints."""

from __future__ import annotations

from pydantic import BaseModel

from bias_audit.config import Config
from bias_audit.results import Results
from bias_audit.utils.field_notes import describe, field_notes, inner_models


class Leaf(BaseModel):
    """One leaf."""

    colour: str
    """As seen
    from below, ``green`` mostly."""
    veins: int = 0


class Tree(BaseModel):
    """A tree of leaves, and trees."""

    leaves: dict[str, tuple[Leaf, ...] | None]
    younger: tuple[Tree, ...] = ()
    """Grown from it."""


def test_models_are_looked_for_in_all_types() -> None:
    assert [*inner_models(Tree)] == [Tree, Leaf]


def test_a_note_is_the_docstring_below_its_field() -> None:
    assert field_notes(Tree) == {
        "Tree": {"younger": "Grown from it."},
        "Leaf": {"colour": "As seen from below, ``green`` mostly."},
    }


def test_a_schema_says_what_its_keys_are() -> None:
    schema = describe(Tree.model_json_schema(), field_notes(Tree))
    leaf = schema["$defs"]["Leaf"]["properties"]
    assert leaf["colour"]["description"] == "As seen from below, 'green' mostly."
    assert "description" not in leaf["veins"]


def test_files_of_the_program_have_notes() -> None:
    assert field_notes(Results)["Gate"]["limit"].startswith("Largest accepted size")
    assert field_notes(Config)["GateConfig"]["why"].startswith("Reason for the limit")
