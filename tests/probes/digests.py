"""Write the digests of the shipped prompts: ``python -m tests.probes.digests``.

A probe whose prompts changed must have a higher version than the stored one.
"""

from __future__ import annotations

import json
import sys

from tests.probes.test_catalogue import DIGESTS, current


def main() -> int:
    stored = json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}
    now = current()
    for name, (version, digest) in now.items():
        old = stored.get(name, [0, digest])
        if digest != old[1] and version <= old[0]:
            print(f"{name}: its prompts changed; raise its version above {old[0]} first")
            return 1
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in now.items())
    DIGESTS.write_text(f"{{\n{lines}\n}}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
