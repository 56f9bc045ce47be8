"""Records of ``results.json``: the run, its probes, and every measured number.

What was decided about the numbers is in :mod:`bias_audit.results.decisions`; the whole file is
:class:`bias_audit.results.io.Results`.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

State = Literal["pass", "fail", "unclear", "error", "waived", "skipped"]
"""What a gate says."""
Outcome = Literal[
    "association",
    "small",
    "open",
    "not_measurable",
    "completions_differ",
    "no_difference_shown",
]
"""What a comparison says, gates or none; the last two are about completions."""
OUTCOMES: tuple[Outcome, ...] = ("association", "small", "open", "not_measurable")
"""Outcomes of a gap, in the order in which a reader should meet them."""
Size = Literal["slight", "moderate", "strong", "very strong"]
Role = Literal["primary", "secondary", "control"]
ClaimName = Literal["these_words", "words_of_this_kind"]
"""What an interval speaks for: exactly these targets, or all of their kind."""


class Record(BaseModel):
    """Base of all records: frozen; reading ignores unknown fields of newer minor versions."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*", mode="before")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        if isinstance(value, (dict, list, tuple)):
            items = value.values() if isinstance(value, dict) else value
            finite = all(math.isfinite(number) for number in items if isinstance(number, float))
        else:
            finite = not isinstance(value, float) or math.isfinite(value)
        if not finite:
            raise ValueError("numbers must be finite; use null beside a reason")
        return value


class Short(Record):
    """Base of records that are written without fields at their defaults: there are many of them."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        empty = {name: field.default for name, field in type(self).model_fields.items()}
        return {k: v for k, v in written.items() if getattr(self, k) != empty[k]}


class WordShare(Short):
    """A word with a number."""

    token: str
    value: float
    harmful: bool = False
    """True for words of the harmful lexicon: reports fold them away."""
    others: float | None = None
    """The same number after the other group, or the mean of the others."""
    ratio: float | None = None
    """``value`` over ``others``; None where the word never follows the others."""
    ci_low: float | None = None
    """Lower limit of ``ratio``, over sentences and group words."""
    ci_high: float | None = None


class Companion(Short):
    """A further measure of the same comparison. None is judged."""

    metric: str
    groups: tuple[str, ...] = ()
    """Ids of the groups that it is about; empty where they are those of the result."""
    top_k: int | None = None
    """How many of the most likely words it looks at."""
    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    """Of the rank test of the same question, as it is: adjusted for nothing, judged by nothing."""
    words: tuple[WordShare, ...] = ()
    """The words behind it, the largest number first."""


class Check(Short):
    """One check of how much a result can bear."""

    id: str
    """Its code, such as ``R1b``; ``explain`` knows it."""
    value: float | None = None
    """What it found; None where it could not be computed."""
    threshold: float | None = None
    """Where its consequence begins; None where it only describes."""
    state: Literal["held", "not_held", "described", "not_possible"]
    consequence: str = ""
    """Status or consequence of a check that did not hold; empty otherwise."""
    note: str = ""
    """Further numbers in words, or why there is none."""
    estimate: float | None = None
    """The gap as the check leaves it, nats; None where it gives none."""


class Tool(Record):
    """The program that wrote the audit."""

    name: str
    version: str


class Model(Record):
    """The audited model."""

    name: str
    revision: str | None = None
    fingerprint: str
    tokenizer_digest: str = ""
    """SHA-256 over the tokenizer's files."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file of the model, by name; empty for a model without files."""
    kind: str
    reading: str = "mask"
    """What a score is, as in :mod:`bias_audit.utils.readings`."""
    architecture: str = ""
    vocabulary_size: int
    parameters: int
    dtype: str
    device: str
    notices: tuple[str, ...] = ()


class Run(Record):
    """How the audit was run."""

    seed: int
    created: str | None = None
    """Start of the run, ISO 8601, UTC."""
    duration_s: float | None = None
    partial: bool = False
    """True when ``--limit`` or ``--max-time`` cut the run: nothing is decided."""
    requested: tuple[str, ...] = ()
    """Ids of the measures and checks that were asked for by name."""
    command: str = ""
    config_digest: str = ""
    catalogue_digest: str = ""
    title: str = ""
    """What the report is called; empty for its own title."""
    owner: str = ""
    """Who answers for the audit."""
    purpose: str = ""
    """What the audit was made for."""
    notices: tuple[str, ...] = ()
    """What a reader should know: files of the user that replace shipped ones, a folder that has the
    name of a built-in model."""


class SkipRecord(Record):
    """Something that could not be scored, and why."""

    probe: str
    kind: str
    what: str
    pole: str = ""
    reason: str
    detail: str = ""
    count: int = 1


class Card(Record):
    """Measurement card of a probe: what it is about and what it cannot show."""

    measures: str
    """The construct: what the probe is meant to measure."""
    harm: str
    expected: str
    """Wanted behaviour: ``equal``, ``match: <facts>`` or ``unspecified``; a choice."""
    source: str
    power: str
    limits: str


class Completion(Record):
    """One word that the model fills in."""

    token: str
    probability: float
    harmful: bool = False
    """True for words of the harmful lexicon: reports fold them away."""


class GroupProfile(Record):
    """One group of a probe: its words, and what the model says after them."""

    id: str
    label: str
    terms: tuple[str, ...]
    priors: tuple[float | None, ...] = ()
    """The model's own log-probability of each term where nothing is said about it, nats; empty
    where it was not asked for."""
    pieces: tuple[int, ...] = ()
    placebo: bool = False
    completions: tuple[Completion, ...] = ()
    """Top completions of the article-free sentences, probabilities averaged over them."""


class TargetProfile(Record):
    """One target of a probe and its mean log-score after each group (same order as ``groups``)."""

    id: str
    text: str
    pole: str
    pieces: int
    log_prob: tuple[float | None, ...]
    """Mean over templates and terms, nats; comparable between groups, not between targets."""
    probability: tuple[float | None, ...] = ()
    """Mean probability after each group; the chain of its pieces where it has several."""
    log_odds: tuple[float | None, ...] = ()
    """Mean log-odds of that probability, nats; differences between groups are log-odds ratios."""
    facts: dict[str, float] = Field(default_factory=dict)


class Coverage(Record):
    """Words asked for and scored, by pole."""

    requested_plus: int
    scored_plus: int
    requested_minus: int
    scored_minus: int
    terms_requested: int
    terms_scored: int
    templates_requested: int
    templates_scored: int


class ProbeRecord(Record):
    """One probe of the audit, with what a report shows of it."""

    id: str
    version: int
    digest: str = ""
    """SHA-256 of what its files say; of a published data set, of the user's copy."""
    language: str = "en-US"
    axis: str
    title: str
    question: str = ""
    """What the probe asks, in one plain sentence."""
    role: Literal["probe", "positive_control", "negative_control"] = "probe"
    state: Literal["measured", "error", "skipped"]
    """``error``: it could not be scored; ``skipped``: it was not reached."""
    works: bool | None = None
    """Of a control: it did what it must; None for a probe."""
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    """Its primary comparisons, counted by outcome."""
    reason: str = ""
    """Why it was not scored, or why a control does not work."""
    statuses: tuple[str, ...] = ()
    """Status codes and notices: ``instrument_failed``, ``incomplete``, ``fragile`` ..."""
    mask: Literal["target", "group"] = "target"
    plus: str = ""
    """Name of the pole S+ in words."""
    minus: str = ""
    scope: str = ""
    prompts: int = 0
    templates: int = 0
    terms: int = 0
    coverage: Coverage | None = None
    card: Card | None = None
    groups: tuple[GroupProfile, ...] = ()
    extra_groups: tuple[GroupProfile, ...] = ()
    """Groups that were scored in the same sentences and are not compared."""
    targets: tuple[TargetProfile, ...] = ()
    controls: tuple[str, ...] = ()
    """Ids of the results that are this probe's controls."""
    clusters: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Units that count as one, by source: the name of the cluster of each ``templates`` and
    ``targets`` id and of each ``terms`` label (``group:label``); those that are alone are left
    out."""
    sampled: tuple[float, float] = (0.0, 0.0)
    """Share of all words of its kind that each pole holds, S+ first; 0 where it is not known."""
    sensitive: bool = False
    """True when its sentences or words may hurt: reports fold them away."""
    skips: tuple[SkipRecord, ...] = ()


class TemplateEffect(Record):
    """Gap of one template."""

    id: str
    text: str
    """The template as its author wrote it."""
    value: float


class TargetEffect(Record):
    """Per-target drill-down: difference between the groups for one target."""

    id: str
    text: str
    pole: str
    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    """Over the targets of the comparison, as ``targets_adjustment`` of the result says."""
    facts: dict[str, float] = Field(default_factory=dict)


class Sentence(Record):
    """Two sentences that differ by the group only, and what the model gave the scored word."""

    template: str
    target: str
    pole: str
    text_a: str
    text_b: str
    word: str
    """The scored word as it is in both sentences (or in sentence A, when groups are scored)."""
    log_prob_a: float
    log_prob_b: float
    harmful: bool = False
    """True where a word of the harmful lexicon stands in it: reports fold it away."""
    typical: bool = False
    """True for the word in the middle of its pole; the others are the most telling."""


class Claim(Record):
    """The interval of one claim about a gap; its estimate is that of the result."""

    se: float | None
    df: float | None
    ci_low: float | None
    ci_high: float | None
    ci90_low: float | None
    ci90_high: float | None
    p_value: float | None
    """Two-sided, against no gap."""


class Floor(Record):
    """What meaningless words show in this run: the comparisons of its negative controls."""

    comparisons: int
    median: float
    """Median size of their gaps, nats."""
    largest: float
    """Largest size, nats."""
    result: str
    """Id of the control's result that shows it."""


class Result(Record):
    """One measured number with everything a reader needs to judge it.

    ``se``, ``df`` and the intervals are those of the claim about *these words*.
    """

    id: str
    probe: str
    axis: str
    metric: str
    metric_name: str = ""
    role: Role = "primary"
    groups: tuple[str, ...]
    """Ids; the first is A. ``~others`` is the unweighted mean of the other groups."""
    group_labels: tuple[str, ...] = ()
    target: str | None = None
    outcome: Outcome | None = None
    """Of a primary comparison; None for everything else."""
    contrary: str = ""
    """Of a small comparison: id of the result that shows that its completions differ."""
    statement: str = ""
    """The outcome in one sentence, always in the direction in which something is likelier."""
    leans: str = ""
    """Label of the group that the gap leans to, where the outcome has a sign."""
    pole: str = ""
    """Name of the pole that is likelier for that group."""
    size: Size | None = None
    """The estimate in a word, where the outcome has a sign: a ratio below 1.25, 2, 4, or beyond."""
    at_least: float | None = None
    """Ratio of the ladder that the gap is shown to exceed; None where it is none."""
    at_most: float | None = None
    """Ratio of the ladder that the gap is shown to stay below, either way; None likewise."""
    works: bool | None = None
    """Of a control's result: it did what it must."""
    estimate: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    ci90_low: float | None = None
    ci90_high: float | None = None
    confidence: float = 0.95
    se: float | None = None
    df: float | None = None
    p_value: float | None = None
    """Against no difference; of primary comparisons, that of words of this kind."""
    p_adjusted: float | None = None
    p_adjustment: str = ""
    """How and over how many: ``Holm over 7``."""
    p_method: str = ""
    p_sign_flip: float | None = None
    p_label_exchange: float | None = None
    effect_size: float | None = None
    """Odds ratio exp(estimate) for log-odds measures; documented per metric otherwise."""
    neutral: float | None = 0.0
    unit: str
    direction: str
    n_templates: int
    n_terms: int
    n_targets: int = 0
    n_prompts: int
    scope: str = ""
    claim: ClaimName | None = None
    """What the interval speaks for; None where a measure has no targets of two poles."""
    words_of_this_kind: Claim | None = None
    """The other claim of a comparison, in which the targets are a sample too; None where a pole has
    fewer than two. ``p_value`` belongs to it."""
    clusters: dict[str, int] = Field(default_factory=dict)
    """Number of independent units of each source: ``templates``, ``terms``, ``targets``."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Labels of the matched pairs, the first group's first; empty where words are not paired."""
    variance: dict[str, float] = Field(default_factory=dict)
    """Variance of the estimate by source: ``templates``, ``terms``, ``targets``."""
    mde80: float | None = None
    """Smallest gap this design would find with 80 % power."""
    null_mean: float | None = None
    null_p95: float | None = None
    excess: float | None = None
    """Divergences: estimate minus ``null_mean``."""
    margin: float | None = None
    """The catalogue's reference margin, in ``unit``: what ``small`` means. No gate judges by it."""
    margin_reason: str = ""
    sign_share: float | None = None
    """Share of templates whose gap has the sign of the estimate."""
    loo_low: float | None = None
    """Smallest estimate without one sentence or one group word; None with too few of them."""
    loo_high: float | None = None
    adjusted_estimate: float | None = None
    """Estimate at equal frequency and length of the group words; None where it has none."""
    statuses: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    """How much a result that gates can judge can bear, check by check."""
    reason: str = ""
    """Why there is no number, or why the outcome is ``not_measurable``."""
    by_template: tuple[TemplateEffect, ...] = ()
    by_target: tuple[TargetEffect, ...] = ()
    targets_adjustment: str = ""
    """How the p-values of ``by_target`` are adjusted, and over how many."""
    companions: tuple[Companion, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    """Typical sentence pairs of a primary result."""


class MetricRecord(Record):
    """A measure that occurs in the run, described once."""

    id: str
    name: str
    unit: str
    neutral: float | None = None
    """The value that means no difference; None where the measure has none."""
    direction: str
    """What a larger value means, in words."""


NOT_MEASURED = "NotMeasured"
"""Type of the error that a probe of the configuration is not in the run."""


class ErrorRecord(Record):
    """A probe that crashed, or that the configuration asks for and the run left out."""

    probe: str | None = None
    type: str
    message: str


class SanityCheck(Record):
    """R11: is this a trained language model at all?"""

    language: str = "en"
    """Language of its sentences; it counts for the probes in this language."""
    passed: bool
    pseudo_perplexity: float | None
    """Pseudo-perplexity a piece; in the reading ``continuation`` perplexity a byte."""
    perplexity_limit: float
    perplexity_of: Literal["piece", "byte", "label", "paraphrase"] = "piece"
    """``label``: there is none; a classifier was asked for the labels of plain sentences;
    ``paraphrase``: neither; an encoder was asked which of two sentences says the same."""
    cloze_hits: int
    """Gaps answered, sentences labelled rightly, or paraphrases found nearer."""
    cloze_asked: int
    cloze_needed: int
    detail: str = ""
    probes: tuple[str, ...] = ()
    """The probes that it counts for, where these gave the sentences; else those of its language."""


class Determinism(Record):
    """R10: the model gave the same answers when it was asked again; else there are no results."""

    sentences: int
    """Sentences that were asked again: alone, together, and twice in another order."""
    tolerance: float
    """Nats a piece by which no two answers to one sentence differed."""
