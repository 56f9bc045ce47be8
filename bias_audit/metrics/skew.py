"""Overall skew of a group-masked probe: which group word is likelier over all targets (M16)."""

from __future__ import annotations

import math

from bias_audit.metrics.base import Metric, MetricInfo, MetricOutput, contrast_result
from bias_audit.metrics.design import Design, scored_comparisons, widest_claim
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Probe
from bias_audit.stats.contrast import matched_pairs
from bias_audit.stats.estimate import Scope
from bias_audit.stats.layout import over_targets

LARGEST = 700.0
"""Gap, nats, whose odds ratio a float still holds."""
INFO = MetricInfo(
    id="skew",
    name="overall skew towards the first group",
    unit="nats",
    direction="positive: the first scored word is more likely than the second over all targets; "
    "the words' own frequency is part of it",
    reference="de Vassimon Manela et al. (2021, EACL): skew, as opposed to stereotype.",
)


def skew(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return the preference for the first scored group word, over all targets."""
    pairs = scored_comparisons(scored)
    if len(pairs) != 1:
        return MetricOutput()
    a, b = pairs[0]
    y = Design(scored, a, b).difference(scored.cube.values)
    claim = widest_claim(scored.cube)
    sampled = claim == "words_of_this_kind"
    scope: Scope = "concept" if sampled else "terms"
    contrast = matched_pairs(y, scope=scope, clusters=scored.cube.target_columns())
    factors = "templates and targets" if sampled else "templates"
    result = contrast_result(
        scored,
        INFO,
        (a, b),
        over_targets(contrast),
        settings,
        about=f"{a}-vs-{b}",
        p_value=contrast.p_value(),
        p_method=f"crossed factors {factors}, t with Satterthwaite df",
        effect_size=math.exp(min(contrast.estimate, LARGEST)),
        n_targets=y.shape[1],
        n_prompts=y.size * len(scored.cube.units),
        scope="terms",
        claim=claim,
    )
    return MetricOutput(results=(result,))


def _needs_two_words(probe: Probe) -> str:
    if probe.spec.mask != "group" or len(probe.groups) != 2:
        return "it needs a probe that masks the group word, with two groups"
    return ""


METRICS = (Metric(info=INFO, measure=skew, unsupported=_needs_two_words, needs_probabilities=True),)
