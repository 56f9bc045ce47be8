"""The model card: made from the record, and of the weights that are shipped."""

from __future__ import annotations

import hashlib
import json
import re

from bias_audit.utils.resources import model_dir
from training import card, settings

RECORD = card.recorded()


def test_the_shipped_card_is_what_the_record_gives() -> None:
    assert (model_dir() / "card.md").read_text(encoding="utf-8") == card.render(RECORD)


def test_the_record_is_of_the_shipped_weights() -> None:
    weights = (model_dir() / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == RECORD["training"]["sha256"]
    assert len(weights) == RECORD["training"]["bytes"]


def test_the_recipe_is_the_one_that_made_the_weights() -> None:
    made = settings.Settings.model_validate(RECORD["training"]["settings"])
    assert made == settings.read()
    assert RECORD["training"]["pieces_seen"] >= made.schedule.tokens


def test_another_record_gives_another_card() -> None:
    changed = json.loads(json.dumps(RECORD))
    changed["evaluation"]["model"]["held_out"]["top1"] += 0.01
    changed["audit"]["controls"][0]["fires"] = not changed["audit"]["controls"][0]["fires"]
    before, after = card.render(RECORD).splitlines(), card.render(changed).splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 2


def test_what_the_card_says_is_good_enough() -> None:
    """The bars that a reference model has to clear: a worse one is not put into the package."""
    found = RECORD["evaluation"]
    assert found["gain"]["top1"] >= 0.04
    assert found["gain"]["low"] > 0
    assert found["model"]["clozes"]["hits"] >= 34
    assert found["model"]["sanity"]["passed"]
    assert not any(twin["passed"] for twin in found["twins"])
    links = found["model"]["associations"]
    assert links["with_text"]["spearman"] >= 0.5
    assert links["with_text"]["n"] >= 100
    assert links["with_womens_share"]["spearman"] > 0


def test_no_cell_of_the_card_is_empty_by_accident() -> None:
    text = card.render(RECORD)
    assert not re.search(r"\b(nan|None|Undefined)\b", text)
