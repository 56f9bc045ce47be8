"""Simulations that show what the statistics promise, with numbers to read."""
