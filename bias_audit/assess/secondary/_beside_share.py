"""The share of each group that is scored and compared with nobody, such as 'they' (M16)."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from bias_audit._uncompared import Uncompared
from bias_audit.archive import Result
from bias_audit.assess._design import target_scope
from bias_audit.assess._input import Scored, Settings
from bias_audit.assess.secondary import _record
from bias_audit.metrics.beside_share import share_logits
from bias_audit.probes.probe import Group
from bias_audit.stats.contrast import matched_pairs


def beside_shares(scored: Scored, settings: Settings) -> list[Result]:
    """One result for each group beside; they have no p-value, and so change no other one."""
    groups = {group.id: group for group in scored.probe.extra_groups}
    return [_share(scored, found, groups[found.group], settings) for found in scored.uncompared]


def _share(scored: Scored, found: Uncompared, group: Group, settings: Settings) -> Result:
    """The mean logit over sentences and targets with its interval, as shares."""
    block = found.cube
    there = [g.id for g in scored.probe.groups if block.columns(g.id)]
    levels = [block.values[:, block.columns(name)].mean(axis=1) for name in (group.id, *there)]
    sampled = target_scope(scored.probe, block) == "construct"
    contrast = matched_pairs(
        share_logits(levels[0], np.stack(levels[1:])), scope="concept" if sampled else "terms"
    )
    limits = contrast.interval(settings.confidence) or (None, None)
    missing = "" if None not in limits else f"no interval: {contrast.status.replace('_', ' ')}"
    low, high = (None if edge is None else float(expit(edge)) for edge in limits)
    return _record.build(
        scored,
        "beside_share",
        (group.id,),
        float(expit(_record.settled(contrast))),
        about=group.id,
        ci_low=low,
        ci_high=high,
        confidence=settings.confidence,
        neutral=None,
        n_templates=contrast.n_templates,
        n_terms=len(block.columns(group.id)),
        n_targets=len(block.targets),
        n_prompts=int(block.values.size),
        scope="terms",
        target_scope="construct" if sampled else "fixed",
        statuses=("mixed_length",) if len(found.pieces) > 1 else (),
        reason=_record.joined(missing, _unscored(scored, there), *_notes(group)),
    )


def _unscored(scored: Scored, there: list[str]) -> str:
    gone = [f"'{g.label}'" for g in scored.probe.groups if g.id not in there]
    return f"without {', '.join(gone)}, which could not be scored" if gone else ""


def _notes(group: Group) -> list[str]:
    """What the word list says of these words, such as what else they can mean."""
    noted = {word.label: word.entry.note for word in group.words if word.entry.note}
    return [f"'{label}': {note}" for label, note in noted.items()]
