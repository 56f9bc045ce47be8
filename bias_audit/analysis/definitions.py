"""Whether records of a stored run say of their probes what the files of this program say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import cast

from bias_audit.analysis.compare_runs import METRICS
from bias_audit.metrics.design import DIAGONALS
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.probe import Probe
from bias_audit.results import Card, ProbeRecord, Results
from bias_audit.utils.readings import Reading

_OF_FILE = ("version", "language", "axis", "title", "question", "mask", "sensitive")
_GAPS = (*METRICS, *DIAGONALS)


@cache
def _shipped(name: str) -> Probe | None:
    """The probe of this program that has a name."""
    return _catalogue().probe(name) if name in _catalogue().probe_ids() else None


@cache
def _catalogue() -> ProbeCatalogue:
    return ProbeCatalogue()


class Definitions:
    """The probes of a run as this program has them.

    Args:
        results: of the run.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self.known: dict[str, tuple[ProbeRecord, Probe]] = {}
        """Records with the same digest as a shipped probe, which is why its files made them."""
        for record in results.probes:
            probe = _shipped(record.id)
            if probe is not None and probe.digest == record.digest:
                self.known[record.id] = record, probe

    def disagreements(self) -> Iterator[str]:
        """Yield every text of a record that its probe does not have."""
        for record, probe in self.known.values():
            for name, stored, own in (*_texts(record, probe), *_words(record, probe)):
                if stored != own:
                    yield f"{record.id}: {name} is {stored!r}, by its files {own!r}"
        for result in self._results.results:
            if result.probe not in self.known:
                continue
            probe = self.known[result.probe][1]
            frames = {frame.id: frame.template.text for frame in probe.frames}
            for effect in result.by_template:
                if effect.text != frames.get(effect.id):
                    yield f"{result.id}: frame {effect.id} is {effect.text!r}, by its files another"
            if result.metric in _GAPS:
                margin = probe.spec.margins.of(cast("Reading", self._results.model.reading))
                if result.margin is not None and round(result.margin - margin, 7):
                    yield f"{result.id}: margin is {result.margin}, by its files {margin:.8g}"
                if result.margin_reason != probe.spec.margin_reason:
                    yield f"{result.id}: margin_reason is another than in its files"


def _texts(record: ProbeRecord, probe: Probe) -> Iterator[tuple[str, object, object]]:
    """Name, stored and own value of what the head of a probe says."""
    for name in _OF_FILE:
        yield name, getattr(record, name), getattr(probe.spec, name)
    if record.state != "measured":
        return
    yield "plus", record.plus, probe.plus_name
    yield "minus", record.minus, probe.minus_name
    if record.role == "probe":
        card = probe.spec.card
        yield "card", record.card, Card(**card.model_dump()) if card else None


def _words(record: ProbeRecord, probe: Probe) -> Iterator[tuple[str, object, object]]:
    """The same of its groups and its words, which may be some of those of the file."""
    groups = {group.id: group for group in (*probe.groups, *probe.extra_groups)}
    for group in (*record.groups, *record.extra_groups):
        own = groups.get(group.id)
        yield f"the name of {group.id}", group.label, own.label if own else None
        known = {word.label for word in own.words} if own else set()
        for term in group.terms:
            if term not in known:
                yield f"a word of {group.id}", term, None
    words = {target.word.id: target for target in probe.targets}
    for target in record.targets:
        if target.id in words:
            mine = words[target.id]
            text = mine.word.forms.get("sg") or mine.word.label
            yield f"word {target.id}", target.text, text
            yield f"facts of {target.id}", dict(target.facts), dict(mine.facts)
