"""What only a browser can tell; run with ``pytest -m browser``. Needs Chromium on the path."""

from __future__ import annotations

import html as markup
import re
import subprocess
from pathlib import Path

import pytest

from .page import Page

pytestmark = pytest.mark.browser

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")


def chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["chromium", *FLAGS, *arguments],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path, html: str) -> Path:
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


def test_policy_lets_our_own_code_run_and_nothing_complains(file: Path) -> None:
    done = chromium("--enable-logging=stderr", "--dump-dom", file.as_uri())
    assert "CONSOLE" not in done.stderr
    page = Page(done.stdout)
    button = next(a for a in page.all("button") if a.get("id") == "theme")
    assert "hidden" not in button
    assert page.all("input")


def test_script_changes_no_word(file: Path, page: Page) -> None:
    """What a reader sees without script is the file itself; the script adds filter fields only."""
    done = chromium("--dump-dom", file.as_uri())
    assert " ".join(Page(done.stdout).text.replace("Filter rows", "").split()) == page.text


def test_hostile_page_runs_nothing(tmp_path: Path, hostile_html: str) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(hostile_html, encoding="utf-8")
    done = chromium("--enable-logging=stderr", "--dump-dom", path.as_uri())
    assert "CONSOLE" not in done.stderr
    assert len(Page(done.stdout).all("script")) == 1


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_page_never_scrolls_sideways(tmp_path: Path, hostile_html: str, width: int) -> None:
    measure = (
        "<script>onload = () => { document.querySelectorAll('details').forEach(d => d.open = true);"
        " parent.postMessage(document.documentElement.scrollWidth, '*') }</script>"
    )
    inner = re.sub(r"<meta http-equiv[^>]+>", "", hostile_html).replace(
        "</body>", f"{measure}</body>"
    )
    outer = (
        "<script>onmessage = (e) => { document.title = 'wide ' + e.data }</script>"
        f'<iframe width="{width}" height="800" srcdoc="{markup.escape(inner)}"></iframe>'
    )
    path = tmp_path / "frame.html"
    path.write_text(outer, encoding="utf-8")
    done = chromium("--virtual-time-budget=5000", "--dump-dom", path.as_uri())
    found = re.search(r"<title>wide (\d+)</title>", done.stdout)
    assert found
    assert int(found.group(1)) <= width


def test_folded_parts_are_printed(tmp_path: Path, html: str) -> None:
    """The paper holds the folded evidence: a page without it makes a smaller file."""
    sizes = []
    removed = re.sub(r'<details class="evidence">.*?</details>', "", html, flags=re.S)
    for name, text in (("whole", html), ("without", removed)):
        path, paper = tmp_path / f"{name}.html", tmp_path / f"{name}.pdf"
        path.write_text(text, encoding="utf-8")
        chromium(f"--print-to-pdf={paper}", "--no-pdf-header-footer", path.as_uri())
        sizes.append(paper.stat().st_size)
    assert sizes[0] > sizes[1] + 3000
