"""The catalogue: finds, reads and joins lexicons, template sets and probes.

Files are known by their name (``probes/occupation-gender.yaml`` holds the probe
``occupation-gender``) and read when they are asked for. Folders of the user come before the shipped
ones, so that a project may replace a lexicon; a name that two folders of the same user claim is an
error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from bias_audit import _yaml
from bias_audit._join import join
from bias_audit._resources import data_dir
from bias_audit.errors import FileError, Problem, UnknownNameError
from bias_audit.probes import Probe
from bias_audit.specs import Groups, Lexicon, ProbeSpec, Sanity, Spec, TemplateSet

S = TypeVar("S", bound=Spec)

SUFFIXES = (".yaml", ".yml")


class Catalogue:
    """Lexicons, template sets and probes by id.

    Args:
        folders: folders of the user with ``*.yaml`` probes, and optionally ``templates/`` and
            ``templates/lexicons/`` below or beside them; searched before the shipped ones.
        files: single probe files.
    """

    def __init__(self, folders: Sequence[Path] = (), files: Sequence[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._files = tuple(files)
        self._read: dict[tuple[Path, type[Spec]], tuple[Spec, str]] = {}
        self._narrowed: dict[str, tuple[str, ...]] = {}

    def with_files(self, files: Sequence[Path]) -> Catalogue:
        """Return a catalogue that also knows these probe files."""
        return self._like([*self._files, *files], self._narrowed)

    def with_groups(self, groups: Mapping[str, tuple[str, ...]]) -> Catalogue:
        """Return a catalogue in which probes use only the named groups, in that order.

        Args:
            groups: group ids by id or glob of the probe; the first that fits a probe counts.
        """
        return self._like(self._files, dict(groups))

    def _like(self, files: Sequence[Path], narrowed: dict[str, tuple[str, ...]]) -> Catalogue:
        """Return a catalogue of the same folders that shares what has been read."""
        other = Catalogue(self._folders, files)
        other._read, other._narrowed = self._read, narrowed
        return other

    @cached_property
    def _probe_files(self) -> dict[str, Path]:
        shipped = data_dir("probes")
        found = _by_name([*_files(shipped), *_files(shipped / "controls")])
        found.pop("sanity", None)
        mine = [path for folder in self._folders for path in _files(folder)]
        return found | _by_name([*mine, *self._files])

    @cached_property
    def _template_files(self) -> dict[str, Path]:
        shipped = _by_name(_files(data_dir("templates")))
        return shipped | _by_name(path for home in self._homes for path in _files(home))

    @cached_property
    def _lexicon_files(self) -> dict[str, Path]:
        shipped = _by_name(_files(data_dir("templates") / "lexicons"))
        return shipped | _by_name(
            path for home in self._homes for path in _files(home / "lexicons")
        )

    @property
    def _homes(self) -> list[Path]:
        """Folders called ``templates`` below or beside the user's probe folders and files."""
        starts = [*self._folders, *(path.parent for path in self._files)]
        places = [base / "templates" for start in starts for base in (start, start.parent)]
        return [place for place in dict.fromkeys(places) if place.is_dir()]

    def probe_ids(self) -> list[str]:
        """Ids of all probes, controls included, sorted."""
        return sorted(self._probe_files)

    def probe_spec(self, name: str) -> ProbeSpec:
        """Return one probe as its author wrote it.

        Raises:
            UnknownNameError: no such probe.
            FileError: its file has mistakes.
        """
        return self._get("probe", name, self._probe_files, ProbeSpec)

    def lexicon(self, name: str) -> Lexicon:
        """Return one lexicon; raises as :meth:`probe_spec`."""
        return self._get("lexicon", name, self._lexicon_files, Lexicon)

    def template_set(self, name: str) -> TemplateSet:
        """Return one template set; raises as :meth:`probe_spec`."""
        return self._get("template set", name, self._template_files, TemplateSet)

    def sanity(self) -> Sanity:
        """Return the built-in sentences of the model sanity check."""
        return _yaml.read(data_dir("probes") / "sanity.yaml", Sanity)

    def select(
        self, wanted: Iterable[str] = (), excluded: Iterable[str] = (), *, suite: str = "core"
    ) -> list[str]:
        """Return the ids of the probes to run, controls not included, sorted.

        Args:
            wanted: ids or globs; the probes of ``suite`` when empty.
            excluded: ids or globs to leave out.

        Raises:
            UnknownNameError: a name or glob that matches nothing.
        """
        wanted, chosen = list(wanted), set()
        for pattern in wanted or ["*"]:
            hits = self._matching(pattern)
            if pattern not in hits:  # a glob means probes; a control has to be named
                hits = [name for name in hits if self.probe_spec(name).role == "probe"]
            if not hits:
                raise UnknownNameError("probe", pattern, self.probe_ids())
            chosen.update(hits)
        if not wanted:
            chosen = {name for name in chosen if suite in self.probe_spec(name).suites}
        for pattern in excluded:
            chosen.difference_update(self._matching(pattern))
        return sorted(chosen)

    def _matching(self, pattern: str) -> list[str]:
        hits = [name for name in self.probe_ids() if fnmatchcase(name, pattern)]
        if not hits:
            raise UnknownNameError("probe", pattern, self.probe_ids())
        return hits

    def probe(self, name: str) -> Probe:
        """Return one probe joined with its templates, groups and targets.

        Raises:
            UnknownNameError: no such probe.
            FileError: a mistake in its file or in a file it refers to.
        """
        spec = self.probe_spec(name)
        use = next((g for key, g in self._narrowed.items() if fnmatchcase(name, key)), ())
        if use:
            spec = self._narrow(spec, use)
        path = self._probe_files[name]
        return join(self, spec, path, self._read[path, ProbeSpec][1])

    def read_probe_file(self, path: Path) -> Probe:
        """Read and join a probe from any file, whether or not the catalogue knows it."""
        spec, text = self._load(path, ProbeSpec)
        return join(self, spec, path, text)

    def group_ids(self, name: str) -> list[str]:
        """Return the ids of the groups that a probe could compare; raises as :meth:`probe_spec`."""
        groups = self.probe_spec(name).groups
        return list(self.lexicon(groups.lexicon).sets if isinstance(groups, Groups) else groups)

    def text_of(self, kind: str, name: str) -> str:
        """Return the source text of a lexicon or template set that has been read, for digests."""
        if kind == "lexicon":
            return self._read[self._lexicon_files[name], Lexicon][1]
        return self._read[self._template_files[name], TemplateSet][1]

    def check_file(self, path: Path, model: type[Spec]) -> None:
        """Read a file as ``model``; raises FileError."""
        self._load(path, model)

    def _narrow(self, spec: ProbeSpec, use: tuple[str, ...]) -> ProbeSpec:
        known = self.group_ids(spec.id)
        for group in use:
            if group not in known:
                raise UnknownNameError(f"group of {spec.id}", group, known)
        own = {group: word for group, word in spec.targets.own.items() if group in use}
        targets = spec.targets.model_copy(update={"own": own})
        if isinstance(spec.groups, Groups):
            groups: Any = spec.groups.model_copy(update={"use": use})
        else:
            groups = {group: spec.groups[group] for group in use}
        return spec.model_copy(update={"groups": groups, "targets": targets})

    def _get(self, kind: str, name: str, files: dict[str, Path], model: type[S]) -> S:
        path = files.get(name)
        if path is None:
            raise UnknownNameError(kind, name, files)
        return self._load(path, model)[0]

    def _load(self, path: Path, model: type[S]) -> tuple[S, str]:
        """Read a file once, and check that it is called as its id says."""
        known = self._read.get((path, model))
        if known is None:
            text = _yaml.read_source(path)
            spec = _yaml.parse(text, model, str(path))
            written = getattr(spec, "id", path.stem)
            if written != path.stem:
                raise _misnamed(path, text, written)
            known = self._read[path, model] = (spec, text)
        return cast("S", known[0]), known[1]


def _files(folder: Path) -> list[Path]:
    """The YAML files right in a folder, sorted."""
    return sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES)


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Index files by stem; the same stem in two folders of one layer is an error."""
    found: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in {path.resolve(): path for path in paths}.values():
        other = found.setdefault(path.stem, path)
        if other is not path:
            problems.append(
                Problem(
                    file=str(path),
                    line=1,
                    column=1,
                    message=f"the name '{path.stem}' is taken by {other}",
                    hint="give one of the two files another name and id",
                )
            )
    if problems:
        raise FileError(problems)
    return found


def _misnamed(path: Path, text: str, written: str) -> FileError:
    line, column = _yaml.places(text, str(path)).get(("id",), (1, 1))
    problem = Problem(
        file=str(path),
        line=line,
        column=column,
        message=f"the id is '{written}', the file is called '{path.name}'",
        hint=f"rename the file to {written}{path.suffix}, or write 'id: {path.stem}'",
    )
    return FileError([problem])
