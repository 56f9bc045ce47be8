"""Plain-language pages about every word of the output: states, codes, measures, checks, files.

A page is a Markdown file of this folder. Its name is the word it explains; its front block has one
line each for a title, a kind, further words, and pages to see. Codes have title and kind from
:mod:`bias_audit.results.codes`, and need no file unless there is more to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bias_audit.errors import BiasAuditError, UnknownNameError, nearest
from bias_audit.results.codes import CODES, Code, describe
from bias_audit.utils.resources import model_dir

KINDS = {
    "outcome": "Outcomes of a comparison",
    "state": "States of a gate",
    "exit code": "Exit codes",
    "reason code": "Reasons of a gate",
    "status and reason code": "What is not measurable, or forbids an answer",
    "notice": "Notices",
    "skip": "What could not be scored",
    "measure": "Measures",
    "statistics": "Statistics",
    "finding": "Findings",
    "control": "Controls",
    "check": "Checks on every result",
    "topic": "Gates, probes and their words",
    "file": "Files and formats",
}
"""Kinds of pages with their headings, in the order of the list."""

REFERENCE = "reference"
"""The page that is the card of the bundled model."""
_SHORT = 2
"""Words of so few letters have no near spelling: 7 is no misspelling of 70."""
_CLOSE = 0.75
"""One wrong letter in four still finds a page: names are short, and many share letters."""
_FRONT = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page."""

    id: str
    """The word it explains."""
    title: str
    """What the word means, in one line."""
    kind: str
    """One of :data:`KINDS`."""
    words: tuple[str, ...]
    """Further words that lead here."""
    see: tuple[str, ...]
    """Words whose pages help."""
    text: str
    """The rest, as Markdown that reads well as plain text."""


@cache
def pages() -> tuple[Page, ...]:
    """All pages, by kind and within a kind by name.

    Raises:
        BiasAuditError: the installation lacks them, or one has no front block.
    """
    written = [_read(path) for path in sorted(Path(__file__).parent.glob("*.md"))]
    if not written:
        raise BiasAuditError(
            "the pages of 'explain' are missing from this installation",
            hint="install bias-audit again; its wheel carries them",
        )
    words = {word for page in written for word in (page.id, *page.words)}
    bare = [_of_code(code) for code in CODES.values() if code.id not in words]
    order = list(KINDS)
    return tuple(
        sorted([*written, *bare], key=lambda page: (order.index(page.kind), _rank(page.id)))
    )


def find(word: str) -> Page:
    """Return the page for a word, whatever its case and its hyphens.

    Raises:
        UnknownNameError: there is none; the message carries the nearest spelling.
    """
    by_word = {_plain(name): page for page in pages() for name in (page.id, *page.words)}
    page = by_word.get(_plain(word))
    if page is None:
        hint = "bias-audit explain lists all words"
        known = [name for name in by_word if len(name) > _SHORT < len(word.strip())]
        near = nearest(_plain(word), known, share=_CLOSE)
        raise UnknownNameError("page", word, [near] if near else [], hint=hint)
    return page


def page_text(page: Page) -> str:
    """Return the text of a page as ``explain`` prints it."""
    body = page.text
    if page.id == REFERENCE:
        body = (model_dir() / "card.md").read_text(encoding="utf-8")
    see = f"See also: {', '.join(page.see)}\n" if page.see else ""
    parts = (f"{page.id} ({page.kind}): {page.title}\n", body, see)
    return "\n".join(part for part in parts if part)


def list_pages(some: Sequence[Page]) -> str:
    """Return every page with its line, under the heading of its kind."""
    width = max(len(page.id) for page in some)
    lines: list[str] = []
    for kind, heading in KINDS.items():
        inside = [page for page in some if page.kind == kind]
        if inside:
            lines += [heading, *(f"  {p.id:{width}}  {p.title}" for p in inside), ""]
    return "\n".join(lines)


def _read(path: Path) -> Page:
    match = _FRONT.fullmatch(path.read_text(encoding="utf-8"))
    if match is None:
        raise BiasAuditError(f"the page {path.name} has no front block: install bias-audit again")
    front = dict(line.split(":", 1) for line in match[1].splitlines())
    title, kind = (front.get(key, "").strip() for key in ("title", "kind"))
    words, see = (
        tuple(word.strip() for word in front.get(key, "").split(",") if word.strip())
        for key in ("words", "see")
    )
    if path.stem in CODES and not title:
        return replace(_of_code(CODES[path.stem]), words=words, see=see, text=match[2])
    return Page(id=path.stem, title=title, kind=kind, words=words, see=see, text=match[2])


def _of_code(code: Code) -> Page:
    """Return the page of a code that the table alone explains."""
    title = describe(code.id).rstrip(".")
    return Page(id=code.id, title=title, kind=code.kind, words=(), see=(), text="")


def _plain(word: str) -> str:
    """A word without case, quotes and the choice between space, hyphen and underscore."""
    return re.sub(r"[\s_-]+", "-", word.strip().strip("`'\"").lower()).rstrip(":.,;")


def _rank(name: str) -> tuple[int, str]:
    """Exit codes by number, all other words by letter."""
    number = re.fullmatch(r"exit-(\d+)", name)
    return (int(number[1]), "") if number else (0, name)
