"""Check the model itself: is it one, and is it trained (R11)?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bias_audit.backends import BUILT_IN, BUNDLED, Backend, score_all
from bias_audit.backends.hf.gguf import SUFFIX as GGUF
from bias_audit.backends.hf.model_files import ModelOptions, find_folder, is_path, locate_model
from bias_audit.backends.ray.options import LOCAL
from bias_audit.errors import BiasAuditError, ScoringError, UnknownNameError, UsageError, nearest
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
    Request,
    SentenceRequest,
    SentenceScore,
    SimilarityRequest,
)
from bias_audit.results import SanityCheck
from bias_audit.utils.readings import READINGS

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


BROKEN = (ScoringError, RuntimeError, ValueError, MemoryError, IndexError)


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
    if READINGS[backend.info.reading].of == "label":
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
    return checks or (_record("en", (0, 0, 0), none, of="label"),)


def _check_instrument(backend: Backend, probes: Sequence[Probe]) -> SanityCheck:
    sides, labels = probes[0].instrument, probes[0].spec.labels
    if labels is None:
        raise ValueError("a probe without labels")
    sizes = len(sides[0]), len(sides[1])
    needed = [math.ceil(LABEL_SHARE * size) for size in sizes]
    hits, detail = [0, 0], ""
    try:
        requests = [
            LabelRequest(text=text, names=label.any, instead_of=instead)
            for text in (*sides[0], *sides[1])
            for label, instead in ((labels.plus, ()), (labels.minus, labels.plus.any))
        ]
        pairs = _pairs(backend, requests)
    except BROKEN as error:
        detail = f"the instrument check could not be run: {error}"
    else:
        hits = [
            sum(_exceeds(plus, minus) for plus, minus in pairs[: sizes[0]]),
            sum(_exceeds(minus, plus) for plus, minus in pairs[sizes[0] :]),
        ]
        if hits[0] < needed[0] or hits[1] < needed[1]:
            detail = (
                f"the instrument check failed: {hits[0]} of {sizes[0]} plain sentences were"
                f" labelled '{labels.plus.name}' and {hits[1]} of {sizes[1]} '{labels.minus.name}'"
                f" ({needed[0]} and {needed[1]} needed); a model that does not tell them apart"
                " cannot be audited by these probes"
            )
    language = primary_language(probes[0].spec.language)
    counts = sum(hits), sum(sizes), sum(needed)
    ids = tuple(probe.spec.id for probe in probes)
    return _record(language, counts, detail, of="label", probes=ids)


def _pairs(
    backend: Backend, requests: Sequence[Request[FillScore]]
) -> list[tuple[float | None, float | None]]:
    """The scores of requests that come two by two."""
    values = [answer.log_prob for answer in score_all(backend, requests)]
    return list(zip(values[::2], values[1::2], strict=True))


def _exceeds(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one > other


def _record(
    language: str, counts: tuple[int, int, int], detail: str, *, of: Any, **more: Any
) -> SanityCheck:
    """A check that passed where there is nothing to say; ``counts``: hits, asked, needed."""
    hits, asked, needed = counts
    return SanityCheck(
        **{"pseudo_perplexity": None, "perplexity_limit": 0.0, **more},
        language=language,
        passed=not detail,
        perplexity_of=of,
        cloze_hits=hits,
        cloze_asked=asked,
        cloze_needed=needed,
        detail=detail,
    )


def _check_paraphrases(backend: Backend, spec: Sanity | None, language: str) -> SanityCheck:
    """Ask an encoder which of two sentences says the same as a third: R11 without any word list."""
    triplets = spec.paraphrases if spec is not None else ()
    needed, hits, detail = math.ceil(PARAPHRASE_SHARE * len(triplets)), 0, ""
    requests = [
        SimilarityRequest(text=triplet.text, queries=(other,))
        for triplet in triplets
        for other in (triplet.same, triplet.other)
    ]
    try:
        hits = sum(_exceeds(same, other) for same, other in _pairs(backend, requests))
    except BROKEN as error:
        detail = f"the model sanity check could not be run: {error}"
    if not triplets:
        detail = f"there are no paraphrases in '{language}': write 'paraphrases' in its sanity file"
    elif hits < needed and not detail:
        detail = (
            f"the model sanity check failed: {hits} of {len(triplets)} paraphrases lie"
            f" nearer than a sentence of the same words with another meaning ({needed}"
            " needed); an untrained or foreign-language encoder cannot be audited here"
        )
    return _record(language, (hits, len(triplets), needed), detail, of="paraphrase")


def check_sanity(backend: Backend, spec: Sanity | None, language: str = "en") -> SanityCheck:
    """Score the built-in sentences and gaps: untrained networks show no bias either.

    A model that breaks on them has not passed; the audit goes on and decides nothing.
    """
    form = READINGS[backend.info.reading].form
    if form == "cosine":
        return _check_paraphrases(backend, spec, language)
    if form == "log":
        ask, limit, of, name = _ask_continuations, MOST_BYTE_PERPLEXITY, "byte", "perplexity a byte"
    else:
        limit = min(PERPLEXITY_SHARE * backend.info.vocabulary_size, MOST_PERPLEXITY)
        ask, of, name = _ask_masks, "piece", "pseudo-perplexity"
    clozes = spec.clozes if spec is not None else ()
    needed = math.ceil(CLOZE_SHARE * len(clozes))
    perplexity, hits, detail = None, 0, ""
    if spec is None:
        detail = f"there is no model sanity check in '{language}': write sanity-{language}.yaml"
    else:
        language = primary_language(spec.language)
        try:
            perplexity, hits = ask(backend, spec)
        except BROKEN as error:
            detail = f"the model sanity check could not be run: {error}"
        else:
            if perplexity is None or perplexity >= limit or hits < needed:
                detail = _detail(spec, perplexity, limit, hits, needed, name)
    numbers = {"pseudo_perplexity": perplexity, "perplexity_limit": limit}
    return _record(language, (hits, len(clozes), needed), detail, of=of, **numbers)


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
