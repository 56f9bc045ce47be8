"""Requests from their names to results: which probes they fit, what they ask, what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bias_audit.archive import ProbeRecord, Result
from bias_audit.assess import Assessment, Scored, Settings, exploratory
from bias_audit.backends import Backend, require_support
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.expand import Expansion
from bias_audit.probes import Probe
from bias_audit.records import Skip, SkipReason
from bias_audit.requested._base import Asking, Found, Material
from bias_audit.requested.catalogue import REQUESTS
from bias_audit.requested.listing import LISTED

FAILED = "instrument_failed"
ProgressListener = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What was asked for in addition, probe by probe."""

    by_probe: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Requests that fit a probe, by its id."""
    unfit: tuple[Skip, ...] = ()
    """Requests that do not, with the reason."""
    prompts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Further prompts, by probe and material."""

    @property
    def materials(self) -> list[Material]:
        """Everything that a model has to answer in addition."""
        asked = dict.fromkeys(name for names in self.by_probe.values() for name in names)
        found = (REQUESTS[name].material for name in asked)
        return list({material.id: material for material in found if material}.values())


def ordered(
    requests: Sequence[str], probes: Mapping[str, Probe], expansions: Mapping[str, Expansion]
) -> Orders:
    """Say which of the probes each request fits.

    Args:
        requests: ids of requests.
        probes: the probes that were asked for, by id, controls left out.
        expansions: their prompts, by id.

    Raises:
        UsageError: a request fits none of the probes.
    """
    found: dict[str, list[str]] = {}
    prompts: dict[tuple[str, str], int] = {}
    unfit: list[Skip] = []
    for name in requests:
        listed, material, reasons = LISTED[name], REQUESTS[name].material, []
        for probe_id, probe in probes.items():
            reason = listed.unfit(probe)
            if reason:
                reasons.append(reason)
                unfit.append(_skip(probe_id, name, "not_applicable", reason))
                continue
            found.setdefault(probe_id, []).append(name)
            if material is not None:
                size = material.count(probe, expansions[probe_id].prompts)
                prompts[probe_id, material.id] = size
        if len(reasons) == len(probes):
            raise UsageError(
                f"the {listed.kind} '{name}' fits none of the probes: {reasons[0]}",
                hint="see 'bias-audit explain " + name + "'",
            )
    orders = {name: tuple(found[name]) for name in probes if name in found}
    return Orders(by_probe=orders, unfit=tuple(unfit), prompts=prompts)


def require(backend: Backend, orders: Orders) -> None:
    """Check that a backend can answer before anything is scored.

    Raises:
        UsageError: it cannot.
    """
    require_support(backend, {material.needs for material in orders.materials})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a model answered in addition about one probe."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    """By material."""
    skips: tuple[Skip, ...] = ()


def ask(
    orders: Orders,
    scored: Scored,
    backend: Backend,
    settings: Settings,
    *,
    progress: ProgressListener | None = None,
    late: bool = False,
) -> Asked:
    """Put the further questions about one scored probe; what fails is recorded."""
    name = scored.probe.spec.id
    answers: dict[str, Any] = {}
    skips: list[Skip] = []
    for request in orders.by_probe.get(name, ()):
        material = REQUESTS[request].material
        if material is None or material.id in answers:
            continue
        if late:
            skips.append(_skip(name, request, "limit", "the time was up"))
            continue
        tell = _listener(f"{name}: {material.id}", progress)
        try:
            asking = Asking(backend=backend, progress=tell)
            answers[material.id] = material.ask(scored, asking, settings)
        except (BiasAuditError, RuntimeError, ValueError, MemoryError) as error:
            message = str(getattr(error, "message", error)) or repr(error)
            skips.append(_skip(name, request, "error", message))
    return Asked(answers=answers, skips=tuple(skips))


def _listener(name: str, progress: ProgressListener | None) -> Callable[[int, int], None] | None:
    return None if progress is None else (lambda done, total: progress(name, done, total))


def _skip(probe: str, what: str, reason: SkipReason, detail: str) -> Skip:
    return Skip(probe=probe, kind="measure", what=what, reason=reason, detail=detail)


def extended(
    found: Assessment,
    orders: Orders,
    scored: Mapping[str, Scored],
    asked: Mapping[str, Asked],
    settings: Settings,
) -> tuple[Assessment, tuple[Skip, ...]]:
    """Return the assessment with what was requested, and what was lost of that.

    Results on request are exploratory: a family of their own on each axis, so that they change no
    other p-value. A check that does not hold adds a
    notice to the primary result that it is about.
    """
    outcomes: list[Found] = []
    skips = [*orders.unfit]
    for name, requests in orders.by_probe.items():
        mine = asked.get(name, Asked())
        skips += mine.skips
        for request in (REQUESTS[each] for each in requests):
            material = request.material
            if name in scored and (material is None or material.id in mine.answers):
                answer = mine.answers[material.id] if material else None
                made, gone = _assessed(request.id, scored[name], answer, settings)
                outcomes.append(made)
                skips += gone
    failed = {r.probe for r in found.results if r.role == "primary" and FAILED in r.statuses}
    results = [_withheld(r, failed) for made in outcomes for r in made.results]
    known = _checked(found.results, outcomes)
    probes = tuple(_noticed(probe, known) for probe in found.probes)
    return Assessment(probes=probes, results=(*known, *_adjusted(results, settings))), tuple(skips)


def _assessed(
    name: str, scored: Scored, answer: Any, settings: Settings
) -> tuple[Found, tuple[Skip, ...]]:
    try:
        made = REQUESTS[name].assess(scored, answer, settings)
    except (BiasAuditError, ValueError) as error:
        message = str(getattr(error, "message", error)) or repr(error)
        return Found(), (_skip(scored.probe.spec.id, name, "error", message),)
    return made, made.skips


def _withheld(result: Result, failed: set[str]) -> Result:
    """A result of a probe whose instrument failed says so."""
    if result.probe not in failed:
        return result
    return result.model_copy(update={"statuses": (*result.statuses, FAILED)})


def _checked(results: Sequence[Result], outcomes: Sequence[Found]) -> tuple[Result, ...]:
    """The results with the checks that were made of them, and their consequences."""
    made = []
    for result in results:
        checks = [found.checks[result.id] for found in outcomes if result.id in found.checks]
        if checks and result.role == "primary":
            codes = [c.consequence for c in checks if c.state == "not_held" and c.consequence]
            statuses = (*result.statuses, *codes)
            update = {"checks": (*result.checks, *checks), "statuses": statuses}
            result = result.model_copy(update=update)  # noqa: PLW2901
        made.append(result)
    return tuple(made)


def _noticed(probe: ProbeRecord, results: Sequence[Result]) -> ProbeRecord:
    """A probe collects the statuses of its primary results."""
    mine = [s for r in results if r.probe == probe.id and r.role == "primary" for s in r.statuses]
    statuses = tuple(dict.fromkeys((*probe.statuses, *mine)))
    return probe.model_copy(update={"statuses": statuses})


def _adjusted(results: Sequence[Result], settings: Settings) -> list[Result]:
    """What was requested on one axis is one exploratory family."""
    adjusted: dict[str, Result] = {}
    for axis in dict.fromkeys(result.axis for result in results):
        mine = [result for result in results if result.axis == axis]
        exploratory([mine], settings)
        adjusted |= {result.id: result for result in mine}
    return [adjusted[result.id] for result in results]
