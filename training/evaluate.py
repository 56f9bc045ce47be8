"""Step 4: how good is the model? Everything the card says, measured.

    python -m training.evaluate TEXT FOLDER [--against OTHER] [--seeds FOLDER ...]

Prints a table and writes ``evaluation.json`` into FOLDER. Held-out text is the last share of TEXT
that the settings name; another model (``--against``) is scored on the same words, so that models
with different vocabularies compare. Runs with other seeds (``--seeds``) are asked for what may
depend on the seed: first choices, gaps, occupations. Sentences are scored by bias-audit itself.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from statsmodels.stats.proportion import proportion_confint

from bias_audit.backends import Backend, open_backend, score_all
from bias_audit.pipeline import model_checks
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import CompletionRequest, FillScore, Prompt, SentenceRequest
from training import pronouns, settings, text, twins
from training.asking import asked

HERE = Path(__file__).parent
WORDS = 10_000
"""Held-out words that are hidden, each in a sentence of its own."""
SENTENCES = 300
"""Held-out sentences for the pseudo-perplexity."""
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
            found.append(_hidden(str(number), sentence, place))
    return found


def _alone(sentence: str, found: re.Match[str]) -> bool:
    """True between a space and a space or mark: what any vocabulary takes for a word."""
    before = sentence[found.start() - 1 : found.start()]
    after = sentence[found.end() : found.end() + 1]
    return before == " " and (after in set(" .,;:!?") or not after)


def _hidden(name: str, sentence: str, place: re.Match[str]) -> Prompt:
    return asked(name, sentence, place.start(), place.end(), filler=place[0])


def words_filled(backend: Backend, prompts: list[Prompt]) -> list[FillScore]:
    """Score held-out words. A word of several pieces is hidden whole, whatever the vocabulary."""
    answers = score_all(backend, [prompt.request for prompt in prompts])
    return [s for s in answers if isinstance(s, FillScore)]


def accuracy(scores: list[FillScore]) -> dict[str, float]:
    """How often the first choice, or one of the first ten, is the word; mean loss in nats.

    A word of several pieces counts as missed for every model alike: accuracy is by word.
    """
    known = [s for s in scores if s.log_prob is not None]
    low, high = proportion_confint(sum(_first(s) for s in known), len(known), method="wilson")
    return {
        "words": len(known),
        "top1": float(np.mean([_first(s) for s in known])),
        "top1_low": float(low),
        "top1_high": float(high),
        "top10": float(np.mean([s.rank is not None and s.rank <= 10 for s in known])),
        "loss_per_word": float(np.mean([-(s.log_prob or 0.0) for s in known])),
    }


def gain(mine: list[FillScore], other: list[FillScore]) -> dict[str, float]:
    """Difference of the first choices' accuracy on the same words, with its 95 % interval."""
    both = [
        (_first(a), _first(b))
        for a, b in zip(mine, other, strict=True)
        if a.log_prob is not None and b.log_prob is not None
    ]
    change = np.array([int(a) - int(b) for a, b in both])
    half = 1.96 * change.std(ddof=1) / math.sqrt(len(change))
    mean = float(change.mean())
    return {"words": len(change), "top1": mean, "low": mean - half, "high": mean + half}


def _first(score: FillScore) -> bool:
    return score.rank == 1


def perplexity(backend: Backend, sentences: list[str]) -> dict[str, float]:
    """Pseudo-perplexity by piece and by word; the latter compares across vocabularies."""
    answers = score_all(backend, [SentenceRequest(text=t, variant="original") for t in sentences])
    scored = [
        (float(answer.log_probs.sum()), answer.log_probs.size, len(sentence.split()))
        for sentence, answer in zip(sentences, answers, strict=True)
        if answer.log_probs.size
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
    requests = []
    for item in items:
        left, _, right = item["text"].partition("<mask>")
        requests.append(CompletionRequest(left=left, right=right))
    missed = []
    for item, answer in zip(items, score_all(backend, requests), strict=True):
        if not {w.strip() for w, _ in answer.top} & set(item["answers"]):
            missed.append([item["text"], [w for w, _ in answer.top[:5]]])
    return {"asked": len(items), "hits": len(items) - len(missed), "missed": missed}


@dataclass(frozen=True, slots=True)
class Text:
    """What is asked of every model."""

    gaps: list[Prompt]
    sentences: list[str]

    @classmethod
    def of(cls, source: Path, options: settings.Settings) -> Text:
        """Choose the gaps and sentences."""
        sentences = held_out(source, options.text.held_out)
        rng = np.random.default_rng(options.seed)
        found = gaps((sentences[i] for i in rng.permutation(len(sentences))), rng)[:WORDS]
        plain = [s for s in sentences if 6 <= len(s.split()) <= 30 and "<" not in s]
        return cls(found, [plain[i] for i in rng.permutation(len(plain))[:SENTENCES]])


def evaluate(backend: Backend, chosen: Text) -> tuple[dict[str, Any], list[FillScore]]:
    """Return what is measured of every model, and the score of every held-out word."""
    scores = words_filled(backend, chosen.gaps)
    return {
        "held_out": accuracy(scores),
        "pseudo_perplexity": perplexity(backend, chosen.sentences),
        "clozes": clozes(backend),
        "sanity": model_checks.check_sanity(backend, ProbeCatalogue().sanity()).model_dump(),
    }, scores


def again(
    folder: Path, chosen: Text, associations: Callable[[Backend], dict[str, Any]]
) -> dict[str, Any]:
    """What is asked of a run with another seed; its length and seed as its own record has them."""
    made = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    backend = open_backend(str(folder.resolve()))
    links = associations(backend)
    return {
        "seed": made["settings"]["seed"],
        "pieces_seen": made["pieces_seen"],
        "top1": accuracy(words_filled(backend, chosen.gaps))["top1"],
        "cloze_hits": clozes(backend)["hits"],
        "associations": {name: links[name] for name in ("with_text", "with_womens_share")},
    }


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="training.evaluate", description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--against", type=Path, help="another model, asked the same")
    parser.add_argument("--seeds", type=Path, nargs="*", default=[], help="runs with other seeds")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--least", type=int, default=50, help="sentences that name a job")
    asked_for = parser.parse_args()
    options = settings.read(asked_for.config)
    chosen = Text.of(asked_for.text, options)
    what = (asked_for.text, options.text.held_out, asked_for.least, options.seed)
    found: dict[str, Any] = {}
    scores = {}
    for name, folder in (("model", asked_for.folder), ("against", asked_for.against)):
        if folder is not None:
            backend = open_backend(str(folder.resolve()))
            found[name], scores[name] = evaluate(backend, chosen)
            found[name]["associations"] = pronouns.associations(backend, *what)
    if "against" in scores:
        found["gain"] = gain(scores["model"], scores["against"])
    found["seeds"] = [
        again(folder, chosen, lambda b: pronouns.associations(b, *what))
        for folder in asked_for.seeds
    ]
    found["twins"] = list(twins.checked(asked_for.folder))
    path = asked_for.folder / "evaluation.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
