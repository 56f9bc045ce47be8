"""Results of equal scores are read, not computed; whatever differs is computed."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bias_audit.requested.listing import LISTED
from bias_audit.sanity import check_all
from bias_audit.storing import opened
from bias_audit.storing.database import RESULTS

from bias_audit.backends.cache.open import Cache
from bias_audit.backends.cache.store import ScoreStore
from bias_audit.metrics.base import KINDS
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline import assemble as assembling
from bias_audit.pipeline import result_cache
from bias_audit.pipeline import run as auditing
from bias_audit.pipeline.assemble import build_results, build_results_cached
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.plan import make_plan
from bias_audit.pipeline.result_cache import CachedText, ResultCache, result_key
from bias_audit.pipeline.run import audit
from bias_audit.pipeline.score import measure
from bias_audit.records import Skip, WordPrior, WordScore
from bias_audit.results.io import Results
from tests.analysis.world import FAST, Model, behave, make, pairs, plant, shelf, terms

KEY = b"k" * 20


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each analysis that is computed; no clock ticks."""
    calls: list[str] = []
    inside = assembling.assess

    def counted(*given: Any, **more: Any) -> Any:
        calls.append("assess")
        return inside(*given, **more)

    monkeypatch.setattr(assembling, "assess", counted)
    monkeypatch.setattr(auditing, "time", SimpleNamespace(monotonic=lambda: 0.0))
    return calls


def probe(name: str = "trial") -> Any:
    return make(
        name,
        groups={"a": pairs("amy", 6), "b": pairs("ben", 6)},
        plus=terms("rise", 6),
        minus=terms("fall", 6),
        opens=["This [group] sold <mask>.", "The [group] liked <mask>."],
        controls={"positive": ["yes"]},
    )


def run(cache: Any, **more: Any) -> Audit:
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    given: dict[str, Any] = {
        "catalogue": shelf(probe()),
        "settings": FAST,
        "probes": ["trial"],
    } | more
    return audit(Model(behave(plant(0.4))), cache=cache, now=lambda: now, **given)


def files(done: Audit, folder: Path) -> dict[str, bytes]:
    done.save(folder)
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "run.json"}


def test_the_second_run_computes_nothing_and_leaves_the_same_files(
    tmp_path: Path, computed: list[str]
) -> None:
    first, second = run(tmp_path / "cache"), run(tmp_path / "cache")
    assert len(computed) == 1
    plain, fresh = run(False), run(Cache(folder=tmp_path / "cache", fresh=True))
    assert len(computed) == 3
    expected = files(plain, tmp_path / "plain")
    for number, done in enumerate((first, second, fresh)):
        assert files(done, tmp_path / str(number)) == expected
    uses = [done.cache.recalled for done in (first, second, fresh) if done.cache]
    assert uses == [False, True, False]
    assert run(tmp_path / "cache", settings=replace(FAST, seed=7)).results != plain.results
    assert len(computed) == 4


@pytest.fixture(scope="module")
def inputs() -> tuple[Any, ...]:
    """What results are computed from: plan, model, scores, settings, sanity check."""
    catalogue, model = shelf(probe()), Model(behave(plant(0.4)))
    plan = make_plan(catalogue, ["trial"], requests=["surface"])  # type: ignore[arg-type]
    with opened(model, False) as kept:
        sanity = check_all(kept.checked, {"en": catalogue.sanity()})
        return plan, model.info, measure(plan, kept.backend, settings=FAST), FAST, sanity


class Recorder:
    """A cache that finds results under every key."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def get(self, key: bytes) -> str:
        self.keys.append(key)
        return "results"


def changes(inputs: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The same inputs, each with one thing changed."""
    plan, info, measured, settings, sanity = inputs
    scored = measured.scored["trial"]
    word, distribution = scored.word_scores[0], scored.open_scores[0]
    words = distribution.words.copy()
    words[0] = np.nextafter(words[0], np.float32(0))
    skip = Skip(probe="trial", kind="cell", what="x", reason="unscorable")
    nearly = replace(word, log_prob=word.log_prob * (1 + 2**-52))
    spec = scored.probe.spec.model_copy(update={"title": "another"})
    parts: list[dict[str, Any]] = [
        {"word_scores": (nearly, *scored.word_scores[1:])},
        {"word_prompts": scored.word_prompts[::-1]},
        {"open_scores": (replace(distribution, words=words), *scored.open_scores[1:])},
        {"open_scores": (replace(distribution, top=distribution.top[1:]), *scored.open_scores[1:])},
        {"words": scored.words[::-1]},
        {"cube": replace(scored.cube, values=np.nextafter(scored.cube.values, 0))},
        {"skips": (skip,)},
        {"prompts": scored.prompts + 1},
        {"priors": {"amy1": WordPrior(log_prob=-1.0, pieces=1)}},
        {"probe": replace(scored.probe, spec=spec)},
    ]
    others = [replace(measured, scored={"trial": replace(scored, **part)}) for part in parts]
    others += [replace(measured, asked={}), replace(measured, scored={})]
    (task,) = plan.tasks
    plans: list[dict[str, Any]] = [
        {"tasks": (replace(task, positive=()),)},
        {"tasks": (replace(task, placebo="x"),)},
        {"lists": replace(plan.lists, hurtful=frozenset({"x"}))},
        {"lists": replace(plan.lists, valence={"x": 1.0})},
        {"orders": replace(plan.orders, unfit=(skip,))},
        {"orders": replace(plan.orders, by_probe={})},
        {"probes": {}},
        {"partial": True},
    ]
    infos: dict[str, Any] = {"name": "x", "revision": "1", "dtype": "float16", "device": "cuda:1",
                             "fingerprint": "x", "notices": ("x",), "parameters": 1}  # fmt: skip
    return [
        *((plan, info, other, settings, sanity) for other in others),
        *((replace(plan, **part), *inputs[1:]) for part in plans),
        *((plan, replace(info, **{key: value}), *inputs[2:]) for key, value in infos.items()),
        *(
            (*inputs[:3], replace(settings, **{name: value}), sanity)
            for name, value in (("seed", 1), ("confidence", 0.9), ("divergence_resamples", 98))
        ),
        (*inputs[:4], []),
        (*inputs[:4], [sanity[0].model_copy(update={"detail": "x"})]),
    ]


def test_each_input_has_a_key_of_its_own(
    inputs: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    every = [inputs, *changes(inputs)]
    for each in every:
        assert build_results_cached(*each, recorder) == "results"
    monkeypatch.setattr(result_cache, "versions", lambda: {"numpy": "99"})
    build_results_cached(*inputs, recorder)  # type: ignore[arg-type]
    monkeypatch.undo()
    assert len(set(recorder.keys)) == len(every) + 1
    build_results_cached(*inputs, recorder)  # type: ignore[arg-type]
    assert recorder.keys[-1] == recorder.keys[0]


def test_results_depend_on_nothing_that_is_not_in_the_key(inputs: tuple[Any, ...]) -> None:
    """Whoever lets them depend on more of the plan or of what was measured has to add it there."""
    plan, info, measured, settings, sanity = inputs
    names = ("tasks", "lists", "digest", "partial")
    orders = SimpleNamespace(by_probe=plan.orders.by_probe, unfit=plan.orders.unfit)
    bare: Any = SimpleNamespace(orders=orders, **{name: getattr(plan, name) for name in names})
    empty: dict[str, Any] = {"failures": {}, "error_types": {}, "late": []}
    scores: Any = SimpleNamespace(scored=measured.scored, asked=measured.asked, **empty)
    expected = build_results(*inputs)
    assert build_results(bare, info, scores, settings, sanity) == expected


def test_values_that_look_alike_have_keys_of_their_own() -> None:
    arrays = np.array([1]), np.array([1.0]), np.array([[1]])
    values = [1, 1.0, "1", True, None, (), frozenset({"1"}), np.nan, np.inf, 0.0, -0.0, *arrays]
    keys = [result_key(value) for value in values]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert result_key({"b", "a"}) == result_key({"a", "b"}), "sets have no order"


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched(Settings):
    """Settings with something inside that has no content."""

    watcher: object = object()


def test_what_has_no_key_is_computed(inputs: tuple[Any, ...], tmp_path: Path) -> None:
    own = Watched(**{name: getattr(FAST, name) for name in Settings.__slots__})
    assert result_key(own) is None
    loop: list[Any] = []
    loop.append(loop)
    assert result_key(loop) is None
    package = Path(result_cache.__file__)
    before, later = package.stat(), result_cache._STARTED + 60
    try:
        os.utime(package, (later, later))
        result_cache._program.cache_clear()
        assert result_key("x") is None, "a file of the program was changed while it ran"
    finally:
        os.utime(package, ns=(before.st_atime_ns, before.st_mtime_ns))
        result_cache._program.cache_clear()
    assert result_key("x") is not None


def test_what_was_cut_short_or_failed_is_not_stored(
    inputs: tuple[Any, ...], tmp_path: Path, computed: list[str]
) -> None:
    """The next run may have what this one lacks."""
    plan, info, measured, settings, sanity = inputs
    store = ScoreStore(tmp_path)
    failed = replace(measured, scored={k: v for k, v in measured.scored.items() if k != "yes"},
                     failures={"yes": "it broke"}, error_types={"yes": "RuntimeError"})  # fmt: skip
    late = replace(measured, late=["yes"])
    asked = next(iter(measured.asked.values()))
    skip = Skip(probe="trial", kind="measure", what="surface", reason="limit")
    cut = replace(measured, asked={"trial": replace(asked, skips=(skip,))})
    for incomplete in (failed, late, cut):
        for _ in range(2):
            build_results_cached(plan, info, incomplete, settings, sanity, ResultCache(store))
    assert len(computed) == 6
    assert store.models() == []
    store.close()


ENTRIES: dict[str, Any] = {
    "no json": CachedText(text="{"),
    "other json": CachedText(text="[1]"),
    "a score": WordScore(log_prob=-1.0, pieces=1),
    "nothing": None,
}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_damaged_entry_is_computed_and_written_again(name: str, tmp_path: Path) -> None:
    results = Results.model_validate_json(
        run(False, settings=replace(FAST, resamples=99)).results.model_dump_json()
    )
    store = ScoreStore(tmp_path)
    if ENTRIES[name] is not None:
        store.put(store.model(RESULTS, ""), {KEY: ENTRIES[name]})
    cache = ResultCache(store)
    assert (cache.get(KEY), cache.hit) == (None, False)
    cache.put(KEY, results)
    assert (cache.get(KEY), cache.hit) == (results, True)
    assert ResultCache(store, fresh=True).get(KEY) is None
    store.close()


def test_results_that_would_not_come_back_equal_are_not_written(tmp_path: Path) -> None:
    results = run(False).results
    odd: list[Callable[[Results], Results]] = [
        lambda r: r.model_copy(update={"model": r.model.model_copy(update={"name": "\ud800"})}),
        lambda r: r.model_copy(
            update={"run": r.run.model_copy(update={"duration_s": float("nan")})}
        ),
    ]
    store = ScoreStore(tmp_path)
    for change in odd:
        ResultCache(store).put(KEY, change(results))
        assert ResultCache(store).get(KEY) is None
    store.close()


def test_every_metric_and_check_on_request_is_cached(tmp_path: Path, computed: list[str]) -> None:
    """A record without a key would silently be computed every time."""
    names = ["occupation-gender", "occupation-pronoun", "trait-gender-warmth"]
    asked = {kind: [n for n, one in LISTED.items() if one.kind == kind] for kind in KINDS}
    given: dict[str, Any] = {
        "probes": names,
        "measures": asked["measure"],
        "checks": asked["check"],
        "limit": 1,
    }
    first, second = (audit("fake", settings=FAST, cache=tmp_path, **given) for _ in range(2))
    assert len(computed) == 1
    assert set(asked["measure"]) <= {result.metric for result in second.results.results}
    assert first.results.results == second.results.results
