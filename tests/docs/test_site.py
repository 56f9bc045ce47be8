"""The documentation as a site: whole, searchable, and complete without a network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""Tags whose address a browser asks for by itself; in ``NAMING`` they name, and load nothing."""
NAMING = {"canonical", "prev", "next", "alternate"}

pytest.importorskip("mkdocs", reason="needs the extra docs")


class Addresses(HTMLParser):
    """What a page loads, what it links to, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        address = values.get(LOADING.get(tag, ""), "")
        if address and values.get("rel") not in NAMING:
            self.loads.add(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Addresses]:
    made = (path for path in site.rglob("*.html") if "reports" not in path.parts)
    return {path: Addresses(path.read_text(encoding="utf-8")) for path in made}


def foreign(address: str) -> bool:
    return bool(re.match(r"(https?:)?//", address))


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[Path, Addresses]) -> None:
    assert site / "index.html" in pages
    assert len(pages) > 40
    loads = {address for page in pages.values() for address in page.loads}
    assert loads, "style and script are files of the site"
    assert {address for address in loads if foreign(address)} == set()
    for path in site.rglob("*.css"):
        inner = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')]+)", path.read_text("utf-8"))
        assert {address for address in inner if foreign(address)} == set(), path.name


def broken(site: Path, pages: dict[Path, Addresses]) -> Iterator[str]:
    for path, page in pages.items():
        if path.name == "404.html":  # served from anywhere, so its links begin at the top
            continue
        for link in page.links | page.loads:
            if urlsplit(link).scheme or foreign(link):
                continue
            parts = urlsplit(link)
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = there / "index.html" if there.is_dir() else there
            place = unquote(parts.fragment)
            if not there.is_file():
                yield f"{path.relative_to(site)}: no file {link}"
            elif place and there in pages and place not in pages[there].places:
                yield f"{path.relative_to(site)}: no place {link}"


def test_no_link_is_broken(site: Path, pages: dict[Path, Addresses]) -> None:
    assert list(broken(site, pages)) == []


def test_a_broken_link_is_noticed(site: Path) -> None:
    page = {site / "index.html": Addresses('<a href="nowhere.html"><a href="#lost"><p id="here">')}
    expected = {"index.html: no file nowhere.html", "index.html: no place #lost"}
    assert set(broken(site, page)) == expected


def test_the_search_knows_every_page(site: Path, pages: dict[Path, Addresses]) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    known = {urlsplit(one["location"]).path or "index.html" for one in index["docs"]}
    made = {path.relative_to(site).as_posix() for path in pages}
    assert made - known == {"404.html"}


@pytest.mark.browser
def test_the_search_works_from_files_and_asks_nobody(site: Path) -> None:
    from tests.reports.chromium import chromium

    asked: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.fill("input.md-search__input", "jensen")
        first = page.locator(".md-search-result__item").first
        first.wait_for()
        assert "Jensen-Shannon divergence" in first.inner_text()
    assert asked
    assert {url for url in asked if urlsplit(url).scheme not in ("file", "data", "blob")} == set()
