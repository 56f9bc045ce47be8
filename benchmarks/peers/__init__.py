"""This package side by side with other tools that score masked language models."""
