"""Checks of how much a primary result can bear, each a record: value, threshold, consequence.

They reuse the cells. What they lead to is a status of the result; judging reads statuses only.
"""

from bias_audit.assess.checks._all import Examination, applied, percentile
from bias_audit.assess.checks._twins import Twins, twins

__all__ = [
    "Examination",
    "Twins",
    "applied",
    "percentile",
    "twins",
]
