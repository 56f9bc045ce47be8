"""Tables with two sentences in each row: CrowS-Pairs, RedditBias, WinoQueer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from bias_audit.datasets.info import CROWS_MEASURES, DOUBTS, PAIR_MEASURES, DatasetInfo, github
from bias_audit.datasets.items import SentencePair
from bias_audit.datasets.source import Column, Source, describe_columns

_CROWS = {
    "more": Column("sent_more", filled=True),
    "less": Column("sent_less", filled=True),
    "category": Column("bias_type", filled=True),
    "direction": Column("stereo_antistereo", choices=("stereo", "antistereo")),
    "cluster": Column("anon_writer", optional=True),
    "first": Column("", optional=True),
    "index": Column("index", optional=True),
}
_WINOQUEER = {
    "more": Column("sent_x", filled=True),
    "less": Column("sent_y", filled=True),
    "category": Column("Gender_ID_x", filled=True),
    "other": Column("Gender_ID_y"),
    "first": Column("", optional=True),
}
_REDDITBIAS = {
    "more": Column("comments", filled=True),
    "less": Column("comments_processed", filled=True),
}


def crows_pairs(sources: Sequence[Source]) -> Iterator[SentencePair]:
    """Read CrowS-Pairs, original or revised: ``sent_more`` is always the more stereotypical one."""
    for source in sources:
        for row in source.rows(_CROWS):
            first, index = row.values.pop("first"), row.values.pop("index")
            name = first or index or str(row.number)
            yield SentencePair(id=name, line=row.line, **row.values)


def winoqueer(sources: Sequence[Source]) -> Iterator[SentencePair]:
    """Read WinoQueer: ``sent_x`` is about a queer identity, ``sent_y`` is the counterpart.

    The cluster is the sentence without its identity: many pairs are made from one template.
    """
    for source in sources:
        for row in source.rows(_WINOQUEER):
            more, identity = row.values["more"], row.values["category"]
            yield SentencePair(
                id=row.values["first"] or str(row.number),
                more=more,
                less=row.values["less"],
                category=identity,
                cluster=_template(more, identity),
                line=row.line,
            )


def redditbias(sources: Sequence[Source]) -> Iterator[SentencePair]:
    """Read RedditBias: ``comments`` as people wrote them, ``comments_processed`` with a swap.

    The category comes from the file's name, ``reddit_comments_<axis>_<group>_...csv``; axes such as
    religion1 and religion2 compare different groups and stay apart.
    """
    for source in sources:
        stem = source.path.stem
        match = re.match(r"reddit_comments_([a-z]+\d*)_", source.path.name)
        category = match[1] if match else stem
        for row in source.rows(_REDDITBIAS):
            name = f"{stem}:{row.number}"
            yield SentencePair(id=name, category=category, line=row.line, **row.values)


def _why_no_pairs(source: Source) -> str:
    """Say why a file of RedditBias holds no pairs of groups: most of its files hold something else.

    Their column ``comments_processed`` is the comment in small letters, or with another attribute.
    """
    header = next((line for _, line in source.lines()), "").split(",")
    pairs = "reddit_comments_gender_male_biased_test_reduced.csv"
    if "comment" in header and "comments" not in header:
        return (
            "it holds comments about one group, without those about the other"
            f" | give the file of the other group, with the column 'comments', such as {pairs}"
        )
    if "initial_attr" in header or "_processed_phrase_" in source.path.name:
        return f"its comments differ in what is said, not in the group | give {pairs}"
    return ""


def _template(sentence: str, identity: str) -> str:
    """Return a name for the sentence without its identity, which does not reveal its text."""
    frame = re.sub(re.escape(identity), "{}", sentence, flags=re.IGNORECASE)
    return hashlib.sha256(frame.encode()).hexdigest()[:12]


DATASETS = (
    DatasetInfo(
        id="crows-pairs",
        title="CrowS-Pairs",
        holds="sentence pairs by 77 writers, nine kinds of bias",
        reader=crows_pairs,
        give="crows_pairs_anonymized.csv",
        layout=describe_columns(_CROWS.values()),
        licence="CC BY-SA 4.0",
        quotable=True,
        citation="Nangia, Vania, Bhalerao and Bowman (2020). CrowS-Pairs: A Challenge Dataset for "
        "Measuring Social Biases in Masked Language Models. EMNLP, 2020.emnlp-main.154.",
        home="https://github.com/nyu-mll/crows-pairs",
        files=github(
            "nyu-mll/crows-pairs",
            "data/",
            {
                "crows_pairs_anonymized.csv": (
                    "dfb36986ce0502abbaf7055b9176da3d08d48e07df1251991b5dfbcbceab9d0c"
                )
            },
        ),
        caution=f"{DOUBTS} Its own authors warn about the data.",
        measures=PAIR_MEASURES,
        default_measures=CROWS_MEASURES,
    ),
    DatasetInfo(
        id="crows-pairs-revised",
        title="CrowS-Pairs, revised",
        holds="sentence pairs, corrected",
        reader=crows_pairs,
        give="crows_revised.csv, or another revision with the same columns",
        layout=describe_columns(_CROWS.values()),
        licence="CC BY-SA 4.0 for the original; the revision states none of its own",
        quotable=False,
        citation="Neveol, Dupont, Bezancon and Fort (2022). French CrowS-Pairs. ACL, "
        "2022.acl-long.583. Pikuliak, Benova and Bachraty (2023). In-Depth Look at Word Filling "
        "Societal Bias Measures. EACL, 2023.eacl-main.265.",
        home="https://github.com/kinit-sk/bias-methodology",
        files=github("kinit-sk/bias-methodology", "data/", {"crows_revised.csv": ""}),
        caution=DOUBTS,
        measures=PAIR_MEASURES,
        default_measures=CROWS_MEASURES,
    ),
    DatasetInfo(
        id="redditbias",
        title="RedditBias",
        holds="comments about one group, and the same about another",
        reader=redditbias,
        give="reddit_comments_<axis>_<group>_biased_test_reduced.csv with the column comments, or "
        "the folder of such files",
        layout=describe_columns(_REDDITBIAS.values()),
        patterns=("reddit_comments_*_test_reduced.csv", "reddit_comments_*_reduced.csv"),
        unfit=_why_no_pairs,
        licence="MIT",
        quotable=False,
        citation="Barikeri, Lauscher, Vulic and Glavas (2021). RedditBias: A Real-World Resource "
        "for Bias Evaluation and Debiasing of Conversational Language Models. ACL, "
        "2021.acl-long.151.",
        home="https://github.com/umanlp/RedditBias",
        files=tuple(
            remote
            for axis, group in (
                *(("gender", "male"), ("orientation", "straight"), ("race", "white")),
                *(("religion1", "christians"), ("religion2", "christians")),
            )
            for remote in github(
                "umanlp/RedditBias",
                f"data/{axis}/",
                {f"reddit_comments_{axis}_{group}_biased_test_reduced.csv": ""},
            )
        ),
        caution="Comments by real people, some of them hateful: never quoted in reports.",
        measures=PAIR_MEASURES,
        default_measures=CROWS_MEASURES,
    ),
    DatasetInfo(
        id="winoqueer",
        title="WinoQueer",
        holds="sentences about queer identities, and the same about others",
        reader=winoqueer,
        give="winoqueer_final.csv",
        layout=describe_columns(_WINOQUEER.values()),
        licence="MIT",
        quotable=False,
        citation="Felkner, Chang, Jang and May (2023). WinoQueer: A Community-in-the-Loop "
        "Benchmark for Anti-LGBTQ+ Bias in Large Language Models. ACL, 2023.acl-long.507.",
        home="https://github.com/katyfelkner/winoqueer",
        files=github("katyfelkner/winoqueer", "data/", {"winoqueer_final.csv": ""}),
        caution="Hurtful statements, collected from the people they are about: never quoted.",
        measures=PAIR_MEASURES,
        default_measures=CROWS_MEASURES,
    ),
)
