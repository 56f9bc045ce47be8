"""Define the formats of the files that people write: texts, lexicons, templates, probes."""
