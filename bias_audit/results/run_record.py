"""Records of ``results.json`` about the run itself: the model, its checks, what went wrong."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bias_audit.results.schema import Record


class Tool(Record):
    """The program that wrote the audit."""

    name: str
    version: str


class Model(Record):
    """The audited model."""

    name: str
    """As the user named it."""
    revision: str | None = None
    """Commit of the hub repository, or null."""
    fingerprint: str
    """SHA-256 over names, sizes and contents of the weight files together: no file has it as its
    own."""
    tokenizer_digest: str = ""
    """SHA-256 over the tokenizer's files."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file of the model, by name; empty for a model without files."""
    kind: str
    """``masked``, ``causal``, ``encoder``, ``classifier``, ``python`` or ``fake``."""
    reading: str = "mask"
    """What a score is: ``mask`` (the word at its place), ``continuation`` (the whole sentence),
    ``similarity`` (the cosine of a sentence and a query) or ``label`` (a label of it)."""
    architecture: str = ""
    vocabulary_size: int
    """Length of the output distribution."""
    parameters: int
    dtype: str
    device: str
    notices: tuple[str, ...] = ()
    """What the reader should know, such as an unpinned revision."""


class Run(Record):
    """How the audit was run."""

    seed: int
    created: str | None = None
    """Start of the run, ISO 8601, UTC."""
    duration_s: float | None = None
    """Seconds from the sanity check to the end of scoring."""
    partial: bool = False
    """True where ``--limit`` or ``--max-time`` cut it, nothing is decided."""
    requested: tuple[str, ...] = ()
    """Ids of the measures and checks that were asked for by name."""
    command: str = ""
    config_digest: str = ""
    """SHA-256 of the settings of the configuration when the run was made, not of its bytes:
    comments and the order of keys do not count; empty without one."""
    catalogue_digest: str = ""
    """SHA-256 over all probe files in use."""
    title: str = ""
    """What the report is called; empty for its own title."""
    owner: str = ""
    """Who answers for the audit."""
    purpose: str = ""
    """What the audit was made for."""
    notices: tuple[str, ...] = ()
    """What a reader should know: files of yours in place of shipped ones, a folder of a built-in
    name."""


class MetricRecord(Record):
    """A measure that occurs in the run, described once."""

    id: str
    """Its id, and the name as readers know it."""
    name: str
    unit: str
    """Unit of its values."""
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
    """Kind of error; ``NotMeasured`` for a probe that the configuration asks for and the run left
    out."""
    message: str


class SanityCheck(Record):
    """R11: is this a trained language model at all?"""

    language: str = "en"
    """Of its sentences; it counts for the probes in this language."""
    passed: bool
    """Is this a trained model of the language?"""
    pseudo_perplexity: float | None
    """On the built-in sentences: pseudo-perplexity a piece, or perplexity a byte of a model that
    continues texts."""
    perplexity_limit: float
    """Must stay below."""
    perplexity_of: Literal["piece", "byte", "label", "paraphrase"] = "piece"
    """``label``: there is none; a classifier was asked for the labels of plain sentences;
    ``paraphrase``: neither; an encoder was asked which of two sentences says the same."""
    cloze_hits: int
    """Gaps answered, plain sentences labelled rightly, or paraphrases found nearer."""
    cloze_asked: int
    """Gaps or sentences asked."""
    cloze_needed: int
    """How many are needed."""
    detail: str = ""
    """Why it failed."""
    probes: tuple[str, ...] = ()
    """The probes that gave the sentences, for which it counts; empty: those in the language."""


class Determinism(Record):
    """R10: the model gave the same answers when it was asked again; else there are no results."""

    sentences: int
    """Sentences that were asked again: alone, together, and twice in another order."""
    tolerance: float
    """Nats a piece by which no two answers to one differed."""
