"""The share of each group that is scored and compared with none, such as 'they' (M16).

Arrays that are not finite, or do not fit each other, raise ``ValueError``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logsumexp

from bias_audit.metrics.base import (
    Metric,
    MetricInfo,
    MetricOutput,
    estimate_of,
    interval_fields,
    join_reasons,
    probe_result,
)
from bias_audit.metrics.design import widest_claim
from bias_audit.metrics.score_cube import ExtraGroup
from bias_audit.metrics.scored_probe import ScoredProbe, Settings
from bias_audit.probes.probe import Group, Probe
from bias_audit.results import Result
from bias_audit.stats._arrays import finite
from bias_audit.stats.contrast import matched_pairs
from bias_audit.utils.arrays import Floats

INFO = MetricInfo(
    id="beside_share",
    name="share of a word beside the compared ones",
    unit="probability",
    neutral=None,
    direction="larger: more of the probability of the compared words and this one falls on this "
    "one; the words' own frequency is part of it, and so is everything else that the word can mean",
    reference="This tool; mean of the logits over sentences and targets, turned back into a share.",
)


def share_logits(extra: ArrayLike, compared: ArrayLike) -> Floats:
    """Return the logit of P(extra) / (P(extra) + the sum of all P(compared)), (J, A), nats.

    The mean of these logits, turned back into a share, weighs a sentence with a share of 1 in 1,000
    as much as one with 999 in 1,000; the mean of the shares would hardly see the former.

    Args:
        extra: (J, A) log-scores of the extra group, templates by targets.
        compared: (k, J, A) log-scores of each compared group.

    >>> import numpy as np
    >>> logits = share_logits(np.log([[0.2]]), np.log([[[0.1]], [[0.1]]]))
    >>> abs(round(float(logits[0, 0]), 6))  # 0.2 of 0.4: a share of one half
    0.0
    """
    one, others = finite(extra, ndim=2, name="extra"), finite(compared, ndim=3, name="compared")
    if others.shape[0] < 1 or others.shape[1:] != one.shape:
        raise ValueError(f"expected (k, {one.shape}) compared scores, got {others.shape}")
    return np.asarray(one - logsumexp(others, axis=0))


def extra_group_shares(scored: ScoredProbe, settings: Settings) -> MetricOutput:
    """Return one result for each extra group; none has a p-value, so none changes another one."""
    groups = {group.id: group for group in scored.probe.extra_groups}
    return MetricOutput(
        results=tuple(_share(scored, e, groups[e.group], settings) for e in scored.extra_groups)
    )


def _share(scored: ScoredProbe, extra: ExtraGroup, group: Group, settings: Settings) -> Result:
    """The mean logit over sentences and targets with its interval, as shares."""
    cube = extra.cube
    compared = [g.id for g in scored.probe.groups if cube.columns(g.id)]
    levels = [cube.values[:, cube.columns(name)].mean(axis=1) for name in (group.id, *compared)]
    claim = widest_claim(cube)
    sampled = claim == "words_of_this_kind"
    contrast = matched_pairs(
        share_logits(levels[0], np.stack(levels[1:])),
        scope="concept" if sampled else "terms",
        clusters=cube.target_columns(),
    )
    fields = interval_fields(contrast, settings.confidence)
    for edge in ("ci_low", "ci_high"):
        fields[edge] = None if fields[edge] is None else float(expit(fields[edge]))
    fields |= {
        "se": None,
        "df": None,
        "reason": join_reasons(
            fields["reason"], _unscored_groups(scored, compared), *_notes(group)
        ),
    }
    return probe_result(
        scored,
        INFO,
        (group.id,),
        float(expit(estimate_of(contrast))),
        about=group.id,
        n_terms=len(cube.columns(group.id)),
        n_targets=len(cube.targets),
        n_prompts=int(cube.values.size),
        scope="terms",
        claim=claim,
        statuses=("mixed_length",) if len(extra.pieces) > 1 else (),
        **fields,
    )


def _unscored_groups(scored: ScoredProbe, compared: list[str]) -> str:
    lost = [f"'{g.label}'" for g in scored.probe.groups if g.id not in compared]
    return f"without {', '.join(lost)}, which could not be scored" if lost else ""


def _notes(group: Group) -> list[str]:
    """What the word list says of these words, such as what else they can mean."""
    notes = {word.label: word.entry.note for word in group.words if word.entry.note}
    return [f"'{label}': {note}" for label, note in notes.items()]


def _needs_extra_groups(probe: Probe) -> str:
    return "" if probe.extra_groups else "it needs a group that is scored and compared with none"


METRICS = (
    Metric(
        info=INFO,
        measure=extra_group_shares,
        unsupported=_needs_extra_groups,
        needs_probabilities=True,
    ),
)
