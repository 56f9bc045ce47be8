"""What ``bias-audit probes names`` does: a table of counts becomes a lexicon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit.errors import UsageError, visible

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


def make_lexicon(table: Path, model: str | None, options: dict[str, Any]) -> int:
    """Write a lexicon of matched names, or print it; what was left out goes to standard error."""
    from bias_audit import naming
    from bias_audit.utils.files import write_atomic

    sets = _sets(options.pop("groups"))
    output: Path | None = options.pop("output")
    most, share, source = (options.pop(key) for key in ("count", "share", "source"))
    _require_new(output)
    matched = naming.match(
        naming.read_counts(table),
        list(sets.values()),
        most=most,
        share=share,
        pieces=None if model is None else _pieces(model, options),
    )
    text = naming.lexicon_text(
        matched,
        name=output.stem if output else "names",
        sets=list(sets),
        source=source or table.name,
        share=share,
    )
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomic(output, text)
    for line in naming.summary(matched, most):
        click.echo(visible(line), err=True)
    return 0


def _sets(text: str) -> dict[str, str]:
    """Read ``women=F,men=M``: the group in the table for each set of the lexicon."""
    pairs = [part.partition("=") for part in text.split(",")]
    sets = {name.strip(): (group or name).strip() for name, _, group in pairs}
    if len(sets) < 2 or len(sets) < len(pairs) or not all(map(_ID.fullmatch, sets)):
        raise UsageError(
            f"expected --groups with at least two sets, got '{text}'",
            hint="name each set and its group in the table: --groups women=F,men=M",
        )
    if len(set(sets.values())) < len(sets):
        raise UsageError(f"--groups names a group twice: '{text}'", hint="one set for each group")
    return sets


def _require_new(output: Path | None) -> None:
    if output is None:
        return
    if output.suffix not in (".yaml", ".yml") or not _ID.fullmatch(output.stem):
        raise UsageError(
            f"expected -o with the name of a lexicon file, got '{output}'",
            hint="lower-case letters, digits and '-', such as names.yaml",
        )
    if output.exists():
        hint = "move it away, or choose another name"
        raise UsageError(f"{output} is here already, and nothing is overwritten", hint=hint)


def _pieces(model: str, options: dict[str, Any]) -> Any:
    """A function that says into how many pieces a model's vocabulary cuts names."""
    from bias_audit.backends import open_backend, score_all
    from bias_audit.records import FillRequest

    backend = open_backend(model, **{k: v for k, v in options.items() if v is not None})

    def count(names: Sequence[str]) -> list[int]:
        requests = [FillRequest(left="We met ", filler=n, right=" there.") for n in names]
        return [0 if a.skip else a.pieces for a in score_all(backend, requests)]

    return count
