"""Readers of published data sets: one module for each kind of file, with what it reads."""
