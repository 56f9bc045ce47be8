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
from typing import TypeVar

from bias_audit import _yaml
from bias_audit._resources import data_dir
from bias_audit.errors import FileError, Problem, UnknownNameError
from bias_audit.probes import Probe, join
from bias_audit.specs import Groups, Lexicon, ProbeSpec, Sanity, Spec, TemplateSet

S = TypeVar("S", bound=Spec)


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
        self._read: dict[Path, Spec] = {}
        self._narrowed: dict[str, tuple[str, ...]] = {}

    def with_files(self, files: Sequence[Path]) -> Catalogue:
        """Return a catalogue that also knows these probe files."""
        return Catalogue(self._folders, [*self._files, *files])

    def with_groups(self, groups: Mapping[str, tuple[str, ...]]) -> Catalogue:
        """Return a catalogue in which probes (by id) use only the named groups, in that order."""
        catalogue = Catalogue(self._folders, self._files)
        catalogue._narrowed = dict(groups)
        return catalogue

    @cached_property
    def _probe_files(self) -> dict[str, Path]:
        shipped = data_dir("probes")
        found = _by_name([*shipped.glob("*.yaml"), *shipped.glob("controls/*.yaml")])
        found.pop("sanity", None)
        mine = [path for folder in self._folders for path in folder.glob("*.yaml")]
        return found | _by_name([*mine, *self._files])

    @cached_property
    def _template_files(self) -> dict[str, Path]:
        shipped = _by_name(data_dir("templates").glob("*.yaml"))
        return shipped | _by_name(path for home in self._homes for path in home.glob("*.yaml"))

    @cached_property
    def _lexicon_files(self) -> dict[str, Path]:
        shipped = _by_name(data_dir("templates").glob("lexicons/*.yaml"))
        mine = (path for home in self._homes for path in home.glob("lexicons/*.yaml"))
        return shipped | _by_name(mine)

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
        names = [name for name in self.probe_ids() if self.probe_spec(name).role == "probe"]
        wanted = list(wanted)
        chosen = {n for n in names if not wanted and suite in self.probe_spec(n).suites}
        for pattern in wanted:
            hits = [n for n in self.probe_ids() if fnmatchcase(n, pattern)]
            if "*" in pattern:
                hits = [n for n in hits if n in names]
            if not hits:
                raise UnknownNameError("probe", pattern, self.probe_ids())
            chosen.update(hits)
        for pattern in excluded:
            hits = [n for n in self.probe_ids() if fnmatchcase(n, pattern)]
            if not hits:
                raise UnknownNameError("probe", pattern, self.probe_ids())
            chosen.difference_update(hits)
        return sorted(chosen)

    def probe(self, name: str) -> Probe:
        """Return one probe joined with its templates, groups and targets.

        Raises:
            UnknownNameError: no such probe.
            FileError: a mistake in its file or in a file it refers to.
        """
        spec = self.probe_spec(name)
        use = self._narrowed.get(name)
        if use and isinstance(spec.groups, Groups):
            spec = spec.model_copy(update={"groups": spec.groups.model_copy(update={"use": use})})
        return join(self, spec, self._probe_files[name])

    def read_probe_file(self, path: Path) -> Probe:
        """Read and join a probe from any file, whether or not the catalogue knows it."""
        spec = _yaml.read(path, ProbeSpec)
        return join(self, spec, path)

    def text_of(self, kind: str, name: str) -> str:
        """Return the source text of a lexicon or template set, for digests."""
        files = self._lexicon_files if kind == "lexicon" else self._template_files
        return _yaml.read_source(files[name])

    def _get(self, kind: str, name: str, files: dict[str, Path], model: type[S]) -> S:
        path = files.get(name)
        if path is None:
            raise UnknownNameError(kind, name, files)
        known = self._read.get(path)
        if known is None:
            known = self._read[path] = _yaml.read(path, model)
            written = getattr(known, "id", name)
            if written != name:
                raise _mistake(
                    path, f"the id is '{written}', the file is called '{path.name}'",
                    f"rename the file to {written}.yaml, or write 'id: {name}'",
                )  # fmt: skip
        assert isinstance(known, model)  # noqa: S101 - one path is read as one kind only
        return known


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Index files by stem; the same stem in two folders of one layer is an error."""
    found: dict[str, Path] = {}
    for path in sorted(set(paths)):
        other = found.get(path.stem)
        if other is not None:
            raise _mistake(
                path,
                f"the name '{path.stem}' is taken by {other}",
                "give one of the two files another name and id",
            )
        found[path.stem] = path
    return found


def _mistake(path: Path, message: str, hint: str) -> FileError:
    return FileError([Problem(file=str(path), line=1, column=1, message=message, hint=hint)])
