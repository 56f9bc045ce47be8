"""Controls: what must fire, and what must stay quiet, before a probe is believed (R5, R6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bias_audit.analysis.comparisons import OWN, compare_groups
from bias_audit.analysis.outcomes import ControlFault
from bias_audit.analysis.result_record import build_result
from bias_audit.metrics.base import join_reasons
from bias_audit.metrics.design import Comparison, Design, scored_comparisons, smaller_pole
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.results import Floor, ProbeRecord, Result
from bias_audit.results.codes import LOUD, SILENT
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.ladder import ALPHA
from bias_audit.stats.layout import over_targets
from bias_audit.stats.multiplicity import holm
from bias_audit.stats.permutation import sign_flip
from bias_audit.utils.scales import NATS, Scale, gap_scale

FEWEST_IN_HALVES = 4
"""Targets that each pole needs before it can be split."""
SPLIT = "~split"


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """Results of one control, and what they say of the instrument."""

    id: str
    """The control probe, ``<probe>~placebo`` or ``<probe>~split``."""
    kind: str
    """``positive`` or ``negative``."""
    results: tuple[Result, ...]
    faults: tuple[ControlFault, ...] = ()
    """Its results that do not do what they must."""

    @property
    def reason(self) -> str:
        """Why it does not work; empty where it does."""
        return "; ".join(dict.fromkeys(fault.reason for fault in self.faults))


def positive_control(scored: ScoredProbe, settings: Settings) -> Control:
    """Return a definitional contrast: it must be heard, in the direction that everybody knows."""
    name, margin, scale = scored.probe.spec.id, scored.margin, gap_scale(scored.unit)
    results, faults = [], []
    for comparison in compare_groups(scored, settings):
        result = build_result(scored, comparison, settings, role="control")
        contrast, diagonal = comparison.these_words, comparison.a == OWN
        fires = is_heard(contrast, margin, scale, diagonal=diagonal)
        reason = "" if fires else f"the positive control '{name}' is silent"
        faults += [] if fires else [_fault(SILENT, reason, result)]
        lack = "" if fires else f"{reason}: {_lack(contrast, margin, scale, diagonal=diagonal)}"
        update = {"works": fires, "reason": join_reasons(lack, result.reason)}
        results.append(result.model_copy(update=update))
    return Control(id=name, kind="positive", results=tuple(results), faults=tuple(faults))


def is_heard(contrast: Contrast, margin: float, scale: Scale = NATS, *, diagonal: bool) -> bool:
    """Return whether a definitional contrast is beyond doubt.

    Its lower bound lies beyond the reference margin and its estimate beyond 1 nat, or 1 standard
    deviation, as a gap: a diagonal contrast is half of a double difference, so it counts twice.
    """
    times = 2.0 if diagonal else 1.0
    ends = contrast.interval(0.9)
    return ends is not None and times * contrast.estimate > scale.fires and times * ends[0] > margin


def _lack(contrast: Contrast, margin: float, scale: Scale, *, diagonal: bool) -> str:
    """Say what a silent control showed, and what it takes; as a gap, as :func:`is_heard` has it."""
    times = 2.0 if diagonal else 1.0
    gap, ends = times * contrast.estimate, contrast.interval(0.9)
    turned = " the other way" if gap < 0 else ""
    shown = f"{scale.tell(abs(gap))} {scale.mark}{turned}"
    if gap <= scale.fires:
        return f"it showed {shown}, more than {scale.tell(scale.fires)} {scale.mark} is needed"
    if ends is None:
        return f"it showed {shown} without an interval"
    least, needed = (f"{scale.tell(end)} {scale.mark}" for end in (times * ends[0], margin))
    return f"it showed {shown} with a lower bound of {least}, more than {needed} is needed"


def negative_control(scored: ScoredProbe, settings: Settings) -> Control:
    """Neutral targets or placebo groups: none may be shown to lie beyond the margin (Holm)."""
    return _quiet(scored, compare_groups(scored, settings), settings)


def _fault(code: str, reason: str, result: Result) -> ControlFault:
    return ControlFault(code=code, reason=reason, groups=result.groups)


def can_split(scored: ScoredProbe) -> bool:
    """Return whether a probe masks the group word and has enough targets to split."""
    masked = scored.probe.spec.mask == "group" and not scored.probe.spec.targets.own
    return masked and smaller_pole(scored.cube) >= FEWEST_IN_HALVES


def split_halves(scored: ScoredProbe, settings: Settings) -> Control:
    """Group-masked probes: targets of the same pole, split in halves matched on their fact.

    What two halves of a list differ by is chance, so the claim is that about words of this kind.

    Neighbours on the fact are matched pairs, so that the distance between the poles is no part of
    the variance and a gap between the halves cannot hide behind it.
    """
    cube = scored.cube
    y = Design(scored, *scored_comparisons(scored)[0]).difference(cube.values)
    first, second = _matched_halves(scored)
    rows = cube.row_clusters
    d = y[:, first] - y[:, second]
    kind = over_targets(matched_pairs(d, scope="concept", clusters=rows))
    rng = scored.rng(settings, "split-halves")
    comparison = Comparison(
        a="half-1",
        b="half-2",
        these_words=kind,
        words_of_this_kind=kind,
        scope="terms",
        n_terms=len(cube.units),
        n_targets=len(first),
        targets=(),
        p_sign_flip=sign_flip(np.sort(np.array(kind.by_cluster)), rng, settings.resamples).p,
        p_exchange=None,
        mass_log_odds=None,
    )
    return _quiet(scored, [comparison], settings, suffix=SPLIT)


def loud_gaps(contrasts: Sequence[Contrast], margin: float) -> list[bool]:
    """Return which gaps of a negative control are shown to lie beyond the margin (Holm)."""
    beyond = [contrast.p_beyond(margin) for contrast in contrasts]
    adjusted = holm(np.array([1.0 if p is None else p for p in beyond]))
    return [bool(p <= ALPHA) for p in adjusted]


def _quiet(
    scored: ScoredProbe, comparisons: list[Comparison], settings: Settings, suffix: str = ""
) -> Control:
    spec = scored.probe.spec
    gaps = loud_gaps([comparison.these_words for comparison in comparisons], scored.margin)
    name = f"{spec.id}{suffix}"
    results, faults = [], []
    for comparison, loud in zip(comparisons, gaps, strict=True):
        result = build_result(scored, comparison, settings, role="control")
        reason = f"the negative control '{name}' shows a gap beyond the reference margin for"
        reason = f"{reason} {result.group_labels[0]}" if loud else ""
        faults += [_fault(LOUD, reason, result)] if loud else []
        update = {
            "id": result.id.replace(spec.id, name, 1),
            "works": not loud,
            "reason": join_reasons(reason, result.reason),
            "by_target": (),
        }
        results.append(result.model_copy(update=update))
    return Control(id=name, kind="negative", results=tuple(results), faults=tuple(faults))


def find_floor(probes: Sequence[ProbeRecord], results: Sequence[Result]) -> Floor | None:
    """Return what meaningless words show: the gaps of the negative controls of a run."""
    negative = {probe.id for probe in probes if probe.role == "negative_control"}
    gaps = {
        result.id: abs(result.estimate)
        for result in results
        if result.probe in negative and result.role == "control" and result.estimate is not None
    }
    if not gaps:
        return None
    loudest = max(gaps, key=lambda name: (gaps[name], name))
    median = float(np.median(list(gaps.values())))
    return Floor(comparisons=len(gaps), median=median, largest=gaps[loudest], result=loudest)


def _matched_halves(scored: ScoredProbe) -> tuple[list[int], list[int]]:
    """Neighbours of each pole in the order of the fact that defines the poles, one for each half.

    The half that takes the larger of two neighbours changes from pair to pair, or the second half
    would lie a little further along the fact than the first.
    """
    spec, cube = scored.probe.spec, scored.cube
    where = spec.targets.plus.where if spec.targets.plus else None
    facts = {target.word.id: target.facts for target in scored.probe.targets}

    def place(column: int) -> tuple[float, str]:
        name = cube.targets[column]
        return (facts[name].get(where.fact, 0.0) if where else 0.0), name

    halves: tuple[list[int], list[int]] = ([], [])
    for sign in ("+", "-"):
        members = sorted(cube.pole(sign), key=place)
        for pair in range(len(members) // 2):
            low, high = members[2 * pair], members[2 * pair + 1]
            halves[pair % 2].append(low)
            halves[1 - pair % 2].append(high)
    return halves
