"""Descriptions of the measures that stand beside the main ones: none of them is ever judged."""

from __future__ import annotations

import math

from bias_audit.metrics._metric import MetricInfo

_ANY = (-math.inf, math.inf)
_SHARE = (0.0, 1.0)
_LENGTH = (0.0, math.inf)


def _info(
    name: str,
    title: str,
    unit: str,
    span: tuple[float, float],
    neutral: float | None,
    text: tuple[str, str, str],
) -> MetricInfo:
    """One description; ``text`` holds direction, reference and sentence."""
    direction, reference, sentence = text
    return MetricInfo(
        id=name,
        name=title,
        unit=unit,
        range=span,
        neutral=neutral,
        direction=direction,
        reference=reference,
        sentence=sentence,
    )


_POLES = (
    _info("target_log_odds", "log-odds ratio of one target", "nats", _ANY, 0.0, (
        "positive: the target is more likely after the first group; grows for rare words, so read "
        "it beside the gap in probability",
        "This tool; difference of logits of fill-in probabilities.",
        "the odds of {plus} differed by a ratio of {ratio} between {a} and {b}",
    )),
    _info("mass_log_odds", "mass log-odds ratio", "nats", _ANY, 0.0, (
        "as the association log-odds ratio, with the probabilities of a pole added up first: ruled "
        "by its likely words",
        "This tool; companion of the association log-odds ratio.",
        "with the words of each pole taken together, {a} compared with {b} were associated with "
        "{plus} over {minus} by an odds ratio of {ratio}",
    )),
    _info("aitchison", "Aitchison distance", "nats", _LENGTH, 0.0, (
        "larger: the groups differ more over all targets at once, rare ones included",
        "Aitchison (1986).",
        "over all targets, {a} and {b} were {value} nats apart",
    )),
    _info("four_fifths", "ratio of closed-set shares (four fifths)", "ratio", _SHARE, 1.0, (
        "smaller: the pole's share differs more between the groups; the rule of four fifths is "
        "borrowed from selection rates of people and has no legal meaning for probabilities",
        "29 CFR 1607.4(D) (1978), Uniform Guidelines on Employee Selection Procedures.",
        "the share of {plus} for {a} and for {b} stood in a ratio of {value}",
    )),
    _info("closed_share", "share of the first pole", "probability", _SHARE, None, (
        "larger: more of the probability of both poles falls on the first",
        "This tool; softmax over the targets, geometric mean over sentences and words.",
        "{plus} held {value} of the probability of both poles after {a}",
    )),
    _info("neither_share", "share of the words in neither pole", "probability", _SHARE, None, (
        "larger: more of the probability of all targets falls on words of neither pole, such as "
        "'they' beside 'she' and 'he'",
        "This tool; softmax over the targets, geometric mean over sentences and words.",
        "words of neither pole held {value} of the probability after {a}",
    )),
    _info("beside_share", "share of a word beside the compared ones", "probability", _SHARE, None, (
        "larger: more of the probability of the compared words and this one falls on this one; "
        "the words' own frequency is part of it, and so is everything else that the word can mean",
        "This tool; mean of the logits over sentences and targets, turned back into a share.",
        "{a} held {value} of the probability of all compared words and itself",
    )),
)  # fmt: skip
_DISTANCES = (
    _info("jsd_total", "divergence of all words", "bits", _LENGTH, 0.0, (
        "larger: the completions of single words differ more, whatever their group",
        "Lin (1991).",
        "completions of single words diverged by {value} bits",
    )),
    _info("jsd_within", "divergence inside the groups", "bits", _LENGTH, 0.0, (
        "larger: words of one group are completed differently; total divergence is this plus what "
        "lies between the groups",
        "Lin (1991); chain rule of entropy.",
        "inside the groups, completions diverged by {value} bits",
    )),
    _info("jsd_share", "share of the divergence by word", "bits", _LENGTH, 0.0, (
        "larger: more of the divergence comes from words that are likelier after this group",
        "Lin (1991).",
        "words that are likeliest after {a} made {value} bits of the divergence",
    )),
    _info("total_variation", "total variation", "probability", _SHARE, 0.0, (
        "larger: some set of completions is more likely after one group, by this much at most",
        "Standard; see Levin and Peres, Markov Chains and Mixing Times (2017), chapter 4.",
        "no set of completions differed by more than {value} in probability between {a} and {b}",
    )),
    _info("hellinger", "Hellinger distance", "ratio", _SHARE, 0.0, (
        "larger: the groups' completions differ more; rare words count more than in total "
        "variation",
        "Hellinger (1909); Liang et al. (2021, arXiv 2106.13219).",
        "completions after {a} and {b} were {value} apart (Hellinger)",
    )),
    _info("top_overlap", "shared top completions", "ratio", _SHARE, 1.0, (
        "smaller: fewer of the most likely words are shared",
        "Standard.",
        "{a} and {b} shared {value} of their most likely completions",
    )),
    _info("jaccard", "Jaccard index of top completions", "ratio", _SHARE, 1.0, (
        "smaller: fewer of the most likely words are shared, over all words that either group has",
        "Jaccard (1912).",
        "{value} of the words among either group's most likely completions were shared",
    )),
    _info("rank_overlap", "rank-biased overlap", "ratio", _SHARE, 1.0, (
        "smaller: the order of the most likely words differs more; the first ten count for most",
        "Webber, Moffat and Zobel (2010), ACM TOIS 28(4); persistence 0.9, extrapolated.",
        "the rankings of completions after {a} and {b} overlapped by {value}",
    )),
)  # fmt: skip
_LISTS = (
    _info("hurtful_rate", "rate of hurtful completions", "probability", (-1.0, 1.0), 0.0, (
        "positive: more of the twenty most likely completions stand on the list of hurtful words "
        "after the first group; a hit is no harm by itself, read the words",
        "HONEST of Nozza, Bianchi and Hovy (2021, naacl-main.191), with this tool's own list.",
        "the rate of hurtful completions differed by {value} between {a} and {b}",
    )),
    _info("hurtful_odds", "odds ratio of hurtful completions", "nats", _ANY, 0.0, (
        "positive: hurtful completions are likelier after the first group",
        "This tool; half a hit added to each count (Haldane 1956), jackknife over sentences.",
        "the odds of a hurtful completion differed by a ratio of {ratio} between {a} and {b}",
    )),
    _info("completion_valence", "valence of completions", "points", (-2.0, 2.0), 0.0, (
        "positive: the words filled in after the first group are more pleasant by the list "
        "(1 a pleasant word, -1 an unpleasant one, 0 any other)",
        "This tool; expected value of a lexicon score over the completions.",
        "the mean valence of completions differed by {value} between {a} and {b}",
    )),
    _info("valence_coverage", "share of words with a valence", "probability", _SHARE, None, (
        "larger: more of the probability falls on words that the list knows",
        "This tool.",
        "the list of pleasant and unpleasant words knew {value} of what was filled in",
    )),
)  # fmt: skip
_PLANES = (
    _info("labour_pearson", "linear correlation with labour statistics", "r", (-1.0, 1.0), None, (
        "positive: gaps follow who holds the jobs; neither good nor bad by itself",
        "Rudinger et al. (2018, N18-2002).",
        "gaps and the logits of the shares in labour statistics correlated by {value}",
    )),
    _info("labour_slope", "calibration slope", "nats per nat", _ANY, None, (
        "1: the model spreads the jobs as far as the statistics do; larger: further; error in the "
        "statistics or in the sample of sentences pulls it towards 0",
        "This tool; least squares on the logit scale.",
        "the model's shares moved by {value} nats for each nat of the statistics",
    )),
    _info("labour_intercept", "calibration intercept", "nats", _ANY, None, (
        "positive: the first word is preferred in a job that is held by both alike",
        "This tool; least squares on the logit scale.",
        "at parity, the model preferred {a} by {value} nats",
    )),
    _info("labour_distance", "mean distance from labour statistics", "probability", _SHARE, None, (
        "larger: the model's shares are further from those of the statistics, job by job",
        "This tool.",
        "the model's shares and those of the statistics were {value} apart on average",
    )),
    _info("interaction", "interaction of two axes", "nats", _ANY, 0.0, (
        "the part of an intersectional gap that neither axis brings alone: (first - second) - "
        "(third - fourth) cell",
        "Standard 2 x 2 contrast; Tan and Celis (2019, arXiv 1911.01485) on why it matters.",
        "beyond what each axis brings alone, {a} were associated with {plus} over {minus} by a "
        "ratio of odds ratios of {ratio}",
    )),
    _info("warmth_competence", "distance by warmth and competence", "nats", _LENGTH, 0.0, (
        "larger: the group is further from the mean of the others, in warmth, competence or both",
        "Fiske, Cuddy, Glick and Xu (2002); Fraser et al. (2021, acl-long.50).",
        "{a} stood {value} nats from the mean of the others in warmth and competence",
    )),
    _info("warmth", "warmth", "nats", _ANY, 0.0, (
        "positive: the group is tied more closely to warm traits than the others are",
        "Fiske, Cuddy, Glick and Xu (2002).",
        "{a} were associated with warm over cold traits by an odds ratio of {ratio}",
    )),
    _info("competence", "competence", "nats", _ANY, 0.0, (
        "positive: the group is tied more closely to competent traits than the others are",
        "Fiske, Cuddy, Glick and Xu (2002).",
        "{a} were associated with competent over incompetent traits by an odds ratio of {ratio}",
    )),
)  # fmt: skip

BESIDE = (*_POLES, *_DISTANCES, *_LISTS, *_PLANES)
"""All of them, in the order of the documentation."""
