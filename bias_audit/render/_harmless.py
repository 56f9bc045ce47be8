"""Whether a drawing that was kept in a file may stand in a page: marks and words, nothing else."""

from __future__ import annotations

import re

_PAINTED = "fill stroke stroke-width stroke-dasharray stroke-linecap opacity fill-opacity"
_WORDED = "stroke-opacity text-anchor font-weight font-size"
_LOOK = frozenset(f"class {_PAINTED} {_WORDED} transform".split())
_ALLOWED: dict[str, frozenset[str]] = {
    "svg": _LOOK | {"viewBox", "role", "aria-labelledby"},
    "title": frozenset({"id"}),
    "desc": frozenset({"id"}),
    "defs": frozenset(),
    "g": _LOOK | {"id"},
    "path": _LOOK | {"id", "d"},
    "circle": _LOOK | {"id", "cx", "cy", "r"},
    "use": _LOOK | {"x", "y", "href"},
    "text": _LOOK | {"x", "y"},
}
"""Elements of our charts with their attributes. None of them runs, loads or leads anywhere."""
_WORDS = frozenset({"title", "desc", "text"})
"""Elements that hold words and no others."""
_TAG = re.compile(r"<(/?)([A-Za-z]+)((?: [A-Za-z-]+=\"[^\"<>]*\")*)(/?)>")
_ATTRIBUTE = re.compile(r" ([A-Za-z-]+)=\"([^\"]*)\"")
_TEXT = re.compile(r"(?:[^<>&]|&(?:lt|gt|amp|quot|#\d{1,7});)*")
_VALUE = re.compile(r"[A-Za-z0-9#%(),.+ \-]*")
"""What values are made of: numbers, paths, names. No colon, so no address."""
_FRAGMENT = re.compile(r"#[A-Za-z0-9_-]+")


def harmless(svg: str) -> bool:
    """Say whether a text is one drawing like ours: whole, and without script, style or address.

    Every character is accounted for, and elements close in the order in which they opened, so that
    a browser reads it as this function does.
    """
    at, opened, begun = 0, list[str](), False
    while at < len(svg):
        tag = _TAG.match(svg, at)
        if tag is None or (begun and not opened):
            return False
        begun, at = True, tag.end()
        if not _fits(tag, opened):
            return False
        text = _TEXT.match(svg, at)
        words = text[0] if text else ""
        if words and not (opened and opened[-1] in _WORDS):
            return False
        at += len(words)
    return begun and not opened


def _fits(tag: re.Match[str], opened: list[str]) -> bool:
    """Whether a tag may stand where it does; ``opened`` is kept up to date."""
    closing, name, attributes, empty = tag.groups()
    if closing:
        return not attributes and not empty and bool(opened) and opened.pop() == name
    root = name == "svg"
    inside = opened[-1] if opened else ""
    if name not in _ALLOWED or root != (not opened) or inside in _WORDS:
        return False
    if not empty:
        opened.append(name)
    return all(_plain(name, key, value) for key, value in _ATTRIBUTE.findall(attributes))


def _plain(name: str, key: str, value: str) -> bool:
    if key not in _ALLOWED[name]:
        return False
    return bool((_FRAGMENT if key == "href" else _VALUE).fullmatch(value))
