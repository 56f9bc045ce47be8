"""Find, read and resolve lexicons, template sets and probes by name.

Files are read on first use. Folders of the user come before the shipped ones, so that a project may
replace a lexicon; see :mod:`bias_audit.probes.search_path`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from bias_audit.errors import UnknownNameError
from bias_audit.probes.extends import apply_extends
from bias_audit.probes.probe import Probe
from bias_audit.probes.resolve import resolve_probe
from bias_audit.probes.schema.lexicon import Lexicon, Sanity, TemplateSet
from bias_audit.probes.schema.probe import Groups, ProbeSpec
from bias_audit.probes.schema.text import primary_language
from bias_audit.probes.search_path import SearchPath
from bias_audit.probes.suites import DEFAULT, Suite, Suites, SuiteSelector
from bias_audit.utils.file_model import FileModel
from bias_audit.utils.problems import mistake_at
from bias_audit.utils.yaml import parse_yaml, read_source

S = TypeVar("S", bound=FileModel)


class ProbeCatalogue:
    """Lexicons, template sets and probes by id.

    Args:
        folders: folders of the user with ``*.yaml`` probes, and optionally ``templates/`` and
            ``templates/lexicons/`` below or next to them; searched before the shipped ones.
        files: single probe files.
        template_dirs: further folders of template sets, with ``lexicons/`` inside.
    """

    def __init__(
        self,
        folders: Sequence[str | Path] = (),
        files: Sequence[str | Path] = (),
        template_dirs: Sequence[str | Path] = (),
    ) -> None:
        self._search_path = SearchPath(folders, files, template_dirs)
        # what has been read, which derived catalogues share
        self._read: dict[tuple[Path, type[FileModel]], tuple[FileModel, str]] = {}
        self._narrowed: dict[str, tuple[str, ...]] = {}

    def with_files(
        self, files: Sequence[str | Path], folders: Sequence[str | Path] = ()
    ) -> ProbeCatalogue:
        """Return a catalogue that also knows these probe files, and folders of probes."""
        old = self._search_path
        more = SearchPath([*old.folders, *folders], [*old.files, *files], old.template_dirs)
        return self._derive(more, self._narrowed)

    def with_groups(self, groups: Mapping[str, tuple[str, ...]]) -> ProbeCatalogue:
        """Return a catalogue in which probes use only the named groups, in that order.

        ``groups`` has group ids by selector, see :meth:`select`; the first that fits counts.
        """
        return self._derive(self._search_path, dict(groups))

    def _derive(
        self, search_path: SearchPath, narrowed: dict[str, tuple[str, ...]]
    ) -> ProbeCatalogue:
        other = ProbeCatalogue()
        other._search_path, other._read, other._narrowed = search_path, self._read, narrowed
        return other

    def probe_ids(self) -> list[str]:
        """Ids of all probes, controls included, sorted."""
        return sorted(self._search_path.probes)

    def names(self, kind: str) -> list[str]:
        """Names of all files of a kind, sorted: ``probe``, ``templates`` or ``lexicon``."""
        attribute = {"probe": "probes", "lexicon": "lexicons"}.get(kind, kind)
        return sorted(getattr(self._search_path, attribute))

    def replacements(self, kind: str = "probe") -> dict[str, Path]:
        """Return the user's files that replace shipped ones: probes, template sets, lexicons."""
        return self._search_path.replacements[kind]

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader should know: which shipped files are replaced, and by which."""
        shipped, _, user = (
            {name: path for path in layer for name in self._load(path, Suites)[0].suites}
            for layer in self._search_path.suites
        )
        suites = {name: path for name, path in user.items() if name in shipped}
        return tuple(
            f"the {kind} '{name}' is of the user's own {path.name}, in place of the shipped one"
            for kind, files in (*self._search_path.replacements.items(), ("suite", suites))
            for name, path in sorted(files.items())
        )

    def file_of(self, name: str) -> Path:
        """Return the file of a probe; raises UnknownNameError."""
        return self._get("probe", name, self._search_path.probes, ProbeSpec)[1]

    def probe_spec(self, name: str) -> ProbeSpec:
        """Return one probe as its author wrote it.

        Raises:
            UnknownNameError: no such probe.
            FileError: its file has mistakes.
        """
        return self._get("probe", name, self._search_path.probes, ProbeSpec)[0]

    def lexicon(self, name: str) -> Lexicon:
        """Return one lexicon with what it extends; raises as :meth:`probe_spec`."""
        return apply_extends(self._raw_lexicon, *self._raw_lexicon(name))

    def template_set(self, name: str) -> TemplateSet:
        """Return one template set; raises as :meth:`probe_spec`."""
        return apply_extends(self._raw_templates, *self._raw_templates(name))

    def _raw_lexicon(self, name: str) -> tuple[Lexicon, Path, str]:
        return self._get("lexicon", name, self._search_path.lexicons, Lexicon)

    def _raw_templates(self, name: str) -> tuple[TemplateSet, Path, str]:
        return self._get("template set", name, self._search_path.templates, TemplateSet)

    def sanity(self, language: str = "en") -> Sanity | None:
        """Return the sentences of the model sanity check in a language; None without any.

        Raises:
            FileError: a mistake in their file.
        """
        tag = primary_language(language)
        path = self._search_path.sanity.get("sanity" if tag == "en" else f"sanity-{tag}")
        return None if path is None else self._load(path, Sanity)[0]

    def select(
        self, wanted: Iterable[str] = (), excluded: Iterable[str] = (), *, suite: str = DEFAULT
    ) -> list[str]:
        """Return the ids of the probes to run, sorted; controls only where they are named.

        Args:
            wanted: ids, globs, names of suites, ``axis:NAME``, ``language:TAG``; the probes of
                ``suite`` when empty.
            excluded: what to leave out, written in the same way.

        Raises:
            UnknownNameError: a selector that matches nothing.
            FileError: a mistake in a file that had to be read.
        """
        select, wanted = self._suite_selector.select, list(wanted)
        if not wanted:  # report a broken file of the user even if no suite names it
            for name in self._search_path.user_probes:
                self.probe_spec(name)
        selected = set().union(*(select(one) for one in wanted or [suite]))
        return sorted(selected.difference(*(select(one, controls=True) for one in excluded)))

    def suites(self) -> dict[str, Suite]:
        """Return the named selections; those of the user replace shipped ones of the same name.

        Raises:
            FileError: a mistake in a file, or a suite that is called as a probe is.
        """
        return dict(self._suite_selector.suites)

    def members(self, selector: str) -> list[str]:
        """Return the probes and controls that a line of a suite means, sorted.

        Raises:
            UsageError: it means nothing, or another suite.
        """
        return sorted(self._suite_selector.member(selector, controls=True))

    @cached_property
    def _suite_selector(self) -> SuiteSelector:
        suites: dict[str, Suite] = {}
        shipped, packages, user = self._search_path.suites
        for layer in (shipped, packages, user):
            owners = dict(self._search_path.probes)
            for path in layer:
                spec, text = self._load(path, Suites)
                if layer is packages:
                    owners |= dict.fromkeys(suites, shipped[0])
                for name in spec.suites:
                    if name in owners:
                        message = f"a suite cannot be called '{name}': {owners[name]} has a probe"
                        message += " or suite of that name"
                        where = ("suites", name)
                        raise mistake_at(path, text, where, message, "rename one of them")
                    owners[name] = path
                suites |= spec.suites
        return SuiteSelector(ids=tuple(self.probe_ids()), suites=suites, spec=self.probe_spec)

    def probe(self, name: str) -> Probe:
        """Return one probe joined with its templates, groups and targets.

        Raises:
            UnknownNameError: no such probe.
            FileError: a mistake in its file or in a file it refers to.
        """
        spec = self.probe_spec(name)
        use = next((g for key, g in self._narrowed.items() if self._matches(key, name)), ())
        if use:
            spec = self._narrow(spec, use)
        path = self._search_path.probes[name]
        return resolve_probe(self, spec, path, self._read[path, ProbeSpec][1])

    def _matches(self, selector: str, name: str) -> bool:
        suites = self._suite_selector
        return fnmatchcase(name, selector) or (
            suites.is_group(selector) and name in suites.select(selector, controls=True)
        )

    def check_controls(self, probe: Probe) -> None:
        """Check that the controls of a probe measure its groups.

        Raises:
            UnknownNameError: there is no such control.
            FileError: a control has no word of any of the groups: it can vouch for none of them.
        """
        mine = _identity_words(probe)
        controls = probe.spec.controls
        for kind in ("positive", "negative"):
            for place, name in enumerate(getattr(controls, kind)):
                control = self.probe(name)
                theirs = _identity_words(control)
                if mine & theirs:
                    continue
                path = Path(probe.file)
                message = f"the control '{name}' measures other groups: {_some(theirs)}, where the"
                message += f" probe compares {_some(mine)}"
                hint = "name controls of the same groups: what others show vouches for nothing here"
                where = ("controls", kind, place)
                raise mistake_at(path, read_source(path), where, message, hint)

    def read_probe_file(self, path: Path) -> Probe:
        """Read and join a probe from any file, whether or not the catalogue knows it."""
        spec, text = self._load(path, ProbeSpec)
        return resolve_probe(self, spec, path, text)

    def group_ids(self, name: str) -> list[str]:
        """Return the ids of the groups that a probe could compare; raises as :meth:`probe_spec`."""
        groups = self.probe_spec(name).groups
        return list(self.lexicon(groups.lexicon).sets if isinstance(groups, Groups) else groups)

    def check_file(self, path: Path, model: type[FileModel]) -> None:
        """Read a file as ``model``, with what it extends; raises FileError."""
        spec, text = self._load(path, model)
        if isinstance(spec, Lexicon):
            apply_extends(self._raw_lexicon, spec, path, text)
        elif isinstance(spec, TemplateSet):
            apply_extends(self._raw_templates, spec, path, text)

    def _narrow(self, spec: ProbeSpec, use: tuple[str, ...]) -> ProbeSpec:
        known = self.group_ids(spec.id)
        for group in use:
            if group not in known:
                raise UnknownNameError(f"group of {spec.id}", group, known)
        own_words = {group: word for group, word in spec.targets.own.items() if group in use}
        targets = spec.targets.model_copy(update={"own": own_words})
        if isinstance(spec.groups, Groups):
            beside = tuple(name for name in spec.groups.beside if name not in use)
            groups: Any = spec.groups.model_copy(update={"use": use, "beside": beside})
        else:
            groups = {group: spec.groups[group] for group in use}
        return spec.model_copy(update={"groups": groups, "targets": targets})

    def _get(
        self, kind: str, name: str, files: dict[str, Path], model: type[S]
    ) -> tuple[S, Path, str]:
        path = files.get(name)
        if path is None:
            raise UnknownNameError(kind, name, files)
        spec, text = self._load(path, model)
        return spec, path, text

    def _load(self, path: Path, model: type[S]) -> tuple[S, str]:
        """Read a file once, and check that it is called as its id says."""
        known = self._read.get((path, model))
        if known is None:
            text = read_source(path)
            spec = parse_yaml(text, model, str(path))
            written_id = getattr(spec, "id", path.stem)
            if written_id != path.stem:
                message = f"the id is '{written_id}', the file is called '{path.name}'"
                hint = f"rename the file to {written_id}{path.suffix}, or write 'id: {path.stem}'"
                raise mistake_at(path, text, ("id",), message, hint)
            known = self._read[path, model] = (spec, text)
        return cast("S", known[0]), known[1]


def _identity_words(probe: Probe) -> set[str]:
    """What names the groups of a probe, word by word, without the nouns that go with adjectives."""
    words = (word for group in probe.groups for word in group.words)
    return {
        part
        for word in words
        for text in (word.label, word.forms.get("sg", ""))
        for part in text.lower().split()
        if part not in word.head.lower().split()
    }


def _some(words: set[str]) -> str:
    """The first few of some words, in quotes."""
    shown = ", ".join(f"'{word}'" for word in sorted(words)[:3])
    return f"{shown} ..." if len(words) > 3 else shown
