"""The page in a process of its own, and a browser in front of it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from bias_audit.cli.app import run
from tests.cli.conftest import PROBE, cli, small_run  # noqa: F401 - fixtures
from tests.reports.chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("streamlit") is None, reason="pip install 'bias-audit[explore]'"
)


@dataclass
class Served:
    """A page that is served, and what browsers asked for while it was."""

    process: subprocess.Popen[bytes]
    address: str
    folder: Path
    log: Path
    """What the server writes to standard error."""
    asked: list[str] = field(default_factory=list)
    """Every address that a browser was about to ask, sockets too."""
    console: list[str] = field(default_factory=list)
    """Broken content policies and uncaught errors."""

    def peers(self) -> set[str]:
        """Machines that the server has a connection to."""
        found = psutil.Process(self.process.pid).net_connections("inet")
        return {one.raddr.ip for one in found if one.raddr}


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Served]:
    """Serve a page, and end it."""
    command = [sys.executable, "-m", "bias_audit", "explore", "--port", "0", *arguments]
    log = folder / "said.txt"
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, stderr=stream, cwd=folder)
    try:
        while not (found := re.match(r"the page is at (http://127\.0\.0\.1:\d+)\n", _read(log))):
            assert process.poll() is None, _read(log)
            time.sleep(0.05)
        yield Served(process=process, address=found[1], folder=folder, log=log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page about the stand-in, with two stored audits, one of them without its scores."""
    folder = tmp_path_factory.mktemp("explore")
    (folder / "small.yaml").write_text(PROBE, encoding="utf-8")
    given = ["-p", "small", "--probe-path", str(folder / "small.yaml"), "-q"]
    assert run(["run", "fake", *given, "-o", str(folder / "audit-runs" / "whole")]) == 0
    shutil.copytree(folder / "audit-runs" / "whole", folder / "audit-runs" / "bare")
    (folder / "audit-runs" / "bare" / "evidence.csv.gz").unlink()
    with serving(folder, "fake", "-o", str(folder / "mine")) as page:
        yield page


def visit(browser: Browser, served: Served, **window: Any) -> Page:
    """Open the page as a visitor of one's own."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 1000}} | window))
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.on("request", lambda request: served.asked.append(request.url))
    tab.on("websocket", lambda socket: served.asked.append(socket.url))
    tab.on("pageerror", lambda error: served.console.append(str(error)))
    tab.on("console", lambda said: served.console.append(said.text) if said.type == "error" else 0)
    tab.goto(served.address)
    field_of(tab, "Sentence").wait_for()
    return tab


def field_of(tab: Page, name: str) -> Any:
    return tab.get_by_role("textbox", name=name, exact=True)


def settle(tab: Page) -> None:
    """Wait until the page shows what was asked last."""
    tab.wait_for_timeout(150)
    tab.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def write(tab: Page, name: str, text: str) -> None:
    field_of(tab, name).fill(text)
    field_of(tab, name).press("Control+Enter")
    settle(tab)


def choose(tab: Page, name: str, option: str) -> None:
    tab.get_by_role("combobox", name=name).click()
    tab.keyboard.type(option)
    tab.get_by_role("option", name=option, exact=True).click()
    settle(tab)


def tables(tab: Page, least: int = 1) -> list[list[list[str]]]:
    """Every table that can be seen, as rows of texts, the heads first; ``least`` are waited for."""
    grids = tab.locator("[data-testid=stDataFrame]:visible table")
    grids.nth(least - 1).wait_for(state="attached")
    return [
        [row.locator("th, td").all_text_contents() for row in grid.locator("tr").all()]
        for grid in grids.all()
    ]
