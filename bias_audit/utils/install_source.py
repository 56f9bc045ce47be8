"""Where this installation came from, as pip takes it again: a version, a commit, a wheel."""

from __future__ import annotations

import configparser
import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from bias_audit.utils.versions import __version__

NAME = "bias-audit"
_PLAIN = re.compile(r"[\w.+:/@=~#&%-]+")
"""What stands in YAML, Groovy and a shell without quotes."""


@dataclass(frozen=True, slots=True)
class InstallSource:
    """What pip installs to get this program again, and what that is."""

    requirement: str
    meaning: str


def find_install_source(record: str | None = None) -> InstallSource:
    """Return where this program can be installed from.

    Args:
        record: text of ``direct_url.json``, which pip writes for all that is from no index; that of
            this installation when None.
    """
    text = _direct_url() if record is None else record
    released = InstallSource(f"{NAME}=={__version__}", "this version, from an index")
    if not text:
        return released
    origin: dict[str, Any] = json.loads(text)
    found = _of_origin(origin, _without_user(origin["url"]))
    if found is None or not _PLAIN.fullmatch(found.requirement):
        meaning = f"{released.meaning}; here it came from a folder: is it on your index?"
        return InstallSource(released.requirement, meaning)
    return found


def _of_origin(origin: dict[str, Any], url: str) -> InstallSource | None:
    if "vcs_info" in origin:
        return _at_commit(url, origin["vcs_info"]["commit_id"], origin.get("subdirectory", ""))
    place = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
    if "archive_info" in origin:
        if place is None:
            return InstallSource(f"{NAME} @ {url}".replace(" ", ""), "the wheel at this address")
        return InstallSource(_near(place), "this wheel; the job needs it at this path")
    return None if place is None else _of_checkout(place)


def _of_checkout(folder: Path) -> InstallSource | None:
    """The commit of a checkout, where its repository is on the web."""
    own = folder / ".git"
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read_string((own / "config").read_text("utf-8"))
        address = config.get('remote "origin"', "url")
        commit = _commit(own, (own / "HEAD").read_text("utf-8").strip())
    except (OSError, ValueError, configparser.Error):
        return None
    if not (address.startswith("https://") and commit):
        return None
    return _at_commit(_without_user(address), commit)


def _commit(own: Path, head: str) -> str:
    """The commit that the head of a repository is at; empty where it is at none yet."""
    name = head.removeprefix("ref: ")
    if name == head:
        return head
    if (own / name).is_file():
        return (own / name).read_text("utf-8").strip()
    rows = (own / "packed-refs").read_text("utf-8").splitlines()
    return next((row.split()[0] for row in rows if row.endswith(f" {name}")), "")


def _at_commit(url: str, commit: str, subdirectory: str = "") -> InstallSource:
    inside = f"#subdirectory={subdirectory}" if subdirectory else ""
    return InstallSource(f"git+{url}@{commit}{inside}", "this commit")


def _near(path: Path) -> str:
    """A path from the working folder where it lies below it: it is the same in every checkout."""
    here = Path.cwd().resolve()
    return f"./{path.relative_to(here).as_posix()}" if path.is_relative_to(here) else str(path)


def _without_user(url: str) -> str:
    """An address without a name or a token: files are for everybody's eyes."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _direct_url() -> str:
    try:
        return metadata.distribution(NAME).read_text("direct_url.json") or ""
    except metadata.PackageNotFoundError:
        return ""
