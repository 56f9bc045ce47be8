"""Does the model's pronoun gap of an occupation follow its training text, and the labour market?"""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bias_audit.backends import Backend, score_all
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import FillScore
from bias_audit.stats.correlation import rank_correlation
from bias_audit.stats.seeds import stream
from training import text
from training.asking import asked

HERE = Path(__file__).parent
WORD = re.compile(r"[A-Za-z]+")
HE, SHE = {"he", "him", "his", "himself"}, {"she", "her", "hers", "herself"}


def jobs_listed() -> list[str]:
    """The occupations of ``words.txt`` in the singular, under its heading ``jobs``."""
    found: list[str] = []
    inside = False
    for line in (HERE / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            inside = line == "# jobs"
        elif inside:
            found += line.split()
    return sorted({w for w in found if w.islower() and not w.endswith("s") and w != "attendant"})


def pronoun_gaps(backend: Backend, jobs: list[str]) -> dict[str, float]:
    """Return ln P(he) - ln P(she) for each job, averaged over the twelve pronoun sentences."""
    templates = ProbeCatalogue().template_set("pronoun").templates
    prompts = []
    for job in jobs:
        for template in templates:
            left, _, right = template.text.replace("[target]", job).partition("<mask:subject>")
            prompts += [
                asked(template.id, left + right, len(left), len(left), filler=word)
                for word in ("he", "she")
            ]
    scores = score_all(backend, [prompt.request for prompt in prompts])
    values = np.array([s.log_prob for s in scores if isinstance(s, FillScore)], dtype=float)
    table = values.reshape(len(jobs), len(templates), 2)
    return dict(zip(jobs, (table[:, :, 0] - table[:, :, 1]).mean(1).tolist(), strict=True))


def pronoun_counts(source: Path, jobs: list[str], share: float) -> dict[str, tuple[int, int]]:
    """Count, over training sentences that name a job, those with a he-word and with a she-word."""
    wanted = set(jobs)
    he: Counter[str] = Counter()
    she: Counter[str] = Counter()
    everything = list(text.paragraphs(source))
    kept = len(everything) - max(1, round(len(everything) * share))
    for paragraph in everything[:kept]:
        for sentence in paragraph:
            found = {w.lower() for w in WORD.findall(sentence)}
            for job in found & wanted:
                he[job] += bool(found & HE)
                she[job] += bool(found & SHE)
    return {job: (he[job], she[job]) for job in jobs}


def associations(
    backend: Backend, source: Path, share: float, least: int, seed: int
) -> dict[str, Any]:
    """Rank correlation of the pronoun gap with the text's own counts and with labour statistics."""
    jobs = jobs_listed()
    counts = pronoun_counts(source, jobs, share)
    enough = [job for job in jobs if sum(counts[job]) >= least]
    gap = pronoun_gaps(backend, enough)
    ratio = [math.log((counts[j][0] + 0.5) / (counts[j][1] + 0.5)) for j in enough]
    text_side = rank_correlation(
        np.array([gap[j] for j in enough]), np.array(ratio), rng=stream(seed, "text")
    )
    facts = {
        e.sg: e.facts["women_2022"]
        for s in ProbeCatalogue().lexicon("occupations").sets.values()
        for e in s.entries
        if "women_2022" in e.facts
    }
    known = sorted(facts)
    labour_gap = pronoun_gaps(backend, known)
    labour = rank_correlation(
        -np.array([labour_gap[j] for j in known]),
        np.array([facts[j] for j in known]),
        rng=stream(seed, "labour"),
    )
    seen = pronoun_counts(source, known, share)
    both = [j for j in known if sum(seen[j]) >= least]
    signal = rank_correlation(
        -np.array([math.log((seen[j][0] + 0.5) / (seen[j][1] + 0.5)) for j in both]),
        np.array([facts[j] for j in both]),
        rng=stream(seed, "signal"),
    )
    return {
        "with_text": _shown(text_side),
        "with_womens_share": _shown(labour),
        "text_itself_with_womens_share": _shown(signal),
        "gaps": {j: [round(gap[j], 3), *counts[j]] for j in sorted(gap, key=lambda k: gap[k])},
    }


def _shown(found: Any) -> dict[str, float]:
    own = found.spearman
    return {"n": found.n, "spearman": own.r, "low": own.low, "high": own.high, "p": own.p}
