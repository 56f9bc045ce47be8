"""Reads a rendered page back with the standard library's parser, as a check on its shape."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})
SILENT = frozenset({"style", "script"})


class Page(HTMLParser):
    """Collects elements, text and mistakes of nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.mistakes: list[str] = []
        self.elements: list[tuple[str, dict[str, str], tuple[str, ...]]] = []
        """(tag, attributes, names of the elements around it)"""
        self.words: list[str] = []
        self.figures: list[dict[str, list[str]]] = []
        """Text of each figure, by the tag it stands in."""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}, tuple(self.open)))
        if tag == "figure":
            self.figures.append({})
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}, tuple(self.open)))
        if "svg" not in self.open:
            self.mistakes.append(f"self-closed {tag}")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.mistakes.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in SILENT:
            return
        self.words.append(data)
        if "figure" in self.open and data.strip():
            self.figures[-1].setdefault(self.open[-1], []).append(data.strip())

    @property
    def text(self) -> str:
        """The visible words, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element with this tag."""
        return [attributes for name, attributes, _ in self.elements if name == tag]
