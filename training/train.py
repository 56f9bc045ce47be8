"""Step 2: trains the model. Stop it at any time; the same command goes on from the last checkpoint.

    python -m training.train WORK [--workers 2]

Writes ``checkpoint.pt`` and ``log.jsonl`` (loss by pieces seen, held-out figures) into WORK. On a
GPU one worker is right; on a CPU one worker a core, each with batches of its own, so that a busy
neighbour slows one core and not both at every product.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, multiprocessing

from training import measure, network, settings, warm
from training.arithmetic import faster
from training.batches import Batches, Coded, Kinds, dense
from training.optimizer import optimizers, rate_at
from training.settings import Settings

LOOK_EVERY = 16_000_000
"""Pieces between two looks at the held-out text."""
LOG_EVERY = 50
"""Steps between two lines of the log."""


class Run:
    """One worker of a training run."""

    def __init__(
        self, work: Path, options: Settings, worker: int, workers: int, start: Path | None
    ) -> None:
        self.work, self.options, self.worker, self.workers = work, options, worker, workers
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        coded, kinds = Coded.load(work / "train.npz"), Kinds.load(work / "pieces.npz")
        self.batches = Batches(coded, kinds, options)
        few = dense(coded, kinds, options.fall.dense)
        self.falling = Batches(few, kinds, options.falling, part=1)
        self.fell_at: int | None = None
        torch.manual_seed(options.seed)
        counts = np.bincount(coded.pieces, minlength=len(kinds.starts)) + 1.0
        bias = torch.from_numpy(np.log(counts / counts.sum())).float()
        self.model = network.build(options.network, len(kinds.starts), bias)
        if start is not None:
            warm.start_from(self.model, start, work / "tokenizer.json")
        self.model.to(self.device)
        self.model.train()
        self.parameters = list(self.model.parameters())
        schedule = options.schedule
        self.optimizers = optimizers(
            self.model,
            rate=schedule.rate,
            weight_decay=schedule.weight_decay,
            worker=worker,
            workers=workers,
        )
        self.step = self.seen = 0
        self.seconds = 0.0
        if (work / "checkpoint.pt").exists():
            self._load()
        self.dtype = faster(self._try_pass, self.device, workers)
        muon = self.optimizers[0]
        muon.dtype = faster(muon.try_turn, self.device, workers)

    def _try_pass(self, dtype: torch.dtype) -> None:
        """Compute a first batch forwards and backwards, and forget it."""
        self._loss(self.batches.get(self.worker), dtype)[0].backward()
        self.model.zero_grad(set_to_none=True)

    def _loss(self, batch: Any, dtype: torch.dtype) -> tuple[Tensor, int]:
        """Return the loss of a batch, and its number of pieces."""
        ids, at, wanted = (torch.from_numpy(part).to(self.device) for part in batch)
        with torch.autocast(self.device, torch.bfloat16, enabled=dtype == torch.bfloat16):
            return network.loss(self.model, ids, at, wanted), ids.numel()

    def _load(self) -> None:
        found = torch.load(self.work / "checkpoint.pt", map_location=self.device, weights_only=True)
        self.model.load_state_dict(found["model"])
        for optimizer, state in zip(self.optimizers, found["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.step, self.seen, self.seconds = found["step"], found["seen"], found["seconds"]
        self.fell_at = found.get("fell_at")

    def save(self) -> None:
        """Write the checkpoint beside the old one and rename: never half a file."""
        content = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "step": self.step,
            "seen": self.seen,
            "seconds": self.seconds,
            "fell_at": self.fell_at,
        }
        path = self.work / "checkpoint.pt"
        torch.save(content, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)

    def one_step(self) -> float:
        """Take one step; return the mean loss in nats."""
        many = self.options.schedule.batches
        batches, first = self._part()
        report = torch.zeros(2)
        for index in range(self.worker, many, self.workers):
            batch = batches.get((self.step - first) * many + index)
            loss, pieces = self._loss(batch, self.dtype)
            value = loss / many
            value.backward()
            report += torch.tensor([float(value.detach()), float(pieces)])
        if self.workers > 1:
            report = self._shared(report)
        torch.nn.utils.clip_grad_norm_(self.parameters, self.options.schedule.clip)
        self._update()
        self.step += 1
        self.seen += int(report[1])
        return float(report[0])

    def _part(self) -> tuple[Batches, int]:
        """The batches that are used now, and the step at which their numbers begin."""
        schedule = self.options.schedule
        if self.fell_at is None and self.seen >= schedule.tokens * (1 - schedule.decay):
            self.fell_at = self.step
        return (self.batches, 0) if self.fell_at is None else (self.falling, self.fell_at)

    def _shared(self, report: Tensor) -> Tensor:
        """Add up gradients and the report over the workers, in one message."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        flat = torch.cat([*(g.reshape(-1) for g in gradients), report])
        torch.distributed.all_reduce(flat)
        *parts, report = flat.split([*(g.numel() for g in gradients), 2])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return report

    def _update(self) -> None:
        schedule = self.options.schedule
        share = rate_at(
            self.seen, tokens=schedule.tokens, warm_up=schedule.warm_up, decay=schedule.decay
        )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def log(self, **content: Any) -> None:
        """Append a line to the log and print it."""
        line = json.dumps({"seen": self.seen, "step": self.step, **content})
        with (self.work / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        print(line, flush=True)


class Watch:
    """What the first worker does between steps: log, look at held-out text, save."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.losses: list[float] = []
        self.began = self.saved = time.monotonic()
        self.looks = run.seen // LOOK_EVERY

    def after(self, loss: float) -> None:
        """Note a step."""
        run, now = self.run, time.monotonic()
        self.losses.append(loss)
        if len(self.losses) == LOG_EVERY:
            speed = run.seen / max(1e-9, run.seconds + now - self.began)
            left = (run.options.schedule.tokens - run.seen) / max(1.0, speed)
            mean = sum(self.losses) / len(self.losses)
            run.log(loss=round(mean, 4), speed=round(speed), left_s=round(left))
            self.losses = []
        if run.seen // LOOK_EVERY > self.looks:
            self.looks = run.seen // LOOK_EVERY
            self.look()
        if now - self.saved > run.options.schedule.save_minutes * 60:
            self.save()

    def look(self, **more: bool) -> None:
        """Log the held-out figures."""
        found = measure.quick(self.run.model, self.run.work, self.run.options)
        self.run.log(**{name: round(value, 4) for name, value in found.items()}, **more)

    def save(self) -> None:
        """Save, and add up the time."""
        now = time.monotonic()
        self.run.seconds += now - self.began
        self.began = self.saved = now
        self.run.save()


def train(
    worker: int, workers: int, work: Path, options: Settings, meeting: str, start: Path | None
) -> None:
    """Train as one of several workers until the run is long enough, or is asked to stop."""
    cores = os.cpu_count() or 1
    torch.set_num_threads(max(1, cores // workers))
    if workers > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=worker, world_size=workers
        )
    run = Run(work, options, worker, workers, start)
    watch = Watch(run) if worker == 0 else None
    if watch:
        run.log(passes=str(run.dtype), muon=str(run.optimizers[0].dtype))
    asked = _stopper()
    halt = False
    while run.seen < options.schedule.tokens and not halt:
        loss = run.one_step()
        if watch:
            watch.after(loss)
        halt = _agreed(asked["stop"], run)
    if watch:
        watch.save()
        if not halt:
            watch.look(done=True)


def _stopper() -> dict[str, bool]:
    asked = {"stop": False}

    def remember(*_: object) -> None:
        asked["stop"] = True

    signal.signal(signal.SIGTERM, remember)
    signal.signal(signal.SIGINT, remember)
    return asked


def _agreed(mine: bool, run: Run) -> bool:
    """All workers stop after the same step, or one would wait for ever."""
    if run.workers == 1:
        return mine
    vote: Tensor = torch.tensor([float(mine)])
    torch.distributed.all_reduce(vote)
    return bool(vote.item() > 0)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="training.train", description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--start", type=Path, help="a model folder of the same size to start from")
    asked = parser.parse_args()
    options = settings.read(asked.config)
    if options.schedule.batches % asked.workers:
        raise SystemExit(f"--workers must divide the {options.schedule.batches} batches of a step")
    if asked.workers == 1:
        train(0, 1, asked.work, options, "", asked.start)
        return
    os.environ.update(  # memory that is given back and asked for again costs a tenth of the time
        OMP_NUM_THREADS="1",
        MALLOC_MMAP_THRESHOLD_="4294967296",
        MALLOC_TRIM_THRESHOLD_="8589934592",
        MALLOC_TOP_PAD_="268435456",
    )
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        multiprocessing.spawn(
            train, (asked.workers, asked.work, options, meeting, asked.start), nprocs=asked.workers
        )


if __name__ == "__main__":
    main()
