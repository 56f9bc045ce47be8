"""The brief on paper: printed by the browser of the user, and what is said without one."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest

from bias_audit.errors import UsageError
from bias_audit.reports.formats import pdf
from bias_audit.results import Results


def browser_that(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """Put a browser on the path that does no more than this."""
    script = folder / "chromium"
    script.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(pdf.VARIABLE, str(script))


def test_without_a_browser_it_says_what_to_do(
    audit: Results, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(pdf.VARIABLE, raising=False)
    with pytest.raises(UsageError, match="Chromium, Chrome or Edge was not found") as caught:
        pdf.render(audit)
    assert "print report.html from any browser" in caught.value.hint
    monkeypatch.setenv(pdf.VARIABLE, "no-such-browser")
    with pytest.raises(UsageError, match="'no-such-browser' of BIAS_AUDIT_BROWSER was not found"):
        pdf.render(audit)


def test_an_old_browser_is_refused(
    audit: Results, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    browser_that(tmp_path, monkeypatch, "echo Chromium 120.0.1")
    with pytest.raises(UsageError, match="is version 120; page numbers need 131 or later"):
        pdf.render(audit)


def test_a_browser_that_prints_nothing_is_quoted(
    audit: Results, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    browser_that(tmp_path, monkeypatch, "echo Chromium 150.0.1; echo cannot open display >&2")
    with pytest.raises(UsageError, match="wrote no PDF") as caught:
        pdf.render(audit)
    assert "cannot open display" in caught.value.message


@pytest.mark.browser
def test_the_brief_is_short_and_the_whole_is_on_demand(audit: Results) -> None:
    from pypdf import PdfReader

    brief, whole = (
        [page.extract_text() for page in PdfReader(io.BytesIO(pdf.render(audit, full=full))).pages]
        for full in (False, True)
    )
    assert 2 <= len(brief) <= 6 < len(whole)
    assert f"1 / {len(brief)}" in brief[0]
    assert "Glossary" in " ".join(whole)
    assert "Glossary" not in " ".join(brief)
