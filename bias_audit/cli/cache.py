"""``bias-audit cache``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from bias_audit.cli.output import say

if TYPE_CHECKING:
    from bias_audit.backends.cache import ScoreStore


@click.group()
def cache() -> None:
    """Look at what runs keep, or forget it.

    A run keeps the scores of its model, so that the next run asks only what is new, and the results
    that it computed from them, for a next run with the same scores and settings.
    """


@cache.command()
def info() -> int:
    """Show where scores are kept, how many, of which models, and results of audits.

    \b
    Example:
      bias-audit cache info
    """
    store = _open()
    if store is None:
        return 0
    size, models = store.size(), store.models()
    store.close()
    say(f"{store.path}")
    say(f"{size / 1e6:,.1f} MB of at most {store.limit / 1e6:,.0f} MB")
    for model in models:
        kind = "kept" if model.text else "scores"
        say(f"{model.scores:>12,} {kind:6} {model.bytes / 1e6:>9,.1f} MB  {model.about}")
    return _print_notices(store)


@cache.command()
def clear() -> int:
    """Forget all kept scores and results; runs that are under way go on.

    \b
    Example:
      bias-audit cache clear
    """
    store = _open()
    if store is None:
        return 0
    before = store.size()
    store.clear()
    _require_open(store)
    store.close()
    say(f"{before / 1e6:,.1f} MB of scores and results are forgotten")
    return _print_notices(store)


@cache.command()
def path() -> int:
    """Print the file that scores are kept in.

    \b
    Example:
      bias-audit cache path
    """
    from bias_audit.backends.cache import NAME, default_folder

    folder = default_folder()
    say(str(folder / NAME) if folder else _nowhere())
    return 0


def _open() -> ScoreStore | None:
    """The store, unless nothing was kept yet.

    Raises:
        UsageError: the file cannot be used.
    """
    from bias_audit.backends.cache import NAME, ScoreStore, default_folder

    folder = default_folder()
    if folder is None:
        say(_nowhere())
    elif not folder.is_file() and not (folder / NAME).exists():
        say(f"nothing is kept yet; it will be in {folder / NAME}")
    else:
        store = ScoreStore(folder)
        _require_open(store)
        return store
    return None


def _require_open(store: ScoreStore) -> None:
    """Say what is wrong with the file, if anything is.

    Raises:
        UsageError: it cannot be read or written, or belongs to another program.
    """
    from bias_audit.backends.cache import VARIABLE
    from bias_audit.errors import UsageError

    if not store.is_open:
        raise UsageError(store.notices[-1], hint=f"name another folder in {VARIABLE}, or 'off'")


def _nowhere() -> str:
    from bias_audit.backends.cache import VARIABLE, switched_off

    if switched_off():
        return f"nothing is kept: {VARIABLE} is off"
    return f"nothing is kept: there is no home folder; name a folder in {VARIABLE}"


def _print_notices(store: ScoreStore) -> int:
    for notice in store.notices:
        say(f"Note: {notice}", err=True)
    return 0
