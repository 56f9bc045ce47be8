"""Hands batches to workers, keeps all of them busy, and replaces those that are lost.

What is sent and in which order was planned before: who scores a batch, and how often it had to be
sent, does not change a number.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bias_audit.errors import BiasAuditError, ModelLoadError, ScoringError
from bias_audit.scoring._worker import KINDS, Hello, Trouble

IN_HAND = 2
"""Batches that a worker has at once: the next one is there when one is done."""
ATTEMPTS = 3
"""Workers that one batch may cost."""
PATIENCE_S = 300.0
"""Seconds to wait for the process of a worker when there is none; loading may take longer."""
Job = tuple[Any, ...]
"""Name of a worker's method, and what it is called with."""


class WorkerLostError(Exception):
    """A worker's process or machine is gone."""


class ClusterLostError(Exception):
    """The cluster itself is gone, or cannot be talked to."""


class Cluster(Protocol):
    """Starts workers and talks to them; the border to Ray.

    All but ``stop`` and ``close`` raise ClusterLostError when the cluster is gone.
    """

    def start(self) -> Any:
        """Start a worker and return its handle at once."""
        ...

    def call(self, handle: Any, method: str, *arguments: Any) -> Any:
        """Call a worker's method; returns a reference to the answer at once."""
        ...

    def wait(self, references: Sequence[Any], seconds: float | None) -> Any:
        """A reference whose answer is there; None when the time is up."""
        ...

    def get(self, reference: Any) -> Any:
        """The answer.

        Raises:
            WorkerLostError: there will be none.
        """
        ...

    def stop(self, handle: Any) -> None:
        """End a worker, whatever its state."""
        ...

    def close(self) -> None:
        """Let go of the cluster."""
        ...

    def described(self) -> str:
        """What it has, in words."""
        ...


@dataclass(eq=False, slots=True)
class _Member:
    handle: Any
    ready: bool = False
    load: int = 0
    lost: bool = False


class Crew:
    """Workers with one replica of the model each.

    Args:
        cluster: where they run.
        size: how many there should be. Those that come later join the work when they come.
        patience: seconds to wait for the process of a worker when there is none.

    Raises:
        ModelLoadError: no worker can be asked for. The cluster is let go of.
    """

    def __init__(self, cluster: Cluster, size: int, *, patience: float = PATIENCE_S) -> None:
        self._cluster = cluster
        self._size = size
        self._patience = patience
        self._members: list[_Member] = []
        self._coming: dict[Any, _Member] = {}
        """Workers that were asked for."""
        self._loading: dict[Any, _Member] = {}
        self._losses = 0
        """Since the last answer."""
        self._over: Exception | None = None
        self._hello: Hello | None = None
        self.lost = 0
        """Workers that had to be replaced."""
        self.refused = Counter[str]()
        """Workers that could not join those at work, by the reason."""
        try:
            for _ in range(size):
                self._hire()
        except BaseException:
            self.close()
            raise

    @property
    def ready(self) -> int:
        """Workers that hold the model now."""
        return sum(member.ready for member in self._members)

    def hello(self) -> Hello:
        """What the first worker says of the model.

        Raises:
            BiasAuditError: the model cannot be loaded, or no worker comes.
        """
        while self._hello is None:
            self._arrive(self._next({}))
        return self._hello

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call one worker's method and return its answer."""
        ((_, answer),) = self.work(1, lambda _: (method, *arguments))
        return answer

    def work(self, count: int, job: Callable[[int], Job]) -> Generator[tuple[int, Any], None, None]:
        """Do jobs number 0 to ``count`` and yield their numbers and answers as they come.

        Raises:
            ScoringError: a batch was lost with its worker ``ATTEMPTS`` times, or no worker is left.
            Exception: what a worker met, such as a lack of memory for a single sentence.
        """
        waiting, tries = deque(range(count)), Counter[int]()
        running: dict[Any, tuple[_Member, int]] = {}
        try:
            while waiting or running:
                self._hand_out(waiting, running, job)
                reference = self._next(running)
                if reference not in running:
                    self._arrive(reference)
                    continue
                member, number = running.pop(reference)
                member.load -= 1
                try:
                    answer = self._answer(reference)
                except WorkerLostError as error:
                    tries[number] += 1
                    self._replace(member, error)
                    if tries[number] == ATTEMPTS:
                        raise _too_often(error) from error
                    waiting.appendleft(number)
                    continue
                self._losses = 0
                yield number, answer
        finally:
            for member, _ in running.values():
                member.load -= 1

    def close(self) -> None:
        """End all workers and let go of the cluster."""
        members, self._members = self._members, []
        self._coming, self._loading = {}, {}
        self._over = ScoringError("the workers were sent home")
        for member in members:
            self._cluster.stop(member.handle)
        self._cluster.close()

    def _hand_out(
        self,
        waiting: deque[int],
        running: dict[Any, tuple[_Member, int]],
        job: Callable[[int], Job],
    ) -> None:
        """Give every worker the next batch, then every worker one more."""
        for load in range(IN_HAND):
            for member in self._members:
                if not waiting:
                    return
                if member.ready and member.load == load:
                    number = waiting.popleft()
                    method, *arguments = job(number)
                    running[self._call(member, method, *arguments)] = member, number
                    member.load += 1

    def _next(self, running: dict[Any, tuple[_Member, int]]) -> Any:
        """A reference whose answer is there: of a batch, or of a worker that has come."""
        if self._over is not None:
            raise self._over
        busy = [*running, *self._loading]
        seconds = None if busy else self._patience
        found = self._reach(self._cluster.wait, [*busy, *self._coming], seconds)
        if found is None:
            raise self._stopped(
                f"no worker was started within {self._patience:.0f} s;"
                f" the cluster has {self._reach(self._cluster.described)}",
                "other work may hold it, or no machine has a free GPU; see: ray status",
            )
        return found

    def _reach(self, action: Callable[..., Any], *arguments: Any) -> Any:
        """Have the cluster do something; when it is gone, so are all workers."""
        try:
            return action(*arguments)
        except ClusterLostError as error:
            raise self._stopped(
                f"the cluster is gone: {error}",
                "when it is there again, the same command goes on from the scores that were kept",
            ) from error

    def _call(self, member: _Member, method: str, *arguments: Any) -> Any:
        return self._reach(self._cluster.call, member.handle, method, *arguments)

    def _answer(self, reference: Any) -> Any:
        answer = self._reach(self._cluster.get, reference)
        if isinstance(answer, Trouble):
            raise answer.error()
        return answer

    def _hire(self) -> None:
        member = _Member(self._reach(self._cluster.start))
        self._members.append(member)
        self._coming[self._call(member, "place")] = member

    def _arrive(self, reference: Any) -> None:
        """Have a worker load the model, or let it join if that is the one of the others."""
        loading = reference in self._loading
        member = (self._loading if loading else self._coming).pop(reference)
        try:
            said = self._answer(reference)
            if loading:
                said.require_like(self._hello or said)
            else:
                said.require_like_here()
        except WorkerLostError as error:
            self._replace(member, error)
        except KINDS as error:
            self._refuse(member, error)
        else:
            if loading:
                self._hello = self._hello or said
                member.ready = True
            else:
                self._loading[self._call(member, "load")] = member

    def _refuse(self, member: _Member, error: Exception) -> None:
        """Go on without a worker that cannot join those at work; another would be no better."""
        if self._hello is None or self._over is not None:
            raise error
        self._members.remove(member)
        self._cluster.stop(member.handle)
        self.refused[Trouble.of(error).message] += 1
        if not self._members:
            self._over = error
            raise error

    def _replace(self, member: _Member, error: WorkerLostError) -> None:
        """Start another worker in place of a lost one, but not for ever."""
        if member.lost:
            return  # a second batch that it had in hand
        member.lost = True
        self._members.remove(member)
        self._cluster.stop(member.handle)
        self.lost += 1
        self._losses += 1
        if self._losses >= self._size + ATTEMPTS:
            raise self._stopped(
                f"{self._losses} workers were lost one after the other; the last one: {error}",
                "every machine needs the same bias-audit, and memory for the model",
            ) from error
        self._hire()

    def _stopped(self, message: str, hint: str) -> BiasAuditError:
        """The error that ends all work: what is asked afterwards gets it at once."""
        kind = ModelLoadError if self._hello is None else ScoringError
        self._over = kind(message, hint=hint)
        return self._over


def _too_often(error: WorkerLostError) -> ScoringError:
    return ScoringError(
        f"{ATTEMPTS} workers were lost while they scored the same sentences; the last one: {error}",
        hint="a lack of memory looks like this: use a smaller --batch-size, or fewer workers",
    )
