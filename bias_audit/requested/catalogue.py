"""What each measure and check on request asks and how it is assessed, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bias_audit.requested import embeddings, fills, likelihoods, priors, surface
from bias_audit.requested._base import Request

REQUESTS: Mapping[str, Request] = MappingProxyType(
    {
        request.id: request
        for request in (
            priors.LPBS,
            priors.CBS,
            fills.DISCO,
            likelihoods.PERPLEXITY_GAP,
            embeddings.WEAT,
            embeddings.SEAT,
            embeddings.CEAT,
            surface.SURFACE_FORM,
            likelihoods.NATURALNESS,
        )
    }
)
"""In the order of :data:`bias_audit.requested.listing.LISTED`."""
