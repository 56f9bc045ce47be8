"""From scores to results: measures, tests, controls and verdicts of a whole audit."""

from bias_audit.assess._audit import Assessment, Task, assess
from bias_audit.assess._input import OTHERS, Scored, Settings
from bias_audit.assess._judge import BLOCKING, SILENT, UNCONTROLLED
from bias_audit.assess._profile import skip_record

__all__ = [
    "BLOCKING",
    "OTHERS",
    "SILENT",
    "UNCONTROLLED",
    "Assessment",
    "Scored",
    "Settings",
    "Task",
    "assess",
    "skip_record",
]
