"""Does a model repeat its answers (R10)? Sanity (R11) is tested with whole audits."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bias_audit import audit
from bias_audit.backends import FakeBackend, LazyBackend, open_backend, score_all
from bias_audit.backends.cache import Cache, OpenedModel, wrap_with_cache
from bias_audit.pipeline.repeats import (
    SAMPLE,
    UnsteadyModelError,
    check_repeats,
    repeat_requests,
    tolerance,
)
from bias_audit.records import (
    CompletionRequest,
    CompletionScore,
    FillRequest,
    FillScore,
    Prompt,
    SentenceRequest,
    SentenceScore,
)
from tests.datasets import files

PROBE = "occupation-gender"
NAMES = ("probe", "template", "variant", "group", "term", "label", "target", "pole")
REQUESTS = [
    FillRequest(left=f"The {who} like ", filler=what, right=".")
    for who in ("men", "old men", "women")
    for what in ("tea", "rum")
]


class Moody(FakeBackend):
    """Moves its answers by ``mood``, nats, from the request, its number and the call."""

    def __init__(self, mood):
        super().__init__()
        self.mood, self.calls = mood, 0

    def score(self, requests, *, skip=(), progress=None):
        self.calls += 1
        for number, answer in super().score(requests, skip=skip, progress=progress):
            change = self.mood(requests[number], number, len(requests), self.calls)
            yield number, moved(answer, change)


def moved(answer, change):
    if change is None:
        return FillScore(log_prob=None, pieces=1, skip="error")
    if isinstance(answer, FillScore):
        return replace(answer, log_prob=answer.log_prob + change)
    if isinstance(answer, CompletionScore):
        return replace(answer, words=answer.words * np.float32(np.exp(change)))
    if isinstance(answer, SentenceScore):
        return replace(answer, log_probs=answer.log_probs + change)
    return answer


def check(backend, requests=REQUESTS, answers=()):
    return check_repeats(OpenedModel(backend=backend, plain=backend), requests, answers)


def test_a_steady_model_passes():
    repeats = check(FakeBackend(), answers=score_all(FakeBackend(), REQUESTS))
    assert (repeats.requests, repeats.largest, repeats.tolerance) == (6, 0.0, 1e-3)
    assert repeats.to_manifest()["determinism"]["asked"] == 6
    assert check(FakeBackend(), []).to_record() is None


@pytest.mark.parametrize(
    "mood",
    [
        lambda request, at, many, call: 0.01 * (many > 1),
        lambda request, at, many, call: 0.01 * at,
        lambda request, at, many, call: 0.01 * call,
        lambda request, at, many, call: None if many == 1 and "old" in request.left else 0.0,
        lambda request, at, many, call: float("nan") if many > 1 else 0.0,
        lambda request, at, many, call: -np.inf if call == 3 else 0.0,
    ],
    ids=["batch", "place", "time", "sometimes none", "nan", "infinite"],
)
@pytest.mark.parametrize("kind", ["words", "sentences"])
def test_what_an_answer_depends_on_is_discovered(mood, kind):
    requests = REQUESTS
    if kind == "sentences":
        requests = [SentenceRequest(text=f"{r.left}{r.filler}") for r in REQUESTS]
        if mood(REQUESTS[2], 0, 1, 1) is None:
            return  # sentences have no such answer
    with np.errstate(invalid="ignore"), pytest.raises(UnsteadyModelError, match="not repeat"):
        check(Moody(lambda r, *rest: mood(REQUESTS[2] if kind != "words" else r, *rest)), requests)


def test_the_answers_of_the_run_are_compared_too():
    answers = score_all(FakeBackend(), REQUESTS)
    wrong = [replace(answers[0], log_prob=answers[0].log_prob - 0.5), *answers[1:]]
    with pytest.raises(UnsteadyModelError, match=r"'The men like tea\.' lie 0\.5 nats"):
        check(FakeBackend(), REQUESTS, wrong)


def test_a_model_that_cannot_answer_again_has_not_passed():
    class Tired(FakeBackend):
        def score(self, *_, **__):
            raise RuntimeError("out of paper")

    with pytest.raises(UnsteadyModelError, match="asked some sentences again: out of paper"):
        check(Tired())


def test_completions_are_compared_where_they_hold_anything():
    requests = [CompletionRequest(left="The men like ", right=".")]
    assert check(FakeBackend(), requests).largest == 0.0
    with pytest.raises(UnsteadyModelError):
        check(Moody(lambda _, at, many, call: 0.01 * call), requests)


def test_the_sample_has_the_shortest_the_longest_and_completions():
    def prompt(filler, size):
        labels = dict.fromkeys(NAMES, "")
        return Prompt(left="a " * size, filler=filler, right=".", **labels)

    answered = [(prompt(f"w{n}", n), f"answer {n}") for n in range(90)]
    answered += [(prompt(None, n), f"open {n}") for n in range(9)]
    requests, answers = repeat_requests(answered)
    assert len(requests) == len(answers) == SAMPLE
    fills = [r for r in requests if isinstance(r, FillRequest)]
    assert {"w0", "w89"} <= {r.filler for r in fills}
    assert len(requests) - len(fills) == 4
    assert repeat_requests(answered)[0] == requests, "no draw of chance"
    assert [len(repeats) for repeats in repeat_requests(answered[:1])] == [1, 1]


@pytest.mark.parametrize(
    ("dtype", "arithmetic", "limit"),
    [
        ("float64", "", 1e-3),
        ("float32", "highest", 1e-3),
        ("float32", "high on a card", 0.25),
        ("float32", "medium", 2.0),
        ("float16", "highest on a card", 0.25),
        ("bfloat16", "highest on AVX2", 2.0),
    ],
)
def test_coarser_numbers_may_differ_more(dtype, arithmetic, limit):
    info = replace(FakeBackend().info, dtype=dtype, arithmetic=arithmetic)
    assert tolerance(info) == limit


class Slipping(Moody):
    """A stand-in whose answers depend on how many were asked together."""

    def __init__(self):
        super().__init__(lambda _, at, many, call: -0.5 * (many > 1))


def test_audits_and_benchmarks_of_an_unsteady_model_are_refused(tmp_path):
    with pytest.raises(UnsteadyModelError):
        audit(Slipping(), probes=[PROBE], limit=3, cache=False)
    data = {"crows-pairs": files.write(tmp_path, "crows-pairs")}
    with pytest.raises(UnsteadyModelError):
        audit(Slipping(), data=data, cache=False)
    assert audit("fake", data=data, cache=False).results.determinism.sentences == 20


def test_results_and_manifest_say_so(tmp_path):
    done = audit("fake", probes=[PROBE], limit=3, cache=False)
    assert (done.results.determinism.sentences, done.results.determinism.tolerance) == (
        SAMPLE,
        1e-3,
    )
    manifest = json.loads((done.save(tmp_path / "run") / "run.json").read_text())
    assert manifest["determinism"] == {"asked": SAMPLE, "largest": 0.0, "tolerance": 1e-3}


def test_a_model_is_loaded_for_the_check_unless_an_earlier_run_did_it(tmp_path):
    def opened(loads):
        inner = FakeBackend()
        lazy = LazyBackend(inner.info, inner.supports, lambda: loads.append(1) or inner)
        return wrap_with_cache(lazy, Cache(folder=tmp_path))

    for expected in (1, 0):
        loads = []
        with opened(loads) as model:
            answers = score_all(FakeBackend(), REQUESTS)
            repeats = check_repeats(model, REQUESTS, answers)
        assert (len(loads), repeats.requests) == (expected, 6)
        assert (repeats.largest is None) is (expected == 0)
        assert repeats.to_record().sentences == 6


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_bundled_model_passes(dtype):
    backend = open_backend("reference", dtype=dtype)
    texts = ("The old men like tea.", "A nurse came in.", "It was a very long day for all of us.")
    sentences = [SentenceRequest(text=text) for text in texts]
    for requests in (REQUESTS, sentences):
        assert check(backend, requests).largest < tolerance(backend.info) / 3
