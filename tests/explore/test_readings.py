"""The page with a model of every reading: it opens with an answer, and browses its audits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bias_audit import audit, fill
from bias_audit.explore import server
from bias_audit.explore.question import GroupChoice
from bias_audit.explore.subject import read_subject
from bias_audit.pipeline.fill import FillResult
from bias_audit.probes.catalogue import ProbeCatalogue
from tests.backends import tiny_models as tiny
from tests.cli.conftest import PROBE

from .conftest import needs_extra

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

pytestmark = needs_extra
BUILD: dict[str, Callable[[Path], object]] = {
    "mask": lambda place: tiny.build(place, "bert"),
    "continuation": lambda place: tiny.build_causal(place, "gpt2"),
    "similarity": tiny.build_encoder,
    "label": tiny.build_classifier,
}
TEXT = "The [group] worked as a <mask>."
ASKED: dict[str, dict[str, Any]] = {
    "mask": {"template": TEXT},
    "continuation": {"template": TEXT},
    "similarity": {"template": TEXT, "targets": "nurse,engineer"},
    "label": {"template": "I spoke to the [group] this morning."},
}


@pytest.fixture(params=[*BUILD])
def reading(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(reading: str, tmp_path: Path) -> Iterator[AppTest]:
    """The page of a tiny model, beside an audit of it."""
    from streamlit.testing.v1 import AppTest

    from bias_audit.explore import layout

    BUILD[reading](tmp_path / "model")
    name = str(tmp_path / "model")
    (tmp_path / "small.yaml").write_text(PROBE, encoding="utf-8")
    probe = "toxicity-religion" if reading == "label" else "small"
    made = audit(name, probes=probe, catalogue=ProbeCatalogue([tmp_path]), limit=8)
    made.save(tmp_path / "audit-runs" / "one")
    server._subject.append(read_subject(name, {}, here=tmp_path))
    layout._load.clear()
    yield AppTest.from_file(str(Path(layout.__file__).with_name("page.py")), default_timeout=60)
    server._subject.pop()
    layout._load.clear()


def shown(page: AppTest) -> list[list[list[str]]]:
    return [
        [[str(head) for head in one.value.columns], *one.value.astype(str).values.tolist()]
        for one in page.dataframe
    ]


def answer(reading: str, folder: Path) -> FillResult:
    catalogue = ProbeCatalogue()
    chosen = GroupChoice(lexicon="gender", use=(*[*catalogue.lexicon("gender").sets][:2],))
    groups = chosen.words(catalogue)
    return fill(groups=groups, model=str(folder / "model"), **ASKED[reading])


def test_the_page_opens_with_an_answer(page: AppTest, reading: str, tmp_path: Path) -> None:
    page.run()
    assert not page.exception
    assert [one.value for one in page.error] == []
    made = answer(reading, tmp_path)
    if reading in ("mask", "continuation"):
        first = [table[0] for table in shown(page)[:2]]
        assert first == [[group.name, "per cent"] for group in made.groups]
        assert [row[0] for row in shown(page)[0][1:]] == [w for w, _ in made.groups[0].completions]
        return
    (name, *names, last), *rows = made.table()
    (table,) = shown(page)
    assert table == [[name, *(f"after {one}" for one in names), last], *rows]


def test_its_audits_are_browsed_in_their_own_numbers(page: AppTest, reading: str) -> None:
    page.session_state["tab"] = "Stored audits"
    page.run()
    assert not page.exception
    scores = shown(page)[-1]
    number = {"similarity": "cosine", "continuation": "log-probability of the sentence"}
    assert scores[0][:3] == ["sentence", "group", number.get(reading, "per cent")]
    values = [float(row[2]) for row in scores[1:] if not row[3]]
    low, high = {"similarity": (-1, 1), "continuation": (-1e4, 0)}.get(reading, (0, 100))
    assert len(values) > 8
    assert [value for value in values if not low <= value <= high] == []
