"""Kept scores on the command line: whether to use them, and what to say of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bias_audit.backends.cache import Cache, CacheStats
from bias_audit.errors import UsageError, visible


def choice(*, fresh: bool, no_cache: bool) -> bool | Cache:
    """What ``--fresh`` and ``--no-cache`` ask for.

    Raises:
        UsageError: the two contradict each other.
    """
    if fresh and no_cache:
        raise UsageError("--fresh keeps scores, --no-cache does not: leave one out")
    return False if no_cache else Cache(fresh=fresh)


def tell(use: CacheStats | None, *, quiet: bool, later: Sequence[str] = ()) -> None:
    """Say where scores came from, if not all of them from the model, and what went wrong.

    Args:
        use: what the store did for the run; None where there was no run.
        quiet: say only what went wrong.
        later: what went wrong when the report was written.
    """
    if use is None:
        return
    for notice in dict.fromkeys((*use.notices, *later)):
        print(f"Note: {visible(notice)}", file=sys.stderr)
    if use.found and not quiet:
        too = ", and so were the results that they give" if use.recalled else ""
        print(
            f"Note: {use.found:,} of {use.found + use.scored:,} scores were kept from earlier runs"
            f"{too} (--fresh scores anew)",
            file=sys.stderr,
        )
