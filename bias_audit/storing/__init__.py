"""Keeps scores between runs: what was asked of a model once is not asked again.

A store is a backend around a backend. Its keys are digests of everything that a score depends on,
never a name, so that a changed model finds nothing. What an audit made of the scores, and charts,
are kept in the same way.
"""

from bias_audit.storing.assessments import Assessments
from bias_audit.storing.choice import Cache, CacheChoice, CacheUse
from bias_audit.storing.drawings import KeptDrawings
from bias_audit.storing.opening import Kept, keeping, opened
from bias_audit.storing.place import VARIABLE, default_folder

__all__ = [
    "VARIABLE",
    "Assessments",
    "Cache",
    "CacheChoice",
    "CacheUse",
    "Kept",
    "KeptDrawings",
    "default_folder",
    "keeping",
    "opened",
]
