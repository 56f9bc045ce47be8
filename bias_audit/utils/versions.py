"""Versions of this program and of the packages that its numbers rest on."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

__version__ = "0.2.0"

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


@cache
def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter, where installed."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
