"""Step 4: how good is the model? Everything the card says, measured.

    python -m training.evaluate TEXT FOLDER [--against OTHER] [--occupations 100]

Prints a table and writes ``evaluation.json`` into FOLDER. Held-out text is the last share of TEXT
that the settings name; another model (``--against``) is scored on the same words, so that models
with different vocabularies compare. Sentences are scored by bias-audit itself.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from bias_audit import sanity
from bias_audit.catalogue import Catalogue
from bias_audit.records import OpenScore, Prompt, WordScore
from bias_audit.scoring import Backend, open_backend
from bias_audit.stats.correlation import rank_correlation
from bias_audit.stats.seeds import stream
from training import settings, text

HERE = Path(__file__).parent
SENTENCES = 2000
"""Held-out sentences that are scored."""
PERPLEXITY_SENTENCES = 300
HE, SHE = {"he", "him", "his", "himself"}, {"she", "her", "hers", "herself"}
WORD = re.compile(r"[A-Za-z]+")


def held_out(source: Path, share: float) -> list[str]:
    """Return the sentences that training never saw."""
    everything = list(text.paragraphs(source))
    kept = len(everything) - max(1, round(len(everything) * share))
    return [s for p in everything[kept:] for s in p]


def gaps(sentences: Iterable[str], rng: np.random.Generator) -> list[Prompt]:
    """Return one hidden word for each sentence of 6 to 40 words: chosen by chance, letters only."""
    found = []
    for number, sentence in enumerate(sentences):
        places = [m for m in WORD.finditer(sentence) if _alone(sentence, m)]
        if 6 <= len(sentence.split()) <= 40 and places and "<" not in sentence:
            place = places[int(rng.integers(len(places)))]
            found.append(_prompt(str(number), sentence, place.start(), place.end()))
    return found


def _alone(sentence: str, found: re.Match[str]) -> bool:
    """True between a space and a space or mark: what any vocabulary takes for a word."""
    before = sentence[found.start() - 1 : found.start()]
    after = sentence[found.end() : found.end() + 1]
    return before == " " and (after in set(" .,;:!?") or not after)


def _prompt(name: str, sentence: str, start: int, end: int, *, filler: str | None = None) -> Prompt:
    return Prompt(
        probe="evaluation",
        template=name,
        variant="",
        group="",
        term="",
        label="",
        target="",
        pole="",
        left=sentence[:start],
        filler=sentence[start:end] if filler is None else filler,
        right=sentence[end:],
    )


def words_filled(backend: Backend, prompts: list[Prompt]) -> dict[str, float]:
    """Held-out words: how often the model's first choice is the word, and the mean log-probability.

    A word of several pieces is hidden whole and counts as missed by the first choice, for every
    model alike: accuracy is per word, not per piece.
    """
    scores = [s for s in backend.fill_mask(prompts) if isinstance(s, WordScore)]
    kept = [s for s in scores if s.log_prob is not None]
    return {
        "words": len(kept),
        "top1": sum(s.rank == 1 for s in kept) / len(kept),
        "top10": sum(s.rank is not None and s.rank <= 10 for s in kept) / len(kept),
        "loss_per_word": -math.fsum(s.log_prob or 0.0 for s in kept) / len(kept),
    }


def perplexity(backend: Backend, sentences: list[str]) -> dict[str, float]:
    """Pseudo-perplexity by piece and by word; the latter compares across vocabularies."""
    scored = [
        (value, pieces, len(sentence.split()))
        for sentence, (value, pieces) in zip(
            sentences, backend.pseudo_log_likelihood(sentences), strict=True
        )
        if pieces
    ]
    total = -math.fsum(value for value, _, _ in scored)
    return {
        "sentences": len(scored),
        "by_piece": math.exp(total / sum(n for _, n, _ in scored)),
        "by_word": math.exp(total / sum(n for _, _, n in scored)),
    }


def clozes(backend: Backend) -> dict[str, Any]:
    """How many of the forty trivial gaps have an answer among the ten likeliest words."""
    items = YAML(typ="safe").load((HERE / "clozes.yaml").read_text(encoding="utf-8"))
    prompts = []
    for item in items:
        left, _, right = item["text"].partition("<mask>")
        prompts.append(
            replace(_prompt(item["text"], left + right, len(left), len(left)), filler=None)
        )
    missed = []
    for item, answer in zip(items, backend.fill_mask(prompts, top_k=10), strict=True):
        assert isinstance(answer, OpenScore)
        if not {w.strip() for w, _ in answer.top} & set(item["answers"]):
            missed.append([item["text"], [w for w, _ in answer.top[:5]]])
    return {"asked": len(items), "hits": len(items) - len(missed), "missed": missed}


def pronoun_gaps(backend: Backend, jobs: list[str]) -> dict[str, float]:
    """Return ln P(he) - ln P(she) for each job, averaged over the twelve pronoun sentences."""
    templates = Catalogue().template_set("pronoun").templates
    prompts = []
    for job in jobs:
        for template in templates:
            left, _, right = template.text.replace("[target]", job).partition("<mask:subject>")
            prompts += [
                _prompt(template.id, left + right, len(left), len(left), filler=word)
                for word in ("he", "she")
            ]
    scores = backend.fill_mask(prompts)
    values = np.array([s.log_prob for s in scores if isinstance(s, WordScore)], dtype=float)
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
    backend: Backend, source: Path, jobs: list[str], share: float, least: int, seed: int
) -> dict[str, Any]:
    """Rank correlation of the pronoun gap with the text's own counts and with labour statistics."""
    counts = pronoun_counts(source, jobs, share)
    enough = [job for job in jobs if sum(counts[job]) >= least]
    gap = pronoun_gaps(backend, enough)
    ratio = [math.log((counts[j][0] + 0.5) / (counts[j][1] + 0.5)) for j in enough]
    text_side = rank_correlation(
        np.array([gap[j] for j in enough]), np.array(ratio), rng=stream(seed, "text")
    )
    facts = {
        e.sg: e.facts["women_2022"]
        for s in Catalogue().lexicon("occupations").sets.values()
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


def evaluate(
    backend: Backend, source: Path, jobs: list[str], options: settings.Settings, least: int
) -> dict[str, Any]:
    """Return everything that the card reports of one model."""
    sentences = held_out(source, options.text.held_out)
    rng = np.random.default_rng(options.seed)
    prompts = gaps((sentences[i] for i in rng.permutation(len(sentences))), rng)[:SENTENCES]
    plain = [s for s in sentences if 6 <= len(s.split()) <= 30 and "<" not in s]
    chosen = [plain[i] for i in rng.permutation(len(plain))[:PERPLEXITY_SENTENCES]]
    checked = sanity.check(backend, Catalogue().sanity())
    return {
        "held_out": words_filled(backend, prompts),
        "pseudo_perplexity": perplexity(backend, chosen),
        "clozes": clozes(backend),
        "sanity": checked.model_dump(),
        "associations": associations(
            backend, source, jobs, options.text.held_out, least, options.seed
        ),
    }


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


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="training.evaluate", description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--least", type=int, default=50, help="sentences that name a job")
    asked = parser.parse_args()
    options = settings.read(asked.config)
    found: dict[str, Any] = {}
    for name, folder in (("model", asked.folder), ("against", asked.against)):
        if folder is not None:
            backend = open_backend(str(folder.resolve()))
            found[name] = evaluate(backend, asked.text, jobs_listed(), options, asked.least)
    path = asked.folder / "evaluation.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
