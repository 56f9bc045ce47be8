"""Does `plan` predict how often a gate decides? Its prediction beside audits drawn cell by cell."""

from __future__ import annotations

from collections import Counter

from benchmarks.validity._drawn import Setting, batches, many
from benchmarks.validity._table import Table, percent
from bias_audit.probes.schema.probe import DEFAULT_MARGIN
from bias_audit.stats import power
from bias_audit.stats.draws import Components, Size
from bias_audit.stats.many import Design, Many
from bias_audit.stats.seeds import stream

OFF = 0.05
"""Largest difference between prediction and simulation: five points."""
TWO, PAIRS = Design(groups=2, scope="concept"), Design(groups=1, scope="concept")
WIDE = Design(groups=4, scope="concept")
MASKED = Design(groups=2, scope="concept", by_target=True)
ALL = Design(groups=2, scope="concept", construct=True)
QUIET = (0.12, 0.15, 0.0, 0.3)
"""Standard deviations with which a usual audit can decide, nats."""
PLANNED = (
    Setting(name="12 sentences, 8 words", design=TWO, sd=QUIET),
    Setting(name="20 sentences, 20 words", design=TWO, rows=20, words=(20, 20), sd=QUIET),
    Setting(name="12 sentences, 8 pairs", design=PAIRS, words=(8,), sd=QUIET),
    Setting(name="8 sentences, 4 groups of 5 words", design=WIDE, rows=8, words=(5,) * 4, sd=QUIET),
    Setting(name="12 sentences, 25 masked targets", design=MASKED, words=(25, 25), sd=QUIET),
    Setting(
        name="12 sentences, 6 words, 8 targets a sample",
        design=ALL,
        words=(6, 6),
        targets=8,
        sd=(0.1, 0.15, 0.15, 0.5),
    ),
)


def components(setting: Setting) -> Components:
    """What `plan` would be told if it knew the truth."""
    one, word, target, cell = (sd**2 for sd in setting.sd)
    masked, each = setting.design.by_target, max(setting.targets, 1)
    if setting.targets:  # a response is a difference of two means over targets
        word, cell = 2 * word, 2 * cell / each
    return Components(
        templates=one,
        terms=0.0 if masked else word,
        targets=word if masked else target,
        residual=cell,
        at_targets=2 * each,
    )


def size(setting: Setting) -> Size:
    """The size of the drawn audits, as `plan` counts."""
    words = setting.words[0]
    if setting.design.by_target:
        return Size(templates=setting.rows, words=1, targets=2 * words)
    return Size(templates=setting.rows, words=words, targets=2 * max(setting.targets, 1))


def predicted(sets: int, seed: int) -> Table:
    """Shares that pass where nothing is, and that fail at the margin and at twice the margin."""
    head = ("audits", "true gap, nats", "drawn", "verdict", "plan says", "found")
    table = Table("power", head)
    truths = {0.0: "pass", DEFAULT_MARGIN: "gap found", 2 * DEFAULT_MARGIN: "fail"}
    for setting in PLANNED:
        rng = stream(seed, "power", setting.name)
        foreseen = power.shares(
            setting.design,
            components(setting),
            size(setting),
            limit=DEFAULT_MARGIN,
            truths=tuple(truths),
            runs=sets,
            rng=stream(seed, "plan", setting.name),
        )
        counts = {truth: Counter[str]() for truth in truths}
        found = 0
        for number in batches(setting, sets):
            drawn = many(rng, setting, number)
            for truth, count in counts.items():
                count.update(power._sizes(drawn, truth, DEFAULT_MARGIN, rng))
            found += _detected(drawn)
        for (truth, verdict), shares in zip(truths.items(), foreseen, strict=True):
            if verdict == "gap found":
                said, seen = _foreseen(setting, sets, seed), found / sets
            else:
                said = shares.passed if verdict == "pass" else shares.failed
                seen = counts[truth][verdict] / sets
            cells = (setting.name, f"{truth:.3f}", f"{sets}", verdict, percent(said), percent(seen))
            table.add(*cells, holds=abs(said - seen) <= OFF)
    return table


def _detected(drawn: Many) -> int:
    """Audits in which a gap of the margin's size differs from 0 at 5 %."""
    return sum((c.p_value() or 0.0) <= OFF for c in drawn.contrasts(DEFAULT_MARGIN))


def _foreseen(setting: Setting, sets: int, seed: int) -> float:
    """The same by the components: what a printed smallest detectable gap rests on."""
    from bias_audit.stats.draws import draw

    rng = stream(seed, "plan", setting.name, "found")
    drawn = draw(rng, sets, size(setting), setting.design, components(setting))
    return _detected(Many(setting.design, drawn)) / sets
