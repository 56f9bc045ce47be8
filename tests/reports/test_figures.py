"""Charts as files: the pictures of the page, for papers and slides."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bias_audit.reports import charts
from bias_audit.reports.formats import figures
from bias_audit.reports.view import exhibits as _exhibits
from bias_audit.reports.view.build import build
from bias_audit.results import Results

from .example import frame, with_companions, without_companions

KINDS = ("svg", "png", "pdf")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return dict(figures.files(with_companions()))


def test_every_chart_of_the_page_is_there_in_every_kind(files: dict[str, bytes]) -> None:
    shown = build(with_companions()).charts
    assert {type(picture) for picture in shown} == {
        _exhibits.Intervals, _exhibits.Dots, _exhibits.Scatter, _exhibits.Heat, _exhibits.Plane,
    }  # fmt: skip
    names = {f"{picture.name}.{kind}" for picture in shown for kind in KINDS}
    assert set(files) == {*names, figures.CAPTIONS}
    captions = files[figures.CAPTIONS].decode()
    assert all(f"`{picture.name}`: **" in captions for picture in shown)


def test_an_svg_stands_alone_with_its_colours_and_words(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if not name.endswith(".svg"):
            continue
        root = ET.fromstring(content)  # noqa: S314 - our own
        assert root.tag == f"{SVG}svg"
        assert float(root.get("width", "")) >= 560
        assert root[0].tag == f"{SVG}title"
        assert root[0].text
        assert root[1].text
        assert b"class=" not in content
        colours = set(re.findall(rb'"(#[0-9a-f]{6})"', content))
        assert b"#1d1f23" in colours, "the ink of the page"
        assert not any(colour.startswith(b"#0101") for colour in colours)


def test_png_and_pdf_are_what_they_say(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".png"):
            assert content[:8] == b"\x89PNG\r\n\x1a\n"
            wide, tall = struct.unpack(">II", content[16:24])
            assert wide in (3 * 780, 3 * 560)
            assert tall > 300
        if name.endswith(".pdf"):
            assert content[:5] == b"%PDF-"
            assert b"CreationDate" not in content


def test_python_writes_the_same_files_as_the_command(tmp_path: Path) -> None:
    from bias_audit import Audit

    few = without_companions(with_companions()).results[:1]
    results = frame(probes=with_companions().probes[:1], results=few)
    folder = Audit(results=results).figures(tmp_path / "paper")
    names = {f"{chart.name}.{kind}" for chart in build(results).charts for kind in KINDS}
    assert {path.name for path in folder.iterdir()} == {*names, figures.CAPTIONS}


def test_an_unknown_kind_is_refused(audit: Results) -> None:
    with pytest.raises(KeyError):
        charts.file(build(audit).charts[0], "gif")


def test_strangers_choose_no_place_and_no_markup(hostile: Results) -> None:
    shown = build(hostile)
    made = dict(figures.draw_files(shown.charts, ("svg",)))
    assert all(re.fullmatch(r"[A-Za-z0-9-]+\.svg|captions\.md", name) for name in made)
    assert b"<script" not in b"".join(made.values())
    assert b"@everyone" not in made[figures.CAPTIONS]
    for name, content in made.items():
        if name.endswith(".svg"):
            ET.fromstring(content)  # noqa: S314 - our own
