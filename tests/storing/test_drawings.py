"""Charts are kept as drawn, shown as if they were drawn now, and never trusted."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bias_audit.backends.cache.codec import encode
from bias_audit.backends.cache.store import NAME, ScoreStore
from bias_audit.render._harmless import harmless
from bias_audit.reports import for_people, render
from bias_audit.reports.formats import html
from bias_audit.reports.view.build import build
from bias_audit.results import Results
from bias_audit.storing import KeptDrawings, program
from bias_audit.storing.made import CHARTS, Made
from tests.render import companions
from tests.render.example import example
from tests.render.gated import gated
from tests.render.strangers import hostile
from tests.render.test_charts import pictures
from tests.reports import companions
from tests.reports.example import example
from tests.reports.gated import gated
from tests.reports.strangers import hostile
from tests.reports.test_charts import pictures

KNOWN = {"python": "3.13.1", "numpy": "2.1", "matplotlib": "3.9"}
GOOD = '<svg viewBox="0 0 1 1"><title id="a-t">a &lt; b</title><path d="M0 0h1"/></svg>'


@pytest.fixture(autouse=True)
def same_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_source", lambda: b"source")
    monkeypatch.setattr(program, "versions", lambda: KNOWN)


@pytest.fixture(scope="module")
def audit() -> Results:
    return example()


@pytest.fixture(scope="module")
def plain(audit: Results) -> dict[str, str]:
    return for_people(audit)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bool]]]:
    """Every chart that is drawn."""
    found: list[tuple[str, bool]] = []
    inside = charts.draw

    def counted(picture: _page.Picture, *, narrow: bool = False) -> str:
        found.append((picture.name, narrow))
        return inside(picture, narrow=narrow)

    monkeypatch.setattr(charts, "draw", counted)
    html._draw.cache_clear()
    yield found
    html._draw.cache_clear()


def page(audit: Results, folder: Path, *, fresh: bool = False) -> dict[str, str]:
    html._draw.cache_clear()  # as in another process
    with KeptDrawings(folder, fresh=fresh) as drawings:
        return for_people(audit, drawings)


def rows(folder: Path, statement: str, *values: object) -> list[tuple[bytes, ...]]:
    with contextlib.closing(sqlite3.connect(folder / NAME)) as db, db:
        return db.execute(statement, values).fetchall()


def test_report_and_summary_are_those_of_each_format(audit: Results, plain: dict[str, str]) -> None:
    assert plain == {"report.html": render(audit, "html"), "summary.md": render(audit, "md")}


def test_the_second_report_draws_nothing_and_is_the_same(
    audit: Results, plain: dict[str, str], tmp_path: Path, drawn: list[tuple[str, bool]]
) -> None:
    assert page(audit, tmp_path) == plain
    assert len(drawn) == len(set(drawn)) > 10, "each once"
    count = len(drawn)
    assert page(audit, tmp_path) == plain
    assert len(drawn) == count
    kept = ScoreStore(tmp_path)
    assert [(use.scores, use.text) for use in kept.models()] == [(count, True)]
    kept.close()
    assert page(audit, tmp_path, fresh=True) == plain
    assert len(drawn) == 2 * count


@pytest.mark.parametrize("what", ["source", "python", "numpy", "matplotlib", "machine"])
def test_another_program_draws_anew(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audit: Results
) -> None:
    picture = pictures(build(audit))[0]
    with KeptDrawings(tmp_path) as drawings:
        drawings.put(picture, GOOD, narrow=False)
    with monkeypatch.context() as other:
        if what == "source":
            other.setattr(program, "_source", lambda: b"other")
        elif what == "machine":
            other.setattr(program, "machine", lambda: ("another",))
        else:
            other.setattr(program, "versions", lambda: KNOWN | {what: "99"})
        with KeptDrawings(tmp_path) as drawings:
            assert drawings.get(picture, narrow=False) is None
    with KeptDrawings(tmp_path) as drawings:
        assert drawings.get(picture, narrow=False) == GOOD
    monkeypatch.setattr(program, "_source", lambda: None)
    with KeptDrawings(tmp_path) as drawings:
        assert drawings.get(picture, narrow=False) is None
        drawings.put(picture, GOOD, narrow=True)
    assert len(rows(tmp_path, "SELECT key FROM scores")) == 1


def test_another_picture_is_another_chart(tmp_path: Path, audit: Results) -> None:
    every = pictures(build(audit))
    first = every[0]
    assert isinstance(first, _page.Intervals)
    moved = replace(first.rows[0], estimate=first.rows[0].estimate + 1e-15)
    others = [
        *every[1:],
        replace(first, title="Another"),
        replace(first, summary="Another"),
        replace(first, name="another"),
        replace(first, rows=(moved, *first.rows[1:])),
        replace(first, rows=first.rows[1:]),
    ]
    with KeptDrawings(tmp_path) as drawings:
        drawings.put(first, GOOD, narrow=False)
    with KeptDrawings(tmp_path) as drawings:
        assert drawings.get(first, narrow=False) == GOOD
        assert drawings.get(first, narrow=True) is None
        assert [drawings.get(other, narrow=False) for other in others] == [None] * len(others)


@pytest.mark.parametrize("text", ["<svg><script>alert(1)</script></svg>", "</svg><b>", "", "\0"])
def test_what_is_no_drawing_of_ours_is_drawn_anew(
    text: str, audit: Results, plain: dict[str, str], tmp_path: Path, drawn: list[tuple[str, bool]]
) -> None:
    """Whoever may write the file may not write into the report."""
    page(audit, tmp_path)
    count = len(drawn)
    for (key,) in rows(tmp_path, "SELECT key FROM scores"):
        value = encode(key, Made.of(text))
        rows(tmp_path, "UPDATE scores SET value = ? WHERE key = ?", value, key)
    assert page(audit, tmp_path) == plain
    assert len(drawn) == 2 * count
    assert page(audit, tmp_path) == plain
    assert len(drawn) == 2 * count, "the good ones are kept again"


def test_damaged_rows_are_drawn_anew(
    audit: Results, plain: dict[str, str], tmp_path: Path, drawn: list[tuple[str, bool]]
) -> None:
    page(audit, tmp_path)
    count = len(drawn)
    spoilt = "UPDATE scores SET value = substr(value, 1, 60) || X'FF' || substr(value, 62)"
    rows(tmp_path, spoilt)
    assert page(audit, tmp_path) == plain
    assert len(drawn) == 2 * count


def test_a_file_that_cannot_be_used_costs_time_only(
    audit: Results, plain: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    drawings = KeptDrawings(tmp_path / "file")
    with drawings:
        assert for_people(audit, drawings) == plain
    assert drawings.notices
    assert "are not kept" in drawings.notices[0]
    (tmp_path / NAME).write_text("no database")
    assert page(audit, tmp_path) == plain
    assert (tmp_path / f"{NAME}.damaged").read_text() == "no database"


def test_charts_count_in_the_size_of_the_store_and_go_with_it(
    audit: Results, tmp_path: Path
) -> None:
    every = pictures(build(audit))
    with KeptDrawings(tmp_path, limit=1) as drawings:
        drawings.put(every[0], GOOD, narrow=False)
    assert rows(tmp_path, "SELECT key FROM scores") == []
    with KeptDrawings(tmp_path) as drawings:
        drawings.put(every[0], GOOD, narrow=False)
    kept = ScoreStore(tmp_path)
    assert [use.about for use in kept.models()] == ["charts of reports"]
    kept.clear()
    kept.close()
    with KeptDrawings(tmp_path) as drawings:
        assert drawings.get(every[0], narrow=False) is None
    assert rows(tmp_path, "SELECT digest FROM models") == [(CHARTS,)]


EVERY = {"example": example, "plane": companions.example, "hostile": hostile, "gated": gated}


@pytest.mark.parametrize("name", EVERY)
def test_all_our_charts_pass(name: str) -> None:
    for picture in pictures(build(EVERY[name]())):
        for narrow in (False, True):
            assert harmless(charts.draw(picture, narrow=narrow)), picture.name


HOSTILE = [
    "",
    "text",
    "<svg>",
    "<svg></svg></svg>",
    "<svg></svg><svg></svg>",
    "<svg></svg>text",
    "text<svg></svg>",
    "<svg></svg></div><script>",
    "<svg><script>alert(1)</script></svg>",
    '<svg><script href="#a"/></svg>',
    "<svg><style>*{color:red}</style></svg>",
    "<svg><foreignObject><b>x</b></foreignObject></svg>",
    '<svg><image href="#a"/></svg>',
    '<svg><a href="#a"><text>x</text></a></svg>',
    '<svg><animate attributeName="href"/></svg>',
    '<svg onload="alert(1)"></svg>',
    '<svg><path onclick="alert(1)"/></svg>',
    '<svg><path style="x"/></svg>',
    '<svg><use href="other.svg#a"/></svg>',
    '<svg><use href="javascript:alert(1)"/></svg>',
    '<svg><use xlink:href="#a"/></svg>',
    '<svg><path fill="url(http://a.b/c)"/></svg>',
    '<svg><path fill="&#106;avascript:"/></svg>',
    "<svg><path d='M0 0'/></svg>",
    "<svg><path d=M0/></svg>",
    '<svg><path d="M0 0"<b/></svg>',
    '<svg><path d="M0>"/></svg>',
    '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "<svg><g></svg></g>",
    "<svg><g></svg>",
    "<svg></g></svg>",
    "<svg>text</svg>",
    "<svg><g>text</g></svg>",
    "<svg><text><b>x</b></text></svg>",
    "<svg><title><script>1</script></title></svg>",
    "<svg><text>&nbsp;</text></svg>",
    "<svg><text>a & b</text></svg>",
    "<svg><!-- x --></svg>",
    "<svg><![CDATA[x]]></svg>",
    "<svg><?php x?></svg>",
    "<!DOCTYPE svg><svg></svg>",
    '<?xml version="1.0"?><svg></svg>',
    "<SVG></SVG>",
    "<svg><SCRIPT></SCRIPT></svg>",
    "<svg ></svg>",
    "<svg></svg >",
    "<svg><svg></svg></svg>",
    "<g></g>",
    "\ufeff<svg></svg>",
    "<svg></svg>\n",
    '<svg id="a"></svg>',
]


@pytest.mark.parametrize("svg", HOSTILE)
def test_nothing_else_passes(svg: str) -> None:
    assert not harmless(svg)
    if svg not in ("", "<g></g>"):
        assert not harmless(GOOD.replace("<path", svg + "<path"))


def test_a_drawing_passes() -> None:
    assert harmless(GOOD)
    assert harmless("<svg/>")
    for wrong in ("&lt;script>", "a\x00", "]]>"):
        assert harmless(GOOD.replace("a &lt; b", wrong)) is ("<" not in wrong and ">" not in wrong)
