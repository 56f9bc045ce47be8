"""Example sentences: typical and most telling words, with both groups' percentages."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from bias_audit.reports.text import short, times
from bias_audit.reports.view import page
from bias_audit.reports.view.index import OTHERS, Index
from bias_audit.reports.wording import score
from bias_audit.results import Result, Sentence

BLANK = "___"
MOST = 2
_LONG = 28
"""Characters of group words that stand side by side in a sentence."""
_EDGE = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)


def examples(index: Index, result: Result) -> tuple[tuple[page.Example, ...], bool]:
    """Return the sentences that stand for a comparison, and whether others are folded.

    A typical one of each pole, of which only both show the ratio; without them the most telling one
    of each pole. Sentences with harmful words are never among them.
    """
    stored = _sentences_of(index, result)
    typical = [s for s in stored if s.typical and not s.harmful]
    typical.sort(key=lambda one: one.pole != _pole(result))
    telling = [s for s in stored if not s.typical]
    fit = [one for one in telling if _points_the_same_way(one, result)] or telling
    whole = index.facts.form != "percent"
    fit.sort(key=lambda one: (one.pole != _pole(result), -_weight(one, whole=whole)))
    shown = [one for one in fit if not one.harmful]
    second = [one for one in shown[1:] if one.pole != shown[0].pole] or shown[1:]
    chosen = typical if len(typical) == MOST else [*shown[:1], *second][:MOST]
    return tuple(_example(index, result, one) for one in chosen), len(shown) < len(fit)


def _scores_groups(index: Index, result: Result) -> bool:
    probe = index.probes.get(result.probe)
    return probe is not None and probe.mask == "group"


def _sentences_of(index: Index, result: Result) -> list[Sentence]:
    finding = index.findings.get(result.id)
    return list((finding.sentences if finding else ()) or result.sentences)


def _sign(result: Result) -> int:
    return 1 if (result.estimate or 0.0) >= 0 else -1


def _pole(result: Result) -> str:
    """Which pole the group that comes first here leans to: as the outcome is told."""
    return "-" if OTHERS in result.groups and _sign(result) < 0 else "+"


def _points_the_same_way(sentence: Sentence, result: Result) -> bool:
    towards = 1 if sentence.pole == "+" else -1
    return (sentence.log_prob_a - sentence.log_prob_b) * towards * _sign(result) > 0


def _weight(sentence: Sentence, *, whole: bool) -> float:
    """How much a reader sees in it: a large difference in per cent and in proportion.

    Of ``whole`` sentences only the proportion can be seen.
    """
    if whole:
        return abs(sentence.log_prob_a - sentence.log_prob_b)
    a, b = (math.exp(min(value, 0.0)) for value in (sentence.log_prob_a, sentence.log_prob_b))
    return (abs(a - b) + 1e-9) * abs(sentence.log_prob_a - sentence.log_prob_b)


class _Parts(NamedTuple):
    """Two sentences that differ in one place."""

    start: str
    a: str
    b: str
    end: str


def _example(index: Index, result: Result, sentence: Sentence) -> page.Example:
    probe = index.probes.get(result.probe)
    parts = _split(sentence.text_a, sentence.text_b)
    scores_groups = _scores_groups(index, result) and not index.facts.is_cosine
    in_order = scores_groups or sentence.typical
    turned = sentence.log_prob_a < sentence.log_prob_b and not in_order
    if scores_groups:
        a, b = (*sentence.word.split(" / "), sentence.word)[:2]
        text = f"{parts.start}{BLANK}{parts.end}" if parts.a == a else _blank(sentence.text_a, a)
        word = ""
    else:
        word = sentence.word.split(" / ")[0]
        a, b = parts.a, parts.b
        if not a or not b or len(a) + len(b) > _LONG:
            labels = (*index.labels(result), "the other group")
            a, b = labels[0], labels[1]
            text = _blank(sentence.text_a, word)
        else:
            text = _side_by_side(parts, word, turned=turned)
    least = min(sentence.log_prob_a, sentence.log_prob_b)
    reading, is_log = index.audit.model.reading, index.facts.form == "log"
    shares = [
        (short(name, 40), f"{times(value - least)} ×" if is_log else score(value, reading))
        for name, value in ((a, sentence.log_prob_a), (b, sentence.log_prob_b))
    ]
    if turned:
        shares.reverse()
    pole = "" if probe is None else probe.plus if sentence.pole == "+" else probe.minus
    return page.Example(
        sentence=text,
        word=short(word, 40),
        shares=(shares[0], shares[1]),
        kind=kind(sentence, result, of=pole if in_order else ""),
        pole="" if in_order else pole,
    )


def kind(sentence: Sentence, result: Result, of: str = "") -> str:
    """Say what a sentence stands for: ``typical``, ``most telling``, ``the other way``.

    What stands for one pole, ``of``, has no direction of its own.
    """
    name = "typical" if sentence.typical else "most telling"
    if of:
        return f"{name} of {of}"
    if result.estimate is None or _points_the_same_way(sentence, result):
        return name
    return "the other way"


def _split(a: str, b: str) -> _Parts:
    """Split two sentences into what they share at both ends and the words between."""
    left, right = a.split(" "), b.split(" ")
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    middle_a, middle_b = (" ".join(ws[start : len(ws) - end]) for ws in (left, right))
    edges_a, edges_b = _EDGE.match(middle_a), _EDGE.match(middle_b)
    before = after = ""
    if edges_a and edges_b and edges_a[1] == edges_b[1] and edges_a[3] == edges_b[3]:
        before, middle_a, after = edges_a[1], edges_a[2], edges_a[3]
        middle_b = edges_b[2]
    head = " ".join(left[:start])
    tail = " ".join(left[len(left) - end :])
    return _Parts(
        f"{head} {before}".lstrip() if head else before,
        middle_a,
        middle_b,
        f"{after} {tail}".rstrip() if tail else after,
    )


def _side_by_side(parts: _Parts, word: str, *, turned: bool) -> str:
    """One sentence for both groups, with a blank for the word."""
    both = f"{parts.b} / {parts.a}" if turned else f"{parts.a} / {parts.b}"
    end = _blank(parts.end, word)
    start = parts.start if end != parts.end else _blank(parts.start, word)
    return f"{start}{both}{end}"


def _blank(text: str, word: str) -> str:
    """The text with a blank in place of the last mention of the word."""
    found = list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)) if word else []
    if not found:
        return text
    return f"{text[: found[-1].start()]}{BLANK}{text[found[-1].end() :]}"


def card_examples(
    index: Index, result: Result, most: int
) -> tuple[tuple[page.Example, ...], tuple[page.Example, ...]]:
    """Return the sentences of a comparison, and those in which harmful words stand.

    A typical one and the most telling, then a typical one of the other pole and the others; those
    that point the other way come last.
    """
    whole = index.facts.form != "percent"
    stored = _sentences_of(index, result)
    typical = [s for s in stored if s.typical]
    typical.sort(key=lambda one: one.pole != _pole(result))
    telling = [s for s in stored if not s.typical]
    telling.sort(key=lambda s: (not _points_the_same_way(s, result), -_weight(s, whole=whole)))
    chosen = [*typical[:1], *telling[:1], *typical[1:], *telling[1:]][:most]
    return (
        tuple(_example(index, result, one) for one in chosen if not one.harmful),
        tuple(_example(index, result, one) for one in chosen if one.harmful),
    )
