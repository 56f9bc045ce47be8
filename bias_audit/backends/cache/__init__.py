"""Cache responses between runs: what was asked of a model once is not asked again.

Keys are digests of everything that a response depends on, never a name, so that a changed model
finds nothing.
"""

from bias_audit.backends.cache.open import (
    Cache,
    CacheOption,
    CacheStats,
    OpenedModel,
    open_model,
    wrap_with_cache,
)
from bias_audit.backends.cache.store import (
    NAME,
    VARIABLE,
    ScoreStore,
    default_folder,
    switched_off,
)

__all__ = [
    "NAME",
    "VARIABLE",
    "Cache",
    "CacheOption",
    "CacheStats",
    "OpenedModel",
    "ScoreStore",
    "default_folder",
    "open_model",
    "switched_off",
    "wrap_with_cache",
]
