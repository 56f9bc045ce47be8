"""Turn matplotlib's SVG into markup for a page with a strict content policy.

Colours become classes, so that the style sheet owns them in light and in dark; style attributes
become plain ones; ids are renamed; numbers are rounded. The result has a title and a description.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from bias_audit.render._compact import compact, straight

_NAMESPACE = re.compile(r"^\{[^}]*\}")
_NUMBER = re.compile(r"-?\d+\.\d+")
_FONT_SIZE = re.compile(r"([\d.]+)px")
_NO_TURN = re.compile(r"rotate\(-?0(\.0+)? [^)]*\)")
_DROPPED = frozenset({"metadata", "style", "clipPath"})
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_SPACES = re.compile(r"\s+")
_AROUND = re.compile(r"\s*([MLCQzZ])\s*")
_COMMON = {"fill": "none", "font-size": "11", "stroke-linecap": "square", "text-anchor": "start"}
_KEPT_STYLES = frozenset(
    {
        "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity", "fill-opacity",
        "stroke-opacity", "text-anchor", "font-weight", "font-size",
    }
)  # fmt: skip

PALETTE: dict[str, str] = {
    "ink": "#010101", "muted": "#010102", "line": "#010103", "band": "#010104", "paper": "#010105",
    "accent": "#010106", "fail": "#010107", "unclear": "#010108", "error": "#010109",
    "pass": "#01010a", "waived": "#01010b", "skipped": "#01010c", "soft": "#01010d",
    "warm1": "#01010e", "warm2": "#01010f", "warm3": "#010110", "warm4": "#010111",
    "cool1": "#010112", "cool2": "#010113", "cool3": "#010114", "cool4": "#010115",
}  # fmt: skip
"""Stand-in colours for matplotlib; the page gives each name its real colour."""

_NAMES = {code: name for name, code in PALETTE.items()}


def adapt(source: str, *, name: str, title: str, summary: str) -> str:
    """Return the drawing as an inline ``<svg>`` named ``name``."""
    root = ET.fromstring(source)  # noqa: S314 - drawn by ourselves a moment ago, no entities
    ids: dict[str, str] = {}
    _rewrite(root, name, ids)
    _prune(root)
    for key in ("version", "width", "height"):
        root.attrib.pop(key, None)
    _inherit(root)
    compact(root)
    root.attrib.update({"role": "img", "aria-labelledby": f"{name}-t {name}-d", "class": "plot"})
    heading = ET.Element("title", {"id": f"{name}-t"})
    heading.text = title
    words = ET.Element("desc", {"id": f"{name}-d"})
    words.text = summary
    root.insert(0, words)
    root.insert(0, heading)
    text = ET.tostring(root, encoding="unicode")
    return re.sub(r">\s+<", "><", text).replace(" />", "/>")


_TAG = re.compile(r"<[^>]*>")
"""Words of a label may look like an attribute; they are never inside a tag."""


def painted(inline: str, tones: Mapping[str, str]) -> str:
    """Return an inline drawing as a file of its own, each class replaced by its colour."""
    sides = {"f": "fill", "s": "stroke"}

    def paint(match: re.Match[str]) -> str:
        pairs = (part.split("-", 1) for part in match.group(1).split())
        return "".join(f' {sides[side]}="{tones[name]}"' for side, name in pairs)

    text = inline.replace(' class="plot"', "", 1)
    text = _TAG.sub(lambda tag: re.sub(r' class="([fs]-[^"]*)"', paint, tag[0]), text)
    size = _SIZE.search(text)
    wide, tall = size.groups() if size else ("780", "400")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}"'
    sheet = f'<rect width="100%" height="100%" fill="{tones["paper"]}"/>'
    opened = text.replace("<svg", f'{head} font-family="DejaVu Sans, Verdana, sans-serif"', 1)
    return opened.replace("</desc>", f"</desc>{sheet}", 1) + "\n"


def _rewrite(element: ET.Element, name: str, ids: dict[str, str]) -> None:
    element.tag = _NAMESPACE.sub("", element.tag)
    for child in list(element):
        if _NAMESPACE.sub("", str(child.tag)) in _DROPPED:
            element.remove(child)
        else:
            _rewrite(child, name, ids)
    attributes = dict(element.attrib)
    element.attrib.clear()
    for key, value in attributes.items():
        plain = _NAMESPACE.sub("", key)
        if plain == "style":
            _restyle(element, value)
        elif plain == "id":
            element.set("id", ids.setdefault(value, _mark(name, len(ids))))
        elif plain == "href":
            target = value.removeprefix("#")
            element.set("href", "#" + ids.setdefault(target, _mark(name, len(ids))))
        elif plain == "d":
            element.set("d", straight(_tight(_NUMBER.sub(_round, value))))
        elif plain not in ("clip-path", "type"):
            element.set(plain, _NUMBER.sub(_round, value))
    if _NO_TURN.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]


def _mark(name: str, number: int) -> str:
    """A short id that no other drawing of the page has: marks are pointed at hundreds of times."""
    return f"m{hashlib.sha256(name.encode()).hexdigest()[:8]}-{number}"


def _tight(path: str) -> str:
    return _SPACES.sub(" ", _AROUND.sub(r"\1", path)).strip()


def _inherit(root: ET.Element) -> None:
    """Say once at the root what nearly every part of the drawing would repeat."""
    for element in root.iter():
        for key, value in _COMMON.items():
            if element.get(key) == value:
                del element.attrib[key]
    root.attrib.update(_COMMON)


def _round(match: re.Match[str]) -> str:
    text = f"{float(match.group()):.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def _restyle(element: ET.Element, style: str) -> None:
    classes = []
    for part in style.split(";"):
        key, _, value = (piece.strip() for piece in part.partition(":"))
        if key in ("fill", "stroke"):
            known = _NAMES.get(value.lower())
            if known:
                classes.append(f"{key[0]}-{known}")
            elif value == "none":
                element.set(key, value)
        elif key == "font":
            size = _FONT_SIZE.search(value)
            element.set("font-size", _NUMBER.sub(_round, size.group(1)) if size else "11")
            if "bold" in value or "700" in value:
                element.set("font-weight", "600")
        elif key in _KEPT_STYLES:
            element.set(key, _NUMBER.sub(_round, value.removesuffix("px")))
    if classes:
        element.set("class", " ".join(classes))


def _prune(root: ET.Element) -> None:
    used = {item.get("href", "")[1:] for item in root.iter("use")}
    for parent in root.iter():
        if parent is not root and parent.get("id") not in used:
            parent.attrib.pop("id", None)
    _drop_empty(root)


def _drop_empty(element: ET.Element) -> None:
    for child in list(element):
        _drop_empty(child)
        hollow = child.tag in ("g", "defs") and len(child) == 0
        if hollow:
            element.remove(child)
        elif child.tag == "g" and not child.attrib:
            place = list(element).index(child)
            element.remove(child)
            for offset, grandchild in enumerate(list(child)):
                element.insert(place + offset, grandchild)
