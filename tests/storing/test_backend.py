"""The backend around a backend: what it asks, what it keeps, what it hands out."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from bias_audit.backends import FakeBackend
from bias_audit.backends.base import WINDOW, SentenceBackend, SlotScoring
from bias_audit.backends.cache import VARIABLE, Cache, keeping
from bias_audit.backends.cache.backend import CHUNK, StoredBackend
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.errors import UsageError
from bias_audit.records import (
    CompletionScore,
    Embedding,
    FillScore,
    ProgressCallback,
    Prompt,
    SlotQuestion,
)
from tests.backends import tiny_models
from tests.storing.test_keys_and_records import prompt, same

WORDS = ("doctor", "nurse", "unscorable", "", " ")


class Counting(FakeBackend):
    """Remembers every prompt that it scores."""

    def __init__(self) -> None:
        super().__init__(unscorable=["unscorable"])
        self.calls: list[list[Prompt]] = []

    def fill_mask(
        self,
        prompts: Sequence[Prompt],
        *,
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> list[FillScore | CompletionScore]:
        """Score and remember."""
        self.calls.append(list(prompts))
        return super().fill_mask(prompts, top_k=top_k, progress=progress)


class Parts(Counting):
    """Hands out three prompts at a time, and remembers what was known."""

    def fill_parts(
        self,
        prompts: Sequence[Prompt],
        *,
        known: Container[int] = (),
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> Iterator[Mapping[int, FillScore | CompletionScore]]:
        """Score in parts."""
        missing = [n for n in range(len(prompts)) if n not in known]
        for start in range(0, len(missing), 3):
            part = missing[start : start + 3]
            yield dict(zip(part, self.fill_mask([prompts[n] for n in part]), strict=True))


def prompts(stop: int, start: int = 0) -> list[Prompt]:
    return [prompt(f"{n} is a ", word, ".") for n in range(start, stop) for word in (*WORDS, None)]


def alike(one: Sequence[object], other: Sequence[object]) -> bool:
    return len(one) == len(other) and all(map(same, one, other))


@pytest.mark.parametrize("kind", [Counting, Parts])
def test_only_what_is_new_is_asked_and_in_order(kind: type[Counting], tmp_path: Path) -> None:
    inner, expected = kind(), FakeBackend(unscorable=["unscorable"]).fill_mask(prompts(6))
    with keeping(inner, tmp_path, named=False) as kept:
        assert alike(kept.backend.fill_mask(prompts(4)), expected[:24])
    assert (kept.use.found, kept.use.scored) == (0, 24)
    inner.calls.clear()
    twice = [*prompts(6), *prompts(6)]
    with keeping(inner, tmp_path, named=False) as kept:
        assert alike(kept.backend.fill_mask(twice), [*expected, *expected])
    asked = [p for call in inner.calls for p in call]
    assert {p.left for p in asked} == {"4 is a ", "5 is a "}
    assert len(asked) == (24 if kind is Parts else 12)
    assert kept.use.found == 48
    assert kept.use.told() == {"cache": {"found": 48, "scored": 24}}
    assert not kept.use.notices


def test_a_backend_without_parts_is_asked_a_chunk_at_a_time(tmp_path: Path) -> None:
    inner, told = Counting(), []
    many = [prompt(f"{n} ", "doctor", ".") for n in range(CHUNK + 10)]
    with keeping(inner, tmp_path, named=False) as kept:
        kept.backend.fill_mask(many, progress=lambda done, of: told.append((done, of)))
        assert [len(call) for call in inner.calls] == [CHUNK, 10]
        kept.backend.fill_mask(many, progress=lambda done, of: told.append((done, of)))
    assert told == [(CHUNK, CHUNK + 10), (CHUNK + 10, CHUNK + 10), (CHUNK + 10, CHUNK + 10)]
    assert len(inner.calls) == 2


def test_fresh_scores_anew_and_keeps_that(tmp_path: Path) -> None:
    inner = Counting()
    for fresh, calls in ((False, 1), (True, 2), (False, 2)):
        with keeping(inner, Cache(folder=tmp_path, fresh=fresh), named=False) as kept:
            kept.backend.fill_mask(prompts(2))
        assert len(inner.calls) == calls


class Ill(Counting):
    """Cannot score its first prompts for a reason that may pass, if it is ill."""

    ill = False

    def fill_mask(self, asked, *, top_k=10, progress=None):
        scores = super().fill_mask(asked, top_k=top_k, progress=progress)
        if self.ill:
            scores[0] = FillScore(log_prob=None, pieces=0, skip="error", detail="out of memory")
        return scores


def test_fresh_leaves_no_old_score_where_the_new_one_is_not_kept(tmp_path: Path) -> None:
    inner = Ill()
    for fresh, ill in ((False, False), (True, True), (False, False)):
        inner.ill = ill
        inner.calls.clear()
        with keeping(inner, Cache(folder=tmp_path, fresh=fresh), named=False) as kept:
            kept.backend.fill_mask(prompts(2))
    assert [p.text for call in inner.calls for p in call] == [prompts(2)[0].text]
    assert (kept.use.found, kept.use.scored) == (11, 1)


def test_a_stand_in_with_planted_gaps_is_not_kept(tmp_path: Path) -> None:
    """A function has no digest: two of them would find each other's scores."""
    planted = FakeBackend(bias=lambda _: 1.0)
    with pytest.raises(UsageError, match="digest"), keeping(planted, tmp_path, named=False):
        pass
    with keeping(FakeBackend(unscorable=["doctor"]), tmp_path, named=False) as kept:
        kept.backend.fill_mask(prompts(1))
    with keeping(FakeBackend(), tmp_path, named=False) as kept:
        assert alike(kept.backend.fill_mask(prompts(1)), FakeBackend().fill_mask(prompts(1)))
    assert kept.use.found == 0


def test_another_model_finds_nothing(tmp_path: Path) -> None:
    for noise in (0.1, 0.2, 0.1):
        with keeping(FakeBackend(noise=noise), tmp_path, named=False) as kept:
            answers = kept.backend.fill_mask(prompts(2))
        assert alike(answers, FakeBackend(noise=noise).fill_mask(prompts(2)))
    assert kept.use.found == 12


def test_the_sanity_check_always_asks_the_model(tmp_path: Path) -> None:
    class Deaf(FakeBackend):
        def pseudo_log_likelihood(self, sentences: Sequence[str]) -> list[tuple[float, int]]:
            self.asked = getattr(self, "asked", 0) + 1
            return super().pseudo_log_likelihood(sentences)

    inner = Deaf()
    with keeping(inner, tmp_path, named=False) as kept:
        for _ in range(2):
            kept.backend.pseudo_log_likelihood(["a b"])
    assert inner.asked == 2


def test_which_models_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    backend = FakeBackend()
    for choice in (True, False, Cache(fresh=True)):
        with keeping(backend, choice, named=True) as kept:
            assert kept.backend is backend, "a stand-in is as fast as the store"
            assert kept.use.told() == {}
    with keeping(backend, str(tmp_path / "mine"), named=False) as kept:
        assert isinstance(kept.backend, SentenceBackend)
    assert (tmp_path / "mine" / "scores.sqlite").is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_a_backend_without_a_digest_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    backend = FakeBackend()
    backend.info = replace(backend.info, fingerprint="")
    with pytest.raises(UsageError, match="digest"), keeping(backend, tmp_path, named=False):
        pass


def test_distributions_take_a_bounded_part(tmp_path: Path) -> None:
    inner = Counting()
    opens = [prompt(f"{n} is a ", None, ".") for n in range(20)]
    size = inner.fill_mask(opens[:1])[0].words.nbytes  # type: ignore[union-attr]
    cache = Cache(folder=tmp_path, limit=8 * 5 * size)
    for expected in (0, 5):
        inner.calls.clear()
        store_limit = Cache(folder=tmp_path, limit=1 << 20)
        with keeping(inner, cache if expected == 0 else store_limit, named=False) as kept:
            if expected == 0 and kept.shelf is not None and kept.store is not None:
                kept.store.limit = 1 << 20  # the file itself has room
            kept.backend.fill_mask(opens)
        assert kept.use.found == expected


def test_a_store_that_breaks_ends_the_keeping_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with keeping(Counting(), tmp_path / "file" / "x", named=False) as kept:
        assert len(kept.backend.fill_mask(prompts(1))) == 6
    assert len(kept.use.notices) == 1


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> MaskedLM:
    torch.set_num_threads(1)
    folder = tiny_models.build(tmp_path_factory.mktemp("tiny") / "bert", "bert")
    return MaskedLM(str(folder), device="cpu", batch_size=8)


def sentences() -> list[Prompt]:
    names = ("the man", "the woman", "a doctor", "the old nurse and the man")
    fillers = ("doctor", "nurse", "unbelievable", "man", "\U0001f600", None)
    return [
        prompt(f"{name} {tail} was a ", filler, end)
        for name in names
        for tail in ("", "here", "in the house")
        for end in (".", " there .")
        for filler in fillers
    ]


def _noted(told: list[tuple[int, int]]) -> ProgressCallback:
    return lambda done, of: told.append((done, of))


def test_parts_are_the_same_to_the_last_bit_whatever_is_known(tiny: MaskedLM) -> None:
    asked = sentences()
    whole = tiny.fill_mask(asked)
    assert {type(score) for score in whole} == {FillScore, CompletionScore}
    assert any(score.skip for score in whole)
    rng = np.random.default_rng(5)
    for share in (0.1, 0.5, 0.95, 1.0):
        known = {n for n in range(len(asked)) if rng.random() < share}
        told: list[tuple[int, int]] = []
        found: dict[int, FillScore | CompletionScore] = {}
        parts = tiny.fill_parts(asked, known=known, progress=_noted(told))
        for part in parts:
            assert not found.keys() & part.keys()
            found.update(part)
        assert set(found) == set(range(len(asked))) - known
        assert all(same(score, whole[n]) for n, score in found.items())
        assert not told or told[-1][0] == told[-1][1]


def test_a_model_from_the_store_is_the_model(tiny: MaskedLM, tmp_path: Path) -> None:
    asked = sentences()
    whole = tiny.fill_mask(asked)
    with keeping(tiny, tmp_path, named=False) as kept:
        assert alike(kept.backend.fill_mask(asked[:50]), tiny.fill_mask(asked[:50]))
        kept.backend.fill_mask(asked)
    with keeping(tiny, tmp_path, named=False) as kept:
        again = kept.backend.fill_mask(asked)
    assert kept.use.scored == 0
    for one, other in zip(again, whole, strict=True):
        assert (one.skip, one.detail) == (other.skip, other.detail)
        if isinstance(one, FillScore) and isinstance(other, FillScore) and one.skip is None:
            assert one.log_prob == pytest.approx(other.log_prob, abs=1e-5)


PAIRS = [("the man was a doctor .", "the woman was a doctor ."), ("the man", ""), ("a", "b c")]


def sentence_answers(backend: object) -> list[object]:
    assert isinstance(backend, SentenceBackend)
    scorer = backend.sentence_scorer()
    assert isinstance(scorer, SlotScoring)
    assert isinstance(scorer, Embedding)
    texts = [text for pair in PAIRS for text in pair]
    questions = [SlotQuestion(text=PAIRS[0][0], word=(4, 7), hidden=h) for h in ((), ((14, 20),))]
    return [
        *scorer.pairs(PAIRS),
        *scorer.modified(PAIRS),
        *scorer.pieces(texts),
        *scorer.pieces(iter(texts), variant="original", ranks=True),
        *scorer.unmasked(texts),
        *scorer.fills([("the ", "man", " was a doctor ."), ("the ", "", ".")]),
        *scorer.slots(questions),
    ]


def test_sentences_come_back_exactly_and_nothing_is_asked_again(
    tiny: MaskedLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = sentence_answers(tiny)
    with keeping(tiny, tmp_path, named=False) as kept:
        assert alike(sentence_answers(kept.backend), plain)
    monkeypatch.setattr(
        "bias_audit.backends.sentences.SentenceScorer._windows", lambda *_: pytest.fail("asked")
    )
    with keeping(tiny, tmp_path, named=False) as kept:
        assert alike(sentence_answers(kept.backend), plain)
    assert kept.use.scored == 0


def test_sentences_stream_a_window_at_a_time(tmp_path: Path) -> None:
    assert WINDOW == SCORED, "a kept window is a scored window"
    taken: list[int] = []
    told: list[tuple[int, int]] = []

    def endless() -> Iterator[str]:
        for n in range(3 * WINDOW):
            taken.append(n)
            yield f"sentence {n % 1500}"

    with keeping(FakeBackend(), tmp_path, named=False) as kept:
        assert isinstance(kept.backend, SentenceBackend)
        scores = kept.backend.sentence_scorer().pieces(
            endless(), progress=lambda *at: told.append(at)
        )
        first = next(scores)
        assert len(taken) == WINDOW
        rest = list(scores)
    assert len(rest) == 3 * WINDOW - 1
    assert np.array_equal(first.log_probs, rest[1499].log_probs)
    assert (kept.use.found, kept.use.scored) == (3 * WINDOW - 1500, 1500)
    assert told[-1][0] == 3 * WINDOW
    assert told == sorted(told)


def test_the_wrapper_has_what_the_backend_has(tmp_path: Path) -> None:
    class WordsOnly:
        def __init__(self) -> None:
            inner = FakeBackend()
            self.info, self.words = inner.info, inner.words
            self.fill_mask = inner.fill_mask
            self.pseudo_log_likelihood = inner.pseudo_log_likelihood

    with keeping(WordsOnly(), tmp_path, named=False) as kept:
        assert isinstance(kept.backend, StoredBackend)
        assert not isinstance(kept.backend, SentenceBackend)
        assert kept.backend.words == FakeBackend().words
        assert kept.backend.info.name == "fake"
