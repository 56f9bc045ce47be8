"""Groups of two axes: what a combination has beyond what each axis brings alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from bias_audit.metrics.base import (
    Metric,
    MetricInfo,
    MetricOutput,
    contrast_companion,
    contrast_result,
    needs_named_groups,
)
from bias_audit.metrics.design import Design, scored_groups, widest_claim
from bias_audit.metrics.log_odds import LOG_ODDS_GAP, pole_response
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.probes.scope import MIN_LABELS, product
from bias_audit.records import OTHERS
from bias_audit.results import Companion
from bias_audit.stats.contrast import one_group, several_groups, two_by_two, two_claims
from bias_audit.stats.estimate import Contrast, Scope

Cells = tuple[str, str, str, str]
INFO = MetricInfo(
    id="interaction",
    name="interaction of two axes",
    unit="nats",
    direction="the part of an intersectional gap that neither axis brings alone: (first - second) "
    "- (third - fourth) cell",
    reference="Standard 2 x 2 contrast; Tan and Celis (2019, arXiv 1911.01485) on why it matters.",
)


def interaction(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the largest 2 x 2 interaction contrast of a probe whose groups are a product."""
    groups = scored_groups(scored)
    axes = product(groups)
    if axes is None:
        return MetricOutput()
    contrasts = [(cells, _contrast(scored, cells)) for cells in _tables(*axes)]
    cells, largest = max(contrasts, key=lambda one: round(abs(one[1].estimate), 12))
    chosen = f"the largest of {len(contrasts)} such contrasts, chosen afterwards"
    level = settings.confidence
    result = contrast_result(
        scored,
        INFO,
        cells,
        largest,
        settings,
        note=chosen if len(contrasts) > 1 else "",
        n_terms=largest.n_terms,
        n_targets=len(scored.cube.pole("+")) + len(scored.cube.pole("-")),
        n_prompts=sum(scored.cube.prompts[g] for g in cells),
        scope=_scope(scored, cells),
        claim=widest_claim(scored.cube),
        companions=(
            *(contrast_companion(INFO, one, level, names) for names, one in contrasts[:MOST]),
            _furthest(scored, settings, groups),
        ),
    )
    return MetricOutput(results=(result,))


MOST = 36
"""Interaction contrasts that a record holds: those of four levels by four."""


def _tables(first: Sequence[str], second: Sequence[str]) -> Iterator[Cells]:
    """The cells 11, 12, 21, 22 of every 2 x 2 table."""
    for a, b in combinations(first, 2):
        for x, y in combinations(second, 2):
            yield f"{a}-{x}", f"{a}-{y}", f"{b}-{x}", f"{b}-{y}"


def _scope(scored: ScoredProbe, cells: Cells) -> Scope:
    fewest = min(len(scored.cube.columns(name)) for name in cells)
    return "concept" if fewest >= MIN_LABELS and scored.probe.spec.scope != "terms" else "terms"


def _contrast(scored: ScoredProbe, cells: Cells) -> Contrast:
    cube = scored.cube
    columns = [sorted(cube.columns(c), key=lambda i: cube.units[i].label) for c in cells]
    clusters = cube.clusters
    factors = [
        one_group("templates", len(cube.values), clusters.templates),
        two_by_two(columns, len(cube.units), clusters.terms),
        several_groups("targets", [cube.pole("+"), cube.pole("-")], (1, -1), clusters.targets),
    ]
    these, kind = two_claims(cube.values, factors, scope=_scope(scored, cells))
    return kind or these


def _furthest(scored: ScoredProbe, settings: Settings, groups: Sequence[str]) -> Companion:
    """The combination that is furthest from the mean of all others."""
    y = pole_response(scored)
    gaps = [(name, Design(scored, name, OTHERS).contrast(y)) for name in groups]
    name, gap = max(gaps, key=lambda one: round(abs(one[1].estimate), 12))
    return contrast_companion(LOG_ODDS_GAP, gap, settings.confidence, (name, OTHERS))


def _needs_two_axes(probe: Probe) -> str:
    if reason := needs_named_groups(probe):
        return reason
    if not product([group.id for group in probe.groups]):
        return "it needs groups that are every combination of two axes"
    return ""


METRICS = (Metric(info=INFO, measure=interaction, unsupported=_needs_two_axes),)
