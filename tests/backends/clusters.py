"""A cluster inside the test: workers that are called in turn, lost on demand, apart by pickling."""

from __future__ import annotations

import itertools
import pickle
from collections import deque
from collections.abc import Callable
from typing import Any

from bias_audit.backends.ray.worker import Worker


class Here:
    """Runs a call when somebody waits for it.

    Args:
        make: a new worker.
        lose: asked before each call (worker number, method, how many calls it has answered);
            True loses the worker.
        backwards: whether the last call is answered first.
        change: what comes of an answer (worker number, method, answer).
    """

    def __init__(
        self,
        make: Callable[[], Any],
        lose: Callable[[int, str, int], bool] = lambda *_: False,
        *,
        backwards: bool = False,
        change: Callable[[int, str, Any], Any] = lambda _, __, answer: answer,
    ) -> None:
        self._make, self._lose, self._backwards = make, lose, backwards
        self._change = change
        self.workers: list[Any] = []
        self.calls: list[tuple[int, str]] = []
        """Every call that was answered: number of the worker, method."""
        self.stopped: list[int] = []
        self.closed = False
        self._waiting: deque[tuple[int, int, str, bytes]] = deque()
        self._answers: dict[int, Any] = {}
        self._numbers = itertools.count()
        self.most_waiting = 0

    def start(self) -> int:
        self.workers.append(self._make())
        return len(self.workers) - 1

    def call(self, handle: int, method: str, *arguments: Any) -> int:
        number = next(self._numbers)
        self._waiting.append((number, handle, method, pickle.dumps(arguments)))
        self.most_waiting = max(self.most_waiting, len(self._waiting))
        return number

    def wait(self, references: list[int], seconds: float | None) -> int | None:
        assert references
        assert len(set(references)) == len(references)
        for number in references:
            if number in self._answers:
                return number
        while self._waiting:
            number = self._answer()
            if number in references:
                return number
        return None

    def _answer(self) -> int:
        take = self._waiting.pop if self._backwards else self._waiting.popleft
        number, handle, method, arguments = take()
        worker = self.workers[handle]
        done = sum(handle == one for one, _ in self.calls)
        if worker is None or self._lose(handle, method, done):
            self.workers[handle] = None
            self._answers[number] = WorkerLostError(f"worker {handle} died")
            return number
        self.calls.append((handle, method))
        answer = getattr(worker, method)(*pickle.loads(arguments))  # noqa: S301 - of this test
        answer = self._change(handle, method, answer)
        self._answers[number] = pickle.loads(pickle.dumps(answer))  # noqa: S301
        return number

    def get(self, reference: int) -> Any:
        found = self._answers.pop(reference)
        if isinstance(found, WorkerLostError):
            raise found
        return found

    def stop(self, handle: int) -> None:
        self.workers[handle] = None
        self.stopped.append(handle)

    def close(self) -> None:
        self.closed = True

    def described(self) -> str:
        return "2 CPUs"


def connecting(**options: Any) -> tuple[Callable[..., tuple[Here, int]], list[Here]]:
    """What connects to such a cluster, and the list that the cluster will be in."""
    made: list[Here] = []

    def connect(engine: Any, name: str, asked: dict[str, Any]) -> tuple[Here, int]:
        here = {"device": "cpu"} if asked["device"] == "auto" else {}
        made.append(Here(lambda: Worker(name, asked | here), **options))
        return made[-1], engine.workers or 2

    return connect, made
