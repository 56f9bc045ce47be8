"""Records of the results contract: what was found and decided, by limit, baseline or waiver."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import Field

from bias_audit.results.codes import UNASKED, as_clause
from bias_audit.results.run_record import Model, Run
from bias_audit.results.schema import ClaimName, Record, Result, Role, Sentence, Size, State
from bias_audit.utils.readings import USUAL

Evidence = Literal["strong", "moderate", "weak"]


class Finding(Record):
    """An association in plain words."""

    id: str
    """``F-`` and six digits, stable for the same result id."""
    result: str
    probe: str
    axis: str
    size: Size
    """How large: ``slight``, ``moderate``, ``strong``, ``very strong``."""
    evidence: Evidence
    """How sure: adjusted p below 0.01, below 0.05, or shown for these words only."""
    headline: str
    """One sentence."""
    detail: str
    """Interval, agreement of the sentences."""
    notices: tuple[str, ...] = ()
    """What a reader must know."""
    sentences: tuple[Sentence, ...] = ()


class Gate(Record):
    """A result judged against a limit."""

    id: str
    """``<gate>:<result>``, or ``<gate>:<probe>`` without a result."""
    state: State
    probe: str
    """What is judged."""
    result: str | None = None
    estimate: float | None = None
    """The estimate that is judged; of the audited model, also where a rise is judged."""
    ci_low: float | None = None
    ci_high: float | None = None
    ci90_low: float | None = None
    """The 90 % interval, by which a size is judged and which reports print."""
    ci90_high: float | None = None
    limit: float | None = None
    """Largest accepted size, or largest accepted rise."""
    unit: str = ""
    """Its unit."""
    reason: str
    condition: str = ""
    """What the gate asks, in words."""
    when_unclear: Literal["warn", "fail", "pass"] = "warn"
    """What a gate that was measured and not decided means for the exit code."""
    gate: str
    """Id of the gate in the configuration."""
    claim: ClaimName = "these_words"
    """What its interval is about: ``these_words`` or ``words_of_this_kind``."""
    kind: Literal["absolute", "regression"] = "absolute"
    """``absolute``: the size of a gap; ``regression``: its rise over a baseline."""
    reason_code: str = ""
    """``reason`` for programs: one of :data:`bias_audit.results.codes.CODES`."""
    notices: tuple[str, ...] = ()
    """Codes of what a reader should know beside the state; none changes it."""
    why: str = ""
    """Why it was set, in the words of the configuration."""
    templates_needed: int | None = None
    """Sentences, group words, or words of both poles, with which an interval that crosses its limit
    would decide if the estimate stayed; null where more of them alone would not."""
    terms_needed: int | None = None
    targets_needed: int | None = None
    """Words of both poles with which it would, where they represent more than themselves."""
    baseline: str | None = None
    """Name of the baseline, for a regression gate."""
    baseline_value: float | None = None
    """The baseline's estimate, in ``unit``."""
    rise: float | None = None
    """How much larger the gap is than the baseline's, with one-sided bounds."""
    rise_low: float | None = None
    """One-sided lower bound of the rise."""
    rise_high: float | None = None
    waiver: str | None = None
    """What the waiver names, if one applies."""
    state_before_waiver: State | None = None
    """The state before the waiver."""
    file: str = ""
    """The configuration that holds the gate, as it was given."""
    line: int = 0
    """Line of the gate in ``file``, from 1; 0 when it is in none."""
    column: int = 0
    """Column of the gate in ``file``, from 1; 0 when it is in none."""


def is_incomplete(gate: Gate, *, strict: bool = False) -> bool:
    """Return whether a gate leaves the run incomplete: it could not be asked, or must be decided.

    Only a gate that was measured and is undecided may be let go by ``when_unclear``.
    """
    if gate.state == "unclear":
        return strict or gate.when_unclear == "fail" or gate.reason_code in UNASKED
    return gate.state == "error"


class WaiverRecord(Record):
    """An exception that somebody took responsibility for, and what became of it."""

    finding: str
    """What is waived: a finding, a result, a gate, or a glob of gates."""
    model: str
    """Name of the model that it holds for; ``any`` for all."""
    reason: str
    """Why, and who answers for it."""
    owner: str
    created: str
    """First and last day, ISO 8601."""
    expires: str
    """Last day on which it holds, ISO 8601."""
    up_to: float
    """Largest size that is waived; the same as the file has it."""
    ceiling: str = ""
    """The same as the file has it: ``1.5x``."""
    status: Literal["active", "expired", "exceeded", "other_model", "unmatched"]
    """``active``; ``expired``, ``exceeded``, ``other_model`` and ``unmatched`` change no gate."""
    detail: str = ""
    """What became of it, in words."""
    gates: tuple[str, ...] = ()
    """Ids of the gates that it waives, or would waive if it held."""
    file: str = ""
    """The file that holds it, as it was given."""
    line: int = 0


class RiseBound(Record):
    """One linear bound of a rise: with the direction s of the baseline, x = s * candidate."""

    claim: Literal["further", "reversed"]
    """``further``: x - b, the same direction and larger; ``reversed``: -x - b, the other one.
    b = s * baseline. The gap has grown by no more than a limit when both are below it, or the first
    one and its mirror image b - x are."""
    estimate: float
    """The linear contrast of the paired cells."""
    se: float | None = None
    """Its standard error from the paired cells; None when there is none to judge by."""
    df: float | None = None
    loo_low: float | None = None
    """Smallest and largest estimate without one sentence or one group word."""
    loo_high: float | None = None


class Change(Record):
    """One result of the audited model against the same result of its baseline, cells paired."""

    probe: str
    """As in Result, of the audited run."""
    result: str
    axis: str
    role: Role = "primary"
    groups: tuple[str, ...]
    group_labels: tuple[str, ...] = ()
    metric: str
    metric_name: str = ""
    unit: str = "nats"
    baseline: float | None = None
    """Both estimates, on the paired cells."""
    candidate: float | None = None
    """The audited model's estimate on the paired cells."""
    difference: float | None = None
    """Candidate minus baseline."""
    ci_low: float | None = None
    """Its 95 % interval and what that rests on."""
    ci_high: float | None = None
    se: float | None = None
    df: float | None = None
    p_value: float | None = None
    """Against no difference; raw, and after Holm (secondary: Benjamini-Yekutieli) over the axis."""
    p_adjusted: float | None = None
    """The same after Holm over the primary changes of a probe; secondary ones after
    Benjamini-Yekutieli."""
    rise: float | None = None
    """Change of the gap's size, with one-sided bounds."""
    rise_low: float | None = None
    """One-sided lower bound of the rise, at ``bound_level``."""
    rise_high: float | None = None
    """One-sided upper bound of the rise, at ``bound_level``: that of both claims together."""
    bound_level: float = 0.95
    """Level of those bounds: 0.95, or 0.975 where the direction comes from a baseline that may be
    0."""
    direction: Literal["declared", "baseline_sign"] = "baseline_sign"
    """``declared`` by the probe, or the ``baseline_sign``."""
    bounds: tuple[RiseBound, ...] = ()
    """What gates judge the rise by: the claims of an intersection-union test, ``further`` first."""
    differs: bool = False
    """The adjusted p is below 0.05, and the difference is no rounding of the arithmetic."""
    identical: bool = False
    """All paired cells have the same scores in both runs."""
    n_templates: int = 0
    """What it rests on."""
    n_terms: int = 0
    n_targets: int = 0
    cells: int = 0
    """Paired scores, and the share of both runs' scores that could not be paired."""
    cells_lost_share: float = 0.0
    """Share of both runs' cells that could not be paired."""
    variance: dict[str, float] = Field(default_factory=dict)
    """Variance of the difference by source, as in Result."""
    statuses: tuple[str, ...] = ()
    """Status codes of the difference and of both results behind it."""
    reason_code: str = ""
    """Why no gate may judge it: one of the reason codes; empty when gates may."""
    reason: str = ""
    """The change, or why it cannot be judged, in words."""


class MissingChange(Record):
    """A result that only one of the two runs has, or that cannot be paired, and why."""

    probe: str
    """What has no partner."""
    result: str = ""
    """Id of the result in the run that has it; empty when the whole probe is missing."""
    role: Role = "primary"
    groups: tuple[str, ...] = ()
    reason_code: str
    """One of the reason codes."""
    reason: str


class ShareChange(Record):
    """One share of the pairs of a published data set, in two runs that scored the same pairs."""

    dataset: str
    """What is counted; the category is ``all`` for all pairs."""
    measure: str
    measure_name: str = ""
    """The name of the measure as readers know it."""
    category: str
    """``all`` for all pairs."""
    unit: str = "percent"
    """Percent, the share without a preference, and what a larger one means."""
    neutral: float | None = None
    """The share of a model without a preference; None where the measure has none."""
    direction: str
    """What a larger share means, in words."""
    baseline: float
    """Both shares, and the second minus the first in percentage points."""
    candidate: float
    difference: float
    """``candidate`` minus ``baseline``, percentage points."""
    ci_low: float | None = None
    """The 95 % interval of the difference over clusters, and what it rests on."""
    ci_high: float | None = None
    se: float | None = None
    df: float | None = None
    p_value: float | None = None
    """Against no difference, over clusters; after Holm over the categories of the measure."""
    p_adjusted: float | None = None
    """After Holm over the categories of the measure; the overall share is no member."""
    differs: bool = False
    """That p, for a category the adjusted one, is below 0.05, and ``statuses`` is empty."""
    identical: bool = False
    """Every pair has the same scores in both runs."""
    only_baseline: int
    """Pairs in which only one of them prefers the first sentence, and McNemar's exact p, which
    takes pairs as independent."""
    only_candidate: int
    mcnemar_p: float
    """McNemar's exact p on those pairs, which takes pairs as independent: a quick look."""
    pairs: int
    """Pairs that both scored, and the writers, terms or templates that they come from."""
    clusters: int
    """Writers, target terms or templates that they come from."""
    lost_pairs: int = 0
    """Pairs that not both scored, and their share of the pairs that either run holds."""
    lost_share: float = 0.0
    """Their share of the pairs that either run holds."""
    statuses: tuple[str, ...] = ()
    """``incomplete`` where more than a tenth of the pairs are lost: the numbers stand, and no
    difference is claimed."""
    reason: str = ""
    """Why there is no interval."""


class Comparison(Record):
    """The audited run compared with its baseline."""

    baseline: str
    """Name of the baseline, or the run it was given as."""
    baseline_model: Model
    baseline_run: Run
    identical: bool = False
    """Both runs hold the same scores in every paired cell, and none is lost."""
    changes: tuple[Change, ...] = ()
    shares: tuple[ShareChange, ...] = ()
    """In place of changes where both are runs of published data sets."""
    missing: tuple[MissingChange, ...] = ()
    notices: tuple[str, ...] = ()
    """What the reader should know: other architecture, other vocabulary, other settings."""
    candidate: str = ""
    """What the other run was given as, and its Model; empty inside the results of that run."""
    candidate_model: Model | None = None
    """The model of the other run; None inside the results of that run, which name it."""


def finding_id(result: str, reading: str = USUAL) -> str:
    """Return the short stable id of a result's finding: ``F-`` and six hexadecimal digits.

    Findings of two readings are two findings: who waives the one has not seen the other.
    """
    name = result if reading == USUAL else f"{result} read as {reading}"
    return "F-" + hashlib.sha256(name.encode()).hexdigest()[:6]


def missing_change(result: Result, code: str, reason: str = "") -> MissingChange:
    """Record that a result has no partner; in the words of the code when no others are given."""
    return MissingChange(
        probe=result.probe,
        result=result.id,
        role=result.role,
        groups=result.groups,
        reason_code=code,
        reason=reason or as_clause(code),
    )
