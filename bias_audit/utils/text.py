"""Numbers as people read them; texts as tables hold them and as a model reads them."""

from __future__ import annotations

import math
import re
import unicodedata

LARGEST_PRINTED = 100_000
_FORMULA = re.compile("(?:'*)[ \t\r\n]*[=+\\-@\uff1d\uff0b\uff0d\uff20].", re.DOTALL)
"""What a spreadsheet runs, however many apostrophes keep it from that; a sign alone is none."""


def number(value: float) -> str:
    """Two to three significant digits, no exponent: 0.042, 1.25, 3.1, 120."""
    size = abs(value)
    if size > LARGEST_PRINTED:
        return f"more than {LARGEST_PRINTED:,}"
    if 0 < size < 1 / LARGEST_PRINTED:
        return f"less than {1 / LARGEST_PRINTED:g}"
    if value == 0:
        return "0"
    digits = max(0, (2 if 1 <= size < 2 else 1) - math.floor(math.log10(size)))
    return f"{value:.{digits}f}" if size < 100 else f"{value:.0f}"


def times(nats: float) -> str:
    """The size of a gap as times, with as many digits as tell it from none.

    >>> times(0.405), times(-0.405), times(0.001), times(0.0)
    ('1.50', '1.50', '1.001', '1')
    """
    ratio = math.exp(min(abs(nats), 700.0))
    if 0 < ratio - 1 < 0.005:
        return f"{ratio:.{min(-math.floor(math.log10(ratio - 1)), 9)}f}"
    return number(ratio) if ratio != 1 else "1"


def size_in(value: float, unit: str) -> str:
    """A size in words, gaps in times.

    >>> size_in(0.405, "nats"), size_in(-3.4, "points")
    ('1.50 times', '3.4 points')
    """
    return f"{times(value)} times" if unit == "nats" else f"{number(abs(value))} {unit}".rstrip()


def sizes_apart(one: float, other: float, unit: str) -> tuple[str, str]:
    """Two sizes in words, with as many digits as tell them apart.

    >>> sizes_apart(1.0, 0.999, "nats")
    ('2.718 times', '2.716 times')
    """
    texts = size_in(one, unit), size_in(other, unit)
    for digits in range(3, 10):
        if texts[0] != texts[1] or one == other:
            break
        values = [math.exp(abs(v)) if unit == "nats" else abs(v) for v in (one, other)]
        first, second = (f"{v:.{digits}g} {'times' if unit == 'nats' else unit}" for v in values)
        texts = first, second
    return texts


def quote(name: str) -> str:
    """A model's name in quotation marks where it could be read as a word of the sentence.

    >>> quote("reference"), quote("bert-base-uncased")
    ('"reference"', 'bert-base-uncased')
    """
    return f'"{name}"' if re.fullmatch(r"[^\W\d_]+", name) else name


def csv_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs as a formula.

    >>> csv_cell("=1+1"), read_csv_cell(csv_cell("=1+1")), csv_cell("'t was")
    ("'=1+1", '=1+1', "'t was")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def read_csv_cell(cell: str) -> str:
    """Return the text of such a cell."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


def same_text(text: str) -> str:
    """Return what two texts have in common that differ in case, spacing or composition only."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
