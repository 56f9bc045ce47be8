"""Collect sentences and words into a probe file that ``bias-audit probes check`` accepts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import streamlit as st

from bias_audit.errors import BiasAuditError, FileError, Problem, UsageError
from bias_audit.explore.question import Question, file_text, split_words
from bias_audit.explore.subject import Subject
from bias_audit.explore.widgets import escape, show_error
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import expand
from bias_audit.probes.lint import lint_probe
from bias_audit.probes.scaffold import require_id, write_new
from bias_audit.probes.schema.lexicon import TemplateSet

_MOST = 500
"""Sentences of one file."""
_POLES = {"first": "words of the first kind", "second": "words of the second kind"}
"""What is compared: fields of the page, with their labels."""
_saving = Lock()


def _add(key: str, lines: Iterable[str], separator: str) -> None:
    """Add to a field what is not in it yet."""
    before = [part.strip() for part in st.session_state.get(key, "").split(separator.strip(" "))]
    every = dict.fromkeys((*filter(None, before), *lines))
    st.session_state[key] = separator.join(every)


def _add_chosen(key: str, words: Sequence[str]) -> None:
    _add(key, words, ", ")
    st.session_state["chosen"] = []


def offer(sentence: str, others: Sequence[str], words: Sequence[str] | None) -> None:
    """Let the visitor keep a sentence, the others of its set, and words where they are compared."""
    st.markdown("**Collect for a probe file**")
    left, right = st.columns(2)
    left.button(
        "This sentence", on_click=_add, args=("sentences", [sentence], "\n"), width="stretch"
    )
    right.button(
        "All sentences of this set",
        on_click=_add,
        args=("sentences", [sentence, *others], "\n"),
        disabled=not others,
        width="stretch",
    )
    if words is None:
        return
    chosen = st.multiselect("Words to collect", words, key="chosen")
    for column, (key, label) in zip(st.columns(2), _POLES.items(), strict=True):
        column.button(
            f"As {label}",
            on_click=_add_chosen,
            args=(key, chosen),
            disabled=not chosen,
            width="stretch",
        )


def show(about: Subject, question: Question) -> None:
    """Show what was collected, as it would be written, with its mistakes."""
    left, right = st.columns(2)
    name = left.text_input("Id, and name of the file", "my-probe", max_chars=80)
    axis = right.text_input("Axis", question.groups.lexicon or "own", max_chars=80)
    title = st.text_input("Title", "What was collected", max_chars=200)
    lines = st.text_area("Sentences, one in each line", key="sentences", height=160)
    poles: list[tuple[str, str]] = []
    if about.kind == "probe":
        for column, (key, label) in zip(st.columns(2), _POLES.items(), strict=True):
            heading = column.text_input(f"Name of the {key} kind", label, max_chars=100)
            words = column.text_area(f"The {label}, with commas", key=key, height=100)
            poles.append((heading, words))
    sentences = [line.strip() for line in lines.splitlines() if line.strip()]
    if not (sentences and all(words.strip() for _, words in poles)):
        st.caption("Sentences are needed, and words of two kinds: the first tab collects them.")
        return
    try:
        require_id(name)
        require_id(axis)
        if len(sentences) > _MOST:
            raise UsageError(f"expected at most {_MOST} sentences, got {len(sentences)}")
        text = file_text(
            name,
            title=title,
            axis=axis,
            question=question,
            sentences=sentences,
            poles=[(heading, split_words(words)) for heading, words in poles],
            catalogue=about.catalogue,
        )
        st.code(text, language="yaml", line_numbers=True)
        notes = check(about.kind, name, text, about.catalogue)
    except BiasAuditError as error:
        show_error(error)
        return
    for note in notes:
        st.caption(escape(note))
    _offer_file(about, name, text)


def check(kind: str, name: str, text: str, catalogue: ProbeCatalogue) -> list[str]:
    """Read a file as ``bias-audit probes check`` does, and return what to look at again.

    Raises:
        FileError: all its mistakes.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            if kind == "templates":
                catalogue.check_file(path, TemplateSet)
                return []
            probe = catalogue.with_files([path]).read_probe_file(path)
            return lint_probe(probe, expand(probe))
        except FileError as error:
            problems = (
                Problem(path.name, one.line, one.column, one.message, one.hint)
                for one in error.problems
            )
            raise FileError(problems) from error


def _offer_file(about: Subject, name: str, text: str) -> None:
    left, right = st.columns(2)
    left.download_button("Download", text, f"{name}.yaml", "application/yaml", width="stretch")
    if about.folder is None:
        right.caption("Others may connect to this page, so it writes no files here.")
    elif right.button(f"Save into {escape(os.path.relpath(about.folder))}", width="stretch"):
        try:
            path = escape(os.path.relpath(save(about, name, text, about.folder)))
        except BiasAuditError as error:
            show_error(error)
        else:
            st.success(f"Saved as {path}. Next: bias-audit probes check {path}")


def save(about: Subject, name: str, text: str, folder: Path) -> Path:
    """Write a new file; what is there stays.

    Raises:
        UsageError: the name cannot be used or is taken, or the folder cannot be written.
    """
    with _saving:
        return write_new(about.kind, name, folder, about.catalogue, text=text)[0]
