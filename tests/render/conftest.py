from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bias_audit.archive import Results
from bias_audit.render import render

from . import example, gated, strangers
from .page import Page

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def audit() -> Results:
    return example.example()


@pytest.fixture(scope="session")
def hostile() -> Results:
    return strangers.hostile()


@pytest.fixture(scope="session")
def judged() -> Results:
    return gated.gated()


@pytest.fixture(scope="session")
def hostile_gates() -> Results:
    return gated.hostile()


@pytest.fixture(scope="session")
def html(audit: Results) -> str:
    return render(audit, "html")


@pytest.fixture(scope="session")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="session")
def hostile_html(hostile: Results) -> str:
    return render(hostile, "html")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from .chromium import chromium

    with chromium() as found:
        yield found
