"""From scores to results: the whole audit, checked from outside."""
