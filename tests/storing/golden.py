"""Answers of two small models to every kind of question; write: ``python -m tests.storing.golden``.

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

from bias_audit.records import Prompt
from bias_audit.scoring.masked_lm import MaskedLM
from bias_audit.sentence_scores import SlotQuestion
from bias_audit.storing.keys import FORMAT
from tests.scoring import tiny_models

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


def prompts() -> list[Prompt]:
    """Words of one and several pieces, words that cannot be scored, open and long sentences."""
    names = dict.fromkeys(("probe", "template", "variant", "group", "term", "label", "target"), "")
    frames = (("the woman worked as a ", " in the man."), ("", " was kind"), (LONG, "."))
    return [
        Prompt(**names, pole="", left=left, filler=filler, right=right)
        for left, right in frames
        for filler in FILLERS
    ]


def answers(model: MaskedLM) -> dict[str, list[Any]]:
    """What the model says, by kind of question, ready for JSON."""
    scorer = model.sentence_scorer()
    texts = [*(text for pair in PAIRS for text in pair), LONG]
    text = PAIRS[0][0]
    spans = [(text.index(word), text.index(word) + len(word)) for word in ("man", "doctor")]
    slots = [SlotQuestion(text=text, word=spans[0], hidden=h) for h in ((), (spans[1],))]
    given = {
        "prompts": model.fill_mask(prompts(), top_k=3),
        "pairs": scorer.pairs(PAIRS),
        "modified": scorer.modified(PAIRS),
        "original": scorer.pieces(texts, variant="original", ranks=True, attention=True),
        "word_l2r": scorer.pieces(texts, variant="word_l2r"),
        "unmasked": scorer.unmasked(texts, attention=True),
        "fills": scorer.fills([("the ", "plumber", " was kind."), ("the ", "", ".")]),
        "slots": scorer.slots(slots),
    }
    return {kind: [_plain(record) for record in records] for kind, records in given.items()}


def _plain(record: Any) -> Any:
    if isinstance(record, tuple):
        return [_plain(part) for part in record]
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
        print(f"{found[0]}\nraise FORMAT in bias_audit/storing/keys.py above {FORMAT} first")
        return 1
    FILE.write_text(json.dumps({"format": FORMAT, "answers": now}, indent=0) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
