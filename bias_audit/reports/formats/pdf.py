"""A report on paper: the page, printed into a PDF by the browser that the user has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bias_audit.errors import UsageError
from bias_audit.reports.formats import html
from bias_audit.reports.view.build import build
from bias_audit.results import Results

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "microsoft-edge", "msedge", "brave-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)  # fmt: skip
VARIABLE = "BIAS_AUDIT_BROWSER"
"""Environment variable that names the browser."""
_OLDEST = 131
"""Version of Chromium from which on it numbers pages as the style sheet asks."""
_SECONDS = 120


def render(results: Results, *, full: bool = False) -> bytes:
    """Return an audit as a PDF: a brief, or everything.

    Raises:
        UsageError: there is no browser that can print it, or it did not.
    """
    browser = find_browser()
    page = html.whole(build(results), full=full)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, encoding="utf-8")
        command = [
            browser, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # it has none for root, and opens our own page only
        said = _ask(browser, command)
        if not target.is_file():
            raise UsageError(
                f"{browser} wrote no PDF: {said[-300:].strip() or 'it gave no reason'}",
                hint=f"print report.html from a browser, or name another one in {VARIABLE}",
            )
        return target.read_bytes()


def find_browser() -> str:
    """Return the browser of this machine that prints pages.

    Raises:
        UsageError: there is none, or it is too old to number pages.
    """
    named = os.environ.get(VARIABLE, "")
    browser = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if browser is None:
        what = f"the browser '{named}' of {VARIABLE}" if named else "Chromium, Chrome or Edge"
        raise UsageError(
            f"a PDF is printed by a browser, and {what} was not found",
            hint=f"install one, name it in {VARIABLE}, or print report.html from any browser",
        )
    version = re.search(r"(\d+)\.\d+", _ask(browser, [browser, "--version"]))
    if version and int(version[1]) < _OLDEST:
        raise UsageError(
            f"{browser} is version {version[1]}; page numbers need {_OLDEST} or later",
            hint=f"update it, or name another one in {VARIABLE}",
        )
    return browser


def _ask(browser: str, command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a browser of the user's, without a shell
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            f"{browser} did not answer: {error}", hint=f"name another browser in {VARIABLE}"
        ) from error
    return done.stdout + done.stderr
