"""The gates as one table: a row per judged result and per probe that did not run."""

from __future__ import annotations

import csv
import io

from bias_audit.render._entries import WAIVERS, entries
from bias_audit.render._gate_facts import NAMES, facts
from bias_audit.render.csv import cell
from bias_audit.results import Results

COLUMNS = NAMES
"""Names of the columns, in order; an empty cell is a missing value."""


def render(results: Results) -> str:
    """Return the table as CSV with a header, in the order of the audit."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries(results):
        if entry.rule != WAIVERS:
            found = facts(entry)
            writer.writerow([cell(found[name]) for name in COLUMNS])
    return stream.getvalue()
