"""The shipped catalogue, read and expanded once for all tests of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from bias_audit.pipeline.plan import make_plan
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import Expansion, expand
from bias_audit.probes.probe import Probe, Word

CATALOGUE = ProbeCatalogue()
IDS = CATALOGUE.probe_ids()


@cache
def probe(name: str) -> Probe:
    return CATALOGUE.probe(name)


def expansion(name: str) -> Expansion:
    """Every word of a probe in every sentence, beside one word of the other kind.

    Two words of a sentence do not change each other but by their grammatical gender, so the other
    kind is there with the first word of each gender; all pairs would be two million sentences.
    """
    return expansions()[name]


@cache
def expansions() -> dict[str, Expansion]:
    """Those of all probes and of their placebo groups."""
    found = dict(make_plan(_FewTargets(), IDS).expansions)
    for name in IDS:
        few = replace(_with_few_terms(probe(name)), open_frames=(), extra_groups=())
        first, second = found[name], expand(few)
        found[name] = replace(
            first,
            prompts=tuple(dict.fromkeys((*first.prompts, *second.prompts))),
            skips=(*first.skips, *second.skips),
        )
    return found


class _FewTargets(ProbeCatalogue):
    """Gives of the targets of each probe the first of each gender."""

    def probe(self, name: str) -> Probe:
        found = super().probe(name)
        first = _first_of_each_gender(target.word for target in found.targets)
        return replace(found, targets=tuple(t for t in found.targets if t.word in first))


def _with_few_terms(whole: Probe) -> Probe:
    first = _first_of_each_gender(word for group in whole.groups for word in group.words)
    groups = (replace(g, words=tuple(w for w in g.words if w in first)) for g in whole.groups)
    return replace(whole, groups=tuple(groups))


def _first_of_each_gender(words: Iterable[Word]) -> list[Word]:
    return list({word.agree: word for word in reversed([*words])}.values())
