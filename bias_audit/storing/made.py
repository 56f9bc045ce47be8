"""What was made of scores, kept as text: results of audits, and charts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bias_audit.backends.cache.codec import register


@register
@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A text that can be made again, at a price."""

    text: NDArray[np.uint8]
    """Its bytes in UTF-8."""

    @classmethod
    def of(cls, text: str) -> Made:
        """Wrap a text.

        Raises:
            UnicodeEncodeError: it is no Unicode.
        """
        return cls(text=np.frombuffer(text.encode(), dtype=np.uint8))

    def read(self) -> str:
        """The text.

        Raises:
            UnicodeDecodeError: it is no text.
        """
        return self.text.tobytes().decode()


ASSESSMENTS, CHARTS = b"assessments", b"charts"
"""What a store files its texts under, where scores are filed under the digest of a model."""
ABOUT = {ASSESSMENTS: "results that audits made of their scores", CHARTS: "charts of reports"}
"""How ``cache info`` names them."""
