"""What ``bias-audit probes check`` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit import _yaml, config
from bias_audit.catalogue import SUFFIXES, Catalogue
from bias_audit.errors import FileError, Problem, UsageError, visible
from bias_audit.expand import expand
from bias_audit.probes import Probe
from bias_audit.specs import Lexicon, ProbeSpec, Sanity, Spec, TemplateSet

KINDS: dict[str, type[Spec]] = {
    "probe": ProbeSpec,
    "templates": TemplateSet,
    "lexicon": Lexicon,
    "sanity": Sanity,
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
    kinds: dict[Path, str] = {}
    for path in files:
        with _collecting(problems):
            kinds[path] = _kind(path)
    homes = {path.parent for path, kind in kinds.items() if kind == "probe"}
    catalogue = Catalogue([*folders, *sorted(homes)])
    with _collecting(problems):
        catalogue.probe_ids()
    probes: list[Probe] = []
    for path, kind in kinds.items():
        with _collecting(problems):
            if kind == "config":
                config.check_names(config.read(path), path, catalogue)
            elif kind == "probe":
                probes.append(catalogue.read_probe_file(path))
            else:
                catalogue.check_file(path, KINDS[kind])
    if problems:
        raise FileError(problems)
    for probe in probes:
        _say(probe)
    if model is not None and probes:
        _with_model(probes, model, options)
    click.echo(f"{len(files)} file{'s' if len(files) != 1 else ''} without a mistake")
    return 0


@contextmanager
def _collecting(problems: list[Problem]) -> Iterator[None]:
    """Take the mistakes of one file and go on with the next."""
    try:
        yield
    except FileError as error:
        problems += error.problems


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    found: dict[Path, Path] = {}
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
            if not inside:
                raise UsageError(f"no YAML file in {path}", hint="probe files end in .yaml")
        elif not path.exists():
            raise UsageError(f"no such file: {path}")
        for one in inside:
            found.setdefault(one.resolve(), one)
    return found.values()


def _kind(path: Path) -> str:
    """What a file says it is; the configuration is known by its name."""
    if path.name == config.NAME:
        return "config"
    return _yaml.kind_of(_yaml.read_source(path), str(path), KINDS)


def _say(probe: Probe) -> None:
    expansion = expand(probe)
    click.echo(
        f"{probe.spec.id}: {len(probe.frames)} sentences, "
        f"{sum(len(g.words) for g in probe.groups)} group words, {len(probe.targets)} targets, "
        f"{len(expansion.prompts):,} prompts"
    )
    for skip in expansion.skips:
        click.echo(visible(f"  left out: {skip.kind} '{skip.what}' {skip.detail}"))
    if probe.spec.card is None and probe.spec.role == "probe":
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
