"""Find the files of probes, template sets and lexicons: shipped, of packages, of the user.

Files are known by their name (``probes/occupation-gender.yaml`` holds the probe
``occupation-gender``). The user's files win over all others of the same name; a package may add
names and may replace none, since installing it must not change what others ask. Two files of one
layer with the same name are a mistake.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from bias_audit.errors import FileError, Problem, UsageError
from bias_audit.utils.resources import data_dir

SUFFIXES = (".yaml", ".yml")
PACKAGES = "bias_audit.probes"
"""Entry points of this group name a folder with probes inside an installed package."""
_NO_PROBE = re.compile(r"suites|sanity(-[a-z]+)?")
"""Names that mean another kind of file in a folder of probes."""


class SearchPath:
    """Index files by kind and name.

    Args:
        folders: folders of the user with ``*.yaml`` probes, and optionally ``templates/`` and
            ``templates/lexicons/`` below or next to them.
        files: single probe files of the user.
        template_dirs: folders of template sets of the user, with ``lexicons/`` inside.
    """

    def __init__(
        self,
        folders: Sequence[str | Path],
        files: Sequence[str | Path],
        template_dirs: Sequence[str | Path] = (),
    ) -> None:
        self.folders = tuple(map(Path, folders))
        self.files = tuple(map(Path, files))
        self.template_dirs = tuple(map(Path, template_dirs))

    @cached_property
    def probes(self) -> dict[str, Path]:
        """Probe files by name."""
        shipped = _by_name(_with_controls(data_dir("probes")))
        more = [path for folder in self._packages for path in _with_controls(folder)]
        return _only_probes(_add_packages(shipped, more) | self.user_probes)

    @cached_property
    def user_probes(self) -> dict[str, Path]:
        """Probe files of the user by name."""
        paths = [path for folder in self.folders for path in yaml_files(folder)]
        files = _by_name(path for path in [*paths, *self.files] if path.stem != "suites")
        return _only_probes(files)

    @cached_property
    def replacements(self) -> dict[str, dict[str, Path]]:
        """Files of the user that take the place of others of the same name, by kind and name."""
        return {
            "probe": _find_replacements(_with_controls, "probes", self.probes),
            "template set": _find_replacements(yaml_files, "templates", self.templates),
            "lexicon": _find_replacements(yaml_files, "templates/lexicons", self.lexicons),
        }

    @cached_property
    def sanity(self) -> dict[str, Path]:
        """Files of sanity sentences by name; those of others add languages and replace none."""
        places = [*self.folders, *self._packages, data_dir("probes")]
        paths = [*self.files, *(path for place in places for path in yaml_files(place))]
        return {path.stem: path for path in paths if path.stem.partition("-")[0] == "sanity"}

    @cached_property
    def suites(self) -> list[list[Path]]:
        """Files of suites in three layers: shipped, of packages, the user's own."""
        user_folders = [*self.folders, *(path.parent for path in self.files)]
        return [
            list({path.resolve(): path for place in layer for path in _suites_in(place)}.values())
            for layer in ([data_dir("probes")], self._packages, user_folders)
        ]

    @cached_property
    def templates(self) -> dict[str, Path]:
        """Template sets by name."""
        return self._layers("")

    @cached_property
    def lexicons(self) -> dict[str, Path]:
        """Lexicons by name."""
        return self._layers("lexicons")

    def _layers(self, inner: str) -> dict[str, Path]:
        shipped = _by_name(yaml_files(data_dir("templates") / inner))
        homes = _template_dirs(self._packages)
        more = [path for home in homes for path in yaml_files(home / inner)]
        starts = [*self.folders, *(path.parent for path in self.files)]
        folders = [*_template_dirs(starts), *self.template_dirs]
        user_files = [path for home in folders for path in yaml_files(home / inner)]
        return _add_packages(shipped, more) | _by_name(user_files)

    @cached_property
    def _packages(self) -> list[Path]:
        points = sorted(entry_points(group=PACKAGES), key=lambda point: (point.name, point.value))
        return list(dict.fromkeys(_folder_of(point) for point in points))


def _find_replacements(
    files: Callable[[Path], list[Path]], home: str, found: Mapping[str, Path]
) -> dict[str, Path]:
    """Return which shipped names lead to another file, whatever the file is called."""
    top, *inner = home.split("/")
    shipped = _by_name(files(data_dir(top).joinpath(*inner)))
    return {name: found[name] for name, own in shipped.items() if found.get(name, own) != own}


def yaml_files(folder: Path) -> list[Path]:
    """The YAML files right in a folder, sorted."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)


def _with_controls(folder: Path) -> list[Path]:
    return [*yaml_files(folder), *yaml_files(folder / "controls")]


def _only_probes(files: dict[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in files.items() if not _NO_PROBE.fullmatch(name)}


def _suites_in(folder: Path) -> list[Path]:
    return [path for path in yaml_files(folder) if path.stem == "suites"]


def _template_dirs(starts: Iterable[Path]) -> list[Path]:
    """Return the folders called ``templates`` below or next to folders of probes."""
    places = [base / "templates" for start in starts for base in (start, start.parent)]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def _folder_of(point: EntryPoint) -> Path:
    """Find the folder that an entry point names, and run no code of its package.

    Raises:
        UsageError: there is no such folder.
    """
    top, *inner = point.module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place, *inner)
        if folder.is_dir():
            return folder
    owner = point.dist.name if point.dist is not None else point.name
    raise UsageError(
        f"the package '{owner}' names '{point.value}' as its folder of probes, and there is none",
        hint=f"install the package again or remove it; the entry point is '{point.name}'"
        f" of the group {PACKAGES}",
    )


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Index files by stem; the same stem in two folders of one layer is an error."""
    files: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in {path.resolve(): path for path in paths}.values():
        other = files.setdefault(path.stem, path)
        if other is not path:
            hint = "give one of the two files another name and id"
            problems.append(_name_conflict(path, other, hint))
    if problems:
        raise FileError(problems)
    return files


def _add_packages(first: dict[str, Path], more: Iterable[Path]) -> dict[str, Path]:
    """Add the files of packages; raise FileError where one would replace a shipped file."""
    new = _by_name(path for path in more if path.stem != "suites")
    hint = (
        "an installed package adds names and replaces none; remove the package or rename its file"
    )
    problems = [_name_conflict(new[name], first[name], hint) for name in new if name in first]
    if problems:
        raise FileError(problems)
    return first | new


def _name_conflict(path: Path, other: Path, hint: str) -> Problem:
    message = f"the name '{path.stem}' is taken by {other}"
    return Problem(str(path), 1, 1, message, hint)
