"""Checks of how much a primary result can bear, each a record: value, threshold, consequence.

They reuse the cells. What they lead to is a status of the result, most of them notices.
"""

from bias_audit.analysis.robustness.negation import find_twins
from bias_audit.analysis.robustness.run import Examination, with_checks

__all__ = [
    "Examination",
    "find_twins",
    "with_checks",
]
