"""Write the digests of the shipped sentences: ``python -m tests.probes.digests``.

A probe whose prompts changed must have a higher version than the stored one.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from bias_audit.pipeline.plan import PLACEBO
from tests.probes.shipped import IDS, expansions, probe

FIELDS = (
    *("template", "variant", "group", "term", "label", "target", "pole"),
    *("left", "filler", "right"),
)
DIGESTS = Path(__file__).with_name("catalogue-digests.json")


def current() -> dict[str, list[str | int]]:
    """Version of each probe, and SHA-256 over its sentences and those of its placebo groups."""
    digests: dict[str, list[str | int]] = {}
    for name in IDS:
        rows = [
            [key, *(getattr(prompt, field) for field in FIELDS)]
            for key in (name, name + PLACEBO)
            if key in expansions()
            for prompt in expansions()[key].all_prompts
        ]
        digest = hashlib.sha256(json.dumps(rows, ensure_ascii=True).encode()).hexdigest()
        digests[name] = [probe(name).spec.version, digest[:16]]
    return digests


def stored() -> dict[str, list[str | int]]:
    return json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}


def main() -> int:
    before, now = stored(), current()
    for name, (version, digest) in now.items():
        old = before.get(name, [0, digest])
        if digest != old[1] and version <= old[0]:
            print(f"{name}: its prompts changed; raise its version above {old[0]} first")
            return 1
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in now.items())
    DIGESTS.write_text(f"{{\n{lines}\n}}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
