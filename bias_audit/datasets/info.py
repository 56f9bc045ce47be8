"""The published data sets that this program reads: what, whose and where they are.

No text of any of them is part of this program. Licences and homes are as their authors state them;
digests are of files that were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bias_audit.datasets._homes import HOMES, Remote
from bias_audit.errors import UnknownNameError

Reader = Literal[
    "crows_pairs",
    "stereoset",
    "winobias",
    "winogender",
    "bec_pro",
    "eec",
    "holistic_bias",
    "honest",
    "seat",
    "redditbias",
    "winoqueer",
    "bbq",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetInfo:
    """Description of one data set."""

    id: str
    """Name on the command line."""
    title: str
    holds: str
    """What one record is, in words."""
    reader: Reader
    """Which reader takes its files."""
    give: str
    """What the user hands over, in words."""
    pattern: str
    """Glob for the files of a folder; empty where a single file is expected."""
    licence: str
    """As the authors state it; says so where they state none."""
    quotable: bool
    """Whether its licence and its content allow to pass on a few sentences in a report."""
    citation: str
    home: str
    """Where the authors publish it."""
    caution: str = ""
    """What its authors or others warn about."""
    measures: tuple[str, ...] = ()
    """Benchmark measures that take it."""

    @property
    def files(self) -> tuple[Remote, ...]:
        """What ``fetch`` brings; empty where the authors want visitors on their page."""
        return HOMES.get(self.id, ())

    @property
    def many(self) -> bool:
        """Whether it is a folder of files."""
        return bool(self.pattern)


_PAIRS = (
    *("crows_pairs", "crows_pairs_published", "crows_pairs_gap", "pll_sum", "pll_mean"),
    *("pll_word_l2r_sum", "pll_word_l2r_mean", "aul", "aula", "sss", "sss_block"),
    *("bias_bench_crows", "crr", "crra", "dp", "dpa"),
)
_STEREOSET = (
    *("stereoset_lms", "stereoset_ss", "stereoset_icat"),
    *("stereoset_lms_items", "stereoset_ss_items", "stereoset_icat_items"),
)
_LIKELIHOOD = ("likelihood_bias", "likelihood_bias_adjusted", "likelihood_gap")
_SALMON = (
    "Many of its pairs are unclear or do not test what they claim (Blodgett et al. 2021, "
    "acl-long.81), and it gives illogical results on control sentences (Pikuliak et al. 2023, "
    "eacl-main.265). Use it to reproduce the literature, not to judge a model."
)

_ALL = (
    DatasetInfo(
        id="crows-pairs",
        title="CrowS-Pairs",
        holds="sentence pairs by 77 writers, nine kinds of bias",
        reader="crows_pairs",
        give="crows_pairs_anonymized.csv",
        pattern="",
        licence="CC BY-SA 4.0",
        quotable=True,
        citation="Nangia, Vania, Bhalerao and Bowman (2020). CrowS-Pairs: A Challenge Dataset for "
        "Measuring Social Biases in Masked Language Models. EMNLP, 2020.emnlp-main.154.",
        home="https://github.com/nyu-mll/crows-pairs",
        caution=f"{_SALMON} Its own authors warn about the data.",
        measures=_PAIRS,
    ),
    DatasetInfo(
        id="crows-pairs-revised",
        title="CrowS-Pairs, revised",
        holds="sentence pairs, corrected",
        reader="crows_pairs",
        give="crows_revised.csv, or another revision with the same columns",
        pattern="",
        licence="CC BY-SA 4.0 for the original; the revision states none of its own",
        quotable=False,
        citation="Neveol, Dupont, Bezancon and Fort (2022). French CrowS-Pairs. ACL, "
        "2022.acl-long.583. Pikuliak, Benova and Bachraty (2023). In-Depth Look at Word Filling "
        "Societal Bias Measures. EACL, 2023.eacl-main.265.",
        home="https://github.com/kinit-sk/bias-methodology",
        caution=_SALMON,
        measures=_PAIRS,
    ),
    DatasetInfo(
        id="stereoset",
        title="StereoSet",
        holds="contexts with a stereotype, an anti-stereotype and an unrelated candidate",
        reader="stereoset",
        give="dev.json",
        pattern="",
        licence="CC BY-SA 4.0",
        quotable=True,
        citation="Nadeem, Bethke and Reddy (2021). StereoSet: Measuring stereotypical bias in "
        "pretrained language models. ACL, 2021.acl-long.416.",
        home="https://github.com/moinnadeem/StereoSet",
        caution=_SALMON,
        measures=(*_STEREOSET, *_PAIRS),
    ),
    DatasetInfo(
        id="winobias",
        title="WinoBias",
        holds="sentences with a pronoun and two occupations, for and against the stereotype",
        reader="winobias",
        give="the folder with {pro,anti}_stereotyped_type{1,2}.txt.{dev,test}, or one such file",
        pattern="*_stereotyped_type[12].txt.*",
        licence="MIT",
        quotable=True,
        citation="Zhao, Wang, Yatskar, Ordonez and Chang (2018). Gender Bias in Coreference "
        "Resolution. NAACL, N18-2003.",
        home="https://github.com/uclanlp/corefBias",
        caution="Made for coreference systems; sentences of type 2 can be resolved by syntax.",
        measures=_PAIRS,
    ),
    DatasetInfo(
        id="winogender",
        title="Winogender schemas",
        holds="sentences with a pronoun, an occupation and another person",
        reader="winogender",
        give="all_sentences.tsv",
        pattern="",
        licence="MIT",
        quotable=True,
        citation="Rudinger, Naradowsky, Leonard and Van Durme (2018). Gender Bias in Coreference "
        "Resolution. NAACL, N18-2002.",
        home="https://github.com/rudinger/winogender-schemas",
        caution="Made for coreference systems. It may show a bias; it cannot show that there is "
        "none, as its authors say.",
    ),
    DatasetInfo(
        id="bec-pro",
        title="BEC-Pro",
        holds="sentences about a person and a profession, with both masked in turn",
        reader="bec_pro",
        give="BEC-Pro_EN.tsv or BEC-Pro_DE.tsv",
        pattern="",
        licence="CC BY 4.0",
        quotable=True,
        citation="Bartl, Nissim and Gatt (2020). Unmasking Contextual Stereotypes. GeBNLP, "
        "2020.gebnlp-1.1.",
        home="https://github.com/marionbartl/gender-bias-BERT",
    ),
    DatasetInfo(
        id="eec",
        title="Equity Evaluation Corpus",
        holds="sentences about a person and an emotion",
        reader="eec",
        give="Equity-Evaluation-Corpus.csv",
        pattern="",
        licence="none stated; the authors ask not to redistribute it",
        quotable=False,
        citation="Kiritchenko and Mohammad (2018). Examining Gender and Race Bias in Two Hundred "
        "Sentiment Analysis Systems. *SEM, S18-2005.",
        home="https://saifmohammad.com/WebPages/Biases-SA.html",
        caution="Made for sentiment systems.",
    ),
    DatasetInfo(
        id="holistic-bias",
        title="HolisticBias",
        holds="sentences, made from descriptors, nouns and templates",
        reader="holistic_bias",
        give="the folder with descriptors.json, nouns.json, sentence_templates.json and "
        "standalone_noun_phrases.json",
        pattern="*.json",
        licence="CC BY-SA 4.0 (data), MIT (code)",
        quotable=True,
        citation="Smith, Hall, Kambadur, Presani and Williams (2022). I'm sorry to hear that: "
        "Finding New Biases in Language Models with a Holistic Descriptor Dataset. EMNLP, "
        "2022.emnlp-main.625.",
        home="https://github.com/facebookresearch/ResponsibleNLP/tree/main/holistic_bias",
        caution="Some descriptors are marked as dispreferred or polarizing; the mark is kept.",
        measures=_LIKELIHOOD,
    ),
    DatasetInfo(
        id="honest",
        title="HONEST templates",
        holds="sentences with one place to complete",
        reader="honest",
        give="en_template.tsv, or that of another language",
        pattern="",
        licence="MIT",
        quotable=True,
        citation="Nozza, Bianchi and Hovy (2021). HONEST: Measuring Hurtful Sentence Completion in "
        "Language Models. NAACL, 2021.naacl-main.191.",
        home="https://github.com/MilaNLProc/honest",
        caution="The score needs the HurtLex lexicon (CC BY-NC-SA 4.0), which is not part of it.",
    ),
    DatasetInfo(
        id="seat",
        title="SEAT tests",
        holds="sets of sentences for association tests of embeddings",
        reader="seat",
        give="a test such as sent-weat6.jsonl, or the folder of tests",
        pattern="*.jsonl",
        licence="CC BY-NC 4.0",
        quotable=False,
        citation="May, Wang, Bordia, Bowman and Rudinger (2019). On Measuring Social Biases in "
        "Sentence Encoders. NAACL, N19-1063.",
        home="https://github.com/W4ngatang/sent-bias",
        caution="Hard to interpret, as its authors say; results depend on choices such as pooling.",
    ),
    DatasetInfo(
        id="redditbias",
        title="RedditBias",
        holds="comments about one group, and the same about another",
        reader="redditbias",
        give="reddit_comments_<axis>_<group>_biased_test_reduced.csv, or the folder of such files",
        pattern="reddit_comments_*_reduced.csv",
        licence="MIT",
        quotable=False,
        citation="Barikeri, Lauscher, Vulic and Glavas (2021). RedditBias: A Real-World Resource "
        "for Bias Evaluation and Debiasing of Conversational Language Models. ACL, "
        "2021.acl-long.151.",
        home="https://github.com/umanlp/RedditBias",
        caution="Comments by real people, some of them hateful: never quoted in reports.",
        measures=_PAIRS,
    ),
    DatasetInfo(
        id="winoqueer",
        title="WinoQueer",
        holds="sentences about queer identities, and the same about others",
        reader="winoqueer",
        give="winoqueer_final.csv",
        pattern="",
        licence="MIT",
        quotable=False,
        citation="Felkner, Chang, Jang and May (2023). WinoQueer: A Community-in-the-Loop "
        "Benchmark for Anti-LGBTQ+ Bias in Large Language Models. ACL, 2023.acl-long.507.",
        home="https://github.com/katyfelkner/winoqueer",
        caution="Hurtful statements, collected from the people they are about: never quoted.",
        measures=_PAIRS,
    ),
    DatasetInfo(
        id="bbq",
        title="BBQ",
        holds="contexts with a question and three answers",
        reader="bbq",
        give="a file such as Age.jsonl, or the folder of such files",
        pattern="*.jsonl",
        licence="CC BY 4.0",
        quotable=True,
        citation="Parrish, Chen, Nangia, Padmakumar, Phang, Thompson, Htut and Bowman (2022). BBQ: "
        "A Hand-Built Bias Benchmark for Question Answering. Findings of ACL, "
        "2022.findings-acl.165.",
        home="https://github.com/nyu-mll/BBQ",
        caution="Made for models that answer questions. A masked language model can only say which "
        "answer it finds likelier after an ambiguous context: an adaptation, not the benchmark.",
        measures=_PAIRS,
    ),
)

DATASETS: Mapping[str, DatasetInfo] = MappingProxyType({info.id: info for info in _ALL})
"""All data sets by id."""


def get(name: str) -> DatasetInfo:
    """Return the description of one data set.

    Raises:
        UnknownNameError: there is none; the message carries the nearest spelling.
    """
    if name not in DATASETS:
        raise UnknownNameError("data set", name, DATASETS, hint="see 'bias-audit datasets list'")
    return DATASETS[name]
