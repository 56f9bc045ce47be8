"""One vocabulary in every rendered text: one name for a state, one scale and one direction."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bias_audit.reports import render
from bias_audit.reports.wording import OUTCOME_WORDS, STATE_WORDS
from bias_audit.results import Results, load_results

from .gated import gated
from .test_completions import KILLED, SLUR, overall, said
from .test_completions import audit as completed
from .test_first_screen import association, crowded
from .test_first_screen import audit as compared

GOLDEN = Path(__file__).parents[1] / "golden"
SHOWN = ("terminal", "md", "notebook", "github", "gitlab", "junit", "sarif")
BELOW_ONE = re.compile(r"(?<![\d.,/])0\.\d+ ?(?:times|×)")
TIMES = re.compile(r"\d ?(?:times\b|×)")
NATS = re.compile(r"\d ?nats\b")
OTHER_NAMES = {
    "fail": r"\bFAIL\b|\bfail: |\| ✕ fail\b|\bfailing\b",
    "pass": r"\bPASS\b|\bpass: |\| ✓ pass\b|\b(is|was) allowed\b",
    "unclear": r"\binconclusive\b|\bundecided\b",
    "error": r"\bcrash(es)?\b(?!ed)|\berrored\b",
    "waived": r"\bexempt(ed)?\b",
    "skipped": r"(?<!did )\bnot run\b",
    "association": r"\bassociated\b|\bassociation shown\b",
    "small": r"\bnegligible\b|\bno effect\b|\bequivalent\b",
    "open": r"\bunsettled\b|\binconclusive\b",
    "not_measurable": r"\bunmeasurable\b|\bnot judged\b|\bcannot be measured\b",
    "completions_differ": r"\bcompletions (are different|diverge)\b",
    "no_difference_shown": r"\bcompletions (agree|do not differ)\b",
}


@cache
def audits() -> dict[str, Results]:
    """A set of audits that between them have every state and outcome."""
    invented = gated()  # the sentences of its findings are, too
    said_there = tuple(
        f.model_copy(update={"detail": "", "headline": ""}) for f in invented.findings
    )
    return {
        "gated": invented.model_copy(update={"findings": said_there}),
        "datasets": load_results(GOLDEN / "dataset"),
        "crowded": crowded(),
        "turned": compared(association(-0.6)),
        "completions": completed(overall(), said("a", (KILLED, SLUR))),
    }


def texts(*formats: str) -> Iterator[tuple[str, str]]:
    """Every audit in every format, with what it is."""
    for name, results in audits().items():
        for one in formats:
            yield f"{name} as {one}", html.unescape(render(results, one)).replace("\\", "")


def test_every_state_and_outcome_occurs_and_has_one_name() -> None:
    assert set(OTHER_NAMES) == {*STATE_WORDS, *OUTCOME_WORDS}
    every = " ".join(text for _, text in texts("terminal", "md")).lower()
    for words, _ in (*STATE_WORDS.values(), *OUTCOME_WORDS.values()):
        if words != "no difference shown":
            assert words in every, words
    for where, text in texts("terminal", "md", "notebook", "github"):
        for state, others in OTHER_NAMES.items():
            assert not re.findall(others, text), (where, state)


@pytest.mark.parametrize("name", [*SHOWN, "html", "card"])
def test_nothing_is_said_to_be_less_than_once_as_likely(name: str) -> None:
    for where, text in texts(name):
        assert BELOW_ONE.findall(text) == [], where


@pytest.mark.parametrize("name", SHOWN)
def test_no_sentence_has_a_number_in_two_scales(name: str) -> None:
    for where, text in texts(name):
        for sentence in re.split(r"[.;!?]\s|[|<>\n]", text):
            assert not (TIMES.search(sentence) and NATS.search(sentence)), (where, sentence)


def test_a_terminal_shows_no_nats() -> None:
    for where, text in texts("terminal", "notebook"):
        assert "nats" not in text, where
