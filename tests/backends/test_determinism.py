"""R10: a model that answers one question in two ways is found out and nothing is reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bias_audit.storing import opening
from conftest import ask, fill, totals

from bias_audit.backends import FakeBackend, open_backend
from bias_audit.backends.cache import Cache, opening
from bias_audit.backends.cache.backend import Shelf
from bias_audit.backends.cache.open import Cache
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.pipeline import model_checks as determinism
from bias_audit.pipeline.run import audit
from bias_audit.records import CompletionScore, FillScore, Prompt
from bias_audit.results import Determinism
from tests.datasets import files

Answer = FillScore | CompletionScore
PROBE = "role-gender"


def prompt(number: int, *, opened: bool = False) -> Prompt:
    return Prompt(
        probe="p",
        template=f"t{number}",
        variant="",
        group="g",
        term="x",
        label="x",
        target="" if opened else "w",
        pole="" if opened else "+",
        left=f"{'very ' * number}old men like ",
        filler=None if opened else "tea",
        right=".",
    )


PROMPTS = [prompt(number) for number in range(6)]


def steady(asked: Sequence[Prompt]) -> list[Answer]:
    return [FillScore(log_prob=-float(len(p.text)), pieces=1) for p in asked]


class Moody:
    """Answers as ``mood`` says: it gets the prompt, its place, how many were asked, and how often
    anything was asked before."""

    def __init__(self, mood: Callable[[Prompt, int, int, int], float | None]) -> None:
        self.mood, self.calls = mood, 0

    def __call__(self, asked: Sequence[Prompt]) -> list[Answer]:
        self.calls += 1
        said = [self.mood(p, place, len(asked), self.calls) for place, p in enumerate(asked)]
        return [
            FillScore(log_prob=None, pieces=1, skip="error")
            if value is None
            else FillScore(log_prob=value, pieces=1)
            for value in said
        ]


def again(fill: Callable[[Sequence[Prompt]], Sequence[Answer]]) -> Repeated:
    return prompts_again(fill, PROMPTS, fill(PROMPTS), "float32")


def test_a_steady_model_holds_it() -> None:
    assert again(steady) == Repeated(asked=6, largest=0.0)


@pytest.mark.parametrize(
    ("name", "mood"),
    [
        ("batch", lambda p, place, many, call: -1.0 if many == 1 else -1.01),
        ("order", lambda p, place, many, call: -1.0 - 0.01 * place),
        ("time", lambda p, place, many, call: -1.0 - 0.01 * call),
        ("only the last time", lambda p, place, many, call: -1.0 - 0.01 * (call > 9)),
        ("sometimes nothing", lambda p, place, many, call: None if call == 5 else -1.0),
        ("not a number", lambda p, place, many, call: float("nan") if call == 5 else -1.0),
    ],
)
def test_what_an_answer_hangs_on_is_found_out(
    name: str, mood: Callable[[Prompt, int, int, int], float | None]
) -> None:
    with pytest.raises(UnsteadyModelError, match="does not repeat its answers") as caught:
        again(Moody(mood))
    assert "old men like tea" in caught.value.message
    assert "--fresh" in caught.value.hint
    assert caught.value.exit_code == 4


def test_answers_that_the_run_goes_by_are_compared_too() -> None:
    stale = [replace(answer, log_prob=(answer.log_prob or 0) - 0.01) for answer in steady(PROMPTS)]  # type: ignore[type-var]
    with pytest.raises(UnsteadyModelError, match=r"0\.01 nats a piece apart"):
        prompts_again(steady, PROMPTS, stale, "float32")
    assert prompts_again(steady, PROMPTS, stale, "bfloat16").largest == pytest.approx(0.01)


def test_the_difference_is_counted_for_each_piece() -> None:
    def fill(asked: Sequence[Prompt]) -> list[Answer]:
        return [FillScore(log_prob=-9.0 - 3e-3 * (len(asked) > 1), pieces=4) for _ in asked]

    assert again(fill).largest == pytest.approx(7.5e-4)


def test_distributions_are_compared_where_they_hold_anything() -> None:
    def fill(asked: Sequence[Prompt], slip: float = 0.0) -> list[Answer]:
        words = np.array([0.9, 0.0999, 1e-7 * (1 + len(asked))], dtype=np.float32)
        words[1] *= 1 + slip * (len(asked) > 1)
        return [CompletionScore(top=(), words=words, word_mass=1.0) for _ in asked]

    opened = [prompt(number, opened=True) for number in range(3)]
    assert prompts_again(fill, opened, fill(opened), "float32").largest < 1e-6
    with pytest.raises(UnsteadyModelError):
        prompts_again(lambda asked: fill(asked, 0.01), opened, fill(opened), "float32")


def test_what_the_model_cannot_answer_again_is_no_pass() -> None:
    def fill(asked: Sequence[Prompt]) -> list[Answer]:
        if len(asked) == 1:
            raise RuntimeError("no batches of one")
        return steady(asked)

    with pytest.raises(UnsteadyModelError, match="was asked some sentences again: no batches"):
        again(fill)


def test_sentences_are_asked_again_too() -> None:
    sentences = ["one", "two words", "three words here"]

    def total(asked: Sequence[str], slip: float = 0.0) -> list[tuple[float, int]]:
        return [(-3.0 * n + slip * len(asked), n) for n in (len(s.split()) for s in asked)]

    assert sentences_again(total, sentences, "float32") == Repeated(asked=3, largest=0.0)
    with pytest.raises(UnsteadyModelError, match="'one'"):
        sentences_again(lambda asked: total(asked, 0.01), sentences, "float32")
    lost = lambda asked: [(float("nan"), 0) for _ in asked]  # noqa: E731
    assert sentences_again(lost, sentences, "float32").largest == 0


def test_the_sample_has_the_shortest_the_longest_and_open_prompts() -> None:
    words = [prompt(number) for number in range(200)]
    opened = [prompt(number, opened=True) for number in range(9)]
    answered = list(zip([*words, *opened], steady([*words, *opened]), strict=True))
    asked, answers = sample(answered)
    assert len(asked) == len(answers) == ASKED
    assert {words[0], words[-1]} <= set(asked)
    assert sum(p.filler is None for p in asked) == 4
    assert answers == steady(asked)
    assert sample(iter(answered)) == (asked, answers)
    assert sample([]) == ([], [])
    (one,), _ = sample(answered[:1])
    assert one == words[0]
    double = [*answered[:3], *answered[:3]]
    assert len(sample(double)[0]) == 3, "no sentence is asked twice for itself"


@pytest.mark.parametrize(
    ("dtype", "apart"), [("float32", 1.6e-4), ("float16", 0.18), ("bfloat16", 1.8)]
)
def test_the_rounding_of_a_deep_model_is_no_unsteadiness(dtype: str, apart: float) -> None:
    """Nearly twice what 24 blocks with logits of 37 were seen to differ by."""
    rounded = Moody(lambda p, place, many, call: -9.0 - apart * (many == 1))
    found = prompts_again(rounded, PROMPTS, rounded(PROMPTS), dtype)
    assert found.largest == pytest.approx(apart)


def test_coarser_numbers_may_differ_more() -> None:
    assert tolerance("float32") < tolerance("float16") < tolerance("bfloat16")


@pytest.mark.parametrize(
    ("dtype", "arithmetic", "expected"),
    [
        ("float32", "", "float32"),
        ("float32", "highest", "float32"),
        ("float32", "high on NVIDIA H100", "float16"),
        ("float32", "medium on AVX512", "bfloat16"),
        ("float32", "all=ieee cuda=tf32 cpu=ieee on a GPU", "float16"),
        ("float32", "all=ieee cuda=ieee cpu=bf16 on AVX512", "bfloat16"),
        ("bfloat16", "highest on AVX512", "bfloat16"),
    ],
)
def test_torch_can_be_set_to_round_products_of_float32(
    dtype: str, arithmetic: str, expected: str
) -> None:
    info = replace(FakeBackend().info, dtype=dtype, arithmetic=arithmetic)
    assert rounding(info) == expected
    assert recorded(Repeated(asked=1, largest=0.0), info) == Determinism(
        sentences=1, tolerance=tolerance(expected)
    )


def test_steady_answers_without_an_end_are_equal() -> None:
    """A word that a backend holds for impossible, in each of its answers or in one of them."""
    never = lambda p, place, many, call: -float("inf")  # noqa: E731
    assert again(Moody(never)).largest == 0.0
    with pytest.raises(UnsteadyModelError, match="old men like tea"):
        again(Moody(lambda p, place, many, call: -1.0 if call == 4 else -float("inf")))


class Slipping(FakeBackend):
    """A stand-in whose answers hang on how many were asked together."""

    def fill_mask(self, prompts, *, top_k=10, progress=None):  # type: ignore[no-untyped-def]
        found = fill(super(), prompts, top_k=top_k, progress=progress)
        return [
            replace(a, log_prob=a.log_prob - 0.01)
            if len(prompts) > 1 and isinstance(a, FillScore) and a.log_prob is not None
            else a
            for a in found
        ]

    def pseudo_log_likelihood(self, sentences):  # type: ignore[no-untyped-def]
        found = totals(super(), sentences)
        return [(value - 0.5 * (len(sentences) > 1), pieces) for value, pieces in found]


def test_an_audit_of_an_unsteady_model_is_refused() -> None:
    with pytest.raises(UnsteadyModelError):
        audit(Slipping(), probes=[PROBE], limit=3, cache=False)


def test_a_benchmark_of_an_unsteady_model_is_refused(tmp_path: Path) -> None:
    path = files.write(tmp_path, "crows-pairs")
    with pytest.raises(UnsteadyModelError):
        audit(Slipping(), data={"crows-pairs": path}, cache=False)
    done = audit("fake", data={"crows-pairs": path}, cache=False)
    assert done.results.determinism is not None
    assert done.results.determinism.asked == 20


def test_results_and_manifest_tell_of_it(tmp_path: Path) -> None:
    done = audit("fake", probes=[PROBE], limit=3, cache=False)
    told = done.results.determinism
    assert told is not None
    assert (told.asked, told.tolerance) == (ASKED, 1e-3)
    manifest = json.loads((done.save(tmp_path / "run") / "run.json").read_text())
    assert manifest["determinism"] == {"asked": ASKED, "largest": 0.0, "tolerance": 1e-3}
    assert f"{ASKED} sentences were asked again" in (tmp_path / "run/report.html").read_text()


def test_kept_scores_are_compared_with_what_the_model_says_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"probes": [PROBE], "limit": 2, "cache": Cache(folder=tmp_path)}
    first = audit("reference", **options)
    assert first.results.determinism is not None

    def no_model(*_: object, **__: object) -> None:
        raise AssertionError("the model was opened")

    with monkeypatch.context() as patch:
        patch.setattr(opening, "open_backend", no_model)
        second = audit("reference", **options)
    assert second.results.determinism == first.results.determinism

    # other answers in the store than the model gives
    inside = Shelf.get

    def poisoned(self: Shelf, keys: Sequence[bytes]) -> dict[bytes, object]:
        return {
            key: replace(record, log_prob=record.log_prob - 0.5)
            if isinstance(record, FillScore) and record.log_prob is not None
            else record
            for key, record in inside(self, keys).items()
        }

    monkeypatch.setattr(Shelf, "get", poisoned)
    with pytest.raises(UnsteadyModelError, match="does not repeat its answers"):
        audit("reference", **options)


def test_what_was_found_is_kept_for_the_same_answers_and_limit_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of numpy, as another's backend may give them, come back as plain ones."""

    class Counting(FakeBackend):
        alone = 0

        def fill_mask(self, prompts, *, top_k=10, progress=None):  # type: ignore[no-untyped-def]
            Counting.alone += len(prompts) == 1
            return [
                replace(a, log_prob=np.float64(a.log_prob))
                if isinstance(a, FillScore) and a.log_prob is not None
                else a
                for a in fill(super(), prompts, top_k=top_k, progress=progress)
            ]

    def asked_alone() -> int:
        Counting.alone = 0
        audit(Counting(), probes=[PROBE], limit=3, cache=tmp_path)
        return Counting.alone

    assert [asked_alone(), asked_alone()] == [ASKED, 0]
    monkeypatch.setattr(determinism, "TOLERANCE", {"float32": 1e-5})
    assert [asked_alone(), asked_alone()] == [ASKED, 0]


def test_a_model_that_reads_padding_is_refused_and_told_what_to_do(
    tiny: Callable[[str], Path],
) -> None:
    """Its numbers hang on the sentences beside; one at a time they do not."""
    folder = str(tiny("bert"))
    asked = [ask(f"The {'kind ' * n}man was a ", "nurse") for n in range(4)]

    def reading_padding(**options: int) -> MaskedLM:
        backend = MaskedLM(folder, device="cpu", **options)

        def leak(
            _module: object, inputs: tuple[object, ...], given: dict[str, torch.Tensor]
        ) -> object:
            return inputs, given | {"attention_mask": torch.ones_like(given["attention_mask"])}

        backend._runner._model.register_forward_pre_hook(leak, with_kwargs=True)
        return backend

    model = reading_padding()
    with pytest.raises(UnsteadyModelError) as caught:
        prompts_again(model.fill_mask, asked, fill(model, asked), "float32")
    assert "--batch-size 1 --fresh" in caught.value.hint
    model = reading_padding(batch_size=1)
    assert prompts_again(model.fill_mask, asked, fill(model, asked), "float32").largest < 1e-5


def test_the_bundled_model_holds_it_in_every_dtype() -> None:
    texts = ["The old men like tea.", "A nurse came in.", "It was a very long day for all of us."]
    for dtype in ("float32", "bfloat16"):
        backend = open_backend("reference", dtype=dtype)
        found = prompts_again(backend.fill_mask, PROMPTS, fill(backend, PROMPTS), dtype)
        assert found.asked == 6
        assert found.largest < tolerance(dtype) / 3
        assert sentences_again(backend.pseudo_log_likelihood, texts, dtype).asked == 3
