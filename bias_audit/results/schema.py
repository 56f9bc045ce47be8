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
    """For ``hurtful_rate`` the share of sentences that have it among the first twenty; for
    ``completion_valence`` its probability, negative if unpleasant; for ``jsd_share`` bits; for
    ``completion_words`` and ``hurtful_share`` its probability after the group."""
    harmful: bool = False
    """True for words of the harmful lexicon: reports fold them away."""
    others: float | None = None
    """For ``completion_words`` its probability after the other group, or the mean of the others."""
    ratio: float | None = None
    """How many times as likely it is after the group, with its interval over sentences and group
    words."""
    ci_low: float | None = None
    """Lower limit of ``ratio``, over sentences and group words."""
    ci_high: float | None = None


class Companion(Short):
    """A further measure of the same comparison. None is judged."""

    metric: str
    """A metric of a result, or one that stands only here: ``mass_log_odds``, ``aitchison``,
    ``cosine_gap``, ``pairs_closer``, ``closed_share``, ``neither_share``, ``jsd_total``,
    ``jsd_within``, ``jsd_share``, ``completion_words``, ``hurtful_share``, ``total_variation``,
    ``hellinger``, ``top_overlap``, ``jaccard``, ``rank_overlap``, ``hurtful_odds``,
    ``valence_coverage``, ``labour_pearson``, ``labour_slope``, ``labour_intercept``,
    ``labour_distance``, ``warmth``, ``competence``, ``rank_agreement``, ``rank_share``,
    ``consistency``, ``cliffs_delta``, ``rank_biserial``, ``sentence_ranks``, ``standardised_gap``;
    see method.md. The difference of ``log_odds`` of two groups is ``target_log_odds``."""
    groups: tuple[str, ...] = ()
    """Ids of the groups that it is about; left out where they are those of the result."""
    top_k: int | None = None
    """How many of the most likely words it looks at."""
    value: float
    """The number, six digits."""
    ci_low: float | None = None
    """Interval at the result's ``confidence``."""
    ci_high: float | None = None
    p_value: float | None = None
    """Of the rank test of the same question; adjusted for nothing, judged by nothing."""
    words: tuple[WordShare, ...] = ()
    """The words behind it."""


class Check(Short):
    """One check of how much a result can bear."""

    id: str
    """``R1a`` and so on; ``bias-audit explain R1a`` says what it asks."""
    value: float | None = None
    """What it found, four digits; absent where it could not be computed."""
    threshold: float | None = None
    """Where its consequence begins; absent where it only describes."""
    state: Literal["held", "not_held", "described", "not_possible"]
    """``held``, ``not_held``, ``described`` (no threshold applies) or ``not_possible`` (``note``
    says why)."""
    consequence: str = ""
    """What follows if it did not hold: a status code, or ``unrankable``."""
    note: str = ""
    """Further numbers in words, or why there is none."""
    estimate: float | None = None
    """The gap as the check leaves it, nats; absent where it gives none."""


class SkipRecord(Record):
    """Something that could not be scored, and why."""

    probe: str
    kind: str
    """What was lost: ``target``, ``term``, ``template``, ``measure``."""
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
    """Over whole words."""
    harmful: bool = False
    """True for words of the harmful lexicon: reports fold them away."""


class GroupProfile(Record):
    """One group of a probe: its words, and what the model says after them."""

    id: str
    label: str
    """As reports call it."""
    terms: tuple[str, ...]
    """Its labels."""
    priors: tuple[float | None, ...] = ()
    """The model's own log-probability of each term where nothing is said about it, in nats, and its
    vocabulary pieces; empty where they were not asked for."""
    pieces: tuple[int, ...] = ()
    placebo: bool = False
    """True in placebo runs."""
    completions: tuple[Completion, ...] = ()
    """The top of the article-free sentences, averaged."""


class TargetProfile(Record):
    """One target of a probe and its mean log-score after each group (same order as ``groups``)."""

    id: str
    text: str
    pole: str
    """``+``, ``-``, ``0`` or ``own:<group>``."""
    pieces: int
    log_prob: tuple[float | None, ...]
    """Mean log-score after each group, in the order of ``groups``; comparable between groups, not
    between targets."""
    probability: tuple[float | None, ...] = ()
    """Mean probability after each group; the chain of its pieces where it has several; probes only,
    not their controls."""
    log_odds: tuple[float | None, ...] = ()
    """Mean log-odds of that probability, nats; null where a score is certain."""
    facts: dict[str, float] = Field(default_factory=dict)


class Coverage(Record):
    """Words asked for and scored, by pole."""

    requested_plus: int
    """Targets of S+ asked for and scored."""
    scored_plus: int
    requested_minus: int
    """Targets of S-."""
    scored_minus: int
    terms_requested: int
    """Labels of group words."""
    terms_scored: int
    templates_requested: int
    templates_scored: int


class ProbeRecord(Record):
    """One probe of the audit, with what a report shows of it."""

    id: str
    """Probe, control or ``<probe>~placebo``."""
    version: int
    """Version of the probe file."""
    digest: str = ""
    """SHA-256 of what its files say; of a published data set, of your copy."""
    language: str = "en-US"
    axis: str
    title: str
    question: str = ""
    """What the probe asks, in one plain sentence."""
    role: Literal["probe", "positive_control", "negative_control"] = "probe"
    state: Literal["measured", "error", "skipped"]
    """``measured``, ``error`` (it could not be scored) or ``skipped`` (it was not reached)."""
    works: bool | None = None
    """Of a control: it did what it must; null for a probe."""
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
    """Name of the pole S-."""
    scope: str = ""
    prompts: int = 0
    templates: int = 0
    terms: int = 0
    """Labels scored."""
    coverage: Coverage | None = None
    card: Card | None = None
    groups: tuple[GroupProfile, ...] = ()
    extra_groups: tuple[GroupProfile, ...] = ()
    """Groups that were scored and are compared with nobody; their rows of
    ``evidence.csv.gz`` bear their ids."""
    targets: tuple[TargetProfile, ...] = ()
    controls: tuple[str, ...] = ()
    """Ids of the results that are its controls."""
    clusters: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Units that count as one, by source (``templates``, ``terms`` as ``group:label``,
    ``targets``): the name of each one's cluster; those that are alone are left out."""
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
    """Gap relative to the mean of all targets."""
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    """Raw, and adjusted as ``targets_adjustment`` of the result says."""
    p_adjusted: float | None = None
    """Over the targets of the comparison, as ``targets_adjustment`` of the result says."""
    facts: dict[str, float] = Field(default_factory=dict)


class Sentence(Record):
    """Two sentences that differ by the group only, and what the model gave the scored word."""

    template: str
    """What it is made of."""
    target: str
    pole: str
    text_a: str
    """Two sentences that differ by the group only."""
    text_b: str
    word: str
    """The scored word as it is in both sentences (or in sentence A, when groups are scored)."""
    log_prob_a: float
    """What the model gave it."""
    log_prob_b: float
    harmful: bool = False
    """True where a word of the harmful lexicon stands in it: reports fold it away."""
    typical: bool = False
    """True for the likeliest word of the middle third of its pole; the others are the most
    telling."""


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
    """Of its negative controls and placebos."""
    median: float
    """Sizes of their gaps, nats."""
    largest: float
    """Largest size, nats."""
    result: str
    """Id of the result with the largest."""


class Result(Record):
    """One measured number with everything a reader needs to judge it.

    ``se``, ``df`` and the intervals are those of the claim about *these words*.
    """

    id: str
    """``<probe>:<metric>:<a>-vs-<b>``."""
    probe: str
    axis: str
    metric: str
    """``log_odds_gap``, ``diagonal_log_odds``, ``similarity_gap``, ``similarity_diagonal``,
    ``jsd``, ``completions``, ``hurtful_completions``, ``skew``, ``labour_correlation``,
    ``beside_share``, ``group_spread``, ``four_fifths``, ``hurtful_rate``, ``completion_valence``,
    ``interaction``, ``warmth_competence``; on request ``lpbs``, ``cbs``, ``cbs_outer``, ``disco``,
    ``disco_chi2``, ``perplexity_gap``, ``perplexity_gap_raw``, ``weat``, ``seat``, ``ceat``."""
    metric_name: str = ""
    """The name of the measure as readers know it."""
    role: Role = "primary"
    groups: tuple[str, ...]
    """Ids; the first is A; ``~others`` is the mean of the other groups."""
    group_labels: tuple[str, ...] = ()
    """As reports call them."""
    target: str | None = None
    """The fact, for ``labour_correlation``; the pole, for ``lpbs``; how vectors are taken, for
    ``seat``."""
    outcome: Outcome | None = None
    """Of a primary comparison: ``association``, ``small``, ``open``, ``not_measurable``; about
    completions ``completions_differ``, ``no_difference_shown``; null for everything else
."""
    contrary: str = ""
    """Of a small comparison: the ``completions`` result that shows that its completions differ."""
    statement: str = ""
    """The outcome in one sentence, in the direction in which something is likelier."""
    leans: str = ""
    """The group that the gap leans to, and the pole that is likelier for it; empty without a
    sign."""
    pole: str = ""
    """Name of the pole that is likelier for that group."""
    size: Size | None = None
    """The estimate in a word: ``slight``, ``moderate``, ``strong``, ``very strong``."""
    at_least: float | None = None
    """The bounds for these words, ratios of the ladder 1.25, 1.5, 2, 3, 5, 10; null where no rung
    holds."""
    at_most: float | None = None
    """Ratio of the ladder that the gap is shown to stay below, either way, for these words; null
    likewise."""
    works: bool | None = None
    """Of a control's result: it did what it must."""
    estimate: float | None
    ci_low: float | None = None
    """Interval at ``confidence``."""
    ci_high: float | None = None
    ci90_low: float | None = None
    """90 % interval, which decides ``small``, ``pass`` and the bounds."""
    ci90_high: float | None = None
    confidence: float = 0.95
    """0.95 unless set."""
    se: float | None = None
    """Standard error and its degrees of freedom."""
    df: float | None = None
    p_value: float | None = None
    """Against no difference; of primary comparisons, that of words of this kind."""
    p_adjusted: float | None = None
    """Holm over the comparisons of the probe (primary) or Benjamini-Yekutieli (secondary), unless
    the configuration says otherwise."""
    p_adjustment: str = ""
    """How, and over how many questions: ``Holm over 7``; empty where there is no p."""
    p_method: str = ""
    """How p was found."""
    p_sign_flip: float | None = None
    """Fixed-words answer; for ``group_spread`` by Friedman's test."""
    p_label_exchange: float | None = None
    """Fixed-sentences answer; for ``group_spread`` by Kruskal and Wallis."""
    effect_size: float | None = None
    """Odds ratio; for ``jsd`` the share of divergence between groups, for ``group_spread`` the
    quasi-F, for ``hurtful_rate`` the odds ratio of the rates."""
    neutral: float | None = 0.0
    """Value that means no difference; null where none is."""
    unit: str
    """``nats``, ``bits``, ``points`` (percentage points), ``r``."""
    direction: str
    """What a positive value means."""
    n_templates: int
    """What it rests on."""
    n_terms: int
    n_targets: int = 0
    n_prompts: int
    scope: str = ""
    """Do the group words stand for a group: ``terms`` or ``concept``."""
    claim: ClaimName | None = None
    """What the interval speaks for: ``these_words`` (a comparison's) or ``words_of_this_kind``."""
    words_of_this_kind: Claim | None = None
    """The other claim of a comparison: ``se``, ``df``, both intervals and ``p_value``, which is the
    comparison's; null where a pole has fewer than two targets."""
    clusters: dict[str, int] = Field(default_factory=dict)
    """Number of independent units of each source: ``templates``, ``terms``, ``targets``."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Labels of the matched pairs, the first group's first; empty where words are not paired."""
    variance: dict[str, float] = Field(default_factory=dict)
    """Variance of the estimate by source: ``templates``, ``terms``, ``targets``."""
    mde80: float | None = None
    """Smallest gap this design would find with 80 % power."""
    null_mean: float | None = None
    """Of exchanged words, for ``jsd``."""
    null_p95: float | None = None
    excess: float | None = None
    """Divergences: estimate minus ``null_mean``."""
    margin: float | None = None
    """The catalogue's reference margin, in ``unit``: what ``small`` means. No gate judges by it."""
    margin_reason: str = ""
    sign_share: float | None = None
    """Share of templates with the sign of the estimate."""
    loo_low: float | None = None
    """Smallest and largest estimate without one sentence or one group word."""
    loo_high: float | None = None
    adjusted_estimate: float | None = None
    """Estimate at equal frequency and length of the group words (R4), where they are a sample."""
    statuses: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    """Of primary results and of the pairs of groups beside them."""
    reason: str = ""
    """Why there is no number, why it is not measurable, or what a control did."""
    by_template: tuple[TemplateEffect, ...] = ()
    by_target: tuple[TargetEffect, ...] = ()
    targets_adjustment: str = ""
    """How the p-values of ``by_target`` are adjusted, and over how many."""
    companions: tuple[Companion, ...] = ()
    """Further measures of the same comparison."""
    sentences: tuple[Sentence, ...] = ()
    """Typical pairs, for primary comparisons."""
