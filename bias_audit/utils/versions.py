"""Versions of Python and of the packages that can change a number or a picture."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "jinja2",
)
"""Packages whose version can change a number or a picture."""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that matter, where installed."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
