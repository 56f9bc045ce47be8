"""Helpers that know nothing of audits."""
