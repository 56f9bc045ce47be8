"""New files for authors: a commented skeleton, or a copy of a probe that is there."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bias_audit.errors import UsageError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.json_schema import MODELINE
from bias_audit.utils.files import write_atomic
from bias_audit.utils.resources import read_text

PLACES = {"probe": "probes", "templates": "templates", "lexicon": "templates/lexicons"}
"""The folder of each kind of file."""
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_SCHEMAS = "schemas"


def place(kind: str, here: Path) -> Path:
    """Return the folder for a new file: the usual one below ``here``.

    A probe goes right into ``here`` where there is no folder of probes.
    """
    usual = here / PLACES[kind]
    return here if kind == "probe" and not usual.is_dir() else usual


def write_new(
    kind: str,
    name: str,
    folder: Path,
    catalogue: ProbeCatalogue,
    *,
    like: str | None = None,
    labels: bool = False,
    text: str | None = None,
) -> list[Path]:
    """Write a new file, and the schema for the author's editor where none is near.

    Args:
        kind: ``probe``, ``templates`` or ``lexicon``.
        name: id of the new file.
        folder: where it goes.
        catalogue: the names that are taken, and the probe to start from.
        like: id of a probe to copy, instead of the skeleton.
        labels: begin with a probe for text classifiers.
        text: what the file says, instead of the skeleton.

    Returns what was written, the file first.

    Raises:
        UsageError: the name cannot be used, the file is there already, or ``like`` is unknown.
    """
    _require_free(kind, name, folder, catalogue)
    path = folder / f"{name}.yaml"
    if text is None:
        blank = _skeleton("labels" if labels else kind, name)
        text = blank if like is None else _copy_of(catalogue.file_of(like), name)
    schema, is_new = _schema(kind, folder)
    line = f"{MODELINE}{Path(os.path.relpath(schema, folder)).as_posix()}"
    write_atomic(path, text.replace("\nkind:", f"\n{line}\nkind:", 1))
    if is_new:
        write_atomic(schema, read_text(_SCHEMAS, f"{kind}.json"))
        return [path, schema]
    return [path]


def require_id(name: str) -> None:
    """Refuse what cannot be the id of a file.

    Raises:
        UsageError: it cannot.
    """
    if not _ID.fullmatch(name):
        like = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
        raise UsageError(
            f"'{name[:80]}' cannot be an id: lower-case letters, digits, '-', '_' and '.'",
            hint=f"for example {like[:80]}" if like else "for example who-drinks-what",
        )


def _require_free(kind: str, name: str, folder: Path, catalogue: ProbeCatalogue) -> None:
    require_id(name)
    for path in (folder / f"{name}.yaml", folder / f"{name}.yml"):
        if path.exists():
            raise UsageError(f"{path} is there already", hint="choose another id; nothing is lost")
    if name in catalogue.names(kind) or name in catalogue.suites():
        raise UsageError(
            f"the name '{name}' is taken; a file of yours would stand in its place",
            hint=f"choose another id, for example my-{name}",
        )


def _skeleton(kind: str, name: str) -> str:
    skeleton = Path(__file__).parent / "skeletons" / f"{kind}.yaml"
    return skeleton.read_text(encoding="utf-8").replace("@ID@", name)


def _copy_of(path: Path, name: str) -> str:
    """The text of a probe under another id, at version 1 and without its line for editors."""
    text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    text = re.sub(rf"^{re.escape(MODELINE)}.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^id:.*$", f"id: {name}", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^version:.*$", "version: 1", text, count=1, flags=re.MULTILINE)
    head = f"# Begun as a copy of {path.stem}; say here what is different.\n"
    return f"{head}{text}"


def _schema(kind: str, folder: Path) -> tuple[Path, bool]:
    """The schema for files in ``folder``, and whether it has to be written.

    One that is near, in ``schemas/`` next to or above the folder, is used, up to the root of the
    repository; else it goes next to the folders of probes and templates.
    """
    start = folder.resolve()
    for home in (start, *start.parents):
        if (home / _SCHEMAS / f"{kind}.json").is_file():
            return home / _SCHEMAS / f"{kind}.json", False
        if (home / ".git").exists():
            break
    usual = PLACES[kind].split("/")
    top = start.parents[len(usual) - 1] if list(start.parts[-len(usual) :]) == usual else start
    return top / _SCHEMAS / f"{kind}.json", True
