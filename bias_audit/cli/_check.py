"""What ``bias-audit probes check`` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit import _yaml
from bias_audit.catalogue import Catalogue
from bias_audit.errors import FileError, Problem, UsageError
from bias_audit.expand import expand
from bias_audit.probes import Probe
from bias_audit.specs import Lexicon, ProbeSpec, Spec, TemplateSet

KINDS: dict[str, type[Spec]] = {
    "probe": ProbeSpec,
    "templates": TemplateSet,
    "lexicon": Lexicon,
}


def check_files(
    paths: Iterable[Path], folders: Sequence[Path], model: str | None, options: dict[str, Any]
) -> int:
    """Check files and folders of files; with a model, count what its vocabulary loses.

    Raises:
        FileError: all mistakes of all files.
        UsageError: there is no file.
    """
    files = list(_files(paths))
    problems: list[Problem] = []
    probes: list[Probe] = []
    homes = {path.parent for path in files if path.parent.name != "lexicons"}
    catalogue = Catalogue([*folders, *sorted(homes)])
    for path in files:
        try:
            kind = _kind(path)
            if kind is ProbeSpec:
                probes.append(catalogue.read_probe_file(path))
            else:
                _yaml.read(path, kind)
        except FileError as error:
            problems += error.problems
    if problems:
        raise FileError(dict.fromkeys(problems))
    for probe in probes:
        _say(probe)
    if model is not None and probes:
        _with_model(probes, model, options)
    click.echo(f"{len(files)} file{'s' if len(files) != 1 else ''} without a mistake")
    return 0


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix in {".yaml", ".yml"})
            if not found:
                raise UsageError(f"no YAML file in {path}", hint="probe files end in .yaml")
            yield from (p for p in found if p.stem != "sanity")
        elif path.exists():
            yield path
        else:
            raise UsageError(f"no such file: {path}")


def _kind(path: Path) -> type[Spec]:
    """Which kind of file it says it is."""
    first = next(
        (
            line.partition(":")[2].strip()
            for line in _yaml.read_source(path).splitlines()
            if line.startswith("kind:")
        ),
        "probe",
    )
    return KINDS.get(first.split("#")[0].strip().strip("\"'"), ProbeSpec)


def _say(probe: Probe) -> None:
    expansion = expand(probe)
    click.echo(
        f"{probe.spec.id}: {len(probe.frames)} sentences, "
        f"{sum(len(g.words) for g in probe.groups)} group words, {len(probe.targets)} targets, "
        f"{len(expansion.prompts):,} prompts"
    )
    for skip in expansion.skips:
        click.echo(f"  left out: {skip.kind} '{skip.what}' {skip.detail}")
    if probe.spec.card is None:
        click.echo("  no measurement card: it will be measured and never judged")
    if len(probe.frames) < 8:
        click.echo(f"  {len(probe.frames)} sentences: at least 8 are needed for a verdict")


def _with_model(probes: Sequence[Probe], model: str, options: dict[str, Any]) -> None:
    """Score one sentence per probe with every target: pieces per word, and what is lost."""
    from bias_audit.records import OpenScore, WordScore
    from bias_audit.scoring import open_backend

    backend = open_backend(model, **options)
    for probe in probes:
        seen: dict[str, Any] = {}
        opened: list[Any] = []
        for prompt in expand(probe).prompts:
            if prompt.filler is None:
                opened.append(prompt)
            else:
                seen.setdefault((prompt.pole, prompt.filler.lower()), prompt)  # type: ignore[call-overload]
        answers = backend.fill_mask([*seen.values(), *opened[:4]])
        pieces: dict[int, int] = {}
        for prompt, answer in zip([*seen.values(), *opened[:4]], answers, strict=True):
            if isinstance(answer, OpenScore):
                if answer.word_mass < 0.8:
                    click.echo(f"  low word mass ({answer.word_mass:.0%}): {prompt.text}")
            elif isinstance(answer, WordScore) and answer.skip:
                click.echo(f"  lost ({prompt.pole}): '{prompt.filler}' {answer.detail}")
            else:
                pieces[answer.pieces] = pieces.get(answer.pieces, 0) + 1
        counts = ", ".join(f"{n} of {size} piece(s)" for size, n in sorted(pieces.items()))
        click.echo(f"  {probe.spec.id} with {backend.info.name}: scored words: {counts}")
