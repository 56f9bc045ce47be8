"""What a plan is made for: the gates of a stored run, or one with assumed components."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.records import OTHERS
from bias_audit.results import Change, Comparison, Result, Results
from bias_audit.stats import power
from bias_audit.stats.draws import Components, Size
from bias_audit.stats.estimate import Scope
from bias_audit.stats.many import Design

MARGIN = math.log(1.25)
SEED = 20240601
METRIC = "log_odds_gap"
ASSUMED = {"templates": 0.4, "terms": 0.55, "residual": 0.55}
"""Standard deviations without a run, in nats: placeholders, not measurements."""
ASSUMED_SIZE = Size(templates=12, words=8, targets=16)

Kind = Literal["absolute", "regression"]
_SCOPES: Mapping[str, Scope] = {"terms": "terms", "concept": "concept", "templates": "templates"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One gate that is planned for."""

    name: str
    """Id of the result, or ``assumed``."""
    labels: tuple[str, ...]
    """Names of the groups."""
    kind: Kind
    limit: float
    """Largest accepted gap or rise, nats."""
    design: Design
    size: Size
    """The size of the run, or the assumed one."""
    prompts: float
    """Prompts at that size."""
    components: Components
    """Of a single model."""
    seed: int = SEED
    change: power.Change | None = None
    """The baseline, for a gate on the rise."""
    baseline: str = ""
    """Its name."""
    notices: tuple[str, ...] = ()
    """What a reader must know."""

    def cost(self, size: Size) -> int:
        """Prompts at another size."""
        factor = size.templates / self.size.templates * size.targets / self.size.targets
        factor *= 1.0 if self.design.by_target else size.words / self.size.words
        return round(self.prompts * factor)

    @property
    def main(self) -> Components:
        """The components that the verdict rests on."""
        return self.components if self.change is None else self.change.components


class LeftOut(NamedTuple):
    """What was asked for and cannot be planned."""

    name: str
    reason: str


def assumed(limit: float | None, targets: int | None) -> Subject:
    """Return two groups of words compared at concept scope, by placeholder components."""
    size = ASSUMED_SIZE if targets is None else ASSUMED_SIZE._replace(targets=targets)
    said = ", ".join(f"{name} {value:g}" for name, value in ASSUMED.items())
    return Subject(
        name="assumed",
        labels=("one group", "another"),
        kind="absolute",
        limit=limit or MARGIN,
        design=Design(groups=2, scope="concept"),
        size=size,
        prompts=size.templates * 2 * size.words * size.targets,
        components=Components(
            templates=ASSUMED["templates"] ** 2,
            terms=ASSUMED["terms"] ** 2,
            targets=0.0,
            residual=ASSUMED["residual"] ** 2,
            at_targets=size.targets,
        ),
        notices=(
            f"no run was given: standard deviations are assumptions (nats: {said}), and so are"
            f" {size.targets} words in the poles; give a run to use its own",
        ),
    )


def subjects(
    results: Results,
    names: Sequence[str] = (),
    *,
    limit: float | None = None,
    comparison: Comparison | None = None,
) -> tuple[list[Subject], list[LeftOut]]:
    """Return what to plan for, and what cannot be planned and why.

    Without names that is the result with the widest interval, of the gaps and of the rises.

    Args:
        results: a stored run.
        names: ids of results, or of probes for their primary results, or globs of either.
        limit: largest accepted gap and rise; by default that of the run's gates, then the margin.
        comparison: the run beside a baseline; by default the one that the run holds.

    Raises:
        UnknownNameError: no result has this name.
        UsageError: nothing in the run can be planned from.
    """
    pool = [r for r in results.results if r.metric == METRIC and r.role != "control"]
    chosen = _chosen(pool, names)
    lost = [LeftOut(r.id, f"it has no interval: {r.reason}") for r in chosen if not r.se]
    chosen = [result for result in chosen if result.se]
    found = [_absolute(result, results, limit) for result in chosen]
    rises: list[Subject] = []
    compared = comparison or results.comparison
    for single in found if compared is not None else []:
        rise = _rise(single, results, compared, limit)
        rises += [rise] if isinstance(rise, Subject) else []
        lost += [rise] if isinstance(rise, LeftOut) else []
    if not found and not rises:
        raise UsageError(
            "no result of this run has components of variance to plan from",
            hint="plan from a run whose results have intervals, or without a run",
        )
    if names:
        return [*found, *rises], lost
    return [_widest(kind) for kind in (found, rises) if kind], lost


def _chosen(pool: Sequence[Result], names: Sequence[str]) -> list[Result]:
    if not names:
        return [result for result in pool if result.role == "primary"]
    found: dict[str, Result] = {}
    for name in names:
        by_probe = ":" not in name  # a glob of probes does not mean every pair of their groups
        hits = [
            r
            for r in pool
            if fnmatchcase(r.probe if by_probe else r.id, name)
            if r.role == "primary" or not by_probe
        ]
        if not hits:
            known = [r.id for r in pool] + [r.probe for r in pool]
            raise UnknownNameError("result or probe in this run", name, set(known))
        found |= {result.id: result for result in hits}
    return list(found.values())


def _widest(found: Sequence[Subject]) -> Subject:
    """The subject whose standard error is largest beside its limit: what decides it, decides all
    of the same size."""

    def width(subject: Subject) -> float:
        return sum(subject.main.expected(subject.size, subject.design).values()) / subject.limit**2

    most = max(found, key=width)
    if len(found) == 1:
        return most
    said = f"of {len(found)} results, the one with the widest interval; name others to plan for"
    return replace(most, notices=(*most.notices, said))


def _absolute(result: Result, results: Results, limit: float | None) -> Subject:
    """The size of a gap."""
    design, size = _shape(result, results)
    return Subject(
        name=result.id,
        labels=result.group_labels or result.groups,
        kind="absolute",
        limit=limit or _stored_limit(results, result.id, "absolute") or result.margin or MARGIN,
        design=design,
        size=size,
        prompts=result.n_prompts,
        components=Components.of(result.variance, size, design),
        seed=results.run.seed,
    )


def _rise(
    single: Subject, results: Results, comparison: Comparison | None, limit: float | None
) -> Subject | LeftOut:
    """The rise of a gap over the baseline."""
    changes = comparison.changes if comparison is not None else ()
    change = next((change for change in changes if change.result == single.name), None)
    if change is None:
        return LeftOut(single.name, "the baseline has no such result")
    if change.identical:
        return LeftOut(single.name, "the baseline gives the same scores; that passes at any size")
    if not change.se:
        return LeftOut(single.name, f"its change has no interval: {change.reason}")
    return replace(
        single,
        kind="regression",
        limit=limit or _stored_limit(results, single.name, "regression") or single.limit,
        change=_change(change, single),
        baseline=comparison.baseline if comparison is not None else "",
        notices=(change.reason,) if change.reason_code and change.reason else (),
    )


def _change(change: Change, subject: Subject) -> power.Change:
    size = subject.size._replace(templates=change.n_templates)
    components = Components.of(change.variance, size, subject.design)
    return power.Change(components=components, baseline=abs(change.baseline or 0.0))


def _stored_limit(results: Results, name: str, kind: Kind) -> float | None:
    """The limit of the run's own gate of this kind on a result."""
    gates = (g for g in results.gates if g.enforced and g.kind == kind and g.result == name)
    return next((gate.limit for gate in gates), None)


def _shape(result: Result, results: Results) -> tuple[Design, Size]:
    """What a result compares, and how large it is; groups are taken to be of equal size."""
    probe = next((p for p in results.probes if p.id == result.probe), None)
    by_target = probe is not None and probe.mask == "group"
    construct = result.target_scope == "construct"
    targets = max(result.n_targets, 2)
    if by_target:
        scope: Scope = "concept" if construct else "terms"
        words = len(result.pairs) or max(result.n_terms // 2, 1)
        design = Design(groups=2, scope=scope, by_target=True)
        return design, Size(result.n_templates, words, targets)
    scope = _SCOPES.get(result.scope, "terms")
    if result.pairs:
        design = Design(groups=1, scope=scope, construct=construct)
        return design, Size(result.n_templates, len(result.pairs), targets)
    groups = 2
    if OTHERS in result.groups and probe is not None:
        groups = max(sum(not group.placebo for group in probe.groups), 2)
    least = 1 if scope == "terms" else 2
    words = max(round(result.n_terms / groups), least)
    design = Design(groups=groups, scope=scope, construct=construct)
    return design, Size(result.n_templates, words, targets)
