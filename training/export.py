"""Step 3: the checkpoint becomes a model folder, as ``transformers`` reads it.

    python -m training.export WORK FOLDER

float16 safetensors, the tokenizer and the configuration; ``training.json`` holds the settings, the
text's digest and the loss by pieces seen, which ``training.evaluate`` puts into the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from training import network, settings
from training.settings import Settings

FILES = ("tokenizer.json", "tokenizer_config.json")


def run(work: Path, folder: Path, options: Settings) -> str:
    """Write the model folder; return the SHA-256 of its weights."""
    checkpoint = torch.load(work / "checkpoint.pt", map_location="cpu", weights_only=True)
    vocabulary = checkpoint["model"]["lm_head.bias"].shape[0]
    model = network.build(options.network, vocabulary)
    model.load_state_dict(checkpoint["model"])
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(str(folder))
    for name in FILES:
        shutil.copy(work / name, folder / name)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    content: dict[str, Any] = {
        "settings": options.model_dump(),
        "text": json.loads((work / "text.json").read_text(encoding="utf-8")),
        "pieces_seen": checkpoint["seen"],
        "steps": checkpoint["step"],
        "hours": round(checkpoint["seconds"] / 3600, 2),
        "parameters": sum(p.numel() for p in model.parameters()),
        "sha256": digest,
        "log": [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()],
    }
    (folder / "training.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return digest


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="training.export", description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", type=Path)
    asked = parser.parse_args()
    print(run(asked.work, asked.folder, settings.read(asked.config)))


if __name__ == "__main__":
    main()
