"""The plan of an audit: which probes, with which controls, and every sentence of each."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bias_audit.analysis import Task
from bias_audit.analysis.optional_metrics import MetricPlan, plan_metrics
from bias_audit.errors import NothingToAuditError
from bias_audit.metrics.registry import default_metrics
from bias_audit.metrics.scored_probe import WordLists
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.expand import Expansion, expand, with_siblings
from bias_audit.probes.probe import Group, Probe, words_of
from bias_audit.probes.schema.lexicon import WordSet
from bias_audit.probes.schema.text import primary_language
from bias_audit.records import Skip
from bias_audit.utils.readings import READINGS, Reading

PLACEBO = "~placebo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that will be scored."""

    tasks: tuple[Task, ...]
    """The probes that were asked for."""
    probes: Mapping[str, Probe]
    """All runs by id: probes, their controls, and placebo runs (``<probe>~placebo``)."""
    expansions: Mapping[str, Expansion]
    lists: WordLists
    """What completions are looked up in."""
    partial: bool
    """True when ``limit`` left a sentence out."""
    metrics: MetricPlan = field(default_factory=MetricPlan)
    """Measures and checks that were requested by name."""
    unfit: tuple[Skip, ...] = ()
    """Probes that the model cannot be asked."""

    def without(self, unfit: Mapping[str, str]) -> Plan:
        """Return the plan without some probes, each with the reason."""
        tasks = tuple(task for task in self.tasks if task.probe.spec.id not in unfit)
        names: set[str] = set()
        for task in tasks:
            names |= {task.probe.spec.id, *task.positive, *task.negative}
            names |= {task.placebo} if task.placebo else set()
        skips = [
            Skip(probe=name, kind="probe", what=name, reason="not_applicable", detail=why)
            for name, why in unfit.items()
        ]
        return dataclasses.replace(
            self,
            tasks=tasks,
            probes={name: probe for name, probe in self.probes.items() if name in names},
            expansions={name: one for name, one in self.expansions.items() if name in names},
            metrics=self.metrics.without(unfit),
            unfit=(*self.unfit, *skips),
        )

    def read_as(self, reading: Reading) -> Plan:
        """Return the plan with the sentences of a reading."""
        if READINGS[reading].names_words:
            named = {name: with_siblings(one) for name, one in self.expansions.items()}
            return dataclasses.replace(self, expansions=named)
        if not READINGS[reading].is_cosine:
            return self
        judged = [task.probe for task in self.tasks if task.probe.spec.role == "probe"]
        lost = [
            Skip(
                probe=probe.spec.id,
                kind="measure",
                what=metric.id,
                reason="not_applicable",
                detail=metric.misfit(reading),
            )
            for probe in judged
            for metric in default_metrics(probe)
            if metric.misfit(reading)
        ]
        return dataclasses.replace(
            self,
            expansions={name: expand(self.probes[name], reading) for name in self.expansions},
            unfit=(*self.unfit, *lost),
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the probes, English first."""
        languages = {primary_language(task.probe.spec.language) for task in self.tasks}
        return tuple(sorted(languages, key=lambda language: (language != "en", language)))

    @property
    def prompts(self) -> int:
        """Number of prompts of all runs."""
        return sum(len(expansion.all_prompts) for expansion in self.expansions.values())

    @property
    def digest(self) -> str:
        """SHA-256 over all files that the audit uses."""
        return digest_probes({name: probe.digest for name, probe in self.probes.items()})


def digest_probes(digests: Mapping[str, str]) -> str:
    """Return the SHA-256 over all files of some probes, from the digest of each."""
    parts = [f"{name}:{digest}" for name, digest in sorted(digests.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def join_digests(digests: Sequence[str], reading: Reading) -> str:
    """Return the SHA-256 of everything that a run was made from, and of how the model was read."""
    every = [*digests, *([] if reading == "mask" else [reading])]
    return every[0] if len(every) == 1 else hashlib.sha256("\n".join(every).encode()).hexdigest()


def make_plan(
    catalogue: ProbeCatalogue,
    names: Iterable[str],
    *,
    limit: int | None = None,
    requests: Sequence[str] = (),
) -> Plan:
    """Join the named probes with their controls and render every sentence.

    Args:
        catalogue: where probes come from.
        names: ids of probes.
        limit: keep only the first ``limit`` sentence frames of each probe.
        requests: ids of measures and checks on request.

    Raises:
        FileError: a mistake in a file.
        UnknownNameError: a probe refers to a control that does not exist.
        UsageError: a request fits none of the probes.
        NothingToAuditError: no probe is left.
    """
    tasks: list[Task] = []
    probes: dict[str, Probe] = {}
    partial = False
    for name in names:
        controls = catalogue.probe(name).spec.controls
        for run in dict.fromkeys((name, *controls.positive, *controls.negative)):
            if run not in probes:
                probes[run], cut = _first(catalogue.probe(run), limit)
                partial |= cut
        probe = probes[name]
        catalogue.check_controls(probe)
        placebo = None
        if controls.placebo and probe.spec.mask == "target" and not probe.spec.targets.own:
            placebo = name + PLACEBO
            probes[placebo] = _with_placebo(catalogue, probe, controls.placebo)
        tasks.append(
            Task(
                probe=probe,
                positive=controls.positive,
                negative=controls.negative,
                placebo=placebo,
            )
        )
    if not tasks:
        raise NothingToAuditError(
            "no probe is left to run", hint="see 'bias-audit probes list' for the names"
        )
    expansions = {name: expand(probe) for name, probe in probes.items()}
    judged = [task.probe for task in tasks if task.probe.spec.role == "probe"]
    return Plan(
        tasks=tuple(tasks),
        probes=probes,
        expansions=expansions,
        lists=_lists(catalogue),
        partial=partial,
        metrics=plan_metrics(
            requests,
            {probe.spec.id: probe for probe in judged},
            {name: expansion.prompts for name, expansion in expansions.items()},
        ),
    )


def _first(probe: Probe, limit: int | None) -> tuple[Probe, bool]:
    """The probe with its first sentences, and whether any was left out."""
    if probe.spec.role != "probe":
        probe = dataclasses.replace(probe, open_frames=())
    longest = max(len(probe.frames), len(probe.open_frames))
    if limit is None or longest <= limit:
        return probe, False
    frames, open_frames = probe.frames[:limit], probe.open_frames[:limit]
    return dataclasses.replace(probe, frames=frames, open_frames=open_frames), True


def _with_placebo(catalogue: ProbeCatalogue, probe: Probe, lexicon: str) -> Probe:
    """The same sentences and targets, with groups that mean nothing."""
    spec = probe.spec.model_copy(
        update={
            "id": probe.spec.id + PLACEBO,
            "title": f"{probe.spec.title}: placebo groups",
            "role": "negative_control",
            "scope": "auto",
            "compare": "pairs",
        }
    )
    groups = tuple(
        Group(
            id=name,
            label=wordset.label or name,
            role="placebo",
            words=words_of(wordset, catalogue.lexicon(lexicon).heads),
        )
        for name, wordset in catalogue.lexicon(lexicon).sets.items()
    )
    return dataclasses.replace(probe, spec=spec, groups=groups, open_frames=())


def _lists(catalogue: ProbeCatalogue) -> WordLists:
    """The lexicons that completions are looked up in; the user's own where they bear the names."""
    hurtful, valued = catalogue.lexicon("harmful"), catalogue.lexicon("pleasantness")
    worth = {"pleasant": 1.0, "unpleasant": -1.0}
    return WordLists(
        hurtful=frozenset(form for wordset in hurtful.sets.values() for form in _forms(wordset)),
        hurtful_language=primary_language(hurtful.language),
        valence={
            form: value for name, value in worth.items() for form in _forms(valued.sets.get(name))
        },
        valence_language=primary_language(valued.language),
    )


def _forms(wordset: WordSet | None) -> list[str]:
    """Every form of every word, in lower case."""
    words = words_of(wordset) if wordset else ()
    return [form.lower() for word in words for form in word.forms.values()]
