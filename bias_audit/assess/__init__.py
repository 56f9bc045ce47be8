"""From scores to results: measures, tests, controls and verdicts of a whole audit."""

from bias_audit.assess._audit import Assessment, Task, assess
from bias_audit.assess._input import OTHERS, Scored, Settings
from bias_audit.assess._judge import BLOCKING

__all__ = ["BLOCKING", "OTHERS", "Assessment", "Scored", "Settings", "Task", "assess"]
