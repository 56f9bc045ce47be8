"""Every scored sentence of an audit, packed so that a page can hold it and its script read it.

A sentence is what stands before the scored word, the word, and what stands after it; where labels
of whole sentences are scored, all of it stands before, and its labels have no text. Scores are
steps of 0.04 nats (a probability to two parts in a hundred), as differences from what
the word and the sentence give on average, which compress well.
"""

from __future__ import annotations

import base64
import csv
import json
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import fmean
from typing import Any

from bias_audit.errors import UsageError
from bias_audit.reports.text import clean, clip, count
from bias_audit.reports.view import page
from bias_audit.reports.view.index import OTHERS, Index
from bias_audit.results.evidence import COSINE, EVIDENCE_FILE, Source, open_evidence
from bias_audit.utils.text import read_csv_cell

STEP = 0.04
"""Nats between neighbouring scores."""
_NO_SCORE = 32767
"""Stands for a word that could not be scored."""
_LONGEST = 400
"""Characters of a sentence or a word."""
_COLUMNS = (
    "probe", "template", "variant", "group", "term", "label", "target", "text",
)  # fmt: skip
_FINER = 20
"""Cosines are packed in so much finer steps than logarithms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sentence:
    """One sentence frame with one group word in it, and every word that was scored there."""

    frame: str
    group: str
    term: str
    head: str
    tail: str
    words: tuple[tuple[str, str], ...]
    """(target, as it stands in the sentence), the same for most sentences of a frame."""
    scores: tuple[float | None, ...]


def explorer(
    index: Index, evidence: Source, room: int, room_for_controls: int
) -> page.Explorer | None:
    """Pack the sentences of all probes, those with findings first, as many as there is room for.

    Args:
        index: the audit.
        evidence: its scores.
        room: bytes that they may take in the page.
        room_for_controls: the same where controls are among them.

    Raises:
        UsageError: the evidence cannot be read.
    """
    try:
        probes = _sentences(index, evidence)
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        name = str(evidence) if isinstance(evidence, Path) else "the evidence"
        raise UsageError(
            f"{name} is not readable evidence: {error}",
            hint="it was cut off or changed; run the audit again, or take it away",
        ) from error
    total = sum(len(one.scores) for some in probes.values() for one in some)
    if not total:
        return None
    blocks: list[page.ExplorerBlock] = []
    for name in sorted(probes, key=lambda probe: _priority(index, probe)):
        limit = room_for_controls if _priority(index, name)[0] else room
        block = _fit(index, name, probes[name], limit - sum(one.size for one in blocks))
        if block is not None:
            blocks.append(block)
    shown = sum(block.rows for block in blocks)
    return page.Explorer(
        blocks=tuple(blocks),
        shown=shown,
        total=total,
        rest=_rest(total, shown, len(blocks), len(probes)),
    )


def _rest(total: int, shown: int, blocks: int, probes: int) -> str:
    """Say where the scores are that have no room in the page."""
    if shown == total:
        return ""
    return (
        f"To keep this page small it holds {shown:,} of {count(total, 'score')} "
        f"({blocks} of {count(probes, 'probe')}, those with associations first, controls last). "
        f"All of them are in {EVIDENCE_FILE} in the folder of the run."
    )


def _priority(index: Index, name: str) -> tuple[bool, int, str]:
    """Probes before controls, those with associations first, in the order of the audit."""
    probe = index.probes.get(name)
    shown = probe.outcomes.get("association", 0) if probe else 0
    return (probe is None or probe.role != "probe", not shown, name)


def _sentences(index: Index, evidence: Source) -> dict[str, list[_Sentence]]:
    probes: dict[str, list[_Sentence]] = {}
    finer = _finer(index)
    with open_evidence(evidence) as stream:
        rows = csv.reader(stream, strict=True)
        names = next(rows, [])
        score = "log_prob" if finer == 1 else COSINE
        take = itemgetter(*(names.index(name) for name in (*_COLUMNS, score)))
        for key, cells in groupby(map(take, rows), key=itemgetter(*range(6))):
            probe, template, variant, group, _, term = map(_tidy, key)
            frame = f"{template} {variant}".rstrip()
            texts, words, scores = [], [], []
            for *_, target, text, value in cells:
                words.append(_tidy(target))
                query = f" \u2248 {_target_text(index, probe, words[-1])}" if finer > 1 else ""
                texts.append(_tidy(f"{text}{query}"))
                scores.append(finer * float(value) if value else None)
            whole = index.facts.of == "label"
            head, middles, tail = (texts[0], [""] * len(texts), "") if whole else _split(texts)
            one = _Sentence(
                frame=frame,
                group=group,
                term=term,
                head=head,
                tail=tail,
                words=tuple(zip(words, middles, strict=True)),
                scores=tuple(scores),
            )
            probes.setdefault(probe, []).append(one)
    return probes


def _finer(index: Index) -> int:
    return _FINER if index.facts.is_cosine else 1


def _target_text(index: Index, probe: str, target: str) -> str:
    """The word that a query names; it stands in no sentence."""
    record = index.probes.get(probe)
    texts = {one.id: one.text for one in record.targets} if record else {}
    return texts.get(target, target)


def _tidy(text: str) -> str:
    """Return a text that hides nothing and is not too long; most are so already."""
    if len(text) <= _LONGEST and text.isascii() and text.isprintable() and text[:1] != "'":
        return text
    return clip(clean(read_csv_cell(text)), _LONGEST)


def _split(texts: Sequence[str]) -> tuple[str, list[str], str]:
    """Split sentences into what they begin with, what differs, and what they end with.

    >>> _split(["She is a nurse.", "She is a cook.", "She is an actor."])
    ('She is ', ['a nurse', 'a cook', 'an actor'], '.')
    """
    if len(texts) < 2:
        return "", list(texts), ""
    head = _common_start(texts)
    head = head[: head.rfind(" ") + 1]
    rests = [text[len(head) :] for text in texts]
    tail = _common_start([rest[::-1] for rest in rests])[::-1]
    tail = tail[next((i for i, letter in enumerate(tail) if not letter.isalnum()), len(tail)) :]
    return head, [rest[: len(rest) - len(tail)] for rest in rests], tail


def _common_start(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    low, high = min(texts), max(texts)
    same = (i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b)
    return low[: next(same, min(len(low), len(high)))]


def _fit(
    index: Index, name: str, sentences: Sequence[_Sentence], room: int
) -> page.ExplorerBlock | None:
    """Pack a probe; where it has no room, only as many of its sentence frames as have."""
    frames = list(dict.fromkeys(one.frame for one in sentences))
    while frames:
        kept = frozenset(frames)
        block = _pack(index, name, [one for one in sentences if one.frame in kept])
        if block.size <= room:
            return replace(block, frames=len(frames))
        frames = frames[: min(len(frames) - 1, int(0.95 * len(frames) * room / block.size))]
    return None


def _pack(index: Index, name: str, sentences: Sequence[_Sentence]) -> page.ExplorerBlock:
    lists = _numbers((one.frame, one.words) for one in sentences)
    by_list: dict[Any, list[tuple[float | None, ...]]] = {}
    for one in sentences:
        by_list.setdefault((one.frame, one.words), []).append(one.scores)
    means = {words: _means(scores) for words, scores in by_list.items()}
    base = array("h", (value for words in lists for value in means[words]))
    shifts = array("h", (_shift(one, means[one.frame, one.words]) for one in sentences))
    rest = array(
        "h",
        (
            _NO_SCORE if score is None else round(score / STEP) - mean - shift
            for one, shift in zip(sentences, shifts, strict=True)
            for score, mean in zip(one.scores, means[one.frame, one.words], strict=True)
        ),
    )
    content = {
        **_facts(index, name, sentences),
        "step": STEP / _finer(index),
        **({"whole": True} if index.facts.of == "label" else {}),
        "score": index.facts.score.split()[0],
        "lists": [words for _, words in lists],
        "frames": [one.frame for one in sentences],
        "heads": [one.head for one in sentences],
        "tails": [one.tail for one in sentences],
        "terms": [one.term for one in sentences],
        "groups": [one.group for one in sentences],
        "words": [lists[one.frame, one.words] for one in sentences],
    }
    probe = index.probes.get(name)
    return page.ExplorerBlock(
        probe=name,
        title=index.title(name),
        control=probe is None or probe.role != "probe",
        sensitive=bool(probe and probe.sensitive),
        rows=len(rest),
        frames=0,
        content=_squeeze(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()),
        scores=_squeeze(_planes(base) + _planes(shifts) + _planes(rest)),
    )


def _facts(index: Index, name: str, sentences: Sequence[_Sentence]) -> dict[str, Any]:
    """Names of groups and words as readers know them, and what was said of each group."""
    probe = index.probes.get(name)
    labels = {g.id: g.label for g in (*probe.groups, *probe.extra_groups)} if probe else {}
    texts = {target.id: target.text for target in probe.targets} if probe else {}
    targets = dict.fromkeys(target for one in sentences for target, _ in one.words)
    outcomes: dict[str, list[str]] = {}
    for result in index.of(name, "primary"):
        for group in result.groups if result.outcome else ():
            if group != OTHERS:
                outcomes.setdefault(group, []).append(str(result.outcome))
    if index.facts.of == "label":
        texts = {target: text.removeprefix("... ") for target, text in texts.items()}
    return {
        "labels": {group: labels.get(group, group) for group in {s.group: 0 for s in sentences}},
        "targets": {target: texts.get(target, target) for target in targets},
        "outcomes": outcomes,
    }


def _numbers(keys: Iterable[Any]) -> dict[Any, int]:
    return {one: place for place, one in enumerate(dict.fromkeys(keys))}


def _means(scores: Sequence[tuple[float | None, ...]]) -> list[int]:
    """Return the mean score of each word over the sentences that have the same words, in steps."""
    columns = ([v for v in column if v is not None] for column in zip(*scores, strict=True))
    return [round(fmean(values) / STEP) if values else 0 for values in columns]


def _shift(sentence: _Sentence, means: Sequence[int]) -> int:
    """Return how far all words of a sentence lie from the means of its frame, in steps."""
    pairs = zip(sentence.scores, means, strict=True)
    known = [score / STEP - mean for score, mean in pairs if score is not None]
    return round(fmean(known)) if known else 0


def _planes(numbers: array[int]) -> bytes:
    """Return the low bytes of all numbers, then their high bytes."""
    raw = array("h", numbers)
    if sys.byteorder == "big":
        raw.byteswap()
    content = raw.tobytes()
    return content[::2] + content[1::2]


def _squeeze(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()


__all__ = ["STEP", "explorer"]
