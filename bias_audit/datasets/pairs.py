"""Sentence pairs from data sets that hold something else, for the measures that take pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bias_audit.datasets.dataset import Dataset
from bias_audit.datasets.info import PAIR_MEASURES
from bias_audit.datasets.items import Choice, PronounSentence, Question, SentencePair
from bias_audit.errors import UsageError

UNKNOWN = "unknown"
"""The group of BBQ's answer that names no person."""


class Pairs:
    """The pairs of a data set, one at a time; what makes none is counted with its reason.

    StereoSet gives its stereotype and anti-stereotype (clusters: target terms); between sentences,
    both after the context. WinoBias gives the sentence that follows the stereotype and the one
    against it. BBQ gives an ambiguous context, the question, and the answer that fits the
    stereotype or the other one; that is an adaptation.
    """

    def __init__(self, dataset: Dataset) -> None:
        if not set(PAIR_MEASURES) & set(dataset.info.measures):
            raise UsageError(
                f"{dataset.info.title} holds no sentence pairs: {dataset.info.holds}",
                hint="'bias-audit datasets describe' names the measures that take it",
            )
        self._dataset = dataset
        self.left_out: Counter[str] = Counter()
        """How many items made no pair, by reason; complete after a whole pass."""

    def __iter__(self) -> Iterator[SentencePair]:
        self.left_out.clear()
        waiting: dict[tuple[str, str, str], PronounSentence] = {}
        for item in self._dataset:
            match item:
                case SentencePair():
                    yield item
                case Choice():
                    yield _choice_pair(item)
                case PronounSentence():
                    yield from self._pronoun_pair(item, waiting)
                case Question():
                    yield from self._answer_pair(item)
        if waiting:
            first = min(waiting.values(), key=lambda r: r.id)
            missing = "anti" if first.stance == "pro" else "pro"
            raise UsageError(
                f"{len(waiting)} sentences of {self._dataset.path} have no counterpart "
                f"(first: {first.id})",
                hint=f"give the folder that holds the {missing}_stereotyped files too",
            )

    def _pronoun_pair(
        self, one: PronounSentence, waiting: dict[tuple[str, str, str], PronounSentence]
    ) -> Iterator[SentencePair]:
        """Yield a pair as soon as both sentences of a number have come."""
        key = (one.kind, one.split, one.id.split(".")[2])
        other = waiting.pop(key, None)
        if other is None:
            waiting[key] = one
            return
        pro, anti = (one, other) if one.stance == "pro" else (other, one)
        if pro.gender == anti.gender or pro.entity.lower() != anti.entity.lower():
            self.left_out["its two sentences are about different people"] += 1
            return
        yield SentencePair(
            id=".".join(key),
            more=pro.text,
            less=anti.text,
            category=one.kind,
            cluster=pro.occupation.lower(),
            line=pro.line,
        )

    def _answer_pair(self, item: Question) -> Iterator[SentencePair]:
        """Yield two answers where the stereotype is about exactly one of two people."""
        if item.condition != "ambig":
            self.left_out["the context gives the answer away"] += 1
            return
        people = [n for n, group in enumerate(item.groups) if group.lower() != UNKNOWN]
        stereotyped = {group.lower() for group in item.stereotyped}
        people.sort(key=lambda n: item.groups[n].lower() not in stereotyped)
        about = [n for n in people if item.groups[n].lower() in stereotyped]
        if len(people) != 2 or len(about) != 1:
            self.left_out["the stereotype is not about exactly one of two people"] += 1
            return
        fits, against = people if item.polarity == "neg" else reversed(people)
        frame = f"{item.context} {item.question} "
        yield SentencePair(
            id=item.id,
            more=f"{frame}{item.answers[fits].removesuffix('.')}.",
            less=f"{frame}{item.answers[against].removesuffix('.')}.",
            category=item.category,
            cluster=item.cluster,
            line=item.line,
        )


def sentence_pairs(dataset: Dataset) -> Pairs:
    """Return the pairs of a data set, or a ``UsageError``; each iteration reads the files again."""
    return Pairs(dataset)


def _choice_pair(item: Choice) -> SentencePair:
    before = f"{item.context} " if item.kind == "intersentence" else ""
    return SentencePair(
        id=item.id,
        more=before + item.stereotype,
        less=before + item.anti,
        category=item.category,
        cluster=item.target,
        line=item.line,
    )
