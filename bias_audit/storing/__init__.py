"""Keeps scores between runs: what was asked of a model once is not asked again.

A store is a backend around a backend. Its keys are digests of everything that a score depends on,
never a name, so that a changed model finds nothing.
"""

from bias_audit.storing.choice import Cache, CacheChoice, CacheUse
from bias_audit.storing.opening import Kept, keeping, opened
from bias_audit.storing.place import VARIABLE, default_folder

__all__ = [
    "VARIABLE",
    "Cache",
    "CacheChoice",
    "CacheUse",
    "Kept",
    "default_folder",
    "keeping",
    "opened",
]
