"""``bias-audit verify``."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from bias_audit.cli.options import Place
from bias_audit.cli.output import fold, say

HELP = """Check a file of 'bundle': digests, numbers, gates, reports.

Every byte is compared with the list in the file. Then everything that the scores give is computed
again: each comparison with its interval, sentences and words, outcomes, gates, and the reports are
rendered again. So a number that follows from others is named where it was edited, even where all
digests were made anew. Nothing is unpacked to the disk, and no model is needed. What no file can
show, such as whether scores and digests are those of the model, is said at the end.

The exit code is 0 where it verifies, 1 where it does not, 2 where it is no such file.

\b
Examples:
  bias-audit verify release-1.2.zip
  bias-audit verify release-1.2.zip --sha256 9f0c...
"""


@click.command(help=HELP)
@click.argument("file", type=Place())
@click.option("--sha256", default="", help="Digest of the file, as it was noted elsewhere.")
def verify(file: Path, sha256: str) -> int:
    """Check a bundle."""
    from bias_audit.pipeline.bundle import verify_bundle

    made = verify_bundle(file, sha256)
    say(f"{file}  {'does not verify' if made.faults else 'intact'}, sha256 {made.sha256}")
    groups = (("changed", made.faults), ("checked", made.seen), ("not seen", made.unseen))
    for name, lines in groups:
        for line in lines:
            say(*fold(line, head=f"  {name:9} ", width=200))
    return 1 if made.faults else 0
