"""The same drawing in fewer bytes: dots as strokes, equal lines joined, words and looks said once.

Works on the flat list of shapes that :mod:`bias_audit.render._svg` leaves. What is painted over
what stays as it was, but for words, which go to the top.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from xml.etree import ElementTree as ET

_ROUND = re.compile(r"M0 ([\d.]+)C")
_PART = re.compile(r"([MLCQz])([^MLCQz]*)")
_OWN = {"text": frozenset({"x", "y", "transform"}), "use": frozenset({"href", "x", "y"}),
        "circle": frozenset({"cx", "cy", "r"})}  # fmt: skip
"""What each shape says for itself; of a path it is its line."""
_CLEAR = frozenset({"opacity", "fill-opacity", "stroke-opacity"})


def compact(root: ET.Element) -> None:
    """Rewrite the children of a drawing; the same drawing always becomes the same one."""
    _dots(root)
    shapes = [child for child in root if child.tag != "text"]
    words = _alike([child for child in root if child.tag == "text"])
    for child in list(root):
        root.remove(child)
    root.extend(_grouped([*_joined(shapes), *words]))


def straight(path: str) -> str:
    """Level and upright lines with one number instead of two.

    >>> straight("M1 2L9 2L9 5L1 5z")
    'M1 2H9V5H1z'
    """
    made, at = [], ["", ""]
    for kind, numbers in _PART.findall(path):
        to = numbers.split()
        if kind == "L" and len(to) == 2 and to[1] == at[1]:
            made.append(f"H{to[0]}")
        elif kind == "L" and len(to) == 2 and to[0] == at[0]:
            made.append(f"V{to[1]}")
        else:
            made.append(kind + numbers)
        at = to[-2:] or ["", ""]
    return "".join(made)


def _dots(root: ET.Element) -> None:
    """Round marks: full ones become the round ends of a stroke without length, rings circles."""
    sizes = {
        mark.get("id", ""): float(found[1])
        for definition in root.iter("defs")
        for mark in definition
        if (found := _ROUND.match(mark.get("d", "")))
    }
    for use in root.iter("use"):
        radius = sizes.get(use.get("href", "")[1:])
        if radius is not None:
            _dot(use, radius)
    for definition in root.findall("defs"):
        for mark in list(definition):
            if mark.get("id") in sizes:
                definition.remove(mark)
        if not len(definition):
            root.remove(definition)


def _dot(use: ET.Element, radius: float) -> None:
    """Turn the use of a round mark into a shape of its own."""
    tones = dict(part.split("-", 1) for part in use.get("class", "").split())
    x, y, edge = use.attrib.pop("x"), use.attrib.pop("y"), use.attrib.pop("stroke-width", "")
    del use.attrib["href"]
    if tones.get("s", tones.get("f")) != tones.get("f"):
        use.tag = "circle"
        use.attrib.update({"cx": x, "cy": y, "r": f"{radius:g}", "stroke-width": edge})
        return
    use.tag = "path"
    clear = use.attrib.pop("fill-opacity", "")
    wide = 2 * radius + (float(edge or 1) if "s" in tones else 0.0)
    use.attrib.update({"d": f"M{x} {y}h0", "class": f"s-{tones['f']}", "stroke-linecap": "round",
                       "stroke-width": f"{wide:.3g}"})  # fmt: skip
    if clear:
        use.set("stroke-opacity", clear)


def _look(shape: ET.Element) -> tuple[tuple[str, str], ...]:
    """What a shape may share with others of its kind."""
    own = _OWN.get(str(shape.tag), frozenset("d"))
    return tuple(sorted((key, value) for key, value in shape.items() if key not in own))


def _alike(words: list[ET.Element]) -> list[ET.Element]:
    """Words of the same look together, the looks in the order in which they first occur."""
    first = {look: place for place, look in reversed([*enumerate(map(_look, words))])}
    return sorted(words, key=lambda word: first[_look(word)])


def _runs(
    shapes: Iterable[ET.Element], alike: Callable[[ET.Element, ET.Element], bool]
) -> list[list[ET.Element]]:
    """Neighbours that are alike, together."""
    runs: list[list[ET.Element]] = []
    for shape in shapes:
        if runs and alike(runs[-1][0], shape):
            runs[-1].append(shape)
        else:
            runs.append([shape])
    return runs


def _joined(shapes: list[ET.Element]) -> list[ET.Element]:
    """Opaque lines and areas of the same look that follow each other become one path."""

    def alike(first: ET.Element, second: ET.Element) -> bool:
        return (
            first.tag == second.tag == "path"
            and _look(first) == _look(second)
            and not _CLEAR.intersection(first.keys())
        )

    made = []
    for run in _runs(shapes, alike):
        run[0].attrib.update({"d": "".join(s.get("d", "") for s in run)} if run[1:] else {})
        made.append(run[0])
    return made


def _grouped(shapes: list[ET.Element]) -> list[ET.Element]:
    """Neighbours of the same kind and look inside a group that has the look."""

    def alike(first: ET.Element, second: ET.Element) -> bool:
        return (
            first.tag == second.tag
            and first.tag in ("path", *_OWN)
            and _look(first) == _look(second)
        )

    made = []
    for run in _runs(shapes, alike):
        look = _look(run[0])
        if len(run) == 1 or not look:
            made += run
            continue
        group = ET.Element("g", dict(look))
        for shape in run:
            for key, _ in look:
                del shape.attrib[key]
        group.extend(run)
        made.append(group)
    return made
