"""The recipe that trained the bundled reference model: text in, model folder out. See README.md."""
