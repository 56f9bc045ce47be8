"""Networks that were never trained: does any gate let one pass?"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.validity._table import Table
from bias_audit.assess import Settings
from bias_audit.auditing import audit
from bias_audit.config import GateConfig
from bias_audit.gates import judge
from bias_audit.policy import Policy
from bias_audit.scoring import open_backend

FAST = Settings(resamples=199, divergence_resamples=99)
LIMITS = (0.223, 1.0, 3.0)
"""The last one is the largest that a gate takes: no gap of an untrained network comes near it."""
GATES = tuple(GateConfig(id=f"size-{limit:g}", probe="*", max=limit) for limit in LIMITS)
SIZES = {"small": (2, 64), "of the bundled model's size": (4, 256)}
"""Layers and width."""


def save_twin(folder: Path, seed: int, layers: int, width: int) -> None:
    """Save a network of the bundled model's kind with its tokenizer and weights drawn anew."""
    import torch
    import transformers

    from bias_audit.scoring._folder import REFERENCE

    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((REFERENCE / name).read_bytes())
    told = json.loads((REFERENCE / "config.json").read_text(encoding="utf-8"))
    told |= {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": 4}
    told |= {"intermediate_size": 4 * width, "dtype": "float32"}
    config = transformers.RobertaConfig(**told)
    torch.manual_seed(seed)
    transformers.RobertaForMaskedLM(config).save_pretrained(folder)


def twins(number: int, seed: int) -> Table:
    """Audit untrained networks with the core probes and judge them by loose and tight gates."""
    table = Table(
        "random-twins", ("untrained networks", "audited", "gates", "pass", "unclear", "fail")
    )
    for name, (layers, width) in SIZES.items():
        states: Counter[str] = Counter()
        for place in range(number):
            with tempfile.TemporaryDirectory() as folder:
                save_twin(Path(folder), seed + place, layers, width)
                done = audit(open_backend(folder), settings=FAST)
            judged = judge(done.results, Policy(gates=GATES), {})
            states.update(gate.state for gate in judged.gates if gate.enforced)
        counts = [f"{states[state]}" for state in ("pass", "unclear", "fail")]
        table.add(name, f"{number}", f"{states.total()}", *counts, holds=states["pass"] == 0)
    return table
