"""A stand-in that takes its time and writes down what it is asked; runs in processes of its own."""

from __future__ import annotations

import pickle
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bias_audit.backends import FakeBackend
from bias_audit.backends.cache import keeping
from bias_audit.pipeline.run import audit
from bias_audit.records import CompletionScore, FillScore, PairScore, ProgressCallback, Prompt

BATCH = 16


class Slow(FakeBackend):
    """Scores a batch at a time and writes down which prompts it scored."""

    def __init__(self, log: Path, pause: float = 0.0) -> None:
        super().__init__()
        self._log = log
        self._pause = pause

    def fill_parts(
        self,
        prompts: Sequence[Prompt],
        *,
        known: Container[int] = (),
        top_k: int = 10,
        progress: ProgressCallback | None = None,
    ) -> Iterator[Mapping[int, FillScore | CompletionScore]]:
        """Score batch by batch."""
        keys = {(p.left, p.filler, p.right): n for n, p in enumerate(prompts) if n not in known}
        numbers = list(keys.values())
        with self._log.open("a", encoding="utf-8") as log:
            for start in range(0, len(numbers), BATCH):
                part = numbers[start : start + BATCH]
                asked = [prompts[n] for n in part]
                lines = [f"{(p.left, p.filler, p.right)!r}\n" for p in asked]
                log.write("".join(lines))
                log.flush()
                time.sleep(self._pause)
                yield dict(zip(part, self.fill_mask(asked, top_k=top_k), strict=True))


class SlowSentences(FakeSentenceScorer):
    """Takes its time over every pair, and writes down which pairs it scored."""

    def __init__(self, log: Path, pause: float) -> None:
        self._log = log
        self._pause = pause

    def pairs(
        self, pairs: Iterable[tuple[str, str]], *, progress: ProgressCallback | None = None
    ) -> Iterator[PairScore]:
        """Score pair by pair."""
        with self._log.open("a", encoding="utf-8") as log:
            for number, pair in enumerate(pairs):
                if number % 64 == 0:
                    time.sleep(self._pause)
                log.write(f"{pair!r}\n")
                log.flush()
                yield from super().pairs([pair])


class SlowReader(FakeBackend):
    """The same stand-in, for data sets."""

    def __init__(self, log: Path, pause: float = 0.0) -> None:
        super().__init__()
        self._sentences = SlowSentences(log, pause)

    def sentence_scorer(self) -> SlowSentences:
        """One that writes down what it is asked."""
        return self._sentences


def read_data(data: str, log: str, folder: str) -> None:
    """Measure a data set slowly, with a store."""
    print("ready", flush=True)
    audit(SlowReader(Path(log), 0.01), data={"crows-pairs": data}, cache=folder)


def child(prompts: str, log: str, folder: str) -> None:
    """Score all prompts slowly, with a store."""
    asked = pickle.loads(Path(prompts).read_bytes())  # noqa: S301 - written by this test
    with keeping(Slow(Path(log), 0.005), folder, named=False) as kept:
        print("ready", flush=True)
        kept.backend.fill_mask(asked)
    if kept.use.notices:
        raise SystemExit(f"the store gave up: {kept.use.notices}")
