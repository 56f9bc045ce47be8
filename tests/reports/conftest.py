from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bias_audit.reports import comparison, render
from bias_audit.reports import side_by_side as selection
from bias_audit.results import Results

from . import example, gated, others, strangers
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
def pages(audit: Results, judged: Results) -> dict[str, str]:
    """Every kind of page that there is, by name."""
    three = [("runs/a", audit), ("runs/b", others.other(audit, "m/small", -0.1)),
             ("runs/c", others.other(audit, "m/large", 0.4))]  # fmt: skip
    return {
        "report": render(judged, "html"),
        "compare": comparison.render(others.several(), "html"),
        "models": selection.render(three, "html"),
    }


@pytest.fixture(scope="session")
def hostile_pages(hostile: Results, hostile_html: str) -> dict[str, str]:
    """The same pages, made of strangers' strings."""
    return {
        "report": hostile_html,
        "compare": comparison.render(others.hostile(), "html"),
        "models": selection.render([(strangers.NASTY[1], hostile), ("b", hostile)], "html"),
    }


@pytest.fixture(scope="session", params=["report", "compare", "models"])
def kind(request: pytest.FixtureRequest) -> str:
    """One kind of page after the other."""
    return str(request.param)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from .chromium import chromium

    with chromium() as found:
        yield found
