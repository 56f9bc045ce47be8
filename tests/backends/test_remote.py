"""Passes on workers: the same numbers to the last bit, whoever computes them and dies meanwhile."""

from __future__ import annotations

import gc
import itertools
import re
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from clusters import Here, connecting
from conftest import Sentences, ask, fill, totals

from bias_audit.backends import _crew, _forward, _worker
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.backends.ray.backend import RemoteMaskedLM
from bias_audit.backends.ray.options import Engine, EngineUse
from bias_audit.backends.ray.worker import Trouble
from bias_audit.errors import ModelLoadError, ScoringError, UnknownNameError, UsageError
from bias_audit.records import EmbeddingRequest, SpanRequest

RAY = Engine(name="ray")
SUBJECTS = ["The man", "The woman", "A teacher", "The person of the kind man", "They"]
WORDS = ["nurse", "zebra", "doctor", "plumber", "teacher", None]
PROMPTS = [
    ask(f"{subject} {verb} ", word, end)
    for subject in SUBJECTS
    for verb in ("was a", "worked as a")
    for word in WORDS
    for end in (".", " and a doctor.")
]
SENTENCES = [f"{subject} worked as a {word}." for subject in SUBJECTS for word in WORDS[:-1]]


def remote(folder, *, engine=RAY, batch_size=8, **options):
    """A model on a cluster inside the test, and the cluster."""
    connect, made = connecting(**options)
    backend = RemoteMaskedLM(str(folder), engine=engine, batch_size=batch_size, connect=connect)
    return backend, made[0]


def bits(found):
    """Every bit of scores, as text."""
    return [
        (one, None if getattr(one, "words", None) is None else one.words.tobytes()) for one in found
    ].__repr__()


def test_words_and_completions_are_those_of_the_local_engine(tiny):
    local = MaskedLM(str(tiny("bert")), device="cpu", batch_size=8)
    backend, _ = remote(tiny("bert"), backwards=True)
    seen = []
    assert bits(fill(backend, PROMPTS, progress=lambda *at: seen.append(at))) == bits(
        fill(local, PROMPTS)
    )
    assert backend.info.words == local.words
    assert backend.info == local.info
    assert seen[-1][0] == seen[-1][1] > len(PROMPTS) / 4
    assert len(seen) > 5, "batch by batch"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("count", [1, len(PROMPTS)])
def test_numbers_of_threads_are_those_of_the_local_engine(tiny, threads, count, monkeypatch):
    """One batch alone is spread over the cores of this machine, several are not."""
    used = {"local": set(), "remote": set()}
    turn = []
    plain = _forward.Forward._batch

    def batch(self, *arguments):
        used[turn[-1]].add(torch.get_num_threads())
        return plain(self, *arguments)

    before = torch.get_num_threads()
    backend, _ = remote(tiny("bert"))
    local = MaskedLM(str(tiny("bert")), device="cpu", batch_size=8)
    monkeypatch.setattr(_forward.Forward, "_batch", batch)
    try:
        for who, scorer in (("local", local), ("remote", backend)):
            turn.append(who)
            torch.set_num_threads(threads)
            fill(scorer, PROMPTS[:count])
    finally:
        torch.set_num_threads(before)
    assert used["local"] == used["remote"] == {threads if count == 1 else 1}


def test_sentences_of_every_kind_are_those_of_the_local_engine(tiny):
    local = MaskedLM(str(tiny("roberta")), device="cpu", batch_size=8)
    backend, _ = remote(tiny("roberta"))
    pairs = list(itertools.pairwise(SENTENCES))
    slots = [SpanRequest(text=text, word=(0, 3), hidden=()) for text in SENTENCES]
    vectors = [EmbeddingRequest(text=text, pooling="mean") for text in SENTENCES]
    for ask_one in (
        lambda s: s.pairs(pairs),
        lambda s: s.modified(pairs),
        lambda s: s.pieces(SENTENCES, ranks=True),
        lambda s: s.pieces(SENTENCES[:4], attention=True),
        lambda s: s.unmasked(SENTENCES, attention=True),
        lambda s: s.fills([("The man was a ", "nurse", "."), ("A ", "zebra", " was kind.")]),
        lambda s: s.slots(slots),
        lambda s: s.embed(vectors),
    ):
        mine, other = (list(ask_one(Sentences(b))) for b in (backend, local))
        assert repr(mine) == repr(other)
    assert totals(backend, SENTENCES) == totals(local, SENTENCES)


def test_a_lost_worker_is_replaced_and_its_batches_are_scored_again(tiny):
    expected = bits(MaskedLM(str(tiny("bert")), device="cpu", batch_size=8).fill_mask(PROMPTS))
    backend, here = remote(tiny("bert"), lose=lambda who, _, done: who in (0, 1) and done == 3)
    seen = []
    assert bits(fill(backend, PROMPTS, progress=lambda *at: seen.append(at))) == expected
    assert here.stopped == [0, 1]
    assert len(here.workers) == 4
    assert backend.use == EngineUse(name="ray", workers=2, lost=2)
    assert backend.use.told() == {
        "engine": {"name": "ray", "workers": 2, "lost": 2, "refused": 0, "reasons": ()}
    }
    assert [done for done, _ in seen] == sorted({done for done, _ in seen}), "no row counts twice"


def test_a_batch_that_loses_every_worker_ends_with_an_error_and_not_in_a_circle(tiny):
    backend, here = remote(tiny("bert"), lose=lambda _, method, __: method == "rows")
    with pytest.raises(ScoringError, match="3 workers were lost while they scored the same") as e:
        fill(backend, PROMPTS[:1])
    assert "worker 2 died\n  a lack of memory looks like this" in str(e.value)
    assert len(here.stopped) == _crew.ATTEMPTS


def test_workers_that_never_come_up_are_not_started_for_ever(tiny):
    with pytest.raises(ModelLoadError, match="5 workers were lost one after the other") as caught:
        remote(tiny("bert"), lose=lambda *_: True)
    assert caught.value.exit_code == 4


def test_no_worker_within_the_time_is_an_error_that_says_what_the_cluster_has(tiny):
    class Full(Here):
        def wait(self, references, seconds):
            assert seconds == 7

    crew = Crew(Full(lambda: None), 2, patience=7)
    with pytest.raises(ModelLoadError, match="no worker was started within 7 s; the cluster has 2"):
        crew.hello()


def test_a_model_that_loads_for_hours_is_waited_for(tiny):
    class Patient(Here):
        def wait(self, references, seconds):
            loading = any(method == "load" for _, _, method, _ in self._waiting)
            times.append((seconds, loading))
            return super().wait(references, seconds)

    times = []
    Crew(Patient(lambda: _worker.Worker(str(tiny("bert")), {"device": "cpu"})), 1).hello()
    assert times == [(_crew.PATIENCE_S, False), (None, True)]


def test_after_the_last_worker_nobody_waits_again(tiny):
    gone = []
    backend, here = remote(tiny("bert"), lose=lambda _, method, __: bool(gone))
    gone.append(True)
    for _ in range(2):
        with pytest.raises(ScoringError):
            fill(backend, PROMPTS)
    started = len(here.workers)
    with pytest.raises(ScoringError, match="one after the other"):
        fill(backend, PROMPTS)
    assert len(here.workers) == started


def test_a_worker_that_comes_late_joins_and_none_waits_for_it(tiny):
    class Late(Here):
        """The second worker's process comes with the tenth wait."""

        waits = 0

        def wait(self, references, seconds):
            self.waits += 1
            late = [w for w in self._waiting if w[1] == 1 and w[2] == "place"]
            if late and self.waits < 10:
                self._waiting.remove(late[0])
                found = super().wait(references, seconds)
                self._waiting.append(late[0])
                return found
            return super().wait(references, seconds)

    made = []

    def connect(engine, name, options):
        made.append(Late(lambda: _worker.Worker(name, options | {"device": "cpu"})))
        return made[0], 2

    backend = RemoteMaskedLM(str(tiny("bert")), engine=RAY, batch_size=2, connect=connect)
    fill(backend, PROMPTS)
    who = [number for number, method in made[0].calls if method == "rows"]
    assert who[:5] == [0] * 5
    assert {0, 1} == set(who[10:])


def test_few_batches_are_under_way_at_once(tiny):
    backend, here = remote(tiny("bert"), batch_size=1)
    here.most_waiting = 0
    fill(backend, PROMPTS)
    assert here.most_waiting == 2 * _crew.IN_HAND


def test_all_workers_work(tiny):
    backend, here = remote(tiny("bert"), engine=Engine(name="ray", workers=3))
    fill(backend, PROMPTS)
    counts = [sum(one == n and what == "rows" for one, what in here.calls) for n in range(3)]
    assert max(counts) - min(counts) <= 1


def test_an_interrupt_passes_through_and_the_workers_go_on(tiny):
    backend, _ = remote(tiny("bert"))

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(backend, PROMPTS, progress=stop)
    local = MaskedLM(str(tiny("bert")), device="cpu", batch_size=8)
    assert bits(fill(backend, PROMPTS)) == bits(fill(local, PROMPTS))


def test_a_worker_out_of_memory_halves_the_batch_and_goes_on(tiny, monkeypatch):
    backend, here = remote(tiny("bert"))
    expected = fill(backend, PROMPTS)
    sizes = []
    plain = _forward.Forward.logits

    def logits(self, rows):
        sizes.append(len(rows))
        if len(rows) > 3:
            raise torch.OutOfMemoryError("no memory left")
        return plain(self, rows)

    monkeypatch.setattr(_forward.Forward, "logits", logits)
    got = fill(backend, PROMPTS)
    for mine, other in zip(got, expected, strict=True):
        if hasattr(mine, "log_prob"):
            assert mine.log_prob == pytest.approx(other.log_prob, abs=1e-5)
        else:
            np.testing.assert_allclose(mine.words, other.words, atol=1e-6)
    assert sum(size > 3 for size in sizes) == 2, "each worker learns once what is too much"
    assert not here.stopped
    assert backend.use.lost == 0


@pytest.mark.parametrize(
    ("raised", "kind", "text"),
    [
        (ScoringError("not finite", hint="use float32"), ScoringError, "not finite\n  use float32"),
        (RuntimeError("a bug"), RuntimeError, "a bug"),
        (MemoryError("too much"), MemoryError, "too much"),
        (UnknownNameError("dtype", "float3", ["float32"]), UsageError, "did you mean 'float32'"),
    ],
)
def test_what_a_worker_meets_is_raised_here_as_the_local_engine_raises_it(
    tiny, monkeypatch, raised, kind, text
):
    backend, here = remote(tiny("bert"))

    def broken(self, rows):
        raise raised

    monkeypatch.setattr(_forward.Forward, "logits", broken)
    with pytest.raises(kind, match=text):
        fill(backend, PROMPTS)
    assert not here.stopped, "a mistake is no loss"


def test_a_model_that_cannot_be_loaded_is_refused_as_ever_and_the_cluster_is_left(tmp_path):
    connect, made = connecting()
    with pytest.raises(ModelLoadError, match=r"holds no config\.json"):
        RemoteMaskedLM(str(tmp_path), engine=RAY, connect=connect)
    assert made[0].closed
    assert sorted(made[0].stopped) == [0, 1]


def test_workers_with_other_versions_or_another_model_are_refused(tiny):
    backend, here = remote(tiny("bert"))
    place = here.workers[0].place()
    place.require_like_here()
    other = replace(place, packages=place.packages | {"torch": "1.0"}, host="node7")
    with pytest.raises(UsageError, match=r"torch is .* here and 1\.0 on node7\n  install the same"):
        other.require_like_here()
    built = place.packages["torch"].partition("+")[0] + "+other"
    replace(place, packages=place.packages | {"torch": built}).require_like_here()
    hello = backend._crew.hello()
    hello.require_like(hello)
    for change in ({"fingerprint": "7c" * 32}, {"dtype": "bfloat16"}, {"device": "cuda"}):
        other = replace(hello, info=replace(hello.info, **change), host="node7")
        with pytest.raises(ModelLoadError, match=r"node7 and .* do not hold the same model"):
            other.require_like(hello)
    card = replace(hello, info=replace(hello.info, device="cpu:1"))
    card.require_like(hello)


def aged(who, method, answer):
    """Every worker but the first is on a machine with another torch."""
    if who and method == "place":
        return replace(answer, packages=answer.packages | {"torch": "1.0"}, host="node7")
    return answer


def full(who, method, answer):
    """The second worker finds no memory for the model."""
    return Trouble.of(RuntimeError("no memory")) if who == 1 and method == "load" else answer


def other(who, method, answer):
    """The second worker holds another model."""
    if who == 1 and method == "load":
        return replace(answer, info=replace(answer.info, fingerprint="7c" * 32), host="node7")
    return answer


class Behind(Here):
    """Workers after the first are slow: they come when that one is at work."""

    def wait(self, references, seconds):
        at_work = any(method == "rows" for _, method in self.calls)
        late = [w for w in self._waiting if w[1] and w[2] in {"place", "load"} and not at_work]
        for call in late:
            self._waiting.remove(call)
        found = super().wait(references, seconds)
        self._waiting.extend(late)
        return found


def behind(folder, workers=2, **options):
    """A model on workers of which only the first comes at once, and the cluster."""
    made = []

    def connect(engine, name, asked):
        made.append(Behind(lambda: _worker.Worker(name, asked | {"device": "cpu"}), **options))
        return made[0], workers

    return RemoteMaskedLM(str(folder), engine=RAY, batch_size=4, connect=connect), made[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (aged, r"^torch is .* here and 1\.0 on node7$"),
        (full, "^no memory$"),
        (other, "^node7 and .* do not hold the same model"),
    ],
)
def test_a_bad_worker_that_comes_late_is_left_out_and_counted(tiny, change, why):
    expected = bits(MaskedLM(str(tiny("bert")), device="cpu", batch_size=4).fill_mask(PROMPTS))
    backend, here = behind(tiny("bert"), change=change)
    assert bits(fill(backend, PROMPTS)) == expected
    assert {who for who, method in here.calls if method == "rows"} == {0}
    assert here.stopped == [1]
    assert len(here.workers) == 2, "another one on the same machine would be no better"
    used = backend.use
    assert (used.workers, used.lost, used.refused) == (1, 0, 1)
    (reason,) = used.reasons
    assert re.match(why, reason)


def test_reasons_are_told_once_and_workers_counted(tiny):
    backend, _ = behind(tiny("bert"), workers=4, change=aged)
    fill(backend, PROMPTS)
    assert (backend.use.refused, len(backend.use.reasons)) == (3, 1)


def test_when_only_bad_workers_are_left_the_run_ends_and_says_why(tiny):
    backend, here = behind(
        tiny("bert"), change=aged, lose=lambda who, method, done: not who and done > 6
    )
    for _ in range(2):
        with pytest.raises(UsageError, match=r"torch is .* here and 1\.0 on node7"):
            fill(backend, PROMPTS)
    assert sorted(here.stopped) == [0, 1, 2]


def test_workers_that_cannot_all_be_asked_for_are_sent_home(tiny):
    class Gone(Here):
        def start(self):
            if self.workers:
                raise ClusterLostError("the head is gone")
            return super().start()

    here = Gone(lambda: None)
    with pytest.raises(ModelLoadError, match="the cluster is gone: the head is gone"):
        RemoteMaskedLM(str(tiny("bert")), engine=RAY, connect=lambda *_: (here, 2))
    assert here.stopped == [0]
    assert here.closed


def test_a_closed_backend_sends_its_workers_home_once(tiny):
    backend, here = remote(tiny("bert"))
    backend.close()
    backend.close()
    assert here.stopped == [0, 1]
    assert here.closed
    with pytest.raises(ScoringError, match="sent home"):
        fill(backend, PROMPTS)


def test_a_forgotten_backend_sends_its_workers_home(tiny):
    backend, here = remote(tiny("bert"))
    gone = weakref.ref(backend)
    del backend
    gc.collect()
    assert gone() is None
    assert here.closed


def test_a_folder_is_named_by_its_whole_path_and_reported_as_given(tiny, monkeypatch):
    folder = tiny("bert")
    monkeypatch.chdir(folder.parent)
    names = []

    def connect(engine, name, options):
        names.append(name)
        return Here(lambda: _worker.Worker(name, options | {"device": "cpu"})), 1

    backend = RemoteMaskedLM(folder.name, engine=RAY, connect=connect)
    assert names == [str(folder.resolve())]
    assert backend.info.name == folder.name


def test_settings_that_cannot_be_meant_are_refused():
    with pytest.raises(UnknownNameError, match="there is no engine named 'rya'\n  did you mean 'r"):
        Engine(name="rya")
    with pytest.raises(UsageError, match="at least 1 worker, but got 0"):
        Engine(name="ray", workers=0)
    for extra in ({"workers": 2}, {"address": "auto"}):
        with pytest.raises(UsageError, match="the local engine has neither an address nor workers"):
            Engine(**extra)
    with pytest.raises(UsageError, match="'cuda:1' is one card of one machine"):
        RemoteMaskedLM("reference", engine=RAY, device="cuda:1")
    with pytest.raises(UsageError, match="batch size of at least 1"):
        RemoteMaskedLM("reference", engine=RAY, batch_size=0)
    assert str(Engine()) == "local"
    assert str(Engine(name="ray", address="auto", workers=4)) == "ray, auto, 4 workers"


def test_trouble_tells_what_the_error_told():
    error = Trouble.of(ScoringError("one", hint="two")).error()
    assert type(error) is ScoringError
    assert (error.message, error.hint) == ("one", "two")
    assert repr(Trouble.of(MemoryError()).error()) == "MemoryError('MemoryError()')"
