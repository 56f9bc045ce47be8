"""From scores to results: measures, tests, controls and verdicts of a whole audit."""

from bias_audit.assess._audit import Assessment, Task, assess
from bias_audit.assess._design import Design, scored_groups, target_scope
from bias_audit.assess._families import exploratory
from bias_audit.assess._input import Scored, Settings, WordLists
from bias_audit.assess._profile import skip_record
from bias_audit.assess.checks import wants_priors
from bias_audit.records import OTHERS

__all__ = [
    "OTHERS",
    "Assessment",
    "Design",
    "Scored",
    "Settings",
    "Task",
    "WordLists",
    "assess",
    "exploratory",
    "scored_groups",
    "skip_record",
    "target_scope",
    "wants_priors",
]
