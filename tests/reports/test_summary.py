"""The Markdown of a comment on a pull request, under a configuration."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from bias_audit.reports import render
from bias_audit.reports.formats import markdown
from bias_audit.results import Results

from .gated import many

COMMENT = 60_000


def test_verdict_counts_and_gates_come_first(judged: Results) -> None:
    lines = render(judged, "md").splitlines()
    assert lines[0] == "**2 of 10 enforced gates were exceeded, 5 left open, 1 waived.**"
    assert lines[2].startswith("✕ 3 failed · ? 5 unclear · ! 1 error · ✓ 1 passed")
    heads = re.findall(r"^### (.+)$", "\n".join(lines), re.MULTILINE)
    assert heads == [
        "Association audit of example/tiny-masked-lm", "Waivers",
        "Change since baseline main (example/tiny-masked-lm at 77aa77aa77aa, 2026-11-02)",
        "Findings", "What did not run",
    ]  # fmt: skip


def test_gates_say_why(judged: Results) -> None:
    text = render(judged, "md")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].split()[1] for row in rows[2:12]] == (
        ["fail"] * 2 + ["unclear"] * 4 + ["error", "pass", "waived", "skipped"]
    )
    assert "rise +0.53 \\[0.31, 0.75\\]; gap 1.13 nats \\[0.91, 1.35\\] (was 0.60)" in rows[2]
    assert "a rise of up to 0.15 nats over baseline main" in rows[2]
    assert "Waived by nlp-platform until 2027-01-31, up to a size of 1.20: Known" in text
    assert "about 14 more sentences would decide" in text


def test_waivers_stand_there_with_what_became_of_them(judged: Results) -> None:
    text = render(judged, "md")
    assert "- F-51aa02 (in force): nlp-platform until 2027-01-31. Known, fix planned." in text
    assert "- F-000000 (void: names nothing): " in text
    assert "2 waivers do not hold" in text
    assert "### Waivers" not in render(judged.model_copy(update={"waivers": ()}), "md")


def test_changes_declared_ones_and_the_largest_rise_first_with_what_is_missing(
    judged: Results,
) -> None:
    part = render(judged, "md").split("### Change since baseline")[1].split("### ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")][2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        "Occupations and gender: women vs men", "Warm and able traits: women vs men",
        "Warm and able traits: Muslim vs the other groups", "Age and ability",
    ]  # fmt: skip
    assert "The probe did not run." in rows[3]
    assert "The baseline was measured on another device." in part


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
    assert len(left) == 5
    assert all(left)


def test_strangers_stay_in_their_cells(hostile_gates: Results) -> None:
    text = render(hostile_gates, "md")
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert not re.search(r"<(script|img|a|code)\b(?![^<]*report\.html)", html)
    assert "@everyone" not in text
    bodies = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    widths = {len(re.findall(r"<t[hd]>", body)) for body in bodies}
    assert widths == {5, 6}


def test_escaped_once(judged: Results) -> None:
    assert markdown.escape("a_b") == "a\\_b"
    assert "\\\\" not in render(judged, "md")
