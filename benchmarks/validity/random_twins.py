"""Networks that were never trained: does an audit say anything of one, or a gate let it pass?"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.validity._table import Table
from benchmarks.validity.controls import OUTCOMES
from bias_audit.backends import open_backend
from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.run import audit

FAST = Settings(resamples=199, divergence_resamples=99)
LIMITS = (0.223, 1.0, 3.0)
"""The last one is the largest that a gate takes: no gap of an untrained network comes near it."""
GATES = tuple(GateConfig(id=f"size-{limit:g}", probe="*", max=limit) for limit in LIMITS)
SMALL = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "intermediate_size": 256,
}
SIZES: dict[str, dict[str, int]] = {"small": SMALL, "of the bundled model's size": {}}
"""What differs from the bundled model's configuration."""


def save_twin(folder: Path, seed: int, other: dict[str, int]) -> None:
    """Save a network of the bundled model's kind with its tokenizer and weights drawn anew."""
    import torch
    import transformers

    from bias_audit.backends.hf.model_files import REFERENCE

    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((REFERENCE / name).read_bytes())
    told = json.loads((REFERENCE / "config.json").read_text(encoding="utf-8"))
    told |= {"dtype": "float32"} | other
    config = transformers.AutoConfig.for_model(**told)
    torch.manual_seed(seed)
    transformers.AutoModelForMaskedLM.from_config(config).save_pretrained(folder)


def twins(
    number: int, seed: int, deadline: float | None = None, probes: Sequence[str] = ("core",)
) -> Table:
    """Audit untrained networks; count outcomes, and the states of loose and tight gates.

    Past the deadline (of ``time.monotonic``) no further one of a size is begun after the first.
    """
    head = ("untrained networks", "audited", "comparisons", "association", "small", "open",
            "not measurable", "gates", "pass", "unclear", "fail")  # fmt: skip
    table = Table("random-twins", head)
    for name, other in SIZES.items():
        states: Counter[str] = Counter()
        outcomes: Counter[str | None] = Counter()
        audited = 0
        while audited < number and not (audited and late(deadline)):
            with tempfile.TemporaryDirectory() as folder:
                save_twin(Path(folder), seed + audited, other)
                done = audit(open_backend(folder), probes=probes, settings=FAST)
            judged = judge(done.results, Policy(gates=GATES), {})
            states.update(gate.state for gate in judged.gates)
            outcomes.update(r.outcome for r in done.results.results if r.role == "primary")
            audited += 1
            print(f"untrained network {audited} of {number}, {name}", file=sys.stderr, flush=True)
        table.add(
            name,
            f"{audited}",
            f"{outcomes.total()}",
            *(f"{outcomes[outcome]}" for outcome in OUTCOMES),
            f"{states.total()}",
            *(f"{states[state]}" for state in ("pass", "unclear", "fail")),
            holds=not (outcomes["association"] or outcomes["small"] or states["pass"]),
        )
    table.note = f"Probes: {', '.join(probes)}."
    return table


def late(deadline: float | None) -> bool:
    """Whether the time is up."""
    return deadline is not None and time.monotonic() > deadline
