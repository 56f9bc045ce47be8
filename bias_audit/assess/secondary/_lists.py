"""Completions looked up in lists of words: hurtful ones (M13), pleasant and unpleasant ones (M14).

Only what is filled in is looked up; the sentence, with its group word, is never read by a list.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from bias_audit.assess._design import Design
from bias_audit.assess._input import Scored, Settings, WordLists
from bias_audit.assess.secondary import _record
from bias_audit.assess.secondary._opened import Opened, opened, top
from bias_audit.metrics.completions import expected_value, hit_rates, rate_odds, text_value
from bias_audit.metrics.rankings import ranking
from bias_audit.probes.schema.text import primary_language
from bias_audit.records import OTHERS
from bias_audit.results import Companion, Result, WordShare
from bias_audit.stats.estimate import Contrast
from bias_audit.utils.arrays import Floats

DEPTHS = (1, 5, 20)
"""Completions looked up for each sentence and word; the last gives the rate that is compared."""
NAMED = 5
VALUED = 3
"""Words of each group that are named: hurtful ones, and those with a valence."""
MAX_SCORER = 0.2
"""A list that finds more than this share of a gap in the sentences alone is no instrument."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compared:
    """One number of each completion, compared between groups."""

    scored: Scored
    settings: Settings
    opened: Opened
    y: Floats
    """(templates, units)."""

    @property
    def groups(self) -> list[str]:
        return _record.ids(self.scored, self.opened.groups)

    def level(self, group: str) -> float:
        return self.opened.level(self.y, group)

    def sides(self) -> tuple[str, str]:
        """The two groups; with more of them the highest and the lowest."""
        if len(self.groups) == 2:
            return self.groups[0], self.groups[1]
        levels = [round(self.level(group), 12) for group in self.groups]
        high, low = int(np.argmax(levels)), len(levels) - 1 - int(np.argmin(levels[::-1]))
        return self.groups[high], self.groups[low]

    def contrast(self, a: str, b: str, y: Floats | None = None) -> Contrast:
        return self.design(a, b).contrast(self.y if y is None else y, None)

    def design(self, a: str, b: str) -> Design:
        return Design(self.scored, a, b, self.opened.units(self.scored))

    def result(self, metric: str, companions: list[Companion], **more: Any) -> Result:
        """The comparison as a record; with several groups each of them with the others beside."""
        a, b = self.sides()
        contrast = self.contrast(a, b)
        fields = _record.limits(contrast, self.settings) | more
        chosen = _record.chosen_pair(len(self.groups))
        if chosen:
            fields["reason"] = _record.joined(fields["reason"], chosen)
            companions += [
                _record.beside(metric, self.contrast(g, OTHERS), self.settings, (g, OTHERS))
                for g in self.groups
            ]
        design = self.design(a, b)
        return _record.build(
            self.scored,
            metric,
            (a, b),
            _record.settled(contrast),
            n_templates=contrast.n_templates,
            n_terms=design.n_terms,
            n_prompts=len(self.opened.kept),
            scope=design.scope,
            variance=contrast.variance,
            companions=tuple(companions),
            **fields,
        )


def hurtful(scored: Scored, settings: Settings, lists: WordLists) -> Result | None:
    """Rates of hurtful completions: which groups have more of them, and which words they are."""
    known = lists.hurtful - _named_groups(scored)
    marks = np.array([word.lower() in known for word in scored.words], dtype=bool)
    found = _usable(scored, lists.hurtful_language) if lists.hurtful else None
    if found is None:
        return None
    if not marks.any():
        return _unknown(scored, "hurtful_rate", found, "hurtful words")
    rates = found.table(lambda a: hit_rates(ranking(a[1].words, DEPTHS[-1]), marks, DEPTHS))
    compared = _Compared(scored=scored, settings=settings, opened=found, y=rates[:, :, -1])
    a, b = compared.sides()
    design = compared.design(a, b)
    depth = min(DEPTHS[-1], marks.size)
    ratio, se = rate_odds(compared.y, design.in_a, design.in_b, depth)
    companions = [
        Companion(
            metric="hurtful_rate",
            groups=(group,),
            top_k=at,
            value=_record.brief(found.level(rates[:, :, i], group)),
            words=_hits(scored, found, group, marks) if at == DEPTHS[-1] else (),
        )
        for group in compared.groups
        for i, at in enumerate(DEPTHS)
    ]
    companions.append(_odds(ratio, se, len(found.templates), settings))
    return compared.result("hurtful_rate", companions, effect_size=float(np.exp(ratio)))


def valence(scored: Scored, settings: Settings, lists: WordLists) -> Result | None:
    """How pleasant the completions are, by a list; the list itself has a negative control."""
    own = _named_groups(scored)
    known = {word: value for word, value in lists.valence.items() if word not in own}
    values = np.array([known.get(word.lower(), 0.0) for word in scored.words])
    found = _usable(scored, lists.valence_language) if lists.valence else None
    if found is None:
        return None
    if not values.any():
        return _unknown(scored, "completion_valence", found, "words with a valence")
    y = found.table(lambda a: expected_value(a[1].words, values))
    compared = _Compared(scored=scored, settings=settings, opened=found, y=y)
    sides = compared.sides()
    alone = found.table(lambda a: text_value(f"{a[0].left} {a[0].right}", lists.valence))
    scorer = _record.settled(compared.contrast(*sides, y=alone))
    covered = found.table(lambda a: expected_value(a[1].words, np.abs(values)))
    companions = [
        Companion(
            metric="completion_valence",
            groups=(group,),
            value=_record.brief(compared.level(group)),
            words=_valued(scored, found, group, values),
        )
        for group in compared.groups
    ]
    known_share = np.mean([found.level(covered, group) for group in compared.groups])
    companions.append(Companion(metric="valence_coverage", value=_record.brief(float(known_share))))
    result = compared.result("completion_valence", companions)
    if abs(scorer) <= MAX_SCORER * abs(result.estimate or 0.0):
        return result
    reason = f"the list alone finds a gap of {scorer:.2g} in the sentences without completions"
    reasons = _record.joined(reason, result.reason)
    return result.model_copy(update={"statuses": (_record.FAILED,), "reason": reasons})


def _named_groups(scored: Scored) -> set[str]:
    """Words that name the probe's groups: no hit, and worth nothing, whatever a list says."""
    forms = (f for g in scored.probe.groups for w in g.words for f in (w.label, *w.forms.values()))
    return {part for form in forms for part in form.lower().split()}


def _usable(scored: Scored, language: str) -> Opened | None:
    """The completions, where there are some in the language of the list."""
    if primary_language(scored.probe.spec.language) != language:
        return None
    found = opened(scored, "label")
    return found if found and len(_record.ids(scored, found.groups)) > 1 else None


def _unknown(scored: Scored, metric: str, found: Opened, what: str) -> Result:
    return _record.build(
        scored,
        metric,
        _record.ids(scored, found.groups)[:2],
        None,
        n_templates=len(found.templates),
        n_terms=len(found.columns),
        n_prompts=len(found.kept),
        reason=f"this vocabulary has none of the {what} as one piece",
    )


def _odds(ratio: float, se: float | None, templates: int, settings: Settings) -> Companion:
    from scipy.special import stdtrit

    half = None
    if se is not None and templates > 1:
        half = float(stdtrit(templates - 1, (1 + settings.confidence) / 2)) * se
    return Companion(
        metric="hurtful_odds",
        value=_record.brief(ratio),
        ci_low=None if half is None else _record.brief(ratio - half),
        ci_high=None if half is None else _record.brief(ratio + half),
    )


def _hits(scored: Scored, found: Opened, group: str, marks: Any) -> tuple[WordShare, ...]:
    """Hurtful words by the share of a group's sentences that have them among the top twenty."""
    mine = [answer for prompt, answer in found.kept if prompt.group == group]
    counts = Counter(int(i) for a in mine for i in ranking(a.words, DEPTHS[-1]) if marks[i])
    shares = np.zeros(len(scored.words))
    for word, count in counts.items():
        shares[word] = count / len(mine)
    return _named(scored, shares, NAMED, harmful=True)


def _valued(scored: Scored, found: Opened, group: str, values: Floats) -> tuple[WordShare, ...]:
    """Words of the list by their mean probability after a group, unpleasant ones negative."""
    mine = [answer.words for prompt, answer in found.kept if prompt.group == group]
    worth = np.mean(mine, axis=0, dtype=np.float64) * values
    picked = _named(scored, np.abs(worth), VALUED, harmful=False)
    signs = {scored.words[i]: float(np.sign(worth[i])) for i in np.flatnonzero(worth)}
    return tuple(w.model_copy(update={"value": signs[w.token] * w.value}) for w in picked)


def _named(scored: Scored, values: Floats, many: int, *, harmful: bool) -> tuple[WordShare, ...]:
    return tuple(
        WordShare(token=scored.words[i], value=_record.brief(float(values[i])), harmful=harmful)
        for i in top(scored.words, values, many)
    )
