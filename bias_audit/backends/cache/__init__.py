"""Cache responses between runs: what was asked of a model once is not asked again.

Keys are digests of everything that a response depends on, never a name, so that a changed model
finds nothing.
"""

from bias_audit.backends.cache.backend import CachedBackend
from bias_audit.backends.cache.open import (
    Cache,
    CacheOption,
    CacheStats,
    OpenedModel,
    open_model,
    resolve_cache_option,
    wrap_with_cache,
)
from bias_audit.backends.cache.store import (
    NAME,
    VARIABLE,
    ModelUse,
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
    "CachedBackend",
    "ModelUse",
    "OpenedModel",
    "ScoreStore",
    "default_folder",
    "open_model",
    "resolve_cache_option",
    "switched_off",
    "wrap_with_cache",
]
