"""From scores to results: measures, tests, controls and verdicts of a whole audit."""

from bias_audit.assess._audit import Assessment, Task, assess
from bias_audit.assess._optional import add_optional
from bias_audit.assess._profile import skip_record

__all__ = ["Assessment", "Task", "add_optional", "assess", "skip_record"]
