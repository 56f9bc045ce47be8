"""Put into the site what its pages link to outside docs/, such as the README and probe files.

MkDocs calls the two functions. Links stay as they are in the repository, where they work too.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}
LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")
SECOND = re.compile(r"(\]\([^)\s]*#[\w-]+)-(\d+)(?=\))")
"""A link to the second heading of a name, as GitHub writes it; the site has an underscore."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of the top level, and every file that a page links to."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    for page in files.documentation_pages():
        text = Path(str(page.abs_src_path)).read_text(encoding="utf-8")
        for target in filter(None, (_outside(page, link) for link in LINK.findall(text))):
            uri = _uri(target)
            if files.get_file_from_path(uri) is None:
                files.append(File.generated(config, uri, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Lead links out of docs/ to the copies in the site."""

    def moved(match: re.Match[str]) -> str:
        target = _outside(page.file, match[1])
        if target is None:
            return match[1]
        return posixpath.relpath(_uri(target), posixpath.dirname(page.file.src_uri) or ".")

    return SECOND.sub(r"\1_\2", LINK.sub(moved, markdown))


def _outside(page: File, link: str) -> str | None:
    """The path from the top level to what a page links to, if that is no page of docs/."""
    origin = next((name for name, uri in PAGES.items() if uri == page.src_uri), None)
    here = posixpath.dirname(origin if origin else f"docs/{page.src_uri}")
    target = posixpath.normpath(posixpath.join(here, link))
    if origin is None and target.startswith("docs/"):
        return None
    return target if (ROOT / target).is_file() else None


def _uri(target: str) -> str:
    """Where a file of the repository lies in the site."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    return PAGES.get(target) or f"files/{target}"
