"""A small world for audits: probes without files, a shelf that holds them, a model that obeys.

The scores of :class:`Model` are a sum of effects that cancel in a double difference, plus whatever
a test plants. :func:`wobble` adds variance that averages out exactly, so that a planted gap is
measured to the last digit and still has an interval.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from bias_audit import audit
from bias_audit.analysis import Task, assess
from bias_audit.errors import UnknownNameError
from bias_audit.metrics.score_cube import Scores, build_cube
from bias_audit.metrics.scored_probe import ScoredProbe, Settings, WordLists, split_answers
from bias_audit.pipeline.audit import Audit
from bias_audit.probes.expand import expand
from bias_audit.probes.probe import Frame, Group, Probe, Target, words_of
from bias_audit.probes.schema.lexicon import Lexicon, Sanity, WordSet
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.records import (
    CompletionRequest,
    CompletionScore,
    FillRequest,
    FillScore,
    ModelInfo,
    Prompt,
    Request,
    SentenceRequest,
    SentenceScore,
)

CARD = dict.fromkeys(("measures", "harm", "expected", "source", "power", "limits"), "A word.")
VERBS = (
    "met", "saw", "called", "thanked", "heard", "knew", "helped", "paid", "drove", "wrote to",
    "passed", "joined", "left", "hired", "visited", "asked",
)  # fmt: skip
OPEN_WORDS = ("bread", "gold", "iron", "moss", "salt", "wool")
TOP = 10
FAST = Settings(resamples=199, divergence_resamples=99)


def sentences(count: int) -> list[str]:
    return [f"The [group] {VERBS[i]} the <mask> on day {i + 1}." for i in range(count)]


def job_sentences(count: int) -> list[str]:
    return [f"The [target] {VERBS[i]} us because <mask> had time." for i in range(count)]


def terms(stem: str, count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"sg": f"{stem}{i + 1}", "pl": f"{stem}{i + 1}s", **more} for i in range(count)]


def pairs(stem: str, count: int) -> list[dict[str, Any]]:
    return [word | {"pair": f"pair{i + 1}"} for i, word in enumerate(terms(stem, count))]


def make(
    name: str = "trial",
    *,
    groups: Mapping[str, Any] | None = None,
    plus: Any = None,
    minus: Any = None,
    neither: Any = None,
    own: Mapping[str, Any] | None = None,
    frames: Sequence[Any] | None = None,
    opens: Sequence[str] = (),
    card: bool = True,
    **spec: Any,
) -> Probe:
    """Join a probe without any file."""
    groups = groups or {"a": pairs("ann", 6), "b": pairs("bob", 6)}
    if own is None:
        poles = {"plus": plus or terms("gain", 6), "minus": minus or terms("loss", 6)}
        targets: dict[str, Any] = poles | ({"neither": neither} if neither else {})
    else:
        targets = {"own": dict(own)}
    spec = {
        "kind": "probe",
        "id": name,
        "title": f"Trial of {name}",
        "axis": "axis",
        "templates": frames or sentences(8),
        "groups": dict(groups),
        "targets": targets,
        "card": CARD if card else None,
    } | spec
    made = ProbeSpec.model_validate(spec)
    return Probe(
        spec=made,
        file=f"{name}.yaml",
        frames=_frames(made),
        open_frames=_frames(made.model_validate(spec | {"templates": opens}), "open-")
        if opens
        else (),
        groups=tuple(
            Group(id=key, label=s.label or f"group {key}", role=s.role, words=words_of(s))
            for key, s in made.groups.items()
        ),
        targets=_targets(made),
        plus_name="gains" if own is None else "each group's own word",
        minus_name="losses" if own is None else "the other groups' words",
        digest=hashlib.sha256(made.model_dump_json().encode()).hexdigest(),
    )


def _frames(spec: ProbeSpec, prefix: str = "") -> tuple[Frame, ...]:
    return tuple(
        Frame(
            id=template.id or f"{prefix}{number:02d}",
            template=template,
            number=template.number or spec.number,
            slots=dict(spec.slots),
        )
        for number, template in enumerate(spec.templates, start=1)
    )


def _targets(spec: ProbeSpec) -> tuple[Target, ...]:
    if spec.targets.own:
        words = words_of(WordSet(entries=tuple(spec.targets.own.values())))
        return tuple(
            Target(word=word, pole=f"own:{name}", facts={})
            for name, word in zip(spec.targets.own, words, strict=True)
        )
    poles = (("+", spec.targets.plus), ("-", spec.targets.minus), ("0", spec.targets.neither))
    return tuple(
        Target(word=word, pole=sign, facts=word.entry.facts)
        for sign, pole in poles
        if pole is not None
        for word in words_of(WordSet(entries=pole.words))
    )


class Shelf:
    """What an audit asks of a catalogue."""

    notices = ()

    def __init__(self, *probes: Probe, lexicons: Mapping[str, Mapping[str, Any]] | None = None):
        self.probes = {probe.spec.id: probe for probe in probes}
        self.lexicons = dict(lexicons or {})

    def select(self, wanted: Iterable[str] = (), excluded: Iterable[str] = ()) -> list[str]:
        wanted = list(wanted)
        names = {n for n, p in self.probes.items() if not wanted and p.spec.role == "probe"}
        for pattern in wanted:
            names |= {n for n in self.probes if fnmatchcase(n, pattern)}
        return sorted(n for n in names if not any(fnmatchcase(n, x) for x in excluded))

    def probe(self, name: str) -> Probe:
        if name not in self.probes:
            raise UnknownNameError("probe", name, self.probes)
        return self.probes[name]

    def check_controls(self, probe: Probe) -> None:
        """Words here are made up, so controls need no words of the groups."""

    def lexicon(self, name: str) -> Lexicon:
        sets = self.lexicons.get(name, {"one": ["rascal"]})
        return Lexicon.model_validate({"kind": "lexicon", "id": name, "title": "A", "sets": sets})

    def sanity(self, language: str = "en") -> Sanity | None:
        if language != "en":
            return None
        return Sanity.model_validate(
            {
                "kind": "sanity",
                "id": "sanity",
                "title": "Sanity",
                "sentences": ["It rained.", "It was late in the day."],
                "clozes": [
                    {"text": f"The sky is <mask>{end}", "answers": ["salt"]}
                    for end in (".", " today.")
                ],
            }
        )


PLACEBO = {"first": pairs("near", 6), "second": pairs("far", 6)}

Effect = Callable[[Prompt], "float | FillScore"]


def flat(_: Prompt) -> float:
    return 0.0


@cache
def noise(*parts: object) -> float:
    """A number in [-1, 1) that depends on its arguments alone."""
    text = "\0".join(map(str, parts))
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16) / 2**51 - 1.0


def sign(text: str) -> float:
    """-1 or 1 by the number inside an id, odd or even, for patterns that average out; else 0."""
    found = re.search(r"(\d+)", text)
    return (-1.0) ** int(found[1]) if found else 0.0


def wobble(prompt: Prompt, group: str = "a", size: float = 0.04) -> float:
    """Variance over sentences, group words and targets; each has mean exactly 0."""
    if prompt.group != group or prompt.pole != "+":
        return 0.0
    frame, word, target = (sign(x) for x in (prompt.template, prompt.label, prompt.target))
    return size * (frame + 0.5 * word + 0.25 * target)


def plant(gap: float, group: str = "a") -> Effect:
    """``group`` pulls towards S+ by ``gap`` nats, in every sentence a little differently."""
    return lambda p: wobble(p, group) + (gap if (p.group, p.pole) == (group, "+") else 0.0)


class Model:
    """A masked model made of effects.

    Args:
        effect: nats to add to each prompt; or a score to give instead.
        uniform: every score and every distribution is the same.
        sane: passes the sanity check.
    """

    def __init__(
        self,
        effect: Effect = flat,
        *,
        uniform: bool = False,
        sane: bool = True,
        open_effect: Callable[[Prompt, str], float] | None = None,
        **info: Any,
    ) -> None:
        self.effect = effect
        self.uniform = uniform
        self.sane = sane
        self.plain = open_effect is None
        self.open_effect = open_effect or (lambda p, w: 0.3 * noise(p.text, w))
        self.asked: list[Prompt] = []
        """Prompts in their order; asking known ones again (R10) is left out."""
        self._known: set[Prompt] = set()
        self.info = ModelInfo(
            **{
                "name": "oracle",
                "revision": None,
                "fingerprint": "f" * 64,
                "tokenizer_digest": "0" * 64,
                "kind": "fake",
                "architecture": "Table",
                "vocabulary_size": 1000,
                "parameters": 0,
                "max_length": 512,
                "dtype": "float64",
                "device": "cpu",
                "words": OPEN_WORDS,
            }
            | info
        )

    supports: frozenset[type[Request[Any]]] = frozenset(
        {FillRequest, CompletionRequest, SentenceRequest}
    )

    def score(
        self, requests: Sequence[Request[Any]], *, skip: Container[int] = (), progress: Any = None
    ) -> Iterator[tuple[int, Any]]:
        wanted = {n: request for n, request in enumerate(requests) if n not in skip}
        prompts = {
            n: _prompt(r, self.plain)
            for n, r in wanted.items()
            if not isinstance(r, SentenceRequest)
        }
        if prompts:
            for n, answer in zip(prompts, self.answer_prompts(list(prompts.values())), strict=True):
                top_k = getattr(requests[n], "top_k", 0)
                yield n, replace(answer, top=answer.top[:top_k]) if top_k else answer
        for n in wanted.keys() - prompts.keys():
            yield n, self.sentence(wanted[n])

    def answer_prompts(self, prompts: Sequence[Prompt]) -> list[FillScore | CompletionScore]:
        """Answer words and completions; what has no labels is of the probe ``~words``."""
        if not self._known.issuperset(prompts):
            self.asked += prompts
            self._known.update(prompts)
        return [self._word(p) if p.filler is not None else self._open(p, TOP) for p in prompts]

    @property
    def words(self) -> tuple[str, ...]:
        return self.info.words

    @words.setter
    def words(self, words: tuple[str, ...]) -> None:
        self.info = replace(self.info, words=words)

    def sentence(self, request: Any) -> SentenceScore:
        each = -1.0 if self.sane else -9.0
        return SentenceScore(log_probs=np.full(len(request.text.split()), each))

    def _word(self, prompt: Prompt) -> FillScore:
        if self.uniform:
            return FillScore(log_prob=-float(np.log(1000)), pieces=1)
        value = self.effect(prompt)
        if isinstance(value, FillScore):
            return value
        base = -8.0 + noise(prompt.template) + noise(prompt.filler) + noise(prompt.left)
        return FillScore(log_prob=base + value, pieces=1)

    def _open(self, prompt: Prompt, top_k: int) -> CompletionScore:
        if prompt.probe == "sanity":
            answer = "salt" if self.sane else "moss"
            return CompletionScore(
                top=((answer, 0.5),), words=np.full(6, 1 / 6, np.float32), word_mass=1
            )
        nats = np.array([0 if self.uniform else self.open_effect(prompt, w) for w in self.words])
        shares = np.exp(nats) / np.exp(nats).sum()
        best = np.argsort(-shares, kind="stable")[:top_k]
        top = tuple((self.words[i], float(shares[i])) for i in best)
        return CompletionScore(top=top, words=shares.astype(np.float32), word_mass=0.9)


def _prompt(request: Any, plain: bool) -> Prompt:
    """The prompt behind a request; the sanity check and word priors have none."""
    if request.prompt is not None:
        return request.prompt
    filler = getattr(request, "filler", None)
    names = dict.fromkeys(("variant", "group", "term", "label", "target", "pole"), "")
    sanity = plain or request.left == "The sky is "
    probe = ("sanity" if sanity else "") if filler is None else "~words"
    more: dict[str, Any] = names | {"term": filler or "", "label": filler or ""}
    return Prompt(
        probe=probe, template="", left=request.left, filler=filler, right=request.right, **more
    )


def fires(prompt: Prompt) -> float:
    """What a working model shows on the positive control of :func:`instrument`."""
    return 3.0 + 0.2 * sign(prompt.template) if (prompt.pole == "+") else 0.0


def behave(effect: Effect, *, silent: bool = False, loud: str = "") -> Effect:
    """``effect`` on probes; controls behave, unless one is to be silent or loud."""

    def answer(prompt: Prompt) -> float | FillScore:
        if prompt.probe == "yes":
            return 0.0 if silent or prompt.group != "a" else fires(prompt)
        if prompt.probe == loud or (loud == "~placebo" and prompt.group in PLACEBO):
            group = "first" if prompt.group in PLACEBO else "a"
            return plant(2.0, group)(prompt)
        if prompt.probe == "no" or prompt.group in PLACEBO:
            return 0.02 * noise(prompt.template, prompt.term, prompt.target)
        return effect(prompt)

    return answer


@cache
def instrument(*, role: bool = True) -> tuple[Probe, Probe]:
    """A positive and a negative control, which probes name ``yes`` and ``no``."""
    small = {
        "groups": {"a": pairs("ann", 2), "b": pairs("bob", 2)},
        "plus": terms("gain", 2),
        "minus": terms("loss", 2),
        "card": False,
    }
    return (
        make("yes", **small, role="positive_control" if role else "probe"),
        make("no", **small, role="negative_control" if role else "probe"),
    )


CONTROLS = {"positive": ["yes"], "negative": ["no"]}
ALL_CONTROLS = CONTROLS | {"placebo": "strangers"}


def shelf(*probes: Probe) -> Shelf:
    return Shelf(*probes, *instrument(), lexicons={"strangers": PLACEBO})


def controlled(name: str = "trial", **more: Any) -> Probe:
    return make(name, **({"controls": CONTROLS} | more))


def run(probe: Probe | Sequence[Probe], effect: Effect | Model = flat, **options: Any) -> Audit:
    """Audit one or more probes, with the controls on the shelf."""
    probes = [probe] if isinstance(probe, Probe) else list(probe)
    model = effect if isinstance(effect, Model) else Model(behave(effect))
    options = {"settings": FAST, "probes": [p.spec.id for p in probes]} | options
    return audit(model, catalogue=shelf(*probes), **options)


@cache
def _scored_controls() -> Mapping[str, ScoredProbe]:
    return {probe.spec.id: scored_by(probe, behave(flat)) for probe in instrument()}


def analyse(
    probe: Probe | Sequence[Probe],
    effect: Effect | Model = flat,
    *,
    settings: Settings = FAST,
    lists: WordLists | None = None,
) -> SimpleNamespace:
    """Analyse one or more probes in memory, with working controls; quicker than :func:`run`."""
    probes = [probe] if isinstance(probe, Probe) else list(probe)
    model = effect if isinstance(effect, Model) else Model(behave(effect))
    scored = {one.spec.id: scored_by(one, model) for one in probes}
    if isinstance(effect, Model):
        scored |= {one.spec.id: scored_by(one, model) for one in instrument()}
    tasks = [
        Task(
            probe=one,
            positive=tuple(one.spec.controls.positive),
            negative=tuple(one.spec.controls.negative),
        )
        for one in probes
    ]
    answers = {**_scored_controls(), **scored}
    tables = {
        name: Scores.build(one.probe, one.word_prompts, one.word_scores)
        for name, one in scored.items()
    }
    return SimpleNamespace(
        results=assess(tasks, answers, settings, failures={}, lists=lists),
        measured=SimpleNamespace(tables=tables),
    )


def scored_by(
    probe: Probe, effect: Effect | Model = flat, *, lists: WordLists | None = None
) -> ScoredProbe:
    """A probe with scores, without an audit around it."""
    model = effect if isinstance(effect, Model) else Model(effect)
    asked = expand(probe).prompts
    (prompts, words), (opens, completions) = split_answers(asked, model.answer_prompts(asked))
    return ScoredProbe(
        probe=probe,
        cube=build_cube(probe, Scores.build(probe, prompts, words)),
        word_prompts=tuple(prompts),
        word_scores=tuple(words),
        open_prompts=tuple(opens),
        open_scores=tuple(completions),
        words=model.words if completions else (),
        prompts=len(asked),
        lists=lists or WordLists(),
    )


def primary(done: Audit | SimpleNamespace, probe: str = "trial") -> list[Any]:
    return [r for r in done.results.results if r.probe == probe and r.role == "primary"]


def only(done: Audit | SimpleNamespace, probe: str = "trial") -> Any:
    (found,) = primary(done, probe)
    return found


def record(done: Audit | SimpleNamespace, probe: str = "trial") -> Any:
    (found,) = [p for p in done.results.probes if p.id == probe]
    return found


def reordered(probe: Probe, order: Callable[[Sequence[Any]], list[Any]]) -> Probe:
    """The same probe with sentences, groups' words and targets written in another order."""
    return replace(
        probe,
        frames=tuple(order(probe.frames)),
        groups=tuple(replace(g, words=tuple(order(g.words))) for g in probe.groups),
        targets=tuple(order(probe.targets)),
    )
