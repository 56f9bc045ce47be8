"""Checks of how much a primary result can bear, each a record: value, threshold, consequence.

They reuse the cells. What they lead to is a status of the result; judging reads statuses only.
"""

from bias_audit.assess.checks._all import Examination, applied, percentile
from bias_audit.assess.checks._twins import Twins, negated_sets, twins
from bias_audit.assess.checks._words import priors_of, properties, wants_priors, weighted

__all__ = [
    "Examination",
    "Twins",
    "applied",
    "negated_sets",
    "percentile",
    "priors_of",
    "properties",
    "twins",
    "wants_priors",
    "weighted",
]
