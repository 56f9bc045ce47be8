"""The checks of primary results as two tables: how many held, and those that did not."""

from __future__ import annotations

from collections import Counter, defaultdict

from bias_audit.render import _shapes as page
from bias_audit.render import _words as words
from bias_audit.render._index import Index
from bias_audit.render._text import plain
from bias_audit.results import Check, Result

_ROWS = 60
_ORDER = (
    "instrument_failed", "confounded", "p_withheld", "fragile", "incomplete", "unrankable",
    "direction_depends_on_phrasing", "one_target_dominates", "under_powered",
)  # fmt: skip
"""What a reader should meet first."""
_ALWAYS = ("R14",)
"""Checks without a threshold that a reader should see one by one."""


def overview(results: list[Result]) -> page.Table | None:
    """How many comparisons each check held for."""
    found: defaultdict[str, list[Check]] = defaultdict(list)
    for result in results:
        for check in result.checks:
            found[check.id].append(check)
    rows = []
    for code in (
        *(c for c in words.CHECKS if c in found),
        *(c for c in found if c not in words.CHECKS),
    ):
        states = Counter(check.state for check in found[code])
        follows = Counter(check.consequence for check in found[code] if check.consequence)
        rows.append(
            (
                page.Cell(text=words.check(code), long=True),
                *(
                    page.Cell(text=str(states[state]), value=float(states[state]))
                    for state in ("held", "not_held", "described", "not_possible")
                ),
                page.Cell(text=", ".join(map(_plain, follows)) or "nothing", long=True),
            )
        )
    if not rows:
        return None
    head = ("Check", "Held", "Did not hold", "Only describes", "Not possible", "What follows")
    note = "'bias-audit explain R1a' and so on say what each check asks."
    return page.Table(caption="Checks of the comparisons", head=head, rows=tuple(rows), note=note)


def failed(index: Index, results: list[Result]) -> page.Table | None:
    """Checks that did not hold, the gravest first, and what negated sentences say."""
    shown = [
        (result, check)
        for result in results
        for check in result.checks
        if check.state == "not_held" or (check.id in _ALWAYS and check.value is not None)
    ]
    if not shown:
        return None
    shown.sort(key=lambda pair: _rank(pair[1]))
    rows = tuple(
        (
            page.Cell(text=f"{index.title(r.probe)}: {index.versus(r)}", long=True),
            page.Cell(text=words.check(c.id), long=True),
            page.Cell(text="none" if c.value is None else plain(c.value, 3), value=c.value),
            page.Cell(text="none" if c.threshold is None else plain(c.threshold, 3)),
            page.Cell(text=_plain(c.consequence) or "it describes"),
            page.Cell(text=c.note, long=True),
        )
        for r, c in shown[:_ROWS]
    )
    more = len(shown) - _ROWS
    return page.Table(
        caption="Checks that did not hold, and negated sentences",
        head=("Comparison", "Check", "Found", "Threshold", "What follows", "Further"),
        rows=rows,
        note=f"{more} more rows are in results.json." if more > 0 else "",
    )


def unreliable(result: Result) -> str:
    """Why the words of a result must not be ranked; empty where they may."""
    for check in result.checks:
        if check.consequence == "unrankable" and check.value is not None:
            return (
                "Half of the sentences would put these words in another order (split-half "
                f"reliability {plain(check.value)}): none stands out; they are listed by name."
            )
    return ""


def _rank(check: Check) -> int:
    return _ORDER.index(check.consequence) if check.consequence in _ORDER else len(_ORDER)


def _plain(code: str) -> str:
    return code.replace("_", " ")
