"""A local page for researchers: try sentences, collect them into a probe, browse stored audits."""
