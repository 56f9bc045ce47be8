"""From a choice to a backend that keeps its scores, or to the plain one and the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bias_audit.determinism import (
    Repeated,
    prompts_again,
    rounding,
    sentences_again,
    tolerance,
)
from bias_audit.errors import BiasAuditError, UsageError
from bias_audit.records import ModelInfo, OpenScore, Prompt, WordScore
from bias_audit.scoring import open_backend, opened_model
from bias_audit.scoring.base import Backend
from bias_audit.scoring.engine import LOCAL
from bias_audit.scoring.files import Files, identified
from bias_audit.storing.assessments import Assessments
from bias_audit.storing.backend import OPEN_SHARE, Shelf, stored
from bias_audit.storing.checks import KeptChecks, again, sentences_once_more
from bias_audit.storing.choice import CacheChoice, CacheUse, chosen
from bias_audit.storing.database import ScoreStore
from bias_audit.storing.drawings import KeptDrawings
from bias_audit.storing.facts import Facts, facts_key, learnt
from bias_audit.storing.keys import Keys, identity
from bias_audit.storing.place import VARIABLE, default_folder, switched_off
from bias_audit.storing.sleeping import Sleeping
from bias_audit.utils.versions import versions

_OF_FILES = ("revision", "device", "dtype", "offline", "allow_pickle")
"""Options that say which files are loaded, and to where."""
_HOMELESS = f"scores are not kept: there is no home folder; name a folder in {VARIABLE}"


@dataclass
class Kept:
    """A backend to score with, and what its store did so far."""

    backend: Backend
    plain: Backend
    """The model itself."""
    checked: Backend
    """The one to put the sanity check's questions to."""
    store: ScoreStore | None = None
    shelf: Shelf | None = None
    assessments: Assessments | None = None
    """What earlier runs made of their scores."""
    drawings: KeptDrawings | None = None
    """Charts of earlier reports."""
    notices: tuple[str, ...] = ()
    """Why there is no store."""

    @property
    def woken(self) -> bool:
        """Whether the model was opened after all, so that nobody has checked it yet."""
        return isinstance(self.plain, Sleeping) and self.plain.awake

    @property
    def model(self) -> Backend:
        """The model in memory."""
        return self.plain.model() if isinstance(self.plain, Sleeping) else self.plain

    def repeated(
        self, prompts: Sequence[Prompt], answers: Sequence[WordScore | OpenScore]
    ) -> Repeated:
        """Ask prompts again and compare with the run's answers, unless that was done before.

        Raises:
            UnsteadyModelError: the model does not repeat its answers.
        """
        dtype = rounding(self.plain.info)
        ask = partial(prompts_again, self._fill, prompts, answers, dtype)
        if self.shelf is None:
            return ask()
        return again(self.shelf, tolerance(dtype), prompts, answers, ask)

    def repeated_sentences(self, sentences: Sequence[str]) -> Repeated:
        """Ask for whole sentences several times, unless that was done before.

        Raises:
            UnsteadyModelError: the model does not repeat its answers.
        """
        dtype = rounding(self.plain.info)
        ask = partial(sentences_again, self._total, sentences, dtype)
        if self.shelf is None:
            return ask()
        return sentences_once_more(self.shelf, tolerance(dtype), sentences, ask)

    def _fill(self, prompts: Sequence[Prompt]) -> Sequence[WordScore | OpenScore]:
        return self.model.fill_mask(prompts)

    def _total(self, sentences: Sequence[str]) -> Sequence[tuple[float, int]]:
        return self.model.pseudo_log_likelihood(sentences)

    @property
    def use(self) -> CacheUse:
        """What the store did so far."""
        if self.store is None or self.shelf is None:
            return CacheUse(notices=self.notices)
        return CacheUse(
            found=self.shelf.found,
            scored=self.shelf.asked,
            recalled=self.assessments is not None and self.assessments.found,
            path=str(self.store.path),
            notices=tuple(self.store.notices),
        )


@contextmanager
def keeping(backend: Backend, choice: CacheChoice, *, named: bool) -> Iterator[Kept]:
    """Wrap a backend so that its scores are kept, as chosen; the store is closed in the end.

    Args:
        backend: the model.
        choice: whether and where.
        named: whether the program opened the model itself. Only then its digests are known to
            cover what its scores depend on; a backend of the caller needs a folder.

    Raises:
        UsageError: a folder was given and the backend has no digest of its weights.
    """
    kept = _kept(backend, choice, named=named)
    try:
        yield kept
    finally:
        if kept.store is not None:
            kept.store.close()


@contextmanager
def opened(model: str | Backend, choice: CacheChoice, **options: Any) -> Iterator[Kept]:
    """Open a model by name, but only once it has to answer what is not kept.

    Args:
        model: a name, or a backend, which is wrapped as :func:`keeping` does.
        choice: whether and where scores are kept.
        options: of :func:`bias_audit.scoring.open_backend`.

    Raises:
        BiasAuditError: as :func:`open_backend` and :func:`keeping`.
    """
    bed = _bed(model, choice, options) if isinstance(model, str) else None
    if bed is None:
        named = isinstance(model, str)
        with opened_model(model, **options) as found, keeping(found, choice, named=named) as kept:
            yield kept
        return
    try:
        backend: Backend
        if bed.facts is None:
            backend = open_backend(bed.files.name, **options)
            kept = _kept(backend, choice, named=True, store=bed.store)
            _learn(kept, bed)
        else:
            wake = partial(open_backend, bed.files.name, **options)
            backend = Sleeping(bed.facts.info(bed.files), bed.facts.words, wake)
            kept = _kept(backend, choice, named=True, store=bed.store)
        yield _with_checks(kept, read=bed.facts is not None)
    finally:
        bed.store.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bed:
    """What is known of a model that is not opened."""

    store: ScoreStore
    files: Files
    key: bytes
    facts: Facts | None


def _bed(name: str, choice: CacheChoice, options: Mapping[str, Any]) -> _Bed | None:
    """Look for a model's facts; None where its files do not say which model it would be.

    Whatever is wrong with them is left for those who open the model to say.
    """
    cache, others = chosen(choice), options.keys() - {*_OF_FILES}
    if cache is None or name == "fake" or not _ordinary({k: options[k] for k in others}):
        return None
    folder = cache.folder or default_folder()
    if folder is None:
        return None
    try:
        files = identified(name, **{k: options[k] for k in _OF_FILES if k in options})
    except (BiasAuditError, OSError, ValueError, KeyError):
        return None
    if files is None:
        return None
    store, key = ScoreStore(Path(folder), limit=cache.limit), facts_key(files, versions())
    found = None if cache.fresh else store.get([key]).get(key)
    facts = found if isinstance(found, Facts) else None
    return _Bed(store=store, files=files, key=key, facts=facts)


def _ordinary(options: Mapping[str, Any]) -> bool:
    """Whether these options say nothing but a batch size that exists, and this process."""
    size, engine = options.get("batch_size", "auto"), options.get("engine", LOCAL)
    return (
        options.keys() <= {"batch_size", "engine"}
        and LOCAL in (engine, getattr(engine, "name", ""))
        and (size == "auto" or size >= 1)
    )


def _with_checks(kept: Kept, *, read: bool) -> Kept:
    """The same with the sanity check's answers kept too."""
    if kept.shelf is None:
        return kept
    return replace(kept, checked=KeptChecks(kept.plain, kept.shelf, read=read))


def _learn(kept: Kept, bed: _Bed) -> None:
    """Keep the facts of an opened model."""
    facts = learnt(kept.plain, bed.files)
    if facts is not None and kept.shelf is not None:
        kept.shelf.put({bed.key: facts})


def _kept(
    backend: Backend, choice: CacheChoice, *, named: bool, store: ScoreStore | None = None
) -> Kept:
    kept = Kept(backend=backend, plain=backend, checked=backend)
    cache = chosen(choice)
    if cache is None or (cache.folder is None and not (named and backend.info.kind == "masked")):
        return kept
    folder = cache.folder or default_folder()
    if folder is None:
        return replace(kept, notices=() if switched_off() else (_HOMELESS,))
    _require_digest(backend.info)
    store = store or ScoreStore(Path(folder), limit=cache.limit)
    if not store.is_open:
        return replace(kept, notices=tuple(store.notices))
    digest = identity(backend.info, versions())
    shelf = Shelf(
        store=store,
        keys=Keys(digest),
        model=store.model(digest, _about(backend.info)),
        fresh=cache.fresh,
        room=cache.limit // OPEN_SHARE,
    )
    return replace(
        kept,
        backend=stored(backend, shelf),
        store=store,
        shelf=shelf,
        assessments=Assessments(store, fresh=cache.fresh),
        drawings=KeptDrawings(Path(folder), limit=cache.limit, fresh=cache.fresh),
    )


def _require_digest(info: ModelInfo) -> None:
    if not info.fingerprint:
        raise UsageError(
            "scores can be kept only of a model with a digest of its weights, and"
            f" '{info.name}' has none",
            hint="give ModelInfo.fingerprint everything that its scores depend on, or cache=False",
        )


def _about(info: ModelInfo) -> str:
    """How ``cache info`` names the model."""
    return f"{info.name} {info.fingerprint[:12]}, {info.dtype} on {info.device.partition(':')[0]}"
