"""Wrap a backend so that responses come from the cache where it has them."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from bias_audit.backends.base import Backend
from bias_audit.backends.cache.codec import Record
from bias_audit.backends.cache.keys import Keys
from bias_audit.backends.cache.store import ScoreStore
from bias_audit.records import CompletionScore, ModelInfo, ModifiedPair, ProgressCallback, Request

_DISTRIBUTION_SHARE = 8
"""A run caches distributions of up to one in so many bytes of the store: they are a few in a
hundred requests and a thousand times as large as the score of a word."""
_TRANSIENT = frozenset({"error", "limit", "excluded"})
"""Reasons that another run need not meet again."""
_BUFFER = 512
_BUFFER_S = 0.5
"""Responses, and seconds, that an interrupted run may lose."""


class CachedBackend:
    """A backend whose responses are cached as they come in.

    Args:
        inner: answers what is not cached.
        store: where responses are kept.
        keys: of the requests to this model.
        model: its number in the store.
        fresh: whether nothing is read, only written.
    """

    def __init__(
        self, inner: Backend, store: ScoreStore, keys: Keys, model: int, *, fresh: bool = False
    ) -> None:
        self.store, self.keys = store, keys
        self.inner, self.fresh, self._model = inner, fresh, model
        self.hits = 0
        """Responses that came from the store."""
        self.misses = 0
        """Responses that the model gave."""
        self.room = store.limit // _DISTRIBUTION_SHARE
        """Bytes of distributions that may still be written."""

    @property
    def info(self) -> ModelInfo:
        """That of the model."""
        return self.inner.info

    @property
    def supports(self) -> frozenset[type[Request[Any]]]:
        """Those of the model."""
        return self.inner.supports

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Record]:
        """Return the records under these keys."""
        return {} if self.fresh else self.store.get(dict.fromkeys(keys))

    def put(self, records: Mapping[bytes, Record]) -> None:
        """Keep records that the same question would give again, as far as there is room."""
        lasting = {key: r for key, r in records.items() if not _is_transient(r) and self._fits(r)}
        self.store.put(self._model, lasting)
        if self.fresh:  # or the older response would come back
            self.store.drop(records.keys() - lasting.keys())

    def _fits(self, record: Record) -> bool:
        if not isinstance(record, CompletionScore):
            return True
        self.room -= record.words.nbytes
        return self.room >= 0

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer what is cached, then ask the model for the rest."""
        wanted = [number for number in range(len(requests)) if number not in skip]
        keys = {number: self.keys.of(requests[number]) for number in wanted}
        records = self.get([key for key in keys.values() if key is not None])
        known = {number for number, key in keys.items() if key in records}
        self.hits += len(known)
        self.misses += len(wanted) - len(known)
        for number in known:
            yield number, records[keys[number]]  # type: ignore[index]
        if len(known) == len(wanted):
            if progress is not None and wanted:
                progress(len(wanted), len(wanted))
            return
        skipped = known.union(number for number in range(len(requests)) if number in skip)
        fresh: dict[bytes, Record] = {}
        since = time.monotonic()
        try:
            for number, answer in self.inner.score(requests, skip=skipped, progress=progress):
                key = keys[number]
                if key is not None:
                    fresh[key] = answer
                    if len(fresh) >= _BUFFER or time.monotonic() - since > _BUFFER_S:
                        self.put(fresh)
                        fresh, since = {}, time.monotonic()
                yield number, answer
        finally:
            self.put(fresh)


def _is_transient(record: Record) -> bool:
    parts = (record.first, record.second) if isinstance(record, ModifiedPair) else (record,)
    return any(getattr(part, "skip", None) in _TRANSIENT for part in parts)
