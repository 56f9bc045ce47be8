"""The Markdown of a comment on a pull request, under a configuration."""

from __future__ import annotations

import re

from bias_audit.reports import render
from bias_audit.reports.formats import markdown
from bias_audit.results import Results

from .gated import many

COMMENT = 60_000


def test_a_comment_holds_it_whatever_comes(judged: Results, hostile_gates: Results) -> None:
    worst = "&" * 2000
    gates = tuple(
        one.model_copy(update={"id": f"{i}", "reason": worst, "condition": worst, "probe": worst})
        for i, one in enumerate(judged.gates * 40)
    )
    waivers = tuple(
        w.model_copy(update={"reason": worst, "detail": worst, "owner": worst})
        for w in judged.waivers * 50
    )
    findings = tuple(
        f.model_copy(update={"headline": worst, "detail": worst}) for f in judged.findings * 50
    )
    errors = tuple(
        judged.errors[0].model_copy(update={"probe": f"p{i}", "message": worst}) for i in range(90)
    )
    assert judged.comparison is not None
    changes = tuple(c.model_copy(update={"reason": worst}) for c in judged.comparison.changes * 200)
    compared = judged.comparison.model_copy(update={"changes": changes, "notices": (worst,) * 5})
    full = judged.model_copy(
        update={"gates": gates, "waivers": waivers, "findings": findings, "errors": errors,
                "comparison": compared}
    )  # fmt: skip
    for results in (full, hostile_gates, many(2000), judged):
        text = render(results, "md")
        assert len(text.encode()) < COMMENT
        assert text.rstrip().endswith("`report.html` in the run's folder.")
    text = render(full, "md")
    left = [int(n.replace(",", "")) for n in re.findall(r"\*([\d,]+) more in the report", text)]
    assert len(left) == 4, "gates, waivers, changes, errors"
    assert all(left)


def test_escaped_once(judged: Results) -> None:
    assert markdown.escape("a_b") == "a\\_b"
    assert "\\\\" not in render(judged, "md")


def test_what_github_would_read_as_markup_or_a_mention_is_escaped() -> None:
    assert markdown.escape("a|b @c <d> https://e www.f") == (
        "a\\|b &#64;c &lt;d&gt; https&#58;//e www&#46;f"
    )
