"""The results themselves."""

from __future__ import annotations

from bias_audit.reports.formats import Format
from bias_audit.results import results_text

FORMATS = (Format("json", results_text, "results.json"),)
