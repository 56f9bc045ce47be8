"""One module per output format; each lists its own in ``FORMATS``, with the name of its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Renderer = Callable[..., str]
"""Turns an audit, and its scores where the format shows them, into the text of one file."""


@dataclass(frozen=True, slots=True)
class Format:
    """One output format."""

    name: str
    """As ``--format`` takes it."""
    render: Renderer
    file: str = ""
    """Its name as a file of a run folder; empty where it is never one."""
    evidence: bool = False
    """True where it shows scores of single sentences: ``render`` takes their source too."""
