"""Where the authors publish each file, with its digest where the file was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """One file on the web."""

    url: str
    name: str
    """File name on disk."""
    sha256: str = ""
    """Digest of the file that this program was tried on; empty when it was never read."""


def _raw(repository: str, folder: str, names: Mapping[str, str]) -> tuple[Remote, ...]:
    """Files of one folder of a repository's present state, with their digests."""
    return tuple(
        Remote(url=f"{_RAW}/{repository}/HEAD/{folder}{name}", name=name, sha256=digest)
        for name, digest in names.items()
    )


_WINOBIAS = {
    "pro_stereotyped_type1.txt.dev": (
        "dd55a0d220fe4c0ceb63dd4648223fb4fe1a58d5ad95c116a002ad24b0e292a5"
    ),
    "anti_stereotyped_type1.txt.dev": (
        "a4e0ebae344e78b56f657a42e8ae684b9db7747d177c5e7149c0907ebb7f3bf6"
    ),
    "pro_stereotyped_type2.txt.dev": (
        "8f0250de723cea9328e3eaf7169e07936f01aa5909ce7aa580db66eb803f4e86"
    ),
    "anti_stereotyped_type2.txt.dev": (
        "763ad829ad724f9a85ead689ba8ca69072020cb1238def6210f0fc6a47b97e59"
    ),
    "pro_stereotyped_type1.txt.test": (
        "db7838907238a758eeb5779e48f38c013b892910d6fe864456c59f04245c6689"
    ),
    "anti_stereotyped_type1.txt.test": (
        "331db5bd74bfefebf146a60b67645152a4a1991570d2a56f57154103ac361dd2"
    ),
    "pro_stereotyped_type2.txt.test": (
        "ea1c1fd94fa612e3cc44d7fa3cc4cb76021bb63fdf94f9826f430051e9052438"
    ),
    "anti_stereotyped_type2.txt.test": (
        "336571ac1ea8c06cd2aba8e5dd2bd98e00acc0c48da3e4ec5ec7e54eb2633a8f"
    ),
}
_BBQ = (
    *("Age", "Disability_status", "Gender_identity", "Nationality", "Physical_appearance"),
    *("Race_ethnicity", "Race_x_SES", "Race_x_gender", "Religion", "SES", "Sexual_orientation"),
)
_HOLISTIC = (
    *("descriptors.json", "nouns.json", "sentence_templates.json"),
    "standalone_noun_phrases.json",
)
_SEAT = ("1", "2", "3", "3b", "4", "5", "5b", "6", "6b", "7", "7b", "8", "8b", "9", "10")

HOMES: Mapping[str, tuple[Remote, ...]] = MappingProxyType(
    {
        "crows-pairs": _raw(
            "nyu-mll/crows-pairs",
            "data/",
            {
                "crows_pairs_anonymized.csv": (
                    "dfb36986ce0502abbaf7055b9176da3d08d48e07df1251991b5dfbcbceab9d0c"
                )
            },
        ),
        "crows-pairs-revised": _raw(
            "kinit-sk/bias-methodology", "data/", {"crows_revised.csv": ""}
        ),
        "stereoset": _raw("moinnadeem/StereoSet", "data/", {"dev.json": ""}),
        "winobias": _raw("uclanlp/corefBias", "WinoBias/wino/data/", _WINOBIAS),
        "winogender": _raw(
            "rudinger/winogender-schemas",
            "data/",
            {
                "all_sentences.tsv": (
                    "bd69da16bf228cb8df63fd0843aec2d8b5c36a7f21bf8c7b168bcc83932556c8"
                )
            },
        ),
        "bec-pro": _raw("marionbartl/gender-bias-BERT", "BEC-Pro/", {"BEC-Pro_EN.tsv": ""}),
        "holistic-bias": _raw(
            "facebookresearch/ResponsibleNLP",
            "holistic_bias/dataset/v1.0/",
            dict.fromkeys(_HOLISTIC, ""),
        ),
        "honest": _raw("MilaNLProc/honest", "resources/binary/", {"en_template.tsv": ""}),
        "seat": _raw(
            "W4ngatang/sent-bias", "tests/", {f"sent-weat{number}.jsonl": "" for number in _SEAT}
        ),
        "redditbias": (
            *_raw(
                "umanlp/RedditBias",
                "data/gender/",
                {"reddit_comments_gender_male_biased_test_reduced.csv": ""},
            ),
            *_raw(
                "umanlp/RedditBias",
                "data/race/",
                {"reddit_comments_race_white_biased_test_reduced.csv": ""},
            ),
        ),
        "winoqueer": _raw("katyfelkner/winoqueer", "data/", {"winoqueer_final.csv": ""}),
        "bbq": _raw("nyu-mll/BBQ", "data/", {f"{name}.jsonl": "" for name in _BBQ}),
    }
)
