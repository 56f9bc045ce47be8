"""Replicas on the workers of a cluster: here workers in this process, once a real cluster."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest

from bias_audit.backends import Backend, Engine, MaskedLM, open_backend, score_all
from bias_audit.backends.ray import worker
from bias_audit.backends.ray.backend import RayBackend
from bias_audit.backends.ray.worker import Worker, WorkerInfo
from bias_audit.errors import ModelLoadError, ScoringError, UnknownNameError, UsageError
from bias_audit.records import CompletionRequest, FillRequest, Prompt, SentenceRequest

TWO = Engine(name="ray", workers=2)
NAMES = ("probe", "template", "variant", "group", "term", "label", "target", "pole")


def requests():
    frames = [f"the {who} was {how} a " for who in ("man", "woman") for how in ("", "often")]
    words = [
        Prompt(left=left, filler=word, right=".", **dict.fromkeys(NAMES, "")).request
        for left in frames
        for word in ("nurse", "doctor", "zebra", "")
    ]
    others = [CompletionRequest(left=frames[0], right="."), SentenceRequest(text="the man was.")]
    return [*words, *others, *words]


class Pool:
    """Workers in this process, one chunk after the other, the last one first."""

    def __init__(self, engine, name, options):
        self.workers = [Worker(name, options) for _ in range(engine.workers)]
        self.first = self.workers[0].describe()
        if not isinstance(self.first, WorkerInfo):
            raise self.first.to_exception()
        self.size, self.refused, self.closed, self.sizes = engine.workers, [], False, Counter()

    def score(self, chunks):
        for number in reversed(range(len(chunks))):
            assert all(getattr(r, "prompt", None) is None for r in chunks[number])
            self.sizes[len(chunks[number])] += 1
            answers = self.workers[number % self.size].score(chunks[number])
            if not isinstance(answers, list):
                raise answers.to_exception()
            yield number, answers

    def close(self):
        self.closed = True


def opened(folder, engine=TWO, **options):
    return RayBackend(str(folder), engine=engine, device="cpu", connect=Pool, **options)


def close(one, other):
    for a, b in zip(one, other, strict=True):
        assert (type(a), a.skip, a.detail) == (type(b), b.skip, b.detail)
        for name in ("log_prob", "log_probs", "words"):
            value = getattr(a, name, None)
            if value is not None and a.skip is None:
                np.testing.assert_allclose(value, getattr(b, name), atol=1e-5)


def test_the_answers_are_those_of_the_local_engine(tiny, monkeypatch):
    monkeypatch.setattr("bias_audit.backends.ray.backend.SMALLEST", 3)
    local, seen = MaskedLM(str(tiny("bert")), device="cpu"), []
    backend = opened(tiny("bert"))
    assert isinstance(backend, Backend)
    assert backend.info == local.info
    assert backend.supports == local.supports
    answers = score_all(backend, requests(), progress=lambda *at: seen.append(at))
    close(answers, score_all(local, requests()))
    assert seen[-1] == (len(requests()), len(requests()))
    assert sum(backend._pool.sizes.values()) > 3
    assert sum(k * n for k, n in backend._pool.sizes.items()) == 18, "equal ones are asked once"
    some = dict(backend.score(requests(), skip=range(5)))
    assert set(some) == set(range(5, len(requests())))
    assert backend.use.to_manifest()["engine"] == {"name": "ray", "workers": 2, "refused": ()}
    backend.close()
    assert backend._pool.closed


def test_what_a_worker_meets_is_raised_here(tiny):
    with pytest.raises(ModelLoadError, match="no such folder"):
        opened("./nothing")
    backend = opened(tiny("bert"))
    for member in backend._pool.workers:
        member._load()._runner._run_batch = no_memory
    with pytest.raises(ScoringError, match="no room") as caught:
        score_all(backend, [FillRequest(left="a ", filler="man", right=".")])
    assert caught.value.hint == "buy more"


def no_memory(*_):
    raise ScoringError("no room", hint="buy more")


def test_workers_that_differ_are_refused(tiny, monkeypatch):
    one = Worker(str(tiny("bert")), {"device": "cpu"}).describe()
    other = Worker(str(tiny("roberta")), {"device": "cpu"}).describe()
    one.require_like(one)
    with pytest.raises(ModelLoadError, match="do not hold the same model"):
        other.require_like(one)
    host, versions = Worker("reference", {}).packages()
    worker.require_same_packages(host, versions)
    worker.require_same_packages(host, versions | {"torch": versions["torch"] + "+cu1"})
    with pytest.raises(UsageError, match=r"torch is .* here and 1\.0 on"):
        worker.require_same_packages(host, versions | {"torch": "1.0"})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"name": "rey"}, UnknownNameError, "no engine named 'rey'"),
        ({"name": "ray", "workers": 0}, UsageError, "at least 1 worker"),
        ({"workers": 2}, UsageError, "neither an address nor workers"),
    ],
)
def test_engines_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        Engine(**options)


def test_options_that_make_no_sense():
    with pytest.raises(UsageError, match="one card of one machine"):
        RayBackend("reference", engine=TWO, device="cuda:1", connect=Pool)
    with pytest.raises(UsageError, match="at least 1"):
        opened("reference", batch_size=0)


def test_without_ray_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        open_backend("reference", engine="ray")
    assert "bias-audit[ray]" in caught.value.hint


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_on_this_machine(tiny):
    ray = pytest.importorskip("ray")
    folder = tiny("bert")
    expected = score_all(MaskedLM(str(folder), device="cpu"), requests())
    backend = open_backend(str(folder), engine=TWO, device="cpu")
    try:
        close(score_all(backend, requests()), expected)
        for _ in range(2):
            ray.kill(backend._pool._ready[0], no_restart=False)
            close(score_all(backend, requests()), expected)
        assert 1 <= backend.use.workers <= 2
        ray.kill(backend._pool._ready[0])
        backend._pool._ready[1:] = []
        with pytest.raises(ScoringError, match="were lost"):
            score_all(backend, requests())
    finally:
        backend.close()
    assert not ray.is_initialized()
    with pytest.raises(ModelLoadError, match="no such folder"):
        open_backend("./nothing", engine=TWO, device="cpu")
    assert not ray.is_initialized(), "what was started is ended"
