"""Keep what is made of scores: results and charts."""

from bias_audit.storing.assessments import Assessments
from bias_audit.storing.drawings import KeptDrawings

__all__ = ["Assessments", "KeptDrawings"]
