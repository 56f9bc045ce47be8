"""Helpers that know nothing of audits: files, versions, text."""
