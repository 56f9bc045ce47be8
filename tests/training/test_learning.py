"""The fast forward pass, the optimizer, and a whole small run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from bias_audit.backends import open_backend, score_all
from bias_audit.records import SentenceRequest
from training import export, measure, network, train, warm
from training.batches import Kinds
from training.optimizer import Muon, orthogonal, rate_at
from training.settings import Settings


@pytest.fixture(autouse=True, scope="module")
def one_arithmetic() -> Iterator[None]:
    """The same arithmetic in every run, so that runs can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "faster", lambda *_: torch.bfloat16)
        yield


def _question(size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(5, size, (7, 20), generator=generator)
    at = torch.randperm(ids.numel(), generator=generator)[:33].sort().values
    return ids, at, torch.randint(5, size, (33,), generator=generator)


def _size(work: Path) -> int:
    return len(Kinds.load(work / "pieces.npz").starts)


def test_the_fast_pass_is_the_shipped_network(small: Settings) -> None:
    torch.manual_seed(1)
    model = network.build(small.network, 300)
    for parameter in model.parameters():  # biases start at zero, and would hide mistakes
        torch.nn.init.normal_(parameter, std=0.1)
    ids, at, wanted = _question(300)
    mine = network.loss(model, ids, at, wanted)
    mine.backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
    model.zero_grad()
    scores = model(input_ids=ids).logits.flatten(0, 1)[at]
    plain = torch.nn.functional.cross_entropy(scores, wanted)
    plain.backward()
    assert float(mine.detach()) == pytest.approx(float(plain.detach()), rel=1e-6)
    for name, parameter in model.named_parameters():
        assert torch.allclose(gradients[name], parameter.grad, atol=1e-6, rtol=1e-4), name


def test_orthogonal_keeps_directions_and_levels_sizes() -> None:
    torch.manual_seed(2)
    matrix = torch.randn(24, 64)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix).float()
    sizes = torch.linalg.svdvals(found)
    assert sizes.min() > 0.5
    assert sizes.max() < 1.4
    close = torch.nn.functional.cosine_similarity(found.flatten(), (left @ right).flatten(), dim=0)
    assert close > 0.95
    assert orthogonal(matrix.T).shape == (64, 24)


def test_muon_goes_downhill() -> None:
    torch.manual_seed(3)
    weight = torch.nn.Parameter(torch.randn(8, 8))
    wanted = torch.randn(8, 8)
    optimizer = Muon([weight], lr=0.1, weight_decay=0.0)
    losses = []
    for _ in range(80):
        loss = (weight - wanted).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


def test_the_rate_rises_stays_and_falls() -> None:
    def rate(seen: int) -> float:
        return rate_at(seen, tokens=1000, warm_up=100, decay=0.3)

    assert rate(0) == pytest.approx(0.01)
    assert rate(99) == rate(500) == rate(700) == 1.0
    assert rate(850) == pytest.approx(0.5)
    assert rate(1000) == 0.0


@pytest.fixture(scope="module")
def whole(work: Path, small: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a small run that nothing stopped."""
    threads = torch.get_num_threads()
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(work, folder)
    train.train(0, 1, folder, small, "", None)
    yield folder
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_a_small_run_learns_and_is_exported(whole: Path, small: Settings, tmp_path: Path) -> None:
    log = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert log[-1]["done"] is True
    untrained = measure.quick(network.build(small.network, _size(whole)), whole, small)
    assert log[-1]["held_out_loss"] < 0.8 * untrained["held_out_loss"]
    _shipped(whole, small, tmp_path / "model")


@pytest.mark.slow
@pytest.mark.parametrize("steps", [4, 8], ids=["before the rate falls", "while it falls"])
def test_a_stopped_run_goes_on_where_it_was(
    work: Path, whole: Path, small: Settings, tmp_path: Path, steps: int
) -> None:
    parts = tmp_path / "parts"
    shutil.copytree(work, parts)
    shorter = train.Run(parts, small, 0, 1, None)
    for _ in range(steps):
        shorter.one_step()
    assert (shorter.fell_at is not None) is (steps == 8)
    shorter.save()
    train.train(0, 1, parts, small, "", None)
    a, b = (torch.load(f / "checkpoint.pt", weights_only=True) for f in (whole, parts))
    assert a["seen"] == b["seen"] >= small.schedule.tokens
    for name, value in a["model"].items():
        assert torch.allclose(value, b["model"][name], atol=1e-5), name


def _shipped(work: Path, small: Settings, folder: Path) -> None:
    digest = export.run(work, folder, small)
    described = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert described["sha256"] == digest
    model = AutoModelForMaskedLM.from_pretrained(str(folder), dtype=torch.float32)
    checkpoint = torch.load(work / "checkpoint.pt", weights_only=True)["model"]
    for name, value in model.state_dict().items():
        assert torch.allclose(value, checkpoint[name], atol=1e-5, rtol=1e-3), name
    backend = open_backend(str(folder))
    (score,) = score_all(backend, [SentenceRequest(text="The nurse left the house.")])
    assert score.log_probs.size >= 5
    assert np.isfinite(score.log_probs).all()
    again = network.build(small.network, _size(work))
    assert warm.start_from(again, folder, work / "tokenizer.json") == _size(work)
    for name, value in again.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
