"""Text and numbers as readers see them: cleaning, shortening, one way to print each quantity.

Every string of an audit may come from a stranger's file or a model's vocabulary, so all of them
pass through :func:`tidy` before a renderer sees them.
"""

from __future__ import annotations

import math
import re
from operator import is_
from typing import Any

from bias_audit.errors import visible
from bias_audit.results import Record, Results
from bias_audit.utils.scales import gap_scale, scale_of

_LONG_FIELDS = frozenset(
    {
        "message", "detail", "headline", "reason", "command", "purpose", "statement",
        "measures", "harm", "expected", "source", "power", "limits",
    }
)  # fmt: skip
"""Prose, of measurement cards too, which is printed whole."""
_SENTENCE_FIELDS = frozenset({"text_a", "text_b", "title", "question", "direction", "condition"})
_SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_ASCII = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "×": "x", "÷": "/", "…": "...", "“": '"', "”": '"',
        "‘": "'", "’": "'", "\u00a0": " ", "\u202f": " ", "±": "+/-", "≤": "<=", "≥": ">=",
        "→": "->", "·": "-", "†": "+", "‡": "++",
    }
)  # fmt: skip


def clean(text: str) -> str:
    """Show what is hidden or would be obeyed as escapes, in one line.

    >>> clean("a\\x00b\\u202ec\\td")
    'a\\\\x00b\\\\u202ec d'
    """
    return visible(_SPACES.sub(" ", text))


def clip(text: str, limit: int) -> str:
    """Cut a text that is longer than ``limit`` and say how long it was."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()}… ({len(text):,} characters)"


def short(text: str, limit: int = 36) -> str:
    """Cut a label without a note, for charts and narrow columns."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def middle(text: str, limit: int) -> str:
    """Cut a label inside, where its two ends tell it from others.

    >>> middle("occupation-gender: women - men", 20)
    'occupat…: women - men'
    """
    if len(text) <= limit:
        return text
    head = (limit - 1) // 3
    return f"{text[:head].rstrip()}…{text[head + 1 - limit :].lstrip()}"


def tidy(results: Results) -> Results:
    """Return the audit with every string cleaned and cut to a length that a page can hold."""
    cleaned: Results = _tidy(results, "")
    return cleaned


def _tidy(value: Any, key: str) -> Any:
    """The same value with clean strings; itself, where they all were."""
    if isinstance(value, str):
        limit = 2000 if key in _LONG_FIELDS else 400 if key in _SENTENCE_FIELDS else 200
        return clip(clean(value), limit)
    if isinstance(value, Record):
        changed = {name: new for name, old in value if (new := _tidy(old, name)) is not old}
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, dict):
        return {_tidy(name, ""): _tidy(item, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = tuple(_tidy(item, key) for item in value)
        return value if all(map(is_, items, value)) else items
    return value


def ascii_only(text: str) -> str:
    """Spell a text in ASCII, for streams that can print nothing else."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def duration(seconds: float) -> str:
    """A time as people say it: ``18 s``, ``4 min``, ``1 h 12 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def with_sign(value: float, digits: int = 2) -> str:
    """A signed number with a true minus: ``+1.13``, ``−0.40``, ``0.00``."""
    text = f"{value:+,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        return text[1:]
    return text.replace("-", "−")


def plain(value: float, digits: int = 2) -> str:
    """A number with thousands separators and a true minus."""
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def count(value: int, one: str, many: str = "") -> str:
    """A count with its noun: ``1 template``, ``1,234 templates``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def times(log_odds: float, unit: str = "nats") -> str:
    """The size of a gap: of log-odds the odds ratio, below 1 as the reverse.

    >>> times(math.log(3.1)), times(math.log(0.455)), times(20.0), times(-0.4, "sd")
    ('3.1', '1/2.2', 'over 1,000', '−0.40')
    """
    if not gap_scale(unit).is_ratio:
        return plain(log_odds)
    if log_odds < 0:
        ratio = times(-log_odds)
        return ratio if ratio == "1.00" else f"1/{ratio.removeprefix('over ')}"
    if log_odds > math.log(1000):
        return "over 1,000"
    odds = math.exp(log_odds)
    if odds >= 9.95:
        return f"{odds:,.0f}"
    return f"{odds:.1f}" if odds >= 1.995 else f"{odds:.2f}"


def size(value: float, unit: str) -> str:
    """The size of a gap with its word, as a sentence has it; a plain number of what is no gap.

    >>> size(math.log(3.1), "nats"), size(0.4, "sd"), size(0.4, "r")
    ('3.1 times', '0.40 standard deviations', '0.400')
    """
    scale = scale_of(unit)
    return plain(value, 3) if scale is None else f"{times(value, unit)} {scale.noun}"


def percent(probability: float) -> str:
    """A probability as per cent with two useful digits: ``12 %``, ``0.031 %``, ``3.1e-7 %``."""
    value = 100 * probability
    if value == 0:
        return "below 1e-300 %"
    if value >= 9.95:
        return f"{value:.0f} %"
    if value >= 0.995:
        return f"{value:.1f} %"
    if value >= 0.00000995:
        digits = 1 - math.floor(math.log10(value))
        return f"{value:.{digits}f} %"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)} %"


def share(value: float) -> str:
    """A share in [0, 1] as whole per cent."""
    return f"{100 * value:.0f} %"


def p_value(value: float) -> str:
    """A p-value: ``0.03``, ``0.003``, ``< 0.001``."""
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"


def bounds(low: float | None, high: float | None, none: str = "") -> str:
    """An interval in brackets, as the tables print it, or what stands for a missing one."""
    return none if low is None or high is None else f"[{plain(low)}, {plain(high)}]"


def slug(text: str) -> str:
    """A fragment name made of letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40].strip("-") or "x"
