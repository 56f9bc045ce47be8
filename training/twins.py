"""Twins of a model that learned nothing: the model sanity check has to refuse every one of them.

``fresh``     the same network, freshly initialised.
``shuffled``  the trained network with the entries of every matrix in random order; its biases, and
              with them the frequency of every word, are left: it knows words and no language.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForMaskedLM

from bias_audit.backends import open_backend
from bias_audit.pipeline.model_checks import check_sanity
from bias_audit.probes.catalogue import ProbeCatalogue

KINDS = ("fresh", "shuffled")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


def twin(folder: Path, into: Path, kind: str, seed: int) -> None:
    """Write a twin of the model in ``folder`` that has its vocabulary and none of its knowledge."""
    torch.manual_seed(seed)
    if kind == "fresh":
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        model = AutoModelForMaskedLM.from_config(config)
    else:
        model = AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 2:
                    order = torch.randperm(parameter.numel())
                    parameter.copy_(parameter.flatten()[order].view_as(parameter))
    model.float().save_pretrained(into)
    for name in TOKENIZER:
        shutil.copy(folder / name, into / name)


def checked(folder: Path, seeds: tuple[int, ...] = (1, 2, 3)) -> Iterator[dict[str, Any]]:
    """Yield the sanity check of every twin."""
    for kind in KINDS:
        for seed in seeds:
            with tempfile.TemporaryDirectory() as place:
                twin(folder, Path(place), kind, seed)
                found = check_sanity(open_backend(place), ProbeCatalogue().sanity())
            yield {"kind": kind, "seed": seed, **found.model_dump()}
