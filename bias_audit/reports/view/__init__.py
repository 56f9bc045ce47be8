"""Turns an audit into the words and numbers that every kind of page shows."""
