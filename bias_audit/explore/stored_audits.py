"""Browse a stored audit: its first screen, its comparisons, down to every scored sentence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from bias_audit.errors import BiasAuditError
from bias_audit.explore.widgets import escape, show_error, show_table
from bias_audit.pipeline.audit import Audit
from bias_audit.records import OTHERS
from bias_audit.reports.text import clean, count
from bias_audit.reports.wording import PILLS, times_or_number
from bias_audit.utils.readings import READINGS

if TYPE_CHECKING:
    import pandas as pd

    from bias_audit.reports.view.page import OutcomeLine
    from bias_audit.results import Result

_ROWS = 1_000
"""Sentences that are shown at once."""


def show(runs: Sequence[Path]) -> None:
    """Let the visitor choose an audit and a comparison of it."""
    if not runs:
        st.caption("No audit is stored here: 'bias-audit run' makes one, in audit-runs.")
        return
    run = st.selectbox("Audit", runs, format_func=os.path.relpath)
    try:
        changed = (run / "results.json").stat().st_mtime_ns
        audit = _load(run, changed)
    except (BiasAuditError, OSError) as error:
        show_error(error)
        return
    screen = audit.view.first_screen
    st.markdown(f"{escape(screen.headline)}  \n**{escape(screen.lead)}**")
    for remark in screen.remarks:
        st.warning(escape(remark))
    if not screen.comparisons:
        return
    show_table([_row(line, screen.head) for line in screen.comparisons])
    if screen.completions_lead:
        st.caption(escape(screen.completions_lead))
    names = {f"{line.number}  {_size_text(line)}": line for line in screen.comparisons}
    line = names[st.selectbox("Comparison", [*names])]
    result = next(one for one in audit.view.audit.results if one.id == line.result)
    _show_comparison(line, result)
    st.markdown("**Every score behind it**")
    try:
        scores = _load_scores(run, changed)
    except BiasAuditError as error:
        show_error(error)
        return
    number = READINGS[audit.results.model.reading].score
    _show_scores(scores[scores["probe"] == result.probe], result, number)


def _open(run: Path, _changed: int) -> Audit:
    return Audit.load(run)


def _read_scores(run: Path, _changed: int) -> pd.DataFrame:
    return Audit.load(run).evidence()


_load = st.cache_resource(_open, show_spinner="Reading the audit", max_entries=8)
_load_scores = st.cache_resource(_read_scores, show_spinner="Reading the scores", max_entries=2)


def _size_text(line: OutcomeLine) -> str:
    """The size of a comparison with its direction; its question where it has no number."""
    return f"{line.towards}  {line.value}" if line.value else line.name


def _row(line: OutcomeLine, head: str) -> dict[str, Any]:
    return {
        "no.": line.number,
        "comparison": line.name,
        "axis": line.axis,
        "outcome": PILLS[line.outcome],
        "towards": line.towards if line.value else "",
        head: line.value,
        "at least – at most": line.bounds,
    }


def _show_comparison(line: OutcomeLine, result: Result) -> None:
    """Show what a comparison says, its most telling sentences, its frames and its words."""
    st.markdown(escape(line.statement or line.reason))
    st.caption(
        escape(f"{line.title}. {line.size}. {_size_text(line)}; {line.interval}".rstrip("; "))
    )
    if line.reason and line.reason.rstrip(".").lower() not in line.statement.lower():
        st.caption(escape(line.reason))
    for notice in (*line.notices, *(f"completions differ: {said}" for said in line.contrary)):
        st.caption(escape(f"Notice: {notice}"))
    for one in line.examples:
        st.text(f"{one.sentence}  {one.word}  {one.percentages}")
    sign = 1 if (result.estimate or 0.0) >= 0 else -1
    size = "times" if result.unit == "nats" else result.unit
    left, right = st.columns(2)
    for place, name, sizes in (
        (left, "sentence", [(one.text, one.value) for one in result.by_template]),
        (right, "word", [(one.text, one.value) for one in result.by_target]),
    ):
        rows = [
            {name: text, size: times_or_number(value, result.unit) + _way(sign * value)}
            for text, value in sorted(sizes, key=lambda pair: -sign * pair[1])
        ]
        if rows:
            show_table(rows, place)


def _way(value: float) -> str:
    return " the other way" if value < 0 else ""


def _show_scores(scores: pd.DataFrame, result: Result, number: str) -> None:
    """Show single scores: probabilities in per cent, others under the name of the number."""
    if OTHERS not in result.groups:
        scores = scores[scores["group"].isin(result.groups)]
    *choices, last = st.columns(3)
    for column, (label, name) in zip(
        choices, (("Sentence frame", "template"), ("Group", "group")), strict=True
    ):
        values = ["all", *dict.fromkeys(scores[name])]
        chosen = column.selectbox(label, values, format_func=clean, key=f"{name} {result.id}")
        scores = scores if chosen == "all" else scores[scores[name] == chosen]
    text = last.text_input("Sentences that hold", max_chars=100, key=f"text {result.id}")
    scores = scores[scores["text"].str.contains(text, case=False, regex=False)]
    more = f", of which the first {_ROWS:,} are shown" if len(scores) > _ROWS else ""
    st.caption(f"{count(len(scores), 'score')}{more}")
    column = number if number in scores else "log_prob"
    times, number = (100, "per cent") if number == "probability" else (1, number)
    rows = [
        {
            "sentence": row["text"],
            "group": row["group"],
            number: times * row[column],
            "not scored": row["skip"],
        }
        for row in scores.head(_ROWS).to_dict("records")
    ]
    show_table(rows, column_config={number: st.column_config.NumberColumn(format="%.3g")})
