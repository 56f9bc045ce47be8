"""What every part may use: strict YAML, problems of files, atomic writing, shipped data."""
