"""The example audit with measures beside its results."""

from .example import with_companions as example

__all__ = ["example"]
