"""From scores to results: measures, tests, controls and verdicts of a whole audit."""

from bias_audit.assess._audit import Assessment, Task, assess
from bias_audit.assess._input import OTHERS, Scored, Settings

__all__ = ["OTHERS", "Assessment", "Scored", "Settings", "Task", "assess"]
