"""From scores to results: measures, tests, controls and verdicts of a whole audit."""

from bias_audit.analysis.analyse import Task, assess
from bias_audit.analysis.optional_metrics import add_optional
from bias_audit.analysis.probe_record import build_skip_record

__all__ = ["Task", "add_optional", "assess", "build_skip_record"]
