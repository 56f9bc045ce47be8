"""Put into the site what its pages link to outside docs/: README, notebooks, probe files.

MkDocs calls the two functions. Links stay as they are in the repository, where they work too.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "examples/audit_your_model.ipynb": "audit-your-model.md",
    "examples/write_a_probe.ipynb": "write-a-probe.md",
}
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")
SECOND = re.compile(r"(\]\([^)\s]*#[\w-]+)-(\d+)(?=\))")
"""A link to the second heading of a name, as GitHub writes it; the site has an underscore."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of the top level, and every file that a page links to."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = _markdown(text) if name.endswith(".ipynb") else text
        files.append(File.generated(config, page, content=text))
    for page in files.documentation_pages():
        links = LINK.findall(page.content_string)
        for target in filter(None, (_outside(page, link) for link in links)):
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


def _markdown(notebook: str) -> str:
    """Return a notebook as a page: its text, its code, and what came of it."""
    parts = []
    for cell in json.loads(notebook)["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            text = "".join(data.get("text/plain", output.get("text", "")))
            html = STYLE.sub("", "".join(data.get("text/html", "")))
            parts.append(html or f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


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
