"""Numbers of a stored run computed again from its scores, without the model and its probes.

The results say how they were made (groups, pairs, scope, clusters), so that the scores give every
gap again with its error, its sentences and its words. What the scores do not hold (completions, the
draws of permutations, robustness checks) is not looked at.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bias_audit.analysis.change import LEAST_SE, PairedContrast
from bias_audit.analysis.compare_runs import METRICS, RunPair, mismatch_error
from bias_audit.analysis.controls import find_floor, is_heard, loud_gaps
from bias_audit.analysis.outcomes import conclude
from bias_audit.analysis.paired_cells import PairedCube
from bias_audit.analysis.result_record import LARGEST
from bias_audit.analysis.statements import Question
from bias_audit.metrics.design import DIAGONALS
from bias_audit.metrics.diagonal import diagonal_contrast
from bias_audit.metrics.log_odds import group_levels
from bias_audit.results.evidence import INDEX, KEY_COLUMNS
from bias_audit.results.run_folder import StoredRun
from bias_audit.results.schema import Claim, ProbeRecord, Result, Sentence, TargetProfile
from bias_audit.stats.contrast import Clusters, matched_pairs
from bias_audit.stats.estimate import Contrast
from bias_audit.stats.multiplicity import bh, by
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import READINGS
from bias_audit.utils.scales import gap_scale

CLOSE, NEAR = 2e-5, 3e-6
"""A stored number may miss the one from the evidence by this share or by so many nats: a score
there has six decimals."""
_MOVES = 20.0
"""How many times further a p or degrees of freedom move than the error behind them."""
CLOSE_QUOTE = 1e-7
"""The same of a quoted score: of a whole sentence it has eight digits, and few of them decimals."""
CLOSE_P = 1e-3
CLOSE_DF = 3e-4
"""The same of p-values and of degrees of freedom, which move more."""
MADE = (*METRICS, *DIAGONALS)
"""Measures that the scores give again."""
SPLIT = "~split"
"""Ends the name of a control whose halves are stored nowhere."""
_FAMILIES = {"Benjamini-Yekutieli over ": by, "Benjamini-Hochberg over ": bh}
_CONCLUSIONS = (
    "p_adjusted", "p_adjustment", "outcome", "at_least", "at_most", "leans", "pole", "size",
    "statement",
)  # fmt: skip
_TEXT = KEY_COLUMNS.index("text")
_Texts = dict[tuple[str, str, str], set[float]]
Value = float | str | None


class Mismatch(NamedTuple):
    """A number that the scores do not give."""

    where: str
    """Id of the result or the probe."""
    number: str
    """Which of its numbers."""
    stored: Value
    own: Value
    """What the scores give; None where they give nothing."""

    def __str__(self) -> str:
        """Say what is stored and what the scores give."""
        stored, own = (
            "missing" if x is None else f"{x:.8g}" if isinstance(x, float | int) else repr(x)
            for x in (self.stored, self.own)
        )
        return f"{self.where}: {self.number} is {stored} in results.json, by the scores {own}"


def require_numbers(run: StoredRun, results: Sequence[Result]) -> None:
    """Compute gaps with their errors again from the evidence, where that is there.

    ``results``: gaps of the run.

    Raises:
        UsageError: the evidence does not give a number that is stored.
    """
    gaps = [r for r in results if r.metric in METRICS and r.estimate is not None]
    if run.evidence is None or run.results.run.partial or not gaps:
        return
    again = Recomputation(run, {result.probe for result in gaps})
    for result in gaps:
        for one in again.claims(result):
            own = one.own if isinstance(one.own, float) else None
            kept = one.stored if isinstance(one.stored, float | int) else None
            raise mismatch_error(run, result, own, (one.number, kept))


class Recomputation:
    """The numbers of a stored run, computed again."""

    def __init__(self, run: StoredRun, probes: Collection[str] = ()) -> None:
        """Read the scores of some probes, or of all.

        Raises:
            UsageError: they cannot be read.
        """
        self.results = run.results
        known = {probe.id: probe for probe in run.results.probes}
        self.probes = {name: known[name] for name in probes or known}
        self.tally: Counter[str] = Counter()
        """How many numbers of each kind were computed again."""
        self._scores = RunPair(run, run, set(self.probes))
        self._known: dict[str, _Texts] = {}

    @cached_property
    def gaps(self) -> list[Result]:
        """The results that the scores give again."""
        known = (r for r in self.results.results if r.metric in MADE and r.estimate is not None)
        return [r for r in known if r.probe in self.probes and SPLIT not in r.id]

    def mismatches(self) -> Iterator[Mismatch]:
        """Yield every number that the scores do not give."""
        fresh: dict[str, Result] = {}
        heard: dict[str, Contrast] = {}
        for result in self.results.results:
            if result.probe not in self.probes:
                yield Mismatch(result.id, "probe", result.probe, None)
        for result in self.gaps:
            probe = self.probes[result.probe]
            self.tally["comparisons"] += 1
            if result.metric in METRICS:
                cut = self._scores.cut(probe, result, "new", only_poles=False)
                if cut is not None and not cut[0].lost:
                    yield from self._gap(result, probe, *cut, fresh, heard)
                    continue
            elif (cube := self._scores.whole(probe)) is not None:
                heard[result.id] = _diagonal(cube, [group.id for group in probe.groups])
                yield from _claim(result, heard[result.id], None)
                continue
            yield Mismatch(result.id, "estimate", result.estimate, None)
        yield from self._conclusions(fresh)
        yield from self._controls(heard)
        yield from self._levels()
        yield from self._quotes()
        yield from self._floor()

    def claims(self, result: Result) -> Iterator[Mismatch]:
        """Yield what is wrong with both claims of one gap."""
        cut = self._scores.cut(self.probes[result.probe], result, "new", only_poles=False)
        if cut is None or cut[0].lost:
            yield Mismatch(result.id, "estimate", result.estimate, None)
            return
        contrast = PairedContrast(result, self.probes[result.probe], *cut)
        yield from _claim(result, *contrast.claims(cut[0].candidate))
        yield from _counts(result, cut[0], contrast)

    def _gap(
        self,
        result: Result,
        probe: ProbeRecord,
        cube: PairedCube,
        groups: list[str],
        fresh: dict[str, Result],
        heard: dict[str, Contrast],
    ) -> Iterator[Mismatch]:
        """One gap with its claims, its sentences and its words."""
        contrast = PairedContrast(result, probe, cube, groups)
        these, kind = contrast.claims(cube.candidate)
        heard[result.id] = these
        yield from _claim(result, these, kind)
        yield from _counts(result, cube, contrast)
        yield from self._sentence_effects(result, cube, these)
        if result.role != "control":
            without = contrast.gap(cube.candidate).without
            yield from _pick(result, "loo_low", min(without, default=None))
            yield from _pick(result, "loo_high", max(without, default=None))
        if result.by_target or result.role == "primary":
            yield from self._words(result, cube, contrast)
        numbers = {"estimate": these.estimate, "se": these.se, "df": these.df}
        numbers["p_value"] = kind.p_value() if kind else None
        fresh[result.id] = result.model_copy(update=numbers)

    def _sentence_effects(
        self, result: Result, cube: PairedCube, these: Contrast
    ) -> Iterator[Mismatch]:
        """The gap of each sentence, and how many agree in direction."""
        own = dict(zip(cube.templates, these.delta, strict=True))
        if result.by_template and {effect.id for effect in result.by_template} != set(own):
            yield Mismatch(result.id, "sentences of by_template", len(result.by_template), len(own))
        for effect in result.by_template:
            self.tally["sentence effects"] += 1
            value = own.get(effect.id, effect.value)
            yield from _unequal(result.id, f"by_template {effect.id}", effect.value, value)
        if result.sign_share is not None and these.estimate:
            values = [effect.value for effect in result.by_template] or list(these.delta)
            share = float(np.mean(np.sign(values) == np.sign(these.estimate)))
            yield from _pick(result, "sign_share", share)

    def _words(
        self, result: Result, cube: PairedCube, contrast: PairedContrast
    ) -> Iterator[Mismatch]:
        """The gap of each target beside the mean of all."""
        at = {name: i for i, name in enumerate(cube.targets)}
        poles = {effect.id: effect.pole for effect in result.by_target}
        if poles != dict(zip(cube.targets, cube.poles, strict=True)):
            yield Mismatch(result.id, "words and poles of by_target", len(poles), len(at))
            return
        one_word = _word_contrasts(cube, contrast)
        own = [one_word(at[effect.id]) for effect in result.by_target]
        for effect, gap in zip(result.by_target, own, strict=True):
            self.tally["word effects"] += 1
            label = f"by_target {effect.id}"
            low, high = gap.interval(result.confidence) or (None, None)
            near, p = _near(gap, result.confidence), gap.p_value()
            yield from _misses(result.id, f"{label} value", effect.value, gap.estimate, gap)
            yield from _misses(result.id, f"{label} ci_low", effect.ci_low, low, gap, near=near)
            yield from _misses(result.id, f"{label} ci_high", effect.ci_high, high, gap, near=near)
            yield from _misses(result.id, f"{label} p_value", effect.p_value, p, gap, _close_p(gap))
        yield from _adjusted_words(result)

    def _conclusions(self, fresh: dict[str, Result]) -> Iterator[Mismatch]:
        """Adjusted p, outcome, bounds and sentence of every primary comparison."""
        for probe in self.results.probes:
            family = [r for r in self.results.results if _is_primary(r, probe)]
            again = [fresh[r.id] for r in family if r.id in fresh]
            if not family or len(again) != len(family):
                continue
            read = self.results.model.reading
            question = Question(plus=probe.plus, minus=probe.minus, mask=probe.mask, reading=read)
            concluded = conclude(again, question, partial=self.results.run.partial)
            for stored, own in zip(family, concluded, strict=True):
                self.tally["outcomes"] += 1
                for name in _CONCLUSIONS:
                    numbers = getattr(stored, name), getattr(own, name)
                    yield from _unequal(stored.id, name, *numbers, CLOSE_P)

    def _controls(self, heard: dict[str, Contrast]) -> Iterator[Mismatch]:
        """Whether each control did what it must."""
        for probe in self.results.probes:
            mine = [r for r in self.results.results if r.probe == probe.id and r.role == "control"]
            mine = [r for r in mine if r.id in heard]
            margin = next((r.margin for r in mine if r.margin is not None), 0.0)
            if probe.role == "negative_control":
                works = [not loud for loud in loud_gaps([heard[r.id] for r in mine], margin)]
            else:
                diagonals = [r.metric in DIAGONALS for r in mine]
                works = [
                    is_heard(heard[r.id], margin, gap_scale(r.unit), diagonal=is_diagonal)
                    for r, is_diagonal in zip(mine, diagonals, strict=True)
                ]
            for result, own in zip(mine, works, strict=True):
                self.tally["controls"] += 1
                yield from _unequal(result.id, "works", str(result.works), str(own))

    def _levels(self) -> Iterator[Mismatch]:
        """Mean log-score, probability and log-odds of each word after each group."""
        for probe in self.results.probes:
            cube = self._scores.whole(probe)
            if cube is None:
                continue
            at = {name: i for i, name in enumerate(cube.targets)}
            columns = [cube.columns(group.id) for group in probe.groups]
            levels = [_group_levels(cube.candidate, mine) for mine in columns]
            yield from _sizes(probe, cube)
            for target in probe.targets:
                place = at.get(target.id)
                if place is None or target.pole != cube.poles[place]:
                    own = None if place is None else cube.poles[place]
                    yield Mismatch(probe.id, f"pole of word {target.id}", target.pole, own)
                    continue
                self.tally["levels of words"] += 1
                for numbers, name in enumerate(self._detail(probe)):
                    mine = [level[numbers][place] for level in levels]
                    yield from _level(probe.id, f"{name} of {target.id}", target, name, mine)

    def _detail(self, probe: ProbeRecord) -> tuple[str, ...]:
        """Which numbers a record has of its words."""
        whole = probe.role == "probe" and READINGS[self.results.model.reading].of == "word"
        return ("log_prob", "probability", "log_odds") if whole else ("log_prob",)

    def _quotes(self) -> Iterator[Mismatch]:
        """Sentences that are quoted, with the scores of their words; of encoders with cosines."""
        if READINGS[self.results.model.reading].is_cosine:
            return  # which stand in a column of their own
        quoted = [(r.id, r.probe, r.sentences) for r in self.results.results if r.sentences]
        quoted += [(f.id, f.probe, f.sentences) for f in self.results.findings]
        for name, probe, sentences in quoted:
            scores = self._texts(probe)
            if not scores:
                continue  # pairs of a published data set: their text is in no file
            for sentence in sentences:
                self.tally["quoted sentences"] += 1
                yield from _quote(name, sentence, scores)

    def _texts(self, probe: str) -> _Texts:
        """The scores of one probe by sentence, word and text."""
        if probe not in self._known:
            known: _Texts = {}
            cells = self._scores.new.get(probe)
            for key, score in (cells.scores if cells else {}).items():
                place = key[INDEX.template], key[INDEX.target], key[_TEXT]
                known.setdefault(place, set()).add(score)
            self._known[probe] = known
        return self._known[probe]

    def _floor(self) -> Iterator[Mismatch]:
        """What meaningless words show."""
        own, stored = find_floor(self.results.probes, self.results.results), self.results.floor
        for name in ("comparisons", "median", "largest", "result"):
            one, other = (getattr(floor, name, None) for floor in (stored, own))
            yield from _unequal("floor", name, one, other)


def _is_primary(result: Result, probe: ProbeRecord) -> bool:
    return result.probe == probe.id and result.role == "primary" and result.metric in METRICS


def differ(stored: Value, own: Value, close: float = CLOSE, near: float = NEAR) -> bool:
    """Return whether two values are more apart than the decimals of the scores allow."""
    if stored is None or own is None or isinstance(stored, str) or isinstance(own, str):
        return stored != own
    return not math.isclose(stored, own, rel_tol=close, abs_tol=near)


def _unequal(
    where: str, name: str, stored: Value, own: Value, close: float = CLOSE
) -> Iterator[Mismatch]:
    if differ(stored, own, close):
        yield Mismatch(where, name, stored, own)


def _pick(result: Result, name: str, own: float | None) -> Iterator[Mismatch]:
    return _unequal(result.id, name, getattr(result, name), own)


def _claim(result: Result, these: Contrast, kind: Contrast | None) -> Iterator[Mismatch]:
    """The numbers of both claims of a gap."""
    yield from _pick(result, "estimate", these.estimate)
    if result.unit == "nats":
        yield from _pick(result, "effect_size", math.exp(min(these.estimate, LARGEST)))
    yield from _interval_numbers(result.id, "", result, these, result.confidence)
    wide = result.words_of_this_kind
    if wide is not None and kind is not None:
        prefix = "words_of_this_kind "
        yield from _interval_numbers(result.id, prefix, wide, kind, result.confidence)
    elif wide is not None or kind is not None:
        stored, own = wide.se if wide else None, kind.se if kind else None
        yield Mismatch(result.id, "words_of_this_kind", stored, own)
    wider = kind or these
    if result.metric in METRICS:
        p = kind.p_value() if kind else None
        yield from _misses(result.id, "p_value", result.p_value, p, wider, _close_p(wider))
    near = 2 * NEAR * (wider.se or NEAR)
    for source, value in wider.variance.items():
        stored = result.variance.get(source)
        yield from _misses(result.id, f"variance of {source}", stored, value, wider, CLOSE_P, near)


def _interval_numbers(
    where: str, prefix: str, stored: Result | Claim, gap: Contrast, confidence: float
) -> Iterator[Mismatch]:
    """Error, degrees of freedom and both intervals of one claim, and its p."""
    yield from _misses(where, f"{prefix}se", stored.se, gap.se, gap)
    yield from _misses(where, f"{prefix}df", stored.df, gap.df, gap, CLOSE_DF + _share(gap))
    for name, level in (("ci", confidence), ("ci90", 0.9)):
        limits = gap.interval(level) or (None, None)
        for end, own in zip(("low", "high"), limits, strict=True):
            one = getattr(stored, f"{name}_{end}")
            yield from _misses(
                where, f"{prefix}{name}_{end}", one, own, gap, near=_near(gap, level)
            )
    if isinstance(stored, Claim):
        p = gap.p_value()
        yield from _misses(where, f"{prefix}p_value", stored.p_value, p, gap, _close_p(gap))


def _misses(
    where: str,
    name: str,
    stored: Value,
    own: Value,
    gap: Contrast,
    close: float = CLOSE,
    near: float = NEAR,
) -> Iterator[Mismatch]:
    """One number of a gap, if it is another than the scores give.

    Where the error is rounding, groups were identical, and a stored None is right.
    """
    flat = stored is None and gap.se is not None and gap.se <= 2 * LEAST_SE
    if not flat and differ(stored, own, close, near):
        yield Mismatch(where, name, stored, own)


def _share(gap: Contrast) -> float:
    """By how much the decimals of the scores may move what is divided by an error."""
    return _MOVES * NEAR / gap.se if gap.se else 0.0


def _close_p(gap: Contrast) -> float:
    return CLOSE_P + _share(gap)


def _near(gap: Contrast, level: float) -> float:
    """How near an end of an interval is: the decimals move its estimate and its error."""
    limits = gap.interval(level)
    return NEAR * (1 + (limits[1] - gap.estimate) / gap.se) if limits and gap.se else NEAR


def _sizes(probe: ProbeRecord, cube: PairedCube) -> Iterator[Mismatch]:
    """How many sentences and words of a probe were scored."""
    yield from _unequal(probe.id, "number of words", len(probe.targets), len(cube.targets))
    own = {"templates": len(cube.templates), "terms": len(cube.units)}
    for name, number in own.items():
        yield from _unequal(probe.id, name, getattr(probe, name), number)
    if probe.coverage is not None:
        in_poles = {"plus": len(cube.pole("+")), "minus": len(cube.pole("-"))}
        if not any(in_poles.values()):  # each group has a word of its own
            in_poles["plus"] = len(cube.targets)
        scored = {f"{name}_scored": number for name, number in own.items()}
        scored |= {f"scored_{name}": number for name, number in in_poles.items()}
        for name, number in scored.items():
            yield from _unequal(probe.id, name, getattr(probe.coverage, name), number)
    words = {(group.id, term) for group in probe.groups for term in group.terms}
    for group, term in sorted(words ^ set(cube.units)):
        sides = (term, None) if (group, term) in words else (None, term)
        yield Mismatch(probe.id, f"a word of {group}", *sides)


def _level(
    where: str, label: str, target: TargetProfile, name: str, own: Sequence[float | None]
) -> Iterator[Mismatch]:
    """One kind of number of a word after each group."""
    stored = getattr(target, name)
    if len(stored) != len(own):
        yield Mismatch(where, f"groups in {label}", len(stored), len(own))
        return
    for one, other in zip(stored, own, strict=True):
        yield from _unequal(where, label, one, other)


def _counts(result: Result, cube: PairedCube, contrast: PairedContrast) -> Iterator[Mismatch]:
    own = {
        "n_templates": cube.candidate.shape[0],
        "n_targets": len(contrast.plus) + len(contrast.minus),
        "mde80": contrast.claims(cube.candidate)[0].mde(),
    }
    if "0" not in cube.poles:
        own["n_prompts"] = cube.cells
    if not contrast.group_masked:
        own["n_terms"] = contrast.claims(cube.candidate)[0].n_terms
    for source, number in contrast.layout_counts(len(cube.candidate)).items():
        stored = result.clusters.get(source)
        if source in result.clusters and stored != number:
            yield Mismatch(result.id, f"clusters of {source}", stored, number)
    for name, value in own.items():
        yield from _pick(result, name, value)


def _diagonal(cube: PairedCube, groups: Sequence[str]) -> Contrast:
    """Each group's own word against those of the others."""
    own = {pole.removeprefix("own:"): i for i, pole in enumerate(cube.poles)}
    usable = [group for group in groups if group in own]
    order = [own[group] for group in usable]
    means = [cube.candidate[:, cube.columns(group)].mean(axis=1) for group in usable]
    delta = diagonal_contrast(np.stack(means, axis=1)[:, :, order])
    return matched_pairs(delta[:, None], scope="terms", clusters=Clusters(cube.clusters.templates))


def _word_contrasts(cube: PairedCube, contrast: PairedContrast) -> Callable[[int], Contrast]:
    """Return what gives the gap of one target, by its column."""
    if not contrast.group_masked:
        cells = cube.candidate - cube.candidate.mean(axis=2, keepdims=True)
        return lambda column: contrast.layout.contrast(cells[:, :, column])
    y = contrast.layout.difference(cube.candidate)
    centred, rows = y - y.mean(axis=1, keepdims=True), Clusters(cube.clusters.templates)
    return lambda column: matched_pairs(centred[:, [column]], scope="terms", clusters=rows)


def _adjusted_words(result: Result) -> Iterator[Mismatch]:
    """The adjusted p of each word, where they follow from the p-values alone."""
    method = result.targets_adjustment
    adjust = next((f for name, f in _FAMILIES.items() if method.startswith(name)), None)
    if adjust is None:
        return
    raw = [1.0 if effect.p_value is None else effect.p_value for effect in result.by_target]
    if not re.search(rf"\b{len(raw)}\b", method):
        yield Mismatch(result.id, "targets_adjustment", method, str(len(raw)))
    for effect, own in zip(result.by_target, adjust(np.array(raw)), strict=True):
        if effect.p_value is not None and differ(effect.p_adjusted, float(own), CLOSE_P):
            label = f"by_target {effect.id} p_adjusted"
            yield Mismatch(result.id, label, effect.p_adjusted, float(own))


def _group_levels(values: Floats, columns: list[int]) -> tuple[Sequence[float | None], ...]:
    """Mean log-score, probability and log-odds of every target after one group."""
    nothing: list[float | None] = [None] * values.shape[2]
    if not columns:
        return nothing, nothing, nothing
    logs = values[:, columns].mean(axis=(0, 1)).tolist()
    if not (values < 0).all():
        return logs, nothing, nothing
    chances, odds = group_levels(values, columns)
    return logs, list(map(float, chances)), list(map(float, odds))


def _quote(name: str, sentence: Sentence, scores: _Texts) -> Iterator[Mismatch]:
    """One quoted pair: both texts were scored, and as it says."""
    sides = ((sentence.text_a, sentence.log_prob_a), (sentence.text_b, sentence.log_prob_b))
    for text, stored in sides:
        known = scores.get((sentence.template, sentence.target, text))
        if known is None:
            yield Mismatch(name, "a quoted sentence", text, None)
        elif not any(math.isclose(stored, one, rel_tol=CLOSE_QUOTE, abs_tol=NEAR) for one in known):
            yield Mismatch(name, f"the score of '{text}'", stored, min(known))
