"""What can be asked for by name: measures and checks, and which probes each of them fits.

Light: reading a configuration and describing a probe need no more than this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Literal

from bias_audit.errors import UnknownNameError
from bias_audit.probes.probe import Probe
from bias_audit.probes.schema.text import primary_language

Kind = Literal["measure", "check"]
KINDS: tuple[Kind, ...] = ("measure", "check")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A measure or check on request."""

    id: str
    kind: Kind
    title: str
    """What it asks, in a few words."""
    unfit: Callable[[Probe], str]
    """Why it cannot be asked of a probe; empty where it can."""


def _scores_groups(probe: Probe) -> str:
    if probe.spec.mask == "group" and not probe.spec.targets.own:
        return ""
    return "it needs a probe that masks the group word, with two poles"


def _names_groups(probe: Probe) -> str:
    """The rest of a sentence is the same where the group word is scored."""
    if probe.spec.mask == "group":
        return "it needs a probe whose sentences name the group"
    return ""


def _is_open(probe: Probe) -> str:
    return "" if probe.open_frames else "it needs sentences whose mask stands after no article"


def _has_poles(probe: Probe) -> str:
    if probe.spec.targets.own:
        return "it needs two poles, and here each group has its own word"
    return ""


def _is_english(probe: Probe) -> str:
    if primary_language(probe.spec.language) != "en":
        return "its sentences are English"
    return _has_poles(probe)


_MEASURES = (
    ("lpbs", "group words against their prior (log-probability bias score)", _scores_groups),
    ("cbs", "spread of these over all groups (categorical bias score)", _scores_groups),
    ("disco", "how many likely fills depend on the group (DisCo)?", _is_open),
    ("perplexity_gap", "are sentences about one group more surprising?", _names_groups),
    ("weat", "do the vectors of words lean towards a group (WEAT, legacy)?", _has_poles),
    ("seat", "the same for words in empty sentences (SEAT, legacy)", _is_english),
    ("ceat", "the same for words in the probe's sentences (CEAT, legacy)", _has_poles),
)
_CHECKS = (
    ("surface", "does the gap hang on full stops, capitals or small words (R9)?", _has_poles),
    ("naturalness", "are the sentences about one group less natural (R12)?", _names_groups),
)

LISTED: Mapping[str, Listed] = MappingProxyType(
    {
        name: Listed(id=name, kind=kind, title=title, unfit=unfit)
        for kind, rows in zip(KINDS, (_MEASURES, _CHECKS), strict=True)
        for name, title, unfit in rows
    }
)
"""Measures first, then checks, in the order of the documentation."""


def names(kind: Kind) -> list[str]:
    """Ids of all measures, or of all checks."""
    return [listed.id for listed in LISTED.values() if listed.kind == kind]


def chosen(measures: Iterable[str], checks: Iterable[str]) -> tuple[str, ...]:
    """Return the requests that ids and globs name, each once, in the order of the list.

    Raises:
        UnknownNameError: one matches none.
    """
    found = {*_matching("measure", measures), *_matching("check", checks)}
    return tuple(name for name in LISTED if name in found)


def _matching(kind: Kind, patterns: Iterable[str]) -> set[str]:
    known = names(kind)
    found: set[str] = set()
    for pattern in patterns:
        mine = {name for name in known if fnmatchcase(name, pattern)}
        if not mine:
            raise UnknownNameError(f"{kind} on request", pattern, known)
        found |= mine
    return found
