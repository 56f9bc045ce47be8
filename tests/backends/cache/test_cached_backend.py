"""The wrapper around every backend: what it asks, what it keeps, what it hands out."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from bias_audit.backends import FakeBackend, score_all
from bias_audit.backends.cache import Cache, ScoreStore, open_model, wrap_with_cache
from bias_audit.errors import UsageError
from bias_audit.records import (
    BlankRequest,
    CompletionRequest,
    EmbeddingRequest,
    FillRequest,
    FillScore,
    ModifiedRequest,
    PairRequest,
    SentenceRequest,
    SpanRequest,
)

WORDS = ("doctor", "nurse", "unscorable", "", " ")
TEXT = "the man was a doctor ."
OTHERS = [
    SentenceRequest(text=TEXT),
    SentenceRequest(text=TEXT, variant="original", ranks=True, attention=True),
    SentenceRequest(text=""),
    PairRequest(first=TEXT, second="the woman was a doctor ."),
    ModifiedRequest(first=TEXT, second="the man"),
    BlankRequest(left="the ", word="man", right=" was a doctor ."),
    SpanRequest(text=TEXT, word=(4, 7), hidden=((14, 20),)),
]


def words(stop, start=0):
    requests = []
    for n in range(start, stop):
        requests += [FillRequest(left=f"{n} is a ", filler=word, right=".") for word in WORDS]
        requests.append(CompletionRequest(left=f"{n} is a ", right=".", top_k=3))
    return requests


def same(one, other):
    """Whether two lists of answers are equal to the last bit."""
    return list(map(repr_exact, one)) == list(map(repr_exact, other))


def repr_exact(answer):
    with np.printoptions(threshold=10**6, floatmode="unique"):
        return repr(answer)


def open_file(folder):
    """Open the file of a cache beside it; each statement is written, and it is closed."""
    return closing(sqlite3.connect(folder / "scores.sqlite", isolation_level=None))


class Counting(FakeBackend):
    """Remembers every request that it scores; ``ill`` ones cannot be scored now."""

    def __init__(self, **options):
        super().__init__(unscorable=["unscorable"], **options)
        self.asked = []
        self.ill = False

    def score(self, requests, *, skip=(), progress=None):
        for number, answer in super().score(requests, skip=skip, progress=progress):
            self.asked.append(requests[number])
            if self.ill and len(self.asked) == 1:
                yield number, FillScore(log_prob=None, pieces=0, skip="error", detail="no memory")
            else:
                yield number, answer


def run(inner, folder, requests, **options):
    """The answers through a cache in that folder, and what it did."""
    with wrap_with_cache(inner, Cache(folder=folder, **options)) as opened:
        answers = score_all(opened.backend, requests)
    return answers, opened.stats


def test_only_what_is_new_is_asked_and_all_comes_back_exactly(tmp_path):
    inner, requests = Counting(), [*words(6), *OTHERS]
    expected = score_all(Counting(), requests)
    answers, stats = run(inner, tmp_path, [*words(4), *OTHERS])
    assert (stats.found, stats.scored) == (0, 24 + len(OTHERS))
    inner.asked.clear()
    answers, stats = run(inner, tmp_path, [*requests, *requests])
    assert same(answers, [*expected, *expected])
    assert set(inner.asked) == set(words(6, 4))
    assert stats.to_manifest()["cache"]["found"] == 2 * (24 + len(OTHERS))
    inner.asked.clear()
    answers, stats = run(inner, tmp_path, requests)
    assert same(answers, expected)
    assert not inner.asked
    assert not stats.notices


def test_vectors_are_not_cached(tmp_path):
    request = EmbeddingRequest(text="a cook", pooling="mean")
    for _ in range(2):
        _, stats = run(FakeBackend(), tmp_path, [request])
        assert (stats.found, stats.scored) == (0, 1)


def test_an_interrupted_run_loses_nothing_that_was_handed_out(tmp_path):
    requests = words(4)
    with wrap_with_cache(Counting(), Cache(folder=tmp_path)) as opened:
        stream = opened.backend.score(requests)
        taken = [next(stream)[0] for _ in range(10)]
        stream.close()
    _, stats = run(Counting(), tmp_path, requests)
    assert stats.found == len(taken)


def test_a_resumed_run_plans_the_same_batches(tmp_path):
    """What is known is skipped, not left away: a model plans its batches over all requests."""

    plans = []

    class Planner(Counting):
        def score(self, requests, *, skip=(), progress=None):
            plans.append(len(requests))
            return super().score(requests, skip=skip, progress=progress)

    inner = Planner()
    run(inner, tmp_path, words(2))
    run(inner, tmp_path, words(4))
    assert plans == [12, 24]


def test_fresh_asks_for_everything_and_leaves_no_older_answer(tmp_path):
    inner = Counting()
    for fresh, ill, asked in ((False, False, 12), (True, True, 12), (False, False, 1)):
        inner.ill = ill
        inner.asked.clear()
        run(inner, tmp_path, words(2), fresh=fresh)
        assert len(inner.asked) == asked, "what failed is asked again"


def test_another_model_finds_nothing(tmp_path):
    for noise in (0.1, 0.2, 0.1):
        answers, stats = run(FakeBackend(noise=noise), tmp_path, words(2))
        assert same(answers, score_all(FakeBackend(noise=noise), words(2)))
    assert stats.found == 12
    other = FakeBackend()
    other.info = replace(other.info, name="other name", revision="abc", device="cpu:1")
    assert run(other, tmp_path, words(2))[1].found == 12, "a name is no model"


def test_a_backend_without_a_digest_is_refused(tmp_path):
    """A function has no digest: two planted stand-ins would find each other's scores."""
    with (
        pytest.raises(UsageError, match="digest"),
        open_model(FakeBackend(bias=lambda _: 1.0), tmp_path),
    ):
        pass


def test_which_models_are_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("BIAS_AUDIT_CACHE", str(tmp_path))
    for option in (True, False, Cache(fresh=True)):
        with open_model("fake", option) as opened:
            assert isinstance(opened.backend, FakeBackend), "a stand-in is as fast as the store"
            assert opened.stats.to_manifest() == {}
    with open_model("fake", str(tmp_path / "mine")) as opened:
        assert opened.backend.supports == FakeBackend().supports
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_distributions_take_a_bounded_part(tmp_path):
    requests = [CompletionRequest(left=f"{n} is a ", right=".") for n in range(20)]
    size = score_all(FakeBackend(), requests[:1])[0].words.nbytes
    run(Counting(), tmp_path / "large", requests, limit=1 << 20)
    assert run(Counting(), tmp_path / "large", requests)[1].found == 20
    with wrap_with_cache(Counting(), Cache(folder=tmp_path / "small")) as opened:
        opened.cache.room = 5 * size
        score_all(opened.backend, requests)
    assert run(Counting(), tmp_path / "small", requests)[1].found == 5


def test_a_store_that_cannot_be_used_ends_the_caching_only(tmp_path):
    (tmp_path / "file").write_text("")
    answers, stats = run(Counting(), tmp_path / "file" / "x", words(1))
    assert len(answers) == 6
    assert len(stats.notices) == 1


def test_damaged_rows_are_asked_again(tmp_path):
    expected, _ = run(Counting(), tmp_path, words(4))
    rng = random.Random(3)  # noqa: S311 - no secret
    with open_file(tmp_path) as db:
        for number, value in db.execute("SELECT id, value FROM scores").fetchall()[::2]:
            at = rng.randrange(len(value))
            changed = value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :]
            cut = value[: rng.randrange(len(value))]
            db.execute(
                "UPDATE scores SET value = ? WHERE id = ?", (rng.choice([changed, cut]), number)
            )
    answers, stats = run(Counting(), tmp_path, words(4))
    assert same(answers, expected)
    assert 0 < stats.found < 24


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"x" * 2000])
def test_a_damaged_file_is_set_aside(content, tmp_path):
    file = tmp_path / "scores.sqlite"
    file.write_bytes(content)
    answers, stats = run(Counting(), tmp_path, words(1))
    assert len(answers) == 6
    assert "damaged" in stats.notices[0]
    assert file.with_name("scores.sqlite.damaged").read_bytes() == content
    assert run(Counting(), tmp_path, words(1))[1].found > 0


@pytest.mark.parametrize(
    ("pragma", "message"),
    [("application_id = 5", "another program"), ("user_version = 99", "a newer version")],
)
def test_a_foreign_file_is_left_alone(pragma, message, tmp_path):
    run(Counting(), tmp_path, words(1))
    with open_file(tmp_path) as db:
        db.execute(f"PRAGMA {pragma}")
    before = (tmp_path / "scores.sqlite").read_bytes()
    _, stats = run(Counting(), tmp_path, words(1))
    assert message in stats.notices[0]
    assert (tmp_path / "scores.sqlite").read_bytes() == before


def test_the_file_keeps_to_its_limit_and_forgets_what_was_used_longest_ago(tmp_path):
    record = FillScore(log_prob=-1.0, pieces=1, skip="unscorable", detail="x" * 1000)
    keys = [bytes([n]) * 20 for n in range(250)]
    store = ScoreStore(tmp_path, limit=270_000, clock=lambda: 86_400.0)
    store.put(store.model(b"m", "m"), dict.fromkeys(keys[:125], record))
    store.close()
    later = ScoreStore(tmp_path, limit=270_000, clock=lambda: 5 * 86_400.0)
    later.get(keys[:20])
    later.flush()
    later.put(later.model(b"m", "m"), dict.fromkeys(keys[125:], record))
    later.close()
    store = ScoreStore(tmp_path, limit=270_000)
    assert store.size() <= 270_000
    left = store.get(keys)
    store.close()
    assert 0 < len(left) < 250
    assert set(keys[:20]) <= left.keys(), "they were used since"


def write(folder, start):
    run(FakeBackend(), folder, words(start + 60, start))


def test_two_processes_write_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write, args=(tmp_path, start)) for start in (0, 30)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    answers, stats = run(FakeBackend(), tmp_path, words(90))
    assert stats.scored == 0
    assert same(answers, score_all(FakeBackend(), words(90)))
