"""Sentence pairs from data sets that hold something else, for the measures that take pairs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from bias_audit.datasets.dataset import Dataset
from bias_audit.datasets.info import PAIR_MEASURES
from bias_audit.datasets.items import Choice, PronounSentence, Question, SentencePair
from bias_audit.errors import UsageError

UNKNOWN = "unknown"
"""The group of BBQ's answer that names no person."""
_SEX = {
    **dict.fromkeys(("woman", "women", "girl", "girls", "female"), "f"),
    **dict.fromkeys(("man", "men", "boy", "boys", "male"), "m"),
}
"""BBQ writes one group as a word in some items and as a letter in others."""
_OTHER = "the stereotype is not about exactly one of two people"


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
        self._second: dict[str, set[str]] = defaultdict(set)
        self.lost: Counter[tuple[str, str]] = Counter()
        """How many items made no pair, by category and reason; complete after a whole pass."""

    @property
    def left_out(self) -> Counter[str]:
        """How many items made no pair, by reason; complete after a whole pass."""
        reasons = self._dataset.left_out
        for (_, reason), count in self.lost.items():
            reasons[reason] += count
        return reasons

    @property
    def losses(self) -> Counter[str]:
        """The same by category; empty for rows of a table that lack a text."""
        counts = Counter({"": self._dataset.left_out.total()})
        for (category, _), count in self.lost.items():
            counts[category] += count
        return +counts

    def __iter__(self) -> Iterator[SentencePair]:
        self.lost.clear()
        waiting: dict[tuple[str, str, str], PronounSentence] = {}
        self._second.clear()
        undecided: list[Question] = []
        for item in self._dataset:
            match item:
                case SentencePair():
                    yield item
                case Choice():
                    yield _choice_pair(item)
                case PronounSentence():
                    yield from self._pronoun_pair(item, waiting)
                case Question():
                    yield from self._answer_pair(item, undecided)
        for item in undecided:
            yield from self._second_pair(item)
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
            self.lost[one.kind, "its two sentences are about different people"] += 1
            return
        yield SentencePair(
            id=".".join(key),
            more=pro.text,
            less=anti.text,
            category=one.kind,
            cluster=pro.occupation.lower(),
            line=pro.line,
        )

    def _answer_pair(self, item: Question, undecided: list[Question]) -> Iterator[SentencePair]:
        """Yield two answers where the stereotype is about exactly one of two people.

        Where it is about both by their first group ("Black"), the second ("woman") decides, which
        an item does not state: it is what both have in common where the first one differs. Such
        items wait for the others of their question.
        """
        if item.condition != "ambig":
            self.lost[item.category, "the context gives the answer away"] += 1
            return
        people, tags = _people(item)
        groups = {_tag(group) for group in item.stereotyped}
        about = [n for n, one in zip(people, tags, strict=True) if one & groups]
        bare = [n for n, one in zip(people, tags, strict=True) if not one]
        if not about and len(bare) == 1:  # some answers lack their tag
            about = bare
        if len(people) == 2 and len(about) == 1:
            self._second[item.cluster] |= tags[0] & tags[1]
            yield _answers(item, about[0], next(n for n in people if n not in about))
        elif len(people) == 2 and len(about) == 2:
            undecided.append(item)
        else:
            self.lost[item.category, _OTHER] += 1

    def _second_pair(self, item: Question) -> Iterator[SentencePair]:
        """Yield two answers where the second group of the stereotype is that of one of them."""
        people, tags = _people(item)
        one, two = (own & self._second[item.cluster] for own in tags)
        if bool(one - two) == bool(two - one):
            self.lost[item.category, _OTHER] += 1
        else:
            yield _answers(item, *(people if one - two else people[::-1]))


def _tag(text: str) -> str:
    """Return a group whatever its spelling: low SES and lowSES, woman and F are one."""
    plain = re.sub(r"[\W_]+", "", text.casefold())
    return _SEX.get(plain, plain)


def _tags(item: Question, number: int) -> set[str]:
    """Return all that an answer of BBQ says of its person: its name, its group and parts of it."""
    name, group = item.names[number], item.groups[number]
    return {_tag(text) for text in (name, group, *re.split("[-_]", group))} - {""}


def _people(item: Question) -> tuple[list[int], list[set[str]]]:
    """Return the numbers of the answers that name a person, and what they say of them.

    BBQ tags some pairs of answers alike ("African" for "the African American" too); then the words
    of the answers tell them apart.
    """
    people = [n for n, group in enumerate(item.groups) if group.lower() != UNKNOWN]
    tags = [_tags(item, n) for n in people]
    if len(tags) == 2 and tags[0] == tags[1]:
        tags = [own | _words(item, n) for n, own in zip(people, tags, strict=True)]
    return people, tags


def _words(item: Question, number: int) -> set[str]:
    """Return the words of an answer, and the stereotyped groups that it names."""
    answer = item.answers[number]
    groups = [g for g in item.stereotyped if re.search(rf"\b{re.escape(g)}\b", answer, re.I)]
    return {_tag(text) for text in (*re.findall(r"\w+", answer), *groups)}


def _answers(item: Question, about: int, other: int) -> SentencePair:
    """Return the answer that fits the stereotype, which is about one person, and the other one."""
    fits, against = (about, other) if item.polarity == "neg" else (other, about)
    frame = f"{item.context} {item.question} "
    return SentencePair(
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
