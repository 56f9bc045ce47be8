"""Opens a page in headless Chromium as a reader's browser would, and keeps what it asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, sync_playwright
from playwright.sync_api import Page as Tab

ADDRESS = "http://report.test/report.html"
KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Opened:
    """One page in one window."""

    tab: Tab
    asked: list[str] = field(default_factory=list)
    """Every address that the page asked for, besides its own."""
    said: list[str] = field(default_factory=list)
    """Everything on the console, broken content policies included, and every uncaught error."""

    def run(self, script: str) -> Any:
        """What a script gives inside the page."""
        return self.tab.evaluate(script)

    def unfold(self) -> None:
        """Open every folded part."""
        self.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(f"browser tests need one of these on the path: {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser,
    html: str,
    *,
    policy: str = "",
    width: int = 1280,
    files: Mapping[str, bytes] | None = None,
    **window: Any,
) -> Iterator[Opened]:
    """The page as a server sends it, with a content policy in its headers if given.

    ``files`` are those beside the page, by their addresses from it.
    """
    beside = {ADDRESS.rsplit("/", 1)[0] + f"/{name}": body for name, body in (files or {}).items()}
    context = browser.new_context(viewport={"width": width, "height": 900}, **window)
    shown = Opened(tab=context.new_page())
    headers = {"content-security-policy": policy} if policy else {}

    def answer(route: Route) -> None:
        if route.request.url == ADDRESS:
            route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=headers)
        elif route.request.url in beside:
            kind = KINDS[route.request.url.rsplit(".", 1)[1]]
            route.fulfill(body=beside[route.request.url], content_type=kind, headers=headers)
        else:
            shown.asked.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    shown.tab.on("console", lambda message: shown.said.append(message.text))
    shown.tab.on("pageerror", lambda error: shown.said.append(str(error)))
    shown.tab.goto(ADDRESS)
    yield shown
    context.close()


def broken_rules(tab: Tab, only: str = "") -> list[str]:
    """What axe finds in a page, or what it finds of one rule."""
    from axe_playwright_python.sync_playwright import Axe

    rules: dict[str, Any] = {"runOnly": {"type": "rule", "values": [only]}} if only else {}
    found = Axe().run(tab, options={"resultTypes": ["violations"], **rules})
    return [
        f"{broken['id']}: {node['html'][:200]}"
        for broken in found.response["violations"]
        for node in broken["nodes"]
    ]
