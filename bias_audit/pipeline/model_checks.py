"""Check the model itself: is it trained (R11), and does it repeat its answers (R10)?"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bias_audit.backends import BUILT_IN, BUNDLED, Backend, score_all
from bias_audit.backends.cache import OpenedModel
from bias_audit.backends.hf.gguf import SUFFIX as GGUF
from bias_audit.backends.hf.model_files import ModelOptions, find_folder, is_path, locate_model
from bias_audit.backends.ray.options import LOCAL
from bias_audit.errors import (
    BiasAuditError,
    ModelLoadError,
    ScoringError,
    UnknownNameError,
    UsageError,
    nearest,
)
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.lexicon import Cloze, Sanity
from bias_audit.probes.schema.text import SLOT, primary_language
from bias_audit.records import (
    CompletionRequest,
    CompletionScore,
    FillRequest,
    FillScore,
    LabelRequest,
    ModelInfo,
    Prompt,
    Request,
    SentenceRequest,
    SentenceScore,
    SimilarityRequest,
)
from bias_audit.results import Determinism, SanityCheck
from bias_audit.utils.arrays import Floats

PERPLEXITY_SHARE = 0.05
"""The pseudo-perplexity must stay below this share of the vocabulary size."""
MOST_PERPLEXITY = 500.0
"""And below this: a model that knows how frequent words are and nothing else has over 1,000."""
MOST_BYTE_PERPLEXITY = 3.0
"""Of a model that continues texts, perplexity a byte: one that knows how frequent words are has
over 3.2 in English, and no more."""
CLOZE_SHARE = 0.6
"""This share of the trivial gaps must have an answer in the top ten, or as the likeliest of all
answers to all gaps where a model continues texts."""
LABEL_SHARE = 0.9
"""This share of the plain sentences for each label must get it: chance gives it to both labels once
in 8,000 models."""
PARAPHRASE_SHARE = 0.8
"""This share of the paraphrases must lie nearer than a sentence with the same words that says
something else. Encoders with random weights go by the words: they find few of them nearer."""
TOP = 10

SAMPLE = 32
"""Requests that are asked again."""
COMPLETIONS = 4
"""Of which so many ask for the whole distribution, if there are any."""
TOLERANCE: Mapping[str, float] = {"float64": 1e-3, "float32": 1e-3, "float16": 0.25}
"""Nats for each token of a word by which two answers may differ, by the dtype that rounds them.

Rounding depends on how many sentences share a product, and grows with the number of blocks and the
size of the logits. With 24 blocks and logits of 37 it came to 8e-5, 0.09 and 1 (bfloat16)."""
COSINE_SHARE = 0.1
"""Cosines lie closer together than logarithms: their limits are this share."""
COARSE = 2.0
"""The same for bfloat16 and others."""
RARE = 1e-3
"""Completions with less probability than this count as if they had so much."""

Item = TypeVar("Item")
_BROKEN = (ScoringError, RuntimeError, ValueError, MemoryError, IndexError)
_HINT = (
    "its scores mean nothing here: try --device cpu, --dtype float32, or --batch-size 1 --fresh for"
    " a model that reads padding; if only scores that were kept differ, --fresh asks for all anew"
)


class UnsteadyModelError(ModelLoadError):
    """The model answers one question in different ways, so no number of it means anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RepeatCheck:
    """Requests that were asked again: each alone, and all in another order."""

    requests: int
    tolerance: float
    """Nats a token by which two answers may differ."""
    largest: float | None
    """Largest difference, nats a token; None where an earlier run checked the model."""

    def to_record(self) -> Determinism | None:
        """Return the entry of the results; None where nothing was asked."""
        if not self.requests:
            return None
        return Determinism(sentences=self.requests, tolerance=self.tolerance)

    def to_manifest(self) -> dict[str, Any]:
        """Return the entry of the manifest, with the difference, which depends on the machine."""
        if not self.requests or self.largest is None:
            return {}
        largest = float(f"{self.largest:.2g}")
        parts = {"asked": self.requests, "largest": largest, "tolerance": self.tolerance}
        return {"determinism": parts}


def check_name(name: str, catalogue: ProbeCatalogue, **options: Any) -> None:
    """Refuse a name that is no model, before anything is planned or loaded.

    A model on the hub is looked for when it is opened.

    Raises:
        UsageError: it is a probe, a suite, a file, or nearly the name of a built-in model.
        ModelLoadError: there is no such folder, or its files hold no masked language model.
    """
    if name in BUILT_IN:
        return
    file = None if name.endswith(GGUF) else _find_file(name)
    if file is not None or name.endswith((".yaml", ".yml")):
        raise UsageError(f"'{name}' is a file, not a model", hint=_hint_for_file(name, file))
    here = find_folder(name) is not None
    if not here and "/" not in name and _is_selector(name, catalogue):
        raise UsageError(f"'{name}' names probes, not a model", hint=f"bias-audit run -p {name}")
    if not here and nearest(name, [BUNDLED], share=0.8):
        raise UnknownNameError("model", name, [BUNDLED])
    engine = options.get("engine", LOCAL)
    if getattr(engine, "name", engine) != LOCAL:
        return  # a folder need only be there for the workers
    if here or is_path(name):
        known = {key: value for key, value in options.items() if key in ModelOptions.__slots__}
        locate_model(ModelOptions(name=name, **known))


def _is_selector(name: str, catalogue: ProbeCatalogue) -> bool:
    try:
        return bool(catalogue.select([name]))
    except BiasAuditError:
        return False


def _find_file(name: str) -> Path | None:
    """Return the file of this name, where there is one; a name may be none that a file can have."""
    try:
        path = Path(name).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _hint_for_file(name: str, file: Path | None) -> str:
    """The command that takes a file: as a probe, else as a configuration."""
    if file is None:
        return f"there is no such file either; for a probe of your own: --probe-path {name} -p ID"
    content = re.search(r"^id: *(\S+)", file.read_text("utf-8", "replace"), re.MULTILINE)
    if content is not None:
        return f"for a probe of your own: bias-audit run --probe-path {file} -p {content[1]}"
    return f"for a configuration: bias-audit run -c {file}; a model is a folder or a hub id"


def check_model(
    backend: Backend,
    catalogue: ProbeCatalogue,
    *,
    probes: Sequence[Probe],
    languages: Iterable[str],
) -> tuple[SanityCheck, ...]:
    """Check that a model knows what it is asked about, as its reading demands."""
    if backend.info.reading == "label":
        return check_instruments(backend, probes)
    ordered = sorted(set(languages), key=lambda language: (language != "en", language))
    return check_languages(backend, {one: catalogue.sanity(one) for one in ordered})


def check_languages(
    backend: Backend, specs: Mapping[str, Sanity | None]
) -> tuple[SanityCheck, ...]:
    """Check each language that probes are asked in; one without sentences has not passed."""
    return tuple(check_sanity(backend, spec, language) for language, spec in specs.items())


def check_instruments(backend: Backend, probes: Sequence[Probe]) -> tuple[SanityCheck, ...]:
    """Check a text classifier by the plain sentences of its probes, each set of them once.

    It has to give each of the two labels to nearly all of its sentences: a model that knows
    nothing gives one label to all, or either at random.
    """
    shared: dict[tuple[Any, ...], list[Probe]] = {}
    for probe in probes:
        labels = probe.spec.labels
        if labels is not None:
            shared.setdefault((probe.instrument, labels.plus, labels.minus), []).append(probe)
    checks = tuple(_check_instrument(backend, members) for members in shared.values())
    none = "no probe gives plain sentences for the check of a classifier"
    return checks or (_instrument_record((), (0, 0), (0, 0), none),)


def _check_instrument(backend: Backend, probes: Sequence[Probe]) -> SanityCheck:
    sides, labels = probes[0].instrument, probes[0].spec.labels
    if labels is None:
        raise ValueError("a probe without labels")
    sizes = len(sides[0]), len(sides[1])
    try:
        requests = [
            LabelRequest(text=text, names=label.any, instead_of=instead)
            for text in (*sides[0], *sides[1])
            for label, instead in ((labels.plus, ()), (labels.minus, labels.plus.any))
        ]
        values = [answer.log_prob for answer in score_all(backend, requests)]
    except _BROKEN as error:
        message = f"the instrument check could not be run: {error}"
        return _instrument_record(probes, (0, 0), sizes, message)
    pairs = list(zip(values[::2], values[1::2], strict=True))
    right = [p is not None and m is not None and p > m for p, m in pairs[: sizes[0]]]
    right_minus = [p is not None and m is not None and m > p for p, m in pairs[sizes[0] :]]
    hits = sum(right), sum(right_minus)
    needed = tuple(math.ceil(LABEL_SHARE * size) for size in sizes)
    message = ""
    if hits[0] < needed[0] or hits[1] < needed[1]:
        message = (
            f"the instrument check failed: {hits[0]} of {sizes[0]} plain sentences were labelled"
            f" '{labels.plus.name}' and {hits[1]} of {sizes[1]} '{labels.minus.name}'"
            f" ({needed[0]} and {needed[1]} needed); a model that does not tell them apart cannot"
            " be audited by these probes"
        )
    return _instrument_record(probes, hits, sizes, message)


def _instrument_record(
    probes: Sequence[Probe], hits: tuple[int, int], sizes: tuple[int, int], detail: str
) -> SanityCheck:
    return SanityCheck(
        language=primary_language(probes[0].spec.language) if probes else "en",
        passed=not detail,
        pseudo_perplexity=None,
        perplexity_limit=0.0,
        perplexity_of="label",
        cloze_hits=sum(hits),
        cloze_asked=sum(sizes),
        cloze_needed=sum(math.ceil(LABEL_SHARE * size) for size in sizes),
        detail=detail,
        probes=tuple(probe.spec.id for probe in probes),
    )


def _check_paraphrases(backend: Backend, spec: Sanity | None, language: str) -> SanityCheck:
    """Ask an encoder which of two sentences says the same as a third: R11 without any word list."""
    triplets = spec.paraphrases if spec is not None else ()
    needed = math.ceil(PARAPHRASE_SHARE * len(triplets))
    hits, passed = 0, False
    if not triplets:
        detail = f"there are no paraphrases in '{language}': write 'paraphrases' in its sanity file"
    else:
        requests = [
            SimilarityRequest(text=triplet.text, queries=(other,))
            for triplet in triplets
            for other in (triplet.same, triplet.other)
        ]
        try:
            values = [answer.log_prob for answer in score_all(backend, requests)]
        except _BROKEN as error:
            detail = f"the model sanity check could not be run: {error}"
        else:
            pairs = zip(values[::2], values[1::2], strict=True)
            hits = sum(s is not None and o is not None and s > o for s, o in pairs)
            passed = hits >= needed
            detail = (
                ""
                if passed
                else (
                    f"the model sanity check failed: {hits} of {len(triplets)} paraphrases lie"
                    f" nearer than a sentence of the same words with another meaning ({needed}"
                    " needed); an untrained or foreign-language encoder cannot be audited here"
                )
            )
    return SanityCheck(
        language=language,
        passed=passed,
        pseudo_perplexity=None,
        perplexity_limit=0.0,
        perplexity_of="paraphrase",
        cloze_hits=hits,
        cloze_asked=len(triplets),
        cloze_needed=needed,
        detail=detail,
    )


def check_sanity(backend: Backend, spec: Sanity | None, language: str = "en") -> SanityCheck:
    """Score the built-in sentences and gaps: untrained networks show no bias either.

    A model that breaks on them has not passed; the audit goes on and decides nothing.
    """
    if backend.info.reading == "similarity":
        return _check_paraphrases(backend, spec, language)
    continues = backend.info.reading == "continuation"
    limit = min(PERPLEXITY_SHARE * backend.info.vocabulary_size, MOST_PERPLEXITY)
    limit = MOST_BYTE_PERPLEXITY if continues else limit
    clozes = spec.clozes if spec is not None else ()
    needed = math.ceil(CLOZE_SHARE * len(clozes))
    perplexity, hits, passed = None, 0, False
    if spec is None:
        detail = f"there is no model sanity check in '{language}': write sanity-{language}.yaml"
    else:
        try:
            ask = _ask_continuations if continues else _ask_masks
            perplexity, hits = ask(backend, spec)
        except _BROKEN as error:
            detail = f"the model sanity check could not be run: {error}"
        else:
            passed = perplexity is not None and perplexity < limit and hits >= needed
            name = "perplexity a byte" if continues else "pseudo-perplexity"
            detail = "" if passed else _detail(spec, perplexity, limit, hits, needed, name)
    return SanityCheck(
        language=primary_language(spec.language) if spec is not None else language,
        passed=passed,
        pseudo_perplexity=perplexity,
        perplexity_limit=limit,
        perplexity_of="byte" if continues else "piece",
        cloze_hits=hits,
        cloze_asked=len(clozes),
        cloze_needed=needed,
        detail=detail,
    )


def _ask_masks(backend: Backend, spec: Sanity) -> tuple[float | None, int]:
    """The pseudo-perplexity, and how many gaps have an answer in the top ten."""
    sentences = [SentenceRequest(text=text, variant="original") for text in spec.sentences]
    perplexity = _perplexity(score_all(backend, sentences))
    answers = score_all(backend, [_cloze_request(cloze) for cloze in spec.clozes])
    return perplexity, sum(_is_hit(c, a) for c, a in zip(spec.clozes, answers, strict=True))


def _ask_continuations(backend: Backend, spec: Sanity) -> tuple[float | None, int]:
    """The perplexity a byte, and how many gaps have an own answer as the likeliest of all."""
    requests = [_sentence_request(text) for text in spec.sentences]
    pairs = list(zip(spec.sentences, score_all(backend, requests), strict=True))
    scored = [(text, a.log_prob) for text, a in pairs if a.log_prob is not None]
    size = sum(len(text.encode()) for text, _ in scored)
    total = math.fsum(value for _, value in scored)
    known = bool(size) and math.isfinite(total)
    perplexity = math.exp(min(-total / size, 700.0)) if known else None
    words = sorted({answer for cloze in spec.clozes for answer in cloze.answers})
    hits = 0
    for cloze in spec.clozes:
        gap = _cloze_request(cloze)
        fills = [FillRequest(left=gap.left, filler=w, right=gap.right) for w in words]
        values = [answer.log_prob for answer in score_all(backend, fills)]
        best = max(
            (n for n, value in enumerate(values) if value is not None),
            key=lambda n: values[n] or 0.0,
            default=None,
        )
        hits += best is not None and words[best] in cloze.answers
    return perplexity, hits


def _sentence_request(text: str) -> FillRequest:
    """Ask for a sentence as a whole: for its first word before all others."""
    word, _, rest = text.partition(" ")
    return FillRequest(left="", filler=word, right=f" {rest}" if rest else "")


def _perplexity(answers: Sequence[SentenceScore]) -> float | None:
    """Pseudo-perplexity over the sentences that could be scored; None when none could."""
    scored = [answer.log_probs for answer in answers if answer.skip is None]
    tokens = sum(values.size for values in scored)
    total = math.fsum(float(value) for values in scored for value in values)
    if not tokens or not math.isfinite(total):
        return None
    return math.exp(min(-total / tokens, 700.0))


def _detail(
    spec: Sanity, perplexity: float | None, limit: float, hits: int, needed: int, name: str
) -> str:
    measured = "could not be measured" if perplexity is None else f"{perplexity:.3g}"
    language = primary_language(spec.language)
    where = "" if language == "en" else f" in '{language}'"
    return (
        f"the model sanity check failed{where}: {hits} of {len(spec.clozes)} trivial gaps answered"
        f" ({needed} needed), {name} {measured} (limit {limit:.3g}); an untrained or"
        " foreign-language model cannot be audited here"
    )


def _cloze_request(cloze: Cloze) -> CompletionRequest:
    mask = next(match for match in SLOT.finditer(cloze.text) if match[1] is None)
    left, right = cloze.text[: mask.start()], cloze.text[mask.end() :]
    return CompletionRequest(left=left, right=right, top_k=TOP)


def _is_hit(cloze: Cloze, answer: CompletionScore) -> bool:
    wanted = {word.casefold() for word in cloze.answers}
    return any(token.strip().casefold() in wanted for token, _ in answer.top[:TOP])


def repeat_requests(
    answered: Iterable[tuple[Prompt, FillScore | CompletionScore]], *, size: int = SAMPLE
) -> tuple[list[Request[Any]], list[Any]]:
    """Draw requests to ask again, with the answers of the run: a few completions, and words.

    The shortest and the longest sentence are among them, since batches pad.
    """
    every = list(answered)
    completions = [pair for pair in every if pair[0].filler is None]
    words = [pair for pair in every if pair[0].filler is not None]
    words.sort(key=lambda pair: len(pair[0].left) + len(pair[0].right))
    completions = _sample(completions, min(COMPLETIONS, size))
    middle = _sample(words[1:-1], size - len(completions) - 2)
    sample = [*words[:1], *middle, *words[1:][-1:], *completions]
    pairs = [(prompt.request, answer) for prompt, answer in sample]
    unique = {request: (request, answer) for request, answer in pairs}.values()
    return [request for request, _ in unique], [answer for _, answer in unique]


def _sample(pairs: Sequence[Item], size: int) -> list[Item]:
    return random.Random(0).sample(pairs, min(size, len(pairs)))  # noqa: S311 - no secret


def check_repeats(
    opened: OpenedModel, requests: Sequence[Request[Any]], answers: Sequence[Any] = ()
) -> RepeatCheck:
    """Ask the model again and compare, unless all is cached of a model that was checked.

    Args:
        opened: the model itself is asked, not its cache.
        requests: what the run asked.
        answers: what the run goes by, wherever that came from; asked for now where empty.

    Raises:
        UnsteadyModelError: two answers differ by more than the dtype allows, or the model cannot
            answer again.
    """
    limit = tolerance(opened.plain.info)
    check = f"repeats within {limit:g}"
    if not requests or (not opened.is_loaded and opened.has_passed(check)):
        return RepeatCheck(requests=len(requests), tolerance=limit, largest=None)
    largest = _largest_difference(opened.model, requests, list(answers), limit)
    opened.remember_passed(check)
    return RepeatCheck(requests=len(requests), tolerance=limit, largest=largest)


def _largest_difference(
    model: Backend, requests: Sequence[Request[Any]], answers: Sequence[Any], limit: float
) -> float:
    """Ask each request alone, and all in two orders; compare each answer with each."""
    order = list(range(len(requests)))
    random.Random(1).shuffle(order)  # noqa: S311 - no secret
    try:
        runs = [answers] if answers else []
        runs.append(score_all(model, requests))
        runs.append([score_all(model, [request])[0] for request in requests])
        shuffled = score_all(model, [requests[n] for n in order])
        runs.append([shuffled[place] for place in np.argsort(order)])
    except _BROKEN as error:
        message = str(getattr(error, "message", error)) or repr(error)
        raise UnsteadyModelError(
            f"the model failed when it was asked some sentences again: {message}", hint=_HINT
        ) from error
    differences = [_difference([_logs(run[n]) for run in runs]) for n in range(len(requests))]
    largest = max(differences)
    if largest <= limit:
        return largest
    apart = (
        "were once a number and once none"
        if math.isinf(largest)
        else f"lie {largest:.3g} nats a piece apart"
    )
    raise UnsteadyModelError(
        "the model does not repeat its answers: it was asked again, alone and in another order,"
        f" and its answers to '{_text(requests[differences.index(largest)])}' {apart}"
        f" (allowed: {limit:g} nats a piece)",
        hint=_HINT,
    )


def tolerance(info: ModelInfo) -> float:
    """Return the nats a token by which two answers may differ; torch may round float32."""
    dtype, setting = info.dtype, info.arithmetic
    if dtype == "float32" and setting and setting.split()[0] != "highest":
        is_coarse = setting.startswith("medium") or "bf16" in setting
        dtype = "bfloat16" if is_coarse else "float16"
    limit = TOLERANCE.get(dtype, COARSE)
    return limit * COSINE_SHARE if info.reading == "similarity" else limit


def _logs(answer: FillScore | CompletionScore | SentenceScore) -> Floats:
    """An answer as logarithms that may be compared, nats a token; empty where it has no number."""
    if isinstance(answer, CompletionScore) and answer.vocabulary:
        return np.log([p for _, p in answer.top])  # which rare words it names may change
    if isinstance(answer, CompletionScore):
        return np.log(np.maximum(answer.words.astype(np.float64), RARE))
    if isinstance(answer, SentenceScore):
        return np.array([answer.log_probs.mean()]) if answer.log_probs.size else np.empty(0)
    if answer.log_prob is None:
        return np.empty(0)
    return np.array([answer.log_prob / max(answer.pieces, 1)])


def _difference(answers: Sequence[Floats]) -> float:
    """The largest difference between two of the answers; infinite where only some are numbers."""
    if len({answer.shape for answer in answers}) > 1:
        return math.inf
    values = np.array(answers)
    missing = np.isnan(values)
    if bool((missing.any(axis=0) & ~missing.all(axis=0)).any()):
        return math.inf
    known = values[:, ~missing.any(axis=0)]
    low, high = known.min(axis=0), known.max(axis=0)
    apart = low != high  # infinite numbers can be equal too
    return float((high[apart] - low[apart]).max(initial=0.0))


def _text(request: Request[Any]) -> str:
    if isinstance(request, SentenceRequest | LabelRequest | SimilarityRequest):
        return request.text
    left, right = getattr(request, "left", ""), getattr(request, "right", "")
    return f"{left}{getattr(request, 'filler', '<mask>')}{right}"
