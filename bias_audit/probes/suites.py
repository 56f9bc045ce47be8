"""Named selections of probes: the file ``suites.yaml``, and what a selector means.

A selector is the id of a probe, a glob, the name of a suite, ``axis:NAME`` or ``language:TAG``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, model_validator

from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.probes.schema.probe import ProbeSpec
from bias_audit.utils.file_model import FileModel, Id, Text, reject_duplicates

DEFAULT = "core"
"""The suite that runs when nothing is asked for."""
LABELS = "labels"
"""The same for text classifiers."""
LANGUAGE = "en"
"""The language of the shipped catalogue, and of the probes that ``axis:`` selects."""
_AXIS, _LANGUAGE = "axis:", "language:"


class Suite(FileModel):
    """A named selection of probes. A bare list is short for ``{probes: list}``."""

    short_list = "probes"

    title: Text | None = None
    """What it is for."""
    probes: tuple[Text, ...] = Field(min_length=1)
    """Ids, globs, ``axis:NAME``, ``language:TAG``; no other suite."""
    exclude: tuple[Text, ...] = ()
    """What is left out of them."""

    @model_validator(mode="after")
    def _no_twins(self) -> Suite:
        for key in ("probes", "exclude"):
            names = (((key, i), name) for i, name in enumerate(getattr(self, key)))
            reject_duplicates(names, "probe", "keep one of them")
        return self


class Suites(FileModel):
    """The file ``suites.yaml``."""

    kind: Literal["suites"]
    id: Id = "suites"
    version: int = Field(default=1, ge=1)
    title: Text | None = None
    suites: dict[Id, Suite] = Field(min_length=1)
    """The suites by name; no name may be the name of a probe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteSelector:
    """Resolve selectors to probe ids."""

    ids: tuple[str, ...]
    """Every probe and control."""
    suites: Mapping[str, Suite]
    spec: Callable[[str], ProbeSpec]
    """Reads a probe; selectors by axis or language read all, ids read none."""

    def is_group(self, selector: str) -> bool:
        """Return whether a selector is a suite, ``axis:NAME`` or ``language:TAG``."""
        return selector in self.suites or selector.startswith((_AXIS, _LANGUAGE))

    def select(self, selector: str, *, controls: bool = False) -> set[str]:
        """Return the ids that a selector means.

        Args:
            selector: id, glob, name of a suite, ``axis:NAME`` or ``language:TAG``.
            controls: let a glob match controls too; otherwise a control has to be named.

        Raises:
            UnknownNameError: it matches nothing.
        """
        suite = self.suites.get(selector)
        if suite is None:
            return self._plain(selector, controls)
        selected = set().union(*(self.member(one, controls=controls) for one in suite.probes))
        return selected.difference(*(self.member(one, controls=True) for one in suite.exclude))

    def member(self, selector: str, *, controls: bool) -> set[str]:
        """Return the ids that one line of a suite means.

        Raises:
            UsageError: it is a suite itself.
            UnknownNameError: it matches nothing.
        """
        if selector in self.suites:
            raise UsageError(
                f"a suite cannot hold the suite '{selector}'",
                hint="list its probes, or globs, axis:NAME, language:TAG",
            )
        return self._plain(selector, controls)

    def _plain(self, selector: str, controls: bool) -> set[str]:
        if selector.startswith(_AXIS):
            return self._axis(selector.removeprefix(_AXIS), controls)
        if selector.startswith(_LANGUAGE):
            return self._language(selector.removeprefix(_LANGUAGE), controls)
        matches = {name for name in self.ids if fnmatchcase(name, selector)}
        if selector not in matches and not controls:
            matches = set(self._probes(matches))
        if not matches:
            raise UnknownNameError("probe", selector, [*self.ids, *self.suites])
        return matches

    def _axis(self, axis: str, controls: bool) -> set[str]:
        specs = self._specs(controls)
        matches = {name for name, spec in specs.items() if fnmatchcase(spec.axis, axis)}
        if not matches:
            raise UnknownNameError("axis", axis, {spec.axis for spec in specs.values()})
        english = {name for name in matches if matches_language(specs[name].language, LANGUAGE)}
        if not english:
            tags = sorted({specs[name].language for name in matches})
            raise UsageError(
                f"no probe of the axis '{axis}' is in English; 'axis:' means the English ones",
                hint=f"name the probes, or write {_LANGUAGE}{tags[0]}",
            )
        return english

    def _language(self, tag: str, controls: bool) -> set[str]:
        specs = self._specs(controls)
        matches = {name for name, spec in specs.items() if matches_language(spec.language, tag)}
        if not matches:
            raise UnknownNameError("language", tag, {spec.language for spec in specs.values()})
        return matches

    def _specs(self, controls: bool) -> dict[str, ProbeSpec]:
        return {
            name: self.spec(name) for name in (self.ids if controls else self._probes(self.ids))
        }

    def _probes(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.spec(name).role == "probe"]


def matches_language(tag: str, language: str) -> bool:
    """Return whether a language tag is ``language`` or a variety of it: ``en-US`` is ``en``."""
    return tag.lower() == language.lower() or tag.lower().startswith(language.lower() + "-")
