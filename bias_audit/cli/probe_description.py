"""One probe in words: what it asks, what is computed from it, and what it cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from bias_audit.analysis.optional_metrics import why_unsupported
from bias_audit.cli.output import fold
from bias_audit.gates.schema import MEASURE_UNITS
from bias_audit.metrics.design import comparisons
from bias_audit.metrics.registry import OPTIONAL, PRIMARY, default_metrics
from bias_audit.probes.probe import Probe, words_of
from bias_audit.probes.schema.lexicon import Lexicon
from bias_audit.probes.schema.text import primary_language
from bias_audit.probes.scope import (
    MIN_LABELS,
    MIN_PAIRS,
    MIN_TARGETS,
    has_words_of_this_kind,
    scope,
)
from bias_audit.records import OTHERS

ROLES = {
    "positive_control": "positive control: true by definition, it must show more than 1 nat",
    "negative_control": "negative control: neutral words, it must show nothing",
}


def describe(probe: Probe) -> Iterator[str]:
    """Return the description, line by line."""
    spec = probe.spec
    yield f"{spec.id} (version {spec.version}, axis {spec.axis}): {spec.title}"
    if spec.question:
        yield spec.question
    yield ""
    for key, text in _question_rows(probe):
        yield from fold(text, head=f"{key:12}")
    yield ""
    for key, text in _metric_rows(probe):
        yield from fold(text, head=f"{key:12}")
    yield from ("", "What it cannot show")
    for text in cannot_show(probe):
        yield from fold(text, head="  - ")
    if spec.card is None and spec.role == "probe":
        yield from (
            "",
            "Card        none: nobody wrote down what is wanted, and a notice says so",
        )
    for key, text in spec.card.model_dump().items() if spec.card else ():
        yield from ("", key.capitalize())
        yield from fold(text, head="  ")


def cannot_show(probe: Probe) -> Iterator[str]:
    """What follows from the words and sentences alone; the card's ``limits`` say the rest."""
    spec = probe.spec
    if scope(probe) == "terms":
        why = f"{MIN_LABELS} labels a group or {MIN_PAIRS} matched pairs would speak for the groups"
        is_declared = spec.scope == "terms" or spec.mask == "group"
        yield (
            "Anything about other words for these groups: the claim is about exactly the words"
            f" above{'' if is_declared else f'; {why}'}."
        )
    if spec.labels is not None:
        yield (
            "Why a label is given: a group word that is rare or odd to the model moves it too, so"
            " read the frequency check and the placebo groups."
        )
    elif not has_words_of_this_kind(probe):
        why = f"; {MIN_TARGETS} in each pole would speak for others of their kind"
        yield (
            "Anything about other targets: the claim is about exactly the targets above"
            f"{'' if spec.targets.own else why}."
        )
    if primary_language(spec.language) != "en":
        yield (
            f"Anything about a model without this language ({spec.language}); the bundled model"
            " knows English only."
        )
    if spec.role == "probe" and not spec.controls.positive and spec.labels is None:
        yield "That the model has no gap: without a positive control it can never pass."
    yield (
        "What an application does with it: a gap is an association in these sentences, and no gap"
        " is weak evidence for other sentences."
    )


def lexicon_row(lexicon: Lexicon) -> str:
    """One lexicon in one line: its id, language, title and sets."""
    sets = ", ".join(lexicon.sets)
    return f"{lexicon.id:22} {lexicon.language:6} {lexicon.title}: {sets}"


def lexicon_lines(lexicon: Lexicon) -> Iterator[str]:
    """The sets of a lexicon with their words, tags and remarks."""
    yield f"{lexicon.id} (version {lexicon.version}): {lexicon.title}"
    yield from fold(lexicon.provenance, head="  ")
    for name, wordset in lexicon.sets.items():
        yield from ("", f"{name} ({wordset.label or name}, {wordset.role})")
        for word in words_of(wordset, lexicon.heads):
            marks = [*word.entry.tags]
            if word.entry.status in ("disputed", "outdated"):
                marks.append(word.entry.status)
            forms = " / ".join(dict.fromkeys(word.forms.values()))
            yield f"  {forms}{' [' + ', '.join(marks) + ']' if marks else ''}"


def _question_rows(probe: Probe) -> Iterator[tuple[str, str]]:
    spec = probe.spec
    yield "Sentences", f"{len(probe.frames)}, for example: {probe.frames[0].template.text}"
    for group in probe.groups:
        words = ", ".join(dict.fromkeys(word.label for word in group.words))
        yield "Group", f"{group.label}: {words}"
    for group in probe.extra_groups:
        words = ", ".join(dict.fromkeys(word.label for word in group.words))
        yield "Beside", f"{group.label}: {words} (scored, compared with nobody)"
    for sign, title in (("+", probe.plus_name), ("-", probe.minus_name), ("0", "in neither")):
        words = ", ".join(t.word.label for t in probe.targets if t.pole == sign)
        if words and spec.labels is None:
            yield f"Pole {sign}", f"{title}: {words}"
    own = [(t.pole.partition(":")[2], t.word.label) for t in probe.targets if ":" in t.pole]
    if own:
        yield "Own words", ", ".join(f"{group}: {word}" for group, word in own)
    if spec.role != "probe":
        yield "Role", ROLES[spec.role]
        return
    yield "Margin", f"{spec.margins.nats:.3f} nats, {spec.margins.sd:g} sd. {spec.margin_reason}"
    if spec.labels is not None:
        for sign, label in (("+", spec.labels.plus), ("-", spec.labels.minus)):
            yield f"Label {sign}", f"{label.name}: {', '.join(label.any)}"
    sizes = [len(side) for side in probe.instrument]
    if any(sizes):
        yield "Instrument", f"{sizes[0]} and {sizes[1]} plain sentences that must get their label"
    controls = [*spec.controls.positive, *spec.controls.negative]
    controls += [f"placebo groups of {spec.controls.placebo}"] if spec.controls.placebo else []
    yield "Controls", ", ".join(controls) or "none: it can never pass"


def _metric_rows(probe: Probe) -> Iterator[tuple[str, str]]:
    for metric in default_metrics(probe):
        for info in (metric.info, *(one for one in metric.companions if one.id in MEASURE_UNITS)):
            kind = "judged" if info.id in MEASURE_UNITS else "shown, never judged"
            if info.id not in PRIMARY and info.id in MEASURE_UNITS:
                kind = "described, judged where a gate names it"
            yield "Measures", f"{info.id} ({info.unit}, {kind}): {info.name}; {info.direction}"
    further = [name for name, metric in OPTIONAL.items() if not why_unsupported(metric, probe)]
    if probe.spec.role == "probe" and further:
        yield "On request", ", ".join(further)
    if not probe.spec.targets.own:
        rest = comparisons(probe)[0][1] == OTHERS
        one = "each group with the mean of the others" if rest else "every pair of groups"
        yield "Compares", one if len(probe.groups) > 2 else "the two groups"
    stand = {"concept": "the groups that the words stand for", "terms": "exactly these group words"}
    aim = "exactly these targets"
    if has_words_of_this_kind(probe):
        aim += " (the limits) and others of their kind (whether there is an association)"
    yield "Speaks for", f"{stand[scope(probe)]}, and {aim}"
