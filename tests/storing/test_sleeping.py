"""A model whose answers are all kept is not opened; whatever changed about it is noticed."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from bias_audit.storing import opened, opening
from safetensors.torch import load_file, save_file

from bias_audit.backends import open_backend
from bias_audit.backends.cache import VARIABLE, Cache, opened, opening
from bias_audit.backends.cache.open import Cache
from bias_audit.backends.cache.store import NAME, VARIABLE
from bias_audit.backends.hf.identify import identified
from bias_audit.backends.lazy import Sleeping, facts_key
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.errors import BiasAuditError, ModelLoadError
from bias_audit.finished import Audit
from bias_audit.pipeline.run import audit
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports.formats.figures import files
from bias_audit.results import results_text
from bias_audit.utils.versions import package_versions
from tests.backends import tiny_models
from tests.scoring import tiny_models

DATA = "sent_more,sent_less,stereo_antistereo,bias_type,annotations,anon_writer,anon_annotators\n"
SPOKEN = ProbeCatalogue().sanity("en")
assert SPOKEN is not None
SENTENCES, GAPS = len(SPOKEN.sentences), len(SPOKEN.clozes)
PROGRAM = """
import sys
from bias_audit.cli._app import main
sys.argv = ["bias-audit", *sys.argv[1:]]
try:
    main()
finally:
    heavy = ("torch", "transformers", "tokenizers", "matplotlib")
    print([name for name in heavy if name in sys.modules])
"""


Run = Callable[..., Audit]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    tiny_models.build(folder, "bert")
    return folder


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every model that is opened."""
    found: list[str] = []

    def counted(name: str, **options: Any) -> Any:
        found.append(name)
        return open_backend(name, **options)

    monkeypatch.setattr(opening, "open_backend", counted)
    return found


@pytest.fixture
def audited(model: Path, tmp_path: Path) -> Run:
    """Measures the model by a data set of a few pairs."""
    data = written(tmp_path)

    def run(cache: Path | bool | Cache, folder: Path = model, **options: Any) -> Audit:
        day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        options = {"device": "cpu"} | options
        named = {"crows-pairs": data}
        return audit(str(folder), data=named, cache=cache, now=lambda: day, **options)

    return run


def written(folder: Path) -> Path:
    data = folder / "crows.csv"
    words = ("kind", "nurse", "doctor", "teacher", "person")
    row = ",the man was {0}.,the woman was {0}.,stereo,trade,[],a,[]\n"
    text = f",{DATA}" + "".join(row.format(word) for word in words)
    data.write_text(text, encoding="utf-8")
    return data


def text(done: Audit) -> str:
    run = done.results.run.model_copy(update={"duration_s": 0.0})
    return results_text(done.results.model_copy(update={"run": run}))


def test_the_second_run_opens_nothing_and_says_the_same(
    model: Path, tmp_path: Path, opens: list[str], audited: Run
) -> None:
    store = tmp_path / "cache"
    first, second = audited(store), audited(store)
    assert opens == [str(model)]
    plain = audited(False)
    assert text(first) == text(second) == text(plain)
    assert second.cache is not None
    assert second.cache.scored == 0
    assert second.manifest["model"] == plain.manifest["model"]
    assert second.results.sanity == plain.results.sanity


@pytest.mark.parametrize("name", [pytest.param("words", marks=pytest.mark.slow), "pairs"])
def test_the_program_does_not_even_load_torch(name: str, model: Path, tmp_path: Path) -> None:
    data = written(tmp_path)

    def run(name: str, *asked: str) -> tuple[str, dict[str, bytes]]:
        out = tmp_path / name
        command = ["run", str(model), *asked, "-q", "--exit-zero", "--device", "cpu"]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *command, "-o", str(out)],
            env=os.environ | {VARIABLE: str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        results = json.loads((out / "results.json").read_text("utf-8"))
        for clock in ("created", "duration_s", "command"):
            del results["run"][clock]
        kept = {p.name: p.read_bytes() for p in out.iterdir() if p.name.endswith(".csv.gz")}
        assert kept
        return done.stdout.splitlines()[-1], kept | {"results": json.dumps(results).encode()}

    asked = ("-p", "occupation-gender", "--limit", "1")
    if name == "pairs":
        asked = ("-p", "crows-pairs", "--data", f"crows-pairs={data}")
    loaded, first = run("first", *asked)
    assert "torch" in loaded
    loaded, second = run("second", *asked)
    assert loaded == "[]"
    assert first == second


def changed_weights(model: Path) -> None:
    file = model / "model.safetensors"
    tensors = load_file(file)
    name = sorted(tensors)[0]
    save_file(tensors | {name: tensors[name] + 0.01}, file, metadata={"format": "pt"})


def changed_config(model: Path) -> None:
    config = json.loads((model / "config.json").read_text("utf-8"))
    (model / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-5}), "utf-8")


def changed_tokenizer(model: Path) -> None:
    file = model / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"note": "new"}), "utf-8")


@pytest.mark.parametrize("change", [changed_weights, changed_config, changed_tokenizer])
def test_a_changed_file_opens_the_model(
    change: Any, model: Path, tmp_path: Path, opens: list[str], audited: Run
) -> None:
    audited(tmp_path / "cache")
    change(model)
    second = audited(tmp_path / "cache")
    assert len(opens) == 2
    assert second.cache is not None
    assert second.cache.found == 0
    assert text(second) == text(audited(False))


def test_names_do_not_count(model: Path, tmp_path: Path, audited: Run, opens: list[str]) -> None:
    audited(tmp_path / "cache")
    other = tmp_path / "other"
    shutil.copytree(model, other)
    moved = audited(tmp_path / "cache", other)
    assert opens == [str(model)]
    assert moved.results.model.name == str(other)
    assert text(moved) == text(audited(False, other))


def test_what_is_missing_opens_the_model_and_has_it_checked(
    model: Path, tmp_path: Path, opens: list[str], monkeypatch: pytest.MonkeyPatch, audited: Run
) -> None:
    """Some scores are lost, as after an interrupted run: only they are scored, to the same bits."""
    store = tmp_path / "cache"
    first = audited(store)
    found = identified(str(model), device="cpu")
    assert found is not None
    assert first.cache is not None
    key, checks = facts_key(found, package_versions()), SENTENCES + GAPS
    with sqlite3.connect(store / NAME) as db:
        rows = db.execute("SELECT id FROM scores WHERE key <> ? ORDER BY id", (key,)).fetchall()
        lost = rows[checks : checks + first.cache.scored]
        db.executemany("DELETE FROM scores WHERE id = ?", lost)
    db.close()
    assert len(lost) == len(rows) - checks - 1, "besides them, that the model repeats its answers"
    checked: list[str] = []
    inside = MaskedLM.pseudo_log_likelihood

    def heard(self: MaskedLM, sentences: Sequence[str]) -> list[tuple[float, int]]:
        checked.extend(sentences)
        return inside(self, sentences)

    monkeypatch.setattr(MaskedLM, "pseudo_log_likelihood", heard)
    second = audited(store)
    assert len(opens) == 2
    assert second.cache is not None
    assert second.cache.scored == first.cache.scored
    assert len(checked) == SENTENCES, "a model in memory is checked, whatever was kept"
    assert text(second) == text(first)


@pytest.mark.parametrize("damage", ["X'00'", "CAST(value || X'00' AS BLOB)"])
def test_damaged_facts_open_the_model(
    damage: str, model: Path, tmp_path: Path, opens: list[str], audited: Run
) -> None:
    store = tmp_path / "cache"
    first = audited(store)
    found = identified(str(model), device="cpu")
    assert found is not None
    with sqlite3.connect(store / NAME) as db:
        key = facts_key(found, package_versions())
        asked = f"UPDATE scores SET value = {damage} WHERE key = ?"  # noqa: S608
        assert db.execute(asked, (key,)).rowcount == 1
    db.close()
    assert text(audited(store)) == text(first)
    assert len(opens) == 2
    audited(store)
    assert len(opens) == 2, "the facts are whole again"


def test_fresh_and_other_arithmetic_open_the_model(
    model: Path, tmp_path: Path, opens: list[str], audited: Run
) -> None:
    store = tmp_path / "cache"
    audited(store)
    audited(Cache(folder=store, fresh=True))
    audited(store, dtype="bfloat16")
    assert len(opens) == 3
    audited(store, dtype="bfloat16")
    audited(store)
    assert len(opens) == 3
    audited(store, dtype="auto")
    assert len(opens) == 3, "opened at once, without a look at the store"


def test_files_that_change_during_a_run_are_refused(
    model: Path, tmp_path: Path, audited: Run
) -> None:
    store = tmp_path / "cache"
    audited(store)
    with opened(str(model), store, device="cpu") as kept:
        assert isinstance(kept.plain, Sleeping)
        changed_weights(model)
        with pytest.raises(ModelLoadError, match="changed"):
            kept.backend.pseudo_log_likelihood(["the man was kind."])


def test_wrong_options_are_refused_as_before(model: Path, tmp_path: Path, audited: Run) -> None:
    store = tmp_path / "cache"
    audited(store)
    wrong: list[dict[str, Any]] = [
        {"device": "cuda:77"},
        {"device": "toaster"},
        {"dtype": "float8"},
        {"batch_size": 0},
        {"revision": "main"},
    ]
    for options in wrong:
        with pytest.raises(BiasAuditError) as plain:
            audited(False, **options)
        with pytest.raises(BiasAuditError) as kept:
            audited(store, **options)
        assert str(kept.value) == str(plain.value)
    with pytest.raises(TypeError):
        audited(store, tempo=3)


def test_a_sleeping_model_answers_everything_that_the_model_answers(
    model: Path, tmp_path: Path, audited: Run
) -> None:
    audited(tmp_path / "cache")
    real = open_backend(str(model), device="cpu")
    with opened(str(model), tmp_path / "cache", device="cpu") as kept:
        sleeping: Any = kept.plain
        assert isinstance(sleeping, Sleeping)
        assert sleeping.info == real.info
        assert sleeping.words == real.words
        pairs = [("the man was kind.", "the woman was kind.")]
        mine, theirs = sleeping.sentence_scorer(), real.sentence_scorer()  # type: ignore[attr-defined]
        assert not sleeping.awake
        for method in ("pairs", "modified"):
            assert repr([*getattr(mine, method)(pairs)]) == repr([*getattr(theirs, method)(pairs)])
        for method in ("pieces", "unmasked"):
            found, wanted = ([*getattr(s, method)(pairs[0])] for s in (mine, theirs))
            assert repr(found) == repr(wanted)
        blanks = [("the ", "man", " was kind.")]
        assert repr([*mine.fills(blanks)]) == repr([*theirs.fills(blanks)])
        assert sleeping.awake
        sentences = ["the man was kind."]
        assert sleeping.pseudo_log_likelihood(sentences) == real.pseudo_log_likelihood(sentences)


@pytest.mark.parametrize(
    ("built", "driver", "certain"),
    [
        ({"cuda": "None", "hip": "None"}, True, True),
        ({"cuda": "'12.8'", "hip": "None"}, False, True),
        ({"cuda": "'12.8'", "hip": "None"}, True, False),
        ({"cuda": "None", "hip": "'6.4'"}, False, False),
        (None, False, False),
    ],
)
def test_a_gpu_is_ruled_out_only_where_that_is_certain(
    built: dict[str, str] | None, driver: bool, certain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_build", lambda: built)
    monkeypatch.setattr(files, "_has_driver", lambda: driver)
    monkeypatch.setattr(sys, "platform", "linux")
    assert files._only_cpu() == certain
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not files._only_cpu()


def test_what_torch_was_built_for_is_read_from_its_file() -> None:
    import torch

    told = files._build()
    assert told is not None
    assert told["cuda"] == repr(torch.version.cuda)
    assert told["hip"] == repr(torch.version.hip)
