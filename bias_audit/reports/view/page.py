"""The records of the view model: what a page shows, already in words, without any markup."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bias_audit.reports.view.exhibits import Heat, Intervals, Picture, Table
from bias_audit.reports.wording import MARKS
from bias_audit.results import Finding, ProbeRecord, Results
from bias_audit.utils.readings import READINGS, ReadingFacts
from bias_audit.utils.scales import Scale, gap_scale


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One completion."""

    text: str
    probability: str
    alone: bool = False
    """True when no other group has it among its top completions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """Top completions of one group."""

    group: str
    words: tuple[Word, ...]
    harmful: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A finding, ready to be read; ``name`` is its fragment of the page."""

    finding: Finding
    name: str
    measured: tuple[str, ...]
    notices: tuple[str, ...]
    control: str
    """What words that mean nothing show for the same groups."""
    state: str
    probe: str
    chapter: str
    """Fragment of the probe's section."""
    picture: Intervals | None
    """The words behind it."""
    examples: tuple[Example, ...]
    harmful: tuple[Example, ...]
    """Examples in which a harmful word stands: folded."""
    columns: tuple[Column, ...]
    """Completions of its two groups, side by side."""
    words: tuple[Table | None, Table | None]
    """Words that tell its groups apart where one is compared with all others, and harmful ones."""
    rows: tuple[str, str, str]
    """Probe, group and word of its sentences."""
    waived: str
    """Who accepted a gate about it, until when and why; empty for all others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeSection:
    """One probe inside the chapter of its axis."""

    record: ProbeRecord
    name: str
    title: str
    reason: str
    """Why it was not scored; empty where it was."""
    outcome: str
    """Its comparisons, counted by outcome."""
    notices: tuple[str, ...]
    pictures: tuple[Picture, ...]
    heat: Heat | None
    columns: tuple[Column, ...]
    completion_words: tuple[Table | None, Table | None]
    """Words that tell the groups apart, and the harmful ones among them, which are folded."""
    completions: Table | None
    """How much of the completions differs."""
    further: Table | None
    """Secondary measures, not judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplorerBlock:
    """The scored sentences of one probe, compressed for the script of the page."""

    probe: str
    title: str
    control: bool
    sensitive: bool
    rows: int
    """Scores in it."""
    frames: int
    """Sentence frames in it."""
    content: str
    """Sentences, words and groups: JSON, deflated, in base 64."""
    scores: str
    """Their log-probabilities, likewise."""

    @property
    def size(self) -> int:
        """Bytes in the page."""
        return len(self.content) + len(self.scores)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explorer:
    """All scores that the page holds."""

    blocks: tuple[ExplorerBlock, ...]
    shown: int
    total: int
    rest: str
    """Where the other scores are; empty where all are here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A sentence of the audit with what the model gave one word in it, for two groups."""

    sentence: str
    """With a blank where the model fills in; group words that take turns stand side by side."""
    word: str
    """The scored word; empty where the groups' own words are filled in."""
    shares: tuple[tuple[str, str], tuple[str, str]]
    """(group word, probability in per cent), the group that the word is likelier for first; of
    whole sentences read from left to right, how many times as likely they are."""
    kind: str = ""
    """``typical`` or ``most telling``, and whether it points the other way."""
    pole: str = ""
    """The words that its word belongs to."""

    @property
    def percentages(self) -> str:
        """The word and both percentages, named unless the sentence names both groups."""
        first, second = self.shares
        if self.word and f"{first[0]} / {second[0]}" in self.sentence:
            return f"{self.word} {first[1]} / {second[1]}"
        both = ", ".join(f"{who} {percentage}" for who, percentage in self.shares)
        return f"{self.word}: {both}" if self.word else both


@dataclass(frozen=True, kw_only=True, slots=True)
class GateLine:
    """One gate, in words."""

    name: str
    """The gate's own name in the configuration, without the result that it judges."""
    probe: str
    state: str
    title: str
    """The comparison that is judged, in the direction in which something is likelier."""
    value: str
    """What was measured: ``1.75 ×``; empty where nothing was."""
    interval: str
    """The one by which it is judged: at 90 %, unless it says another."""
    limit: str
    reason: str
    why: str
    """Why the limit was set; empty where nobody said."""
    notices: tuple[str, ...]
    """What a reader should know beside the state."""
    href: str
    waived: str
    """Who waived it, until when and why; empty for all others."""
    measured: str
    """The gap in its own unit with its interval."""
    size: str
    """How many sentences and words it rests on."""
    example: Example | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeLine:
    """One comparison, in words."""

    number: int
    """Its place on the first screen, from 1."""
    result: str
    outcome: str
    probe: str
    axis: str
    name: str
    """Who is tied to what: ``she → jobs held mostly by women``; without a direction, the probe."""
    towards: str
    """The same in any case, as the sign of the estimate has it."""
    title: str
    """The groups that are compared."""
    statement: str
    size: str
    """How many sentences and words it rests on."""
    notices: tuple[str, ...]
    reason: str
    href: str
    """Fragment of the page: its probe."""
    place: str
    """Fragment of the page: its own row or card."""
    value: str = ""
    """``1.75 ×``, never below 1; empty where nothing was measured."""
    bounds: str = ""
    """``1.5 – 2``, ``at most 1.5``; empty without bounds."""
    measured: str = ""
    """The gap in its own unit with its interval."""
    examples: tuple[Example, ...] = ()
    """The most telling words, at most two; none where they would have to be folded."""
    folded: bool = False
    """Sentences with harmful words were left out."""
    marks: tuple[str, ...] = ()
    """Signs behind its name; :data:`wording.MARKS` says what they mean."""
    control: str = ""
    """What words that mean nothing show for the same groups: ``1.16 ×``; empty without any."""
    beside: tuple[str, ...] = ()
    """What must stand wherever it is told: what its ratio compares, and cautions."""
    control_note: str = ""
    """The control in a sentence."""
    interval: str = ""
    """The intervals of both claims, with the p of the second."""
    contrary: tuple[str, ...] = ()
    """Of a small comparison: the words by which its completions differ all the same, by group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionLine:
    """The completions of a probe, in words."""

    outcome: str
    probe: str
    """Titles of the probes that have them, joined by semicolons."""
    statement: str
    """The words that tell groups apart; empty unless completions differ."""
    brief: str
    """The same of the one group that differs most."""
    hurtful: str
    """What hurtful words take of the probability; empty where none was looked up."""
    reason: str
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetLine:
    """One published data set: its overall number, and the categories furthest from neutral."""

    title: str
    measure: str
    value: str
    interval: str
    neutral: str
    items: int
    """Pairs or sentences that were scored."""
    extremes: tuple[tuple[str, str], ...]
    """(category, value), the one furthest from neutral first."""
    others: tuple[tuple[str, str], ...] = ()
    """(measure, value) of its further overall numbers."""
    reason: str = ""
    """Why there is no number."""
    chart: Intervals | None = None
    """Its categories, with the neutral line; None with fewer than two."""
    pairs: Table | None = None
    """The most extreme pairs, where the run was asked to quote some."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstScreen:
    """What an audit says at a glance: terminal, summary, notebook and report begin with it."""

    headline: str
    """Model, probes, comparisons, sentences, seconds."""
    lead: str
    """How many comparisons have which outcome."""
    gates_lead: str
    """How many gates have which state; empty without gates."""
    gates: tuple[GateLine, ...]
    """Worst first."""
    comparisons: tuple[OutcomeLine, ...]
    """Associations first, the strongest first."""
    groups: dict[str, tuple[str, ...]]
    """What is small, open or not measurable, probe by probe: texts by outcome."""
    completions: tuple[CompletionLine, ...]
    completions_lead: str
    """In how many probes they differ; empty where none has any."""
    datasets: tuple[DatasetLine, ...]
    floor: str
    """What meaningless words show; empty without negative controls."""
    remarks: tuple[str, ...]
    """What limits everything else: an untrained model, a run cut short."""
    requests: tuple[str, ...] = ()
    """What was asked for by name, a line for each number."""
    exit_code: int = 0
    head: str = "times as likely"
    """What the sizes of the comparisons are."""
    unit: str = "nats"
    """Of the comparisons."""
    chart: Intervals | None = None
    """All comparisons by size, with the reference margin shaded."""

    @property
    def legend(self) -> str:
        """What the marks of its associations and of its unit mean; empty without any."""
        used = Counter(mark for one in self.associations for mark in one.marks)
        said = [f"{mark} {text} ({used[mark]})" for mark, text in MARKS.items() if used[mark]]
        if said:
            said.append(f"without a mark: {sum(not one.marks for one in self.associations)}")
        return "; ".join(filter(None, (*said, gap_scale(self.unit).key)))

    @property
    def associations(self) -> tuple[OutcomeLine, ...]:
        """The comparisons that are associations."""
        return tuple(one for one in self.comparisons if one.outcome == "association")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The whole report."""

    audit: Results
    """The records, every string of them clean."""
    title: str
    subtitle: str
    can: str
    cannot: str
    first_screen: FirstScreen
    notes: tuple[Note, ...]
    probes: tuple[ProbeSection, ...]
    quality: tuple[tuple[str, Table], ...]
    """(key of its heading in ``quality.html.j2``, table)."""
    failures: Table | None
    changes: Table | None
    waivers: Table | None
    references: tuple[str, ...] = ()
    """What sizes of this run to hold a size against."""
    families: tuple[str, str] = ("", "")
    """How the declared comparisons, and the tables of words, were adjusted; empty where nothing
    was."""
    published: tuple[Table, ...] = ()
    """The numbers of published data sets."""
    explorer: Explorer | None = None
    """Every scored sentence; None without evidence."""

    @property
    def facts(self) -> ReadingFacts:
        """What follows from how the model was read."""
        return READINGS[self.audit.model.reading]

    @property
    def scale(self) -> Scale:
        """How the gaps of the audit are told."""
        return self.facts.scale

    @property
    def charts(self) -> list[Picture | Heat]:
        """All charts in the order of the page, heat maps included."""
        first = self.first_screen.chart
        charts: list[Picture | Heat] = [first] if first else []
        charts += [line.chart for line in self.first_screen.datasets if line.chart]
        charts += [note.picture for note in self.notes if note.picture]
        for probe in self.probes:
            charts += [*([probe.heat] if probe.heat else []), *probe.pictures]
        return charts
