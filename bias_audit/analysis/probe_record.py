"""What a report shows of a probe beside its results: words, completions, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from bias_audit.analysis.controls import Control
from bias_audit.metrics.base import brief
from bias_audit.metrics.design import sampled_shares
from bias_audit.metrics.log_odds import group_levels
from bias_audit.metrics.score_cube import ScoreCube
from bias_audit.metrics.scored_probe import ScoredProbe
from bias_audit.metrics.word_properties import priors_of
from bias_audit.records import Skip
from bias_audit.results import (
    Card,
    Completion,
    Coverage,
    GroupProfile,
    ProbeRecord,
    SkipRecord,
    TargetProfile,
)
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import READINGS

TOP = 10


def _groups(
    scored: ScoredProbe, harmful: frozenset[str], *, placebo: bool = False
) -> list[GroupProfile]:
    """The groups of a probe with their words and their top completions."""
    terms = {unit.label for unit in scored.cube.units}
    profiles = []
    for group in scored.probe.groups:
        labels = tuple(dict.fromkeys(w.label for w in group.words if w.label in terms))
        priors, pieces = priors_of(scored, labels, group.id)
        profiles.append(
            GroupProfile(
                id=group.id,
                label=group.label,
                terms=labels,
                priors=priors,
                pieces=pieces,
                placebo=placebo,
                completions=_completions(scored, group.id, harmful),
            )
        )
    return profiles


def _extra_groups(scored: ScoredProbe) -> tuple[GroupProfile, ...]:
    """The groups that are compared with nobody, with the words that could be scored."""
    terms = {(unit.group, unit.label) for extra in scored.extra_groups for unit in extra.cube.units}
    return tuple(
        GroupProfile(
            id=group.id,
            label=group.label,
            terms=tuple(
                dict.fromkeys(w.label for w in group.words if (group.id, w.label) in terms)
            ),
        )
        for group in scored.probe.extra_groups
    )


def _completions(
    scored: ScoredProbe, group: str, harmful: frozenset[str]
) -> tuple[Completion, ...]:
    rows = [
        answer.words
        for prompt, answer in zip(scored.open_prompts, scored.open_scores, strict=True)
        if prompt.group == group and answer.skip is None
    ]
    if not rows or not scored.words:
        return ()
    mean: Floats = np.asarray(np.mean(np.stack(rows), axis=0, dtype=np.float64))
    best = np.argsort(-mean, kind="stable")[:TOP]
    return tuple(
        Completion(
            token=scored.words[i],
            probability=float(mean[i]),
            harmful=scored.words[i].lower() in harmful,
        )
        for i in best
    )


def _targets(scored: ScoredProbe) -> list[TargetProfile]:
    """Mean log-score of each target after each group; unscored targets are in the skips."""
    cube = scored.cube
    words = {target.word.id: target for target in scored.probe.targets}
    levels = [_levels(cube, cube.columns(group.id)) for group in scored.probe.groups]
    detailed = scored.probe.spec.role == "probe" and READINGS[scored.reading].of == "word"
    profiles = []
    for index, name in enumerate(cube.targets):
        word = words[name].word
        mean, chance, odds = (tuple(level[i][index] for level in levels) for i in range(3))
        profiles.append(
            TargetProfile(
                id=name,
                text=word.forms.get("sg") or word.label,
                pole=cube.poles[index],
                pieces=cube.pieces[index],
                log_prob=mean,
                probability=chance if detailed else (),
                log_odds=odds if detailed else (),
                facts=dict(words[name].facts),
            )
        )
    return profiles


def _levels(cube: ScoreCube, columns: list[int]) -> tuple[Sequence[float | None], ...]:
    """Mean log-score, probability and log-odds of each target after one group (M2)."""
    nothing = [None] * len(cube.targets)
    if not columns:
        return nothing, nothing, nothing
    logs = [float(cube.values[:, columns, i].mean()) for i in range(len(cube.targets))]
    if not (cube.values < 0).all():  # a score of a certain word has no finite odds
        return logs, nothing, nothing
    chances, odds = group_levels(cube.values, columns)
    return logs, [brief(x) for x in chances], [brief(x) for x in odds]


def _coverage(scored: ScoredProbe) -> Coverage:
    """Words asked for and scored."""
    cube = scored.cube
    own = bool(scored.probe.spec.targets.own)
    requested = [target.pole for target in scored.probe.targets]
    labels = {(group.id, word.label) for group in scored.probe.groups for word in group.words}
    return Coverage(
        requested_plus=len(requested) if own else requested.count("+"),
        scored_plus=len(cube.targets) if own else len(cube.pole("+")),
        requested_minus=requested.count("-"),
        scored_minus=len(cube.pole("-")),
        terms_requested=len(labels),
        terms_scored=len(cube.units),
        templates_requested=len(scored.probe.frames),
        templates_scored=len(cube.templates),
    )


def build_skip_record(skip: Skip) -> SkipRecord:
    """Return a skip as it is archived."""
    return SkipRecord(**asdict(skip))


def build_control_record(
    control: Control, scored: ScoredProbe, harmful: frozenset[str]
) -> ProbeRecord:
    """Return the record of a control."""
    return build_probe_record(scored, harmful, placebo=control.id.endswith("~placebo")).model_copy(
        update={
            "id": control.id,
            "role": f"{control.kind}_control",
            "works": not control.faults,
            "reason": control.reason,
            "controls": (),
            "card": None,
        }
    )


def build_probe_record(
    scored: ScoredProbe, harmful: frozenset[str], *, placebo: bool = False
) -> ProbeRecord:
    """Return the record of a probe, without what is known once its results are."""
    spec, cube = scored.probe.spec, scored.cube
    card = spec.card
    return ProbeRecord(
        clusters=scored.cube.shared_clusters,
        id=spec.id,
        version=spec.version,
        digest=scored.probe.digest,
        language=spec.language,
        axis=spec.axis,
        title=spec.title,
        question=spec.question,
        state="measured",
        mask=spec.mask,
        plus=scored.probe.plus_name,
        minus=scored.probe.minus_name,
        prompts=scored.prompts + scored.prompts_extra,
        templates=len(cube.templates),
        terms=len(cube.units),
        coverage=_coverage(scored),
        card=Card(**card.model_dump()) if card else None,
        groups=tuple(_groups(scored, harmful, placebo=placebo)),
        extra_groups=_extra_groups(scored),
        targets=tuple(_targets(scored)),
        sampled=(0.0, 0.0) if spec.targets.own else sampled_shares(scored),
        sensitive=spec.sensitive,
    )
