"""Results of equal scores are read, not computed; whatever differs is computed."""

from __future__ import annotations

import datetime
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bias_audit import audit
from bias_audit.backends.cache import Cache, ScoreStore
from bias_audit.metrics.registry import names
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline import result_cache
from bias_audit.pipeline.assemble import Analysis, analyse, analyse_cached
from bias_audit.pipeline.audit import Audit
from bias_audit.pipeline.model_checks import check_languages
from bias_audit.pipeline.plan import make_plan
from bias_audit.pipeline.result_cache import RESULTS, CachedText, ResultCache, result_key
from bias_audit.pipeline.score import score_plan
from bias_audit.records import FillScore, Skip, WordPrior
from tests.analysis.world import FAST, Model, behave, make, pairs, plant, shelf, terms

KEY = b"k" * 20
SKIP = Skip(probe="trial", kind="measure", what="surface", reason="limit")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each analysis that is computed; no clock ticks."""
    from bias_audit.pipeline import assemble

    calls: list[str] = []
    inside = assemble.assess

    def counted(*given: Any, **more: Any) -> Any:
        calls.append("assess")
        return inside(*given, **more)

    monkeypatch.setattr(assemble, "assess", counted)
    clock = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr("bias_audit.pipeline.run.time", clock)
    return calls


def probe() -> Any:
    return make(
        "trial",
        groups={"a": pairs("amy", 6), "b": pairs("ben", 6)},
        plus=terms("rise", 6),
        minus=terms("fall", 6),
        opens=["This [group] sold <mask>.", "The [group] liked <mask>."],
        controls={"positive": ["yes"]},
    )


def run(cache: Any, **more: Any) -> Audit:
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    given: dict[str, Any] = {"catalogue": shelf(probe()), "settings": FAST, "probes": ["trial"]}
    return audit(Model(behave(plant(0.4))), cache=cache, now=lambda: now, **(given | more))


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
    sanity = check_languages(model, {"en": catalogue.sanity()})
    return plan, model.info, score_plan(plan, model, FAST), FAST, sanity


def changes(inputs: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The same inputs, each with one thing changed."""
    plan, info, scores, settings, sanity = inputs
    scored = scores.scored["trial"]
    word, distribution = scored.word_scores[0], scored.open_scores[0]
    words = distribution.words.copy()
    words[0] = np.nextafter(words[0], np.float32(0))
    nearly = replace(word, log_prob=word.log_prob * (1 + 2**-52))
    spec = scored.probe.spec.model_copy(update={"title": "another"})
    parts: list[dict[str, Any]] = [
        {"word_scores": (nearly, *scored.word_scores[1:])},
        {"word_prompts": scored.word_prompts[::-1]},
        {"open_scores": (replace(distribution, words=words), *scored.open_scores[1:])},
        {"open_scores": (replace(distribution, top=distribution.top[1:]), *scored.open_scores[1:])},
        {"words": scored.words[::-1]},
        {"cube": replace(scored.cube, values=np.nextafter(scored.cube.values, 0))},
        {"skips": (SKIP,)},
        {"prompts": scored.prompts + 1},
        {"priors": {"amy1": WordPrior(log_prob=-1.0, pieces=1)}},
        {"responses": {}},
        {"probe": replace(scored.probe, spec=spec)},
    ]
    others = [replace(scores, scored={"trial": replace(scored, **part)}) for part in parts]
    (task,) = plan.tasks
    plans: list[dict[str, Any]] = [
        {"tasks": (replace(task, positive=()),)},
        {"tasks": (replace(task, placebo="x"),)},
        {"lists": replace(plan.lists, hurtful=frozenset({"x"}))},
        {"lists": replace(plan.lists, valence={"x": 1.0})},
        {"metrics": replace(plan.metrics, unsupported=(SKIP,))},
        {"metrics": replace(plan.metrics, by_probe={})},
        {"probes": {}},
        {"partial": True},
    ]
    infos: dict[str, Any] = {"name": "x", "revision": "1", "dtype": "float16", "device": "cuda:1",
                             "fingerprint": "x", "notices": ("x",), "parameters": 1}  # fmt: skip
    return [
        *((plan, info, other, settings, sanity) for other in others),
        (plan, info, replace(scores, scored={}), settings, sanity),
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
    keys: list[bytes] = []
    cache: Any = SimpleNamespace(get=lambda key: keys.append(key) or "results")
    every = [inputs, *changes(inputs)]
    for each in every:
        assert analyse_cached(*each, cache) == "results"  # type: ignore[comparison-overlap]
    monkeypatch.setattr(result_cache, "package_versions", lambda: {"numpy": "99"})
    analyse_cached(*inputs, cache)
    monkeypatch.undo()
    assert len(set(keys)) == len(every) + 1
    analyse_cached(*inputs, cache)
    assert keys[-1] == keys[0]


def test_results_depend_on_nothing_that_is_not_in_the_key(inputs: tuple[Any, ...]) -> None:
    """Whoever lets them depend on more of the plan or of the scores has to add it there."""
    plan, info, scores, settings, sanity = inputs
    names = ("tasks", "lists", "metrics", "digest", "partial", "unfit")
    bare: Any = SimpleNamespace(**{name: getattr(plan, name) for name in names})
    empty: dict[str, Any] = {"failures": {}, "error_types": {}, "late": []}
    few: Any = SimpleNamespace(scored=scores.scored, metric_skips=scores.metric_skips, **empty)
    assert analyse(bare, info, few, settings, sanity) == analyse(*inputs)


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


def test_what_has_no_key_is_computed() -> None:
    own = Watched(**{name: getattr(FAST, name) for name in Settings.__slots__})
    assert result_key(own) is None
    loop: list[Any] = []
    loop.append(loop)
    assert result_key(loop) is None


def test_a_program_that_was_changed_while_it_ran_stores_nothing() -> None:
    file, later = Path(result_cache.__file__), time.time() + 60
    before = file.stat()
    result_cache.program_files.cache_clear()
    try:
        os.utime(file, (later, later))
        assert result_key("x") is None
    finally:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        result_cache.program_files.cache_clear()
    assert result_key("x") is not None


def test_what_was_cut_short_or_failed_is_not_stored(
    inputs: tuple[Any, ...], tmp_path: Path, computed: list[str]
) -> None:
    """The next run may have what this one lacks."""
    plan, info, scores, settings, sanity = inputs
    store = ScoreStore(tmp_path)
    rest = {name: one for name, one in scores.scored.items() if name != "yes"}
    failed = replace(
        scores, scored=rest, failures={"yes": "broke"}, error_types={"yes": "RuntimeError"}
    )
    late, cut = replace(scores, late=["yes"]), replace(scores, metric_skips=[SKIP])
    for incomplete in (failed, late, cut):
        for _ in range(2):
            cache = ResultCache(store, Analysis)
            analyse_cached(plan, info, incomplete, settings, sanity, cache)
    assert len(computed) == 6
    assert store.models() == []
    store.close()


@pytest.mark.parametrize(
    "entry",
    [CachedText(text="{"), CachedText(text="[1]"), FillScore(log_prob=-1.0, pieces=1), None],
    ids=["no json", "other json", "a score", "nothing"],
)
def test_a_damaged_entry_is_computed_and_written_again(
    entry: Any, inputs: tuple[Any, ...], tmp_path: Path
) -> None:
    analysis = Analysis.model_validate_json(analyse(*inputs).model_dump_json())
    store = ScoreStore(tmp_path)
    if entry is not None:
        store.put(store.model(RESULTS, ""), {KEY: entry})
    cache = ResultCache(store, Analysis)
    assert (cache.get(KEY), cache.hit) == (None, False)
    cache.put(KEY, analysis)
    assert (cache.get(KEY), cache.hit) == (analysis, True)
    assert ResultCache(store, Analysis, fresh=True).get(KEY) is None
    store.close()


def test_results_that_would_not_come_back_equal_are_not_written(
    inputs: tuple[Any, ...], tmp_path: Path
) -> None:
    analysis = analyse(*inputs)
    store = ScoreStore(tmp_path)
    for field, value in (("id", "\ud800"), ("estimate", float("nan"))):
        odd = analysis.results[0].model_copy(update={field: value})
        ResultCache(store, Analysis).put(KEY, analysis.model_copy(update={"results": (odd,)}))
        assert ResultCache(store, Analysis).get(KEY) is None
    store.close()


def test_every_metric_and_check_on_request_is_cached(tmp_path: Path, computed: list[str]) -> None:
    """A record without a key would silently be computed every time."""
    given: dict[str, Any] = {
        "probes": ["occupation-gender", "occupation-pronoun", "trait-gender-warmth"],
        "measures": names("measure"),
        "checks": names("check"),
        "limit": 1,
    }
    first, second = (audit("fake", settings=FAST, cache=tmp_path, **given) for _ in range(2))
    assert len(computed) == 1
    assert set(names("measure")) <= {result.metric for result in second.results.results}
    assert first.results.results == second.results.results
