"""The stand-in backend, and what the package exports."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ask, fill, totals

import bias_audit.backends as scoring
from bias_audit.backends import Backend, FakeBackend, open_backend


def test_importing_the_package_loads_no_torch():
    heavy = ("torch", "transformers", "tokenizers", "huggingface_hub")
    code = (
        "import sys, bias_audit.backends as s; list(s.open_backend('fake').score([])); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exports():
    assert scoring.MaskedLM.__name__ == "MaskedLM"
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        scoring.Nothing  # noqa: B018


def test_all_backends_satisfy_the_protocol(reference):
    assert isinstance(reference, Backend)
    assert isinstance(FakeBackend(), Backend)


def test_open_backend_by_name():
    assert open_backend("fake").info.kind == "fake"
    info = open_backend("reference", device="cpu", batch_size=4).info
    assert (info.name, info.kind, info.architecture) == (
        "reference",
        "masked",
        "RobertaForMaskedLM",
    )


def test_fake_is_deterministic_and_order_free():
    prompts = [
        ask(f"The {who} was a ", word)
        for who in ("man", "woman")
        for word in ("nurse", "pilot", None)
    ]
    one, two = fill(FakeBackend(), prompts), fill(FakeBackend(), prompts[::-1])[::-1]
    for a, b in zip(one, two, strict=True):
        assert str(a) == str(b)


def test_planted_bias_comes_back_exactly():
    """Invariant I-14: a shift on one cell moves the double difference by that much."""
    grid = [(g, t) for g in ("man", "woman") for t in ("nurse", "pilot")]
    prompts = [ask(f"The {g} was a ", t, group=g, target=t) for g, t in grid]

    def gap(backend):
        a, b, c, d = (score.log_prob for score in fill(backend, prompts))
        return (a - b) - (c - d)

    def planted(prompt):
        return 1.5 if (prompt.group, prompt.target) == ("man", "nurse") else 0.0

    assert gap(FakeBackend(bias=planted)) - gap(FakeBackend()) == pytest.approx(1.5, abs=1e-12)
    assert gap(FakeBackend(noise=0)) == pytest.approx(0.0, abs=1e-12)


def test_fake_open_prompts_follow_the_bias():
    backend = FakeBackend(bias=lambda p: 9.0 if p.filler == "pilot" else 0.0)
    (score,) = fill(backend, [ask("The man was a ", None)], top_k=2)
    assert score.top[0][0] == "pilot"
    assert len(score.top) == 2
    assert len(score.words) == len(backend.info.words)
    assert score.words.sum() == pytest.approx(1.0, abs=1e-6)


def test_fake_skips_progress_and_sentences():
    seen = []
    backend = FakeBackend(unscorable=["nurse"])
    scores = fill(
        backend, [ask("a ", "nurse"), ask("a ", " ")], progress=lambda *at: seen.append(at)
    )
    assert [score.skip for score in scores] == ["unscorable", "unscorable"]
    assert seen == [(2, 2)]
    (whole, empty) = totals(backend, ["one two", " "])
    assert whole[1] == 2
    assert -6 <= whole[0] <= -2
    assert (str(empty[0]), empty[1]) == ("nan", 0)
