"""From scores to results: measures, tests, controls and verdicts of a whole audit."""

from bias_audit.assess._audit import Assessment, Task, assess
from bias_audit.assess._input import Scored, Settings
from bias_audit.assess._profile import skip_record
from bias_audit.records import OTHERS

__all__ = [
    "OTHERS",
    "Assessment",
    "Scored",
    "Settings",
    "Task",
    "assess",
    "skip_record",
]
