"""One adapter for each tool: a folder with a model becomes functions from inputs to scores.

Each adapter calls the tool's own code at the level at which a score of a sentence can be seen, in
the same steps and batches as its public entry, and changes nothing unless it says so. Scores of
pairs come as (more, less), fills as the probability of the best one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Score = tuple[float, float]
Task = Callable[[Sequence[Any]], list[Any]]
TOP = 5


def ours(folder: Path, dtype: str = "float32") -> dict[str, Task]:
    from bias_audit.backends import MaskedLM, score_all
    from bias_audit.records import CompletionRequest, PairRequest, SentenceRequest

    backend = MaskedLM(str(folder), device="cpu", dtype=dtype)

    def sentences(value: Callable[[Any], float], **options: Any) -> Task:
        def run(pairs: Sequence[Score]) -> list[Any]:
            texts = [text for pair in pairs for text in pair]
            scores = score_all(backend, [SentenceRequest(text=t, **options) for t in texts])
            if lost := [score.detail for score in scores if score.skip]:
                raise SystemExit(f"a sentence was not scored: {lost[0]}")
            values = [value(score) for score in scores]
            return list(zip(values[::2], values[1::2], strict=True))

        return run

    def crows(pairs: Sequence[Any]) -> list[Any]:
        scores = score_all(backend, [PairRequest(first=a, second=b) for a, b in pairs])
        return [(score.published_more, score.published_less) for score in scores]

    def fill(texts: Sequence[str]) -> list[float]:
        halves = [text.split("<mask>") for text in texts]
        requests = [CompletionRequest(left=a, right=b, top_k=TOP) for a, b in halves]
        return [score.top[0][1] for score in score_all(backend, requests)]

    def total(score: Any) -> float:
        return float(score.log_probs.sum())

    return {
        "crows": crows,
        "pll": sentences(total, variant="original"),
        "pll_l2r": sentences(total, variant="word_l2r"),
        "aul": sentences(lambda s: float(s.log_probs.mean()), variant="unmasked"),
        "aula": sentences(
            lambda s: float((s.log_probs * s.attention).mean()), variant="unmasked", attention=True
        ),
        "fill": fill,
    }


def _plain(folder: Path) -> tuple[Any, Any]:
    import torch
    import transformers

    model = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def original(folder: Path) -> dict[str, Task]:
    from benchmarks.peers._original import score_pair

    model, tokenizer = _plain(folder)
    return {"crows": lambda pairs: [score_pair(model, tokenizer, *pair) for pair in pairs]}


def pipeline(folder: Path, batch: int | None = None) -> dict[str, Task]:
    import transformers

    model, tokenizer = _plain(folder)
    pipe = transformers.pipeline(
        "fill-mask", model=model, tokenizer=tokenizer, device="cpu", top_k=TOP
    )

    def fill(texts: Sequence[str]) -> list[float]:
        if batch is None:
            return [pipe(text)[0]["score"] for text in texts]
        return [found[0]["score"] for found in pipe(list(texts), batch_size=batch)]

    return {"fill": fill}


def minicons(folder: Path) -> dict[str, Task]:
    """Calls a method that transformers 5 has dropped: it is put back under its old name."""
    from minicons.scorer import MaskedLMScorer

    model, tokenizer = _plain(folder)
    if not hasattr(tokenizer, "batch_encode_plus"):
        type(tokenizer).batch_encode_plus = type(tokenizer).__call__
    scorer = MaskedLMScorer(model, "cpu", tokenizer=tokenizer)

    def summed(variant: str) -> Task:
        def one(text: str) -> float:
            found = scorer.sequence_score(
                [text], reduction=lambda x: x.sum(0).item(), PLL_metric=variant
            )
            return float(found[0])

        return lambda pairs: [(one(more), one(less)) for more, less in pairs]

    return {"pll": summed("original"), "pll_l2r": summed("within_word_l2r")}


def mlm_bias(folder: Path) -> dict[str, Task]:
    """Builds its network without the weights: they are put in."""
    from mlm_bias import BiasDataset, BiasMLM

    model, _ = _plain(folder)

    def run(measure: str, shown: str) -> Task:
        def scored(pairs: Sequence[Score]) -> list[Any]:
            more, less = (list(side) for side in zip(*pairs, strict=True))
            bias = BiasMLM(str(folder), BiasDataset(["all"] * len(more), more, less))  # type: ignore[arg-type]
            bias.model.load_state_dict(model.state_dict())
            bias.evaluate([measure], attention=True)
            found = bias.eval_results
            return list(zip(found["S1"][shown], found["S2"][shown], strict=True))

        return scored

    return {"crows": run("csps", "csps"), "aul": run("aul", "aul"), "aula": run("aul", "aula")}


def fairlms(folder: Path) -> dict[str, Task]:
    from fairlms.utils.pll import get_span, masked_position_score, score_sentence, scoring_input

    model, tokenizer = _plain(folder)

    def crows(pair: tuple[str, str]) -> Score:
        sides = [scoring_input(tokenizer, model, text) for text in pair]
        spans = get_span(sides[0][0][0], sides[1][0][0], operation="equal")
        more, less = (
            masked_position_score(tokenizer, model, ids, [i for i in span if i in allowed])[0]
            for (ids, allowed), span in zip(sides, spans, strict=True)
        )
        return more, less

    def pll(text: str) -> float:
        return masked_position_score(tokenizer, model, *scoring_input(tokenizer, model, text))[0]

    def unmasked(weighted: bool) -> Task:
        return lambda pairs: [
            tuple(score_sentence(tokenizer, model, text, weighted)[0] for text in pair)
            for pair in pairs
        ]

    return {
        "crows": lambda pairs: [crows(pair) for pair in pairs],
        "pll": lambda pairs: [(pll(more), pll(less)) for more, less in pairs],
        "aul": unmasked(False),
        "aula": unmasked(True),
    }


def bias_scope(folder: Path) -> dict[str, Task]:
    from bias_scope.probability_based import _helpers
    from bias_scope.probability_based.scorers import WordPieceBertScorer

    scorer = WordPieceBertScorer(str(folder), device="cpu")

    def all_of(one: Callable[..., Score]) -> Task:
        return lambda pairs: [one(scorer, *pair) for pair in pairs]

    return {
        "crows": all_of(_helpers._score_wordpiece_pair_crows),
        "aul": all_of(_helpers._score_wordpiece_pair_aul),
        "aula": all_of(_helpers._score_wordpiece_pair_aula),
    }


TOOLS: dict[str, Callable[[Path], dict[str, Task]]] = {
    "this package": ours,
    "this package, bfloat16": lambda folder: ours(folder, "bfloat16"),
    "original script": original,
    "minicons": minicons,
    "mlm-bias": mlm_bias,
    "fairlms": fairlms,
    "bias-scope": bias_scope,
    "pipeline, one by one": pipeline,
    "pipeline, batches of 32": lambda folder: pipeline(folder, 32),
}
