"""Descriptions of the measures of all groups at once, and of sizes without a unit."""

from __future__ import annotations

import math

from bias_audit.metrics._metric import MetricInfo

OVERALL = (
    MetricInfo(
        id="group_spread",
        name="spread of the groups",
        unit="nats",
        range=(0.0, math.inf),
        neutral=0.0,
        direction="larger: the groups lie further apart, whichever of them; never exactly 0, so "
        "compare with the spread that equal groups would show",
        reference="Clark (1973): quasi-F; Brunner, Dette and Munk (1997) for unequal variances.",
        sentence="the groups lay {value} nats apart (standard deviation), where equal groups would "
        "have shown {null} nats",
    ),
    MetricInfo(
        id="rank_agreement",
        name="agreement of the sentences on the order of the groups (Kendall's W)",
        unit="share",
        range=(0.0, 1.0),
        neutral=None,
        direction="1: every sentence puts the groups in the same order; about 1 / sentences: none "
        "follows another",
        reference="Friedman (1937); Kendall and Babington Smith (1939).",
        sentence="the sentences agreed on the order of the groups to a share of {value}",
    ),
    MetricInfo(
        id="rank_share",
        name="share of the ranks' spread between groups (epsilon squared)",
        unit="share",
        range=(0.0, 1.0),
        neutral=None,
        direction="1: the words of a group stand together, far from those of other groups; about "
        "(groups - 1) / (words - 1): a word's place says nothing about its group",
        reference="Kruskal and Wallis (1952).",
        sentence="the groups explained a share of {value} of the order of the words",
    ),
    MetricInfo(
        id="consistency",
        name="consistency over sentences (d_z)",
        unit="standard deviations",
        range=(-math.inf, math.inf),
        neutral=0.0,
        direction="larger in size: the sentences agree more closely; says how consistent a gap is, "
        "not how large",
        reference="Cohen (1988): d_z; interval of Cumming and Finch (2001).",
        sentence="over the sentences, the gap between {a} and {b} was {value} of its standard "
        "deviations",
    ),
    MetricInfo(
        id="cliffs_delta",
        name="how often a word of one group exceeds one of the other (Cliff's delta)",
        unit="share",
        range=(-1.0, 1.0),
        neutral=0.0,
        direction="1: every word of the first group lies above every word of the second; 0: as "
        "often above as below",
        reference="Cliff (1993); two-way bootstrap of Owen (2007); p of Mann and Whitney (1947).",
        sentence="words of {a} lay above words of {b} more often than below by a share of {value}",
    ),
    MetricInfo(
        id="rank_biserial",
        name="how far the matched pairs agree on the direction (rank-biserial)",
        unit="share",
        range=(-1.0, 1.0),
        neutral=0.0,
        direction="1: all pairs point the same way; 0: as much one way as the other, large "
        "differences counting more",
        reference="Kerby (2014); p of Wilcoxon (1945).",
        sentence="the pairs of words of {a} and {b} agreed on the direction to a share of {value}",
    ),
    MetricInfo(
        id="sentence_ranks",
        name="how far the sentences agree on the direction (rank-biserial)",
        unit="share",
        range=(-1.0, 1.0),
        neutral=0.0,
        direction="1: all sentences point the same way; 0: as much one way as the other, large "
        "differences counting more, but none by its size",
        reference="Kerby (2014); p of Wilcoxon (1945).",
        sentence="the sentences agreed on the direction of the gap between {a} and {b} to a share "
        "of {value}",
    ),
    MetricInfo(
        id="standardised_gap",
        name="gap in standard deviations of single cells",
        unit="standard deviations",
        range=(-math.inf, math.inf),
        neutral=0.0,
        direction="larger in size: the gap stands out further from what one word in one sentence "
        "differs from another of its group",
        reference="Owen (2007) for the two-way bootstrap.",
        sentence="the gap between {a} and {b} was {value} of the standard deviations of single "
        "sentences and words",
    ),
)
"""In the order of the documentation."""
