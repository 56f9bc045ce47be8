"""What a published data set is: whose, where, under which licence, and what reads it.

No text of any of them is part of this program. Licences and homes are as their authors state them;
digests are of files that were read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bias_audit.datasets.items import Item
from bias_audit.datasets.source import Source

Reader = Callable[[Sequence[Source]], Iterator[Item]]
"""Turns the files of a data set into items, one at a time.

Raises ``FileError`` with the line of a mistake.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """One file on the web."""

    url: str
    name: str
    """File name on disk."""
    sha256: str = ""
    """Digest of the file that this program was tried on; empty when it was never read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetInfo:
    """Description of one data set."""

    id: str
    """Name on the command line."""
    title: str
    holds: str
    """What one item is, in words."""
    reader: Reader
    give: str
    """What the user hands over, in words."""
    layout: str
    """What its files hold: the columns of a table, the keys of JSON, or what a line is."""
    patterns: tuple[str, ...] = ()
    """Globs for the files of a folder, or of the folders in it; the first that fits some counts.
    Empty where a single file is expected."""
    unfit: Callable[[Source], str] = lambda _: ""
    """Say why a file that fits the pattern holds no items (a hint after " | "); empty where it may
    hold some."""
    parts: tuple[str, ...] = ()
    """File names that must all be in the folder, where the data set consists of several."""
    licence: str
    """As the authors state it; says so where they state none."""
    quotable: bool
    """Whether its licence and its content allow to pass on a few sentences in a report."""
    citation: str
    home: str
    """Where the authors publish it."""
    files: tuple[Remote, ...] = ()
    """What ``fetch`` downloads; empty where the authors want visitors on their page."""
    caution: str = ""
    """What its authors or others warn about."""
    measures: tuple[str, ...] = ()
    """Ids of the measures that take it."""
    default_measures: tuple[str, ...] = ()
    """Ids or globs of those that a run takes when none is named."""


def github(repository: str, folder: str, names: Mapping[str, str]) -> tuple[Remote, ...]:
    """Return files of one folder of a repository's present state, with their digests by name."""
    root = f"https://raw.githubusercontent.com/{repository}/HEAD/{folder}"
    return tuple(
        Remote(url=f"{root}{name}", name=name, sha256=digest) for name, digest in names.items()
    )


CROWS_MEASURES = ("crows_pairs", "crows_pairs_published", "crows_pairs_gap")
"""From the tokens that both sentences of a pair share."""
PAIR_MEASURES = (
    *CROWS_MEASURES,
    *("pll_sum", "pll_mean", "pll_word_l2r_sum", "pll_word_l2r_mean", "aul", "aula"),
    *("sss", "sss_block", "bias_bench_crows", "crr", "crra", "dp", "dpa"),
)
"""What takes any data set with sentence pairs."""
STEREOSET_MEASURES = (
    *("stereoset_lms", "stereoset_ss", "stereoset_icat"),
    *("stereoset_lms_items", "stereoset_ss_items", "stereoset_icat_items"),
)
LIKELIHOOD_MEASURES = ("likelihood_bias", "likelihood_bias_adjusted", "likelihood_gap")
DOUBTS = (
    "Many of its pairs are unclear or do not test what they claim (Blodgett et al. 2021, "
    "acl-long.81), and it gives illogical results on control sentences (Pikuliak et al. 2023, "
    "eacl-main.265). Use it to reproduce the literature, not to judge a model."
)
"""Caution that holds for CrowS-Pairs and StereoSet alike."""
