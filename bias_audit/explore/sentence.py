"""One sentence: completions and named words side by side, and other sentences of its set."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from bias_audit.errors import BiasAuditError
from bias_audit.explore import probe_file
from bias_audit.explore.question import (
    MOST_LETTERS,
    GroupChoice,
    Question,
    SharedModel,
    paraphrases,
    split_words,
)
from bias_audit.explore.subject import Subject
from bias_audit.explore.widgets import escape, show_error, show_table
from bias_audit.pipeline.fill import NOTE_ONE
from bias_audit.pipeline.fill_result import Distance, FillResult
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports.text import count, percent, times

START = "The [group] worked as a <mask>."
START_OF_LABELS = "I spoke to the [group] this morning."
_START_WORDS = "nurse, engineer"
"""What an encoder is asked at first: it has no other answer."""
_TITLES = {"label": "Labels", "similarity": "How near the sentence lies to the words asked for"}
_TYPED = "words that I type"
_OWN = "none, a sentence of my own"
_BESIDE = 4
"""Groups that stand beside each other, as in ``bias-audit fill``; more share one table."""
_PAIRS = 3
"""Pairs of groups whose distance is shown, the largest first."""
_NAMED = 3
"""Words asked for that the table of other sentences has."""

_STEP = 0.25
"""Seconds between two pictures of a table that grows."""


def ask(about: Subject) -> Question:
    """Let the visitor say what to ask."""
    state, catalogue = st.session_state, about.catalogue
    state.setdefault("sentence", START_OF_LABELS if about.reading == "label" else START)
    state.setdefault("words", _START_WORDS if about.reading == "similarity" else "")
    st.text_input(
        "Sentence",
        key="sentence",
        max_chars=MOST_LETTERS,
        help=escape("[group] stands for the words of each group, <mask> for what is filled in"),
    )
    left, right = st.columns(2)
    with left:
        lexicons = [_TYPED, *catalogue.names("lexicon")]
        chosen = st.selectbox("Groups from", lexicons, index=lexicons.index("gender"))
    with right:
        groups = _choose_groups(catalogue, chosen)
    left, right = st.columns(2)
    with left:
        st.text_input("Words to ask for", key="words", placeholder=_START_WORDS)
    with right:
        sets = [_OWN, *catalogue.names("templates")]
        st.selectbox("Set of sentences", sets, key="set", on_change=_take_first, args=(about,))
    language = "en-US"
    if chosen != _TYPED:
        language = catalogue.lexicon(chosen).language
    elif state["set"] != _OWN:
        language = catalogue.template_set(state["set"]).language
    try:
        words = split_words(state["words"])
    except BiasAuditError as error:
        show_error(error)
        words = ()
    return Question(sentence=state["sentence"], groups=groups, words=words, language=language)


def _choose_groups(catalogue: ProbeCatalogue, chosen: str) -> GroupChoice:
    if chosen == _TYPED:
        typed = st.text_input(
            "Groups", "man,woman", key="typed", help="women=woman|lady, men=man|gentleman"
        )
        return GroupChoice(typed=typed)
    lexicon = catalogue.lexicon(chosen)
    names = [*lexicon.sets]
    use = st.multiselect("Groups", names, names[:2], key=f"use {chosen}")
    if lexicon.sensitive:
        st.caption("Words of this list may hurt.")
    return GroupChoice(lexicon=chosen, use=tuple(use))


def _take_first(about: Subject) -> None:
    """Begin with the first sentence of the set that was chosen."""
    if (name := st.session_state["set"]) != _OWN:
        texts = paraphrases(about.catalogue.template_set(name), about.reading)
        st.session_state["sentence"] = texts[0] if texts else ""


def show_answer(model: SharedModel, question: Question, about: Subject) -> None:
    """Ask the model, and show what it says."""
    try:
        result = model.ask(question)
    except BiasAuditError as error:
        show_error(error)
        return
    st.info(NOTE_ONE)
    if result.groups[0].completions:
        _show_completions(result)
    for gap in sorted(result.distances, key=lambda one: -one.jsd)[:_PAIRS]:
        _show_distance(gap)
    if result.targets or not result.groups[0].completions:
        st.markdown(f"**{_TITLES.get(result.reading, 'Words asked for')}**")
        show_table([*_word_rows(result)])
    for note in result.notes:
        if note != NOTE_ONE:
            st.caption(escape(note))
    others = _others(question, about)
    if others and st.toggle(f"Score the {count(len(others), 'other sentence')} of this set"):
        _show_others(model, question, others)
    behind = [word for gap in result.distances for word, *_ in (*gap.towards_a, *gap.towards_b)]
    words = [*dict.fromkeys((*result.targets, *behind))]
    probe_file.offer(question.sentence, others, words if about.kind == "probe" else None)


def _show_completions(result: FillResult) -> None:
    st.markdown("**Completions**")
    if len(result.groups) > _BESIDE:
        show_table([*_word_rows(result)])
        return
    most = 100 * max(p for group in result.groups for _, p in group.completions)
    bar = st.column_config.ProgressColumn(format="%.3g %%", min_value=0.0, max_value=most)
    for column, group in zip(st.columns(len(result.groups)), result.groups, strict=True):
        rows = [{group.name: word, "per cent": 100 * p} for word, p in group.completions]
        show_table(rows, column, column_config={"per cent": bar})


def _show_distance(gap: Distance) -> None:
    st.markdown(
        f"**How far apart: {escape(gap.a)} and {escape(gap.b)}, {gap.jsd:.3f} bits**",
        help="Jensen-Shannon divergence over whole words: 0 = the same, 1 = nothing in common",
    )
    rows = [
        {
            "word": word,
            f"after {gap.a}": percent(p),
            f"after {gap.b}": percent(q),
            "ratio": f"{name} {times(abs(math.log(p / q)))} ×" if p and q else "-",
        }
        for name, behind in ((gap.a, gap.towards_a), (gap.b, gap.towards_b))
        for word, p, q in behind
    ]
    if rows:
        show_table(rows)


def _word_rows(result: FillResult) -> Iterator[dict[str, str]]:
    """Return what :meth:`FillResult.table` says, with heads that no group can have."""
    (name, *heads), *rows = result.table()
    groups = len(result.groups)
    heads = [name, *(f"after {head}" for head in heads[:groups]), *heads[groups:]]
    for row in rows:
        yield dict(zip(heads, row, strict=True))


def _others(question: Question, about: Subject) -> list[str]:
    """Return the other sentences of the set that was chosen."""
    name = st.session_state["set"]
    if name == _OWN:
        return []
    texts = paraphrases(about.catalogue.template_set(name), about.reading)
    return [text for text in texts if text != question.sentence]


def _show_others(model: SharedModel, question: Question, others: Sequence[str]) -> None:
    """Score other sentences in the same way, and show each as it is scored."""
    rows: list[dict[str, Any]] = []
    bar, place, drawn = st.progress(0.0), st.empty(), 0.0
    wide = {"sentence": st.column_config.TextColumn(width="large")}
    for number, text in enumerate((question.sentence, *others), start=1):
        try:
            rows.append(_sentence_row(model.ask(replace(question, sentence=text))))
        except BiasAuditError as error:
            rows.append({"sentence": text, "not scored": error.message})
        if number > len(others) or time.monotonic() - drawn > _STEP:
            show_table(rows, place, column_config=wide)
            bar.progress(number / (len(others) + 1))
            drawn = time.monotonic()
    bar.empty()
    gaps = sorted(row["bits"] for row in rows if "bits" in row)
    if gaps:
        st.caption(
            f"Divergence over {count(len(gaps), 'sentence')}: from {gaps[0]:.3f} to {gaps[-1]:.3f}"
            " bits. An audit asks many sentences and words, and compares them with chance."
        )


def _sentence_row(result: FillResult) -> dict[str, Any]:
    row: dict[str, Any] = {"sentence": result.template}
    if result.distances:
        row["bits"] = round(max(gap.jsd for gap in result.distances), 4)
    for group in result.groups:
        if group.completions:
            word, p = group.completions[0]
            row[group.name] = f"{word} {percent(p)}"
    asked = result.targets or not result.groups[0].completions
    for one in result.words[:_NAMED] if asked else ():
        row[f"“{one.word}”"] = " / ".join(map(result.number, one.probabilities))
    return row
