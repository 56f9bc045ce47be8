"""The page: what is asked stands at once, and answers follow when the model is there."""

from __future__ import annotations

import streamlit as st

from bias_audit.backends import open_backend
from bias_audit.backends.python_function import PREFIX
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.explore import probe_file, sentence, stored_audits
from bias_audit.explore.question import SharedModel
from bias_audit.explore.server import subject
from bias_audit.explore.widgets import escape, show_error

_TABS = ("Sentence", "Probe file", "Stored audits")
_WIDTH = 1080


def show() -> None:
    """Draw everything for one visitor."""
    about = subject()
    st.set_page_config(page_title="bias-audit explore", layout="wide")
    with st.container(width=_WIDTH):
        st.subheader("bias-audit explore", anchor=False)
        head = st.empty()
        head.caption(f"{escape(about.model)} · this page sends nothing anywhere")
        first = _TABS[2] if about.begins_with_run else _TABS[0]
        tabs = st.tabs(_TABS, default=first, on_change="rerun", key="tab")
        with tabs[0]:
            question = sentence.ask(about)
            answers = st.container()
        with tabs[1]:
            probe_file.show(about, question)
        with tabs[2]:
            if tabs[2].open:
                stored_audits.show(about.runs)
        with answers:
            try:
                with st.spinner(_loading(about.model, about.size), show_time=True):
                    model = _load()
            except BiasAuditError as error:
                show_error(error)
                return
            info = model.info
            head.caption(
                f"{escape(info.name)} · {escape(info.architecture)}, {info.parameters:,} parameters"
                f" · read as {info.reading} · this page sends nothing anywhere"
            )
            sentence.show_answer(model, question, about)


def _loading(name: str, size: str) -> str:
    return f"Loading the model {escape(name)}{f', {size}' if size else ''}"


def _open() -> SharedModel:
    about = subject()
    if about.begins_with_run and about.model.startswith(PREFIX):  # a file must run no code
        message = f"the audit is of a function of your own: {about.model}"
        raise UsageError(message, hint=f"bias-audit explore {about.model}")
    return SharedModel(open_backend(about.model, **about.options), about.catalogue)


_load = st.cache_resource(_open, show_spinner=False)
"""One model for all visitors; the second one waits while it is loaded for the first."""
