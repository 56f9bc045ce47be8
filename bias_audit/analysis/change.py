"""The numbers of one change: a gap in two models, its difference, and bounds on its rise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bias_audit.analysis.paired_cells import PairedCube
from bias_audit.metrics.log_odds import cell_response
from bias_audit.records import OTHERS
from bias_audit.results.decisions import Change, RiseBound
from bias_audit.results.schema import ProbeRecord, Result
from bias_audit.stats.estimate import Contrast, Scope
from bias_audit.stats.layout import Layout, without_one
from bias_audit.stats.rise import direction, rise_limits
from bias_audit.utils.arrays import Floats

LEAST_SE = 1e-6
"""Nats. Scores are stored with six decimals, so no difference is known better than this; models
that differ by one constant have no other variance."""
NOTHING: dict[str, object] = {
    **dict.fromkeys(("difference", "ci_low", "ci_high", "rise", "rise_low", "rise_high"), 0.0),
    "se": 0.0,
    "p_value": 1.0,
    "bounds": (),
}
"""The change between two models with the same scores: known exactly, nothing to estimate."""
SCOPES: dict[str, Scope] = {"terms": "terms", "concept": "concept", "templates": "templates"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gap:
    """A contrast, and its estimate without each sentence and each group word in turn."""

    contrast: Contrast
    """About these words."""
    kind: Contrast | None
    """About words of this kind; None where a pole has fewer than two."""
    without: tuple[float, ...]


class PairedContrast:
    """The contrast of a result on a cube of paired cells; it is linear in the cells."""

    def __init__(
        self, result: Result, probe: ProbeRecord, cube: PairedCube, groups: Sequence[str]
    ) -> None:
        """Prepare the contrast of ``result``.

        Args:
            result: names the groups, their matched words and what is a sample.
            probe: says which word is masked, and how much of all words its poles are.
            cube: the cells.
            groups: all groups of the probe that have a column.
        """
        a, b = result.groups
        rest = b == OTHERS
        sides = [cube.columns(group) for group in (groups if rest else (a, b))]
        at = {unit: i for i, unit in enumerate(cube.units)}
        matched = [(at[a, x], at[b, y]) for x, y in result.pairs if (a, x) in at and (b, y) in at]
        self.group_masked = probe.mask == "group"
        self.sampled = probe.sampled if any(probe.sampled) else ()
        self.plus, self.minus = cube.pole("+"), cube.pole("-")
        self.layout = Layout(
            groups=sides,
            which=list(groups).index(a) if rest else 0,
            rest=rest,
            pairs=[] if rest or self.group_masked else matched,
            scope=SCOPES.get(result.scope, "terms"),
            clusters=cube.clusters,
        )

    def claims(self, values: Floats) -> tuple[Contrast, Contrast | None]:
        """Return both claims about (templates, units, targets) values, nats."""
        poles = self.plus, self.minus
        if self.group_masked:
            return self.layout.pole_claims(self.layout.difference(values), poles, self.sampled)
        return self.layout.claims(values, poles, self.sampled)

    def layout_counts(self, templates: int) -> dict[str, int]:
        """Return how many independent sentences and words, or pairs of them, there are."""
        factors = {"templates": self.layout.rows(templates), "terms": self.layout.terms}
        return {name: sum(g.starts.size for g in f.groups) for name, f in factors.items()}

    def gap(self, values: Floats) -> _Gap:
        """Return the gap of (templates, units, targets) values, nats."""
        without: tuple[float, ...] = ()
        these, kind = self.claims(values)
        if not self.group_masked:
            response = cell_response(values, self.plus, self.minus)
            without = self.layout.without_a_term(response)
        rows = self.layout.rows(len(values)).groups[0]
        return _Gap(
            contrast=_with_least_error(these),
            kind=kind and _with_least_error(kind),
            without=(*without, *without_one(np.array(these.delta), rows)),
        )


def _with_least_error(contrast: Contrast) -> Contrast:
    """The contrast with at least the error of its decimals."""
    if contrast.status in ("identical", "no_variance"):
        return replace(contrast, se=LEAST_SE, df=max(contrast.n_templates - 1.0, 1.0), status="ok")
    if contrast.se is not None and contrast.se < LEAST_SE:
        return replace(contrast, se=LEAST_SE)
    return contrast


def measure_change(
    cube: PairedCube, result: Result, probe: ProbeRecord, groups: Sequence[str]
) -> Change:
    """Return the change of ``result``, before adjustment and without statuses.

    Args:
        cube: paired cells of the groups that it compares.
        result: the result of the candidate.
        probe: the probe of both.
        groups: all groups of the probe that have a column in ``cube``.
    """
    contrast = PairedContrast(result, probe, cube, groups)
    old = contrast.gap(cube.baseline).contrast
    step = contrast.gap(cube.candidate - cube.baseline)
    both = contrast.gap(cube.candidate + cube.baseline)
    limits = step.contrast.interval(0.95)
    numbers = Change(
        probe=result.probe,
        result=result.id,
        axis=result.axis,
        role=result.role,
        groups=result.groups,
        group_labels=result.group_labels,
        metric=result.metric,
        metric_name=result.metric_name,
        unit=result.unit,
        baseline=old.estimate,
        candidate=contrast.gap(cube.candidate).contrast.estimate,
        difference=step.contrast.estimate,
        ci_low=limits[0] if limits else None,
        ci_high=limits[1] if limits else None,
        se=step.contrast.se,
        df=step.contrast.df,
        p_value=step.kind.p_value() if step.kind else None,
        identical=cube.identical,
        n_templates=step.contrast.n_templates,
        n_terms=contrast.layout.n_terms,
        n_targets=len(contrast.plus) + len(contrast.minus),
        cells=cube.cells,
        cells_lost_share=cube.lost,
        variance=step.contrast.variance,
    )
    rise = NOTHING if cube.identical else _rise(old, step, both)
    return numbers.model_copy(update=rise)


def _rise(old: Contrast, step: _Gap, both: _Gap) -> dict[str, object]:
    """The fields of a change that say how much larger the gap is."""
    sign, level = direction(old)
    bounds = (
        _rise_bound(step, sign, claim="further"),
        _rise_bound(both, -sign, claim="reversed"),
    )
    low, high = rise_limits(bounds, level) or (None, None)
    return {
        "rise": max(bound.estimate for bound in bounds),
        "rise_low": low,
        "rise_high": high,
        "bound_level": level,
        "direction": "baseline_sign",
        "bounds": bounds,
    }


def _rise_bound(gap: _Gap, sign: int, *, claim: Literal["further", "reversed"]) -> RiseBound:
    """One claim about the rise: the contrast, or with ``sign`` -1 its mirror image."""
    contrast = gap.contrast
    without = [sign * value for value in gap.without]
    return RiseBound(
        claim=claim,
        estimate=sign * contrast.estimate,
        se=contrast.se,
        df=contrast.df,
        loo_low=min(without, default=None),
        loo_high=max(without, default=None),
    )


def summarised_change(old: Result, new: Result) -> Change:
    """Return the change of a result whose cells are not stored, from both estimates.

    Sentences and words are the same in both runs, so their errors go together: the error of a
    difference is at most that of two independent runs, and the error of a sum at most the sum of
    both. With one direction only, as for completions, there is one claim.

    Args:
        old: of the baseline.
        new: of the candidate.
    """
    numbers = Change(
        probe=new.probe,
        result=new.id,
        axis=new.axis,
        role=new.role,
        groups=new.groups,
        group_labels=new.group_labels,
        metric=new.metric,
        metric_name=new.metric_name,
        unit=new.unit,
        baseline=old.estimate,
        candidate=new.estimate,
        identical=old.estimate is not None and (old.estimate, old.se) == (new.estimate, new.se),
        n_templates=new.n_templates,
        n_terms=new.n_terms,
    )
    if numbers.identical:
        return numbers.model_copy(update=NOTHING)
    before, after = _contrast_of(old), _contrast_of(new)
    if not (before.se and after.se and before.df and after.df):
        return numbers
    apart = float(np.hypot(before.se, after.se))
    df = apart**4 / (before.se**4 / before.df + after.se**4 / after.df)
    step = replace(after, estimate=after.estimate - before.estimate, se=apart, df=df)
    both = replace(
        after,
        estimate=after.estimate + before.estimate,
        se=before.se + after.se,
        df=min(before.df, after.df),
    )
    limits = step.interval(0.95)
    rise = _rise(before, _summary(step), _summary(both))
    if new.metric == "completions":  # a share that differs has no other direction
        bounds = (_rise_bound(_summary(step), 1, claim="further"),)
        low, high = rise_limits(bounds, 0.95) or (None, None)
        rise = {
            "rise": step.estimate,
            "rise_low": low,
            "rise_high": high,
            "bound_level": 0.95,
            "direction": "declared",
            "bounds": bounds,
        }
    return numbers.model_copy(
        update={
            "difference": step.estimate,
            "ci_low": limits[0] if limits else None,
            "ci_high": limits[1] if limits else None,
            "se": apart,
            "df": df,
            "p_value": step.p_value(),
        }
        | rise
    )


def _summary(contrast: Contrast) -> _Gap:
    return _Gap(contrast=contrast, kind=None, without=())


def _contrast_of(result: Result) -> Contrast:
    return Contrast(
        estimate=result.estimate or 0.0,
        se=result.se,
        df=result.df,
        n_templates=result.n_templates,
        n_terms=result.n_terms,
    )
