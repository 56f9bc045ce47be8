"""What an audit made of its scores is kept, found where everything is equal, and only there."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bias_audit import assembling, auditing
from bias_audit.auditing import Audit, audit
from bias_audit.backends.cache import Assessments, Cache, opened, program
from bias_audit.backends.cache.codec import encode
from bias_audit.backends.cache.store import NAME, ScoreStore
from bias_audit.catalogue import Catalogue
from bias_audit.measuring import measure
from bias_audit.metrics.base import KINDS
from bias_audit.metrics.registry import OPTIONAL
from bias_audit.metrics.scored_probe import Settings
from bias_audit.planning import make_plan
from bias_audit.probes import Probe
from bias_audit.records import FillScore, ModelInfo, Prompt, Skip, WordPrior
from bias_audit.results import Results
from bias_audit.storing import Assessments, Cache, opened, program
from bias_audit.storing.made import ASSESSMENTS, Made
from bias_audit.storing.structure import digest
from tests.audit.world import (
    FAST,
    PLACEBO,
    Model,
    Shelf,
    behave,
    instrument,
    make,
    pairs,
    plant,
    sentences,
    shelf,
    terms,
)

FIRES = {"positive": ["yes"]}
OPENS = ["This [group] sold <mask>.", "The [group] liked <mask>."]
KNOWN = {"python": "3.13.1", "numpy": "2.1", "scipy": "1.15", "pandas": "2.2"}


@pytest.fixture(autouse=True)
def same_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program does not change while the tests run, whoever edits it, and no clock ticks."""
    monkeypatch.setattr(program, "_source", lambda: b"source")
    monkeypatch.setattr(program, "versions", lambda: KNOWN)
    monkeypatch.setattr(auditing, "time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.fixture
def assessed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The probes of every assessment that is computed."""
    found: list[str] = []
    inside = assembling.assess

    def counted(tasks: Any, *given: Any, **more: Any) -> Any:
        found.append(" ".join(task.probe.spec.id for task in tasks))
        return inside(tasks, *given, **more)

    monkeypatch.setattr(assembling, "assess", counted)
    return found


def probe(name: str = "trial", stem: str = "", **more: Any) -> Probe:
    """A probe with words of its own, so that a score hangs on nothing but the sentence."""
    usual = {
        "groups": {"a": pairs(f"amy{stem}", 6), "b": pairs(f"ben{stem}", 6)},
        "plus": terms(f"rise{stem}", 6),
        "minus": terms(f"fall{stem}", 6),
        "opens": OPENS,
        "controls": FIRES,
    }
    return make(name, **(usual | more))


def world(**more: Any) -> Callable[[], Shelf]:
    return lambda: shelf(probe(**more))


def done(cache: Any, **changed: Any) -> Audit:
    """An audit in which one thing may be changed."""
    given: dict[str, Any] = {
        "model": lambda: Model(behave(plant(0.4))),
        "catalogue": world(),
        "settings": FAST,
        "probes": ["trial"],
    }
    given |= changed
    return audit(
        given.pop("model")(),
        catalogue=given.pop("catalogue")(),
        cache=cache,
        now=lambda: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        **given,
    )


def files(run: Audit, folder: Path) -> dict[str, bytes]:
    """All that a run leaves behind, but for how it came about."""
    run.save(folder)
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "run.json"}


def test_the_second_run_computes_nothing_and_leaves_the_same_files(
    tmp_path: Path, assessed: list[str]
) -> None:
    first, second = done(tmp_path / "cache"), done(tmp_path / "cache")
    assert assessed == ["trial"]
    plain = done(False)
    assert assessed == ["trial"] * 2
    named = {"report.html", "summary.md", "results.json", "evidence.csv.gz"}
    whole = files(plain, tmp_path / "plain")
    assert set(whole) == named
    assert files(first, tmp_path / "first") == whole == files(second, tmp_path / "second")
    assert second.results == plain.results
    assert first.cache is not None
    assert second.cache is not None
    assert (first.cache.recalled, second.cache.recalled) == (False, True)
    assert "assessment" not in first.manifest["cache"]
    assert second.manifest["cache"]["assessment"] == "kept"
    assert second.cache.found == first.cache.found + first.cache.scored, "scores, and no others"
    assert second.cache.scored == 0


def lists(**lexicons: Mapping[str, Any]) -> Callable[[], Shelf]:
    known: dict[str, Any] = {"strangers": PLACEBO} | lexicons
    return lambda: Shelf(probe(), *instrument(), lexicons=known)


def gapped(gap: float) -> Callable[[], Model]:
    return lambda: Model(behave(plant(gap)), fingerprint=f"{gap}")


def one_score() -> Model:
    """A single score differs in its last bit."""
    plain = behave(plant(0.4))

    def effect(prompt: Prompt) -> float | FillScore:
        answer = Model(plain)._word(prompt)
        if (prompt.template, prompt.term, prompt.target) != ("01", "amy1", "rise1"):
            return answer
        assert answer.log_prob is not None
        return replace(answer, log_prob=answer.log_prob * (1 + 2**-52))

    return Model(effect, fingerprint="one score")


CHANGES: dict[str, dict[str, Any]] = {
    "seed": {"settings": replace(FAST, seed=7)},
    "confidence": {"settings": replace(FAST, confidence=0.9)},
    "family": {"settings": replace(FAST, primary_family="max-t")},
    "fewest": {"settings": replace(FAST, min_templates=9)},
    "margin": {"catalogue": world(margin=0.3)},
    "version": {"catalogue": world(version=2)},
    "title": {"catalogue": world(title="Another title")},
    "question": {"catalogue": world(question="Which?")},
    "sensitive": {"catalogue": world(sensitive=True)},
    "card": {"catalogue": world(card=False)},
    "control": {"catalogue": world(controls={})},
    "placebo": {"catalogue": world(controls=FIRES | {"placebo": "strangers"})},
    "sentence": {"catalogue": world(frames=[*sentences(7), "The [group] is <mask> now."])},
    "fewer sentences": {"limit": 7},
    "open sentence": {"catalogue": world(opens=OPENS[:1])},
    "group word": {"catalogue": world(groups={"a": pairs("amy", 6), "b": pairs("bert", 6)})},
    "target word": {"catalogue": world(plus=terms("win", 6))},
    "label": {
        "catalogue": world(
            groups={"a": {"label": "As", "entries": pairs("amy", 6)}, "b": pairs("ben", 6)}
        )
    },
    "harmful list": {"catalogue": lists(harmful={"one": ["iron"]})},
    "valence list": {"catalogue": lists(pleasantness={"pleasant": ["gold"]})},
    "scores": {"model": gapped(0.5)},
    "one score": {"model": one_score},
    "distribution": {
        "model": lambda: Model(
            behave(plant(0.4)), fingerprint="open", open_effect=lambda p, w: float(len(w))
        )
    },
    "sanity": {"model": lambda: Model(behave(plant(0.4)), sane=False)},
    "name": {"model": lambda: Model(behave(plant(0.4)), name="another name")},
    "notice": {"model": lambda: Model(behave(plant(0.4)), notices=("unpinned",))},
    "request": {"checks": ["surface"]},
    "another probe": {
        "catalogue": lambda: shelf(probe(), probe("second", "x")),
        "probes": ["trial", "second"],
    },
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "cache"


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_is_assessed_anew(name: str, store: Path, assessed: list[str]) -> None:
    plain = done(store).results
    before = len(assessed)
    assert before <= 1, "one store for all of these tests: only the first one assesses the first"
    changed = done(store, **CHANGES[name])
    assert len(assessed) == before + 1
    assert changed.results == done(False, **CHANGES[name]).results
    assert changed.results != plain
    found = done(store, **CHANGES[name]).results, done(store).results
    assert found == (changed.results, plain), "both are there, side by side"
    assert len(assessed) == before + 2


class Told:
    """Says under which key results would be looked for, and finds some."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def key(self, *inputs: object) -> bytes:
        self.keys.append(digest("x", *inputs))
        return self.keys[-1]

    def get(self, key: bytes) -> str:
        return "results"


def test_each_input_counts_by_itself(tmp_path: Path) -> None:
    """Here nothing else changes with it, as a score does with the digest of its model."""
    catalogue, model = shelf(probe()), Model(behave(plant(0.4)))
    plan = make_plan(catalogue, ["trial"], requests=["surface"])  # type: ignore[arg-type]
    with opened(model, tmp_path) as kept:
        sanity = check_all(kept.checked, {"en": catalogue.sanity()})
        whole = measure(plan, kept.backend, settings=FAST)
    given = (plan, model.info, whole, FAST, sanity)
    scored, told = whole.scored["trial"], Told()
    word, distribution = scored.word_scores[0], scored.open_scores[0]
    assert word.log_prob is not None
    nearly = replace(word, log_prob=word.log_prob * (1 + 2**-52))
    words = distribution.words.copy()
    words[0] = np.nextafter(words[0], np.float32(0))
    skip = Skip(probe="trial", kind="cell", what="x", reason="error")
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
    ]
    others = [replace(whole, scored={"trial": replace(scored, **part)}) for part in parts]
    others += [replace(whole, asked={}), replace(whole, scored={})]
    changes: list[tuple[Any, ...]] = [(plan, model.info, other, *given[3:]) for other in others]
    (task,) = plan.tasks
    plans: list[dict[str, Any]] = [
        {"tasks": (replace(task, positive=()),)},
        {"tasks": (replace(task, placebo="x"),)},
        {"lists": replace(plan.lists, hurtful=frozenset({"x"}))},
        {"lists": replace(plan.lists, valence={"x": 1.0})},
        {"orders": replace(plan.orders, unfit=(skip,))},
        {"probes": {}},
        {"partial": True},
    ]
    changes += [(replace(plan, **part), *given[1:]) for part in plans]
    infos = {"revision": "1", "dtype": "float16", "device": "cuda:1"}.items()
    changes += [(plan, replace(model.info, **{k: v}), *given[2:]) for k, v in infos]
    changes.append((*given[:3], replace(FAST, divergence_resamples=98), sanity))
    changes.append((*given[:4], []))
    changes.append((*given[:4], [sanity[0].model_copy(update={"detail": "x"})]))
    for each in (given, *changes):
        assert assembling.recalled(*each, told) == "results"
    assert len(set(told.keys)) == 1 + len(changes)
    assembling.recalled(*given, told)  # type: ignore[arg-type]
    assert told.keys[-1] == told.keys[0]


def test_results_hang_on_nothing_that_is_not_in_the_key(tmp_path: Path) -> None:
    """Whoever lets them hang on more of the plan or of what was measured has to add it there."""
    catalogue, model = shelf(probe()), Model(behave(plant(0.4)))
    plan = make_plan(catalogue, ["trial"], requests=["surface"])  # type: ignore[arg-type]
    with opened(model, tmp_path) as kept:
        sanity = check_all(kept.checked, {"en": catalogue.sanity()})
        measured = measure(plan, kept.backend, settings=FAST)
    names = ("tasks", "lists", "orders", "digest", "partial")
    bare: Any = SimpleNamespace(**{name: getattr(plan, name) for name in names})
    empty: dict[str, Any] = {"failures": {}, "error_types": {}, "late": []}
    found: Any = SimpleNamespace(scored=measured.scored, asked=measured.asked, **empty)
    whole = assembling.assemble(plan, model.info, measured, FAST, sanity)
    assert assembling.assemble(bare, model.info, found, FAST, sanity) == whole


@pytest.mark.parametrize("what", ["source", "python", "numpy", "scipy", "pandas", "machine"])
def test_another_program_assesses_anew(
    what: str, tmp_path: Path, assessed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two versions on one machine share a store, and take nothing from each other."""
    first = done(tmp_path)
    with monkeypatch.context() as other:
        if what == "source":
            other.setattr(program, "_source", lambda: b"other source")
        elif what == "machine":
            other.setattr(program, "machine", lambda: ("another",))
        else:
            other.setattr(program, "versions", lambda: KNOWN | {what: "99"})
        assert done(tmp_path).results == first.results
        assert len(assessed) == 2
        done(tmp_path)
        assert len(assessed) == 2
    done(tmp_path)
    assert len(assessed) == 2


def test_a_program_that_cannot_be_told_keeps_nothing(
    tmp_path: Path, assessed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_source", lambda: None)
    for _ in range(2):
        files(done(tmp_path / "cache"), tmp_path / "run")
    assert len(assessed) == 2
    assert texts(tmp_path / "cache") == 0


def texts(folder: Path) -> int:
    """How many texts, results or charts, a store holds."""
    kept = ScoreStore(folder)
    found = sum(use.scores for use in kept.models() if use.text)
    kept.close()
    return found


def rows(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / NAME)) as db, db:
        return db.execute(statement, values).fetchall()


OURS = "model = (SELECT id FROM models WHERE digest = ?)"


@pytest.mark.parametrize("what", ["bytes", "cut", "text", "no json", "other json", "a score"])
def test_a_record_that_cannot_be_read_counts_as_absent(
    what: str, tmp_path: Path, assessed: list[str]
) -> None:
    first = done(tmp_path)
    ((key, value),) = rows(tmp_path, f"SELECT key, value FROM scores WHERE {OURS}", ASSESSMENTS)  # noqa: S608
    spoilt = {
        "bytes": value[:50] + b"\xff" + value[51:],
        "cut": value[:50],
        "text": encode(key, Made(text=Made.of("é").text[:1])),
        "no json": encode(key, Made.of("{")),
        "other json": encode(key, Made.of("[1]")),
        "a score": encode(key, FillScore(log_prob=-1.0, pieces=1)),
    }
    rows(tmp_path, "UPDATE scores SET value = ? WHERE key = ?", spoilt[what], key)
    second = done(tmp_path)
    assert len(assessed) == 2
    assert second.results == first.results
    assert second.cache is not None
    assert not second.cache.recalled
    done(tmp_path)
    assert len(assessed) == 2, "it was written again"


def test_fresh_reads_none_and_writes_again(tmp_path: Path, assessed: list[str]) -> None:
    first = done(tmp_path)
    select = f"SELECT key, value FROM scores WHERE {OURS}"  # noqa: S608
    ((key, value),) = rows(tmp_path, select, ASSESSMENTS)
    other = first.results.model_copy(update={"exit_code": 1}).model_dump_json()
    rows(tmp_path, "UPDATE scores SET value = ? WHERE key = ?", encode(key, Made.of(other)), key)
    fresh = done(Cache(folder=tmp_path, fresh=True))
    assert len(assessed) == 2
    assert fresh.results == first.results
    assert fresh.manifest["cache"] == first.manifest["cache"]
    assert rows(tmp_path, select, ASSESSMENTS) == [(key, value)]
    assert done(tmp_path).results == first.results
    assert len(assessed) == 2


def test_without_a_store_nothing_is_read_or_written(tmp_path: Path, assessed: list[str]) -> None:
    done(tmp_path)
    before = rows(tmp_path, "SELECT * FROM scores")
    run = done(False)
    assert len(assessed) == 2
    assert run.drawings is None
    assert "cache" not in run.manifest
    assert rows(tmp_path, "SELECT * FROM scores") == before


def test_what_was_cut_short_or_failed_is_not_kept(tmp_path: Path, assessed: list[str]) -> None:
    """The next run may have what this one lacks."""
    sane = done(False).results.sanity
    assert sane is not None
    assessed.clear()
    catalogue = shelf(probe("one"), probe("two", "x"))
    plan = make_plan(catalogue, ["one", "two"])  # type: ignore[arg-type]
    ticks = iter([0.0, *[0.5] * 2, *[2.0] * 9])
    info: ModelInfo = Model().info
    with opened(Model(behave(plant(0.4))), tmp_path) as kept:
        late = measure(plan, kept.backend, max_seconds=1.0, clock=lambda: next(ticks))
        assert late.late
        broken = replace_failed(measure(plan, kept.backend))
        for measured in (late, late, broken, broken):
            results = assembling.recalled(plan, info, measured, FAST, [sane], kept.assessments)
            assert results.run.partial is bool(measured.late)
    assert len(assessed) == 4
    assert texts(tmp_path) == 0


def replace_failed(measured: Any) -> Any:
    gone = next(iter(measured.scored))
    del measured.scored[gone]
    measured.failures[gone] = "it broke"
    measured.error_types[gone] = "RuntimeError"
    return measured


def test_every_request_and_every_shipped_probe_can_be_told(
    tmp_path: Path, assessed: list[str]
) -> None:
    """A new kind of record that cannot would silently keep nothing."""
    names = ["occupation-gender", "occupation-pronoun", "trait-gender-warmth"]
    asked = {kind: [n for n, one in OPTIONAL.items() if one.kind == kind] for kind in KINDS}
    given = {"probes": names, "measures": asked["measure"], "checks": asked["check"], "limit": 1}
    found = [audit("fake", settings=FAST, cache=tmp_path, **given) for _ in range(2)]
    assert len(assessed) == 1
    metrics = {result.metric for result in found[1].results.results}
    assert set(asked["measure"]) <= metrics, "each of them was asked something"
    assert [one.cache.recalled for one in found if one.cache] == [False, True]
    assert found[0].results.results == found[1].results.results
    catalogue = Catalogue()
    assert digest("x", tuple(map(catalogue.probe, catalogue.probe_ids())))


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched(Settings):
    """Settings with something inside that nobody can tell from outside."""

    watcher: object = object()


def test_something_unknown_among_the_inputs_keeps_nothing(
    tmp_path: Path, assessed: list[str]
) -> None:
    own = Watched(**{name: getattr(FAST, name) for name in Settings.__slots__})
    plain = done(False)
    for _ in range(2):
        assert done(tmp_path, settings=own).results == plain.results
    assert len(assessed) == 3
    assert texts(tmp_path) == 0


def test_results_that_would_not_come_back_the_same_are_not_kept(tmp_path: Path) -> None:
    results = done(False).results
    kept = ScoreStore(tmp_path)
    assessments = Assessments(kept)
    odd: dict[str, Callable[[Results], Results]] = {
        "no unicode": lambda r: named(r, "\ud800"),
        "no json": lambda r: changed_run(r, duration_s=float("nan")),
        "list": lambda r: r.model_copy(update={"probes": list(r.probes)}),
    }
    for number, (name, change) in enumerate(odd.items()):
        key = bytes([number]) * 20
        with contextlib.suppress(UserWarning):  # pydantic warns of the type
            assessments.put(key, change(results))
        assert assessments.get(key) is None, name
    assessments.put(b"k" * 20, results)
    assert assessments.get(b"k" * 20) == results
    kept.close()


def named(results: Results, name: str) -> Results:
    return results.model_copy(update={"model": results.model.model_copy(update={"name": name})})


def changed_run(results: Results, **values: Any) -> Results:
    return results.model_copy(update={"run": results.run.model_copy(update=values)})
