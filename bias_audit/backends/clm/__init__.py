"""Passes of causal language models: beginnings that sentences share are read once."""
