"""What a report shows of a probe beside its results: words, completions, coverage."""

from __future__ import annotations

import numpy as np

from bias_audit.archive import Completion, Coverage, GroupProfile, SkipRecord, TargetProfile
from bias_audit.assess._input import Scored
from bias_audit.records import Floats, Skip

TOP = 10


def groups(scored: Scored, harmful: frozenset[str], *, placebo: bool = False) -> list[GroupProfile]:
    """The groups of a probe with their words and their top completions."""
    terms = {unit.label for unit in scored.cube.units}
    return [
        GroupProfile(
            id=group.id,
            label=group.label,
            terms=tuple(dict.fromkeys(w.label for w in group.words if w.label in terms)),
            placebo=placebo,
            completions=_completions(scored, group.id, harmful),
        )
        for group in scored.probe.groups
    ]


def _completions(scored: Scored, group: str, harmful: frozenset[str]) -> tuple[Completion, ...]:
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


def targets(scored: Scored) -> list[TargetProfile]:
    """Mean log-score of each target after each group; unscored targets are in the skips."""
    cube = scored.cube
    words = {target.word.id: target for target in scored.probe.targets}
    found = []
    for index, name in enumerate(cube.targets):
        word = words[name].word
        means = []
        for group in scored.probe.groups:
            cols = cube.columns(group.id)
            means.append(float(cube.values[:, cols, index].mean()) if cols else None)
        found.append(
            TargetProfile(
                id=name,
                text=word.forms.get("sg") or word.label,
                pole=cube.poles[index],
                pieces=cube.pieces[index],
                log_prob=tuple(means),
                facts=dict(words[name].facts),
            )
        )
    return found


def coverage(scored: Scored) -> Coverage:
    """Words asked for and scored."""
    cube = scored.cube
    own = bool(scored.probe.spec.targets.own)
    asked = [target.pole for target in scored.probe.targets]
    labels = {(group.id, word.label) for group in scored.probe.groups for word in group.words}
    return Coverage(
        requested_plus=len(asked) if own else asked.count("+"),
        scored_plus=len(cube.targets) if own else len(cube.pole("+")),
        requested_minus=asked.count("-"),
        scored_minus=len(cube.pole("-")),
        terms_requested=len(labels),
        terms_scored=len(cube.units),
        templates_requested=len(scored.probe.frames),
        templates_scored=len(cube.templates),
    )


def skip_record(skip: Skip) -> SkipRecord:
    """A skip as it is archived."""
    return SkipRecord(
        probe=skip.probe,
        kind=skip.kind,
        what=skip.what,
        pole=skip.pole,
        reason=skip.reason,
        detail=skip.detail,
        count=skip.count,
    )
