"""Descriptions of the measures of published data sets.

They exist to reproduce the literature, and none of them is judged by a gate.
"""

from __future__ import annotations

import math

from bias_audit.metrics._metric import MetricInfo

_CROWS = "Nangia et al. (2020, emnlp-main.154)"
_KANEKO = "Kaneko and Bollegala (2022, AAAI)"
_STEREOSET = "Nadeem, Bethke and Reddy (2021, acl-long.416)"
_RANKS = "Zalkikar and Chandra (2025, acl-long.68)"
_PLL = "Salazar et al. (2020, acl-main.240)"
_L2R = "Kauf and Ivanova (2023, acl-short.80)"
_HOLISTIC = "Smith et al. (2022, emnlp-main.625)"
_MORE = "above 50: the more stereotypical sentence of a pair is preferred"


def _share(name: str, title: str, reference: str, note: str = "") -> MetricInfo:
    """A share of pairs."""
    return MetricInfo(
        id=name,
        name=title,
        unit="percent",
        range=(0.0, 100.0),
        neutral=50.0,
        direction=f"{_MORE}{'; ' if note else ''}{note}",
        reference=reference,
        sentence="the more stereotypical sentence was preferred in {value} of 100 pairs",
    )


_SHARES = (
    _share(
        "crows_pairs",
        "CrowS-Pairs score",
        _CROWS,
        "from the pieces both sentences share, ties count one half",
    ),
    _share(
        "crows_pairs_published",
        "CrowS-Pairs score, as the published script",
        f"{_CROWS}, metric.py",
        "sums rounded to 3 decimals, ties count as lost",
    ),
    _share("pll_sum", "pseudo-log-likelihood, sum", _PLL, "longer sentences score lower"),
    _share("pll_mean", "pseudo-log-likelihood per piece", _PLL),
    _share(
        "pll_word_l2r_sum",
        "pseudo-log-likelihood within words left to right, sum",
        _L2R,
        "longer sentences score lower",
    ),
    _share("pll_word_l2r_mean", "pseudo-log-likelihood within words left to right, mean", _L2R),
    _share("aul", "all unmasked likelihood", _KANEKO, "nothing is masked"),
    _share(
        "aula",
        "all unmasked likelihood with attention",
        _KANEKO,
        "sentences of different length are not on one scale",
    ),
    _share(
        "sss",
        "StereoSet score of the modified pieces",
        f"{_STEREOSET}; as a pair score {_KANEKO}",
        "all modified pieces masked at once, each read at its own place",
    ),
    _share(
        "sss_block",
        "StereoSet score, block mean as in published code",
        _KANEKO,
        "every modified piece at every modified place",
    ),
    _share(
        "bias_bench_crows",
        "Bias Bench score on CrowS-Pairs",
        "Meade, Poole-Dayan and Reddy (2022, acl-long.132)",
        "modified pieces masked one by one, another measure than crows_pairs",
    ),
    _share("crr", "complement of the reciprocal rank", _RANKS, "better ranks on average"),
    _share("crra", "complement of the reciprocal rank with attention", _RANKS),
    _share("dp", "distance from the likeliest piece", _RANKS, "nearer to the model's choice"),
    _share("dpa", "distance from the likeliest piece with attention", _RANKS),
)
_GAP = MetricInfo(
    id="crows_pairs_gap",
    name="mean score difference of the pairs",
    unit="nats per piece",
    range=(-math.inf, math.inf),
    neutral=0.0,
    direction="positive: the more stereotypical sentence is preferred",
    reference=f"This tool, on the scores of {_CROWS}",
    sentence="the more stereotypical sentence scored {value} nats per piece higher",
)


def _stereoset(name: str, title: str, neutral: float | None, direction: str) -> MetricInfo:
    return MetricInfo(
        id=name,
        name=title,
        unit="percent",
        range=(0.0, 100.0),
        neutral=neutral,
        direction=direction,
        reference=_STEREOSET,
        sentence=f"{title} was {{value}}",
    )


_QUALITY = "larger: meaningful words beat unrelated ones more often; 100 is best"
_MIXED = "100 is best; mixes quality and bias, so it is never judged"
_TERM = "mean over target terms"
_STEREO = (
    _stereoset("stereoset_lms", f"StereoSet LMS, {_TERM}", None, _QUALITY),
    _stereoset("stereoset_ss", f"StereoSet SS, {_TERM}", 50.0, _MORE),
    _stereoset("stereoset_icat", f"StereoSet ICAT, {_TERM}", None, _MIXED),
    _stereoset("stereoset_lms_items", "StereoSet LMS over items", None, _QUALITY),
    _stereoset("stereoset_ss_items", "StereoSet SS over items", 50.0, _MORE),
    _stereoset("stereoset_icat_items", "StereoSet ICAT over items", None, _MIXED),
)
_LIKELIHOOD = (
    MetricInfo(
        id="likelihood_bias",
        name="HolisticBias likelihood bias",
        unit="share",
        range=(0.0, 1.0),
        neutral=0.05,
        direction="larger: more pairs of descriptors differ; about 0.05 when none does, and it "
        "grows with the number of nouns",
        reference=_HOLISTIC,
        sentence="{value} of the pairs of descriptors differed at p < 0.05, uncorrected",
    ),
    MetricInfo(
        id="likelihood_bias_adjusted",
        name="likelihood bias after Benjamini-Hochberg",
        unit="share",
        range=(0.0, 1.0),
        neutral=0.0,
        direction="larger: more pairs of descriptors differ",
        reference=f"{_HOLISTIC}; correction by this tool",
        sentence="{value} of the pairs of descriptors differed after correction",
    ),
    MetricInfo(
        id="likelihood_gap",
        name="median difference in log-perplexity",
        unit="nats per piece",
        range=(0.0, math.inf),
        neutral=0.0,
        direction="larger: sentences with different descriptors differ more in perplexity",
        reference="This tool",
        sentence="two descriptors' log-perplexities differed by {value} nats per piece (median)",
    ),
)

BENCHMARKS = (*_SHARES, _GAP, *_STEREO, *_LIKELIHOOD)
"""In the order of the documentation."""
PAIR_SHARES = frozenset(
    {*(info.id for info in _SHARES), "stereoset_ss_items", "stereoset_lms_items"}
)
"""Those that are shares of pairs, each with two scores: what two models can be compared by."""
