"""What ``bias-audit probes check`` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from bias_audit import _yaml, config
from bias_audit._book import Book
from bias_audit._mistakes import in_catalogue, read_whole
from bias_audit._proofread import notes
from bias_audit._shelves import SUFFIXES
from bias_audit.catalogue import Catalogue
from bias_audit.cli import _policy
from bias_audit.errors import FileError, Problem, UnknownNameError, UsageError, visible
from bias_audit.expand import expand
from bias_audit.gates.baselines import RECORD, BaselineFile
from bias_audit.gates.waivers import read_waivers
from bias_audit.probes import Probe
from bias_audit.specs import Lexicon, ProbeSpec, Sanity, Spec, TemplateSet
from bias_audit.suites import Suites

KINDS: dict[str, type[Spec]] = {
    "probe": ProbeSpec,
    "templates": TemplateSet,
    "lexicon": Lexicon,
    "sanity": Sanity,
    "suites": Suites,
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
    homes = {path.parent for path, kind in kinds.items() if kind in ("probe", "suites")}
    catalogue = Catalogue([*folders, *sorted(homes)], homes=_templates(kinds))
    with _collecting(problems):
        catalogue.probe_ids()
    probes: list[Probe] = []
    for path, kind in kinds.items():
        with _collecting(problems):
            if kind == "config":
                _check_config(path, catalogue)
            elif kind == "waivers":
                read_waivers(path, _policy.today())
            elif kind == "baseline":
                _yaml.read(path, BaselineFile)
            elif kind == "suites":
                _check_suites(path, catalogue)
            elif kind == "probe":
                probes.append(catalogue.read_probe_file(path))
            else:
                catalogue.check_file(path, KINDS[kind])
    if problems:
        raise FileError(problems)
    for probe in probes:
        _say(probe)
    if model is not None and probes:
        from bias_audit.cli._check_model import look

        look(probes, model, options)
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


def _templates(kinds: dict[Path, str]) -> list[Path]:
    """Folders of the template sets and lexicons among the files, which may extend each other."""
    homes = {path.parent for path, kind in kinds.items() if kind == "templates"}
    lexicons = {path.parent for path, kind in kinds.items() if kind == "lexicon"}
    homes |= {folder.parent for folder in lexicons if folder.name == "lexicons"}
    return sorted({home.resolve(): home for home in homes}.values())


def _check_config(path: Path, catalogue: Catalogue) -> None:
    """Check a configuration; its gates may name probes of the files that it lists."""
    names = in_catalogue(path, catalogue)
    names(read_whole(path, names))


def _check_suites(path: Path, catalogue: Catalogue) -> None:
    """Check that every selector of every suite means something."""
    catalogue.check_file(path, Suites)
    text = _yaml.read_source(path)
    book = Book(path, text)
    for name, suite in _yaml.parse(text, Suites, str(path)).suites.items():
        for key in ("probes", "exclude"):
            for index, selector in enumerate(getattr(suite, key)):
                try:
                    catalogue.members(selector)
                except FileError:
                    raise
                except (UnknownNameError, UsageError) as error:
                    book.say(("suites", name, key, index), error.message, error.hint)
    if book.problems:
        raise FileError(book.problems)


def _kind(path: Path) -> str:
    """What a file says it is; what belongs to the configuration is known by its name."""
    named = {config.NAME: "config", config.WAIVERS: "waivers", RECORD: "baseline"}
    if path.name in named:
        return named[path.name]
    return _yaml.kind_of(_yaml.read_source(path), str(path), KINDS)


def _beside(probe: Probe) -> str:
    many = sum(len(group.words) for group in probe.beside)
    return f" and {many} beside" if many else ""


def _say(probe: Probe) -> None:
    expansion = expand(probe)
    click.echo(
        f"{probe.spec.id}: {len(probe.frames)} sentences, "
        f"{sum(len(g.words) for g in probe.groups)} group words{_beside(probe)}, "
        f"{len(probe.targets)} targets, {len(expansion.asked):,} prompts"
    )
    for skip in expansion.skips:
        click.echo(visible(f"  left out: {skip.kind} '{skip.what}' {skip.detail}"))
    for note in notes(probe, expansion):
        click.echo(visible(f"  {note}"))
