"""Write what is made from the data files: ``python -m tests.probes.pages``.

Pages in ``docs/axes/`` and ``docs/catalogue/``, the schemas in ``schemas/``, and the line by which
editors find the schema in every data file. ``test_pages.py`` holds them current.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.json_schema import FILES, MODELINE, schema_of
from tests.probes import _axis_pages, _catalogue_pages

ROOT = Path(__file__).parents[2]
KIND = re.compile(r"^kind: *(\w+)", re.MULTILINE)


def notes() -> dict[str, dict[str, str]]:
    """What docs/probes.md says about every key, by model."""
    found: dict[str, dict[str, str]] = {}
    names: list[str] = []
    for line in (ROOT / "docs" / "probes.md").read_text(encoding="utf-8").splitlines():
        title = re.match(r"\*\*.*\(`([A-Z]\w+)`\)", line)
        row = re.match(r"\| `(\w+)` \| (.+) \|$", line)
        if title:
            names = [title[1]]
        elif line.startswith("#"):
            names = []
        elif row and names:
            found.setdefault(names[0], {})[row[1]] = row[2].replace("`", "'")
    return found


def schemas() -> dict[Path, str]:
    """Every schema file and its text."""
    said = notes()
    return {
        ROOT / "schemas" / f"{kind}.json": json.dumps(schema_of(model, said), indent=1) + "\n"
        for kind, model in FILES.items()
    }


def data_files() -> list[Path]:
    """Every data file of the catalogue."""
    folders = (ROOT / "probes", ROOT / "templates")
    return sorted(path for folder in folders for path in folder.rglob("*.yaml"))


def with_modeline(path: Path) -> str:
    """The text of a data file with its line for editors, right before the first key."""
    text = path.read_text(encoding="utf-8")
    kind = KIND.search(text)
    assert kind, f"{path} does not say its kind"
    bare = re.sub(rf"^{re.escape(MODELINE)}.*\n", "", text, flags=re.MULTILINE)
    schema = os.path.relpath(ROOT / "schemas" / f"{kind[1]}.json", path.parent)
    return KIND.sub(f"{MODELINE}{schema}\n\\g<0>", bare, count=1)


def wanted() -> dict[Path, str]:
    """Every file that is made from others, with its text."""
    catalogue = ProbeCatalogue()
    docs = ROOT / "docs"
    found = schemas()
    for name, text in _axis_pages.pages(catalogue).items():
        found[docs / "axes" / name] = text
    for name, text in _catalogue_pages.pages(catalogue).items():
        found[docs / "catalogue" / name] = text
    return found | {path: with_modeline(path) for path in data_files()}


def stale() -> set[Path]:
    """Pages that nothing asks for any more."""
    there = {p for name in ("axes", "catalogue") for p in (ROOT / "docs" / name).glob("*.md")}
    return there - set(wanted())


def main() -> int:
    for path, text in wanted().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    for path in stale():
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
