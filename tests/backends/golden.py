"""Answers of two small models to every request; write: ``python -m tests.backends.golden``.

The weights come from numpy, so that they are the same with every version of torch. Scores that
change have to change ``FORMAT`` too: otherwise kept scores would be mixed with new ones.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from bias_audit.backends import MaskedLM, score_all
from bias_audit.backends.cache.keys import FORMAT
from bias_audit.records import (
    BlankRequest,
    CompletionRequest,
    FillRequest,
    ModifiedPair,
    ModifiedRequest,
    PairRequest,
    Request,
    SentenceRequest,
    SpanRequest,
)
from tests.backends import tiny_models

FILE = Path(__file__).with_name("golden.json")
MODELS = ("bert", "xlm-roberta")
NEAR = 1e-4
"""Nats that another processor may make of a score."""
PAIRS = [
    ("the man was a kind doctor.", "the woman was a kind doctor."),
    ("she worked as a receptionist", "he worked as a plumber in the zebra"),
    ("a man", ""),
]
FILLERS = ("doctor", "receptionist", "\U0001f600", "", None)
LONG = "the man and " * 30


def build(folder: Path, name: str) -> MaskedLM:
    """A model whose weights depend on their names only."""
    tiny_models.build(folder, name)
    file = folder / "model.safetensors"
    tensors = {}
    for key, old in load_file(file).items():
        rng = np.random.default_rng(zlib.crc32(key.encode()))
        values = rng.normal(0.0, 0.3, old.shape) + (1.0 if key.endswith("Norm.weight") else 0.0)
        tensors[key] = torch.from_numpy(values).to(old.dtype)
    save_file(tensors, file, metadata={"format": "pt"})
    return MaskedLM(str(folder), device="cpu", batch_size=4)


def requests() -> dict[str, list[Request[Any]]]:
    """Every kind of request: words of one and several tokens, some of which cannot be scored."""
    frames = (("the woman worked as a ", " in the man."), ("", " was kind"), (LONG, "."))
    texts = [*(text for pair in PAIRS for text in pair), LONG]
    text = PAIRS[0][0]
    spans = [(text.index(word), text.index(word) + len(word)) for word in ("man", "doctor")]
    return {
        "prompts": [
            CompletionRequest(left=left, right=right, top_k=3)
            if filler is None
            else FillRequest(left=left, filler=filler, right=right)
            for left, right in frames
            for filler in FILLERS
        ],
        "pairs": [PairRequest(first=a, second=b) for a, b in PAIRS],
        "modified": [ModifiedRequest(first=a, second=b) for a, b in PAIRS],
        "original": [
            SentenceRequest(text=t, variant="original", ranks=True, attention=True) for t in texts
        ],
        "word_l2r": [SentenceRequest(text=t) for t in texts],
        "unmasked": [
            SentenceRequest(text=t, variant="unmasked", ranks=True, attention=True) for t in texts
        ],
        "fills": [
            BlankRequest(left="the ", word="plumber", right=" was kind."),
            BlankRequest(left="the ", word="", right="."),
        ],
        "slots": [SpanRequest(text=text, word=spans[0], hidden=h) for h in ((), (spans[1],))],
    }


def answers(model: MaskedLM) -> dict[str, list[Any]]:
    """What the model says, by kind of request, ready for JSON."""
    return {
        kind: [_plain(answer) for answer in score_all(model, mine)]
        for kind, mine in requests().items()
    }


def _plain(record: Any) -> Any:
    if isinstance(record, ModifiedPair):
        return [_plain(record.first), _plain(record.second)]
    return {name: _listed(value) for name, value in asdict(record).items()}


def _listed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _listed(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_listed(part) for part in value]
    return round(value, 7) if isinstance(value, float) else value


def differences(old: Any, new: Any, place: str = "") -> list[str]:
    """Where two answers differ by more than another processor explains."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return [text for k in old for text in differences(old[k], new[k], f"{place}.{k}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        parts = enumerate(zip(old, new, strict=True))
        return [text for n, (a, b) in parts for text in differences(a, b, f"{place}[{n}]")]
    numbers = isinstance(old, float) and isinstance(new, float)
    same = math.isclose(old, new, rel_tol=0, abs_tol=NEAR) if numbers else old == new
    return [] if same else [f"{place}: {old!r} was {new!r}"[:200]]


def current() -> dict[str, Any]:
    """What both models say today."""
    with tempfile.TemporaryDirectory() as base:
        return {name: answers(build(Path(base) / name, name)) for name in MODELS}


def stored() -> dict[str, Any]:
    """The number of the format, and what they said when it was written."""
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def main() -> int:
    """Write the answers, unless they changed under the same number."""
    now = current()
    before = stored() if FILE.exists() else {"format": 0, "answers": now}
    found = differences(before["answers"], now)
    if found and before["format"] >= FORMAT:
        print(f"{found[0]}\nraise FORMAT in bias_audit/backends/cache/keys.py above {FORMAT} first")
        return 1
    FILE.write_text(json.dumps({"format": FORMAT, "answers": now}, indent=0) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
