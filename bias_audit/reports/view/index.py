"""Look-ups over one audit: which result, probe and page fragment belongs to which id."""

from __future__ import annotations

from collections import Counter

from bias_audit.reports.text import slug
from bias_audit.results import Finding, MetricRecord, ProbeRecord, Result, Results
from bias_audit.utils.readings import READINGS, ReadingFacts
from bias_audit.utils.scales import Scale

OTHERS = "~others"


class Index:
    """Finds records by id, names groups in words and hands out unique page fragments."""

    def __init__(self, results: Results) -> None:
        self.audit = results
        self.probes: dict[str, ProbeRecord] = {probe.id: probe for probe in results.probes}
        self.results: dict[str, Result] = {result.id: result for result in results.results}
        self.findings: dict[str, Finding] = {f.result: f for f in reversed(results.findings)}
        self.metrics: dict[str, MetricRecord] = {metric.id: metric for metric in results.metrics}
        self._labels = {
            (probe.id, group.id): group.label
            for probe in results.probes
            for group in (*probe.groups, *probe.extra_groups)
        }
        self._names: dict[tuple[str, str], str] = {}
        self._used: Counter[str] = Counter()

    @property
    def facts(self) -> ReadingFacts:
        """What follows from how the model was read."""
        return READINGS[self.audit.model.reading]

    @property
    def unit(self) -> str:
        """The unit of the gaps of this audit."""
        return self.scale.unit

    @property
    def scale(self) -> Scale:
        """How they are told."""
        return self.facts.scale

    def name(self, kind: str, key: str) -> str:
        """Return the page fragment of a thing; the same thing always gets the same one."""
        fragment = self._names.get((kind, key))
        if fragment is None:
            base = f"{kind}-{slug(key)}"
            self._used[base] += 1
            fragment = base if self._used[base] == 1 else f"{base}--{self._used[base]}"
            self._names[kind, key] = fragment
        return fragment

    def labels(self, result: Result) -> tuple[str, ...]:
        """Name the groups of a result, in its order."""
        if len(result.group_labels) == len(result.groups):
            return result.group_labels
        return tuple(
            "the other groups"
            if group == OTHERS
            else self._labels.get((result.probe, group), group)
            for group in result.groups
        )

    def versus(self, result: Result) -> str:
        """Name the comparison: ``women vs men``."""
        names = self.labels(result)
        if len(names) == 2:
            return f"{names[0]} vs {names[1]}"
        return ", ".join(names)

    def tie(self, result: Result) -> str:
        """Say who is tied to what, as the sign of the estimate has it: ``she → nurses and such``.

        Of two groups, the one that leans to the first pole; against several others the first group.
        """
        probe = self.probes.get(result.probe)
        if probe is None or not probe.plus or len(result.groups) != 2:
            return self.question(result)
        a, b = self.labels(result)
        up = (result.estimate or 0.0) >= 0
        if OTHERS in result.groups:
            return f"{a} → {probe.plus if up else probe.minus}"
        return f"{a if up else b} → {probe.plus}"

    def place(self, result: Result) -> str:
        """Return the fragment of the page where a comparison is told: its card, or its row."""
        if result.id in self.findings:
            return self.name("finding", self.findings[result.id].id)
        return self.name("comparison", result.id)

    def question(self, result: Result) -> str:
        """Name a comparison without a direction: its groups and its probe."""
        return f"{self.versus(result)}: {self.title(result.probe)}"

    def metric(self, name: str) -> str:
        """Return the name of a measure as readers know it, with the depth behind ``@``."""
        bare, _, depth = name.partition("@")
        known = self.metrics.get(bare)
        text = known.name if known else bare.replace("_", " ")
        return f"{text}, first {depth}" if depth else text

    def of(self, probe: str, role: str | None = None) -> list[Result]:
        """Results of a probe, in the order of the audit."""
        return [
            result
            for result in self.audit.results
            if result.probe == probe and (role is None or result.role == role)
        ]

    def title(self, probe: str) -> str:
        """The title of a probe, or its id when the audit does not describe it."""
        record = self.probes.get(probe)
        return (record.title or record.id) if record else probe


def strength(result: Result) -> tuple[float, str]:
    """Sort key: the larger effect first, then the id."""
    size = abs(result.estimate - (result.neutral or 0.0)) if result.estimate is not None else -1.0
    return (-size, result.id)
