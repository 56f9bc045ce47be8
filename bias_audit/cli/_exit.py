"""The exit code of a command that judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from bias_audit.results.io import Results


def finish(results: Results, *, exit_zero: bool, strict: bool) -> int:
    """Return the exit code, and say what flags did to it."""
    code = results.exit_code
    if strict and code == 3 and any("not pinned" in n for n in results.model.notices):
        click.echo("Error: --strict needs a pinned revision (--revision COMMIT)", err=True)
    if exit_zero and code in (1, 3):
        click.echo(f"Note: --exit-zero turned exit code {code} into 0", err=True)
        return 0
    return code
