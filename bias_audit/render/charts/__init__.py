"""Charts: drawn once, for a page as inline SVG and for papers as SVG, PNG and PDF files."""

from bias_audit.render.charts._canvas import KINDS, draw, file

__all__ = ["KINDS", "draw", "file"]
