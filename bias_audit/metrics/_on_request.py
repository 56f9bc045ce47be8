"""Descriptions of the measures that run on request only; none of them is ever judged."""

from __future__ import annotations

import math

from bias_audit.metrics._metric import MetricInfo

_ANY = (-math.inf, math.inf)
_LENGTH = (0.0, math.inf)
_LEGACY = (
    "positive: the vectors of the first pole lean towards the first group; depends on how vectors "
    "are taken and on the words' frequency, so it is kept for comparison only; at most about 2 in "
    "size where both poles have equally many words, more where they have not"
)


def _vectors(name: str, title: str, reference: str, where: str) -> MetricInfo:
    return MetricInfo(
        id=name,
        name=title,
        unit="standard deviations",
        range=_ANY,
        neutral=0.0,
        direction=_LEGACY,
        reference=reference,
        sentence="in the model's vectors of "
        f"{where}, {{a}} compared with {{b}} lay nearer to {{plus}} than to {{minus}} by {{value}} "
        "standard deviations of the words",
    )


def _spread(name: str, title: str, reference: str) -> MetricInfo:
    return MetricInfo(
        id=name,
        name=title,
        unit="nats squared",
        range=_LENGTH,
        neutral=0.0,
        direction="larger: the shown word raises some groups more than others; one outlying group "
        "can make all of it",
        reference=reference,
        sentence="relative to their priors, the groups' words varied by {value} nats squared",
    )


def _surprise(name: str, title: str, words: str, warning: str) -> MetricInfo:
    return MetricInfo(
        id=name,
        name=title,
        unit="nats a word",
        range=_ANY,
        neutral=0.0,
        direction=f"positive: sentences about the first group are more surprising; {warning}",
        reference="Salazar et al. (2020, acl-main.240); Kauf and Ivanova (2023).",
        sentence=f"{words} of the sentences were more surprising after {{a}} than after {{b}} by "
        "{value} nats a word",
    )


ON_REQUEST = (
    MetricInfo(
        id="lpbs",
        name="log-probability bias score (LPBS)",
        unit="nats",
        range=_ANY,
        neutral=0.0,
        direction="positive: the shown words raise the first group's word more than the second's, "
        "each measured against its prior",
        reference="Kurita et al. (2019, W19-3823).",
        sentence="relative to their priors, {plus} raised {a} over {b} by an odds ratio of {ratio}",
    ),
    _spread("cbs", "categorical bias score (CBS)", "Ahn and Oh (2021, emnlp-main.42)."),
    _spread(
        "cbs_outer",
        "CBS as published code has it (compat)",
        "Code of Ahn and Oh (2021): every piece at every place of a word.",
    ),
    MetricInfo(
        id="disco",
        name="likely fills that depend on the group (DisCo-T)",
        unit="fills",
        range=_LENGTH,
        neutral=0.0,
        direction="larger: more of a sentence's likely fills depend on the group; grows with the "
        "number of words, so it is compared inside one catalogue only",
        reference="After Webster et al. (2020, arXiv 2010.06032); permutation tests by this tool.",
        sentence="{value} of the likely fills of a sentence depended on whether it was about {a} "
        "or {b}",
    ),
    MetricInfo(
        id="disco_chi2",
        name="DisCo as published code has it (compat)",
        unit="share",
        range=(0.0, 1.0),
        neutral=0.0,
        direction="larger: more pairs of words are called different by a chi-squared that takes "
        "probabilities for counts; it is no test",
        reference="Code of the package biased-rulers, after Webster et al. (2020).",
        sentence="the published rule called {value} of the pairs of words for {a} and {b} "
        "different",
    ),
    _surprise(
        "perplexity_gap",
        "pseudo-perplexity gap, shared words",
        "the shared words",
        "the group word itself is left out, yet its frequency still shows",
    ),
    _surprise(
        "perplexity_gap_raw",
        "pseudo-perplexity gap, group word included (raw)",
        "all words",
        "mostly says how frequent and how fragmented the group words are",
    ),
    _vectors("weat", "association of word vectors (WEAT, legacy)", "Caliskan et al. (2017).",
             "words alone"),
    _vectors("seat", "association of sentence vectors (SEAT, legacy)",
             "May et al. (2019, N19-1063).",
             "sentences that hold one word each"),
    _vectors("ceat", "association of vectors in context (CEAT, legacy)",
             "Guo and Caliskan (2021, arXiv 2006.03955).", "words in the probe's own sentences"),
)  # fmt: skip
"""In the order of the documentation."""
