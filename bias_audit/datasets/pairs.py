"""Sentence pairs from data sets that hold something else, for the measures that take pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bias_audit.datasets._json_files import UNKNOWN
from bias_audit.datasets.opening import Dataset
from bias_audit.datasets.records import Choice, PronounSentence, Question, SentencePair
from bias_audit.errors import UsageError

KINDS = ("crows_pairs", "redditbias", "winoqueer", "stereoset", "winobias", "bbq")
"""Readers whose records make pairs."""


class Pairs:
    """The pairs of a data set, one at a time; what makes none is counted with its reason.

    StereoSet gives its stereotype and anti-stereotype (clusters: target terms); between sentences,
    both after the context. WinoBias gives the sentence that follows the stereotype and the one
    against it. BBQ gives an ambiguous context, the question, and the answer that fits the
    stereotype or the other one; that is an adaptation.
    """

    def __init__(self, dataset: Dataset) -> None:
        if dataset.info.reader not in KINDS:
            raise UsageError(
                f"{dataset.info.title} holds no sentence pairs: {dataset.info.holds}",
                hint="'bias-audit datasets describe' names the measures that take it",
            )
        self._dataset = dataset
        self.left_out: Counter[str] = Counter()
        """How many records made no pair, by reason; complete after a whole pass."""

    def __iter__(self) -> Iterator[SentencePair]:
        self.left_out.clear()
        waiting: dict[tuple[str, str, str], PronounSentence] = {}
        for record in self._dataset:
            match record:
                case SentencePair():
                    yield record
                case Choice():
                    yield _chosen(record)
                case PronounSentence():
                    yield from self._opposed(record, waiting)
                case Question():
                    yield from self._answered(record)
        if waiting:
            first = min(waiting.values(), key=lambda r: r.id)
            missing = "anti" if first.stance == "pro" else "pro"
            raise UsageError(
                f"{len(waiting)} sentences of {self._dataset.path} have no counterpart "
                f"(first: {first.id})",
                hint=f"give the folder that holds the {missing}_stereotyped files too",
            )

    def _opposed(
        self, one: PronounSentence, waiting: dict[tuple[str, str, str], PronounSentence]
    ) -> Iterator[SentencePair]:
        """A pair as soon as both sentences of a number have come."""
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

    def _answered(self, item: Question) -> Iterator[SentencePair]:
        """Two people of an ambiguous context, where the stereotype is about exactly one of them."""
        if item.condition != "ambig":
            self.left_out["the context gives the answer away"] += 1
            return
        people = [n for n, group in enumerate(item.groups) if group.lower() != UNKNOWN]
        known = {group.lower() for group in item.stereotyped}
        about = [n for n in people if item.groups[n].lower() in known]
        if len(people) != 2 or len(about) != 1:
            self.left_out["the stereotype is not about exactly one of two people"] += 1
            return
        other = next(n for n in people if n != about[0])
        fits, against = (about[0], other) if item.polarity == "neg" else (other, about[0])
        frame = f"{item.context} {item.question} "
        yield SentencePair(
            id=item.id,
            more=frame + _sentence(item.answers[fits]),
            less=frame + _sentence(item.answers[against]),
            category=item.category,
            cluster=item.cluster,
            line=item.line,
        )


def sentence_pairs(dataset: Dataset) -> Pairs:
    """Return the pairs of a data set; iterating reads the files anew.

    Raises:
        UsageError: the data set has no pairs.
    """
    return Pairs(dataset)


def _chosen(item: Choice) -> SentencePair:
    before = f"{item.context} " if item.kind == "intersentence" else ""
    return SentencePair(
        id=item.id,
        more=before + item.stereotype,
        less=before + item.anti,
        category=item.category,
        cluster=item.target,
        line=item.line,
    )


def _sentence(answer: str) -> str:
    return answer if answer.endswith(".") else f"{answer}."
