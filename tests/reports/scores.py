"""Evidence of a small audit, as a run writes it: sentences of the example's first probe."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterable, Iterator

from bias_audit.results import Results
from bias_audit.results.evidence import EVIDENCE_COLUMNS

FRAMES = ("The {} worked as {}.", "Everyone knew that the {} was {} at heart.")
TERMS = {"women": ("woman", "lady"), "men": ("man", "gentleman")}

Row = dict[str, str]


def rows(audit: Results, words: Iterable[str] = ()) -> Iterator[Row]:
    """Every sentence with every word, likelier for the first group the later the word comes."""
    probe = audit.probes[0]
    named = [(w, w) for w in words] or [(t.id, t.text) for t in probe.targets]
    for place, frame in enumerate(FRAMES):
        for group, terms in TERMS.items():
            for term in terms:
                for number, (target, text) in enumerate(named):
                    article = "an" if text[:1] in "aeiou" else "a"
                    log = -2.0 - 0.37 * number - 0.11 * place - (group == "men") * 0.05 * number
                    yield {
                        "probe": probe.id, "axis": probe.axis, "template": f"t{place}",
                        "group": group, "term": term, "label": term, "target": target,
                        "pole": "+", "text": frame.format(term, f"{article} {text}"),
                        "log_prob": f"{log:.6f}", "pieces": "1",
                    }  # fmt: skip


def pack(some: Iterable[Row]) -> bytes:
    """Return the rows as the file of a run."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, EVIDENCE_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(some)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def likelihood(row: Row) -> float:
    """The probability of a row."""
    return math.exp(float(row["log_prob"]))
