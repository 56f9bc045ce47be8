"""Show strangers' texts as they are: nothing in them is Markdown, HTML or a command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from bias_audit.errors import BiasAuditError
from bias_audit.reports.text import clean, clip

_SIGNS = re.compile(r"([!-/:-@\[-`{-~])")
_LONG = 2_000
_CELL = 400


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is, in one line.

    >>> escape("<b>*a*</b>")
    '\\\\<b\\\\>\\\\*a\\\\*\\\\<\\\\/b\\\\>'
    """
    return _SIGNS.sub(r"\\\1", clip(clean(text), _LONG))


def show_error(error: BiasAuditError | OSError) -> None:
    """Say what a user can mend."""
    st.error("  \n".join(escape(line) for line in str(error).splitlines()[:20]))


def show_table(rows: Sequence[Mapping[str, Any]], at: Any = st, **settings: Any) -> None:
    """Show rows with their keys as heads; ``settings`` are those of ``st.dataframe``."""
    cells = [
        {
            clip(clean(key), 80): clip(clean(value), _CELL) if isinstance(value, str) else value
            for key, value in row.items()
        }
        for row in rows
    ]
    at.dataframe(cells, hide_index=True, width="stretch", **settings)
