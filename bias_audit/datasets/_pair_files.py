"""Readers of tables with two sentences in each row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Literal, cast

from bias_audit.datasets._source import Source
from bias_audit.datasets.records import SentencePair

_DIRECTIONS = ("stereo", "antistereo")


def crows_pairs(sources: Sequence[Source]) -> Iterator[SentencePair]:
    """CrowS-Pairs, original or revised: ``sent_more`` is always the more stereotypical sentence."""
    required = ("sent_more", "sent_less", "stereo_antistereo", "bias_type")
    hint = "expected crows_pairs_anonymized.csv or a revision with the same columns"
    for source in sources:
        for number, (line, row) in enumerate(source.rows(required, hint=hint)):
            way = source.one_of(
                row["stereo_antistereo"], _DIRECTIONS, line=line, of="stereo_antistereo"
            )
            yield SentencePair(
                id=row.get("") or row.get("index") or str(number),
                more=_text(source, row, "sent_more", line),
                less=_text(source, row, "sent_less", line),
                category=_text(source, row, "bias_type", line),
                direction=cast(Literal["stereo", "antistereo"], way),
                cluster=row.get("anon_writer") or "",
                line=line,
            )


def winoqueer(sources: Sequence[Source]) -> Iterator[SentencePair]:
    """WinoQueer: ``sent_x`` is the sentence about a queer identity, ``sent_y`` the counterpart.

    The cluster is the sentence without its identity: many pairs are made from one template.
    """
    required = ("Gender_ID_x", "Gender_ID_y", "sent_x", "sent_y")
    for source in sources:
        for number, (line, row) in enumerate(source.rows(required, hint="winoqueer_final.csv")):
            more, name = _text(source, row, "sent_x", line), _text(source, row, "Gender_ID_x", line)
            yield SentencePair(
                id=row.get("") or str(number),
                more=more,
                less=_text(source, row, "sent_y", line),
                category=name,
                cluster=_template(more, name),
                line=line,
            )


def redditbias(sources: Sequence[Source]) -> Iterator[SentencePair]:
    """RedditBias: ``comments`` as people wrote them, ``comments_processed`` with the other group.

    The category comes from the file's name, ``reddit_comments_<axis>_<group>_...csv``.
    """
    required = ("comments", "comments_processed")
    hint = "expected the pairs: reddit_comments_<axis>_<group>_biased_test_reduced.csv"
    for source in sources:
        found = re.match(r"reddit_comments_([a-z]+)\d*_", source.path.name)
        category = found[1] if found else source.path.stem
        for number, (line, row) in enumerate(source.rows(required, hint=hint)):
            yield SentencePair(
                id=f"{source.path.stem}:{number}",
                more=_text(source, row, "comments", line),
                less=_text(source, row, "comments_processed", line),
                category=category,
                line=line,
            )


def _template(sentence: str, name: str) -> str:
    """A name for the sentence without its identity, which says nothing of its text."""
    frame = re.sub(re.escape(name), "{}", sentence, flags=re.IGNORECASE)
    return hashlib.sha256(frame.encode()).hexdigest()[:12]


def _text(source: Source, row: dict[str, str], column: str, line: int) -> str:
    """A field that must not be empty, without space around it."""
    value = row[column].strip()
    if not value:
        raise source.problem(line, f"expected text in the column '{column}', got none")
    return value
